import { open } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { duckdbType } from "../../core/columns.ts";
import { type Batch, type Cell, type ParquetColumn, writeParquet } from "../../engines/duckdb/parquet.ts";
import { literal, quoted, type Session } from "../../engines/duckdb/session.ts";
import { Malformed, readRecord } from "./serde.ts";

export type Acknowledged = { seq: number; arrived: number; bytes: number };
export type Failure = { record: Acknowledged; code: string; message: string };

export type Conversion = {
  columns: readonly ParquetColumn[];
  records: readonly Acknowledged[];
  /** A record's bytes. Called for one record at a time: a delivery is never in memory as a whole. */
  read: (seq: number) => Uint8Array;
  /** The Parquet file to write, and a name for the temporary file beside it. */
  file: string;
  lines: string;
};

/** Below this many bytes a Parquet file is made faster row by row than by DuckDB's JSON reader. */
const FEW_BYTES = 64 * 1024;

/**
 * Converts records to one Parquet file, in their order, and says which ones cannot be. There are two ways, of the same
 * result: {@link readRecord} knows every coercion and every error, row by row; DuckDB does in parallel, off this
 * thread, what looks exactly as it should. It is taken only when every document is of one spelling that a regular
 * expression proves ({@link documentPattern}), so that nothing is left to coerce.
 *
 * `rows` is 0, and no file is written, when every record failed.
 */
export const convert = async (
  session: Session,
  conversion: Conversion,
): Promise<{ rows: number; failed: Failure[] }> => {
  const bytes = conversion.records.reduce((sum, record) => sum + record.bytes, 0);
  const rows = bytes < FEW_BYTES ? null : await atOnce(session, conversion);
  return rows === null ? rowByRow(session, conversion) : { rows, failed: [] };
};

/** Exported for the test that holds the two ways equal. */
export const rowByRow = async (
  session: Session,
  { columns, records, read, file }: Conversion,
): Promise<{ rows: number; failed: Failure[] }> => {
  const failed: Failure[] = [];
  let rows = 0;
  const batches = async function* (): AsyncGenerator<Batch> {
    let gathered: Cell[][] = columns.map(() => []);
    for (const record of records) {
      let cells: Cell[][];
      try {
        cells = readRecord(columns, read(record.seq));
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        failed.push({ record, code: error.code, message: error.message });
        continue;
      }
      rows += cells[0]!.length;
      if (gathered[0]!.length === 0) gathered = cells;
      else for (const [c, values] of cells.entries()) for (const value of values) gathered[c]!.push(value);
      if (gathered[0]!.length < GATHER_ROWS) continue;
      yield gathered;
      gathered = columns.map(() => []);
      // These rows took this thread some 20 ms: whoever waits for it goes first.
      await breathe();
    }
    if (gathered[0]!.length) yield gathered;
  };
  await writeParquet(session, file, { columns, batches: batches(), rowGroup: ROW_GROUP, unlessEmpty: true });
  return { rows, failed };
};

/** Small records share a data chunk: one of few rows costs as much as a full one. */
const GATHER_ROWS = 2048;
/** Bytes of small records that are written at once. */
const GATHER_BYTES = 1024 * 1024;
/** What one writev takes on every system. */
const GATHER_BUFFERS = 1000;

/** Rows in a row group: several of them, so that DuckDB's threads write and later read them side by side. */
const ROW_GROUP = 32_768;

const NEWLINE = 0x0a;
const BRACE = 0x7b;

