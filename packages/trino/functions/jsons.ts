import { coerce } from "../casts.ts";
import { pathOf } from "../json.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import { bigint, json, show, type Type, varchar } from "../types.ts";
import { made, raise, text, type Value } from "../value.ts";
import type { Built } from "./table.ts";

const doubt = raise(
  "this JSON is not answered locally (not valid, or numbers with a point or an exponent, escapes, or an order of keys that Trino changes)",
);

/** The JSON, valid: where it is not, Trino may still find what stands before the mistake. */
const valid = (value: Value, name: string): string => {
  if (value.type.name !== "json" && value.type.name !== "varchar")
    refuse("type_mismatch", `${name}: expected varchar or json, came ${show(value.type)}`, value.at);
  return value.sql;
};
const path = (value: Value, name: string): string =>
  value.literal === undefined
    ? unsupported(`${name} with a computed path`, value.at)
    : text(pathOf(value.literal, value.at));
const guarded = (sql: string, bad: string, good: string): string =>
  `CASE WHEN ${sql} IS NULL THEN NULL WHEN NOT json_valid(${sql}) OR ${bad} THEN ${doubt} ELSE ${good} END`;
/** Numbers and escapes that Trino writes otherwise than they came. */
const rewritten = (sql: string): string => `regexp_matches(${sql}, '[0-9][.eE]|[0-9]{19}|-0|\\\\')`;

const of = (
  name: string,
  takes: readonly [number, number],
  says: string,
  build: (args: Value[], at: Position) => { sql: string; type: Type },
): Built => ({ name, takes, says, build: (args, at) => ({ ...made(args), at, ...build(args, at) }) });

export const jsons: readonly Built[] = [
  of("json_extract_scalar", [2, 2], "varchar; NULL for what is no scalar", ([value, at]) => {
    const [sql, where] = [valid(value!, "json_extract_scalar"), path(at!, "json_extract_scalar")];
    const kind = `json_type(${sql}, ${where})`;
    const found = `CASE WHEN ${kind} IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE json_extract_string(${sql}, ${where}) END`;
    const type = value!.type.name === "varchar" ? value!.type : varchar;
    return { sql: guarded(sql, `${kind} = 'DOUBLE'`, found), type };
  }),
  of("json_extract", [2, 2], "json", ([value, at]) => {
    const [sql, where] = [valid(value!, "json_extract"), path(at!, "json_extract")];
    return { sql: guarded(sql, rewritten(sql), `CAST(json_extract(${sql}, ${where}) AS VARCHAR)`), type: json };
  }),
  of("json_array_length", [1, 1], "bigint; NULL for what is no array", ([value]) => {
    const sql = valid(value!, "json_array_length");
    const length = `CASE WHEN json_type(${sql}) = 'ARRAY' THEN CAST(json_array_length(${sql}) AS BIGINT) END`;
    return { sql: guarded(sql, "false", length), type: bigint };
  }),
  of("json_parse", [1, 1], "json, the keys of objects in order", ([value]) => {
    const { sql } = coerce(value!, varchar, "json_parse");
    const keys = `json_keys(${sql})`;
    const unordered = `(json_type(${sql}) = 'OBJECT' AND ${keys} <> list_sort(list_distinct(${keys})))`;
    const nested = `len(regexp_extract_all(${sql}, '[{]')) > CASE WHEN json_type(${sql}) = 'OBJECT' THEN 1 ELSE 0 END`;
    return {
      sql: guarded(sql, `${rewritten(sql)} OR ${nested} OR ${unordered}`, `CAST(json(${sql}) AS VARCHAR)`),
      type: json,
    };
  }),
  of("json_format", [1, 1], "varchar", ([value]) => ({ sql: coerce(value!, json, "json_format").sql, type: varchar })),
];
