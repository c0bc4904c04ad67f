import { createHash } from "node:crypto";
import { closeSync } from "node:fs";
import type { State } from "../state.ts";
import type { Append, Bodies } from "./bodies.ts";
import { type Algorithm, algorithmOf, type Checksum, elementOf, hasher } from "./checksums.ts";
import { bare, demandOf, readOutcome } from "./conditions.ts";
import { refusal } from "./errors.ts";
import {
  checksumHeaders,
  ENCRYPTION,
  entityOf,
  isoDate,
  metadataOf,
  quoted,
  refuseUnknownMeaning,
  STORAGE_CLASS,
  storageClassOf,
} from "./headers.ts";
import { type Taken, take, takeText } from "./intake.ts";
import type { Objects } from "./objects.ts";
import type { Range } from "./range.ts";
import { refuseVersion } from "./reading.ts";
import { KEY_BYTES, type Operation, type S3Request } from "./request.ts";
import type { StoredObject } from "./tables.ts";
import { tagsOf } from "./tagging.ts";
import { childrenOf, parseAs, textOf, type Xml } from "./xml.ts";

/** AWS: the largest body of one PUT, part or copy. */
export const PUT_BYTES = 5 * 1024 ** 3;
/** AWS: keys of one DeleteObjects. */
const DELETE_KEYS = 1000;

/** Takes a request's body into a durable file. */
export const takeBody = async (
  bodies: Bodies,
  request: S3Request,
  compute: Algorithm | null = null,
): Promise<Taken & { body: string }> => {
  let taken: Taken | undefined;
  const body = await bodies.write(async (append) => {
    taken = await take(request, PUT_BYTES, append, compute);
  });
  return { ...(taken as Taken), body };
};

/** Copies a range of an open body into `append`, with its MD5 and, if asked for, a checksum. */
export const copyBody = async (
  bodies: Bodies,
  fd: number,
  range: Range,
  append: Append,
  algorithm: Algorithm | null,
): Promise<{ md5: string; checksum: Checksum | null }> => {
  const md5 = createHash("md5");
  const sum = algorithm && hasher(algorithm);
  await bodies.pour(fd, range, async (chunk) => {
    md5.update(chunk);
    sum?.update(chunk);
    await append(chunk);
  });
  return {
    md5: md5.digest("hex"),
    checksum: algorithm && sum ? { algorithm, value: sum.digest().toString("base64"), type: "FULL_OBJECT" } : null,
  };
};

/** The object that `x-amz-copy-source` names, its conditions checked, its body open: what is copied is this version whatever happens to the key. */
export const openSource = (
  objects: Objects,
  bodies: Bodies,
  { header }: S3Request,
): { source: StoredObject; fd: number } => {
  const [path = "", version] = (header("x-amz-copy-source") ?? "").split("?versionId=");
  let decoded: string;
  try {
    decoded = decodeURIComponent(path).replace(/^\//, "");
  } catch {
    decoded = "";
  }
  const at = decoded.indexOf("/");
  if (at < 1 || at === decoded.length - 1)
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "x-amz-copy-source", ArgumentValue: path },
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
    );
  if (version !== undefined && version !== "null")
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "x-amz-copy-source" },
      "Invalid version id specified: buckets are not versioned here",
    );
  const source = objects.require(decoded.slice(0, at), decoded.slice(at + 1));
  if (readOutcome(source, header, "x-amz-copy-source-"))
    throw refusal("PreconditionFailed", { Condition: "x-amz-copy-source-If-*" });
  return { source, fd: bodies.openBody(source) };
};

const directiveOf = ({ header }: S3Request, name: string): "COPY" | "REPLACE" => {
  const value = header(name)?.toUpperCase() ?? "COPY";
  if (value !== "COPY" && value !== "REPLACE")
    throw refusal("InvalidArgument", { ArgumentName: name, ArgumentValue: value }, "Unknown metadata directive.");
  return value;
};

export const checksumElements = (checksum: Checksum | null): Xml[] =>
  checksum
    ? [
        [elementOf(checksum.algorithm), checksum.value],
        ["ChecksumType", checksum.type],
      ]
    : [];

