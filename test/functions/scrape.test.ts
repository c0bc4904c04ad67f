import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { download, inMemory, scrape } from "../../functions/scrape.ts";
import { getBytes, head, list, put } from "../../packages/aws/store.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, fixtures, testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const small = cotahist({ sessions: ["2024-01-02", "2024-01-03"], perSession: 30 });
const origin = (bytes: Buffer, more: object = {}) => ({
  source: "COTAHIST_A2024.TXT",
  bytes: inMemory(bytes),
  ...more,
});
const archived = async () => {
  const keys: string[] = [];
  for await (const { key } of list(place.aws, "origin", "")) keys.push(key);
  return keys;
};

describe("an origin that is not whole is refused before anything of it is archived or sent", () => {
  test.each([
    ["a truncated file", readFileSync(join(fixtures, "cotahist/COTAHIST_D04012016_TRUNCATED.TXT"))],
    ["records taken out", readFileSync(join(fixtures, "cotahist/COTAHIST_D29022016_EXCEPTION.TXT"))],
    ["an empty answer", Buffer.alloc(0)],
    ["a page for a zip", Buffer.from("<!DOCTYPE html><html><body>Not found</body></html>")],
    ["a session that is yet to come", cotahist({ sessions: ["2199-01-02"], perSession: 3 })],
  ])("%s", async (_, bytes) => {
    await expect(scrape(place.aws, bovespa, origin(bytes))).rejects.toMatchObject({ name: "PregaoError" });
    await place.stack!.idle();
    expect(await archived()).toEqual([]);
    expect(await ask(place, "SELECT count(*) AS n FROM bovespa_raw")).toEqual([{ n: "0" }]);
  });

  test.each([
    ["a version that no event could carry", { version: "v".repeat(65) }],
    ["a source that no event could carry", { source: `http://x/${"y".repeat(1024)}` }],
  ])("%s", async (_, more) => {
    await expect(scrape(place.aws, bovespa, origin(small, more))).rejects.toMatchObject({ name: "PregaoError" });
    expect(await archived()).toEqual([]);
  });
});

describe("the same bytes", () => {
  test("are archived once, by their digest, and make the same messages whenever they come", async () => {
    const first = await scrape(place.aws, bovespa, origin(small));
    expect(first).toMatchObject({
      rows: 60,
      fresh: true,
      accepted: { rows: 60 },
      sessions: { "2024-01-02": 30, "2024-01-03": 30 },
    });
    const [key] = await archived();
    expect(key).toBe(`bovespa/${first.origin.sha256}`);
    expect(await getBytes(place.aws, "origin", key!)).toEqual(new Uint8Array(small));
    expect((await head(place.aws, "origin", key!))!.metadata.scraped_at).toBe(first.origin.scraped_at);
    await place.stack!.idle();
    const again = await scrape(place.aws, bovespa, { ...origin(small), source: "another name.txt" });
    expect(again).toMatchObject({ fresh: false, origin: first.origin, source: first.source, messages: first.messages });
    await place.stack!.idle();
    expect(
      await ask(
        place,
        "SELECT count(*) AS n, count(DISTINCT event_id) AS e, count(DISTINCT message_id) AS m FROM bovespa_raw",
      ),
    ).toEqual([{ n: "120", e: "60", m: String(first.messages) }]);
  });

  test("put a damaged archive right, and keep when they first came", async () => {
    const [key] = await archived();
    const { metadata } = (await head(place.aws, "origin", key!))!;
    await put(place.aws, "origin", key!, small.subarray(0, 1000), metadata);
    const again = await scrape(place.aws, bovespa, origin(small));
    expect(again.fresh).toBe(false);
    expect(await getBytes(place.aws, "origin", key!)).toEqual(new Uint8Array(small));
    expect((await head(place.aws, "origin", key!))!.metadata).toEqual(metadata);
  });

  test("keep the version they were archived with", async () => {
    await expect(scrape(place.aws, bovespa, origin(small, { version: "2030" }))).rejects.toMatchObject({
      code: "version",
    });
  });
});

describe("a URL", () => {
  const answers: Record<string, { status?: number; body: Buffer; headers?: Record<string, string> }> = {
    "/good": { body: small, headers: { "last-modified": "Wed, 03 Jan 2024 23:41:00 GMT" } },
    "/gone": { status: 404, body: Buffer.from("no session that day") },
    "/down": { status: 520, body: Buffer.alloc(0) },
  };
  const server = createServer((req, res) => {
    const { status = 200, body, headers = {} } = answers[req.url ?? ""]!;
    res.writeHead(status, headers).end(body);
  });
  const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done())));
  afterAll(() => void server.close());

  test("gives the bytes and when they were last changed", async () => {
    const file = await download(url("/good"));
    expect(Buffer.from(await file.bytes.read(0, file.bytes.size))).toEqual(small);
    expect(file.modified).toBe("2024-01-03T23:41:00.000Z");
  });

  test.each(["/gone", "/down"])("that answers %s is an error, never an empty file", async (path) => {
    await expect(download(url(path))).rejects.toMatchObject({ code: "origin_status" });
  });
});
