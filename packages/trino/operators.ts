import { coerce, unify } from "./casts.ts";
import * as decimals from "./decimals.ts";
import { between, intervalArithmetic, shifted } from "./intervals.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import {
  asDecimal,
  bigint,
  boolean,
  double,
  duckdb,
  isInteger,
  isInterval,
  isNumber,
  orderable,
  show,
  type Type,
} from "./types.ts";
import { made, raise, type Value } from "./value.ts";

type Arithmetic = "+" | "-" | "*" | "/" | "%";

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
  if (isInterval(r.type) && !isInterval(l.type) && (op === "+" || op === "-") && !isNumber(l.type))
    return shifted(l, op, r, at);
  if (isInterval(l.type) && !isInterval(r.type) && op === "+" && !isNumber(r.type)) return shifted(r, op, l, at);
  if (op === "-" && isMoment(l.type) && isMoment(r.type)) return between(l, r, at);
  const interval = intervalArithmetic(op, l, r, at);
  if (interval) return interval;
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

const isMoment = ({ name }: Type): boolean =>
  name === "date" || name === "timestamp" || name === "timestamp with time zone";

export const negated = (value: Value, at = value.at): Value => {
  if (!isNumber(value.type) && !isInterval(value.type))
    refuse("type_mismatch", `cannot apply - to ${show(value.type)}`, at);
  return { ...made([value]), sql: `(- ${value.sql})`, type: value.type, at, ...(value.finite ? { finite: true } : {}) };
};

/**
 * `left op right`. In DuckDB NaN equals itself and is greater than everything, in Trino every comparison with it is
 * false (`<>`: true), so a double that might be NaN is looked at first.
 */
export const compare = (op: string, left: Value, right: Value, at = left.at): Value => {
  // Moments are compared as such, whatever their zones; what has none is in the session's, UTC.
  const zoned = [left, right].some(({ type }) => type.name === "timestamp with time zone");
  if (zoned && isMoment(left.type) && isMoment(right.type)) {
    const [a, b] = [left, right].map(({ sql, type }) => (type.name === "date" ? `CAST(${sql} AS TIMESTAMP)` : sql));
    return { ...made([left, right]), sql: `(${a} ${op} ${b})`, type: boolean, at };
  }
  const { type, values } = unify([left, right], op);
  const [a, b] = values as [Value, Value];
  const plain = `${a.sql} ${op} ${b.sql}`;
  if (!orderable(type)) return compareHolders(op, a, b, at);
  const base = { ...made(values), type: boolean, at };
  if (type.name !== "double") return { ...base, sql: `(${plain})` };
  const suspects =
    op === "=" || op === "<>" ? (a.finite || b.finite ? [] : [[a, b]]) : op.startsWith("<") ? [[b, a]] : [[a, b]];
  const guards = (suspects as [Value, Value][])
    .filter(([suspect]) => !suspect.finite)
    .map(([suspect, other]) => `WHEN isnan(${suspect.sql}) AND ${other.sql} IS NOT NULL THEN ${op === "<>"} `);
  return { ...base, sql: guards.length ? `CASE ${guards.join("")}ELSE ${plain} END` : `(${plain})` };
};

/**
 * Rows and arrays of one type. Where NULL is inside, a row is equal as far as its fields say, and of arrays the answer
 * is not sure. What lies inside arrays is compared as DuckDB does it: scalars only, and no doubles.
 */
const compareHolders = (op: string, a: Value, b: Value, at: Position): Value => {
  const { type } = a;
  const equality = op === "=" || op === "<>";
  const base = { ...made([a, b]), type: boolean, at };
  if (type.name === "row" && equality) {
    const fields = type.fields.map(({ type }, index) => {
      const [x, y] = [a, b].map(({ sql }) => ({ sql: `struct_extract(${sql}, 'f${index + 1}')`, type, at, loose: [] }));
      return compare("=", x!, y!, at);
    });
    const sql = `(${fields.map((field) => field.sql).join(" AND ")})`;
    return { ...base, sql: op === "=" ? sql : `(NOT ${sql})` };
  }
  if (type.name !== "array" || !orderable(type.element) || type.element.name === "double")
    return unsupported(`${op} of ${show(type)}`, at);
  const holes = [a, b].map(({ sql }) => `list_position(${sql}, CAST(NULL AS ${duckdb(type.element)})) IS NOT NULL`);
  const doubt = raise("a comparison of arrays that hold NULL is not answered locally");
  return { ...base, sql: `CASE WHEN ${holes.join(" OR ")} THEN ${doubt} ELSE ${a.sql} ${op} ${b.sql} END` };
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
