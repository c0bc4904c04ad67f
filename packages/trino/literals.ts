import { castTo } from "./casts.ts";
import { momentOf, zoneOf } from "./moments.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Expression } from "./syntax.ts";
import {
  bigint,
  boolean,
  date,
  decimal,
  double,
  duckdb,
  integer,
  MAX_PRECISION,
  show,
  type Type,
  timestamp,
  typeOf,
  unknown,
  varcharOf,
} from "./types.ts";
import { text, type Value } from "./value.ts";

const INTEGER = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const BIGINT = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** `1.50` is DECIMAL(3,2), `0.5` DECIMAL(1,1): leading zeros are no digits. */
const decimalOf = (written: string, at: Position): Value => {
  const [, sign, before, after] = /^(-?)0*(\d*)\.?(\d*)$/.exec(written)!;
  const precision = Math.max(1, before!.length + after!.length);
  if (precision > MAX_PRECISION) refuse("invalid", `expected a decimal of at most 38 digits, came ${precision}`, at);
  const type = decimal(precision, after!.length);
  const spelled = `${sign}${before || "0"}${after ? `.${after}` : ""}`;
  return {
    sql: `CAST('${spelled}' AS DECIMAL(${type.precision},${type.scale}))`,
    type,
    at,
    loose: [],
    literal: spelled,
  };
};

const integerOf = (written: string, at: Position): Value => {
  const value = BigInt(written);
  if (value < BIGINT[0] || value > BIGINT[1]) refuse("invalid", `expected a 64-bit integer, came ${written}`, at);
  const type = value >= INTEGER[0] && value <= INTEGER[1] ? integer : bigint;
  const sql = value < 0n ? `(${value})` : `${value}`;
  // DuckDB takes the digits of the least value for those of a wider type.
  const least = value === INTEGER[0] || value === BIGINT[0];
  return {
    sql: least ? `CAST('${value}' AS ${duckdb(type)})` : sql,
    type,
    at,
    loose: [],
    literal: `${value}`,
  };
};

const real = (year: number, month: number, day: number): boolean => {
  const instant = new Date(Date.UTC(year, month - 1, day));
  return instant.getUTCMonth() === month - 1 && instant.getUTCDate() === day;
};

const typed = (name: string, written: string, at: Position): Value => {
  const base = (type: Type, sql: string): Value => ({ sql, type, at, loose: [] });
  if (name === "DATE") {
    const parts = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(written);
    if (!parts || !real(Number(parts[1]), Number(parts[2]), Number(parts[3])))
      return refuse("invalid", `expected DATE 'YYYY-MM-DD' of a day that exists, came ${text(written)}`, at);
    const day = `${parts[1]}-${parts[2]!.padStart(2, "0")}-${parts[3]!.padStart(2, "0")}`;
    return base(date, `DATE '${day}'`);
  }
  if (name === "TIMESTAMP") {
    const parts =
      /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(?: ([A-Za-z+-][\w/:+-]*))?)?$/.exec(written);
    if (!parts) return unsupported(`TIMESTAMP ${text(written)}: expected 'YYYY-MM-DD HH:MM:SS.mmm [zone]'; this`, at);
    const [, y, m, d, hour = "00", minute = "00", second = "00", fraction = "", zone] = parts;
    if (!real(Number(y), Number(m), Number(d)) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
      refuse("invalid", `expected a moment that exists, came ${text(written)}`, at);
    const point = fraction ? `.${fraction}` : "";
    const value = base(timestamp(fraction.length), `TIMESTAMP '${y}-${m}-${d} ${hour}:${minute}:${second}${point}'`);
    return zone === undefined ? value : momentOf(value, zoneOf(zone, at));
  }
  const number = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(written);
  if (name === "DECIMAL" && number) return decimalOf(written.replace(/^\+/, ""), at);
  if (["BIGINT", "INTEGER", "DOUBLE", "VARCHAR"].includes(name)) {
    const type = typeOf({ name: name.toLowerCase(), parameters: [], at });
    const value = castTo({ sql: text(written), type: varcharOf(null), at, loose: [] }, type);
    return type.name === "double" && number ? { ...value, finite: true } : value;
  }
  return unsupported(`${name} '…'`, at);
};

/** A literal, with the type Trino gives it. */
export const literalOf = (
  node: Extract<Expression, { kind: "null" | "boolean" | "number" | "string" | "typed" }>,
): Value => {
  const { at } = node;
  if (node.kind === "null") return { sql: "NULL", type: unknown, at, loose: [] };
  if (node.kind === "boolean") return { sql: String(node.value), type: boolean, at, loose: [] };
  if (node.kind === "typed") return typed(node.type, node.value, at);
  if (node.kind === "string") {
    if (node.value.includes("\0")) unsupported("the character U+0000 in text", at);
    return { sql: text(node.value), type: varcharOf([...node.value].length), at, loose: [], literal: node.value };
  }
  if (node.type === "integer") return integerOf(node.text, at);
  if (node.type === "decimal") return decimalOf(node.text, at);
  if (!Number.isFinite(Number(node.text))) refuse("invalid", `expected a ${show(double)}, came ${node.text}`, at);
  const sql = node.text.startsWith("-") ? `(${node.text})` : node.text;
  return { sql, type: double, at, loose: [], finite: true };
};
