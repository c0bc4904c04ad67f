import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { damagedIn } from "../../packages/core/report.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { refine } from "../../packages/engines/duckdb/refine.ts";
import { rowOf } from "./cotahist.ts";
import { closeLake, type Lake, land, newLake, publish, runOf } from "./lake.ts";

let lake: Lake;
let file: { key: string; path: string };
beforeEach(async () => {
  lake = await newLake(mkdtempSync(join(tmpdir(), "base-")), bovespa);
  await publish(lake, runOf(lake, [await arrives("a", "AAAA3")], ["2024"]));
  const { folder, files } = lake.tables.bovespa_refined!["year=2024"]!;
  const key = folder + files[0]!.name;
  file = { key, path: join(lake.dir, "lake", key) };
});
afterEach(() => closeLake(lake));

const arrives = (name: string, ticker: string) =>
  land(lake, name, [rowOf(bovespa.raw!.sample(ticker, "2024-11-08", 0))]);

/** Why a run over one more object fails, and the file of its base that is said to be damaged. */
const failure = async () => {
  const run = runOf(lake, [await arrives("b", "BBBB3")], ["2024"]);
  const error = await refine({ run, recipe: lake.recipe, attempt: "j2", store: lake.store, threads: 1 }).then(
    () => null,
    (thrown: Error) => thrown,
  );
  return { error, damaged: error && damagedIn(run, `FAILED ${error.message}`) };
};

describe("what was published and cannot be read is named, and how it is made anew: objects were rejected for it", () => {
  const damages: [string, (path: string) => void, RegExp][] = [
    ["another size", (path) => writeFileSync(path, "PAR1"), /expected \d+ bytes as its commit says, found 4\. /],
    ["gone", (path) => rmSync(path), /as its commit says, no such object/],
    [
      "its size, and other bytes",
      (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(7, 4, bytes.length - 8));
      },
      /as its commit says, it cannot be read: /,
    ],
    [
      "its size and its footer, and other rows",
      (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0xff, 4, bytes.length >> 2));
      },
      /as its commit says, it cannot be read: /,
    ],
  ];
  test.each(damages)("%s", async (_, harm, says) => {
    harm(file.path);
    const { error, damaged } = await failure();
    expect(error).toMatchObject({ code: "base", message: expect.stringMatching(says) });
    expect(error?.message).toContain("pregao refine bovespa --rebuild --unit 2024");
    expect(damaged).toBe(file.key);
  });

  test("a rebuild reads none of it", async () => {
    const [a, b] = [await arrives("a", "AAAA3"), await arrives("b", "BBBB3")];
    rmSync(file.path);
    const run = runOf(lake, [a, b], ["2024"], { rebuild: true });
    await refine({ run, recipe: lake.recipe, attempt: "j2", store: lake.store, threads: 1 });
  });
});

test("an object that cannot be read is to blame itself, whatever its bytes say of the base", async () => {
  const run = runOf(lake, [await arrives("b", "BBBB3")], ["2024"]);
  const { read } = lake.store;
  const garbage = join(lake.dir, "garbage");
  writeFileSync(garbage, `PAR1 [base] ${file.key}: `);
  const store: Lake["store"] = {
    ...lake.store,
    read: async (bucket, key) =>
      key.startsWith("raw/") ? { ...(await read(bucket, key)), path: garbage } : read(bucket, key),
  };
  const error = await refine({ run, recipe: lake.recipe, attempt: "j2", store, threads: 1 }).catch((e: Error) => e);
  expect(error).toBeInstanceOf(Error);
  expect(damagedIn(run, (error as Error).message)).toBeNull();
});
