import { refuse, unsupported } from "../refusal.ts";
import { bigint, date, type Type, varchar } from "../types.ts";
import { text } from "../value.ts";
import type { Args, Signature } from "./table.ts";

const MILLISECONDS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const DAYS: Readonly<Record<string, number>> = { day: 1, week: 7 };
const MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };

const unit = (
  { literals, at }: Args,
  name: string,
  ...tables: Readonly<Record<string, number>>[]
): [string, number] => {
  const key = literals[0]!.toLowerCase();
  const found = tables.find((table) => key in table);
  if (!found) refuse("invalid", `${name}: '${literals[0]}' is no unit that is answered for this type`, at);
  return [key, found![key]!];
};

const truncated = (args: Args): string => {
  const day = args.types[1]!.name === "date";
  const [key] = day ? unit(args, "date_trunc", DAYS, MONTHS) : unit(args, "date_trunc", MILLISECONDS, MONTHS);
  const sql = `date_trunc('${key}', ${args.sql[1]})`;
  return day ? `CAST(${sql} AS DATE)` : sql;
};

const added = (args: Args): string => {
  const [key, size] =
    args.types[2]!.name === "date"
      ? unit(args, "date_add", DAYS, MONTHS)
      : unit(args, "date_add", MILLISECONDS, MONTHS);
  const [, count, x] = args.sql;
  if (key in MONTHS) {
    const sql = `${x} + INTERVAL (${count} * ${size}) MONTH`;
    return args.types[2]!.name === "date" ? `CAST(${sql} AS DATE)` : sql;
  }
  if (args.types[2]!.name === "date") return `${x} + CAST(${count} * ${size} AS INTEGER)`;
  return `${x} + INTERVAL (${count} * ${size}) MILLISECONDS`;
};

/**
 * Whole months from `a` to `b`, a ≤ b (Joda's rule, which is Trino's): the last day of a month completes it. With a
 * time of day, the day it completes counts only from that time on.
 */
const months = (a: string, b: string, timed = false): string => {
  const [x, y] = timed ? [`CAST(${a} AS DATE)`, `CAST(${b} AS DATE)`] : [a, b];
  const early = timed
    ? ` OR ((day(${y}) = day(${x}) OR (day(${y}) < day(${x}) AND ${y} = last_day(${y}))) AND CAST(${b} AS TIME) < CAST(${a} AS TIME))`
    : "";
  return `((year(${y}) - year(${x})) * 12 + month(${y}) - month(${x}) - CASE WHEN (day(${y}) < day(${x}) AND ${y} <> last_day(${y}))${early} THEN 1 ELSE 0 END)`;
};

const difference = (args: Args): string => {
  const [, a, b] = args.sql as [string, string, string];
  if (args.types[1]!.name === "date") {
    const [key, size] = unit(args, "date_diff", DAYS, MONTHS);
    if (key in DAYS) return size === 1 ? `(${b} - ${a})` : `(${b} - ${a}) // ${size}`;
    const sql = `CASE WHEN ${a} <= ${b} THEN ${months(a, b)} ELSE - ${months(b, a)} END`;
    return size === 1 ? sql : `(${sql}) // ${size}`;
  }
  const [key, size] = unit(args, "date_diff", MILLISECONDS, MONTHS);
  if (key in MONTHS) {
    const sql = `CASE WHEN ${a} <= ${b} THEN ${months(a, b, true)} ELSE - ${months(b, a, true)} END`;
    return size === 1 ? sql : `(${sql}) // ${size}`;
  }
  return `(epoch_ms(${b}) - epoch_ms(${a})) // ${size}`;
};

