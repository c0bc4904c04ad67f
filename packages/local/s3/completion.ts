import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import type { Bodies } from "./bodies.ts";
import { type Algorithm, algorithms, type Checksum, composite, elementOf, hasher, headerOf } from "./checksums.ts";
import { bare, demandOf } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { ENCRYPTION, quoted } from "./headers.ts";
import { takeText } from "./intake.ts";
import type { Objects } from "./objects.ts";
import type { Operation, S3Request } from "./request.ts";
import type { PartRecord, StoredObject } from "./tables.ts";
import { PARTS, type Part, type Upload, type Uploads } from "./uploads.ts";
import { checksumElements } from "./writing.ts";
import { childrenOf, type Element, parseAs, textOf } from "./xml.ts";

/** AWS: every part but the last. */
const PART_BYTES = 5 * 1024 ** 2;

type Named = { number: number; etag: string; checksum: string | null };

/** The parts a completion names, in ascending order. Throws MalformedXML, InvalidPartOrder. */
const namedParts = (document: Element): Named[] => {
  const parts = childrenOf(document, "Part").map((part) => ({
    number: Number(textOf(part, "PartNumber")),
    etag: bare(textOf(part, "ETag") ?? ""),
    checksum: algorithms.map((a) => textOf(part, elementOf(a))).find((value) => value !== undefined) ?? null,
  }));
  if (
    parts.length === 0 ||
    parts.length > PARTS ||
    parts.some((p) => !Number.isInteger(p.number) || p.number < 1 || p.etag === "")
  )
    throw refusal("MalformedXML");
  if (parts.some((part, i) => i > 0 && part.number <= parts[i - 1]!.number)) throw refusal("InvalidPartOrder");
  return parts;
};

/** Joins what a completion names with what was uploaded. Throws InvalidPart, EntityTooSmall, InvalidRequest. */
export const matchParts = (
  upload: Pick<Upload, "id" | "algorithm" | "type">,
  named: Named[],
  uploaded: ReadonlyMap<number, Part>,
): Part[] => {
  const parts = named.map(({ number, etag, checksum }) => {
    const part = uploaded.get(number);
    if (!part || part.etag !== etag || (checksum !== null && part.checksum && part.checksum.value !== checksum))
      throw refusal("InvalidPart", { UploadId: upload.id, PartNumber: number, ETag: etag });
    if (upload.type === "COMPOSITE" && checksum === null)
      throw refusal(
        "InvalidRequest",
        {},
        `The upload was created using a ${upload.algorithm?.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${number} in the request.`,
      );
    return part;
  });
  for (const { number, etag, size } of parts.slice(0, -1))
    if (size < PART_BYTES)
      throw refusal("EntityTooSmall", {
        ProposedSize: size,
        MinSizeAllowed: PART_BYTES,
        PartNumber: number,
        ETag: etag,
      });
  return parts;
};

/** A multipart ETag: the MD5 of the parts' MD5s and their number. */
export const multipartEtag = (etags: readonly string[]): string => {
  const md5 = createHash("md5");
  for (const etag of etags) md5.update(Buffer.from(etag, "hex"));
  return `${md5.digest("hex")}-${etags.length}`;
};

/** An upload becomes an object. */
export const completionOf = (objects: Objects, bodies: Bodies, { find, require, partsOf, close }: Uploads) => {
  /** Writes the parts, one after another, into a new body; also their checksum as one object, if asked for. */
  const assemble = async (
    request: S3Request,
    parts: Part[],
    algorithm: Algorithm | null,
  ): Promise<{ body: string; checksum: Checksum | null }> => {
    const sum = algorithm && hasher(algorithm);
    const body = await bodies.write(async (append) => {
      for (const part of parts) {
        let fd: number;
        try {
          fd = openSync(bodies.staged(part.body), "r");
        } catch (error) {
          require(request); // aborted or completed meanwhile: NoSuchUpload
          throw error;
        }
        try {
          await bodies.pour(fd, { start: 0, end: part.size - 1 }, async (chunk) => {
            sum?.update(chunk);
            await append(chunk);
          });
        } finally {
          closeSync(fd);
        }
      }
    });
    return {
      body,
      checksum: algorithm && sum ? { algorithm, value: sum.digest().toString("base64"), type: "FULL_OBJECT" } : null,
    };
  };

  const completed = (request: S3Request, object: StoredObject) => ({
    headers: ENCRYPTION,
    xml: [
      "CompleteMultipartUploadResult",
      [
        ["Location", `http://${request.http.headers.host ?? "localhost"}/${object.bucket}/${object.key}`],
        ["Bucket", object.bucket],
        ["Key", object.key],
        ["ETag", quoted(object.etag)],
        ...checksumElements(object.checksum),
      ],
    ] as const,
  });

  const CompleteMultipartUpload: Operation = async (request) => {
    const { bucket, key, header } = request;
    const named = namedParts(
      parseAs(await takeText(withoutObjectChecksum(request)), "CompleteMultipartUpload", "MultipartUpload"),
    );
    const upload = find(request);
    if (!upload) {
      // The answer to an earlier completion may have been lost: the same question gets the same answer.
      const object = objects.find(bucket, key);
      if (object?.upload === request.query.get("uploadId") && object?.etag === multipartEtag(named.map((p) => p.etag)))
        return completed(request, object);
      throw refusal("NoSuchUpload", { UploadId: request.query.get("uploadId") ?? "" });
    }
    const demand = demandOf(bucket, key, header);
    const release = objects.watch(demand);
    try {
      const parts = matchParts(upload, named, new Map(partsOf(upload.id).map((part) => [part.number, part])));
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      const said = header("x-amz-mp-object-size");
      if (said !== undefined && Number(said) !== size)
        throw refusal(
          "InvalidRequest",
          {},
          `The provided 'x-amz-mp-object-size' header value ${said} does not match what was computed: ${size}`,
        );
      const { body, checksum: whole } = await assemble(
        request,
        parts,
        upload.type === "FULL_OBJECT" ? upload.algorithm : null,
      );
      const checksum =
        upload.type === "COMPOSITE" && upload.algorithm
          ? composite(
              upload.algorithm,
              parts.map((part) => part.checksum?.value ?? ""),
            )
          : whole;
      const claim = checksum && header(headerOf(checksum.algorithm));
      if (checksum && claim && bareComposite(claim) !== bareComposite(checksum.value)) {
        bodies.discard(body);
        throw refusal(
          "BadDigest",
          {},
          `The ${checksum.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
        );
      }
      const records: PartRecord[] = parts.map((part) => ({
        number: part.number,
        size: part.size,
        checksum: upload.algorithm ? (part.checksum?.value ?? null) : null,
      }));
      const object = objects.create(
        {
          bucket,
          key,
          body,
          size,
          etag: multipartEtag(parts.map((p) => p.etag)),
          checksum,
          headers: upload.headers,
          metadata: upload.metadata,
          tags: upload.tags,
          upload: upload.id,
          parts: records,
        },
        "ObjectCreated:CompleteMultipartUpload",
        demand,
        () => close(request),
      );
      return completed(request, object);
    } finally {
      release();
    }
  };

  return { CompleteMultipartUpload };
};

/** `<base64>-<parts>` without the number, which clients may leave out. */
const bareComposite = (value: string): string => value.replace(/-\d+$/, "");

/** On a completion the checksum headers are about the object, not about the XML that names the parts. */
const withoutObjectChecksum = (request: S3Request): S3Request => ({
  ...request,
  header: (name) => (/^x-amz-(checksum-|sdk-checksum)/.test(name) ? undefined : request.header(name)),
});
