import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { duckdbType } from "../../core/columns.ts";
import { PregaoError } from "../../core/errors.ts";
import type { RecipeTable } from "../../core/recipe.ts";
import { partitionName } from "../../core/table.ts";
import { literal, quoted, type Session } from "./session.ts";
import { type PartFile, parquetView } from "./views.ts";

/** A partition as it was written: exactly one file. */
export type Written = PartFile & { partition: string; rows: number; bytes: number };

/** The one file of a partition. */
export const FILE = "part-0.parquet";

/** Up to so many partitions are written straight from their query, each by its own; more, from one sorted table. */
const FEW = 12;

/** A partition's name in a table's folder. */
export const nameOf = (table: RecipeTable, values: Record<string, string>): string =>
  partitionName({ partitions: Object.fromEntries(table.partitions.map((p) => [p.name, p])) }, values);

/** Where the rows of a table of many partitions stay while its unit is worked on. */
export const sortedName = (table: string): string => `${table} sorted`;

/**
 * Writes a table's rows of one unit, one file per partition: sorted, without the partition columns, in row groups of
 * `table.rowGroup`. A partition of `keep` (name → values) without rows gets a file of no rows. The folders are made
 * below `dir`. Afterwards the table's name is a view of what was written.
 *
 * @throws PregaoError `partition` if a row has no value for a partition column, or is of another unit
 */
export const writePartitions = async (
  session: Session,
  table: RecipeTable,
  sql: string,
  options: {
    dir: string;
    unit: { partition: string; value: string } | null;
    keep: ReadonlyMap<string, Readonly<Record<string, string>>>;
    threads: number;
    signal?: AbortSignal;
  },
): Promise<Written[]> => {
  const { dir, unit, keep, threads, signal } = options;
  const parts = table.partitions.map((p) => quoted(p.name));
  const cast = (fields: RecipeTable["columns"]) =>
    fields.map((c) => `CAST(${quoted(c.name)} AS ${duckdbType(c.type)}) AS ${quoted(c.name)}`).join(", ");
  const sort = table.sort.map((name) => `${quoted(name)} NULLS FIRST`).join(", ");
  const found = await session.rows<Record<string, string | null>>(
    `SELECT ${[...parts, 'count(*) AS "row count"'].join(", ")} FROM (${sql}) s${parts.length ? ` GROUP BY ${parts.join(", ")} ORDER BY ${parts.map((p) => `${p} NULLS FIRST`).join(", ")}` : ""}`,
  );
  const counts = new Map<string, { values: Readonly<Record<string, string>>; rows: number }>();
  for (const [partition, values] of keep) counts.set(partition, { values, rows: 0 });
  /** In the order of their rows once sorted. */
  const filled: string[] = [];
  for (const row of found) {
    const wrong = table.partitions.find(
      (p) => !row[p.name] || (p.name === unit?.partition && row[p.name] !== unit.value),
    );
    if (wrong)
      throw new PregaoError(
        "partition",
        `${table.name}: expected ${wrong.name} of every row to be ${unit?.partition === wrong.name ? unit.value : "there"}, came ${row[wrong.name] ?? "null"} in ${row["row count"]} rows. The step ${table.name} of the recipe makes rows that are not of its unit: put it right`,
      );
    const values = Object.fromEntries(table.partitions.map((p) => [p.name, row[p.name] ?? ""]));
    const partition = nameOf(table, values);
    counts.set(partition, { values, rows: Number(row["row count"]) });
    if (Number(row["row count"]) > 0) filled.push(partition);
  }
  const written: Written[] = [];
  const copy = async (partition: string, select: string) => {
    signal?.throwIfAborted();
    const { values, rows } = counts.get(partition)!;
    const folder = join(dir, table.name, partition);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, FILE);
    await session.run(
      `COPY (${select}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${table.rowGroup})`,
    );
    written.push({ partition, values, path, rows, bytes: statSync(path).size });
  };
  if (counts.size <= FEW) {
    for (const [partition, { values, rows }] of counts) {
      const of = table.partitions.map((p) => `${quoted(p.name)} = ${literal(values[p.name] ?? "")}`);
      const where = rows === 0 ? " WHERE false" : of.length ? ` WHERE ${of.join(" AND ")}` : "";
      await copy(partition, `SELECT ${cast(table.columns)} FROM (${sql}) s${where}${sort ? ` ORDER BY ${sort}` : ""}`);
    }
    await parquetView(session, table.name, table.columns, written, table.partitions);
    return written;
  }
  // A partition is a range of rows here. Not COPY … PARTITION_BY: it keeps no order and needs 2 GB for 1,500 partitions.
  // Files this small gain nothing from a second thread, which costs.
  const sorted = quoted(sortedName(table.name));
  const order = [...parts.map((p) => `${p} NULLS FIRST`), ...(sort ? [sort] : [])].join(", ");
  await session.run(
    `CREATE OR REPLACE TEMP TABLE ${sorted} AS SELECT ${cast([...table.columns, ...table.partitions])} FROM (${sql}) s ORDER BY ${order}`,
  );
  await session.run("SET threads = 1");
  try {
    let first = 0;
    const columns = table.columns.map((c) => quoted(c.name)).join(", ");
    for (const partition of filled) {
      const last = first + counts.get(partition)!.rows - 1;
      await copy(partition, `SELECT ${columns} FROM ${sorted} WHERE rowid BETWEEN ${first} AND ${last}`);
      first = last + 1;
    }
    for (const [partition, { rows }] of counts)
      if (rows === 0) await copy(partition, `SELECT ${columns} FROM ${sorted} WHERE false`);
  } finally {
    await session.run(`SET threads = ${threads}`);
  }
  await session.run(`CREATE OR REPLACE TEMP VIEW ${quoted(table.name)} AS SELECT * FROM ${sorted}`);
  return written;
};
