import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import type { Recipe, RecipeTable } from "../../core/recipe.ts";
import type { Finding, Report } from "../../core/report.ts";
import { assetKey, attemptFolder, type RawObject, type Run, reportKey, type TableMap } from "../../core/run.ts";
import { partitionValues } from "../../core/table.ts";
import type { Store } from "../store.ts";
import { baseOf, readBase, readWholeBase } from "./base.ts";
import { FILE, sortedName, type Written, writePartitions } from "./partitions.ts";
import { literal, openSession, quoted, type Session } from "./session.ts";
import { arrivedIn, loadAsset, loadWithdrawn, type PartFile, parquetView, rowsName } from "./views.ts";

export type RefineInput = {
  run: Run;
  recipe: Recipe;
  /** Names this attempt's folders and its report; another attempt has another. */
  attempt: string;
  store: Store;
  /** DuckDB's memory limit; what does not fit spills to the store's scratch folder. */
  memory?: string;
  threads?: number;
  signal?: AbortSignal;
};

/** A law can be broken a million times; a report says so once. */
const FINDINGS = 200;
/** Files handed to the store at a time. */
const WRITES = 8;

/**
 * Carries out a run: the same document gives the same rows. Reads each raw object under the run's ETag only (before and
 * after), works unit by unit, writes into the folders of this attempt, which must be empty, and writes the report last.
 * Publishes nothing. A rebuild reads no base: what it writes is made of the run's objects alone. Rows that the run says
 * are withdrawn are in no view and no count.
 *
 * @throws PregaoError `attempt` (a folder is not empty), `object_changed`, `unit` (a row of a unit that the run does not
 * name), `rebuild` (of raw, and no object is named), `base` (a file of the base cannot be read as its commit says: core/report.ts `damage`), `partition`, `accounts`; the signal's reason if aborted
 */
export const refine = async (input: RefineInput): Promise<Report> => {
  const { run, recipe, attempt, store, memory, threads = availableParallelism(), signal } = input;
  const start = performance.now();
  signal?.throwIfAborted();
  if (run.rebuild && recipe.raw && run.objects.length === 0)
    throw new PregaoError(
      "rebuild",
      `run ${run.run}: expected the raw objects of ${run.units.join(", ")}, came none. Made of nothing, its tables would be empty: ask for the rebuild again`,
    );
  for (const table of recipe.tables) await mustBeEmpty(store, attemptFolder(table.name, run.run, attempt));
  const paths = await objects(store, run.objects);
  mkdirSync(store.scratch, { recursive: true });
  const dir = mkdtempSync(join(store.scratch, "refine-"));
  const session = await openSession({ ...(memory === undefined ? {} : { memory }), threads, scratch: dir });
  const stop = () => session.interrupt();
  signal?.addEventListener("abort", stop);
  try {
    for (const [name, asset] of Object.entries(recipe.assets))
      await loadAsset(session, name, (await store.read("state", assetKey(asset.sha256))).path, asset.columns);
    await loadWithdrawn(session, run, join(dir, "withdrawn"));
    const arrived = await survey(session, recipe, run, paths);
    const rows = { read: 0, new: 0, superseded: 0, duplicate: 0 };
    const origins: Report["origins"] = {};
    const audit: Finding[] = [];
    const tables: TableMap = {};
    for (const unit of run.units) {
      signal?.throwIfAborted();
      const context: Unit = {
        session,
        recipe,
        run,
        store,
        unit,
        dir: join(dir, "unit"),
        threads,
        ...(signal ? { signal } : {}),
      };
      const files = arrived.get(unit) ?? [];
      const read = await views(context, files);
      const written = await work(context);
      await account(context, read, rows, origins);
      audit.push(...(await judge(context)));
      for (const [table, parts] of written)
        tables[table] = {
          ...tables[table],
          ...(await deliver(store, parts, attemptFolder(table, run.run, attempt), run.recipe)),
        };
      await forget(context);
    }
    // What was read was the run's objects if they still are: between two equal ETags lies one content.
    await objects(store, run.objects);
    const [version] = await session.rows<{ v: string }>("SELECT version() AS v");
    const report: Report = {
      dataset: run.dataset,
      run: run.run,
      attempt,
      recipe: run.recipe,
      engine: `duckdb ${version?.v ?? ""}`.trim(),
      rows,
      tables,
      origins,
      audit,
      seconds: Math.round(performance.now() - start) / 1000,
    };
    signal?.throwIfAborted();
    const file = join(dir, "report.json");
    writeFileSync(file, JSON.stringify(report));
    await store.write("state", reportKey(run.dataset, run.run, attempt), file);
    return report;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof PregaoError)) await readWholeBase(session, store, run, recipe);
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    session.close();
    rmSync(dir, { recursive: true, force: true });
  }
};

