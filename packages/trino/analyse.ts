import { castTo, coerce, unify } from "./casts.ts";
import { aggregates, type Over } from "./functions/aggregates.ts";
import { aliases, built, scalars } from "./functions/index.ts";
import { choose, call as scalarCall } from "./functions/table.ts";
import { intervalOf, literalOf } from "./literals.ts";
import { arithmetic, compare, logic, negated, shifted } from "./operators.ts";
import { refuse, unsupported } from "./refusal.ts";
import { type Columns, resolve, type Scope } from "./scope.ts";
import type { Call, Expression, Query } from "./syntax.ts";
import { boolean, duckdb, same, show, typeOf, varchar } from "./types.ts";
import { made, text, type Value } from "./value.ts";
import { ranking, specification } from "./windows.ts";

type Node<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;
/** Translates a subquery; `single` is whether it can never give more than one row. */
export type Subquery = (
  query: Query,
  scope: Scope,
) => { sql: string; columns: Columns; correlated: boolean; single: boolean };

/** Characters of DuckDB SQL for one expression. */
const MAX_SQL = 200_000;

const aggregateNames = new Set(aggregates.map(({ name }) => name));

/** Whether an aggregate stands in the node, outside subqueries and other than as a window function. */
export const aggregated = (node: unknown): boolean => {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return node.some(aggregated);
  if ("body" in node) return false;
  const { kind, name, over } = node as Partial<Call>;
  if (kind === "call" && over === null && aggregateNames.has(name!)) return true;
  return Object.values(node).some(aggregated);
};

