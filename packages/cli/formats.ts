import { createWriteStream, realpathSync, rmSync, statSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { QueryResult, ResultField, ResultRow } from "../aws/queries.ts";
import type { GlueType } from "../core/columns.ts";
import { PregaoError } from "../core/errors.ts";
import { type Batch, type Cell, writeParquet } from "../engines/duckdb/parquet.ts";
import { openSession } from "../engines/duckdb/session.ts";
import { table } from "./output.ts";

export const formats = ["table", "csv", "json", "arrow", "parquet"] as const;
export type Format = (typeof formats)[number];

/** Rows in a record batch of an Arrow file: memory holds one. */
const BATCH_ROWS = 16_384;

/** Throws unless a file can be made there, before the query costs anything. */
export const checkTarget = (file: string, format: Format): void => {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new PregaoError("usage", `expected -o FILE, ${file} is a folder: name a file in it`);
  if (there && !isPlain(file) && (format === "arrow" || format === "parquet"))
    throw new PregaoError("usage", `expected -o FILE, ${file} is no file: ${format} needs one`);
  if (!there && !statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory())
    throw new PregaoError(
      "usage",
      `expected -o FILE in a folder that exists, ${dirname(file)} does not: make it first`,
    );
};

/** A file that another can take the place of: no pipe, no device, and no name like /dev/stdout for what is open already. */
const isPlain = (file: string): boolean => statSync(file).isFile() && !/^\/(dev|proc)\//.test(resolve(file));

/** Formats that know their columns by name only hold one of each; Parquet's readers do not tell A from a. */
export const namesApart = (fields: readonly ResultField[], format: Format): void => {
  const seen = new Set<string>();
  for (const { name } of fields) {
    const same = format === "parquet" ? name.toLowerCase() : name;
    if (seen.has(same))
      throw new PregaoError(
        "columns",
        `expected columns of different names for ${format}, "${name}" comes twice: rename one with AS`,
      );
    seen.add(same);
  }
};

/**
 * Writes a result to a file, which appears under its name when it is whole. What is no file, like a pipe, is written to
 * as it comes. Returns the number of rows.
 */
export const writeResult = async (result: QueryResult, format: Format, target: string): Promise<number> => {
  let rows = 0;
  async function* pages(): AsyncGenerator<ResultRow[]> {
    for await (const page of result.rows) {
      rows += page.length;
      yield page;
    }
  }
  const counted = { ...result, rows: pages() };
  const there = statSync(target, { throwIfNoEntry: false });
  if (there && !isPlain(target)) {
    await pipeline(linesOf(counted, format), createWriteStream(target));
    return rows;
  }
  const file = there ? realpathSync(target) : target;
  const part = join(dirname(file), `.${basename(file)}.${process.pid}.part`);
  const drop = () => rmSync(part, { force: true });
  process.once("exit", drop);
  try {
    if (format === "parquet") await writeParquetFile(counted, part);
    else if (format === "arrow") await writeArrow(counted, part);
    else await pipeline(linesOf(counted, format), createWriteStream(part));
    await rename(part, file);
    return rows;
  } finally {
    drop();
    process.off("exit", drop);
  }
};

/** The formats that are text, piece by piece. */
export const linesOf = (result: QueryResult, format: Format): AsyncGenerator<string> =>
  format === "csv" ? csv(result) : format === "json" ? json(result) : screen(result);

async function* screen({ fields, rows }: QueryResult): AsyncGenerator<string> {
  const all: ResultRow[] = [];
  for await (const page of rows) for (const row of page) all.push(row);
  yield table(fields, all);
}

/** RFC 4180 with `\n`: absent is nothing, an empty text is `""`. */
async function* csv({ fields, rows }: QueryResult): AsyncGenerator<string> {
  const line = (values: readonly (string | null)[]) =>
    `${values.map((v) => (v === null ? "" : /[",\r\n]/.test(v) || v === "" ? `"${v.replaceAll('"', '""')}"` : v)).join(",")}\n`;
  yield line(fields.map((f) => f.name));
  for await (const page of rows) yield page.map(line).join("");
}

/** One array of objects; decimals and 64-bit integers as strings, which no reader rounds. */
async function* json({ fields, rows }: QueryResult): AsyncGenerator<string> {
  let before = "[";
  for await (const page of rows) {
    const lines = page.map((row) => {
      const line = `${before}\n  ${JSON.stringify(Object.fromEntries(fields.map((f, i) => [f.name, jsonValue(f, row[i] ?? null)])))}`;
      before = ",";
      return line;
    });
    if (lines.length) yield lines.join("");
  }
  yield before === "[" ? "[]\n" : "\n]\n";
}

const jsonValue = (field: ResultField, value: string | null): unknown => {
  if (value === null) return null;
  if (field.type === "boolean") return value === "true";
  if (/^(integer|int|smallint|tinyint)$/.test(field.type)) return Number(value);
  if (/^(double|float|real)$/.test(field.type)) {
    const number = Number(value);
    return Number.isFinite(number) ? number : value;
  }
  return value;
};

/** Athena's result type as a Glue type; what has none travels as text. */
const glueType = (field: ResultField): GlueType => {
  if (/^(integer|int|smallint|tinyint)$/.test(field.type)) return "int";
  if (/^(bigint|boolean|date|timestamp)$/.test(field.type)) return field.type as GlueType;
  if (/^(double|float|real)$/.test(field.type)) return "double";
  if (field.type === "decimal") return `decimal(${field.precision},${field.scale})`;
  return "string";
};

const DAY_MS = 86_400_000;
const milliseconds = (field: ResultField, text: string): number => {
  const ms = Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new PregaoError(
    "value",
    `${field.name}: expected a ${field.type} of the years 0000 to 9999, came ${text}; CSV and JSON take it as it is`,
  );
};

/** A value's text as the one JavaScript type that its Parquet column takes. */
const cell = (field: ResultField, type: GlueType, value: string | null): Cell => {
  if (value === null) return null;
  if (type === "int" || type === "double") return Number(value);
  if (type === "bigint") return BigInt(value);
  if (type === "boolean") return value === "true";
  if (type === "date") return milliseconds(field, `${value}T00:00:00Z`) / DAY_MS;
  if (type === "timestamp") return BigInt(milliseconds(field, `${value.replace(" ", "T")}Z`)) * 1000n;
  if (type.startsWith("decimal")) return BigInt(value.replace(".", ""));
  return value;
};

/** Exact types: decimals as decimals, dates as dates. */
const writeParquetFile = async ({ fields, rows }: QueryResult, file: string): Promise<void> => {
  const scratch = await mkdtemp(join(tmpdir(), "pregao-"));
  const duckdb = await openSession({ scratch });
  const types = fields.map(glueType);
  async function* batches(): AsyncGenerator<Batch> {
    for await (const page of rows)
      yield fields.map((field, i) => page.map((row) => cell(field, types[i]!, row[i] ?? null)));
  }
  try {
    const columns = fields.map((field, i) => ({ name: field.name, type: types[i]! }));
    await writeParquet(duckdb, file, { columns, batches: batches() });
  } finally {
    duckdb.close();
    await rm(scratch, { recursive: true, force: true });
  }
};

/** An Arrow IPC file of record batches, with the same exact types. */
const writeArrow = async ({ fields, rows }: QueryResult, file: string): Promise<void> => {
  const arrow = await import("apache-arrow");
  const types = fields.map(glueType);
  const schema = new arrow.Schema(
    fields.map((field, i) => new arrow.Field(field.name, arrowType(arrow, types[i]!), true)),
  );
  const batchOf = (part: readonly ResultRow[]) => {
    const children = schema.fields.map((field, i) => {
      const values = part.map((row) => arrowValue(fields[i]!, types[i]!, row[i] ?? null));
      const builder = arrow.makeBuilder({ type: field.type, nullValues: [null] });
      for (const value of values) builder.append(value);
      return builder.finish().flush();
    });
    return new arrow.RecordBatch(
      schema,
      arrow.makeData({ type: new arrow.Struct(schema.fields), length: part.length, nullCount: 0, children }),
    );
  };
  const writer = new arrow.RecordBatchFileWriter();
  const written = pipeline(Readable.from(writer), createWriteStream(file));
  try {
    let part: ResultRow[] = [];
    writer.reset(undefined, schema);
    for await (const page of rows) {
      for (const row of page) part.push(row);
      if (part.length < BATCH_ROWS) continue;
      writer.write(batchOf(part));
      part = [];
    }
    if (part.length) writer.write(batchOf(part));
    writer.finish();
  } catch (error) {
    writer.abort(error);
    await written.catch(() => undefined);
    throw error;
  }
  await written;
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

const arrowValue = (field: ResultField, type: GlueType, value: string | null): unknown => {
  const plain = cell(field, type, value);
  if (plain === null) return null;
  if (type.startsWith("decimal")) return words(plain as bigint);
  if (type === "date") return new Date((plain as number) * DAY_MS);
  if (type === "timestamp") return Number((plain as bigint) / 1000n);
  return plain;
};