/** What the work on one unit needs. `dir` is there for its files until they are the store's. */
type Unit = {
  session: Session;
  recipe: Recipe;
  run: Run;
  store: Store;
  unit: string;
  dir: string;
  threads: number;
  signal?: AbortSignal;
};

const mustBeEmpty = async (store: Store, folder: string): Promise<void> => {
  const [key] = await store.list("lake", folder);
  if (key !== undefined)
    throw new PregaoError(
      "attempt",
      `expected an empty folder ${folder}, found ${key}. Another attempt wrote there: start this one under a new id`,
      { key },
    );
};

/** Where the run's objects are, each under the ETag the run names. */
const objects = async (store: Store, wanted: readonly RawObject[]): Promise<string[]> => {
  const paths: string[] = [];
  for (const { key, etag } of wanted) {
    const found = await store.read("lake", key);
    if (found.etag !== etag)
      throw new PregaoError(
        "object_changed",
        `${key}: expected ETag ${etag}, found ${found.etag}. It was rewritten after the run was planned: let this run fail, the next one takes it as it is`,
        { key },
      );
    paths.push(found.path);
  }
  return paths;
};

/** Unit → the files that have rows of it. Checks that the run names every unit that its objects touch. */
const survey = async (
  session: Session,
  recipe: Recipe,
  run: Run,
  paths: readonly string[],
): Promise<Map<string, PartFile[]>> => {
  const files = paths.map((path): PartFile => ({ path, values: { "the file": path } }));
  const units = new Map<string, PartFile[]>();
  if (!recipe.raw || files.length === 0) return units;
  if (!recipe.unit) return units.set("", files);
  await parquetView(session, ALL, recipe.raw.columns, files, [{ name: "the file", type: "string" }], true);
  const found = await session.rows<{ unit: string | null; path: string; n: string }>(
    `SELECT CAST(${recipe.unit.sql} AS VARCHAR) AS unit, "the file" AS path, count(*) AS n FROM (${arrivedIn(run, ALL, "true")}) r GROUP BY ALL`,
  );
  for (const { unit, path, n } of found) {
    // A rebuild writes its own unit and no other: what its objects have of others is not looked at.
    if (unit !== null && run.rebuild && !run.units.includes(unit)) continue;
    if (unit === null || !run.units.includes(unit))
      throw new PregaoError(
        "unit",
        `${run.objects[paths.indexOf(path)]?.key}: expected rows of ${run.units.join(", ")} only, came ${n} of ${unit ?? "none"}. A unit that is not named has no base and would lose its rows: let this run fail`,
      );
    const those = units.get(unit) ?? [];
    those.push({ path, values: {} });
    units.set(unit, those);
  }
  return units;
};

/** The run's objects as they are. */
const ALL = "raw of all units";

/** Makes `raw` and the `atual_` views of a unit. Returns how many raw rows it has. */
const views = async ({ session, recipe, run, store, unit }: Unit, files: readonly PartFile[]): Promise<number> => {
  for (const table of recipe.tables) {
    const current: PartFile[] = [];
    for (const file of baseOf(run, table.name))
      if (!recipe.unit || file.values[recipe.unit.partition] === unit)
        current.push(await readBase(store, run, recipe, file));
    await parquetView(session, `atual_${table.name}`, table.columns, current, table.partitions);
  }
  if (!recipe.raw) return 0;
  await parquetView(session, ALL, recipe.raw.columns, files);
  const ofUnit = recipe.unit ? `CAST(${recipe.unit.sql} AS VARCHAR) = ${literal(unit)}` : "true";
  await session.run(`CREATE OR REPLACE TEMP VIEW raw AS ${arrivedIn(run, ALL, ofUnit)}`);
  const [count] = await session.rows<{ n: string }>("SELECT count(*) AS n FROM raw");
  return Number(count?.n ?? 0);
};

/** Runs the steps in order. A table is written when its turn comes; later steps and the audit read what was written. */
const work = async ({ session, recipe, run, unit, dir, threads, signal }: Unit): Promise<Map<string, Written[]>> => {
  const written = new Map<string, Written[]>();
  for (const step of recipe.steps) {
    signal?.throwIfAborted();
    const table = step.table ? recipe.tables.find((t) => t.name === step.name) : undefined;
    if (table) {
      const parts = await writePartitions(session, table, step.sql, {
        dir,
        unit: recipe.unit ? { partition: recipe.unit.partition, value: unit } : null,
        keep: current(table, run, recipe.unit?.partition ?? null, unit),
        threads,
        ...(signal ? { signal } : {}),
      });
      written.set(table.name, parts);
    } else
      await session.run(`CREATE OR REPLACE TEMP ${step.inline ? "VIEW" : "TABLE"} ${quoted(step.name)} AS ${step.sql}`);
  }
  return written;
};

