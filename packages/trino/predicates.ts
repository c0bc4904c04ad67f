import { coerce, unify } from "./casts.ts";
import { compare, logic } from "./operators.ts";
import { refuse, unsupported } from "./refusal.ts";
import type { Columns, Scope } from "./scope.ts";
import type { Expression, Query } from "./syntax.ts";
import { boolean, orderable, same, type Type, varchar } from "./types.ts";
import { made, text, type Value } from "./value.ts";

type Node<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;
/** Translates a subquery; `single` is whether it can never give more than one row. */
export type Subquery = (
  query: Query,
  scope: Scope,
) => { sql: string; columns: Columns; correlated: boolean; single: boolean };

/** What the parts of the analysis need of the whole. */
export type Parts = {
  analyse: (node: Expression, scope: Scope) => Value;
  all: (nodes: readonly Expression[], scope: Scope) => Value[];
  condition: (node: Expression, scope: Scope, what: string) => Value;
  subquery: Subquery;
  /** Whether only a condition's truth matters here: false and NULL mean the same. */
  onlyTruth: (node: Expression) => boolean;
};

const negate = (value: Value, not: boolean): Value => (not ? { ...value, sql: `(NOT ${value.sql})` } : value);

/** Analyses predicates, CASE and subqueries. */
export const openPredicates = ({ analyse, all, subquery, onlyTruth }: Parts) => {
  const cases = (node: Node<"case">, scope: Scope): Value => {
    const operand = node.operand ? analyse(node.operand, scope) : null;
    const tests = node.whens.map(([when]) => {
      const value = analyse(when, scope);
      return operand ? compare("=", operand, value, when.at) : coerce(value, boolean, "CASE WHEN");
    });
    const branches = [...node.whens.map(([, then]) => then), ...(node.otherwise ? [node.otherwise] : [])];
    const { type, values } = unify(all(branches, scope), "CASE");
    const whens = tests.map((test, index) => `WHEN ${test.sql} THEN ${values[index]!.sql}`);
    const otherwise = node.otherwise ? ` ELSE ${values.at(-1)!.sql}` : "";
    return { ...made([...tests, ...values]), sql: `CASE ${whens.join(" ")}${otherwise} END`, type, at: node.at };
  };

  const within = (node: Node<"in">, scope: Scope): Value => {
    const { type, values } = unify(all([node.value, ...node.list], scope), "IN");
    const [value, ...list] = values as [Value, ...Value[]];
    if (type.name === "double" && !value.finite && list.some((item) => !item.finite))
      unsupported("IN over doubles that may be NaN", node.at);
    if (!orderable(type)) {
      const equal = list.map((item) => compare("=", value, item, node.at));
      return negate(
        equal.reduce((left, right) => logic("OR", left, right, node.at)),
        node.not,
      );
    }
    const sql = `(${value.sql} IN (${list.map((item) => item.sql).join(", ")}))`;
    return negate({ ...made(values), sql, type: boolean, at: node.at }, node.not);
  };

  /** A value beside the rows of a query of one column, both as their common type. */
  const beside = (node: Node<"inQuery"> | Node<"quantified">, scope: Scope, what: string) => {
    const value = analyse(node.value, scope);
    const { sql, columns, correlated } = subquery(node.query, scope);
    if (columns.length !== 1)
      refuse("invalid", `${what}: expected a query of one column, came ${columns.length}`, node.at);
    const right: Value = { sql: '"q"."c1"', type: columns[0]!.type, at: node.at, loose: [] };
    const { type, values } = unify([value, right], what);
    if (type.name === "double") unsupported(`${what} (query) over doubles`, node.at);
    const [left, item] = values as [Value, Value];
    const rows = same(right.type, type) ? sql : `SELECT ${item.sql} FROM (${sql}) AS "q"`;
    return {
      left,
      rows,
      type,
      base: { ...made([left]), at: node.at, type: boolean, ...(correlated ? { outer: true } : {}) },
    };
  };

  /** `(a, b) IN (SELECT x, y …)`: where only truth matters, for a row with NULL inside is then as good as not there. */
  const rowWithinQuery = (node: Node<"inQuery">, left: Value, scope: Scope): Value => {
    const { sql, columns } = subquery(node.query, scope);
    const row = left.type as Extract<Type, { name: "row" }>;
    if (node.not || !onlyTruth(node))
      unsupported("(a, b) IN (query) other than as a condition that must hold", node.at);
    if (columns.length !== row.fields.length)
      refuse("invalid", `IN: expected a query of ${row.fields.length} columns, came ${columns.length}`, node.at);
    const pairs = row.fields.map(({ type }, index) => {
      const value: Value = { sql: `struct_extract(${left.sql}, 'f${index + 1}')`, type, at: node.at, loose: [] };
      const column: Value = { sql: `"q"."c${index + 1}"`, type: columns[index]!.type, at: node.at, loose: [] };
      const both = unify([value, column], "IN");
      if (!orderable(both.type) || both.type.name === "double")
        unsupported("(a, b) IN (query) over such types", node.at);
      return both.values as [Value, Value];
    });
    const rows = `SELECT struct_pack(${pairs.map(([, item], index) => `f${index + 1} := ${item.sql}`).join(", ")}) FROM (${sql}) AS "q" WHERE ${pairs.map(([, item]) => `${item.sql} IS NOT NULL`).join(" AND ")}`;
    const value = `struct_pack(${pairs.map(([value], index) => `f${index + 1} := ${value.sql}`).join(", ")})`;
    const whole = pairs.map(([value]) => `${value.sql} IS NOT NULL`).join(" AND ");
    return { ...made([left]), sql: `(${whole} AND ${value} IN (${rows}))`, type: boolean, at: node.at };
  };

  const withinQuery = (node: Node<"inQuery">, scope: Scope): Value => {
    const row = node.value.kind === "row" ? analyse(node.value, scope) : null;
    if (row) return rowWithinQuery(node, row, scope);
    const { left, rows, type, base } = beside(node, scope, "IN");
    if (!orderable(type)) unsupported("IN (query) over arrays, maps or rows", node.at);
    return negate({ ...base, sql: `(${left.sql} IN (${rows}))` }, node.not);
  };

  /** `x < ALL (query)`, `x = ANY (query)`. */
  const quantified = (node: Node<"quantified">, scope: Scope): Value => {
    const { left, rows, type, base } = beside(node, scope, `${node.op} ${node.all ? "ALL" : "ANY"}`);
    if (!orderable(type)) unsupported(`${node.op} ${node.all ? "ALL" : "ANY"} over arrays, maps or rows`, node.at);
    return { ...base, sql: `(${left.sql} ${node.op} ${node.all ? "ALL" : "ANY"} (${rows}))` };
  };

  const like = (node: Node<"like">, scope: Scope): Value => {
    const [value, pattern] = [node.value, node.pattern].map((side) =>
      coerce(analyse(side, scope), varchar, "LIKE"),
    ) as [Value, Value];
    let escaped = "";
    if (node.escape) {
      const char = analyse(node.escape, scope).literal;
      if (char === undefined || [...char].length !== 1 || pattern.literal === undefined)
        return unsupported("LIKE … ESCAPE with anything but literals of which the second is one character", node.at);
      const after = pattern.literal.split(char).slice(1);
      for (let index = 0; index < after.length; index++) {
        if (after[index] === "" && index + 1 < after.length) index++;
        else if (!/^[%_]/.test(after[index]!))
          refuse("invalid", "the escape character must be followed by %, _ or itself", node.at);
      }
      escaped = ` ESCAPE ${text(char)}`;
    }
    const sql = `(${value.sql} LIKE ${pattern.sql}${escaped})`;
    return negate({ ...made([value, pattern]), sql, type: boolean, at: node.at }, node.not);
  };

  const scalarQuery = (node: Node<"subquery">, scope: Scope): Value => {
    const { sql, columns, correlated, single } = subquery(node.query, scope);
    if (columns.length !== 1) refuse("invalid", `expected a query of one column, came ${columns.length}`, node.at);
    if (correlated && !single) unsupported("a correlated subquery that is no aggregate", node.at);
    return { sql: `(${sql})`, type: columns[0]!.type, at: node.at, loose: [], ...(correlated ? { outer: true } : {}) };
  };

  return { cases, within, withinQuery, quantified, like, scalarQuery };
};
