/** One spelling of a value of any column type, in which all who read Parquet can be compared. */
import { readFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { GlueType } from "../../packages/core/columns.ts";
import type { Cell, ParquetColumn } from "../../packages/engines/duckdb/parquet.ts";
import { literal, quoted, type Session } from "../../packages/engines/duckdb/session.ts";

/**
 * | column | text |
 * |---|---|
 * | string | itself |
 * | int, bigint | digits |
 * | boolean | `true`, `false` |
 * | double | its 64 bits in hexadecimal |
 * | date | days since 1970-01-01 |
 * | timestamp | microseconds since 1970-01-01 UTC |
 * | decimal(p,s) | the value × 10^s, digits |
 */
export type Text = string | null;
export type Rows = Text[][];

export const bits = (value: number): string => {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return buffer.toString("hex");
};

export const textOf = (type: GlueType, cell: Cell): Text =>
  cell === null ? null : type === "double" ? bits(cell as number) : String(cell);

export const scaleOf = (type: GlueType): number => Number(/^decimal\(\d+,(\d+)\)$/.exec(type)?.[1] ?? -1);

/** A decimal with its point. */
export const decimalText = (unscaled: bigint, scale: number): string => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return unscaled < 0n ? `-${text}` : text;
};

/** As DuckDB reads a file, in the file's order. */
export const byDuckdb = async (session: Session, path: string, columns: readonly ParquetColumn[]): Promise<Rows> => {
  const shown = columns.map(({ name, type }) => {
    const column = quoted(name);
    if (type === "date") return `CAST(${column} - DATE '1970-01-01' AS VARCHAR) AS ${column}`;
    if (type === "timestamp") return `CAST(epoch_us(${column}) AS VARCHAR) AS ${column}`;
    if (type === "string") return `hex(${column}) AS ${column}`;
    return type === "double" ? column : `CAST(${column} AS VARCHAR) AS ${column}`;
  });
  const rows = await session.rows<Record<string, string | number | null>>(
    `SELECT ${shown.join(", ")} FROM read_parquet(${literal(path)})`,
  );
  return rows.map((row) =>
    columns.map(({ name, type }) => {
      const value = row[name];
      if (value === null || value === undefined) return null;
      if (type === "string") return Buffer.from(String(value), "hex").toString("utf8");
      if (type === "double") return bits(Number(value));
      return scaleOf(type) >= 0 ? String(BigInt(String(value).replace(".", ""))) : String(value);
    }),
  );
};

/** As hyparquet reads a file. Its decimals are doubles: of those columns only values of up to 15 digits are told apart. */
export const byHyparquet = async (path: string, columns: readonly ParquetColumn[]): Promise<Rows> => {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const exact = {
    dateFromDays: (days: number) => days,
    timestampFromMilliseconds: (millis: bigint) => millis * 1000n,
    timestampFromMicroseconds: (micros: bigint) => micros,
    timestampFromNanoseconds: (nanos: bigint) => nanos / 1000n,
  };
  const parsers = exact as unknown as NonNullable<Parameters<typeof parquetReadObjects>[0]["parsers"]>;
  const rows = await parquetReadObjects({ file, compressors, parsers });
  return rows.map((row) =>
    columns.map(({ name, type }) => {
      const value: unknown = row[name];
      if (value === null || value === undefined) return null;
      if (type === "double") return bits(value as number);
      if (scaleOf(type) < 0) return String(value);
      return String(BigInt(Math.round(Number(value) * 10 ** scaleOf(type))));
    }),
  );
};
