import type { Socket } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { PregaoError } from "../../packages/core/errors.ts";
import { anything, quickWeb, raw, refusal, serve } from "./origin.ts";

describe("what another attempt may mend is asked for again, then reported with how often", () => {
  const attempts = 3;
  for (const status of [500, 502, 503, 520, 408, 425, 429, 204, 206])
    test(`status ${status}`, async () => {
      await using origin = await serve((_, response) =>
        response.writeHead(status).end(status === 204 ? undefined : "no"),
      );
      await using web = quickWeb({ attempts });
      expect(await refusal(web.get(anything(origin.url)))).toMatchObject({
        code: "origin_status",
        status,
        asked: attempts,
      });
      expect(origin.asked).toHaveLength(attempts);
    });

  const cases: Record<string, { code: string; say: (socket: Socket) => void }> = {
    "fewer bytes than announced": {
      code: "origin_length",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
    },
    "more bytes than announced": {
      code: "origin_length",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nonly this"),
    },
    "a chunked body that is cut": {
      code: "origin_length",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n"),
    },
    "a chunk that is none": {
      code: "origin_length",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\nonly\r\n"),
    },
    "two lengths": {
      code: "origin_unreachable",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nonly"),
    },
    "no HTTP": { code: "origin_unreachable", say: (socket) => socket.end("220 ftp.example ready\r\n") },
    nothing: { code: "origin_unreachable", say: (socket) => socket.end() },
    "headers without an end": {
      code: "origin_unreachable",
      say: (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(64 * 1024)}\r\n\r\n`),
    },
    "gzip that is cut": {
      code: "origin_encoding",
      say: (socket) => {
        const body = gzipSync("B".repeat(5000)).subarray(0, -9);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`);
        socket.end(body);
      },
    },
    "gzip that is none": {
      code: "origin_encoding",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nonly"),
    },
    "an encoding by the name of something else": {
      code: "origin_encoding",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: constructor\r\nContent-Length: 4\r\n\r\nonly"),
    },
    "an encoding that was not asked for": {
      code: "origin_encoding",
      say: (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\nonly"),
    },
  };
  for (const [name, { code, say }] of Object.entries(cases))
    test(name, async () => {
      await using origin = await raw(say);
      await using web = quickWeb({ attempts });
      const error = await refusal(web.get(anything(origin.url)));
      expect(error).toMatchObject({ name: "PregaoError", code, asked: attempts });
      expect(error.message).toMatch(new RegExp(`^expected .*${origin.url}.*came .* \\(asked 3 times\\)$`, "s"));
      expect(origin.times()).toBe(attempts);
    });

  test("fewer bytes than announced, and a reset", async () => {
    let socket: Socket | null = null;
    await using origin = await serve((request, response) => {
      socket = request.socket;
      response.writeHead(200, { "content-length": 100 }).write("only this");
    });
    await using web = quickWeb({ attempts });
    const error = await refusal(web.get(anything(origin.url), { progress: () => socket?.resetAndDestroy() }));
    expect(error).toMatchObject({ code: "origin_length", expected: 100, came: 9, asked: attempts });
  });

  test("what is slower than a KiB in each span is given up, though a byte comes all the time", async () => {
    await using origin = await serve((_, response) => {
      const drip = setInterval(() => response.write("x"), 20);
      response.once("close", () => clearInterval(drip));
    });
    await using web = quickWeb({ attempts: 2, idleMs: 150 });
    expect(await refusal(web.get(anything(origin.url)))).toMatchObject({ code: "origin_slow", asked: 2 });
  });

  test("an answer that never begins, and one that never ends", async () => {
    await using origin = await serve((request, response) => {
      if (request.url !== "/endless") return;
      const pour = setInterval(() => response.write("x".repeat(2048)), 10);
      response.once("close", () => clearInterval(pour));
    });
    await using web = quickWeb({ attempts: 1, idleMs: 100, wholeMs: 300 });
    expect(await refusal(web.get(anything(`${origin.url}/never`)))).toMatchObject({ code: "origin_slow", ms: 100 });
    expect(await refusal(web.get(anything(`${origin.url}/endless`)))).toMatchObject({ code: "origin_slow", ms: 300 });
  });

  test("a slow answer that keeps coming is taken whole", async () => {
    await using origin = await serve((_, response) => {
      let parts = 0;
      const pour = setInterval(() => {
        response.write("x".repeat(1024));
        if (++parts < 8) return;
        clearInterval(pour);
        response.end();
      }, 40);
    });
    await using web = quickWeb({ attempts: 1, idleMs: 200 });
    expect(await web.get(anything(origin.url))).toMatchObject({ is: "bytes", bytes: { length: 8 * 1024 } });
  });

  test("a port where nobody listens", async () => {
    const closed = await serve(() => {});
    await closed[Symbol.asyncDispose]();
    await using web = quickWeb({ attempts });
    expect(await refusal(web.get(anything(closed.url)))).toMatchObject({
      code: "origin_unreachable",
      reason: "ECONNREFUSED",
      asked: attempts,
    });
  });

  test("bytes that the request does not take for its own, reported in its own words", async () => {
    await using origin = await serve((_, response) => response.end("<html>"));
    await using web = quickWeb({ attempts });
    const check = (): never => {
      throw new PregaoError("not_zip", "expected a zip, came a page", { of: "D" });
    };
    expect(await refusal(web.get(anything(origin.url, { check })))).toMatchObject({
      code: "not_zip",
      message: "expected a zip, came a page (asked 3 times)",
      of: "D",
      asked: attempts,
    });
  });

  test("one good answer after bad ones is all that is told", async () => {
    await using origin = await serve((_, response, time) =>
      time < 3 ? response.writeHead(520).end() : response.end("bytes"),
    );
    await using web = quickWeb();
    expect(await web.get(anything(origin.url))).toMatchObject({ is: "bytes", bytes: Buffer.from("bytes") });
    expect(origin.asked).toHaveLength(3);
  });
});

