import { coerce, unify } from "./casts.ts";
import * as decimals from "./decimals.ts";
import { refuse, unsupported } from "./refusal.ts";
import { asDecimal, bigint, boolean, double, isInteger, isNumber, show, type Type } from "./types.ts";
import { made, raise, type Value } from "./value.ts";

type Arithmetic = "+" | "-" | "*" | "/" | "%";

/** An interval literal: months, or milliseconds. Only added to dates and timestamps. */
export type Interval = { months: bigint } | { milliseconds: bigint };

const zeroChecked = (divisor: Value, sql: string): string =>
  divisor.literal !== undefined && /[1-9]/.test(divisor.literal)
    ? `(${sql})`
    : `CASE WHEN ${divisor.sql} = 0 THEN ${raise("Division by zero")} ELSE ${sql} END`;

const integerArithmetic = (op: Arithmetic, a: Value, b: Value): string =>
  op === "/" || op === "%"
    ? zeroChecked(b, `${a.sql} ${op === "/" ? "//" : "%"} ${b.sql}`)
    : `(${a.sql} ${op} ${b.sql})`;

const decimalArithmetic = (op: Arithmetic, left: Value, right: Value): { sql: string; type: Type } => {
  const [x, y] = [asDecimal(left.type)!, asDecimal(right.type)!];
  const [a, b] = [coerce(left, x, op), coerce(right, y, op)];
  if (op === "+" || op === "-") {
    const type = decimals.sumType(x, y);
    return { sql: decimals.sum(op, a.sql, b.sql, type), type };
  }
  if (op === "*") {
    const type = decimals.productType(x, y, right.at);
    return { sql: decimals.product(a.sql, x, b.sql, type), type };
  }
  if (op === "/") {
    const type = decimals.quotientType(x, y);
    const literal = right.literal?.replace(".", "").replace(/^0+(?=\d)/, "");
    const divisor = literal !== undefined && /^[1-9]\d*$/.test(literal) ? literal : undefined;
    return { sql: decimals.quotient(a.sql, x, b.sql, y, type, divisor), type };
  }
  const type = decimals.remainderType(x, y);
  const scale = `DECIMAL(38,${type.scale})`;
  const sql = `CAST(CAST(${a.sql} AS ${scale}) % CAST(${b.sql} AS ${scale}) AS DECIMAL(${type.precision},${type.scale}))`;
  return { sql: `CASE WHEN ${b.sql} = 0 THEN ${raise("Division by zero")} ELSE ${sql} END`, type };
};

/** `left op right` on numbers, by Trino's rules of type and rounding. */
export const arithmetic = (op: Arithmetic, left: Value, right: Value, at = left.at): Value => {
  if (left.type.name === "unknown" && right.type.name === "unknown") unsupported("arithmetic on NULL alone", at);
  const known = left.type.name === "unknown" ? right.type : left.type;
  const [l, r] = [left, right].map((value) => (value.type.name === "unknown" ? coerce(value, known, op) : value)) as [
    Value,
    Value,
  ];
  const base = { ...made([l, r]), at };
  if (l.type.name === "date" && r.type.name === "date" && op === "-")
    unsupported("date - date (an interval): date_diff('day', a, b)", at);
  if (!isNumber(l.type) || !isNumber(r.type))
    refuse("type_mismatch", `cannot apply ${show(l.type)} ${op} ${show(r.type)}`, at);
  if (l.type.name === "double" || r.type.name === "double") {
    const [a, b] = [coerce(l, double, op), coerce(r, double, op)];
    return { ...base, sql: `(${a.sql} ${op} ${b.sql})`, type: double };
  }
  if (isInteger(l.type) && isInteger(r.type)) {
    const both = unify([l, r], op);
    const [a, b] = both.values as [Value, Value];
    return {
      ...base,
      sql: integerArithmetic(op, a, r.literal !== undefined ? { ...b, literal: r.literal } : b),
      type: both.type,
    };
  }
  return { ...base, ...decimalArithmetic(op, l, r) };
};

export const negated = (value: Value, at = value.at): Value => {
  if (!isNumber(value.type)) refuse("type_mismatch", `cannot apply - to ${show(value.type)}`, at);
  return { ...made([value]), sql: `(- ${value.sql})`, type: value.type, at, ...(value.finite ? { finite: true } : {}) };
};

/** A date or timestamp plus or minus an interval. The end of a shorter month is its last day, as in Trino. */
export const shifted = (value: Value, op: "+" | "-", interval: Interval, at = value.at): Value => {
  const base = { ...made([value]), type: value.type, at };
  if (value.type.name !== "date" && value.type.name !== "timestamp")
    return refuse("type_mismatch", `cannot apply ${show(value.type)} ${op} interval`, at);
  if ("months" in interval) {
    const sql = `${value.sql} ${op} INTERVAL (${interval.months}) MONTH`;
    return { ...base, sql: value.type.name === "date" ? `CAST(${sql} AS DATE)` : `(${sql})` };
  }
  if (value.type.name === "timestamp")
    return { ...base, sql: `(${value.sql} ${op} INTERVAL (${interval.milliseconds}) MILLISECONDS)` };
  if (interval.milliseconds % 86_400_000n !== 0n)
    refuse("invalid", "expected whole days to add to a date, came hours, minutes or seconds", at);
  return { ...base, sql: `(${value.sql} ${op} CAST(${interval.milliseconds / 86_400_000n} AS INTEGER))` };
};

/**
 * `left op right`. In DuckDB NaN equals itself and is greater than everything, in Trino every comparison with it is
 * false (`<>`: true), so a double that might be NaN is looked at first.
 */
export const compare = (op: string, left: Value, right: Value, at = left.at): Value => {
  const { type, values } = unify([left, right], op);
  const [a, b] = values as [Value, Value];
  const plain = `${a.sql} ${op} ${b.sql}`;
  const base = { ...made(values), type: boolean, at };
  if (type.name !== "double") return { ...base, sql: `(${plain})` };
  const suspects =
    op === "=" || op === "<>" ? (a.finite || b.finite ? [] : [[a, b]]) : op.startsWith("<") ? [[b, a]] : [[a, b]];
  const guards = (suspects as [Value, Value][])
    .filter(([suspect]) => !suspect.finite)
    .map(([suspect, other]) => `WHEN isnan(${suspect.sql}) AND ${other.sql} IS NOT NULL THEN ${op === "<>"} `);
  return { ...base, sql: guards.length ? `CASE ${guards.join("")}ELSE ${plain} END` : `(${plain})` };
};

/** Both true, either true: SQL's three-valued logic is the same in both engines. */
export const logic = (op: "AND" | "OR", left: Value, right: Value, at = left.at): Value => ({
  ...made([left, right]),
  sql: `(${left.sql} ${op} ${right.sql})`,
  type: boolean,
  at,
});

/** Values of which NaN would make the answer differ: an error at run time when one comes. */
export const withoutNaN = (value: Value): Value =>
  value.type.name !== "double" || value.finite
    ? value
    : {
        ...value,
        sql: `CASE WHEN isnan(${value.sql}) THEN ${raise("NaN in this function is not answered locally")} ELSE ${value.sql} END`,
      };

export const asBigint = (sql: string): string => `CAST(${sql} AS ${bigint.name.toUpperCase()})`;