/** Partitions that must have a file, rows or not: those that are current, and the only one of a table without any. */
const current = (
  table: RecipeTable,
  run: Run,
  column: string | null,
  unit: string,
): Map<string, Record<string, string>> => {
  const names = table.partitions.length === 0 ? [""] : Object.keys(run.tables[table.name] ?? {});
  return new Map(
    names
      .map((name): [string, Record<string, string>] => [name, partitionValues(name)])
      .filter(([, values]) => column === null || values[column] === unit),
  );
};

/** Adds a unit's counts to the run's. */
const account = async (
  { session, recipe, run, unit }: Unit,
  read: number,
  rows: Report["rows"],
  origins: Report["origins"],
): Promise<void> => {
  if (!recipe.raw) return;
  if (recipe.steps.some((step) => step.name === "accounts")) {
    const [counts] = await session.rows<Record<string, string | null>>(
      "SELECT rows_read, rows_new, rows_superseded, rows_duplicate FROM accounts",
    );
    // A count that is absent is no count, of which Number makes 0.
    const countOf = (name: string): number => Number(counts?.[name] ?? -1);
    const made = {
      new: countOf("rows_new"),
      superseded: countOf("rows_superseded"),
      duplicate: countOf("rows_duplicate"),
    };
    if (
      countOf("rows_read") !== read ||
      made.new + made.superseded + made.duplicate !== read ||
      Math.min(...Object.values(made)) < 0
    )
      throw new PregaoError(
        "accounts",
        `${run.dataset} ${unit}: expected the ${read} rows read to be new, superseded or duplicate, came ${JSON.stringify(made)}. The step accounts is wrong: put it right`,
      );
    rows.new += made.new;
    rows.superseded += made.superseded;
    rows.duplicate += made.duplicate;
  }
  rows.read += read;
  const events = await session.rows<{ origin: string; n: string }>(
    "SELECT origin_sha256 AS origin, count(DISTINCT event_id) AS n FROM raw GROUP BY origin_sha256 ORDER BY origin_sha256",
  );
  // A row is of one unit, so that events of different units are different events.
  for (const { origin, n } of events) origins[origin] = { events: (origins[origin]?.events ?? 0) + Number(n) };
};

/** The laws that a unit breaks. */
const judge = async ({ session, recipe, signal }: Unit): Promise<Finding[]> => {
  const findings: Finding[] = [];
  for (const { name: law, severity, sql } of recipe.audits) {
    signal?.throwIfAborted();
    const broken = await session.rows<{ detalhe: string | null; sessao: string | null; origem: string | null }>(
      `SELECT CAST(detalhe AS VARCHAR) AS detalhe, CAST(sessao AS VARCHAR) AS sessao, CAST(origem AS VARCHAR) AS origem FROM (${sql}) a ORDER BY sessao NULLS FIRST, origem NULLS FIRST, detalhe`,
    );
    for (const { detalhe, sessao, origem } of broken.slice(0, FINDINGS))
      findings.push({ law, severity, session: sessao, origin: origem, detail: detalhe ?? "" });
    if (broken.length > FINDINGS)
      findings.push({ law, severity, session: null, origin: null, detail: `and ${broken.length - FINDINGS} more` });
  }
  return findings;
};

/** Hands a table's files to the store. */
const deliver = async (
  store: Store,
  parts: readonly Written[],
  folder: string,
  recipe: string,
): Promise<TableMap[string]> => {
  const waiting = [...parts];
  const one = async () => {
    for (let part = waiting.pop(); part; part = waiting.pop())
      await store.write("lake", `${folderOf(folder, part)}${FILE}`, part.path);
  };
  await Promise.all(Array.from({ length: Math.min(WRITES, parts.length) }, one));
  return Object.fromEntries(
    parts.map((part) => [
      part.partition,
      { folder: folderOf(folder, part), files: [{ name: FILE, bytes: part.bytes, rows: part.rows }], recipe },
    ]),
  );
};

const folderOf = (folder: string, { partition }: Written): string =>
  partition === "" ? folder : `${folder}${partition}/`;

/** Frees what a unit's steps kept, so that memory is that of the largest unit. */
const forget = async ({ session, recipe, dir }: Unit): Promise<void> => {
  const tables = recipe.steps.filter((step) => !step.table && !step.inline).map((step) => step.name);
  for (const table of recipe.tables) tables.push(sortedName(table.name), rowsName(`atual_${table.name}`));
  for (const name of [...tables, rowsName(ALL)]) await session.run(`DROP TABLE IF EXISTS ${quoted(name)}`);
  rmSync(dir, { recursive: true, force: true });
};
