import { describe, expect, test } from "vitest";
import { anything, quickWeb, raw, refusal, serve } from "./origin.ts";

describe("conditional requests", () => {
  test("what has not changed is not downloaded: both validators go back as they came", async () => {
    await using origin = await serve((request, response) =>
      request.headers["if-none-match"] ? response.writeHead(304).end() : response.end("x"),
    );
    await using web = quickWeb();
    const known = { etag: '"1"', modified: "Fri, 20 Nov 2026 23:31:07 GMT" };
    expect(await web.get(anything(origin.url), { known })).toEqual({ is: "unchanged" });
    expect(origin.asked[0]!.headers).toMatchObject({
      "if-none-match": '"1"',
      "if-modified-since": "Fri, 20 Nov 2026 23:31:07 GMT",
    });
  });

  test("a 304 that nobody asked for is no answer", async () => {
    await using origin = await serve((_, response) => response.writeHead(304).end());
    await using web = quickWeb({ attempts: 2 });
    expect(await refusal(web.get(anything(origin.url)))).toMatchObject({
      code: "origin_status",
      status: 304,
      asked: 2,
    });
  });

  test("a validator that cannot be sent back is neither kept nor sent", async () => {
    await using origin = await raw((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nETag: "\xe9"\r\nContent-Length: 1\r\n\r\nx', "latin1"),
    );
    await using web = quickWeb();
    const got = await web.get(anything(origin.url), { known: { etag: "a\r\nX-Evil: 1", modified: "é" } });
    expect(got).toEqual({ is: "bytes", bytes: Buffer.from("x"), url: origin.url });
  });
});
