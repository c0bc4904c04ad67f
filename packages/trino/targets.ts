import { coerce } from "./casts.ts";
import { type Position, refuse } from "./refusal.ts";
import { type Columns, key } from "./scope.ts";
import type { Name } from "./syntax.ts";
import { coerces, duckdb, ofGlue, show, type Type } from "./types.ts";
import type { Value } from "./value.ts";

export type Column = { name: string; type: string };

/** A query's columns as those of a table or view: each has a name, no two the same, and a type that can be kept. */
export const namedColumns = (columns: Columns, names: Name[] | null, at: Position): Column[] => {
  if (names && names.length !== columns.length)
    refuse(
      "column_count",
      `Column alias list has ${names.length} entries but the query has ${columns.length} columns`,
      at,
    );
  const seen = new Set<string>();
  return columns.map(({ name, type }, index) => {
    const written = names?.[index]?.text ?? name;
    if (written === null) return refuse("missing_name", `Column name not specified at position ${index + 1}`, at);
    const lower = key(written);
    if (seen.has(lower)) refuse("duplicate_name", `Column name '${written}' specified more than once`, at);
    seen.add(lower);
    if (type.name === "unknown") refuse("unknown_type", `Column type is unknown: ${written}`, at);
    return { name: lower, type: show(type) };
  });
};

/** A query's rows as a table's, in the order of its columns: each coerced to the column's type, null where none is named. */
export const inserted = (
  query: { sql: string; columns: Columns },
  table: readonly Column[],
  names: Name[] | null,
  at: Position,
): { sql: string; columns: Column[] } => {
  const wanted = names?.map(key) ?? table.map(({ name }) => name);
  for (const [index, name] of wanted.entries()) {
    if (!table.some((column) => column.name === name))
      refuse("column_not_found", `Insert column name does not exist in target table: ${name}`, at);
    if (wanted.indexOf(name) !== index)
      refuse("duplicate_name", `Insert column name is specified more than once: ${name}`, at);
  }
  const types = table.map(({ name, type }) => ofGlue(type, name, at));
  const typeOf = (name: string): Type => types[table.findIndex((column) => column.name === name)]!;
  const fits =
    wanted.length === query.columns.length &&
    wanted.every((name, index) => coerces(query.columns[index]!.type, typeOf(name)));
  if (!fits) {
    const list = (of: readonly Type[]) => `[${of.map(show).join(", ")}]`;
    refuse(
      "type_mismatch",
      `Insert query has mismatched column types: Table: ${list(wanted.map(typeOf))}, Query: ${list(query.columns.map(({ type }) => type))}`,
      at,
    );
  }
  const items = table.map(({ name }, index) => {
    const from = wanted.indexOf(name);
    const type = types[index]!;
    if (from < 0) return `CAST(NULL AS ${duckdb(type)}) AS "c${index + 1}"`;
    const value: Value = { sql: `"q"."c${from + 1}"`, type: query.columns[from]!.type, at, loose: [] };
    return `${coerce(value, type, name).sql} AS "c${index + 1}"`;
  });
  return {
    sql: `SELECT ${items.join(", ")} FROM (${query.sql}) AS "q"`,
    columns: table.map(({ name }, index) => ({ name, type: show(types[index]!) })),
  };
};
