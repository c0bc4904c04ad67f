import { type Position, refuse, unsupported } from "./refusal.ts";
import type { TypeName } from "./syntax.ts";

/** Trino's types that are answered. `unknown` is the type of NULL; `interval` exists only inside date arithmetic. */
export type Type =
  | { name: "unknown" | "boolean" | "tinyint" | "smallint" | "integer" | "bigint" | "double" | "date" }
  | { name: "varchar"; length: number | null }
  | { name: "decimal"; precision: number; scale: number }
  | { name: "timestamp"; precision: number };

export const MAX_PRECISION = 38;

export const unknown: Type = { name: "unknown" };
export const boolean: Type = { name: "boolean" };
export const integer: Type = { name: "integer" };
export const bigint: Type = { name: "bigint" };
export const double: Type = { name: "double" };
export const date: Type = { name: "date" };
export const varchar: Type = { name: "varchar", length: null };
export const varcharOf = (length: number | null): Type => ({ name: "varchar", length });
export const timestamp = (precision = 3): Type => ({ name: "timestamp", precision });
export type Decimal = Extract<Type, { name: "decimal" }>;
export const decimal = (precision: number, scale: number): Decimal => ({ name: "decimal", precision, scale });

/** As Trino spells it: `decimal(18,2)`, `timestamp(3)`, `varchar`, `varchar(4)`. */
export const show = (type: Type): string => {
  if (type.name === "decimal") return `decimal(${type.precision},${type.scale})`;
  if (type.name === "timestamp") return `timestamp(${type.precision})`;
  return type.name === "varchar" && type.length !== null ? `varchar(${type.length})` : type.name;
};

/** DuckDB's type that holds the values of a Trino type. */
export const duckdb = (type: Type): string => {
  if (type.name === "decimal") return `DECIMAL(${type.precision},${type.scale})`;
  return type.name === "unknown" ? "INTEGER" : type.name.toUpperCase();
};

const integers: Readonly<Record<string, number>> = { tinyint: 3, smallint: 5, integer: 10, bigint: 19 };
export const isInteger = (type: Type): boolean => type.name in integers;
export const isNumber = (type: Type): boolean => isInteger(type) || type.name === "decimal" || type.name === "double";
/** The decimal that an integer becomes when it meets one. */
export const asDecimal = (type: Type): Decimal | null =>
  type.name === "decimal" ? type : isInteger(type) ? decimal(integers[type.name]!, 0) : null;

export const same = (a: Type, b: Type): boolean => show(a) === show(b);

/** Trino's common super type (TypeCoercion), null when there is none and the statement is an error. */
export const common = (a: Type, b: Type): Type | null => {
  if (same(a, b) || b.name === "unknown") return a;
  if (a.name === "unknown") return b;
  if (a.name === "varchar" && b.name === "varchar")
    return varcharOf(a.length === null || b.length === null ? null : Math.max(a.length, b.length));
  if (a.name === "timestamp" && b.name === "timestamp") return timestamp(Math.max(a.precision, b.precision));
  if (a.name === "timestamp" && b.name === "date") return a;
  if (a.name === "date" && b.name === "timestamp") return b;
  if (!isNumber(a) || !isNumber(b)) return null;
  if (a.name === "double" || b.name === "double") return double;
  if (isInteger(a) && isInteger(b)) return integers[a.name]! > integers[b.name]! ? a : b;
  const [x, y] = [asDecimal(a)!, asDecimal(b)!];
  const scale = Math.max(x.scale, y.scale);
  return decimal(Math.min(MAX_PRECISION, Math.max(x.precision - x.scale, y.precision - y.scale) + scale), scale);
};

/** Whether `from` becomes `to` by itself. */
export const coerces = (from: Type, to: Type): boolean => {
  const both = common(from, to);
  return both !== null && same(both, to);
};

const decimalOf = (precision: number, scale: number, at?: Position): Type => {
  if (precision < 1 || precision > MAX_PRECISION || scale < 0 || scale > precision)
    refuse("invalid", `expected DECIMAL(p,s) with 1 ≤ p ≤ 38 and 0 ≤ s ≤ p, came DECIMAL(${precision},${scale})`, at);
  return decimal(precision, scale);
};

const plain: Readonly<Record<string, Type>> = {
  boolean,
  integer,
  int: integer,
  bigint,
  double,
  date,
  tinyint: { name: "tinyint" },
  smallint: { name: "smallint" },
};

/** A type as it is written in a statement. */
export const typeOf = ({ name, parameters, at }: TypeName): Type => {
  const [first, second] = parameters;
  if (name === "decimal" || name === "numeric" || name === "dec") return decimalOf(first ?? 38, second ?? 0, at);
  if (name === "varchar") return varcharOf(first ?? null);
  if (name === "timestamp" && (first ?? 3) <= 6) return timestamp(first ?? 3);
  const type = parameters.length === 0 ? plain[name] : undefined;
  return type ?? unsupported(`type ${name}${parameters.length ? `(${parameters.join(",")})` : ""}`, at);
};

/** A column's type in Glue (Hive's spelling); refused by name where it is not answered (arrays, chars, floats). */
export const ofGlue = (glue: string, column: string, at?: Position): Type => {
  const name = glue.trim().toLowerCase();
  if (name === "string") return varchar;
  if (name === "timestamp") return timestamp(3);
  const sized = /^(decimal|varchar)\((\d+)(?:,\s*(\d+))?\)$/.exec(name);
  if (sized?.[1] === "varchar") return varcharOf(Number(sized[2]));
  if (sized) return decimalOf(Number(sized[2]), Number(sized[3] ?? 0), at);
  return plain[name] ?? unsupported(`column ${column} of type ${glue}`, at);
};
