import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { QueryResult, ResultField } from "../aws/queries.ts";
import type { GlueType } from "../core/columns.ts";
import { type Batch, type Cell, writeParquet } from "../engines/duckdb/parquet.ts";
import { openSession } from "../engines/duckdb/session.ts";

export type Format = "table" | "csv" | "json" | "arrow" | "parquet";

/** Athena's result type as a Glue type; what has none travels as text. */
const glueType = (field: ResultField): GlueType => {
  if (field.type === "integer" || field.type === "int" || field.type === "smallint" || field.type === "tinyint") return "int";
  if (field.type === "bigint" || field.type === "boolean" || field.type === "date" || field.type === "timestamp") return field.type;
  if (field.type === "double" || field.type === "float" || field.type === "real") return "double";
  if (field.type === "decimal") return `decimal(${field.precision},${field.scale})`;
  return "string";
};

const DAY_MS = 86_400_000;
const milliseconds = (timestamp: string): number => Date.parse(`${timestamp.replace(" ", "T")}Z`);

/** A value's text as the one JavaScript type that its Parquet column takes. */
const cell = (type: GlueType, value: string | null): Cell => {
  if (value === null) return null;
  if (type === "int" || type === "double") return Number(value);
  if (type === "bigint") return BigInt(value);
  if (type === "boolean") return value === "true";
  if (type === "date") return Date.parse(`${value}T00:00:00Z`) / DAY_MS;
  if (type === "timestamp") return BigInt(milliseconds(value)) * 1000n;
  if (type.startsWith("decimal")) return BigInt(value.replace(".", ""));
  return value;
};

async function* batches(types: readonly GlueType[], rows: QueryResult["rows"]): AsyncGenerator<Batch> {
  for await (const page of rows) yield types.map((type, i) => page.map((row) => cell(type, row[i] ?? null)));
}

/** Exact types: decimals as decimals, dates as dates. The file appears under its name when it is whole. */
export const writeParquetFile = async (result: QueryResult, file: string): Promise<void> => {
  const scratch = await mkdtemp(join(dirname(file), ".pregao-"));
  const duckdb = await openSession({ scratch });
  try {
    const types = result.fields.map(glueType);
    const part = join(scratch, "part.parquet");
    const columns = result.fields.map((field, i) => ({ name: field.name, type: types[i]! }));
    await writeParquet(duckdb, part, { columns, batches: batches(types, result.rows) });
    await rename(part, file);
  } finally {
    duckdb.close();
    await rm(scratch, { recursive: true, force: true });
  }
};

/** An Arrow IPC file. */
export const writeArrow = async (result: QueryResult, file: string): Promise<void> => {
  const arrow = await import("apache-arrow");
  const types = result.fields.map(glueType);
  const columns: unknown[][] = types.map(() => []);
  for await (const page of result.rows) for (const row of page) row.forEach((value, i) => columns[i]!.push(arrowValue(types[i]!, value)));
  const vectors = Object.fromEntries(
    result.fields.map((field, i) => [field.name, arrow.vectorFromArray(columns[i]!, arrowType(arrow, types[i]!))]),
  );
  await writeFile(file, arrow.tableToIPC(new arrow.Table(vectors), "file"));
};

const arrowType = (arrow: typeof import("apache-arrow"), type: GlueType) => {
  const decimal = /^decimal\((\d+),(\d+)\)$/.exec(type);
  if (decimal) return new arrow.Decimal(Number(decimal[2]), Number(decimal[1]), 128);
  if (type === "int") return new arrow.Int32();
  if (type === "bigint") return new arrow.Int64();
  if (type === "double") return new arrow.Float64();
  if (type === "boolean") return new arrow.Bool();
  if (type === "date") return new arrow.DateDay();
  if (type === "timestamp") return new arrow.TimestampMillisecond();
  return new arrow.Utf8();
};

/** 128-bit little-endian words of an unscaled decimal, two's complement. */
const words = (unscaled: bigint): Uint32Array => {
  const bits = BigInt.asUintN(128, unscaled);
  return Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((bits >> shift) & 0xffff_ffffn));
};

const arrowValue = (type: GlueType, value: string | null): unknown => {
  if (value === null) return null;
  if (type.startsWith("decimal")) return words(BigInt(value.replace(".", "")));
  if (type === "date") return new Date(`${value}T00:00:00Z`);
  if (type === "timestamp") return milliseconds(value);
  return cell(type, value);
};
