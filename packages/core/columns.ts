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
export type Column<W = unknown> = {
  means: string;
  type: GlueType;
  wire: z.ZodType<W>;
  /** Whether `wire` takes a value, without saying why not: a tenth of its cost, for the many that are right. */
  holds: (value: unknown) => boolean;
  pii?: true;
};

export const duckdbType = (type: GlueType): string => (type === "string" ? "VARCHAR" : type.toUpperCase());

export const trinoType = (type: GlueType): string =>
  type === "string" ? "varchar" : type === "int" ? "integer" : type === "timestamp" ? "timestamp(3)" : type;

const column =
  <W>(type: GlueType, wire: z.ZodType<W>, holds: Column["holds"]) =>
  (means: string): Column<W> => ({ means, type, wire, holds });

const matches =
  (pattern: RegExp): Column["holds"] =>
  (value) =>
    typeof value === "string" && pattern.test(value);

/** Exactly `scale` decimals, no exponent, no leading zero, no "-0". */
const digits = (precision: number, scale: number) => {
  const pattern = new RegExp(
    `^(?!-[0.]+$)-?(0|[1-9]\\d{0,${precision - scale - 1}})${scale ? `\\.\\d{${scale}}` : ""}$`,
  );
  const means = `expected up to ${precision - scale} digits${scale ? ` and exactly ${scale} decimals` : ""}`;
  return [z.string().regex(pattern, means), matches(pattern)] as const;
};

/** Halves of a surrogate pair have no UTF-8: they would become U+FFFD on the way, and two texts one. */
const printable = /^[^\u0000-\u001f\u007f\ud800-\udfff]*$/u;

/** Text without control characters or halves of characters, at most `max` characters, never empty: absent is null. */
export const text = (max: number) =>
  column(
    "string",
    z.string().min(1).max(max).regex(printable, "expected no control characters, and no half of a surrogate pair"),
    (value) =>
      typeof value === "string" &&
      value !== "" &&
      (value.length <= max || [...value].length <= max) &&
      printable.test(value),
  );
export const INT_MAX = 2_147_483_647;
export const integer = (max = INT_MAX) =>
  column(
    "int",
    z.int().min(0).max(max),
    (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max,
  );
/** A 64-bit integer, a string of digits on the wire. */
export const bigint = column("bigint", ...digits(18, 0));
export const decimal = (precision: number, scale: number) =>
  column(`decimal(${precision},${scale})`, ...digits(precision, scale));
/** A decimal that stays text in its table (raw: Firehose's SerDes do not document DECIMAL) and is cast in SQL. */
export const decimalText = (precision: number, scale: number) => column("string", ...digits(precision, scale));
export const double = column("double", z.number(), Number.isFinite);
export const boolean = column("boolean", z.boolean(), (value) => value === true || value === false);

/** A year has four digits and starts with none that is padding: engines disagree on how to print others. */
const day = /^([1-9]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const isDay = (value: unknown): boolean => {
  const parts = typeof value === "string" ? day.exec(value) : null;
  if (!parts) return false;
  if (Number(parts[3]) <= 28) return true;
  const [year, month] = [Number(parts[1]), Number(parts[2])];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return Number(parts[3]) <= (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);
};
/** A calendar day that exists, `YYYY-MM-DD`, from the year 1000 on. */
export const date = column(
  "date",
  z.iso
    .date({ abort: true })
    .regex(/^[1-9]/, "expected a year from 1000 on")
    .meta({ format: "date" }),
  isDay,
);

const instant = /^(\d{4}-\d\d-\d\d) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}$/;
const isInstant = (value: unknown): boolean => {
  const parts = typeof value === "string" ? instant.exec(value) : null;
  return parts !== null && isDay(parts[1]);
};
/** An instant that exists in UTC, `yyyy-MM-dd HH:mm:ss.SSS`: Firehose rejects offsets. */
export const timestamp = column(
  "timestamp",
  z
    .string()
    .regex(instant, { message: "expected yyyy-MM-dd HH:mm:ss.SSS in UTC", abort: true })
    .refine(isInstant, "expected an instant that exists"),
  isInstant,
);
export const optional = <W>(c: Column<W>): Column<W | null> => ({
  ...c,
  wire: c.wire.nullable(),
  holds: (value) => value === null || c.holds(value),
});
