import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scrape, scrapeKept } from "../../functions/messages.ts";
import { inMemory, keep, openArchived, originKey } from "../../functions/origin.ts";
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

describe("bytes that were archived before anybody read them", () => {
  const day = "2024-01-04";
  const bytes = cotahist({ sessions: [day], perSession: 5 });

  test("that are no whole file stay archived, and nothing of them is sent", async () => {
    const broken = bytes.subarray(0, 700);
    const kept = await keep(place.aws, bovespa, origin(broken));
    expect(kept).toMatchObject({ fresh: true, archived: { source: "COTAHIST_A2024.TXT" } });
    await expect(scrapeKept(place.aws, bovespa, kept)).rejects.toMatchObject({ name: "PregaoError" });
    const { bytes: again } = await openArchived(place.aws, bovespa, kept.sha256);
    expect(Buffer.from(await again.read(0, again.size))).toEqual(broken);
    await place.stack!.idle();
    expect(await ask(place, `SELECT count(*) AS n FROM bovespa_raw WHERE datpre = DATE '${day}'`)).toEqual([
      { n: "0" },
    ]);
  });

  test("by a clock that was behind, bear the time of now: their rows are not of the future for ever", async () => {
    const kept = await keep(place.aws, bovespa, origin(bytes));
    const key = originKey("bovespa", kept.sha256);
    const { metadata } = (await head(place.aws, "origin", key))!;
    const behind = { ...kept.archived, scraped_at: "2023-12-01 12:00:00.000" };
    await put(place.aws, "origin", key, bytes, { ...metadata, scraped_at: behind.scraped_at });
    const scraped = await scrapeKept(place.aws, bovespa, { ...kept, archived: behind });
    expect(scraped.accepted.rows).toBe(5);
    expect(scraped.origin.scraped_at > "2024-01-04").toBe(true);
    expect((await head(place.aws, "origin", key))!.metadata).toEqual({
      ...metadata,
      scraped_at: scraped.origin.scraped_at,
    });
  });

  test("make the messages that a person's file makes", async () => {
    const kept = await keep(place.aws, bovespa, origin(small));
    const [one, two] = [
      await scrapeKept(place.aws, bovespa, kept),
      await scrape(place.aws, bovespa, { ...origin(small), source: "another name.txt" }),
    ];
    expect(one).toEqual(two);
  });

  test("are no longer sent once somebody says stop: what was under way ends, and it is no success", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    let sent = 0;
    const progress = { surveyed: () => stop.abort(reason), sent: () => void sent++ };
    const kept = await keep(place.aws, bovespa, origin(bytes));
    await expect(scrapeKept(place.aws, bovespa, kept, { progress, signal: stop.signal })).rejects.toBe(reason);
    expect(sent).toBe(0);
  });
});
