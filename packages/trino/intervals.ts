import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Expression } from "./syntax.ts";
import { daySecond, isInteger, isInterval, show, timestamp, yearMonth, zoned } from "./types.ts";
import { made, raise, type Value } from "./value.ts";

/** Intervals: whole milliseconds, or whole months. */

const MONTHS: Readonly<Record<string, bigint>> = { YEAR: 12n, MONTH: 1n };
const MILLISECONDS: Readonly<Record<string, bigint>> = {
  DAY: 86_400_000n,
  HOUR: 3_600_000n,
  MINUTE: 60_000n,
  SECOND: 1_000n,
};
const DAY = 86_400_000;
const spans = ["DAY", "HOUR", "MINUTE", "SECOND"];

/** `'1 02:03:04.567'` read as the units from `from` to `to`, in milliseconds. */
const span = (value: string, from: string, to: string, refused: () => never): bigint => {
  const units = spans.slice(spans.indexOf(from), spans.indexOf(to) + 1);
  if (units.length === 0) refused();
  const parts = units.map((unit) => (unit === "SECOND" ? "(\\d{1,9})(?:\\.(\\d{1,3}))?" : "(\\d{1,9})"));
  const between = units.map((_, index) => (index === 0 ? "" : units[index - 1] === "DAY" ? " " : ":"));
  const found = new RegExp(`^(-?)${parts.map((part, index) => between[index] + part).join("")}$`).exec(value);
  if (!found) return refused();
  const total = units.reduce((sum, unit, index) => sum + BigInt(found[index + 2]!) * MILLISECONDS[unit]!, 0n);
  const fraction = to === "SECOND" ? BigInt((found[units.length + 2] ?? "").padEnd(3, "0")) : 0n;
  return (total + fraction) * (found[1] ? -1n : 1n);
};

/** `INTERVAL '3' DAY`, `INTERVAL '1 06:30' DAY TO MINUTE`. Its literal is its number of milliseconds or months. */
export const intervalOf = (node: Extract<Expression, { kind: "interval" }>): Value => {
  const { value, unit, to, at } = node;
  const refused = (): never => unsupported(`INTERVAL '${value}' ${unit}${to ? ` TO ${to}` : ""}`, at);
  const sign = node.negative ? -1n : 1n;
  const months = unit in MONTHS;
  let count: bigint;
  if (months && to) {
    const found = unit === "YEAR" && to === "MONTH" ? /^(-?)(\d{1,6})-(\d{1,2})$/.exec(value) : null;
    if (!found) return refused();
    count = (BigInt(found[2]!) * 12n + BigInt(found[3]!)) * (found[1] ? -1n : 1n);
  } else if (months) {
    if (!/^-?\d{1,9}$/.test(value)) return refused();
    count = BigInt(value) * MONTHS[unit]!;
  } else count = span(value, unit, to ?? unit, refused);
  const literal = String(count * sign);
  return { sql: `CAST(${literal} AS BIGINT)`, type: months ? yearMonth : daySecond, at, loose: [], literal };
};

