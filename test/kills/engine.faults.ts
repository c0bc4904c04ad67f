import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Picture } from "./cycle.ts";
import { cargo, client, idle, ingest, picture, template, up } from "./river.ts";

/** Large enough that DuckDB takes its time over a file. */
const bytes = cargo(6_000);
let of: Awaited<ReturnType<typeof template>>;
beforeAll(async () => {
  of = await template();
});
afterAll(() => of?.remove());

const filesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir, { recursive: true, encoding: "utf8" }).map((name) => join(dir, name));
  } catch {
    return [];
  }
};
const isHalf = (path: string): boolean => {
  try {
    return readFileSync(path).subarray(-4).toString("latin1") !== "PAR1" || readFileSync(path).length < 12;
  } catch {
    return false;
  }
};
const parquet = (dir: string) => filesIn(dir).filter((path) => path.endsWith(".parquet"));

/** Where the engine, or Firehose, is in the middle of something: true at the moment to kill. */
const moments: [string, (dir: string) => boolean][] = [
  ["a file of the first table is half written", (dir) => parquet(join(dir, "scratch")).some(isHalf)],
  [
    "files of several tables are written, none is delivered",
    (dir) => new Set(parquet(join(dir, "scratch")).map((path) => path.match(/unit\/([^/]+)\//)?.[1])).size >= 3,
  ],
  [
    "some files are in the attempt's folder, there is no report",
    (dir) =>
      existsSync(join(dir, "s3/lake/refined/bovespa_refined")) && !existsSync(join(dir, "s3/state/reports/bovespa")),
  ],
  [
    "there is a report, and no commit",
    (dir) => existsSync(join(dir, "s3/state/reports/bovespa")) && !existsSync(join(dir, "s3/state/commits/bovespa")),
  ],
  ["Firehose's Parquet file is half written", (dir) => parquet(join(dir, "firehose")).some(isHalf)],
];

const life = async (dir: string, until: ((dir: string) => boolean) | null): Promise<Picture | "killed" | "missed"> => {
  const river = await up(dir);
  if (!river) throw new Error("the river did not start");
  const aws = client(river.url);
  try {
    if (!until) {
      await ingest(aws, bytes);
      await idle(river.url);
      return await picture(aws);
    }
    let over = false;
    const work = ingest(aws, bytes)
      .then(() => idle(river.url))
      .catch(() => undefined)
      .finally(() => {
        over = true;
      });
    while (!over && !until(dir)) await setImmediate();
    const caught = !over;
    river.child.kill("SIGKILL");
    await river.ended;
    aws.giveUp();
    await work;
    return caught ? "killed" : "missed";
  } finally {
    aws.close();
    await river.stop();
  }
};

test("killed while a Parquet file is half written, or an attempt half delivered, the river ends with the same tables", async () => {
  const expected = await life(of.copy(), null);
  if (typeof expected === "string") throw new Error(expected);
  expect(expected.unrest).toEqual({});
  const caught: string[] = [];
  for (const [name, moment] of moments) {
    const dir = of.copy();
    // A moment of milliseconds can be missed: then the next life is looked at instead.
    if ((await life(dir, moment)) === "killed") caught.push(name);
    expect([name, await life(dir, null)]).toEqual([name, expected]);
    expect(filesIn(join(dir, "scratch"))).toEqual([]);
    rmSync(dir, { recursive: true, force: true });
  }
  expect(caught).toEqual(moments.map(([name]) => name));
});
