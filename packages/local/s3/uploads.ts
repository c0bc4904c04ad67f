import { randomUUID } from "node:crypto";
import { closeSync } from "node:fs";
import type { State } from "../state.ts";
import type { Bodies } from "./bodies.ts";
import { type Algorithm, algorithmOf, algorithms, type Checksum, headerOf } from "./checksums.ts";
import { refusal } from "./errors.ts";
import { ENCRYPTION, entityOf, isoDate, metadataOf, quoted, refuseUnknownMeaning } from "./headers.ts";
import type { Objects } from "./objects.ts";
import { copyRangeOf } from "./range.ts";
import { numberOf, type Operation, type S3Request } from "./request.ts";
import type { Entity, Metadata } from "./tables.ts";
import { type Tags, tagsOf } from "./tagging.ts";
import { checksumElements, copyBody, openSource, PUT_BYTES, takeBody } from "./writing.ts";

/** AWS: parts of one upload, and their numbers. */
export const PARTS = 10_000;

/** A multipart upload under way: the headers of the object it will be, and the checksum it declares. */
export type Upload = {
  id: string;
  bucket: string;
  key: string;
  started: number;
  headers: Entity;
  metadata: Metadata;
  tags: Tags;
  algorithm: Algorithm | null;
  type: Checksum["type"] | null;
};
export type Part = {
  upload: string;
  number: number;
  body: string;
  size: number;
  etag: string;
  modified: number;
  checksum: Checksum | null;
};

