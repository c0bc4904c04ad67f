import { refuse, unsupported } from "./refusal.ts";
import { boolean, duckdb, isInteger, show, type Type } from "./types.ts";
import { raise, type Value } from "./value.ts";

/** JSON as Trino writes it: no space, an object's keys in order, numbers as their type is written. */

/** Text in quotes. Jackson and DuckDB escape control characters in different spellings. */
const quoted = (sql: string): string =>
  `CASE WHEN regexp_matches(${sql}, '[\\x00-\\x1f\\x7f\\x{2028}\\x{2029}]') THEN ${raise("control characters in JSON are not answered locally")} ELSE CAST(to_json(${sql}) AS VARCHAR) END`;

/** A double that Java writes without an exponent, of digits that all its versions have. */
const doubleOf = (sql: string): string => {
  const plain = `(${sql} = 0 OR abs(${sql}) BETWEEN 1e-3 AND 9999999) AND CAST(format('{:.14e}', ${sql}) AS DOUBLE) = ${sql}`;
  return `CASE WHEN ${plain} THEN CAST(${sql} AS VARCHAR) WHEN ${sql} IS NOT NULL THEN ${raise("a double this long, large or small as JSON is not answered locally")} END`;
};

/** CAST(value AS json). `written` is the cast to varchar. */
export const jsonOf = (value: Value, written: (item: Value) => string): string => {
  const { sql, type, at } = value;
  const item = (sql: string, type: Type): string =>
    `coalesce(${jsonOf({ sql, type, at, loose: [] }, written)}, 'null')`;
  if (type.name === "json") return sql;
  if (type.name === "unknown") return "CAST(NULL AS VARCHAR)";
  if (type.name === "varchar") return quoted(sql);
  if (isInteger(type) || type.name === "decimal" || type.name === "boolean") return written(value);
  if (type.name === "double") return doubleOf(sql);
  if (type.name === "date" || type.name === "timestamp") return `('"' || ${written(value)} || '"')`;
  if (type.name === "array") {
    const items = `list_transform(${sql}, lambda "j": ${item('"j"', type.element)})`;
    return `('[' || array_to_string(${items}, ',') || ']')`;
  }
  if (type.name === "map" && type.key.name === "varchar") {
    const entry = (of: string) => `struct_extract("j", '${of}')`;
    const pairs = `list_transform(list_sort(map_entries(${sql})), lambda "j": ${quoted(entry("key"))} || ':' || ${item(entry("value"), type.value)})`;
    return `('{' || array_to_string(${pairs}, ',') || '}')`;
  }
  if (type.name === "row") {
    const fields = type.fields.map(({ name, type }, index) => {
      const field = `struct_extract(${sql}, 'f${index + 1}')`;
      return `'"${(name ?? "").replaceAll("'", "''")}":' || ${item(field, type)}`;
    });
    return `CASE WHEN ${sql} IS NOT NULL THEN '{' || ${fields.join(" || ',' || ")} || '}' END`;
  }
  return unsupported(`a cast of ${show(type)} to json`, at);
};

/** CAST(json AS to): of scalars, where the text leaves no doubt. `fail` is what a value that does not fit is. */
export const ofJson = ({ sql, type, at }: Value, to: Type, fail: string): string => {
  const cases = (sure: string, value: string, never: string): string =>
    `CASE WHEN ${sql} = 'null' THEN NULL WHEN regexp_full_match(${sql}, '${sure}') THEN ${value} WHEN regexp_full_match(${sql}, '${never}') THEN ${fail} WHEN ${sql} IS NOT NULL THEN ${raise(`this JSON as ${show(to)} is not answered locally`)} END`;
  const never = "(?s)[\\[{].*";
  if (to.name === "varchar" && to.length === null) {
    const value = `CASE WHEN starts_with(${sql}, '"') THEN json_extract_string(${sql}, '$') ELSE ${sql} END`;
    return cases('(?s)".*"|-?[0-9]{1,18}|true|false', value, never);
  }
  if (isInteger(to)) return cases("-?[0-9]{1,18}", `CAST(${sql} AS ${duckdb(to)})`, never);
  if (to.name === "double") return cases("-?[0-9]{1,15}(\\.[0-9]{1,15})?", `CAST(${sql} AS DOUBLE)`, never);
  if (to.name === boolean.name) return cases("true|false", `(${sql} = 'true')`, never);
  if (["array", "map", "row", "decimal"].includes(to.name)) return unsupported(`a cast of json to ${show(to)}`, at);
  return refuse("type_mismatch", `cannot cast ${show(type)} to ${show(to)}`, at);
};

/** A JSON path of names and indexes, in DuckDB's spelling: `$."a"."b c"[0]`. */
export const pathOf = (written: string, at: Value["at"]): string => {
  if (!/^\$(?:\.[A-Za-z_]\w*|\["[^"\\*]+"\]|\[\d+\])*$/.test(written))
    unsupported(`the JSON path '${written}' (names, ["names"] and [indexes] are)`, at);
  return written.replace(/\["([^"]+)"\]|\.(\w+)/g, (_, quoted?: string, name?: string) => `."${quoted ?? name}"`);
};
