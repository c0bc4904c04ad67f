import { createHash } from "node:crypto";
import { type Algorithm, algorithmOf, algorithms, type Checksum, type Hasher, hasher, headerOf } from "./checksums.ts";
import { dechunk } from "./chunked.ts";
import { refusal } from "./errors.ts";
import type { S3Request } from "./request.ts";

/** What is known of a body once all of it has arrived and everything the client said about it was found true. */
export type Taken = { size: number; md5: string; checksum: Checksum | null };

/** The checksum the client announces: in a header, or after the body in a trailer. */
const announced = ({ header }: S3Request): { algorithm: Algorithm; value: string | null } | null => {
  const given = algorithms.flatMap((algorithm) => {
    const value = header(headerOf(algorithm));
    return value === undefined ? [] : [{ algorithm, value }];
  });
  if (given.length > 1)
    throw refusal(
      "InvalidRequest",
      {},
      "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    );
  if (given[0]) {
    const bytes = Buffer.from(given[0].value, "base64");
    if (bytes.length !== hasher(given[0].algorithm).digest().length)
      throw refusal("InvalidRequest", {}, `Value for ${headerOf(given[0].algorithm)} header is invalid.`);
    return given[0];
  }
  const [, trailer] = /^x-amz-checksum-(.+)$/.exec(header("x-amz-trailer")?.trim().toLowerCase() ?? "") ?? [];
  if (trailer) return { algorithm: algorithmOf(trailer), value: null };
  const named = header("x-amz-sdk-checksum-algorithm");
  if (named === undefined) return null;
  algorithmOf(named);
  throw refusal(
    "InvalidRequest",
    {},
    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
  );
};

/** The number of bytes the client says the body has, without any chunk headers. */
const announcedLength = ({ header }: S3Request, chunked: boolean): number => {
  const text = header(chunked ? "x-amz-decoded-content-length" : "content-length");
  if (text === undefined && !chunked && header("transfer-encoding") !== undefined)
    throw refusal(
      "NotImplemented",
      { Header: "Transfer-Encoding" },
      "A header you provided implies functionality that is not implemented: Transfer-Encoding",
    );
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw refusal("MissingContentLength");
  return Number(text);
};

/**
 * Takes a request's body, piece by piece, with constant memory, and verifies its length, Content-MD5, the digest in
 * `x-amz-content-sha256` and the announced checksum. `compute` asks for a checksum that the client did not give. The
 * connection survives a refusal. Throws EntityTooLarge, MissingContentLength, IncompleteBody, BadDigest, InvalidDigest,
 * MalformedTrailerError, XAmzContentSHA256Mismatch.
 */
export const take = async (
  request: S3Request,
  limit: number,
  append: (chunk: Uint8Array) => Promise<void> | void,
  compute: Algorithm | null = null,
): Promise<Taken> => {
  const { header, http } = request;
  const sha256 = header("x-amz-content-sha256") ?? "";
  const chunked = sha256.startsWith("STREAMING-") || /(^|,)\s*aws-chunked/.test(header("content-encoding") ?? "");
  const length = announcedLength(request, chunked);
  if (length > limit) throw refusal("EntityTooLarge", { ProposedSize: length, MaxSizeAllowed: limit });
  const checksum = announced(request);
  const contentMd5 = header("content-md5");
  if (contentMd5 !== undefined && Buffer.from(contentMd5, "base64").length !== 16)
    throw refusal("InvalidDigest", { "Content-MD5": contentMd5 }, "The Content-MD5 you specified was invalid.");

  const md5 = createHash("md5");
  const algorithm = checksum?.algorithm ?? compute;
  const sum: Hasher | null = algorithm && hasher(algorithm);
  const content = /^[0-9a-f]{64}$/.test(sha256) ? createHash("sha256") : null;
  const trailers = new Map<string, string>();
  // The iterator must not destroy the request when we refuse: the client has yet to read the answer.
  const source: AsyncIterable<Buffer> = http.iterator({ destroyOnReturn: false });
  let size = 0;
  for await (const chunk of chunked ? dechunk(source, trailers) : source) {
    size += chunk.length;
    if (size > length) throw refusal("IncompleteBody");
    md5.update(chunk);
    sum?.update(chunk);
    content?.update(chunk);
    await append(chunk);
  }
  if (size !== length) throw refusal("IncompleteBody");

  const digest = md5.digest();
  if (contentMd5 !== undefined && !Buffer.from(contentMd5, "base64").equals(digest))
    throw refusal(
      "BadDigest",
      { ExpectedDigest: contentMd5, CalculatedDigest: digest.toString("base64") },
      "The Content-MD5 you specified did not match what we received.",
    );
  if (content && content.digest("hex") !== sha256)
    throw refusal("XAmzContentSHA256Mismatch", { ClientComputedContentSHA256: sha256 });
  const value = sum?.digest().toString("base64");
  if (checksum) {
    const said = checksum.value ?? trailers.get(headerOf(checksum.algorithm));
    if (said === undefined) throw refusal("MalformedTrailerError");
    if (said !== value)
      throw refusal("BadDigest", {}, `The ${checksum.algorithm} you specified did not match the calculated checksum.`);
  }
  return {
    size,
    md5: digest.toString("hex"),
    checksum: algorithm && value !== undefined ? { algorithm, value, type: "FULL_OBJECT" } : null,
  };
};

/** More than any XML document that S3 takes needs: 10,000 parts with their checksums. */
const DOCUMENT_BYTES = 4 * 1024 * 1024;

/** A request's body as text, verified like an object's. */
export const takeText = async (request: S3Request): Promise<string> => {
  const pieces: Uint8Array[] = [];
  if (request.header("content-length") === undefined && request.header("transfer-encoding") === undefined) return "";
  await take(request, DOCUMENT_BYTES, (chunk) => void pieces.push(chunk));
  return Buffer.concat(pieces).toString();
};