/** A date, timestamp or moment plus or minus an interval. The end of a shorter month is its last day. */
export const shifted = (value: Value, op: "+" | "-", interval: Value, at: Position): Value => {
  const { type } = value;
  const base = { ...made([value, interval]), type, at };
  const count = interval.literal ?? interval.sql;
  const known = ["date", "timestamp", "timestamp with time zone"].includes(type.name);
  if (!known) return refuse("type_mismatch", `cannot apply ${show(type)} ${op} ${show(interval.type)}`, at);
  if (interval.type.name === "interval year to month") {
    if (type.name === "timestamp with time zone" && type.zone !== "UTC")
      unsupported("months added to a moment outside UTC", at);
    const sql = `${value.sql} ${op} INTERVAL (${count}) MONTH`;
    return { ...base, sql: type.name === "date" ? `CAST(${sql} AS DATE)` : `(${sql})` };
  }
  if (type.name === "timestamp" || type.name === "timestamp with time zone") {
    const precision = Math.max(3, type.precision);
    const exact = type.name === "timestamp" ? timestamp(precision) : zoned(precision, type.zone);
    return { ...base, sql: `(${value.sql} ${op} INTERVAL (${count}) MILLISECONDS)`, type: exact };
  }
  const days = (sql: string): string => `(${value.sql} ${op} CAST(${sql} AS INTEGER))`;
  const parts = "expected whole days to add to a date, came hours, minutes or seconds";
  if (interval.literal === undefined)
    return {
      ...base,
      sql: `CASE WHEN ${count} % ${DAY} <> 0 THEN ${raise(parts)} ELSE ${days(`${count} // ${DAY}`)} END`,
    };
  if (BigInt(count) % BigInt(DAY) !== 0n) refuse("invalid", parts, at);
  return { ...base, sql: days(String(BigInt(count) / BigInt(DAY))) };
};

/** The time between two days or timestamps. */
export const between = (left: Value, right: Value, at: Position): Value => {
  const base = { ...made([left, right]), type: daySecond, at };
  if (left.type.name === "date" && right.type.name === "date")
    return { ...base, sql: `((${left.sql} - ${right.sql}) * ${DAY})` };
  for (const { type } of [left, right])
    if ("precision" in type && type.precision > 3) unsupported("the time between timestamps of microseconds", at);
  const ms = ({ type, sql }: Value) => `epoch_ms(${type.name === "date" ? `CAST(${sql} AS TIMESTAMP)` : sql})`;
  return { ...base, sql: `(${ms(left)} - ${ms(right)})` };
};

/** Interval ± interval, interval × integer, interval ÷ integer; null when neither side is an interval. */
export const intervalArithmetic = (op: string, left: Value, right: Value, at: Position): Value | null => {
  const [a, b] = [isInterval(left.type), isInterval(right.type)];
  if (!a && !b) return null;
  const base = { ...made([left, right]), type: a ? left.type : right.type, at };
  if (a && b && left.type.name === right.type.name && (op === "+" || op === "-"))
    return { ...base, sql: `(${left.sql} ${op} ${right.sql})` };
  if (op === "*" && isInteger((a ? right : left).type)) return { ...base, sql: `(${left.sql} * ${right.sql})` };
  if (op === "/" && a && isInteger(right.type)) {
    const sql = `${left.sql} // ${right.sql}`;
    return { ...base, sql: `CASE WHEN ${right.sql} = 0 THEN ${raise("Division by zero")} ELSE ${sql} END` };
  }
  if ((a ? right : left).type.name === "double" || (a ? right : left).type.name === "decimal")
    return unsupported(`${show(left.type)} ${op} ${show(right.type)}`, at);
  return refuse("type_mismatch", `cannot apply ${show(left.type)} ${op} ${show(right.type)}`, at);
};

/** As CAST(… AS varchar), and a result, has it: `-1 02:03:04.005`, `1-6`. */
export const intervalText = ({ sql, type }: Value): string => {
  const sign = `CASE WHEN ${sql} < 0 THEN '-' ELSE '' END`;
  if (type.name === "interval year to month")
    return `(${sign} || CAST(abs(${sql}) // 12 AS VARCHAR) || '-' || CAST(abs(${sql}) % 12 AS VARCHAR))`;
  const part = (divisor: number, modulo: number, width: number) =>
    `lpad(CAST((abs(${sql}) // ${divisor}) % ${modulo} AS VARCHAR), ${width}, '0')`;
  const clock = `${part(3_600_000, 24, 2)} || ':' || ${part(60_000, 60, 2)} || ':' || ${part(1000, 60, 2)} || '.' || ${part(1, 1000, 3)}`;
  return `(${sign} || CAST(abs(${sql}) // ${DAY} AS VARCHAR) || ' ' || ${clock})`;
};
