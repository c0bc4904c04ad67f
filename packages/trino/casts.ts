import * as decimals from "./decimals.ts";
import { doubleText } from "./doubles.ts";
import { intervalText } from "./intervals.ts";
import { jsonOf, ofJson } from "./json.ts";
import { clockOf } from "./moments.ts";
import { refuse, unsupported } from "./refusal.ts";
import {
  coerces,
  common,
  duckdb,
  isInteger,
  isInterval,
  isNumber,
  MAX_PRECISION,
  same,
  show,
  type Type,
  varchar,
  type Zoned,
} from "./types.ts";
import { raise, type Value } from "./value.ts";

/** How a cast says that a value does not fit: CAST is an error, TRY_CAST is NULL. */
type Verb = { cast: "CAST" | "TRY_CAST"; fail: (value: Value, to: Type) => string };
const strict: Verb = {
  cast: "CAST",
  fail: ({ type }, to) => raise(`Cannot cast ${show(type)} to ${show(to)}: the text is not one`),
};
const lenient: Verb = { cast: "TRY_CAST", fail: () => "NULL" };

/**
 * Text becomes a value only in the spellings that every version of Trino and DuckDB reads alike. `maybe` are those
 * that Trino may read too: an error even for TRY_CAST, since NULL could be wrong.
 */
const spellings: Readonly<Record<string, { sure: string; maybe: string }>> = {
  integer: { sure: "[+-]?[0-9]+", maybe: "[+-]?\\p{Nd}+" },
  decimal: { sure: "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)", maybe: "[+-]?[\\p{Nd}.eE+-]+" },
  double: { sure: "[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]{1,3})?", maybe: "(?s).*[0-9NI\\s].*" },
  date: { sure: "[0-9]{4}-[0-9]{2}-[0-9]{2}", maybe: "(?s).*[0-9]+-[0-9]+-[0-9]+.*" },
  timestamp: {
    sure: "[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,3})?)?)?",
    maybe: "(?s).*[0-9]+-[0-9]+-[0-9]+.*",
  },
};

const fromText = (value: Value, to: Type, verb: Verb): string => {
  if (to.name === "boolean")
    return `CASE WHEN lower(${value.sql}) IN ('t', 'true', '1') THEN true WHEN lower(${value.sql}) IN ('f', 'false', '0') THEN false WHEN ${value.sql} IS NOT NULL THEN ${verb.fail(value, to)} END`;
  const { sure, maybe } = spellings[isInteger(to) ? "integer" : to.name] ?? unsupported(cast(value, to), value.at);
  const doubtful = raise(`this spelling of a ${show(to)} is not answered locally`);
  return `CASE WHEN regexp_full_match(${value.sql}, '${sure}') THEN ${verb.cast}(${value.sql} AS ${duckdb(to)}) WHEN regexp_full_match(${value.sql}, '${maybe}') THEN ${doubtful} WHEN ${value.sql} IS NOT NULL THEN ${verb.fail(value, to)} END`;
};

/** A value as text of any length. */
const written = (value: Value, to: Type): string => {
  const { sql, type, at } = value;
  if (isInterval(type)) return intervalText(value);
  // DuckDB writes a decimal that is all scale without the 0 before its point.
  if (type.name === "decimal" && type.precision === type.scale) {
    if (type.precision === MAX_PRECISION) unsupported(cast(value, to), at);
    return `CAST(CAST(${sql} AS DECIMAL(${type.precision + 1},${type.scale})) AS VARCHAR)`;
  }
  if (isInteger(type) || type.name === "decimal" || type.name === "boolean") return `CAST(${sql} AS VARCHAR)`;
  if (type.name === "double") return doubleText(sql);
  const clock = type.name === "timestamp with time zone" ? clockOf(value).sql : sql;
  const far = `${clock} < DATE '0001-01-01' OR ${clock} >= DATE '10000-01-01'`;
  const dated = (text: string): string =>
    `CASE WHEN ${far} THEN ${raise("years before 1 or after 9999 as text are not answered locally")} ELSE ${text} END`;
  if (type.name === "date") return dated(`CAST(${sql} AS VARCHAR)`);
  const fraction = "precision" in type ? { 0: "", 3: ".%g", 6: ".%f" }[type.precision] : undefined;
  if (fraction === undefined) return unsupported(cast(value, to), at);
  const zone = type.name === "timestamp with time zone" ? ` ${type.zone}` : "";
  return dated(`strftime(${clock}, '%Y-%m-%d %H:%M:%S${fraction}${zone}')`);
};

