import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import { newestCommit } from "../../packages/aws/documents.ts";
import { getJson } from "../../packages/aws/store.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import { commitKey } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { ask, testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";

const COMMITS = 50;
/** Two years: two partitions, each of which is published by itself. */
const FILES = [["2023-03-07", "2023-03-08"], ["2024-03-07"], ["2023-03-07"], ["2024-03-07", "2024-03-08"]];
const ROWS = 20;
const TABLES = ["bovespa_refined", "bovespa_derivativos", "bovespa_metrics_pregao"];

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place?.remove());

/** All that is to be seen of a partition, as text: how many rows, of which versions, what they come to. */
const sum = (table: string, of: string) => {
  const value = table === "bovespa_metrics_pregao" ? "volume_vista + volume_derivativos" : "volume_total";
  return `SELECT year, data_pregao, count(*) AS n, CAST(sum(${value}) AS DECIMAL(38,2)) AS total FROM ${of} GROUP BY year, data_pregao ORDER BY year, data_pregao`;
};
type Row = Record<string, string | null>;
/** Year → what of it is seen. */
const byYear = (rows: readonly Row[]): Map<string, string> =>
  new Map(
    [...Map.groupBy(rows, (row) => String(row.year))].map(([year, of]) => [
      year,
      of.map((row) => `${row.data_pregao} ${row.n} ${row.total}`).join("; "),
    ]),
  );

test(`while ${COMMITS} runs are published, whoever reads sees each partition as one commit has it, and never an earlier one than before`, async () => {
  const seen = new Map<string, Map<string, string>[]>(TABLES.map((table) => [table, []]));
  let over = false;
  const failures: unknown[] = [];
  const reader = async (table: string) => {
    while (!over)
      try {
        seen.get(table)!.push(byYear(await ask(place, sum(table, table))));
      } catch (error) {
        failures.push(error);
        return;
      }
  };
  const readers = TABLES.map(reader);
  const published = async (): Promise<number> => (await newestCommit(place.aws, "bovespa"))?.commit ?? 0;
  for (let version = 1; (await published()) < COMMITS; version++) {
    const sessions = FILES[version % FILES.length]!;
    const bytes = cotahist({ sessions, perSession: ROWS, seed: version });
    const file = { source: "COTAHIST.TXT", bytes: inMemory(bytes), version: String(version).padStart(4, "0") };
    await scrape(place.aws, bovespa, file);
    await place.stack!.idle();
  }
  over = true;
  await Promise.all(readers);
  expect(failures).toEqual([]);

  const scratch = mkdtempSync(join(tmpdir(), "pregao-readers-"));
  const session = await openSession({ scratch });
  const commits: Commit[] = [];
  for (let n = 1; n <= (await published()); n++) {
    const key = commitKey("bovespa", n);
    commits.push(parseCommit(await getJson(place.aws, "state", key), key));
  }
  const lake = join(place.dir, "s3", "lake");
  let changes = 0;
  for (const table of TABLES) {
    /** Year → its state after each commit, from the commit's own files. */
    const states = new Map<string, string[]>();
    for (const { tables } of commits) {
      const files = Object.values(tables[table] ?? {}).flatMap(({ folder, files: names }) =>
        names.map(({ name }) => `'${join(lake, folder, name)}'`),
      );
      if (files.length === 0) continue;
      const rows = await session.rows<Row>(sum(table, `read_parquet([${files.join(", ")}], hive_partitioning = true)`));
      for (const [year, text] of byYear(rows)) {
        const before = states.get(year) ?? [];
        if (before.at(-1) !== text) states.set(year, [...before, text]);
      }
    }
    for (const [year, known] of states) {
      let last = -1;
      for (const answer of seen.get(table)!) {
        const text = answer.get(year);
        if (text === undefined) {
          expect([table, year, "missing after it was there", last]).toEqual([
            table,
            year,
            "missing after it was there",
            -1,
          ]);
          continue;
        }
        const at = known.indexOf(text, Math.max(0, last));
        expect([table, year, text, at >= 0]).toEqual([table, year, text, true]);
        if (at > last) changes++;
        last = at;
      }
    }
  }
  await session.close();
  rmSync(scratch, { recursive: true, force: true });
  const answers = [...seen.values()].map((all) => all.length);
  console.log(`${answers.join(", ")} answers; ${changes} changes of ${commits.length} commits seen`);
  expect(Math.min(...answers)).toBeGreaterThan(COMMITS / 2);
  expect(changes).toBeGreaterThan(COMMITS / 2);
});
