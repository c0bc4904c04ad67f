import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { bucket } from "../core/stage.ts";
import { foreign } from "./foreign.ts";
import type { Aws } from "./index.ts";
import { backOff, isTransient } from "./retry.ts";

/** The logical buckets; their physical names follow from the stage. */
export type Bucket = "origin" | "lake" | "state" | "results";
export type Listed = { key: string; etag: string; size: number };
export type Head = { etag: string; size: number; metadata: Record<string, string>; modified: Date };

type Failure = { name?: string; $metadata?: { httpStatusCode?: number; attempts?: number } };
const status = (error: unknown) => (error as Failure).$metadata?.httpStatusCode;
const unquoted = (etag: string | undefined) => (etag ?? "").replaceAll('"', "");

/** A body that breaks off is asked for again: the SDK tries again only until it has the headers. */
const READS = 4;
const READ_MS = 60_000;

/** An object's bytes, or null if there is none. With `ifMatch`, another version is an error (412). */
export const getBytes = async (
  aws: Aws,
  at: Bucket,
  key: string,
  options: { range?: string; ifMatch?: string } = {},
): Promise<Uint8Array | null> => {
  const until = Date.now() + READ_MS;
  for (let attempt = 0; ; attempt++) {
    const answer = await getObject(aws, at, key, options);
    if (answer === null) return null;
    try {
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (attempt + 1 >= READS || !isTransient(error) || !(await backOff(attempt, until))) throw error;
    }
  }
};

const getObject = async (aws: Aws, at: Bucket, key: string, options: { range?: string; ifMatch?: string }) => {
  try {
    return await aws.s3.send(
      new GetObjectCommand({
        Bucket: bucket(aws.stage, at),
        Key: key,
        ...(options.range ? { Range: options.range } : {}),
        ...(options.ifMatch ? { IfMatch: `"${options.ifMatch}"` } : {}),
      }),
    );
  } catch (error) {
    if (status(error) === 404 && (error as Failure).name === "NoSuchKey") return null;
    throw error;
  }
};

/** A JSON object, or null if there is none. Its shape is the caller's to check. */
export const getJson = async (aws: Aws, at: Bucket, key: string): Promise<unknown> => {
  const bytes = await getBytes(aws, at, key);
  return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
};

/**
 * Creates an object that must not exist: the one conditional write on which claims and publications rest. A race (409)
 * is tried again. An answer that did not come may have been "created": what is then found there is ours if it is the
 * same, and "exists" means that another's is. When the last answer did not come either, it throws: unknown.
 */
export const create = async (
  aws: Aws,
  at: Bucket,
  key: string,
  body: Uint8Array | string,
  metadata: Record<string, string> = {},
): Promise<"created" | "exists"> => {
  for (let attempt = 0; ; attempt++) {
    try {
      await aws.s3.send(
        new PutObjectCommand({
          Bucket: bucket(aws.stage, at),
          Key: key,
          Body: body,
          IfNoneMatch: "*",
          Metadata: metadata,
        }),
      );
      return "created";
    } catch (error) {
      const repeated = attempt > 0 || ((error as Failure).$metadata?.attempts ?? 1) > 1;
      if (status(error) === 412)
        return repeated && (await isThere(aws, at, key, body, metadata)) ? "created" : "exists";
      if (status(error) === 409 && attempt < 8 && (await backOff(attempt, Date.now() + 10_000))) continue;
      throw error;
    }
  }
};

/** Whether an object is the one that we would have made: by its metadata, which say when, or by its content. */
const isThere = async (
  aws: Aws,
  at: Bucket,
  key: string,
  body: Uint8Array | string,
  metadata: Record<string, string>,
): Promise<boolean> => {
  const there = await head(aws, at, key);
  if (there?.size !== Buffer.byteLength(body)) return false;
  const names = Object.keys(metadata);
  if (names.length > 0) return names.every((name) => (there.metadata[name] ?? "") === metadata[name]);
  const bytes = await getBytes(aws, at, key);
  return bytes !== null && Buffer.compare(bytes, Buffer.from(body)) === 0;
};

export const put = async (
  aws: Aws,
  at: Bucket,
  key: string,
  body: Uint8Array | string,
  metadata: Record<string, string> = {},
): Promise<void> => {
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket(aws.stage, at), Key: key, Body: body, Metadata: metadata }));
};

