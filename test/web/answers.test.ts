import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { AGENT } from "../../packages/web/manners.ts";
import { anything, quickWeb, raw, refusal, serve } from "./origin.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("an answer's bytes come whole, with its validators as they were sent and the asker's name asked for", async () => {
  const modified = "Fri, 20 Nov 2026 23:31:07 GMT";
  await using origin = await serve((_, response) =>
    response.writeHead(200, { etag: 'W/"a1"', "last-modified": modified, "content-length": 5 }).end("bytes"),
  );
  await using web = quickWeb();
  const seen: [number, number | null][] = [];
  const got = await web.get(anything(`${origin.url}/a?b=c`), { progress: (...all) => seen.push(all) });
  expect(got).toEqual({
    is: "bytes",
    bytes: Buffer.from("bytes"),
    etag: 'W/"a1"',
    modified,
    url: `${origin.url}/a?b=c`,
  });
  expect(seen.at(-1)).toEqual([5, 5]);
  expect(origin.asked[0]).toMatchObject({ path: "/a?b=c", headers: { "user-agent": AGENT } });
});

test("a body that only its connection's end ends is the check's to judge, and each request has a connection of its own", async () => {
  await using close = await raw((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\na part?"));
  await using web = quickWeb({ attempts: 1 });
  const checked: string[] = [];
  const check = (bytes: Uint8Array): unknown => checked.push(text(bytes));
  expect(await web.get(anything(close.url, { check }))).toMatchObject({ is: "bytes" });
  expect(checked).toEqual(["a part?"]);
  await using counted = await serve((_, response) => response.end("x"));
  for (const path of ["/a", "/b"]) await web.get(anything(counted.url + path));
  expect(counted.counts.connections).toBe(2);
});

test("the version that the asker names is package.json's", () => {
  const { name, version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(AGENT).toMatch(new RegExp(`^${name}/${version.replaceAll(".", "\\.")} \\(.+\\)$`));
});

describe("an origin that has no such file", () => {
  const absent = ({ status, bytes }: { status: number; bytes: Uint8Array }): boolean =>
    status === 404 || (status === 200 && /^\s*(<|$)/.test(text(bytes)));
  for (const [name, status, body, why] of [
    ["404", 404, "<h1>no</h1>", "404"],
    ["nothing at all", 200, "", "200 with nothing"],
    ["a page", 200, "<html>", "200 with another page"],
  ] as const)
    test(`says so with ${name}, and is asked once`, async () => {
      await using origin = await serve((_, response) => response.writeHead(status).end(body));
      await using web = quickWeb();
      expect(await web.get(anything(origin.url, { absent }))).toEqual({ is: "absent", why });
      expect(origin.asked).toHaveLength(1);
    });

  test("is an error where the request knows no absence", async () => {
    await using origin = await serve((_, response) => response.writeHead(404).end());
    await using web = quickWeb();
    expect(await refusal(web.get(anything(origin.url)))).toMatchObject({
      code: "origin_status",
      status: 404,
      asked: 1,
    });
  });
});

test("encodings are undone, up to exactly as many bytes as the request takes", async () => {
  await using origin = await serve((request, response) => {
    const br = request.url === "/br";
    const body = "x".repeat(10_000);
    response.writeHead(200, { "content-encoding": br ? "br" : "gzip" });
    response.end(br ? brotliCompressSync(body) : gzipSync(body));
  });
  await using web = quickWeb();
  for (const path of ["/br", "/gzip"])
    expect(await web.get(anything(origin.url + path, { most: 10_000 }))).toMatchObject({ bytes: { length: 10_000 } });
});

test("an error's text that drips, or breaks off, does not hide the error", async () => {
  await using origin = await serve((request, response) => {
    response.writeHead(403, { "content-length": 100 }).write("You are");
    if (request.url === "/cut") setImmediate(() => response.destroy());
  });
  await using web = quickWeb({ idleMs: 100 });
  for (const path of ["/drip", "/cut"])
    expect(await refusal(web.get(anything(origin.url + path)))).toMatchObject({
      code: "origin_status",
      status: 403,
      asked: 1,
    });
});

test("an error's text is not read to its end", async () => {
  await using origin = await serve((_, response) => {
    response.writeHead(404);
    const pour = setInterval(() => response.write("x".repeat(50_000)), 1);
    response.once("close", () => clearInterval(pour));
  });
  await using web = quickWeb();
  const absent = ({ status }: { status: number }): boolean => status === 404;
  expect(await web.get(anything(origin.url, { absent }))).toEqual({ is: "absent", why: "404" });
});
