import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dechunk } from "../../packages/local/s3/chunked.ts";
import { codeOf, type Stack, startStack } from "./s3.stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const base64 = (crc: number) => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(crc);
  return out.toString("base64");
};

/** An aws-chunked body, signed or not. */
const encode = (pieces: Uint8Array[], trailers: Record<string, string> = {}, signed = false): Buffer => {
  const signature = signed ? `;chunk-signature=${"0".repeat(64)}` : "";
  const chunks = pieces
    .filter((p) => p.length)
    .flatMap((p) => [Buffer.from(`${p.length.toString(16)}${signature}\r\n`), p, Buffer.from("\r\n")]);
  const tail = Object.entries(trailers).map(([name, value]) => `${name}:${value}\r\n`);
  return Buffer.concat([...chunks, Buffer.from(`0${signature}\r\n${tail.join("")}\r\n`)]);
};
const put = (key: string, body: Buffer, size: number, headers: Record<string, string> = {}) =>
  stack.raw(
    "PUT",
    `/lake/${key}`,
    {
      "content-length": body.length,
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": size,
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      ...headers,
    },
    body,
  );

describe("aws-chunked", () => {
  it("is decoded however the network cuts it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (pieces, cuts, signed) => {
          const body = encode(pieces, { "x-amz-checksum-crc32": "AAAAAA==" }, signed);
          const cut = async function* () {
            for (let at = 0, i = 0; at < body.length; i++) {
              const size = cuts[i % cuts.length]!;
              yield body.subarray(at, at + size);
              at += size;
            }
          };
          const trailers = new Map<string, string>();
          const out: Buffer[] = [];
          for await (const piece of dechunk(cut(), trailers)) out.push(piece);
          expect(Buffer.concat(out)).toEqual(Buffer.concat(pieces));
          expect(trailers.get("x-amz-checksum-crc32")).toBe("AAAAAA==");
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is stored decoded, its trailer verified, signed or not, and not called an encoding", async () => {
    const data = Buffer.alloc(200_000, "abc");
    const pieces = [data.subarray(0, 65_536), data.subarray(65_536)];
    const trailer = { "x-amz-checksum-crc32": base64(crc32(data)) };
    const announced = { "x-amz-trailer": "x-amz-checksum-crc32" };
    expect((await put("unsigned", encode(pieces, trailer), data.length, announced)).status).toBe(200);
    const signed = encode(pieces, { ...trailer, "x-amz-trailer-signature": "00" }, true);
    expect(
      (
        await put("signed", signed, data.length, {
          ...announced,
          "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
          "content-encoding": "aws-chunked,gzip",
        })
      ).status,
    ).toBe(200);
    expect(
      (
        await put("plain", encode(pieces, {}, true), data.length, {
          "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        })
      ).status,
    ).toBe(200);
    for (const [key, encoding] of [
      ["unsigned", undefined],
      ["signed", "gzip"],
      ["plain", undefined],
    ] as const) {
      const back = await stack.raw("GET", `/lake/${key}`, { "x-amz-checksum-mode": "ENABLED" });
      expect(back.body.equals(data)).toBe(true);
      expect(back.headers["content-encoding"]).toBe(encoding);
      expect(back.headers["x-amz-checksum-crc32"]).toBe(key === "plain" ? undefined : trailer["x-amz-checksum-crc32"]);
    }
  });

  it("is refused, and leaves nothing, when it is cut, false or of another length", async () => {
    const data = Buffer.from("hello");
    const good = base64(crc32(data));
    const announced = { "x-amz-trailer": "x-amz-checksum-crc32" };
    const refused = async (body: Buffer, size: number, headers = {}) => codeOf(await put("never", body, size, headers));
    expect(await refused(encode([data], { "x-amz-checksum-crc32": "AAAAAA==" }), 5, announced)).toBe("BadDigest");
    expect(await refused(encode([data]), 5, announced)).toBe("MalformedTrailerError");
    expect(await refused(encode([data], { "x-amz-checksum-crc32": good }), 6, announced)).toBe("IncompleteBody");
    expect(await refused(encode([data], { "x-amz-checksum-crc32": good }), 4, announced)).toBe("IncompleteBody");
    expect(await refused(Buffer.from("5\r\nhel"), 5)).toBe("IncompleteBody");
    expect(await refused(Buffer.from("5\r\nhello world\r\n0\r\n\r\n"), 5)).toBe("IncompleteBody");
    expect(await refused(Buffer.from("hello"), 5)).toBe("IncompleteBody");
    expect(await refused(Buffer.from("xyz\r\n"), 5)).toBe("InvalidRequest");
    expect(stack.s3.path("lake", "never")).toBeNull();
    expect(readdirSync(join(stack.dir, "s3/.tmp"))).toEqual([]);
  });

  it("waits for 100 Continue, as Trino's client does", async () => {
    const { port } = new URL(stack.url);
    const socket = net.connect(Number(port), "127.0.0.1");
    const body = encode([Buffer.from("continued")], {}, true);
    socket.write(
      `PUT /lake/continue HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Encoding: aws-chunked\r\nx-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nx-amz-decoded-content-length: 9\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    const first = await new Promise<string>((done) => socket.once("data", (data) => done(data.toString())));
    expect(first).toMatch(/^HTTP\/1\.1 100 Continue/);
    socket.write(body);
    expect(await new Promise<string>((done) => socket.once("data", (data) => done(data.toString())))).toMatch(
      /^HTTP\/1\.1 200 OK/,
    );
    socket.destroy();
    expect((await stack.raw("GET", "/lake/continue")).text).toBe("continued");
  });

  it("a refusal does not cost the connection: what is left of the body is read away", async () => {
    const { port } = new URL(stack.url);
    const socket = net.connect(Number(port), "127.0.0.1");
    const rest = Buffer.alloc(1_000_000, "x");
    socket.write(
      `PUT /lake/bad HTTP/1.1\r\nHost: localhost\r\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 5\r\nContent-Length: ${rest.length + 5}\r\n\r\nnone\n`,
    );
    const answers: string[] = [];
    const until = (text: string) =>
      new Promise<void>((done) => {
        const look = (data: Buffer) => {
          answers.push(data.toString());
          if (answers.join("").includes(text)) {
            socket.off("data", look);
            done();
          }
        };
        socket.on("data", look);
      });
    await until("</Error>");
    const next = until("404 Not Found");
    socket.write(rest);
    socket.write("HEAD /lake/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await next;
    socket.destroy();
    expect(answers.join("")).toContain("InvalidRequest");
  });

  it("an upload whose client goes away in the middle leaves nothing", async () => {
    const { port } = new URL(stack.url);
    const socket = net.connect(Number(port), "127.0.0.1");
    socket.write("PUT /lake/gone HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf");
    const temporaries = () => readdirSync(join(stack.dir, "s3/.tmp")).length;
    while (temporaries() === 0) await new Promise(setImmediate);
    socket.destroy();
    while (temporaries() > 0) await new Promise(setImmediate);
    expect(stack.s3.path("lake", "gone")).toBeNull();
    expect(stack.alarms).toEqual([]);
  });
});

describe("ranges and conditions", () => {
  const data = Buffer.from("0123456789");
  const etag = `"${createHash("md5").update(data).digest("hex")}"`;
  beforeAll(async () => {
    await stack.raw("PUT", "/lake/ten", { "content-length": 10 }, data);
    await stack.raw("PUT", "/lake/none", { "content-length": 0 });
  });

  it.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-30", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=0-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=9-9", 206, "9", "bytes 9-9/10"],
    ["bytes=5-2", 200, "0123456789", undefined],
    ["bytes=0-1,4-5", 200, "0123456789", undefined],
    ["lines=1-2", 200, "0123456789", undefined],
  ])("Range: %s", async (range, status, text, contentRange) => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await stack.raw(method, "/lake/ten", { range, "x-amz-checksum-mode": "ENABLED" });
      expect([answer.status, answer.text, answer.headers["content-range"], answer.headers["content-length"]]).toEqual([
        status,
        method === "GET" ? text : "",
        contentRange,
        String(text.length),
      ]);
    }
  });

  it.each(["bytes=10-", "bytes=10-20", "bytes=-0"])("Range: %s covers nothing: 416", async (range) => {
    const answer = await stack.raw("GET", "/lake/ten", { range });
    expect([answer.status, codeOf(answer), answer.headers["content-range"]]).toEqual([
      416,
      "InvalidRange",
      "bytes */10",
    ]);
    expect((await stack.raw("GET", "/lake/none", { range: "bytes=-5" })).status).toBe(416);
  });

  const past = new Date(Date.now() - 3_600_000).toUTCString();
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  it.each([
    [{ "if-match": etag }, 200],
    [{ "if-match": "*" }, 200],
    [{ "if-match": '"other"' }, 412],
    [{ "if-match": `"other", ${etag}` }, 200],
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": '"other"' }, 200],
    [{ "if-modified-since": past }, 200],
    [{ "if-modified-since": future }, 304],
    [{ "if-unmodified-since": past }, 412],
    [{ "if-unmodified-since": future }, 200],
    [{ "if-match": etag, "if-unmodified-since": past }, 200],
    [{ "if-none-match": '"other"', "if-modified-since": future }, 200],
  ])("%j → %i", async (headers: Record<string, string>, status) => {
    const answer = await stack.raw("GET", "/lake/ten", headers);
    expect(answer.status).toBe(status);
    expect((await stack.raw("HEAD", "/lake/ten", headers)).status).toBe(status);
    if (status === 304) expect([answer.text, answer.headers.etag]).toEqual(["", etag]);
  });
});
