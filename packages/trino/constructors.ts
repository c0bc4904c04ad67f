import { coerce, unify } from "./casts.ts";
import type { Parts } from "./predicates.ts";
import { refuse, unsupported } from "./refusal.ts";
import type { Scope } from "./scope.ts";
import type { Expression } from "./syntax.ts";
import { arrayOf, bigint, duckdb, type Row, rowOf, show } from "./types.ts";
import { made, raise, type Value } from "./value.ts";

type Node<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** A field of a row; a name that two fields have, or none, is refused. */
export const fieldOf = (row: Value, name: string, at = row.at): Value => {
  if (row.type.name !== "row") return refuse("type_mismatch", `expected a row, came ${show(row.type)}`, at);
  const found = row.type.fields.flatMap((field, index) =>
    field.name?.toLowerCase() === name.toLowerCase() ? [index] : [],
  );
  if (found.length !== 1)
    refuse(found.length ? "ambiguous" : "not_found", `expected one field ${name}, came ${found.length}`, at);
  return nthField(row, found[0]!, at);
};
export const nthField = (row: Value, index: number, at = row.at): Value => {
  const { type } = (row.type as Row).fields[index]!;
  return { ...made([row]), sql: `struct_extract(${row.sql}, 'f${index + 1}')`, type, at };
};

/** Arrays and rows written in place, and what is taken out of them. */
export const openConstructors = ({ analyse, all }: Pick<Parts, "analyse" | "all">) => {
  const array = (node: Node<"array">, scope: Scope): Value => {
    const { type, values } = unify(all(node.items, scope), "ARRAY");
    const list = `list_value(${values.map(({ sql }) => sql).join(", ")})`;
    const plain = values.length > 0 && type.name !== "unknown";
    const sql = plain ? list : `CAST(${list} AS ${duckdb(type)}[])`;
    return { ...made(values), sql, type: arrayOf(type), at: node.at };
  };

  const row = (node: Node<"row">, scope: Scope): Value => {
    const values = all(node.items, scope);
    const fields = values.map(({ sql, type }, index) => {
      return `f${index + 1} := ${type.name === "unknown" ? `CAST(NULL AS ${duckdb(type)})` : sql}`;
    });
    const type = rowOf(values.map((value) => ({ name: null, type: value.type })));
    return { ...made(values), sql: `struct_pack(${fields.join(", ")})`, type, at: node.at };
  };

  const subscript = (node: Node<"subscript">, scope: Scope): Value => {
    const { at } = node;
    const [value, index] = all([node.value, node.index], scope) as [Value, Value];
    const base = { ...made([value, index]), at };
    const { type } = value;
    if (type.name === "array") {
      const i = coerce(index, bigint, "subscript").sql;
      const out = raise("Array subscript must be from 1 to the array's length");
      const sql = `CASE WHEN ${i} < 1 OR ${i} > len(${value.sql}) THEN ${out} ELSE list_extract(${value.sql}, ${i}) END`;
      return { ...base, sql, type: type.element };
    }
    if (type.name === "map") {
      const k = coerce(index, type.key, "subscript").sql;
      const sql = `CASE WHEN map_contains(${value.sql}, ${k}) THEN ${value.sql}[${k}] WHEN ${value.sql} IS NOT NULL AND ${k} IS NOT NULL THEN ${raise("Key not present in map")} END`;
      return { ...base, sql, type: type.value };
    }
    if (type.name !== "row") return refuse("type_mismatch", `cannot take [ ] of ${show(type)}`, at);
    const n = Number(index.literal ?? Number.NaN);
    if (index.type.name !== "integer" || !(n >= 1 && n <= type.fields.length))
      unsupported(`a row's field by anything but a literal from 1 to ${type.fields.length}`, at);
    return nthField(value, n - 1, at);
  };

  const field = (node: Node<"field">, scope: Scope): Value =>
    fieldOf(analyse(node.value, scope), node.name.text, node.at);

  return { array, row, subscript, field };
};
