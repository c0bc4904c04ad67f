import type { IncomingMessage, ServerResponse } from "node:http";
import { crc32, inflateRawSync } from "node:zlib";
import { zip } from "../datasets/cotahist.ts";
import type { Truth } from "./server.ts";

/** How a request is answered. */
export type Behaviour = (told: { truth: Truth; req: IncomingMessage; res: ServerResponse }) => void | Promise<void>;

/** What is there, or 304 where the request's validators say that it is known: If-None-Match goes before the date (RFC 9110, 13.2.2). */
export const honest: Behaviour = ({ truth, req, res }) => {
  const { etag, modified } = truth;
  const validators = { ...(etag ? { etag } : {}), ...(modified ? { "last-modified": modified } : {}) };
  const match = req.headers["if-none-match"];
  const since = req.headers["if-modified-since"];
  const known = match
    ? etag !== undefined && match.split(/,\s*/).some((one) => one.replace(/^W\//, "") === etag)
    : since !== undefined && modified !== undefined && Date.parse(since) >= Date.parse(modified);
  if (truth.status === 200 && known) {
    res.writeHead(304, validators).end();
    return;
  }
  res
    .writeHead(truth.status, { ...validators, "content-type": truth.type, "content-length": truth.bytes.length })
    .end(truth.bytes);
};

/** The truth, altered; validators go with it, for what an origin sends badly it sends with an ETag too. */
export const altered =
  (alter: (truth: Truth) => Partial<Truth>): Behaviour =>
  ({ truth, req, res }) =>
    honest({ truth: { ...truth, ...alter(truth) }, req, res });
export const text = (change: (text: string) => string): Behaviour =>
  altered(({ bytes }) => ({ bytes: Buffer.from(change(Buffer.from(bytes).toString())) }));

export const page = (title: string) =>
  Buffer.from(`<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`);

/** A status with a page of its own, as a CDN sends it; `retryAfter` in seconds or as a date. */
export const status =
  (code: number, retryAfter?: string): Behaviour =>
  ({ res }) => {
    const bytes = page(`Error ${code}`);
    res
      .writeHead(code, {
        "content-type": "text/html",
        "content-length": bytes.length,
        ...(retryAfter ? { "retry-after": retryAfter } : {}),
      })
      .end(bytes);
  };

/** The answer waits until `release` is called; then it is the truth. */
export const gate = (): { behaviour: Behaviour; release: () => void } => {
  let release = () => {};
  const opened = new Promise<void>((done) => {
    release = done;
  });
  return { behaviour: async (told) => opened.then(() => honest(told)), release };
};

/** The start of an answer, of such a length; null: in chunks, which say their end. */
export const begin = (res: ServerResponse, { truth }: { truth: Truth }, length: number | null) =>
  res.writeHead(200, { "content-type": truth.type, ...(length === null ? {} : { "content-length": length }) });

/** Pieces until whoever asks has gone. */
export const endless = async (res: ServerResponse, piece: Uint8Array, everyMs: number) => {
  const gone = new Promise((done) => res.once("close", done));
  while (!res.destroyed) {
    const next = res.write(piece)
      ? new Promise((done) => (everyMs ? setTimeout(done, everyMs) : setImmediate(done)))
      : new Promise((done) => res.once("drain", done));
    await Promise.race([next, gone]);
  }
};

type Json = { page: Record<string, number>; header: Record<string, string | null>; results: Record<string, string>[] };
/** A portfolio's JSON, changed. */
export const json = (change: (answer: Json) => unknown): Behaviour =>
  text((body) => (body ? JSON.stringify(change(JSON.parse(body) as Json)) : body));

/** A portfolio's CSV, which comes in base64, changed. */
export const csv = (change: (text: string) => string): Behaviour =>
  text((body) => Buffer.from(change(Buffer.from(body, "base64").toString("latin1")), "latin1").toString("base64"));

/** A COTAHIST zip whose text is changed, packed again with its right checksum. */
export const repacked = (change: (text: string) => string): Behaviour =>
  altered(({ bytes }) => {
    const packed = Buffer.from(bytes);
    if (packed.readUInt32LE(0) !== 0x04034b50) return {};
    const name = packed.readUInt16LE(26);
    const inside = inflateRawSync(packed.subarray(30 + name, 30 + name + packed.readUInt32LE(18)));
    const data = Buffer.from(change(inside.toString("latin1")), "latin1");
    return { bytes: zip({ name: packed.subarray(30, 30 + name).toString(), data, crc: crc32(data) }) };
  });

/** JSON in a JSON string: B3's own habit, to be read as if it were not. */
export const inString: Behaviour = text((body) => JSON.stringify(body));