const toText = (value: Value, to: Extract<Type, { name: "varchar" }>, verb: Verb): string => {
  const { sql, type } = value;
  if (type.name === "varchar") return to.length === null ? sql : `substring(${sql}, 1, ${to.length})`;
  const whole = written(value, to);
  if (to.length === null) return whole;
  return `CASE WHEN length(${whole}) > ${to.length} THEN ${verb.fail(value, to)} ELSE ${whole} END`;
};

/** A moment, array, map or row as another type of its kind; null where Trino has no such cast. */
const convertedHolder = ({ sql, type, at }: Value, to: Type, verb: Verb): string | null => {
  const inside = (sql: string, from: Type, type: Type): string => {
    // Inside, what fails is an error of the whole: of TRY_CAST too, which NULL in a part would not say.
    const part = converted({ sql, type: from, at, loose: [] }, type, strict);
    if (verb === lenient && /error\(|CAST\(/.test(part)) unsupported(`TRY_CAST to ${show(to)}`, at);
    return part;
  };
  if (type.name === "array" && to.name === "array") {
    const x = `"e"`;
    const item = inside(x, type.element, to.element);
    return item === x ? sql : `CAST(list_transform(${sql}, lambda ${x}: ${item}) AS ${duckdb(to)})`;
  }
  if (type.name === "map" && to.name === "map") {
    const entry = (of: string) => `struct_extract("e", '${of}')`;
    const [k, v] = [inside(entry("key"), type.key, to.key), inside(entry("value"), type.value, to.value)];
    if (k === entry("key") && v === entry("value")) return sql;
    return `map_from_entries(list_transform(map_entries(${sql}), lambda "e": struct_pack(k := ${k}, v := ${v})))`;
  }
  if (type.name === "row" && to.name === "row" && type.fields.length === to.fields.length) {
    const fields = type.fields.map((field, index) => {
      return `f${index + 1} := ${inside(`struct_extract(${sql}, 'f${index + 1}')`, field.type, to.fields[index]!.type)}`;
    });
    return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
  }
  return null;
};

/** Digits of a double that are the same however it is printed. */
const SHORT_DIGITS = 13;

const cast = (value: Value, to: Type): string => `a cast of ${show(value.type)} to ${show(to)}`;

const converted = (value: Value, to: Type, verb: Verb): string => {
  const { sql, type, at } = value;
  const plain = `${verb.cast}(${sql} AS ${duckdb(to)})`;
  if (same(type, to)) return sql;
  if (type.name === "unknown") return `CAST(NULL AS ${duckdb(to)})`;
  const holder = convertedHolder(value, to, verb);
  if (holder !== null) return holder;
  if (to.name === "json") return jsonOf(value, (item) => written(item, varchar));
  if (type.name === "json") return ofJson(value, to, verb.fail(value, to));
  if (["array", "map", "row"].includes(type.name) || ["array", "map", "row"].includes(to.name))
    return refuse("type_mismatch", `cannot cast ${show(type)} to ${show(to)}`, at);
  if (to.name === "varchar") return toText(value, to, verb);
  if (type.name === "varchar") return fromText(value, to, verb);
  if (to.name === "boolean" && isNumber(type)) return `(${sql} <> 0)`;
  if (type.name === "boolean" && to.name === "decimal") return `CAST(CAST(${sql} AS INTEGER) AS ${duckdb(to)})`;
  if (type.name === "boolean" && (isInteger(to) || to.name === "double")) return plain;
  if (to.name === "double" && type.name === "decimal") return decimals.toDouble(sql, type);
  if (to.name === "double" && isInteger(type)) return plain;
  if ((isInteger(type) || type.name === "decimal") && (isInteger(to) || to.name === "decimal")) return plain;
  if (type.name === "double" && isInteger(to)) return `${verb.cast}(round(${sql}) AS ${duckdb(to)})`;
  if (type.name === "double" && to.name === "decimal") {
    if (to.scale > SHORT_DIGITS) unsupported(cast(value, to), at);
    // Trino rounds the digits that Double.toString prints. Up to 13 of them all versions of Java, and DuckDB, agree.
    const large = raise(
      `a double cast to ${show(to)} that keeps more than ${SHORT_DIGITS} digits is not answered locally`,
    );
    const digits = `${verb.cast}(CAST(${sql} AS VARCHAR) AS ${duckdb(to)})`;
    return `CASE WHEN abs(${sql}) >= 1e${SHORT_DIGITS - to.scale} THEN ${large} ELSE ${digits} END`;
  }
  if (type.name === "timestamp with time zone" || to.name === "timestamp with time zone")
    return convertedMoment(value, to);
  if (type.name === "date" && to.name === "timestamp") return plain;
  if (type.name === "timestamp" && to.name === "date") return plain;
  if (type.name === "timestamp" && to.name === "timestamp") {
    if (to.precision < type.precision) unsupported(cast(value, to), at);
    return sql;
  }
  return refuse("type_mismatch", `cannot cast ${show(type)} to ${show(to)}`, at);
};

/** To and from moments with a zone. The session's zone, in which a timestamp without one is, is UTC. */
const convertedMoment = (value: Value, to: Type): string => {
  const { sql, type, at } = value;
  const shorter = "precision" in type && "precision" in to && to.precision < type.precision;
  if (shorter) unsupported(cast(value, to), at);
  if (type.name === "timestamp with time zone") {
    if (to.name === "timestamp with time zone") return sql;
    const clock = clockOf(value).sql;
    if (to.name === "timestamp") return clock;
    if (to.name === "date") return `CAST(${clock} AS DATE)`;
  }
  if (to.name === "timestamp with time zone") {
    if (type.name === "timestamp" && to.zone === "UTC") return sql;
    if (type.name === "date" && to.zone === "UTC") return `CAST(${sql} AS TIMESTAMP)`;
  }
  return refuse("type_mismatch", `cannot cast ${show(type)} to ${show(to)}`, at);
};

/** `CAST(value AS to)`, or TRY_CAST. A moment keeps its zone. */
export const castTo = (value: Value, wanted: Type, attempt = false): Value => {
  const zoned = value.type.name === "timestamp with time zone" && wanted.name === value.type.name;
  const to: Type = zoned ? { ...wanted, zone: (value.type as Zoned).zone } : wanted;
  const { literal, finite, ...rest } = value;
  const sql = converted(value, to, attempt ? lenient : strict);
  const kept = same(value.type, to) || (value.type.name === "varchar" && sql === value.sql);
  return {
    ...rest,
    sql,
    type: to,
    ...(kept && literal !== undefined ? { literal } : {}),
    ...(kept && finite ? { finite } : {}),
    ...(to.name === "double" && ["integer", "bigint", "smallint", "tinyint", "decimal"].includes(value.type.name)
      ? { finite: true }
      : {}),
  };
};

/** The value as `to`, which it becomes by itself; `what` is said in the error when it does not. */
export const coerce = (value: Value, to: Type, what: string): Value => {
  if (!coerces(value.type, to))
    refuse("type_mismatch", `${what}: expected ${show(to)}, came ${show(value.type)}`, value.at);
  if (value.type.name === "varchar" && to.name === "varchar") return { ...value, type: to };
  if (to.name === "timestamp with time zone" && value.type.name === "timestamp with time zone")
    return { ...value, type: to };
  return castTo(value, to);
};

/** The type all of them become by themselves. */
export const commonType = (values: readonly Value[], what: string): Type =>
  values.reduce<Type>(
    (type, value) =>
      common(type, value.type) ??
      refuse("type_mismatch", `${what}: ${show(type)} and ${show(value.type)} have no common type`, value.at),
    { name: "unknown" },
  );

/** All of them as their common type. */
export const unify = (values: readonly Value[], what: string): { type: Type; values: Value[] } => {
  const type = commonType(values, what);
  return { type, values: values.map((value) => coerce(value, type, what)) };
};
