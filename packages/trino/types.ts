import { type Position, refuse, unsupported } from "./refusal.ts";
import type { TypeName } from "./syntax.ts";

/**
 * Trino's types that are answered, and what holds their values in DuckDB. `unknown` is the type of NULL; an interval is
 * an integer, of milliseconds or of months; json is the text that Trino would print; a row is a struct whose fields are
 * f1, f2 …; a moment with a zone is its time in UTC, and the zone is known when the statement is translated.
 */
export type Type =
  | {
      name:
        | "unknown"
        | "boolean"
        | "tinyint"
        | "smallint"
        | "integer"
        | "bigint"
        | "double"
        | "date"
        | "json"
        | "varbinary";
    }
  | { name: "interval day to second" | "interval year to month" }
  | { name: "varchar"; length: number | null }
  | { name: "decimal"; precision: number; scale: number }
  | { name: "timestamp"; precision: number }
  | Zoned
  | { name: "array"; element: Type }
  | { name: "map"; key: Type; value: Type }
  | Row;
export type Zoned = { name: "timestamp with time zone"; precision: number; zone: string };
export type Row = { name: "row"; fields: readonly { name: string | null; type: Type }[] };
export type ArrayType = Extract<Type, { name: "array" }>;
export type MapType = Extract<Type, { name: "map" }>;

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
export const json: Type = { name: "json" };
export const varbinary: Type = { name: "varbinary" };
export const daySecond: Type = { name: "interval day to second" };
export const yearMonth: Type = { name: "interval year to month" };
export const zoned = (precision: number, zone: string): Zoned => ({
  name: "timestamp with time zone",
  precision,
  zone,
});
export const arrayOf = (element: Type): ArrayType => ({ name: "array", element });
export const mapOf = (key: Type, value: Type): MapType => ({ name: "map", key, value });
export const rowOf = (fields: Row["fields"]): Row => ({ name: "row", fields });
export type Decimal = Extract<Type, { name: "decimal" }>;
export const decimal = (precision: number, scale: number): Decimal => ({ name: "decimal", precision, scale });

/** As Trino spells it: `decimal(18,2)`, `timestamp(3)`, `varchar`, `varchar(4)`. */
export const show = (type: Type): string => {
  if (type.name === "decimal") return `decimal(${type.precision},${type.scale})`;
  if (type.name === "timestamp") return `timestamp(${type.precision})`;
  if (type.name === "timestamp with time zone") return `timestamp(${type.precision}) with time zone`;
  if (type.name === "array") return `array(${show(type.element)})`;
  if (type.name === "map") return `map(${show(type.key)}, ${show(type.value)})`;
  if (type.name === "row")
    return `row(${type.fields.map((field) => (field.name === null ? "" : `${field.name} `) + show(field.type)).join(", ")})`;
  return type.name === "varchar" && type.length !== null ? `varchar(${type.length})` : type.name;
};

/** DuckDB's type that holds the values of a Trino type. */
export const duckdb = (type: Type): string => {
  if (type.name === "decimal") return `DECIMAL(${type.precision},${type.scale})`;
  if (type.name === "array") return `${duckdb(type.element)}[]`;
  if (type.name === "map") return `MAP(${duckdb(type.key)}, ${duckdb(type.value)})`;
  if (type.name === "row")
    return `STRUCT(${type.fields.map((field, index) => `f${index + 1} ${duckdb(field.type)}`).join(", ")})`;
  return held[type.name] ?? type.name.toUpperCase();
};
const held: Readonly<Record<string, string>> = {
  unknown: "INTEGER",
  json: "VARCHAR",
  varbinary: "BLOB",
  "interval day to second": "BIGINT",
  "interval year to month": "BIGINT",
  "timestamp with time zone": "TIMESTAMP",
};

/** Whether Trino sorts by values of the type. */
export const sortable = (type: Type): boolean =>
  type.name === "array"
    ? sortable(type.element)
    : type.name === "row"
      ? type.fields.every((field) => sortable(field.type))
      : type.name !== "map" && type.name !== "json";

/** Whether values have an order that both engines know, and no NULL inside to argue about. */
export const orderable = (type: Type): boolean => !["array", "map", "row", "json"].includes(type.name);
export const isInterval = (type: Type): boolean =>
  type === daySecond || type === yearMonth || type.name.startsWith("interval");