export const writingOf = (state: State, objects: Objects, bodies: Bodies) => {
  const PutObject: Operation = async (request) => {
    const { bucket, key, header } = request;
    refuseUnknownMeaning(request);
    const kept = { headers: entityOf(request), metadata: metadataOf(request), tags: tagsOf(header("x-amz-tagging")) };
    const demand = demandOf(bucket, key, header);
    const release = objects.watch(demand);
    try {
      const { body, size, md5, checksum } = await takeBody(bodies, request);
      objects.create(
        { bucket, key, body, size, etag: md5, checksum, ...kept, upload: null, parts: null },
        "ObjectCreated:Put",
        demand,
      );
      return { headers: { ...ENCRYPTION, etag: quoted(md5), ...checksumHeaders(checksum) } };
    } finally {
      release();
    }
  };

  const CopyObject: Operation = async (request) => {
    const { bucket, key, header } = request;
    refuseUnknownMeaning(request);
    const replaced = { headers: entityOf(request), metadata: metadataOf(request) };
    const replaceMetadata = directiveOf(request, "x-amz-metadata-directive") === "REPLACE";
    const replaceTags = directiveOf(request, "x-amz-tagging-directive") === "REPLACE";
    const asked = header("x-amz-checksum-algorithm");
    const wanted = asked === undefined ? null : algorithmOf(asked);
    const demand = demandOf(bucket, key, header);
    const release = objects.watch(demand);
    try {
      const { source, fd } = openSource(objects, bodies, request);
      try {
        if (source.bucket === bucket && source.key === key && !replaceMetadata && header(STORAGE_CLASS) === undefined)
          throw refusal(
            "InvalidRequest",
            {},
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
          );
        if (source.size > PUT_BYTES)
          throw refusal(
            "InvalidRequest",
            {},
            `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES}`,
          );
        let copied: Awaited<ReturnType<typeof copyBody>> | undefined;
        const body = await bodies.write(async (append) => {
          copied = await copyBody(
            bodies,
            fd,
            { start: 0, end: source.size - 1 },
            append,
            wanted ?? source.checksum?.algorithm ?? null,
          );
        });
        const { md5, checksum } = copied as NonNullable<typeof copied>;
        const storageClass = storageClassOf(request);
        const { [STORAGE_CLASS]: _, ...inherited } = source.headers;
        const object = objects.create(
          {
            bucket,
            key,
            body,
            size: source.size,
            etag: md5,
            checksum,
            headers: replaceMetadata
              ? replaced.headers
              : storageClass
                ? { ...inherited, [STORAGE_CLASS]: storageClass }
                : inherited,
            metadata: replaceMetadata ? replaced.metadata : source.metadata,
            tags: replaceTags ? tagsOf(header("x-amz-tagging")) : source.tags,
            upload: null,
            parts: null,
          },
          "ObjectCreated:Copy",
          demand,
        );
        return {
          headers: ENCRYPTION,
          xml: [
            "CopyObjectResult",
            [["LastModified", isoDate(object.modified)], ["ETag", quoted(md5)], ...checksumElements(checksum)],
          ],
        };
      } finally {
        closeSync(fd);
      }
    } finally {
      release();
    }
  };

  const DeleteObject: Operation = (request) => {
    refuseVersion(request);
    const match = request.header("if-match");
    objects.remove(request.bucket, request.key, match === undefined ? null : bare(match));
    return { status: 204 };
  };

  /** All keys in one transaction; an error of one key is an entry of the answer and touches no other. */
  const DeleteObjects: Operation = async (request) => {
    const { bucket } = request;
    const verified = Object.keys(request.http.headers).some(
      (name) => name === "content-md5" || /^x-amz-(checksum-|trailer)/.test(name),
    );
    if (!verified)
      throw refusal("InvalidRequest", {}, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
    const document = parseAs(await takeText(request), "Delete");
    objects.requireBucket(bucket);
    const named = childrenOf(document, "Object").map((o) => ({
      key: textOf(o, "Key") ?? "",
      etag: textOf(o, "ETag"),
      version: textOf(o, "VersionId"),
    }));
    if (named.length === 0 || named.length > DELETE_KEYS || named.some(({ key }) => key === ""))
      throw refusal("MalformedXML");
    const quiet = textOf(document, "Quiet")?.toLowerCase() === "true";
    const results = state.transaction(() =>
      named.map(({ key, etag, version }): Xml | null => {
        const failed = (code: string, message: string): Xml => [
          "Error",
          [
            ["Key", key],
            ["Code", code],
            ["Message", message],
          ],
        ];
        if (version !== undefined && version !== "null")
          return failed("NoSuchVersion", "The specified version does not exist.");
        if (Buffer.byteLength(key) > KEY_BYTES) return failed("KeyTooLongError", "Your key is too long");
        if (etag !== undefined) {
          const current = objects.find(bucket, key);
          if (!current) return failed("NoSuchKey", "The specified key does not exist.");
          if (bare(etag) !== "*" && bare(etag) !== current.etag)
            return failed("PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
        }
        objects.remove(bucket, key);
        return quiet ? null : ["Deleted", [["Key", key]]];
      }),
    );
    return { xml: ["DeleteResult", results] };
  };

  return { PutObject, CopyObject, DeleteObject, DeleteObjects };
};
