import { nthField } from "./constructors.ts";
import { type Position, refuse } from "./refusal.ts";
import type { Columns } from "./scope.ts";
import { bigint, show, type Type } from "./types.ts";
import type { Value } from "./value.ts";

/** A list in DuckDB, and what is known of the column its elements become. */
type List = { sql: string; name: string | null; type: Type };

const listsOf = (value: Value): List[] => {
  const { sql, type, at } = value;
  if (type.name === "map")
    return [
      { sql: `map_keys(${sql})`, name: null, type: type.key },
      { sql: `map_values(${sql})`, name: null, type: type.value },
    ];
  if (type.name !== "array") return refuse("invalid", `cannot unnest type: ${show(type)}`, at);
  if (type.element.name !== "row") return [{ sql, name: null, type: type.element }];
  const row: Value = { sql: '"e"', type: type.element, at, loose: [] };
  return type.element.fields.map((field, index) => ({
    sql: `list_transform(${sql}, lambda "e": ${nthField(row, index).sql})`,
    ...field,
  }));
};

/** The rows of arrays side by side, NULL where one is shorter; maps become two columns, rows their fields. */
export const unnested = (
  values: readonly Value[],
  ordinality: boolean,
  at: Position,
): { sql: string; columns: Columns } => {
  const lists = values.flatMap(listsOf);
  if (lists.length === 0) refuse("invalid", "UNNEST of nothing", at);
  const columns: Columns = lists.map(({ name, type }) => ({ name, type }));
  const items = lists.map(({ sql }, index) => `unnest(${sql}) AS "c${index + 1}"`);
  if (ordinality) {
    const most = lists.map(({ sql }) => `coalesce(len(${sql}), 0)`).join(", ");
    items.push(`unnest(range(1, 1 + greatest(${most}))) AS "c${lists.length + 1}"`);
    columns.push({ name: null, type: bigint });
  }
  return { sql: `SELECT ${items.join(", ")}`, columns };
};