/** The checksum an upload declares. CRC64NVME is of whole objects only, the cryptographic ones of parts only. */
const declared = ({ header }: S3Request): Pick<Upload, "algorithm" | "type"> => {
  const name = header("x-amz-checksum-algorithm");
  const type = header("x-amz-checksum-type")?.toUpperCase();
  if (name === undefined) {
    if (type !== undefined)
      throw refusal(
        "InvalidRequest",
        {},
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
      );
    return { algorithm: null, type: null };
  }
  const algorithm = algorithmOf(name);
  const chosen = type ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  const possible =
    algorithm === "CRC64NVME"
      ? ["FULL_OBJECT"]
      : algorithm.startsWith("CRC")
        ? ["FULL_OBJECT", "COMPOSITE"]
        : ["COMPOSITE"];
  if (!possible.includes(chosen))
    throw refusal(
      "InvalidRequest",
      {},
      `The ${chosen} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: chosen as Checksum["type"] };
};

export type Uploads = ReturnType<typeof uploadsOf>;

/** Uploads under way and their parts; completion.ts makes objects of them. */
export const uploadsOf = (state: State, objects: Objects, bodies: Bodies, now: () => number) => {
  const { db } = state;
  const insert = db.prepare(
    "INSERT INTO s3_uploads (id, bucket, key, started, headers, metadata, tags, algorithm, type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const select = db.prepare("SELECT * FROM s3_uploads WHERE id = ? AND bucket = ? AND key = ?");
  const erase = db.prepare("DELETE FROM s3_uploads WHERE id = ?");
  const partRow = db.prepare("SELECT body FROM s3_parts WHERE upload = ? AND number = ?");
  const partRows = db.prepare("SELECT * FROM s3_parts WHERE upload = ? ORDER BY number");
  const insertPart = db.prepare(
    "INSERT OR REPLACE INTO s3_parts (upload, number, body, size, etag, modified, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );

  const find = ({ bucket, key, query }: S3Request): Upload | null => {
    objects.requireBucket(bucket);
    const row = select.get(query.get("uploadId") ?? "", bucket, key);
    if (!row) return null;
    return {
      ...(row as unknown as Upload),
      headers: JSON.parse(row.headers as string),
      metadata: JSON.parse(row.metadata as string),
      tags: JSON.parse(row.tags as string),
    };
  };
  const require = (request: S3Request): Upload => {
    const upload = find(request);
    if (!upload) throw refusal("NoSuchUpload", { UploadId: request.query.get("uploadId") ?? "" });
    return upload;
  };
  const partsOf = (upload: string): Part[] =>
    partRows
      .all(upload)
      .map((row) => ({ ...(row as unknown as Part), checksum: JSON.parse((row.checksum as string | null) ?? "null") }));

  const CreateMultipartUpload: Operation = (request) => {
    const { bucket, key, header } = request;
    objects.requireBucket(bucket);
    refuseUnknownMeaning(request);
    const { algorithm, type } = declared(request);
    const id = randomUUID().replaceAll("-", "");
    const tags = JSON.stringify(tagsOf(header("x-amz-tagging")));
    insert.run(
      id,
      bucket,
      key,
      now(),
      JSON.stringify(entityOf(request)),
      JSON.stringify(metadataOf(request)),
      tags,
      algorithm,
      type,
    );
    return {
      headers: {
        ...ENCRYPTION,
        "x-amz-checksum-algorithm": algorithm ?? undefined,
        "x-amz-checksum-type": type ?? undefined,
      },
      xml: [
        "InitiateMultipartUploadResult",
        [
          ["Bucket", bucket],
          ["Key", key],
          ["UploadId", id],
        ],
      ],
    };
  };

  /** Acknowledges a part: its body is durable, its row replaces an earlier one of the same number. */
  const keepPart = (request: S3Request, part: Omit<Part, "modified">): number => {
    const modified = now();
    try {
      state.transaction(() => {
        require(request);
        const old = partRow.get(part.upload, part.number);
        insertPart.run(
          part.upload,
          part.number,
          part.body,
          part.size,
          part.etag,
          modified,
          part.checksum && JSON.stringify(part.checksum),
        );
        if (old) state.afterCommit(() => bodies.discard(old.body as string));
      });
    } catch (error) {
      bodies.discard(part.body);
      throw error;
    }
    return modified;
  };

  const partNumberOf = (request: S3Request): number => {
    const number = Number(request.query.get("partNumber"));
    if (Number.isInteger(number) && number >= 1 && number <= PARTS) return number;
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "partNumber", ArgumentValue: request.query.get("partNumber") ?? "" },
      `Part number must be an integer between 1 and ${PARTS}, inclusive`,
    );
  };

  const UploadPart: Operation = async (request) => {
    const number = partNumberOf(request);
    const upload = require(request);
    const given = algorithms.find(
      (a) =>
        request.header(headerOf(a)) !== undefined ||
        request.header("x-amz-trailer")?.trim().toLowerCase() === headerOf(a),
    );
    // Parts of a whole-object checksum may come without one of their own; it is computed.
    const fits =
      given === upload.algorithm || upload.algorithm === null || (given === undefined && upload.type === "FULL_OBJECT");
    if (!fits)
      throw refusal(
        "InvalidRequest",
        {},
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm?.toLowerCase()}, actual checksum Type: ${given?.toLowerCase() ?? "null"}`,
      );
    const { body, size, md5, checksum } = await takeBody(bodies, request, upload.algorithm);
    keepPart(request, { upload: upload.id, number, body, size, etag: md5, checksum });
    return {
      headers: {
        ...ENCRYPTION,
        etag: quoted(md5),
        ...(checksum ? { [headerOf(checksum.algorithm)]: checksum.value } : {}),
      },
    };
  };

  const UploadPartCopy: Operation = async (request) => {
    const number = partNumberOf(request);
    const upload = require(request);
    const { source, fd } = openSource(objects, bodies, request);
    try {
      const range = copyRangeOf(request.header("x-amz-copy-source-range"), source.size);
      const size = range.end - range.start + 1;
      if (size > PUT_BYTES)
        throw refusal(
          "InvalidRequest",
          {},
          `The specified copy source is larger than the maximum allowable size for a copy source: ${PUT_BYTES}`,
        );
      let copied: Awaited<ReturnType<typeof copyBody>> | undefined;
      const body = await bodies.write(async (append) => {
        copied = await copyBody(bodies, fd, range, append, upload.algorithm);
      });
      const { md5, checksum } = copied as NonNullable<typeof copied>;
      const modified = keepPart(request, { upload: upload.id, number, body, size, etag: md5, checksum });
      return {
        headers: ENCRYPTION,
        xml: [
          "CopyPartResult",
          [["LastModified", isoDate(modified)], ["ETag", quoted(md5)], ...checksumElements(checksum).slice(0, 1)],
        ],
      };
    } finally {
      closeSync(fd);
    }
  };

  /** Ends an upload inside the open transaction, if it still is one; its parts' files go after the commit. */
  const close = (request: S3Request): void => {
    const { id } = require(request);
    const rows = partsOf(id);
    erase.run(id);
    state.afterCommit(() => {
      for (const part of rows) bodies.discard(part.body);
    });
  };

  const AbortMultipartUpload: Operation = (request) => {
    state.transaction(() => close(request));
    return { status: 204 };
  };

  const ListParts: Operation = (request) => {
    const upload = require(request);
    const max = numberOf(request, "max-parts", 1000, 0, 1000);
    const after = numberOf(request, "part-number-marker", 0, 0, PARTS);
    const rest = partsOf(upload.id).filter((part) => part.number > after);
    const shown = rest.slice(0, max);
    return {
      xml: [
        "ListPartsResult",
        [
          ["Bucket", upload.bucket],
          ["Key", upload.key],
          ["UploadId", upload.id],
          ["StorageClass", "STANDARD"],
          ["PartNumberMarker", after],
          ["NextPartNumberMarker", shown.at(-1)?.number ?? 0],
          ["MaxParts", max],
          ["IsTruncated", rest.length > shown.length],
          upload.algorithm ? ["ChecksumAlgorithm", upload.algorithm] : null,
          upload.type ? ["ChecksumType", upload.type] : null,
          ...shown.map(
            (part) =>
              [
                "Part",
                [
                  ["PartNumber", part.number],
                  ["LastModified", isoDate(part.modified)],
                  ["ETag", quoted(part.etag)],
                  ["Size", part.size],
                  ...checksumElements(part.checksum).slice(0, 1),
                ],
              ] as const,
          ),
        ],
      ],
    };
  };

  /** All uploads under way are removed with their bucket. */
  const closeAll = (bucket: string): void => {
    for (const { body } of db
      .prepare("SELECT body FROM s3_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE bucket = ?)")
      .all(bucket))
      state.afterCommit(() => bodies.discard(body as string));
    db.prepare("DELETE FROM s3_uploads WHERE bucket = ?").run(bucket);
  };

  return {
    operations: {
      CreateMultipartUpload,
      UploadPart,
      UploadPartCopy,
      AbortMultipartUpload,
      ListParts,
    },
    find,
    require,
    partsOf,
    close,
    closeAll,
  };
};