/** Opens the analysis of expressions. Each gives DuckDB SQL with Trino's value and type, or is refused by name. */
export const openAnalysis = (subquery: Subquery) => {
  const analyse = (node: Expression, scope: Scope): Value => {
    const value = analysed(node, scope);
    // Exact division names its sides more than once, so a chain of them grows fast.
    if (value.sql.length > MAX_SQL) unsupported("so long a chain of expressions", node.at);
    return scope.groups?.has(value.sql) && value.loose.length ? { ...value, loose: [] } : value;
  };
  const all = (nodes: readonly Expression[], scope: Scope): Value[] => nodes.map((node) => analyse(node, scope));
  const condition = (node: Expression, scope: Scope, what: string): Value =>
    coerce(analyse(node, scope), boolean, what);
  const negate = (value: Value, not: boolean): Value => (not ? { ...value, sql: `(NOT ${value.sql})` } : value);

  const aggregate = (node: Call & Expression, scope: Scope): Value => {
    const { name, at } = node;
    const over = node.over;
    if (over ? !scope.overs : !scope.aggregates)
      refuse("invalid", `${name}()${over ? " OVER (…)" : ""} cannot stand in ${scope.clause}`, at);
    if (node.order.length) unsupported(`${name} with ORDER BY`, at);
    if (node.nulls) refuse("invalid", `${name} takes no IGNORE NULLS`, at);
    if (over && node.filter) refuse("invalid", "FILTER is not supported for window functions", at);
    const inner: Scope = over
      ? { ...scope, overs: false }
      : { ...scope, groups: null, outputs: null, aggregates: false, overs: false, clause: "an aggregate" };
    if (!over && scope.outputs) refuseOutputs(node, scope);
    const values = all(node.args, inner);
    const filter = node.filter ? condition(node.filter, inner, "FILTER") : null;
    const window = over ? specification(over, scope, analyse) : null;
    const of = [...values, ...(filter ? [filter] : []), ...(window?.values ?? [])];
    if (!over && of.some((value) => value.outer)) unsupported("an aggregate of an outer query's column", at);
    const tail = `${filter ? ` FILTER (WHERE ${filter.sql})` : ""}${window ? ` OVER (${window.sql})` : ""}`;
    const base = { ...made(of), at, ...(over ? { window: true } : { aggregate: true, loose: [] }) };
    if (node.star || (name === "count" && node.args.length === 0)) {
      if (name !== "count" || node.distinct) refuse("invalid", `${name}(*) is no aggregate`, at);
      return { ...base, sql: `count(*)${tail}`, type: { name: "bigint" } };
    }
    const known = aggregates.filter((entry) => entry.name === name);
    const { signature, args } = choose(name, known, values, at);
    if (node.distinct && (over || signature.plain)) unsupported(`${name}(DISTINCT …)${over ? " OVER (…)" : ""}`, at);
    if (node.distinct && args.some(({ sql }) => !sql.includes('"'))) unsupported(`${name}(DISTINCT constant)`, at);
    const types = args.map(({ type }) => type);
    if (types.some((type) => type.name === "unknown") && name !== "count") unsupported(`${name}(NULL)`, at);
    const write: Over = (duck, ...sql) => `${duck}(${node.distinct ? "DISTINCT " : ""}${sql.join(", ")})${tail}`;
    return {
      ...base,
      sql: signature.duckdb(
        write,
        args.map(({ sql }) => sql),
        types,
      ),
      type: typeof signature.gives === "function" ? signature.gives(types) : signature.gives,
      ...(signature.finite ? { finite: true } : {}),
    };
  };

  /** Trino refuses an output column's name inside an aggregate of ORDER BY; a column of the same name is not meant. */
  const refuseOutputs = (node: unknown, scope: Scope): void => {
    if (typeof node !== "object" || node === null || "body" in node) return;
    const name = node as Partial<Node<"name">>;
    const output =
      name.kind === "name" && name.path!.length === 1
        ? scope.outputs!.get(name.path![0]!.text.toLowerCase())
        : undefined;
    if (output && !scope.columns.some(({ sql }) => sql === output[0]!.sql))
      refuse("invalid", `output column ${name.path![0]!.text} cannot stand inside an aggregate of ORDER BY`, name.at);
    for (const child of Object.values(node)) refuseOutputs(child, scope);
  };

  const call = (written: Call & Expression, scope: Scope): Value => {
    const name = aliases[written.name] ?? written.name;
    const node = { ...written, name };
    const ranked = ranking(node, scope, analyse);
    if (ranked) return ranked;
    if (aggregateNames.has(name)) return aggregate(node, scope);
    const signatures = scalars.get(name);
    const special = built.get(name);
    if (!signatures && !special) return unsupported(`function ${written.name}`, node.at);
    if (node.over || node.star || node.distinct || node.filter || node.order.length || node.nulls)
      refuse("invalid", `${written.name} is no aggregate or window function`, node.at);
    const values = all(node.args, scope);
    if (signatures) return scalarCall(name, signatures, values, node.at);
    const [least, most] = special!.takes;
    if (values.length < least || values.length > most)
      refuse(
        "invalid",
        `${name}: expected ${least === most ? least : `${least} to ${most}`} arguments, came ${values.length}`,
        node.at,
      );
    return special!.build(values, node.at);
  };

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

  const sum = (node: Node<"arithmetic">, scope: Scope): Value => {
    const { op, left, right, at } = node;
    if (left.kind === "interval" && op === "+" && right.kind !== "interval")
      return shifted(analyse(right, scope), op, intervalOf(left), at);
    if (right.kind === "interval" && (op === "+" || op === "-") && left.kind !== "interval")
      return shifted(analyse(left, scope), op, intervalOf(right), at);
    return arithmetic(op, analyse(left, scope), analyse(right, scope), at);
  };

  const within = (node: Node<"in">, scope: Scope): Value => {
    const { type, values } = unify(all([node.value, ...node.list], scope), "IN");
    const [value, ...list] = values as [Value, ...Value[]];
    if (type.name === "double" && !value.finite && list.some((item) => !item.finite))
      unsupported("IN over doubles that may be NaN", node.at);
    const sql = `(${value.sql} IN (${list.map((item) => item.sql).join(", ")}))`;
    return negate({ ...made(values), sql, type: boolean, at: node.at }, node.not);
  };

  const withinQuery = (node: Node<"inQuery">, scope: Scope): Value => {
    const left = analyse(node.value, scope);
    const { sql, columns } = subquery(node.query, scope);
    if (columns.length !== 1) refuse("invalid", `IN: expected a query of one column, came ${columns.length}`, node.at);
    const right: Value = { sql: '"q"."c1"', type: columns[0]!.type, at: node.at, loose: [] };
    const { type, values } = unify([left, right], "IN");
    if (type.name === "double") unsupported("IN (query) over doubles", node.at);
    const [a, b] = values as [Value, Value];
    const rows = same(right.type, type) ? sql : `SELECT ${b.sql} FROM (${sql}) AS "q"`;
    return negate({ ...made([left]), sql: `(${a.sql} IN (${rows}))`, type: boolean, at: node.at }, node.not);
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

  const analysed = (node: Expression, scope: Scope): Value => {
    const { at } = node;
    switch (node.kind) {
      case "null":
      case "boolean":
      case "number":
      case "string":
      case "typed":
        return literalOf(node);
      case "interval":
        return unsupported("an interval other than added to a date or timestamp", at);
      case "star":
        return refuse("syntax", "* is no expression", at);
      case "name":
        return resolve(scope, node.path);
      case "call":
        return call(node, scope);
      case "cast":
        return castTo(analyse(node.value, scope), typeOf(node.type), node.attempt);
      case "case":
        return cases(node, scope);
      case "sign":
        return node.negative ? negated(analyse(node.value, scope), at) : analyse(node.value, scope);
      case "arithmetic":
        return sum(node, scope);
      case "concat": {
        const sides = all([node.left, node.right], scope);
        if (sides.some(({ type }) => type.name === "unknown")) unsupported("|| with a bare NULL", at);
        const values = sides.map((value) => coerce(value, varchar, "||"));
        return { ...made(values), sql: `(${values.map(({ sql }) => sql).join(" || ")})`, type: varchar, at };
      }
      case "compare":
        return compare(node.op, analyse(node.left, scope), analyse(node.right, scope), at);
      case "logic":
        return logic(node.op, condition(node.left, scope, node.op), condition(node.right, scope, node.op), at);
      case "not":
        return negate(condition(node.value, scope, "NOT"), true);
      case "between": {
        const [value, low, high] = all([node.value, node.low, node.high], scope) as [Value, Value, Value];
        return negate(logic("AND", compare(">=", value, low, at), compare("<=", value, high, at), at), node.not);
      }
      case "in":
        return within(node, scope);
      case "inQuery":
        return withinQuery(node, scope);
      case "like":
        return like(node, scope);
      case "isNull": {
        const value = analyse(node.value, scope);
        return { ...made([value]), sql: `(${value.sql} IS ${node.not ? "NOT " : ""}NULL)`, type: boolean, at };
      }
      case "distinct": {
        const { values } = unify(all([node.left, node.right], scope), "IS DISTINCT FROM");
        const sql = `(${values[0]!.sql} IS ${node.not ? "NOT " : ""}DISTINCT FROM ${values[1]!.sql})`;
        return { ...made(values), sql, type: boolean, at };
      }
      case "exists":
        return { sql: `EXISTS (${subquery(node.query, scope).sql})`, type: boolean, at, loose: [] };
      case "subquery":
        return scalarQuery(node, scope);
    }
  };

  return { analyse, condition };
};

/** Columns with the given types, as SQL over `from`; null when nothing has to change. */
export const retyped = (columns: Columns, types: Columns, at: Value["at"]): string | null => {
  if (columns.every(({ type }, index) => duckdb(type) === duckdb(types[index]!.type) && type.name !== "unknown"))
    return null;
  return columns
    .map(({ type }, index) => {
      const value: Value = { sql: `"q"."c${index + 1}"`, type, at, loose: [] };
      return `${coerce(value, types[index]!.type, show(types[index]!.type)).sql} AS "c${index + 1}"`;
    })
    .join(", ");
};