export const head = async (aws: Aws, at: Bucket, key: string): Promise<Head | null> => {
  try {
    const answer = await aws.s3.send(new HeadObjectCommand({ Bucket: bucket(aws.stage, at), Key: key }));
    return {
      etag: unquoted(answer.ETag),
      size: answer.ContentLength ?? 0,
      metadata: answer.Metadata ?? {},
      modified: answer.LastModified ?? new Date(0),
    };
  } catch (error) {
    if (status(error) === 404) return null;
    throw error;
  }
};

/** A page of a list. What is no list is read as an empty one by the SDK; S3's own says how many keys it has. */
const pageOf = async (aws: Aws, asked: ListObjectsV2CommandInput): Promise<ListObjectsV2CommandOutput> => {
  const page = await aws.s3.send(new ListObjectsV2Command(asked));
  if (page.KeyCount === undefined) throw foreign("200 with a document that is no list");
  return page;
};

/** Objects under a prefix in order of key, page by page. */
export async function* list(
  aws: Aws,
  at: Bucket,
  prefix: string,
  options: { after?: string; limit?: number } = {},
): AsyncGenerator<Listed & { modified: Date }> {
  let token: string | undefined;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  do {
    const page = await pageOf(aws, {
      Bucket: bucket(aws.stage, at),
      Prefix: prefix,
      ContinuationToken: token,
      ...(options.after ? { StartAfter: options.after } : {}),
      ...(left < 1000 ? { MaxKeys: left } : {}),
    });
    for (const o of page.Contents ?? []) {
      yield { key: o.Key ?? "", etag: unquoted(o.ETag), size: o.Size ?? 0, modified: o.LastModified ?? new Date(0) };
      if (--left <= 0) return;
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token);
}

/** Copies one version of an object to another key of its bucket. @returns false if there is no such version any more. */
export const copy = async (aws: Aws, at: Bucket, from: { key: string; etag: string }, to: string): Promise<boolean> => {
  const name = bucket(aws.stage, at);
  try {
    const { CopyObjectResult: made } = await aws.s3.send(
      new CopyObjectCommand({
        Bucket: name,
        Key: to,
        CopySource: `${name}/${from.key.split("/").map(encodeURIComponent).join("/")}`,
        CopySourceIfMatch: `"${from.etag}"`,
      }),
    );
    if (!made?.ETag) throw foreign("200 to a copy without an ETag");
    return true;
  } catch (error) {
    if (status(error) === 404 || status(error) === 412) return false;
    throw error;
  }
};

export const remove = async (aws: Aws, at: Bucket, key: string): Promise<void> => {
  await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket(aws.stage, at), Key: key }));
};

/** The folders right under a prefix (which ends in `/`), each with its prefix and a `/` at its end, in order. */
export async function* folders(aws: Aws, at: Bucket, prefix: string): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const page = await pageOf(aws, {
      Bucket: bucket(aws.stage, at),
      Prefix: prefix,
      Delimiter: "/",
      ContinuationToken: token,
    });
    for (const common of page.CommonPrefixes ?? []) yield common.Prefix ?? "";
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token);
}

/** DeleteObjects: at most 1000 keys (API reference). */
export const DELETES = 1000;

/**
 * Removes up to {@link DELETES} objects; one that is not there is removed already. What is refused by key is tried again
 * until `until` (ms since 1970). @returns the keys that are still there, or may be, with the last reason.
 */
export const removeAll = async (
  aws: Aws,
  at: Bucket,
  keys: readonly string[],
  until: number,
): Promise<{ key: string; reason: string }[]> => {
  let left = keys.map((key) => ({ key, reason: "not asked yet" }));
  for (let attempt = 0; left.length > 0; attempt++) {
    const { Errors = [] } = await aws.s3.send(
      new DeleteObjectsCommand({
        Bucket: bucket(aws.stage, at),
        Delete: { Objects: left.map(({ key }) => ({ Key: key })), Quiet: true },
      }),
    );
    left = Errors.map((e) => ({ key: e.Key ?? "", reason: `${e.Code ?? "refused"}: ${e.Message ?? ""}` }));
    if (left.length > 0 && !(await backOff(attempt, until))) break;
  }
  return left;
};
