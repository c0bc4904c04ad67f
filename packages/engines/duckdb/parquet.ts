import {
  BIGINT,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { duckdbType, type GlueType } from "../../core/columns.ts";
import { literal, quoted, type Session } from "./session.ts";

export type ParquetColumn = { name: string; type: GlueType };

/**
 * One value, in the one JavaScript type its column has. Null is absent.
 *
 * | column | value |
 * |---|---|
 * | string | string |
 * | int, double | number |
 * | bigint | bigint |
 * | boolean | boolean |
 * | date | number: days since 1970-01-01 |
 * | timestamp | bigint: microseconds since 1970-01-01 UTC |
 * | decimal(p,s) | bigint: the value × 10^s |
 */
export type Cell = string | number | bigint | boolean | null;

/** Rows by column: one array per column, in the order of the columns, all of one length. */
export type Batch = readonly (readonly Cell[])[];

export type ParquetOptions = {
  columns: readonly ParquetColumn[];
  /** Read once, in order; a batch can have any number of rows. Memory holds one batch and what DuckDB was given. */
  batches: Iterable<Batch> | AsyncIterable<Batch>;
  /** Rows in a row group. DuckDB closes a group at a multiple of 2,048 rows. */
  rowGroup?: number;
  codec?: "snappy" | "zstd" | "uncompressed";
  /** Writes no file when there are no rows. */
  unlessEmpty?: boolean;
};

/** What a data chunk can hold. */
const VECTOR = 2048;
let tables = 0;

/**
 * Writes rows to a Parquet file, in their order, with exactly the columns' types; a file of no rows is a file, too.
 * Returns the number of rows. Throws, and leaves no table behind, if a value does not fit its column: an integer out
 * of range, a decimal of more than p digits, a batch with columns of different lengths.
 */
export const writeParquet = async (session: Session, file: string, options: ParquetOptions): Promise<number> => {
  const { columns, batches, rowGroup = 122_880, codec = "snappy", unlessEmpty = false } = options;
  tables += 1;
  const table = `pregao_parquet_${tables}`;
  await session.run(
    `CREATE TEMP TABLE ${quoted(table)} (${columns.map((c) => `${quoted(c.name)} ${duckdbType(c.type)}`).join(", ")})`,
  );
  try {
    const rows = await append(session, table, columns, batches);
    if (rows === 0 && unlessEmpty) return 0;
    await session.run(
      `COPY ${quoted(table)} TO ${literal(file)} (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE ${Math.max(1, Math.trunc(rowGroup))})`,
    );
    return rows;
  } finally {
    await session.run(`DROP TABLE IF EXISTS ${quoted(table)}`);
  }
};

const append = async (
  session: Session,
  table: string,
  columns: readonly ParquetColumn[],
  batches: ParquetOptions["batches"],
): Promise<number> => {
  const kinds = columns.map((column) => kindOf(column.type));
  const types = kinds.map((kind) => kind.type);
  const appender = await session.connection.createAppender(table);
  let rows = 0;
  try {
    for await (const batch of batches) {
      const count = batch[0]?.length ?? 0;
      if (batch.length !== columns.length || batch.some((column) => column.length !== count))
        throw new Error(
          `a batch for ${file(columns)}: expected ${columns.length} columns of ${count} values, came ${batch.length} of ${batch.map((c) => c.length).join(", ")}`,
        );
      for (let start = 0; start < count; start += VECTOR) {
        const end = Math.min(start + VECTOR, count);
        const chunk = DuckDBDataChunk.create(types, end - start);
        for (let c = 0; c < kinds.length; c++) {
          const values = start === 0 && end === count ? batch[c]! : batch[c]!.slice(start, end);
          const { wrap } = kinds[c]!;
          chunk.setColumnValues(c, wrap ? values.map((v) => (v === null ? null : wrap(v))) : (values as DuckDBValue[]));
        }
        appender.appendDataChunk(chunk);
      }
      rows += count;
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
  return rows;
};

const file = (columns: readonly ParquetColumn[]): string => columns.map((c) => c.name).join(", ");

type Kind = { type: DuckDBType; wrap?: (value: NonNullable<Cell>) => DuckDBValue };

const kindOf = (type: GlueType): Kind => {
  switch (type) {
    case "string":
      return { type: VARCHAR };
    case "int":
      return { type: INTEGER };
    case "bigint":
      return { type: BIGINT };
    case "double":
      return { type: DOUBLE };
    case "boolean":
      return { type: BOOLEAN };
    case "date":
      return { type: DATE, wrap: (days) => new DuckDBDateValue(days as number) };
    case "timestamp":
      return { type: TIMESTAMP, wrap: (micros) => new DuckDBTimestampValue(micros as bigint) };
    default: {
      const [, p, s] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? [];
      if (p === undefined) throw new Error(`unknown column type ${type}`);
      const width = Number(p);
      const scale = Number(s);
      const bound = 10n ** BigInt(width);
      return {
        type: DECIMAL(width, scale),
        wrap: (value) => {
          const unscaled = value as bigint;
          if (unscaled >= bound || unscaled <= -bound) throw new Error(`${unscaled} has more digits than ${type}`);
          return new DuckDBDecimalValue(unscaled, width, scale);
        },
      };
    }
  }
};
