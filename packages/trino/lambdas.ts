import { castTo, coerce } from "./casts.ts";
import type { Parts } from "./predicates.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Scope } from "./scope.ts";
import type { Call, Expression } from "./syntax.ts";
import { type ArrayType, arrayOf, boolean, duckdb, type MapType, mapOf, same, show, type Type } from "./types.ts";
import { made, type Value } from "./value.ts";

/** Functions that take a lambda. */
const names = new Set(
  "transform filter reduce any_match all_match none_match zip_with map_filter transform_values transform_keys".split(
    " ",
  ),
);

type Bound = { sql: string; type: Type };

/** Analyses calls of functions that take a lambda; null for any other. */
export const openLambdas = ({ analyse, all }: Pick<Parts, "analyse" | "all">) => {
  /** The body, with its parameters bound. Lambdas are named by their depth, so that equal texts mean equal things. */
  const body = (node: Expression | undefined, bound: readonly Bound[], scope: Scope, at: Position): Value => {
    if (node?.kind !== "lambda") return refuse("invalid", "expected a lambda such as x -> x + 1", node?.at ?? at);
    if (node.parameters.length !== bound.length)
      refuse("invalid", `expected a lambda of ${bound.length} parameters, came ${node.parameters.length}`, node.at);
    const locals = new Map(scope.locals);
    for (const [index, name] of node.parameters.entries())
      locals.set(name.text.toLowerCase(), { ...bound[index]!, at: name.at, loose: [] });
    const value = analyse(node.body, { ...scope, locals, depth: depth(scope) + 1, aggregates: false, overs: false });
    return value.type.name === "unknown" ? { ...value, sql: `CAST(NULL AS ${duckdb(value.type)})` } : value;
  };
  const depth = (scope: Scope): number => scope.depth ?? 0;
  const parameter = (scope: Scope, index = 0): string => `"l${depth(scope)}_${index}"`;

  const matched = (name: string, list: Value, test: string): string => {
    const has = (value: string) => `list_position(${test}, CAST(${value} AS BOOLEAN)) IS NOT NULL`;
    const any = `CASE WHEN ${list.sql} IS NULL THEN NULL WHEN ${has("true")} THEN true WHEN ${has("NULL")} THEN NULL ELSE false END`;
    if (name === "any_match") return any;
    if (name === "none_match") return `(NOT ${any})`;
    return `CASE WHEN ${list.sql} IS NULL THEN NULL WHEN ${has("false")} THEN false WHEN ${has("NULL")} THEN NULL ELSE true END`;
  };

  const overArray = (node: Call & Expression, list: Value, scope: Scope): Value => {
    const { name, at, args } = node;
    const { element } = list.type as ArrayType;
    const x = parameter(scope);
    const inner = body(args[1], [{ sql: x, type: element }], scope, at);
    const base = { ...made([list, inner]), at };
    if (name === "transform")
      return { ...base, sql: `list_transform(${list.sql}, lambda ${x}: ${inner.sql})`, type: arrayOf(inner.type) };
    const test = coerce(inner, boolean, name);
    if (name === "filter")
      return { ...base, sql: `list_filter(${list.sql}, lambda ${x}: ${test.sql})`, type: list.type };
    const tests = `list_transform(${list.sql}, lambda ${x}: ${test.sql})`;
    return { ...base, sql: matched(name, list, tests), type: boolean };
  };

  const reduced = (node: Call & Expression, list: Value, scope: Scope): Value => {
    const start = analyse(node.args[1]!, scope);
    if (start.type.name === "unknown") unsupported("reduce from NULL", node.at);
    const [state, item] = [parameter(scope), parameter(scope, 1)];
    const { element } = list.type as ArrayType;
    const step = body(
      node.args[2],
      [
        { sql: state, type: start.type },
        { sql: item, type: element },
      ],
      scope,
      node.at,
    );
    if (!same(step.type, start.type))
      unsupported(`reduce from ${show(start.type)} by steps of ${show(step.type)}: cast the start; it`, node.at);
    const begin = `CAST(${start.sql} AS ${duckdb(start.type)})`;
    const sql = `list_reduce(${list.sql}, lambda ${state}, ${item}: ${step.sql}, ${begin})`;
    const ended = body(node.args[3], [{ sql, type: start.type }], scope, node.at);
    return { ...made([list, start, step, ended]), sql: ended.sql, type: ended.type, at: node.at };
  };

  const zipped = (node: Call & Expression, [left, right]: readonly [Value, Value], scope: Scope): Value => {
    const i = parameter(scope);
    const item = (list: Value): Bound => ({
      sql: `list_extract(${list.sql}, ${i})`,
      type: (list.type as ArrayType).element,
    });
    const inner = body(node.args[2], [item(left), item(right)], scope, node.at);
    const many = `range(1, 1 + greatest(len(${left.sql}), len(${right.sql})))`;
    const sql = `CASE WHEN ${left.sql} IS NOT NULL AND ${right.sql} IS NOT NULL THEN list_transform(${many}, lambda ${i}: ${inner.sql}) END`;
    return { ...made([left, right, inner]), sql, type: arrayOf(inner.type), at: node.at };
  };

  const overMap = (node: Call & Expression, map: Value, scope: Scope): Value => {
    const type = map.type as MapType;
    const entry = parameter(scope);
    const [k, v] = [`struct_extract(${entry}, 'key')`, `struct_extract(${entry}, 'value')`];
    const bound = [
      { sql: k, type: type.key },
      { sql: v, type: type.value },
    ];
    const inner = body(node.args[1], bound, scope, node.at);
    const base = { ...made([map, inner]), at: node.at };
    const entries = `map_entries(${map.sql})`;
    if (node.name === "map_filter") {
      const test = coerce(inner, boolean, node.name);
      return { ...base, sql: `map_from_entries(list_filter(${entries}, lambda ${entry}: ${test.sql}))`, type };
    }
    const keys = node.name === "transform_keys";
    const pack = keys ? `struct_pack(k := ${inner.sql}, v := ${v})` : `struct_pack(k := ${k}, v := ${inner.sql})`;
    const to = keys ? mapOf(inner.type, type.value) : mapOf(type.key, inner.type);
    return { ...base, sql: `map_from_entries(list_transform(${entries}, lambda ${entry}: ${pack}))`, type: to };
  };

  return (node: Call & Expression, scope: Scope): Value | null => {
    if (!names.has(node.name)) return null;
    const { name, args, at } = node;
    const count = name === "reduce" ? 4 : name === "zip_with" ? 3 : 2;
    if (args.length !== count) refuse("invalid", `${name}: expected ${count} arguments, came ${args.length}`, at);
    const held = all(args.slice(0, name === "zip_with" ? 2 : 1), scope);
    const wanted = name.startsWith("map_") || name.startsWith("transform_") ? "map" : "array";
    for (const { type } of held) if (type.name !== wanted) unsupported(`${name} of ${show(type)}`, at);
    const list = held[0]!;
    if (wanted === "map") return overMap(node, list, scope);
    if (name === "zip_with") return zipped(node, held as [Value, Value], scope);
    return name === "reduce" ? reduced(node, list, scope) : overArray(node, list, scope);
  };
};

/** An array of another element type, or the same. */
export const asArray = (value: Value, element: Type): Value => castTo(value, arrayOf(element));
