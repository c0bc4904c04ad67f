import { type Commit, type Ending, outcome } from "../../packages/core/commit.ts";
import { type Facts, nothing, type Shape } from "../../packages/core/facts.ts";
import type { Finding, Report } from "../../packages/core/report.ts";
import { attemptFolder, type ListedObject, type RawObject, type Run } from "../../packages/core/run.ts";

/** Documents of a dataset `d` of two tables and years as units, as small as they can be. */

export const NOW = Date.parse("2025-01-10T12:00:00Z");

export const shape: Shape = {
  dataset: "d",
  tables: ["t", "m"],
  partitioned: { t: true, m: true },
  unit: "year",
  recipe: "r1",
  raw: true,
};

/** Of a dataset without raw, of one table without partitions. */
export const ofRecipe: Shape = { ...shape, raw: false, unit: null, tables: ["c"], partitioned: { c: false } };

export const facts = (more: Partial<Facts>): Facts => ({ ...nothing, now: NOW, ...more });

export const key = (name: string, date = "2025-01-10"): string => `raw/d/ingest_date=${date}/${name}.parquet`;
export const object = (name: string, date?: string): RawObject => ({
  key: key(name, date),
  etag: `e${name}`,
  size: 10,
});
export const lateObject = (name: string, date?: string): RawObject => ({ ...object(name, date), late: true });
/** It landed on its ingest date, unless told otherwise. */
export const listed = (name: string, date = "2025-01-10", modified = Date.parse(date)): ListedObject => ({
  ...object(name, date),
  modified,
});

/** The run after `base`, of year 2024. */
export const runAfter = (base: Commit | null, objects: RawObject[], more: Partial<Run> = {}): Run => ({
  format: 1,
  dataset: "d",
  run: (base?.commit ?? 0) + 1,
  base: base?.commit ?? 0,
  opened_at: "2025-01-10T12:00:00.000Z",
  recipe: "r1",
  objects,
  units: ["2024"],
  tables: {},
  through: null,
  rejects: [],
  accepted: [],
  rebuild: false,
  withdrawn: [],
  ...more,
});

export const reportOf = (run: Run, more: Partial<Report> = {}): Report => ({
  dataset: "d",
  run: run.run,
  attempt: "j",
  recipe: run.recipe,
  engine: "test",
  rows: { read: 3, new: 1, superseded: 1, duplicate: 1 },
  tables: Object.fromEntries(
    shape.tables.map((table) => [
      table,
      Object.fromEntries(
        run.units.map((unit) => [
          `year=${unit}`,
          {
            folder: `${attemptFolder(table, run.run, "j")}year=${unit}/`,
            files: [{ name: "f", bytes: 5, rows: 1 }],
            recipe: run.recipe,
          },
        ]),
      ),
    ]),
  ),
  origins: { o: { events: 3 } },
  audit: [],
  seconds: 1,
  ...more,
});

export const broken = (law = "rows", detail = "too few"): Finding => ({
  law,
  severity: "hold",
  session: "2024-11-08",
  origin: "o",
  detail,
});

const ended = (base: Commit | null, objects: RawObject[], more: Partial<Run>, ending: (run: Run) => Ending): Commit => {
  const run = runAfter(base, objects, more);
  return outcome(run, base, ending(run), NOW);
};
export const published = (base: Commit | null, objects: RawObject[], more: Partial<Run> = {}): Commit =>
  ended(base, objects, more, (run) => ({ is: "report", report: reportOf(run) }));
export const failed = (base: Commit | null, objects: RawObject[], more: Partial<Run> = {}, reason = "boom"): Commit =>
  ended(base, objects, more, () => ({ is: "failed", reason }));
export const held = (
  base: Commit | null,
  objects: RawObject[],
  more: Partial<Run> = {},
  audit: Finding[] = [broken()],
): Commit => ended(base, objects, more, (run) => ({ is: "report", report: reportOf(run, { audit }) }));

/** The catalog as it is once a commit was applied. */
export const catalogOf = (commit: Commit): Facts["catalog"] =>
  Object.fromEntries(
    Object.entries(commit.tables).map(([table, partitions]) => [
      table,
      Object.fromEntries(Object.entries(partitions).map(([name, entry]) => [name, entry.folder])),
    ]),
  );