/** MySQL's letters, as Trino's date_format reads them, in strftime's. */
const mysql: Readonly<Record<string, string>> = {
  a: "%a",
  b: "%b",
  c: "%-m",
  d: "%d",
  e: "%-d",
  H: "%H",
  h: "%I",
  I: "%I",
  i: "%M",
  j: "%j",
  k: "%-H",
  l: "%-I",
  M: "%B",
  m: "%m",
  p: "%p",
  r: "%I:%M:%S %p",
  S: "%S",
  s: "%S",
  T: "%H:%M:%S",
  W: "%A",
  Y: "%Y",
  y: "%y",
  "%": "%%",
};
const dateFormat = ({ sql, literals, at }: Args): string => {
  const format = literals[1]!.replace(/%([\s\S])|%$/g, (whole, letter: string | undefined) =>
    letter !== undefined && letter in mysql ? mysql[letter]! : unsupported(`date_format with ${whole}`, at),
  );
  return `strftime(${sql[0]}, ${text(format)})`;
};

/** Joda's letters in strftime's. */
const joda: Readonly<Record<string, string>> = {
  yyyy: "%Y",
  yy: "%y",
  MMMM: "%B",
  MMM: "%b",
  MM: "%m",
  M: "%-m",
  dd: "%d",
  d: "%-d",
  HH: "%H",
  H: "%-H",
  hh: "%I",
  h: "%-I",
  mm: "%M",
  ss: "%S",
  SSS: "%g",
  EEEE: "%A",
  EEE: "%a",
  a: "%p",
};
const formatDatetime = ({ sql, literals, at }: Args): string => {
  const format = literals[1]!.replace(/([A-Za-z])\1*|'|%/g, (letters) =>
    letters === "%" ? "%%" : (joda[letters] ?? unsupported(`format_datetime with ${letters}`, at)),
  );
  return `strftime(${sql[0]}, ${text(format)})`;
};

const second = (types: Type[]): Type => types[1]!;
const third = (types: Type[]): Type => types[2]!;
const field = (name: string, duckdb: string): Signature[] => [
  { name, takes: ["date"], gives: bigint, duckdb },
  { name, takes: ["timestamp"], gives: bigint, duckdb },
];
const clock = (name: string, duckdb: string): Signature => ({ name, takes: ["timestamp"], gives: bigint, duckdb });

export const dates: readonly Signature[] = [
  ...field("year", "year($1)"),
  ...field("quarter", "quarter($1)"),
  ...field("month", "month($1)"),
  ...field("week", "week($1)"),
  ...field("day", "day($1)"),
  ...field("day_of_week", "isodow($1)"),
  ...field("day_of_year", "dayofyear($1)"),
  ...field("year_of_week", "isoyear($1)"),
  clock("hour", "hour($1)"),
  clock("minute", "minute($1)"),
  clock("second", "second($1)"),
  clock("millisecond", "millisecond($1) % 1000"),
  {
    name: "current_date",
    takes: [],
    gives: date,
    duckdb: "CAST(timezone('UTC', now()) AS DATE)",
    note: "UTC, as Athena",
  },
  { name: "last_day_of_month", takes: ["date"], gives: date, duckdb: "last_day($1)" },
  { name: "last_day_of_month", takes: ["timestamp"], gives: date, duckdb: "last_day($1)" },
  { name: "date_trunc", takes: ["varchar literal", "date"], gives: second, duckdb: truncated },
  { name: "date_trunc", takes: ["varchar literal", "timestamp"], gives: second, duckdb: truncated },
  { name: "date_add", takes: ["varchar literal", "bigint", "date"], gives: third, duckdb: added },
  { name: "date_add", takes: ["varchar literal", "bigint", "timestamp"], gives: third, duckdb: added },
  { name: "date_diff", takes: ["varchar literal", "date", "date"], gives: bigint, duckdb: difference },
  { name: "date_diff", takes: ["varchar literal", "timestamp", "timestamp"], gives: bigint, duckdb: difference },
  { name: "date_format", takes: ["timestamp", "varchar literal"], gives: varchar, duckdb: dateFormat },
  { name: "format_datetime", takes: ["timestamp", "varchar literal"], gives: varchar, duckdb: formatDatetime },
];