/** All records by DuckDB; null if one of them needs a closer look. */
export const atOnce = async (
  session: Session,
  { columns, records, read, file, lines }: Conversion,
): Promise<number | null> => {
  let pattern: string | null = null;
  let keys: string[] = [];
  const out = await open(lines, "w");
  try {
    let gathered: Uint8Array[] = [];
    let size = 0;
    for (const { seq } of records) {
      const data = read(seq);
      if (data[0] !== BRACE) return null;
      if (pattern === null) {
        keys = firstKeys(data);
        pattern = documentPattern(columns, keys);
        if (pattern === null) return null;
      }
      gathered.push(data);
      if (data.at(-1) !== NEWLINE) gathered.push(Uint8Array.of(NEWLINE));
      size += data.byteLength;
      if (size < GATHER_BYTES && gathered.length < GATHER_BUFFERS) continue;
      await out.writev(gathered);
      gathered = [];
      size = 0;
    }
    if (gathered.length) await out.writev(gathered);
  } finally {
    await out.close();
  }
  const spelled = new Map(keys.map((key) => [key.toLowerCase(), key]));
  const structure: Record<string, string> = {};
  const selected = columns.map(({ name, type }) => {
    const key = spelled.get(name.toLowerCase());
    if (key === undefined) return `NULL::${duckdbType(type)} AS ${quoted(name)}`;
    structure[key] = duckdbType(type);
    return `d.${quoted(key)} AS ${quoted(name)}`;
  });
  try {
    const [copied] = await session.rows<{ Count: string }>(`COPY (
      SELECT ${selected.join(", ")} FROM (
        SELECT from_json_strict(json, ${literal(JSON.stringify(structure))}) AS d
        FROM read_ndjson_objects(${literal(lines)})
        WHERE CASE WHEN regexp_full_match(json, ${literal(pattern!)}) THEN true ELSE error('another spelling') END))
      TO ${literal(file)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROW_GROUP})`);
    return Number(copied!.Count);
  } catch {
    // Another spelling, or a day that does not exist, or no room on the disk: the other way says which.
    return null;
  }
};

const firstKeys = (data: Uint8Array): string[] => {
  const end = data.indexOf(NEWLINE);
  try {
    return Object.keys(JSON.parse(new TextDecoder().decode(end < 0 ? data : data.subarray(0, end))));
  } catch {
    return [];
  }
};

const TEXT = '"(?:[^"\\\\\\x00-\\x1f]|\\\\["\\\\/bfnrt])*"';
const NUMBER = "-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?";
/** Neither `-0`, which DuckDB reads as an integer, nor what could overflow. */
const DOUBLE =
  "(?:0|-?[1-9][0-9]{0,21}|-?[0-9]{1,22}\\.[0-9]+|-?[0-9](?:\\.[0-9]+)?[eE](?:-[0-9]{1,3}|\\+?(?:[0-9]{1,2}|[12][0-9]{2}|30[0-7])))";
/** Not the year 0, which is none. */
const DAY = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}";
const TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?";

/**
 * A regular expression (RE2) of the documents that have exactly these keys in this order, no space between tokens, and
 * in each column only spellings which DuckDB's cast and the SerDe read alike. Null: there is none.
 */
export const documentPattern = (columns: readonly ParquetColumn[], keys: readonly string[]): string | null => {
  const types = new Map(columns.map(({ name, type }) => [name.toLowerCase(), type]));
  const folded = new Set(keys.map((key) => key.toLowerCase()));
  if (keys.length === 0 || folded.size !== keys.length || !keys.some((key) => types.has(key.toLowerCase())))
    return null;
  const fields = keys.map(
    (key) => `${literalPattern(JSON.stringify(key))}:(?:null|${valuePattern(types.get(key.toLowerCase()))})`,
  );
  return `\\{${fields.join(",")}\\}`;
};

const literalPattern = (text: string): string => text.replace(/[^A-Za-z0-9_"\u0080-\uffff]/g, "\\$&");

const valuePattern = (type: string | undefined): string => {
  switch (type) {
    case undefined:
      return `true|false|${NUMBER}|${TEXT}`;
    case "string":
      return TEXT;
    case "int":
      return "-?(?:0|[1-9][0-9]{0,8})";
    case "bigint":
      return '"-?[0-9]{1,18}"';
    case "double":
      return DOUBLE;
    case "boolean":
      return "true|false";
    case "date":
      return `"${DAY}"`;
    case "timestamp":
      return `"${DAY} ${TIME}"`;
    default: {
      const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type)!;
      const whole = Number(precision) - Number(scale);
      return `"-?${whole > 0 ? `[0-9]{1,${whole}}` : "0"}${Number(scale) > 0 ? `(?:\\.[0-9]{1,${scale}})?` : ""}"`;
    }
  }
};
