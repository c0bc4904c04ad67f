import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { bytesOf, fixture } from "../datasets/cotahist.ts";
import type { Lake } from "../engines-duckdb/lake.ts";
import { carry, closeLakes, openLakes, type Step } from "./refine.lakes.ts";
import { type Spark, startSpark } from "./refine.spark.ts";
import { judged, type Source } from "./refine.worlds.ts";

/** B3's own files on both engines by turns, as they came and as a correction would come. */
// Spark on a machine that has other work to do, too.
vi.setConfig({ testTimeout: 600_000 });
let spark: Spark;
/** Rows: DuckDB counts 20,000 in whole vectors, Spark counts bytes. */
const LARGEST_GROUP = 40_000;
beforeAll(async () => {
  spark = await startSpark();
});
afterAll(async () => spark?.close());

const recordsOf = async (file: URL): Promise<WireRecord[]> => {
  const bytes = bytesOf(new Uint8Array(readFileSync(file)));
  const { format } = bovespa.raw!;
  const survey = await format.survey(bytes);
  const records: WireRecord[] = [];
  for await (const groups of format.groups(bytes, survey)) for (const group of groups) records.push(...group.records);
  return records;
};

const published: Source = { version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000", name: "first" };
const rewritten: Source = { version: "2024-11-08T22", scraped_at: "2024-11-09 02:30:00.000", name: "second" };
const rowsOf = (records: readonly WireRecord[], source: Source): WireRecord[] => {
  const { rows, refused } = judged(records, source);
  expect({ refused, rows: rows.length }).toEqual({ refused: 0, rows: records.length });
  return rows;
};

/** A correction of whole sessions: every hundredth row gone, every seventh with another last price. */
const corrected = (records: readonly WireRecord[]): WireRecord[] => {
  const kept = records.filter((_, i) => i % 101 !== 7);
  const count = Map.groupBy(kept, (record) => record.datpre);
  return kept.map((record, i) => ({
    ...record,
    ...(i % 7 === 0 ? { preult: record.premax } : {}),
    origin_rows: count.get(record.datpre)!.length,
  }));
};

/** Whoever asks for one ticker reads some groups of rows only, whichever engine wrote them. */
const expectSmallRowGroups = async ({ dir, tables, session }: Lake): Promise<void> => {
  const files = Object.values(tables).flatMap((partitions) =>
    Object.values(partitions).flatMap(({ folder, files }) => files.map(({ name }) => join(dir, "lake", folder, name))),
  );
  const large = await session.rows(
    `SELECT file_name, max(row_group_num_rows) AS rows FROM parquet_metadata([${files.map((file) => `'${file}'`)}])
     GROUP BY 1 HAVING max(row_group_num_rows) > ${LARGEST_GROUP}`,
  );
  expect(large).toEqual([]);
};

const carryAll = async (steps: readonly Step[]): Promise<unknown[]> => {
  const lakes = await openLakes(bovespa, spark, 2);
  try {
    const rows: unknown[] = [];
    for (const step of steps) {
      const { ended, unlike } = await carry(lakes, step);
      expect(unlike).toEqual([]);
      rows.push(...ended.slice(0, 1).map((end) => ("report" in end ? end.report.rows : end)));
    }
    for (const lake of lakes.lakes) await expectSmallRowGroups(lake);
    return rows;
  } finally {
    closeLakes(lakes);
  }
};

describe("real files", () => {
  test("12,226 rows of a session in two halves, then its correction: the same tables to the last digit", async () => {
    const records = await recordsOf(fixture.day);
    const [first, second] = [rowsOf(records, published), rowsOf(corrected(records), rewritten)];
    expect(first).toHaveLength(12_226);
    const [a, b, c] = await carryAll([
      { land: { a: first.slice(0, 7000), b: first.slice(6000, 7500) }, units: ["2024"] },
      { land: { c: first.slice(7000), d: second.slice(0, 5000) }, units: ["2024"] },
      { land: { e: second.slice(4000) }, units: ["2024"] },
    ]);
    expect(a).toEqual({ read: 8500, new: 7500, superseded: 0, duplicate: 1000 });
    expect(b).toMatchObject({ read: 5226 + 5000, duplicate: 500 });
    expect(c).toMatchObject({ read: second.length - 4000, superseded: 0, duplicate: 1000 });
  });

  test("104,390 rows of twelve sessions, then a correction of three of them: the same tables to the last digit", async () => {
    const records = await recordsOf(fixture.year);
    expect(records).toHaveLength(104_390);
    const first = rowsOf(records, published);
    const sessions = [...new Set(records.map((record) => String(record.datpre)))].sort();
    const late = records.filter((record) => sessions.slice(2, 5).includes(String(record.datpre)));
    const [a] = await carryAll([
      { land: { a: first.slice(0, 60_000), b: first.slice(60_000) }, units: ["2023"] },
      { land: { c: rowsOf(corrected(late), rewritten) }, units: ["2023"] },
    ]);
    expect(a).toEqual({ read: 104_390, new: 104_390, superseded: 0, duplicate: 0 });
  });
});
