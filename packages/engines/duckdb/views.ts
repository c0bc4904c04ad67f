import { statSync, writeFileSync } from "node:fs";
import { duckdbType } from "../../core/columns.ts";
import type { Recipe, RecipeTable } from "../../core/recipe.ts";
import type { Run } from "../../core/run.ts";
import { literal, quoted, type Session } from "./session.ts";

export type Fields = RecipeTable["columns"];

/** A Parquet file on this machine, and the values of its partition columns, which are not in it. */
export type PartFile = { path: string; values: Readonly<Record<string, string>> };

const list = (items: readonly string[]): string => `[${items.map(literal).join(", ")}]`;

/** Where the rows of many files are kept. */
export const rowsName = (view: string): string => `${view} rows`;

/** From so many files on, opening them again for every statement costs more than keeping their rows, if they are small. */
const MANY_FILES = 32;
const SMALL_BYTES = 128 * 1024 * 1024;
const areCheaperKept = (files: readonly PartFile[]): boolean =>
  files.length >= MANY_FILES && files.reduce((bytes, f) => bytes + statSync(f.path).size, 0) <= SMALL_BYTES;

/**
 * Makes `name` a view of exactly these files, with exactly these columns in these types; no file, no rows. A column
 * that is in none of the files (they were written under an older contract) is NULL. Many small files are read
 * once, into a table that spills, unless the view is used `once`.
 */
export const parquetView = async (
  session: Session,
  name: string,
  columns: Fields,
  files: readonly PartFile[],
  partitions: Fields = [],
  once = false,
): Promise<void> => {
  const [first] = files;
  if (!first) {
    const nulls = [...columns, ...partitions].map((c) => `CAST(NULL AS ${duckdbType(c.type)}) AS ${quoted(c.name)}`);
    await session.run(`CREATE OR REPLACE TEMP VIEW ${quoted(name)} AS SELECT ${nulls.join(", ")} WHERE false`);
    return;
  }
  const varying = partitions.filter((p) => files.some((f) => f.values[p.name] !== first.values[p.name]));
  const reading = (more: string) =>
    `read_parquet(${list(files.map((f) => f.path))}, union_by_name = ${files.length > 1}, hive_partitioning = false${more})`;
  const more = varying.length > 0 ? `, filename = ${literal(FILE_OF)}` : "";
  let source = reading(more);
  if (!once && areCheaperKept(files)) {
    source = quoted(rowsName(name));
    // In order, every file would become a row group of its own: 20 times slower.
    await session.run("SET preserve_insertion_order = false");
    await session.run(`CREATE OR REPLACE TEMP TABLE ${source} AS SELECT * FROM ${reading(more)}`);
    await session.run("SET preserve_insertion_order = true");
  }
  const described = await session.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${source}`,
  );
  const stored = new Map(described.map((column) => [column.column_name, column.column_type]));
  const selected = columns.map((c) => {
    const type = duckdbType(c.type);
    if (!stored.has(c.name)) return `CAST(NULL AS ${type}) AS ${quoted(c.name)}`;
    // A cast of what is of this type already would hide the column from the reader's pruning.
    return stored.get(c.name) === type
      ? `r.${quoted(c.name)}`
      : `CAST(r.${quoted(c.name)} AS ${type}) AS ${quoted(c.name)}`;
  });
  const value = (p: Fields[number]) =>
    varying.includes(p) ? `v.${quoted(p.name)}` : literal(first.values[p.name] ?? "");
  const named = partitions.map((p) => `CAST(${value(p)} AS ${duckdbType(p.type)}) AS ${quoted(p.name)}`);
  let from = `${source} r`;
  if (varying.length > 0) {
    // One scan for however many files: the values are joined by file, not spelled in a branch each.
    const rows = files.map(
      (f) => `(${[f.path, ...varying.map((p) => f.values[p.name] ?? "")].map(literal).join(", ")})`,
    );
    const names = [FILE_OF, ...varying.map((p) => p.name)].map(quoted).join(", ");
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${quoted(`${name} files`)} AS SELECT * FROM (VALUES ${rows.join(", ")}) v(${names})`,
    );
    from = `${source} r JOIN ${quoted(`${name} files`)} v ON r.${quoted(FILE_OF)} = v.${quoted(FILE_OF)}`;
  }
  await session.run(
    `CREATE OR REPLACE TEMP VIEW ${quoted(name)} AS SELECT ${[...selected, ...named].join(", ")} FROM ${from}`,
  );
};

/** No column of ours has a space in its name. */
const FILE_OF = "file of";

/** Loads an asset, newline-separated JSON, into a table of its name. */
export const loadAsset = async (
  session: Session,
  name: string,
  path: string,
  columns: Recipe["assets"][string]["columns"],
): Promise<void> => {
  const types = columns.map((c) => `${literal(c.name)}: ${literal(duckdbType(c.type))}`);
  await session.run(
    `CREATE TEMP TABLE ${quoted(name)} AS SELECT * FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {${types.join(", ")}})`,
  );
};

/** The table of withdrawn events, and the condition that a raw row `r` is of none of them. */
const WITHDRAWN = "withdrawn events";
const ARRIVED = `NOT EXISTS (SELECT 1 FROM ${quoted(WITHDRAWN)} w WHERE w.event_id = r.event_id)`;

/** Loads the run's withdrawn events, by way of a file at `path`. */
export const loadWithdrawn = async (session: Session, run: Run, path: string): Promise<void> => {
  writeFileSync(path, run.withdrawn.map((event_id) => `${JSON.stringify({ event_id })}\n`).join(""));
  await loadAsset(session, WITHDRAWN, path, [{ name: "event_id", type: "string" }]);
};

/** The rows of `source` that arrived and of which `condition` holds. */
export const arrivedIn = (run: Run, source: string, condition: string): string => {
  const conditions = [condition, ...(run.withdrawn.length > 0 ? [ARRIVED] : [])].join(" AND ");
  return `SELECT r.* FROM ${quoted(source)} r WHERE ${conditions}`;
};
