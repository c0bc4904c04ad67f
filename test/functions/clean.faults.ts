import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DeleteObjectsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clean } from "../../functions/clean.ts";
import type { Aws } from "../../packages/aws/index.ts";
import { getJson, list, put } from "../../packages/aws/store.ts";
import { publish } from "../../packages/cli/publish.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";

const DAY = 86_400_000;
let place: Awaited<ReturnType<typeof testPlace>>;

/** Three runs: the first of two years, the others of the later one. */
beforeAll(async () => {
  place = await testPlace();
  for (const session of ["2024-01-02", "2024-11-07", "2024-11-08"]) {
    await publish(place, bovespa, { count: "2", session });
    await place.stack!.idle();
  }
});
afterAll(() => place.remove());

const newest = async (): Promise<Commit> => {
  for await (const { key } of list(place.aws, "state", "commits/bovespa/", { limit: 1 }))
    return parseCommit(await getJson(place.aws, "state", key), key);
  throw new Error("no commit");
};
const named = (commit: Commit) =>
  Object.values(commit.tables)
    .flatMap((partitions) => Object.values(partitions))
    .flatMap(({ folder, files }) => files.map((f) => folder + f.name))
    .sort();
const refined = async (aws: Aws = place.aws) => {
  const keys: string[] = [];
  for await (const { key } of list(aws, "lake", "refined/bovespa")) keys.push(key);
  return keys;
};
const tables = () =>
  Promise.all(bovespa.tables.map((t) => ask(place, `SELECT * FROM ${t.name} ORDER BY ${[...t.key].join(", ")}`)));
const cleaned = (days: number, more: { aws?: Aws; until?: number } = {}) =>
  clean(more.aws ?? place.aws, bovespa, { now: Date.now() + days * DAY, until: more.until ?? Date.now() + 60_000 });

/** Of an attempt that was given up, of one that is not there yet, and of no attempt. */
const zombies = ["f", "g"].map((name) => `refined/bovespa_refined/run=1-jr_gone/year=2024/${name}.parquet`);
const [coming, foreign] = [
  "refined/bovespa_refined/run=99-jr_new/year=2024/f.parquet",
  "refined/bovespa_refined/mine/f.parquet",
] as const;

test("what was the newest within 7 days stays, and so does what nobody named within them", async () => {
  for (const key of zombies) await put(place.aws, "lake", key, "left behind");
  const before = await refined();
  expect(await cleaned(0)).toMatchObject({ old: 0, files: 0, left: 0 });
  expect(await cleaned(6.9)).toMatchObject({ old: 0, files: 0, left: 0 });
  expect(await refined()).toEqual(before);
});

test("no time left deletes nothing and says so", async () => {
  const before = await refined();
  expect(await cleaned(8, { until: 0 })).toMatchObject({ files: 0, left: expect.any(Number) });
  expect((await cleaned(8, { until: 0 })).left).toBeGreaterThan(0);
  expect(await refined()).toEqual(before);
});

test("a delete that is refused half way leaves nothing that anybody needs; the next call goes on", async () => {
  const before = await tables();
  const commit = await newest();
  const gone: string[] = [];
  const send = async (command: { input: { Delete?: { Objects?: { Key: string }[] } } }): Promise<unknown> => {
    const [refused, ...others] = command.input.Delete?.Objects ?? [];
    if (!refused) return place.aws.s3.send(command as never);
    gone.push(...others.map(({ Key }) => Key));
    if (others.length > 0)
      await place.aws.s3.send(new DeleteObjectsCommand({ Bucket: "lake", Delete: { Objects: others } }));
    return { Errors: [{ Key: refused.Key, Code: "InternalError", Message: "We encountered an internal error" }] };
  };
  const aws = { ...place.aws, s3: { send } } as unknown as Aws;
  const torn = await cleaned(8, { aws, until: Date.now() + 1500 });
  expect(torn.files).toBe(gone.length);
  expect(torn.left).toBeGreaterThan(0);
  expect(await refined()).toEqual(expect.arrayContaining(named(commit)));
  expect(await tables()).toEqual(before);
});

test("after 8 quiet days the lake holds what the newest commit names, whole partitions of old runs too", async () => {
  const before = await tables();
  const commit = await newest();
  expect(commit.commit).toBe(3);
  for (const key of [coming, foreign]) await put(place.aws, "lake", key, "of others");
  const wanted = named(commit);
  // The year that only the first run touched is still in its folder, the other year's files of it are not.
  expect(wanted.some((key) => /\/run=1-[^/]+\/year=2023\//.test(key))).toBe(true);
  const done = await cleaned(8);
  expect(done).toMatchObject({ old: 3, left: 0 });
  expect(done.files).toBeGreaterThan(0);
  expect(done.bytes).toBeGreaterThan(0);
  expect(done.folders).toBeGreaterThan(0);
  const there = await refined();
  expect(there.filter((key) => ![coming, foreign].includes(key as never))).toEqual(wanted);
  expect(there).toEqual(expect.arrayContaining([coming, foreign]));
  expect(await tables()).toEqual(before);
  expect(await cleaned(8)).toMatchObject({ files: 0, left: 0 });
});

test("folders that are gone are gone from the disk, and a run goes on from what is left", async () => {
  const folders = readdirSync(join(place.dir, "s3/lake/refined/bovespa_refined"));
  expect(folders.filter((name) => name.startsWith("run=2-"))).toEqual([]);
  await publish(place, bovespa, { count: "2", session: "2024-11-08", ticker: "TESTE98" });
  await place.stack!.idle();
  expect(await newest()).toMatchObject({ commit: 4, status: "published" });
  expect(await ask(place, "SELECT count(*) AS n FROM bovespa_refined")).toEqual([{ n: "7" }]);
});

test("a clock starts it, and it says once per dataset what it did", () => {
  const log = join(place.dir, "log.ndjson");
  expect(existsSync(log)).toBe(true);
  const lines = readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.includes('"component":"clean"'))
    .map((line) => JSON.parse(line) as { level: string; metadata: { dataset: string; left: number } });
  expect(lines.map(({ level, metadata }) => [level, metadata.dataset, metadata.left])).toEqual(
    expect.arrayContaining([
      ["INFO", "bovespa", 0],
      ["INFO", "calendario", 0],
    ]),
  );
});
