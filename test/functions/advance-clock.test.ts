import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { advance } from "../../functions/advance.ts";
import { getBytes, getJson, list, put } from "../../packages/aws/store.ts";
import { publish } from "../../packages/cli/publish.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import { parseRun, runKey } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
let body: Uint8Array;
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const today = day(0);

beforeAll(async () => {
  place = await testPlace();
  await publish(place, bovespa, { count: "2", session: "2024-11-08" });
  await place.stack!.idle();
  for await (const { key } of list(place.aws, "lake", "raw/bovespa/", { limit: 1 }))
    body = (await getBytes(place.aws, "lake", key))!;
});
afterAll(() => place.remove());
afterEach(() => vi.useRealTimers());

/** No bell rings for a name that the notice does not cover. */
const land = async (name: string, bell: boolean) => {
  const key = `raw/bovespa/ingest_date=${today}/${name}${bell ? ".parquet" : ""}`;
  await put(place.aws, "lake", key, body);
  await place.stack!.idle();
  return key;
};
const newest = async (): Promise<Commit> => {
  for await (const { key } of list(place.aws, "state", "commits/bovespa/", { limit: 1 }))
    return parseCommit(await getJson(place.aws, "state", key), key);
  throw new Error("no commit");
};
const taken = async (key: string) => {
  for (let n = (await newest()).commit; n > 0; n--) {
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", n)), "run");
    if (run.objects.some((o) => o.key === key)) return run.run;
  }
  return null;
};
const calm = async (...options: Parameters<typeof advance>[2][]) => {
  const before = (await newest()).commit;
  for (const option of options) expect(await advance(place.aws, bovespa, option)).toMatchObject({ rested: true });
  expect((await newest()).commit).toBe(before);
};

test("a clock five days fast for one call closes days that have not ended", async () => {
  const key = await land("first", false);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5 * 86_400_000 });
  await advance(place.aws, bovespa);
  vi.useRealTimers();
  await place.stack!.idle();
  expect(await taken(key)).not.toBeNull();
  expect((await newest()).through).toBe(day(2));
});

test("what lands under them is refined by its bell, once, and the log says that a clock is wrong: it was lost", async () => {
  const key = await land("second", true);
  const after = await newest();
  expect(after).toMatchObject({ status: "published", through: day(2) });
  expect(after.recent).toContainEqual(expect.objectContaining({ key, late: true }));
  await calm({}, { named: [key] }, { full: true });
  expect(readFileSync(join(place.dir, "log.ndjson"), "utf8")).toContain("a clock is wrong, or was");
});

test("what was settled before its day was closed is read again by a bell that comes twice, and by the third no more", async () => {
  const key = `raw/bovespa/ingest_date=${today}/first`;
  const before = (await newest()).commit;
  await advance(place.aws, bovespa, { named: [key] });
  await place.stack!.idle();
  expect(await newest()).toMatchObject({ commit: before + 1, status: "published" });
  await calm({ named: [key] });
});

test("a full listing finds what no bell named, holding what is closed against the runs, and nothing else", async () => {
  const key = await land("third", false);
  await calm({});
  expect(await taken(key)).toBeNull();
  await advance(place.aws, bovespa, { full: true });
  await place.stack!.idle();
  const found = await taken(key);
  const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", found!)), "run");
  expect(run.objects).toMatchObject([{ key, late: true }]);
  await calm({ full: true }, {});
});

test("a bell may name what no store can have: nobody else's bell waits for it", async () => {
  const odd = ["\u0000", "../../state/x", "/", "", "a b+c%zz", "é".repeat(500)].map((name) => `raw/bovespa/${name}`);
  await calm({ named: odd });
});
