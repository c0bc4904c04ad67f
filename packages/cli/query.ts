import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type QueryResult, type ResultField, type ResultRow, query as run } from "../aws/queries.ts";
import { PregaoError } from "../core/errors.ts";
import { type Format, writeArrow, writeParquetFile } from "./formats.ts";
import { bytes, plural, table } from "./output.ts";
import type { Place } from "./place.ts";

export type QueryOptions = { file?: string; format?: string; output?: string };

/** Rows a table on a screen holds at most; the other formats give all. */
const SCREEN_ROWS = 1000;
const formats = ["table", "csv", "json", "arrow", "parquet"] as const;

/** `pregao query`: a statement in Athena's dialect, from the argument, a file or standard input. */
export const query = async (place: Place, statement: string | undefined, options: QueryOptions): Promise<void> => {
  const format = (options.format ?? (place.output.json ? "json" : "table")) as Format;
  if (!formats.includes(format))
    throw new PregaoError("format", `expected --format ${formats.join(", ")}, came ${format}`);
  if ((format === "arrow" || format === "parquet") && !options.output)
    throw new PregaoError("format", `${format} is binary: expected -o FILE to write it to`);
  const sql = await statementFrom(statement, options.file);
  const result = await run(place.aws, sql, place.database);
  if (format === "table") {
    const shown = await take(result.rows, SCREEN_ROWS);
    const screen = table(result.fields, shown.rows);
    if (options.output) await pipeline([screen], createWriteStream(options.output));
    else process.stdout.write(screen);
    const more = shown.more ? `the first ${plural(shown.rows.length, "row")}; all of them: --format csv -o FILE` : plural(shown.rows.length, "row");
    place.output.say(`${more}, ${bytes(result.statistics.scannedBytes)} scanned, ${result.statistics.totalMs} ms`);
    return;
  }
  if (format === "arrow") return writeArrow(result, options.output!);
  if (format === "parquet") return writeParquetFile(result, options.output!);
  const lines = format === "csv" ? csv(result) : json(result);
  if (options.output) await pipeline(lines, createWriteStream(options.output));
  else for await (const line of lines) if (!process.stdout.write(line)) await new Promise((r) => process.stdout.once("drain", r));
};

const statementFrom = async (statement: string | undefined, file: string | undefined): Promise<string> => {
  if (statement !== undefined && file !== undefined) throw new PregaoError("usage", "expected a statement or -f FILE, came both");
  const sql = file ? await readFile(file, "utf8") : statement === "-" ? await text(process.stdin) : statement;
  if (!sql?.trim()) throw new PregaoError("usage", 'expected a statement: pregao query "SELECT …", -f FILE, or - for standard input');
  return sql;
};

const take = async (pages: AsyncGenerator<ResultRow[]>, most: number): Promise<{ rows: ResultRow[]; more: boolean }> => {
  const rows: ResultRow[] = [];
  for await (const page of pages) {
    rows.push(...page);
    if (rows.length > most) return { rows: rows.slice(0, most), more: true };
  }
  return { rows, more: false };
};

async function* csv({ fields, rows }: QueryResult): AsyncGenerator<string> {
  const line = (values: readonly (string | null)[]) =>
    `${values.map((v) => (v === null ? "" : /[",\r\n]/.test(v) || v === "" ? `"${v.replaceAll('"', '""')}"` : v)).join(",")}\n`;
  yield line(fields.map((f) => f.name));
  for await (const page of rows) yield page.map(line).join("");
}

/** One array of objects; decimals and 64-bit integers as strings, which no reader rounds. */
async function* json({ fields, rows }: QueryResult): AsyncGenerator<string> {
  let before = "[";
  for await (const page of rows)
    for (const row of page) {
      yield `${before}\n  ${JSON.stringify(Object.fromEntries(fields.map((f, i) => [f.name, jsonValue(f, row[i] ?? null)])))}`;
      before = ",";
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
