import { z } from "zod";

/** The types a column can have, under their Hive names, which are also Glue's and Spark's. */
export type GlueType =
  | "string"
  | "int"
  | "bigint"
  | "double"
  | "boolean"
  | "date"
  | "timestamp"
  | `decimal(${number},${number})`;

/**
 * One column, everywhere: `means` is its comment (Portuguese, it reaches Glue), `type` its type in every engine,
 * `wire` what it looks like inside a message, where one value has exactly one spelling.
 */
export type Column<W = unknown> = { means: string; type: GlueType; wire: z.ZodType<W>; pii?: true };

export const duckdbType = (type: GlueType): string => (type === "string" ? "VARCHAR" : type.toUpperCase());

export const trinoType = (type: GlueType): string =>
  type === "string" ? "varchar" : type === "int" ? "integer" : type === "timestamp" ? "timestamp(3)" : type;

const column =
  <W>(type: GlueType, wire: z.ZodType<W>) =>
  (means: string): Column<W> => ({ means, type, wire });

/** Exactly `scale` decimals, no exponent, no leading zero, no "-0". */
const digits = (precision: number, scale: number) =>
  z
    .string()
    .regex(
      new RegExp(`^(?!-[0.]+$)-?(0|[1-9]\\d{0,${precision - scale - 1}})${scale ? `\\.\\d{${scale}}` : ""}$`),
      `expected up to ${precision - scale} digits${scale ? ` and exactly ${scale} decimals` : ""}`,
    );

/** Text without control characters, at most `max` characters, never empty: absent is null. */
export const text = (max: number) =>
  column(
    "string",
    z
      .string()
      .min(1)
      .max(max)
      .regex(/^[^\u0000-\u001f\u007f]*$/, "expected no control characters"),
  );
export const integer = (max = 2_147_483_647) => column("int", z.int().min(0).max(max));
/** A 64-bit integer, a string of digits on the wire. */
export const bigint = column("bigint", digits(18, 0));
export const decimal = (precision: number, scale: number) =>
  column(`decimal(${precision},${scale})`, digits(precision, scale));
/** A decimal that stays text in its table (raw: Firehose's SerDes do not document DECIMAL) and is cast in SQL. */
export const decimalText = (precision: number, scale: number) => column("string", digits(precision, scale));
export const double = column("double", z.number());
export const boolean = column("boolean", z.boolean());
/** A calendar day that exists, `YYYY-MM-DD`. */
export const date = column("date", z.iso.date());
/** UTC, `yyyy-MM-dd HH:mm:ss.SSS`: Firehose rejects offsets. */
export const timestamp = column("timestamp", z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/));
export const optional = <W>(c: Column<W>): Column<W | null> => ({ ...c, wire: c.wire.nullable() });