describe("what another attempt does not mend is reported at once", () => {
  for (const status of [400, 401, 403, 410, 451])
    test(`status ${status}`, async () => {
      await using origin = await serve((_, response) => response.writeHead(status).end());
      await using web = quickWeb();
      const error = await refusal(web.get(anything(origin.url)));
      expect(error).toMatchObject({ code: "origin_status", status, asked: 1 });
      expect(error.message).toContain("Look at the address in a browser");
      expect(origin.asked).toHaveLength(1);
    });

  const most = 10_000;
  for (const [name, write] of Object.entries({
    announced: { headers: { "content-length": most + 1 }, body: "" },
    "not announced": { headers: {}, body: "x".repeat(most + 1) },
    "in gzip": { headers: { "content-encoding": "gzip" }, body: gzipSync("x".repeat(most + 1)) },
    "in brotli": { headers: { "content-encoding": "br" }, body: brotliCompressSync("x".repeat(most + 1)) },
  }))
    test(`more bytes than the request takes, ${name}`, async () => {
      await using origin = await serve(
        (_, response) => response.writeHead(200, write.headers).write(write.body) && response.end(),
      );
      await using web = quickWeb();
      expect(await refusal(web.get(anything(origin.url, { most })))).toMatchObject({
        code: "too_large",
        most,
        asked: 1,
      });
      expect(origin.asked).toHaveLength(1);
    });

  test("a fault of our own in the check", async () => {
    await using origin = await serve((_, response) => response.end("x"));
    await using web = quickWeb();
    const check = (): never => {
      throw new TypeError("ours");
    };
    expect(await refusal(web.get(anything(origin.url, { check })))).toMatchObject({ name: "TypeError" });
    expect(origin.asked).toHaveLength(1);
  });

  for (const url of ["ftp://example.com/a", "no address", "https://user:secret@example.com/"])
    test(`an address that is none: ${url}`, async () => {
      await using web = quickWeb();
      expect(await refusal(web.get(anything(url)))).toMatchObject({ code: "origin_url" });
    });
});
