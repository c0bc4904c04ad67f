import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { bucket } from "../core/stage.ts";
import type { Aws } from "./index.ts";
import { backOff } from "./retry.ts";

/** The logical buckets; their physical names follow from the stage. */
export type Bucket = "origin" | "lake" | "state" | "results";
export type Listed = { key: string; etag: string; size: number };
export type Head = { etag: string; size: number; metadata: Record<string, string>; modified: Date };

type Failure = { name?: string; $metadata?: { httpStatusCode?: number } };
const status = (error: unknown) => (error as Failure).$metadata?.httpStatusCode;
const unquoted = (etag: string | undefined) => (etag ?? "").replaceAll('"', "");

/** An object's bytes, or null if there is none. With `ifMatch`, another version is an error (412). */
export const getBytes = async (
  aws: Aws,
  at: Bucket,
  key: string,
  options: { range?: string; ifMatch?: string } = {},
): Promise<Uint8Array | null> => {
  try {
    const answer = await aws.s3.send(
      new GetObjectCommand({
        Bucket: bucket(aws.stage, at),
        Key: key,
        ...(options.range ? { Range: options.range } : {}),
        ...(options.ifMatch ? { IfMatch: `"${options.ifMatch}"` } : {}),
      }),
    );
    return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
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
 * is tried again. After an answer that did not come, "exists" may mean our own write: the caller compares the content.
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
      if (status(error) === 412) return "exists";
      if (status(error) === 409 && attempt < 8 && (await backOff(attempt, Date.now() + 10_000))) continue;
      throw error;
    }
  }
};

export const put = async (aws: Aws, at: Bucket, key: string, body: Uint8Array | string): Promise<void> => {
  await aws.s3.send(new PutObjectCommand({ Bucket: bucket(aws.stage, at), Key: key, Body: body }));
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
    const page = await aws.s3.send(
      new ListObjectsV2Command({
        Bucket: bucket(aws.stage, at),
        Prefix: prefix,
        ContinuationToken: token,
        ...(options.after ? { StartAfter: options.after } : {}),
        ...(left < 1000 ? { MaxKeys: left } : {}),
      }),
    );
    for (const o of page.Contents ?? []) {
      yield { key: o.Key ?? "", etag: unquoted(o.ETag), size: o.Size ?? 0, modified: o.LastModified ?? new Date(0) };
      if (--left <= 0) return;
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token);
}

export const remove = async (aws: Aws, at: Bucket, key: string): Promise<void> => {
  await aws.s3.send(new DeleteObjectCommand({ Bucket: bucket(aws.stage, at), Key: key }));
};
