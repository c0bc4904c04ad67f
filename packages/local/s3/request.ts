import type { IncomingMessage } from "node:http";
import { refusal } from "./errors.ts";
import type { Range } from "./range.ts";
import type { Xml } from "./xml.ts";

/**
 * A request of S3's REST protocol. `bucket` and `key` are decoded; `header` also finds what a presigned URL carries in
 * its query instead. Signatures are not checked, here or anywhere: whoever reaches the port may do everything.
 */
export type S3Request = {
  id: string;
  method: string;
  bucket: string;
  key: string;
  query: URLSearchParams;
  header: (name: string) => string | undefined;
  http: IncomingMessage;
};

/** What an operation answers. A `file` is closed once it was sent. `text` is XML as it was stored. */
export type Answer = {
  status?: number;
  headers?: Record<string, string | number | undefined>;
  xml?: Xml;
  text?: string;
  file?: Range & { fd: number };
};

export type Operation = (request: S3Request) => Answer | Promise<Answer>;

/** A key's limit, in bytes of UTF-8. */
export const KEY_BYTES = 1024;

/** `bucket.localhost` and `bucket.s3.localhost`; everything else is path style. */
const virtualHost = /^(?<bucket>[a-z0-9][a-z0-9.-]+?)\.(?:s3\.)?localhost(?::\d+)?$/i;

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("InvalidURI", { URI: text });
  }
};

/** Names of headers that a presigned URL's query may not stand in for: the SDK signs the checksum of an empty body into it. */
const headerOnly = /^x-amz-(checksum-|sdk-checksum|content-sha256|trailer|decoded)/;

/** Throws InvalidURI, KeyTooLongError, or AccessDenied for a presigned URL that has expired. */
export const readRequest = (http: IncomingMessage, id: string, now: number): S3Request => {
  const [path = "/", search = ""] = splitOnce(http.url ?? "/", "?");
  const query = new URLSearchParams(search);
  const host = virtualHost.exec(http.headers.host ?? "")?.groups?.bucket;
  const [first, rest] = splitOnce(path.slice(1), "/");
  const bucket = host && host !== "s3" ? host : decode(first ?? "");
  const key = decode(host && host !== "s3" ? path.slice(1) : (rest ?? ""));
  if (Buffer.byteLength(key) > KEY_BYTES)
    throw refusal("KeyTooLongError", { Size: Buffer.byteLength(key), MaxSizeAllowed: KEY_BYTES });
  if (query.has("X-Amz-Signature")) refuseExpired(query, now);
  const hoisted = new Map([...query].map(([name, value]) => [name.toLowerCase(), value]));
  const header = (name: string): string | undefined => {
    const value = http.headers[name];
    if (value !== undefined) return Array.isArray(value) ? value.join(", ") : value;
    return name.startsWith("x-amz-") && !headerOnly.test(name) ? hoisted.get(name) : undefined;
  };
  return { id, method: http.method ?? "GET", bucket, key, query, header, http };
};

const splitOnce = (text: string, separator: string): [string, string | undefined] => {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
};

const refuseExpired = (query: URLSearchParams, now: number): void => {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get("X-Amz-Date") ?? "") ?? [];
  const expires = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) + Number(query.get("X-Amz-Expires")) * 1000;
  if (now > expires) throw refusal("AccessDenied", { Expires: new Date(expires).toISOString() }, "Request has expired");
};

/** A whole number of the query within bounds, else InvalidArgument. */
export const numberOf = (request: S3Request, name: string, fallback: number, least: number, most: number): number => {
  const text = request.query.get(name);
  if (text === null || text === "") return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= 2_147_483_647))
    throw refusal(
      "InvalidArgument",
      { ArgumentName: name, ArgumentValue: text },
      `Argument ${name} must be an integer between ${least} and 2147483647`,
    );
  return Math.min(value, most);
};
