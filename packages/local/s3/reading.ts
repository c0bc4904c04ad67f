import { closeSync } from "node:fs";
import type { Bodies } from "./bodies.ts";
import { elementOf } from "./checksums.ts";
import { readOutcome } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { checksumHeaders, httpDate, objectHeaders, quoted, STORAGE_CLASS } from "./headers.ts";
import type { Objects } from "./objects.ts";
import { type Range, rangeOf } from "./range.ts";
import { type Answer, numberOf, type Operation, type S3Request } from "./request.ts";
import type { StoredObject } from "./tables.ts";
import type { Xml } from "./xml.ts";

/** `response-*` parameters of the query replace these headers of the answer. */
const overrides = [
  "content-type",
  "content-language",
  "expires",
  "cache-control",
  "content-disposition",
  "content-encoding",
];

/** The only version there is: buckets are not versioned. */
export const refuseVersion = ({ query, key }: S3Request): void => {
  const version = query.get("versionId");
  if (version === null || version === "null") return;
  throw refusal(
    "InvalidArgument",
    { ArgumentName: "versionId", ArgumentValue: version, Key: key },
    "Invalid version id specified: buckets are not versioned here",
  );
};

/** The bytes of one part. A part that an object has not is answered with 416; an object put whole has one. */
const partRange = (object: StoredObject, number: number): Range => {
  const parts = object.parts ?? [{ number: 1, size: object.size }];
  let start = 0;
  for (const part of parts) {
    if (part.number === number) return { start, end: start + part.size - 1 };
    start += part.size;
  }
  throw refusal("InvalidPartNumber", { ActualPartCount: parts.length, PartNumberRequested: number });
};

export const readingOf = (objects: Objects, bodies: Bodies) => {
  /** HEAD without `fd`s, GET with: everything else is the same. */
  const answer = (request: S3Request, open: boolean): Answer => {
    const { bucket, key, query, header } = request;
    refuseVersion(request);
    const object = objects.require(bucket, key);
    const outcome = readOutcome(object, header);
    if (outcome && "failed" in outcome) throw refusal("PreconditionFailed", { Condition: outcome.failed });
    if (outcome)
      return { status: 304, headers: { etag: quoted(object.etag), "last-modified": httpDate(object.modified) } };
    const part = query.has("partNumber") ? numberOf(request, "partNumber", 1, 1, 10_000) : null;
    if (part !== null && header("range") !== undefined)
      throw refusal("InvalidRequest", {}, "Cannot specify both Range header and partNumber query parameter");
    const range = part === null ? rangeOf(header("range"), object.size) : partRange(object, part);
    const { start, end } = range ?? { start: 0, end: object.size - 1 };
    const headers = objectHeaders(object);
    for (const name of overrides) {
      const value = query.get(`response-${name}`);
      if (value !== null) headers[name] = value;
    }
    // A checksum is about the whole object.
    if (!range && header("x-amz-checksum-mode")?.toUpperCase() === "ENABLED")
      Object.assign(headers, checksumHeaders(object.checksum));
    if (part !== null && object.parts) headers["x-amz-mp-parts-count"] = object.parts.length;
    headers["content-length"] = end - start + 1;
    if (range && end >= start) headers["content-range"] = `bytes ${start}-${end}/${object.size}`;
    const partial = range !== null && end >= start;
    if (!open) return { status: partial ? 206 : 200, headers };
    return { status: partial ? 206 : 200, headers, file: { fd: bodies.openBody(object), start, end } };
  };

  const GetObject: Operation = (request) => answer(request, true);
  const HeadObject: Operation = (request) => answer(request, false);

  const GetObjectAttributes: Operation = (request) => {
    refuseVersion(request);
    const object = objects.require(request.bucket, request.key);
    const outcome = readOutcome(object, request.header);
    if (outcome) throw refusal("PreconditionFailed");
    const asked = new Set(
      (request.header("x-amz-object-attributes") ?? "")
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    );
    if (asked.size === 0)
      throw refusal(
        "InvalidArgument",
        { ArgumentName: "x-amz-object-attributes" },
        "Object attributes must be specified",
      );
    const { checksum, parts } = object;
    const sum = (value: string | null): Xml[] =>
      checksum && value ? [[elementOf(checksum.algorithm), value.replace(/-\d+$/, "")]] : [];
    const content: (Xml | null)[] = [
      asked.has("ETag") ? ["ETag", object.etag] : null,
      asked.has("Checksum") && checksum
        ? ["Checksum", [...sum(checksum.value), ["ChecksumType", checksum.type]]]
        : null,
      asked.has("ObjectParts") && parts
        ? checksum
          ? partsElement(
              request,
              parts.map((p) => ["Part", [["PartNumber", p.number], ["Size", p.size], ...sum(p.checksum)]]),
              parts,
            )
          : ["ObjectParts", [["PartsCount", parts.length]]]
        : null,
      asked.has("StorageClass") ? ["StorageClass", object.headers[STORAGE_CLASS] ?? "STANDARD"] : null,
      asked.has("ObjectSize") ? ["ObjectSize", object.size] : null,
    ];
    return { headers: { "last-modified": httpDate(object.modified) }, xml: ["GetObjectAttributesResponse", content] };
  };

  return { GetObject, HeadObject, GetObjectAttributes };
};

const partsElement = ({ header }: S3Request, elements: Xml[], parts: { number: number }[]): Xml => {
  const after = Number(header("x-amz-part-number-marker") ?? 0);
  const max = Math.min(Number(header("x-amz-max-parts") ?? 1000), 1000);
  const from = parts.findIndex((p) => p.number > after);
  const shown = from < 0 ? [] : elements.slice(from, from + max);
  const last = parts[from + shown.length - 1]?.number ?? after;
  return [
    "ObjectParts",
    [
      ["PartNumberMarker", after],
      ["NextPartNumberMarker", last],
      ["MaxParts", max],
      ["IsTruncated", from >= 0 && from + shown.length < parts.length],
      ["PartsCount", parts.length],
      ...shown,
    ],
  ];
};

/** Closes a body that is not going to be sent. */
export const closeFile = ({ file }: Answer): void => {
  if (file) closeSync(file.fd);
};
