import { type AsyncBuffer, type FileMetaData, parquetMetadata, parquetScan, type SchemaElement } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { compressors } from "hyparquet-compressors";

import type { GlueType } from "../core/columns.ts";
import type { Dataset } from "../core/dataset.ts";
import type { Inspected } from "../core/plan.ts";
import { ingestDate, type RawObject } from "../core/run.ts";
import type { Aws } from "./index.ts";
import { getBytes } from "./store.ts";

/** One request reads most footers whole. */
const FOOTER_BYTES = 64 * 1024;
/** `PAR1`, the footer's length and `PAR1` again. */
const SMALLEST_BYTES = 12;
const MAGIC = 0x31_52_41_50;
/** Behind the footer: its length and the magic. */
const ENDING_BYTES = 8;

type Physical = NonNullable<SchemaElement["type"]>;
const physical = (type: GlueType): readonly Physical[] => {
  if (type.startsWith("decimal")) return ["INT32", "INT64", "FIXED_LEN_BYTE_ARRAY", "BYTE_ARRAY"];
  const types: Record<string, readonly Physical[]> = {
    string: ["BYTE_ARRAY"],
    int: ["INT32"],
    bigint: ["INT64"],
    double: ["DOUBLE"],
    boolean: ["BOOLEAN"],
    date: ["INT32"],
    timestamp: ["INT96", "INT64"],
  };
  return types[type] ?? [];
};

class Unreadable extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Looks at one version of a raw object: is it Parquet, has it the raw table's columns, which units do its rows touch.
 * The units are read from the unit's column, never guessed from a range. Bytes come by ranges under the ETag.
 * Rejected is for good, so only what the bytes prove is. `named`: the key that it is to have, if another than it has.
 * @throws what the store throws, and what nobody expected: an outage, a lack of memory or a bug is no property of the
 * object.
 */
export const inspect = async (
  aws: Aws,
  dataset: Dataset,
  object: RawObject,
  named = object.key,
): Promise<Inspected> => {
  const raw = dataset.raw;
  if (!raw) throw new Error(`dataset ${dataset.name} has no raw objects`);
  if (ingestDate(named) === null)
    return {
      object,
      is: "rejected",
      reason: "key",
      message: `expected …/ingest_date=YYYY-MM-DD/… in the key, came ${named}`,
    };
  let failure: { error: unknown } | undefined;
  let gone = false;
  const file: AsyncBuffer = {
    byteLength: object.size,
    slice: async (start, end = object.size) => {
      try {
        const bytes = await getBytes(aws, "lake", object.key, {
          range: `bytes=${start}-${end - 1}`,
          ifMatch: object.etag,
        });
        if (bytes) return new Uint8Array(bytes).buffer;
        gone = true;
      } catch (error) {
        gone = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 412;
        failure = { error };
      }
      throw new Error("not read");
    },
  };
  let values = new Set<string>();
  try {
    if (object.size < SMALLEST_BYTES)
      throw new Unreadable("not_parquet", `expected Parquet, came ${object.size} bytes`);
    const footer = await readFooter(file);
    const fault = faultOf(footer);
    if (fault) throw new Unreadable("not_parquet", `expected a Parquet footer, came ${fault}`);
    const metadata = parquetMetadata(footer, { geoparquet: false });
    checkColumns(metadata, dataset);
    if (dataset.unit) values = await valuesOf(file, metadata, dataset.unit.column);
  } catch (error) {
    if (gone) return { object, is: "gone" };
    if (failure) throw failure.error;
    if (error instanceof Unreadable) return { object, is: "rejected", reason: error.reason, message: error.message };
    if (!isOfTheParser(error)) throw error;
    return { object, is: "rejected", reason: "not_parquet", message: error.message };
  }
  return { object, is: "sound", units: dataset.unit ? [...new Set([...values].map(dataset.unit.of))] : [""] };
};

/** hyparquet says what it does not understand by plain errors; of any other class are those that nobody meant to throw. */
const isOfTheParser = (error: unknown): error is Error =>
  error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;

/** The footer, with its length and the magic behind it, whole. */
const readFooter = async (file: AsyncBuffer): Promise<ArrayBuffer> => {
  const tail = await file.slice(Math.max(0, file.byteLength - FOOTER_BYTES));
  const view = new DataView(tail);
  if (view.getUint32(tail.byteLength - 4, true) !== MAGIC)
    throw new Unreadable("not_parquet", "expected PAR1 at the end, came something else");
  const length = view.getUint32(tail.byteLength - ENDING_BYTES, true) + ENDING_BYTES;
  if (length > file.byteLength)
    throw new Unreadable("not_parquet", `expected a footer within ${file.byteLength} bytes, came one of ${length}`);
  return length <= tail.byteLength ? tail.slice(-length) : file.slice(file.byteLength - length);
};

