import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PregaoError } from "../../packages/core/errors.ts";
import { anything, quickWeb } from "./origin.ts";

/** What the server says next, in these pieces; then it hangs up. */
let pieces: Buffer[] = [];
const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", async () => {
    for (const piece of pieces)
      if (!socket.destroyed) {
        socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    socket.end();
  });
});
const web = quickWeb({ attempts: 1, idleMs: 1000 });
let url = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
});
afterAll(async () => {
  await web.close();
  server.close();
});

const response = fc
  .record({
    body: fc.uint8Array({ maxLength: 3000 }),
    gzip: fc.boolean(),
    chunk: fc.option(fc.integer({ min: 1, max: 1000 })),
  })
  .map(({ body, gzip, chunk }) => {
    const sent = gzip ? gzipSync(body) : Buffer.from(body);
    const head = ["HTTP/1.1 200 OK", 'ETag: "1"', ...(gzip ? ["Content-Encoding: gzip"] : [])];
    const parts: (Buffer | string)[] = [];
    if (chunk === null) parts.push(...[...head, `Content-Length: ${sent.length}`, "", ""].join("\r\n"), sent);
    else {
      parts.push([...head, "Transfer-Encoding: chunked", "", ""].join("\r\n"));
      for (let at = 0; at < sent.length; at += chunk) {
        const part = sent.subarray(at, at + chunk);
        parts.push(`${part.length.toString(16)}\r\n`, part, "\r\n");
      }
      parts.push("0\r\n\r\n");
    }
    return { body: Buffer.from(body), wire: Buffer.concat(parts.map((part) => Buffer.from(part as Buffer))) };
  });
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const got = () =>
  web.get(anything(url)).then(
    (answer) => (answer.is === "bytes" ? Buffer.from(answer.bytes) : answer),
    (error: unknown) => error,
  );

test("an answer is the same bytes however the wire cuts it", async () => {
  await fc.assert(
    fc.asyncProperty(response, fc.array(share, { maxLength: 4 }), async ({ body, wire }, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.floor(cut * wire.length)).sort((a, b) => a - b), wire.length];
      pieces = at.slice(1).map((end, n) => wire.subarray(at[n], end));
      expect(await got()).toEqual(body);
    }),
    { numRuns: 100 },
  );
});

test("an answer that breaks off, wherever, is never bytes", async () => {
  await fc.assert(
    fc.asyncProperty(response, share, async ({ wire }, cut) => {
      pieces = [wire.subarray(0, Math.floor(cut * wire.length))];
      const error = await got();
      expect(error).toBeInstanceOf(PregaoError);
      expect(["origin_length", "origin_unreachable"]).toContain((error as PregaoError).code);
    }),
    { numRuns: 100 },
  );
});

test("an answer with another byte anywhere ends as an answer or as an error that says what came, never otherwise", async () => {
  await fc.assert(
    fc.asyncProperty(response, share, fc.integer({ min: 1, max: 255 }), async ({ wire }, where, by) => {
      const other = Buffer.from(wire);
      const at = Math.floor(where * other.length);
      other[at] = other[at]! ^ by;
      pieces = [other];
      const end = await got();
      if (end instanceof Error)
        expect(`${end.name} ${(end as PregaoError).code}`).toMatch(/^PregaoError (origin_|too_large)/);
    }),
    { numRuns: 200 },
  );
});
