import { gzipSync } from "node:zlib";
import { files } from "./bad-files.ts";
import { altered, type Behaviour, begin, endless, page, status } from "./behaviours.ts";

export { altered, type Behaviour, gate, honest, inString, json, repacked, status, text } from "./behaviours.ts";

/**
 * Every bad answer of B3: what goes wrong on the way here, what is no such file in ./bad-files.ts.
 *
 * `of`: which answers it can be: any, a zip, a portfolio's JSON, or its CSV in base64. `ends` is what must become of it when it is all that
 * ever comes: `retried` (asked for again, then reported), `refused` (for good at once: asking again cannot help),
 * `absent` (the origin's way of saying there is no such file), `rejected` (whole bytes that are no whole file).
 */
export type Bad = {
  means: string;
  of: "any" | "zip" | "json" | "csv";
  ends: "retried" | "refused" | "absent" | "rejected";
  /** Of the error that is reported; absent: each format has its own. */
  code?: string;
  behaviour: Behaviour;
};

const all = <K extends string>(bad: Record<K, Bad>): Record<K, Bad> => bad;

export const bad = all({
  notFound: { means: "404", of: "any", ends: "absent", behaviour: status(404) },
  empty: {
    means: "200 with nothing",
    of: "any",
    ends: "absent",
    behaviour: altered(() => ({ status: 200, bytes: Buffer.alloc(0) })),
  },
  page: {
    means: "200 with a page in place of the file",
    of: "any",
    ends: "absent",
    behaviour: altered(() => ({ status: 200, type: "text/html", bytes: page("Arquivo não encontrado") })),
  },
  gone: { means: "410", of: "any", ends: "refused", code: "origin_status", behaviour: status(410) },
  forbidden: { means: "403", of: "any", ends: "refused", code: "origin_status", behaviour: status(403) },
  cdn: { means: "520 of the CDN", of: "any", ends: "retried", code: "origin_status", behaviour: status(520) },
  busy: {
    means: "503 with Retry-After",
    of: "any",
    ends: "retried",
    code: "origin_status",
    behaviour: status(503, "0"),
  },
  tooMany: {
    means: "429 with Retry-After",
    of: "any",
    ends: "retried",
    code: "origin_status",
    behaviour: status(429, "0"),
  },
  other: {
    means: "200 with bytes that are something else",
    of: "any",
    ends: "retried",
    behaviour: altered(() => ({
      type: "application/octet-stream",
      bytes: Buffer.from("\x01\x02\x03 not what was asked for"),
    })),
  },
  hungUp: {
    means: "no answer, the connection closed",
    of: "any",
    ends: "retried",
    code: "origin_unreachable",
    behaviour: ({ req }) => void req.socket.destroy(),
  },
  cut: {
    means: "a body cut in the middle, short of its Content-Length",
    of: "any",
    ends: "retried",
    code: "origin_length",
    behaviour: (told) => {
      const { bytes } = told.truth;
      begin(told.res, told, bytes.length).write(bytes.subarray(0, bytes.length >> 1), () => told.res.destroy());
    },
  },
  cutChunks: {
    means: "a chunked body without its end",
    of: "any",
    ends: "retried",
    code: "origin_length",
    behaviour: (told) => {
      const { bytes } = told.truth;
      begin(told.res, told, null).write(bytes.subarray(0, bytes.length >> 1), () => told.res.destroy());
    },
  },
  longer: {
    means: "a Content-Length that is more than what comes, then silence",
    of: "any",
    ends: "retried",
    code: "origin_slow",
    behaviour: (told) => {
      const { bytes } = told.truth;
      begin(told.res, told, bytes.length + 1000).write(bytes);
    },
  },
  shorter: {
    means: "a Content-Length that is less than what comes",
    of: "any",
    ends: "retried",
    code: "origin_length",
    behaviour: ({ truth, req }) => {
      const length = truth.bytes.length - 10;
      req.socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${truth.type}\r\ncontent-length: ${length}\r\n\r\n`),
          truth.bytes,
        ]),
      );
    },
  },
  truncated: {
    means: "half of the file, with a Content-Length that agrees",
    of: "any",
    ends: "retried",
    behaviour: altered(({ bytes }) => ({ bytes: bytes.subarray(0, bytes.length >> 1) })),
  },
  stalled: {
    means: "headers, then silence",
    of: "any",
    ends: "retried",
    code: "origin_slow",
    behaviour: (told) => void begin(told.res, told, told.truth.bytes.length).flushHeaders(),
  },
  drip: {
    means: "a slow drip: a byte now and then, without end",
    of: "any",
    ends: "retried",
    code: "origin_slow",
    behaviour: async (told) => {
      begin(told.res, told, null);
      await endless(told.res, Buffer.from("P"), 20);
    },
  },
  huge: {
    means: "a body without end",
    of: "any",
    ends: "refused",
    code: "too_large",
    behaviour: async (told) => {
      begin(told.res, told, null);
      await endless(told.res, Buffer.alloc(1024 ** 2, "P"), 0);
    },
  },
  hugeLength: {
    means: "a Content-Length of 8 GB",
    of: "any",
    ends: "refused",
    code: "too_large",
    behaviour: (told) => void begin(told.res, told, 8e9).write(told.truth.bytes),
  },
  bomb: {
    means: "a gzip of little that unpacks without measure",
    of: "any",
    ends: "refused",
    code: "too_large",
    behaviour: ({ res, truth }) => {
      const bytes = gzipped();
      res
        .writeHead(200, { "content-type": truth.type, "content-encoding": "gzip", "content-length": bytes.length })
        .end(bytes);
    },
  },
  redirectLoop: {
    means: "a redirect to itself",
    of: "any",
    ends: "refused",
    code: "origin_redirects",
    behaviour: ({ req, res }) => void res.writeHead(302, { location: req.url }).end(),
  },
  redirectFar: {
    means: "redirects without end, each to another address",
    of: "any",
    ends: "refused",
    code: "origin_redirects",
    behaviour: ({ req, res }) => void res.writeHead(302, { location: `${req.url}x` }).end(),
  },

  redirectDown: {
    means: "a redirect to http, where anybody may answer",
    of: "any",
    ends: "refused",
    code: "origin_redirects",
    behaviour: ({ res }) => void res.writeHead(302, { location: "http://elsewhere.example/file.zip" }).end(),
  },
  redirectFile: {
    means: "a redirect to a file of this machine",
    of: "any",
    ends: "refused",
    code: "origin_redirects",
    behaviour: ({ res }) => void res.writeHead(302, { location: "file:///etc/passwd" }).end(),
  },
  forLong: {
    means: "429 with a Retry-After of a day",
    of: "any",
    ends: "refused",
    code: "origin_status",
    behaviour: status(429, "86400"),
  },
  notModified: {
    means: "304 to a request without validators",
    of: "any",
    ends: "retried",
    code: "origin_status",
    behaviour: ({ res }) => void res.writeHead(304).end(),
  },
  partial: {
    means: "206 with a part",
    of: "any",
    ends: "retried",
    code: "origin_status",
    behaviour: ({ truth, res }) =>
      void res.writeHead(206, { "content-type": truth.type }).end(truth.bytes.subarray(0, 100)),
  },
  noContent: {
    means: "204",
    of: "any",
    ends: "retried",
    code: "origin_status",
    behaviour: ({ res }) => void res.writeHead(204).end(),
  },
  broken: { means: "500", of: "any", ends: "retried", code: "origin_status", behaviour: status(500) },
  notHttp: {
    means: "an answer that is not HTTP",
    of: "any",
    ends: "retried",
    code: "origin_unreachable",
    behaviour: ({ req }) => void req.socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
  },
  hugeHeaders: {
    means: "headers of a megabyte",
    of: "any",
    ends: "retried",
    code: "origin_unreachable",
    behaviour: ({ req }) => void req.socket.end(`HTTP/1.1 200 OK\r\nx-long: ${"x".repeat(1024 ** 2)}\r\n\r\n`),
  },
  notGzip: {
    means: "a Content-Encoding of gzip over bytes that are none",
    of: "any",
    ends: "retried",
    code: "origin_encoding",
    behaviour: ({ truth, res }) =>
      void res.writeHead(200, { "content-type": truth.type, "content-encoding": "gzip" }).end(truth.bytes),
  },

  ...files,
});

let packed: Uint8Array | undefined;
/** 300 MB of the same byte in 300 KB, as gzip's members one after the other. */
const gzipped = (): Uint8Array => {
  packed ??= Buffer.concat(Array(300).fill(gzipSync(Buffer.alloc(1024 ** 2))));
  return packed;
};