type Thrift = { [field: string]: unknown } | undefined;
/** What of that which parquet.thrift requires (names, rows, row groups, their columns' paths) a footer has not; null: none. */
const faultOf = (bytes: ArrayBuffer): string | null => {
  let footer: Thrift;
  try {
    footer = deserializeTCompactProtocol({ view: new DataView(bytes, 0, bytes.byteLength - ENDING_BYTES), offset: 0 });
  } catch (error) {
    // It reads what is in memory already, and nothing else: it is the bytes.
    return (error as Error).message;
  }
  const isText = (value: unknown) => value instanceof Uint8Array;
  const each = (value: unknown, is: (item: Thrift) => boolean) => Array.isArray(value) && value.every(is);
  if (!each(footer?.field_2, (element) => isText(element?.field_4))) return "no schema of named columns";
  if (typeof footer?.field_3 !== "bigint") return "no number of rows";
  const groups = each(footer.field_4, (group) =>
    each(group?.field_1, (chunk) => {
      const about = chunk?.field_3 as Thrift;
      return about === undefined || each(about.field_3, isText);
    }),
  );
  return groups ? null : "no row groups of columns";
};

const checkColumns = (metadata: FileMetaData, dataset: Dataset): void => {
  const wanted = dataset.raw!.table.columns;
  const [root, ...elements] = metadata.schema;
  if (root?.num_children !== elements.length)
    throw new Unreadable("columns", "expected flat columns, came nested ones");
  const found = new Map(elements.map((element) => [element.name.toLowerCase(), element]));
  const missing = Object.keys(wanted).filter((name) => !found.has(name));
  const unknown = [...found.keys()].filter((name) => !wanted[name]);
  if (missing.length + unknown.length > 0)
    throw new Unreadable(
      "columns",
      `expected the columns of ${dataset.raw!.table.name}: ${missing.length ? `missing ${missing.join(", ")}` : ""}${missing.length && unknown.length ? "; " : ""}${unknown.length ? `unknown ${unknown.join(", ")}` : ""}`,
    );
  for (const [name, element] of found) {
    const type = wanted[name]!.type;
    if (element.repetition_type === "REPEATED" || !element.type || !physical(type).includes(element.type))
      throw new Unreadable("columns", `${name}: expected ${type}, came ${element.type ?? "a group"}`);
  }
};

/** The distinct values of a column. A row group whose least and greatest value are equal, and exact, has that one. */
const valuesOf = async (file: AsyncBuffer, metadata: FileMetaData, column: string): Promise<Set<string>> => {
  const values = new Set<string>();
  const nameOf = (path: readonly string[] = []) => path.join(".");
  const chunkOf = (group: FileMetaData["row_groups"][number]) =>
    group.columns.find((c) => nameOf(c.meta_data?.path_in_schema).toLowerCase() === column)?.meta_data;
  const name = metadata.schema.find((element) => element.name.toLowerCase() === column)?.name ?? column;
  const scan = await parquetScan({
    file,
    metadata,
    compressors,
    columns: [name],
    useOffsetIndex: false,
    geoparquet: false,
  });
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    if (!Number.isSafeInteger(rowEnd) || rowEnd < rowStart)
      throw new Unreadable("not_parquet", `expected a number of rows, came ${group.num_rows}`);
    const stats = chunkOf(group)?.statistics;
    const exact =
      stats?.is_min_value_exact !== false && stats?.is_max_value_exact !== false && stats?.null_count === 0n;
    const [least, most] = [stats?.min_value, stats?.max_value];
    if (exact && least !== undefined && most !== undefined && textOf(least) === textOf(most)) values.add(textOf(least));
    else if (rowEnd > rowStart) {
      const read = await scan.readColumn({ column: name, rowStart, rowEnd });
      if (read.length !== rowEnd - rowStart)
        throw new Unreadable("not_parquet", `expected ${rowEnd - rowStart} rows of ${name}, came ${read.length}`);
      for (const value of read) values.add(textOf(value));
    }
    rowStart = rowEnd;
  }
  return values;
};

const textOf = (value: unknown): string => {
  if (value === null || value === undefined)
    throw new Unreadable("unit", "expected a value in the unit's column of every row, came null");
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Unreadable("unit", "expected a date that exists in the unit's column");
    return value.toISOString().replace("T00:00:00.000Z", "");
  }
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
};
