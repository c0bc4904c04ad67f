import { join } from "node:path";
import { literal, quoted } from "../../packages/engines/duckdb/session.ts";
import type { Lake } from "../engines-duckdb/lake.ts";

/** A table's files as text: per partition its columns with the types that are in the Parquet, and its rows in order. */
type Part = { columns: string[]; rows: string[] };
export type Rows = Map<string, Part>;

type Element = Record<"name" | "type" | "converted_type" | "scale" | "precision" | "logical_type", string | null>;

/**
 * Every row of every table of a lake, by `table partition`. A value is its exact text: decimals with their scale,
 * doubles in the fewest digits that give the same bits (so `-0.0` is not `0.0`), absent null, which no text is.
 */
export const rowsOf = async (lake: Pick<Lake, "dir" | "tables" | "session">): Promise<Rows> => {
  const all: Rows = new Map();
  for (const [table, partitions] of Object.entries(lake.tables))
    for (const [partition, { folder, files }] of Object.entries(partitions)) {
      const part: Part = { columns: [], rows: [] };
      for (const { name, rows } of files) {
        const path = literal(join(lake.dir, "lake", folder, name));
        const elements = await lake.session.rows<Element>(
          `SELECT name, type, converted_type, scale, precision, logical_type FROM parquet_schema(${path}) WHERE num_children IS NULL ORDER BY column_id`,
        );
        part.columns = elements.map(typeOf);
        const texts = elements.map(textOf).join(", ");
        const found = await lake.session.rows<{ r: string }>(
          `SELECT CAST(to_json([${texts}]) AS VARCHAR) AS r FROM read_parquet(${path}, hive_partitioning = false)`,
        );
        if (found.length !== rows) part.rows.push(`${found.length} rows where the report says ${rows}`);
        for (const { r } of found) part.rows.push(r);
      }
      all.set(`${table} ${partition}`, part);
    }
  return all;
};

/** The newer annotation that says what an older one says; a writer may state either, or none for a plain integer. */
const newerOf = ({ converted_type, scale, precision }: Element): string => {
  const timestamp = (utc: number) =>
    `TimestampType(isAdjustedToUTC=${utc}, unit=TimeUnit(MILLIS=<null>, MICROS=MicroSeconds(), NANOS=<null>))`;
  const same: Record<string, string> = {
    UTF8: "StringType()",
    DATE: "DateType()",
    TIMESTAMP_MICROS: timestamp(0),
    DECIMAL: `DecimalType(scale=${scale}, precision=${precision})`,
  };
  return same[converted_type ?? ""] ?? "";
};

/**
 * A column's name and type, as Parquet says it to whoever reads the file. Not whether it may be null: Spark marks what
 * cannot be, DuckDB nothing. A timestamp is one without a zone, as Hive's and Trino's.
 */
const typeOf = (element: Element): string => {
  const { name, type, converted_type, scale, precision, logical_type } = element;
  const plain = converted_type === "INT_32" || converted_type === "INT_64";
  const kind = plain ? null : converted_type === "DECIMAL" ? `DECIMAL(${precision},${scale})` : converted_type;
  const newer = plain || logical_type === null || logical_type === newerOf(element) ? "" : ` as ${logical_type}`;
  return `${name} ${type} ${kind}${newer}`;
};

/** A column's value as text. An instant is one of UTC in both annotations. */
const textOf = ({ name, converted_type }: Element): string => {
  const column = quoted(name ?? "");
  return `CAST(${converted_type === "TIMESTAMP_MICROS" ? `CAST(${column} AS TIMESTAMP)` : column} AS VARCHAR)`;
};

/** What two lakes do not share, in words; the first few of each partition. */
export const differing = (expected: Rows, came: Rows): string[] => {
  const names = new Set([...expected.keys(), ...came.keys()]);
  return [...names].flatMap((name) => {
    const [a, b] = [expected.get(name), came.get(name)];
    if (!a || !b) return [`${name}: ${a ? "is missing" : "is one too many"}`];
    const columns = a.columns.flatMap((column, i) =>
      column === b.columns[i] ? [] : [`${name}: expected ${column}, came ${b.columns[i]}`],
    );
    if (a.columns.length !== b.columns.length) columns.push(`${name}: ${b.columns.length} columns`);
    return [...columns.slice(0, 3), ...unlikeRows(name, a, b)];
  });
};

const unlikeRows = (name: string, a: Part, b: Part): string[] => {
  if (a.rows.length === b.rows.length && a.rows.every((row, i) => row === b.rows[i])) return [];
  const sameSet = JSON.stringify(a.rows.toSorted()) === JSON.stringify(b.rows.toSorted());
  if (sameSet) return [`${name}: the same rows in another order, first ${a.rows.find((row, i) => row !== b.rows[i])}`];
  const [mine, theirs] = [new Set(a.rows), new Set(b.rows)];
  const missing = a.rows.filter((row) => !theirs.has(row));
  const extra = b.rows.filter((row) => !mine.has(row));
  const first = missing[0] ?? "nothing";
  return [
    `${name}: ${missing.length} rows missing, ${extra.length} too many, of ${a.rows.length} and ${b.rows.length}: ${first.slice(0, 900)} came as ${(extra[0] ?? "nothing").slice(0, 900)}`,
  ];
};
