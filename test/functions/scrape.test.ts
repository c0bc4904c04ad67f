import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { download, inMemory, look, scrape } from "../../functions/scrape.ts";
import { getBytes, head, list, put } from "../../packages/aws/store.ts";
import type { Publication } from "../../packages/core/dataset.ts";
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

describe("a clock's look for a session's file", () => {
  const SESSION = "2024-01-04";
  const evening = Date.parse("2024-01-04T20:45:00-03:00");
  const first = cotahist({ sessions: [SESSION], perSession: 5 });
  const second = cotahist({ sessions: [SESSION], perSession: 6 });
  let answer: { status: number; body: Buffer } = { status: 404, body: Buffer.alloc(0) };
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.writeHead(answer.status).end(answer.body);
  });
  beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done())));
  afterAll(() => void server.close());
  const dataset = () => {
    const url = (session: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${session}`;
    const publication: Publication = {
      ...bovespa.raw!.publication!,
      next: (download, answers) =>
        answers.length
          ? null
          : { ...bovespa.raw!.publication!.next(download, answers)!, url: url(download.sessions[0]!) },
    };
    return { ...bovespa, raw: { ...bovespa.raw!, publication } };
  };
  const lookAt = (now: number, last = false) =>
    look(place.aws, dataset(), { last, now, until: Date.now() + 60_000 }).finally(() => place.stack!.idle());
  const rows = async () =>
    Number((await ask(place, `SELECT count(*) AS n FROM bovespa_raw WHERE datpre = DATE '${SESSION}'`))[0]!.n);

  test("on a day without a session asks nobody", async () => {
    expect(await lookAt(Date.parse("2024-01-01T20:45:00-03:00"), true)).toBeNull();
    expect(asked).toEqual([]);
  });

  test.each([
    ["404", { status: 404, body: Buffer.from("no") }],
    ["nothing at all", { status: 200, body: Buffer.alloc(0) }],
    ["a page", { status: 200, body: Buffer.from("\r\n<!DOCTYPE html><html></html>") }],
  ])("takes %s for a file that is not there yet, and for a failure at the last look of a day", async (_, came) => {
    answer = came;
    expect(await lookAt(evening)).toBeNull();
    await expect(lookAt(evening, true)).rejects.toMatchObject({ code: "not_published" });
    expect(await rows()).toBe(0);
  });

  test("fails when the origin does", async () => {
    answer = { status: 520, body: Buffer.alloc(0) };
    await expect(lookAt(evening)).rejects.toMatchObject({ code: "origin_status" });
  });

  test("sends a file once, and again when it was rewritten", async () => {
    answer = { status: 200, body: first };
    expect(await lookAt(evening)).toMatchObject({ rows: 5, accepted: { rows: 5 } });
    expect(asked.at(-1)).toBe(`/${SESSION}`);
    expect(await lookAt(evening + 3_600_000)).toBeNull();
    expect(await rows()).toBe(5);
    answer = { status: 200, body: second };
    expect(await lookAt(evening + 2 * 3_600_000)).toMatchObject({ rows: 6 });
    expect(await rows()).toBe(11);
    answer = { status: 404, body: Buffer.alloc(0) };
    expect(await lookAt(evening + 3 * 3_600_000, true)).toBeNull();
  });

  test("fails when the file is of another session, and looks again next time", async () => {
    answer = { status: 200, body: cotahist({ sessions: ["2024-01-03"], perSession: 4 }) };
    const next = Date.parse("2024-01-05T20:45:00-03:00");
    await expect(lookAt(next)).rejects.toMatchObject({ code: "other_session" });
    await expect(lookAt(next)).rejects.toMatchObject({ code: "other_session" });
  });
});
