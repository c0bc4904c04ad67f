import { cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { parseReport, type Report } from "../../packages/core/report.ts";
import { type RawObject, type Run, recipeKey, reportKey, runKey } from "../../packages/core/run.ts";
import { refine } from "../../packages/engines/duckdb/refine.ts";
import { closeLake, type Lake, land, newLake, runOf } from "../engines-duckdb/lake.ts";
import { differing, rowsOf } from "./refine.rows.ts";
import type { Spark } from "./refine.spark.ts";

/**
 * The same runs, carried out in several lakes at once, in each by another turn of the engines: two whose engines alternate,
 * one step apart, so that each engine's output is the other's next input; and, of four, two with one engine each.
 */
export type Engine = "duckdb" | "spark";
const TURNS: readonly (readonly [Engine, Engine])[] = [
  ["duckdb", "spark"],
  ["spark", "duckdb"],
  ["duckdb", "duckdb"],
  ["spark", "spark"],
];

/** What a run is made of, before there is a document of it: objects by name, each with its rows. */
export type Step = {
  land?: Readonly<Record<string, readonly WireRecord[]>>;
  /** Objects that landed before, read again. */
  again?: readonly string[];
  units: readonly string[];
  change?: Partial<Run>;
};

/** How an attempt ended: its report, or the code of its failure (core/errors.ts) with the words. */
export type Ended = { report: Report } | { code: string; message: string };

export type Lakes = {
  lakes: readonly Lake[];
  objects: Map<string, RawObject>;
  spark: Spark;
};

export const openLakes = async (dataset: Dataset, spark: Spark, count: 1 | 2 | 4 = 4): Promise<Lakes> => {
  const lakes: Lake[] = [];
  for (let i = 0; i < count; i++) lakes.push(await newLake(mkdtempSync(join(tmpdir(), "parity-")), dataset));
  return { lakes, objects: new Map(), spark };
};

export const closeLakes = ({ lakes }: Lakes): void => {
  for (const lake of lakes) closeLake(lake);
};

const put = (lake: Lake, key: string, document: unknown): void => {
  const path = join(lake.dir, "state", key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(document));
};

const failure = (error: unknown): Ended => {
  if (error instanceof PregaoError) return { code: error.code, message: error.message };
  return { code: "error", message: (error as Error).message };
};

/** Carries out a run in one lake and publishes nothing. */
export const attempt = async (spark: Spark, lake: Lake, run: Run, engine: Engine, id = "jr_1"): Promise<Ended> => {
  if (engine === "duckdb")
    return refine({ run, recipe: lake.recipe, attempt: id, store: lake.store, threads: 2, memory: "1GB" }).then(
      (report) => ({ report }),
      failure,
    );
  put(lake, runKey(run.dataset, run.run), run);
  put(lake, recipeKey(run.dataset, run.recipe), lake.recipe);
  const ended = await spark.refine({ dir: lake.dir, dataset: run.dataset, run: run.run, attempt: id });
  if ("code" in ended) return ended;
  const key = reportKey(run.dataset, run.run, id);
  if (!existsSync(join(lake.dir, "state", key))) return { code: "error", message: `no report at ${key}` };
  return { report: parseReport(ended.report, key) };
};

const take = (lake: Lake, run: Run, report: Report): void => {
  const tables = { ...lake.tables };
  for (const [table, partitions] of Object.entries(report.tables)) tables[table] = { ...tables[table], ...partitions };
  lake.tables = tables;
  lake.run = run.run;
};

/** Lands the objects of a step in every lake: the same bytes. */
const landAll = async ({ lakes, objects }: Lakes, step: Step): Promise<RawObject[]> => {
  const [first, ...others] = lakes;
  for (const [name, rows] of Object.entries(step.land ?? {})) {
    const object = await land(first!, name, rows);
    for (const lake of others) {
      const path = join(lake.dir, "lake", object.key);
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      linkSync(join(first!.dir, "lake", object.key), path);
    }
    objects.set(name, object);
  }
  return [...Object.keys(step.land ?? {}), ...(step.again ?? [])].map((name) => {
    const object = objects.get(name);
    if (!object) throw new Error(`no object ${name} landed`);
    return object;
  });
};

/** What of a report must be the same, whoever made it: all but times, sizes and names of files. */
const comparable = (report: Report) => ({
  dataset: report.dataset,
  run: report.run,
  attempt: report.attempt,
  recipe: report.recipe,
  rows: report.rows,
  origins: Object.entries(report.origins).sort(([a], [b]) => (a < b ? -1 : 1)),
  audit: report.audit,
  tables: Object.entries(report.tables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([table, partitions]) => [
      table,
      Object.entries(partitions)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([partition, { recipe, folder, files }]) => ({
          partition,
          recipe,
          folder,
          files: files.length,
          rows: files.reduce((sum, file) => sum + file.rows, 0),
        })),
    ]),
});

/**
 * Carries a step out in every lake, each by the engine whose turn it is, and says what is not equal: failures by their
 * code, reports, then every table as it stands afterwards. An empty list is parity. Lakes in which it succeeded go on.
 */
export const carry = async (
  world: Lakes,
  step: Step,
  compareRows = true,
): Promise<{ ended: readonly Ended[]; unlike: string[] }> => {
  const found = await landAll(world, step);
  const ended: Ended[] = [];
  const unlike: string[] = [];
  for (const [i, lake] of world.lakes.entries()) {
    const run = runOf(lake, found, [...step.units], step.change);
    const engine = TURNS[i]![lake.run % 2]!;
    const end = await attempt(world.spark, lake, run, engine);
    ended.push(end);
    if ("report" in end) take(lake, run, end.report);
    const [first] = ended;
    const label = `run ${run.run}, lake ${i}, by ${engine}`;
    const [is, must] = [outcomeOf(end), outcomeOf(first!)];
    if (is !== must) unlike.push(...wordsOf(label, must, is));
  }
  if (compareRows && unlike.length === 0 && "report" in ended[0]!) {
    const [first] = world.lakes;
    const expected = await rowsOf(first!);
    for (const [i, lake] of world.lakes.entries())
      if (i > 0) unlike.push(...differing(expected, await rowsOf(lake)).map((words) => `lake ${i}: ${words}`));
  }
  return { ended, unlike };
};

const outcomeOf = (end: Ended): string =>
  "report" in end ? JSON.stringify(comparable(end.report), null, 1) : `fails: ${end.code}`;

/** The lines that two texts do not share, the first few. */
const wordsOf = (label: string, must: string, is: string): string[] => {
  const [a, b] = [must.split("\n"), is.split("\n")];
  return [
    `${label}: ${is.startsWith("fails") || must.startsWith("fails") ? `${is.slice(0, 2000)} where the first lake ${must.slice(0, 400)}` : "another report"}`,
    ...a.flatMap((text, i) => (text === b[i] ? [] : [`  expected ${text.trim()}, came ${b[i]?.trim()}`])).slice(0, 6),
  ];
};

/** A copy of a lake's files, to break. */
export const copyOf = async (lake: Lake, dataset: Dataset): Promise<Lake> => {
  const copy = await newLake(mkdtempSync(join(tmpdir(), "parity-")), dataset);
  cpSync(join(lake.dir, "lake"), join(copy.dir, "lake"), { recursive: true });
  return Object.assign(copy, { tables: structuredClone(lake.tables), run: lake.run });
};