const integers: Readonly<Record<string, number>> = { tinyint: 3, smallint: 5, integer: 10, bigint: 19 };
export const isInteger = (type: Type): boolean => type.name in integers;
export const isNumber = (type: Type): boolean => isInteger(type) || type.name === "decimal" || type.name === "double";
/** The decimal that an integer becomes when it meets one. */
export const asDecimal = (type: Type): Decimal | null =>
  type.name === "decimal" ? type : isInteger(type) ? decimal(integers[type.name]!, 0) : null;

export const same = (a: Type, b: Type): boolean => show(a) === show(b) && zoneOf(a) === zoneOf(b);
const zoneOf = (type: Type): string => (type.name === "timestamp with time zone" ? type.zone : "");

/** Trino's common super type (TypeCoercion), null when there is none and the statement is an error. */
export const common = (a: Type, b: Type): Type | null => {
  if (same(a, b) || b.name === "unknown") return a;
  if (a.name === "unknown") return b;
  if (a.name === "varchar" && b.name === "varchar")
    return varcharOf(a.length === null || b.length === null ? null : Math.max(a.length, b.length));
  if (a.name === "timestamp" && b.name === "timestamp") return timestamp(Math.max(a.precision, b.precision));
  if (a.name === "timestamp" && b.name === "date") return a;
  if (a.name === "date" && b.name === "timestamp") return b;
  if (a.name === "timestamp with time zone" || b.name === "timestamp with time zone") return commonMoment(a, b);
  if (a.name === "array" && b.name === "array") {
    const element = common(a.element, b.element);
    return element && arrayOf(element);
  }
  if (a.name === "map" && b.name === "map") {
    const [key, value] = [common(a.key, b.key), common(a.value, b.value)];
    return key && value && mapOf(key, value);
  }
  if (a.name === "row" && b.name === "row") return commonRow(a, b);
  if (!isNumber(a) || !isNumber(b)) return null;
  if (a.name === "double" || b.name === "double") return double;
  if (isInteger(a) && isInteger(b)) return integers[a.name]! > integers[b.name]! ? a : b;
  const [x, y] = [asDecimal(a)!, asDecimal(b)!];
  const scale = Math.max(x.scale, y.scale);
  return decimal(Math.min(MAX_PRECISION, Math.max(x.precision - x.scale, y.precision - y.scale) + scale), scale);
};

/** Of moments in two zones each value keeps its own: no type of ours holds that. */
const commonMoment = (a: Type, b: Type): Type | null => {
  const [moment, other] = a.name === "timestamp with time zone" ? [a, b] : [b as Zoned, a];
  // Without a zone they are the session's, UTC.
  if (other.name === "date" && moment.zone === "UTC") return moment;
  if (other.name === "timestamp" && moment.zone === "UTC")
    return zoned(Math.max(moment.precision, other.precision), "UTC");
  if (other.name !== "timestamp with time zone" || other.zone !== moment.zone) return null;
  return zoned(Math.max(moment.precision, other.precision), moment.zone);
};

const commonRow = (a: Row, b: Row): Type | null => {
  if (a.fields.length !== b.fields.length) return null;
  const fields = a.fields.map(({ name, type }, index) => {
    const other = b.fields[index]!;
    return { name: name === other.name ? name : null, type: common(type, other.type) };
  });
  return fields.some(({ type }) => type === null) ? null : rowOf(fields as { name: string | null; type: Type }[]);
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
  json,
  tinyint: { name: "tinyint" },
  smallint: { name: "smallint" },
};

/** A type as it is written in a statement. */
export const typeOf = ({ name, parameters, of = [], fields = [], at }: TypeName): Type => {
  const [first, second] = parameters;
  if (name === "array" && of.length === 1) return arrayOf(typeOf(of[0]!));
  if (name === "map" && of.length === 2) return mapOf(typeOf(of[0]!), typeOf(of[1]!));
  if (name === "row" && of.length > 0)
    return rowOf(of.map((type, index) => ({ name: fields[index]?.text.toLowerCase() ?? null, type: typeOf(type) })));
  if (name === "timestamp with time zone" && (first ?? 3) <= 6) return zoned(first ?? 3, "UTC");
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
