import { aggregateNames, openAggregation } from "./aggregation.ts";
import { castTo, coerce, unify } from "./casts.ts";
import { fieldOf, openConstructors } from "./constructors.ts";
import { joined } from "./functions/arrays.ts";
import { aliases, built, scalars } from "./functions/index.ts";
import { known } from "./functions/names.ts";
import { call as scalarCall } from "./functions/table.ts";
import { intervalOf } from "./intervals.ts";
import { openLambdas } from "./lambdas.ts";
import { literalOf } from "./literals.ts";
import { atZone, offsetOf, zoneOf } from "./moments.ts";
import { arithmetic, compare, logic, negated } from "./operators.ts";
import { openPredicates, type Parts, type Subquery } from "./predicates.ts";
import { refuse, unsupported } from "./refusal.ts";
import { type Columns, resolve, type Scope } from "./scope.ts";
import type { Call, Expression } from "./syntax.ts";
import { boolean, duckdb, isInteger, show, typeOf, varchar } from "./types.ts";
import { made, raise, type Value } from "./value.ts";
import { ranking } from "./windows.ts";

type Node<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** Characters of DuckDB SQL for one expression. */
const MAX_SQL = 200_000;

/** Opens the analysis of expressions. Each gives DuckDB SQL with Trino's value and type, or is refused by name. */
export const openAnalysis = (subquery: Subquery) => {
  const analyse = (node: Expression, scope: Scope): Value => {
    const value = analysed(node, scope);
    // Exact division names its sides more than once, so a chain of them grows fast.
    if (value.sql.length > MAX_SQL) unsupported("so long a chain of expressions", node.at);
    return scope.groups?.has(value.sql) && value.loose.length ? { ...value, loose: [] } : value;
  };
  const all = (nodes: readonly Expression[], scope: Scope): Value[] => nodes.map((node) => analyse(node, scope));
  /** Conditions of which false and NULL mean the same, and their parts beside AND and OR. */
  const truths = new WeakSet<Expression>();
  const trust = (node: Expression): void => {
    truths.add(node);
    if (node.kind === "logic") for (const side of [node.left, node.right]) trust(side);
  };
  const condition = (node: Expression, scope: Scope, what: string): Value => {
    if (["WHERE", "HAVING", "ON", "FILTER"].includes(what)) trust(node);
    return coerce(analyse(node, scope), boolean, what);
  };
  const negate = (value: Value, not: boolean): Value => (not ? { ...value, sql: `(NOT ${value.sql})` } : value);
  const parts: Parts = {
    analyse,
    all,
    condition,
    onlyTruth: (node) => truths.has(node),
    subquery: (query, scope) =>
      scope.locals?.size ? unsupported("a subquery in a lambda", query.at) : subquery(query, scope),
  };
  const { aggregate, grouping } = openAggregation(parts);
  const { cases, within, withinQuery, quantified, like, scalarQuery } = openPredicates(parts);
  const { array, row, subscript, field } = openConstructors(parts);
  const lambda = openLambdas(parts);

  const call = (written: Call & Expression, scope: Scope): Value => {
    const name = aliases[written.name] ?? written.name;
    const node = { ...written, name };
    const ranked = ranking(node, scope, analyse);
    if (ranked) return ranked;
    if (name === "grouping") return grouping(node, scope);
    if (name === "listagg" && node.args.length === 1)
      node.args = [node.args[0]!, { kind: "string", value: "", at: node.at }];
    if (aggregateNames.has(name)) return aggregate(node, scope);
    const signatures = scalars.get(name);
    const specials = built.get(name);
    const applied = lambda(node, scope);
    if (applied) return applied;
    if (name === "try" && node.args.length === 1) return attempt(node, scope);
    if (!signatures && !specials)
      return known(name)
        ? unsupported(`function ${written.name}`, node.at)
        : refuse("function_not_found", `function '${written.name}' not registered`, node.at);
    if (node.over || node.star || node.distinct || node.filter || node.order.length || node.nulls)
      refuse("invalid", `${written.name} is no aggregate or window function`, node.at);
    const values = all(node.args, scope);
    const special = specials?.find(({ when }) => !when || when(values));
    if (!special)
      return signatures
        ? scalarCall(name, signatures, values, node.at)
        : unsupported(`${name}(${values.map(({ type }) => show(type)).join(", ")})`, node.at);
    const [least, most] = special.takes;
    if (values.length < least || values.length > most)
      refuse(
        "invalid",
        `${name}: expected ${least === most ? least : `${least} to ${most}`} arguments, came ${values.length}`,
        node.at,
      );
    return special.build(values, node.at);
  };

  /** try() of a division or a cast, of which all that can fail is known: NULL where it does. */
  const attempt = (node: Call & Expression, scope: Scope): Value => {
    const [of] = node.args;
    const sides = of?.kind === "arithmetic" ? [of.left, of.right] : of?.kind === "cast" ? [of.value] : [];
    const safe =
      sides.length > 0 && all(sides, scope).every(({ sql, aggregate: is }) => !/error\(|\(SELECT /.test(sql) && !is);
    if (!safe || (of?.kind === "arithmetic" && !["/", "%"].includes(of.op)))
      return unsupported("try() of anything but a division or a cast of columns and literals", node.at);
    if (of?.kind === "cast") return castTo(analyse(of.value, scope), typeOf(of.type), true);
    const value = analyse(of!, scope);
    if (!isInteger(value.type)) unsupported(`try() of a division to ${show(value.type)}`, node.at);
    return { ...value, sql: value.sql.replace(raise("Division by zero"), "NULL") };
  };

  const zoneChanged = (node: Node<"zone">, scope: Scope): Value => {
    const { literal, type } = analyse(node.zone, scope);
    const interval = node.zone.kind === "interval" && type.name === "interval day to second";
    if (node.zone.kind !== "string" && !interval)
      unsupported("AT TIME ZONE of anything but a zone in quotes or an interval", node.at);
    const zone = interval ? offsetOf(Number(literal), node.at) : zoneOf(literal!, node.at);
    return atZone(analyse(node.value, scope), zone, node.at);
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
        return intervalOf(node);
      case "array":
        return array(node, scope);
      case "row":
        return row(node, scope);
      case "subscript":
        return subscript(node, scope);
      case "field":
        return field(node, scope);
      case "lambda":
        return refuse("invalid", "a lambda can only be the argument of a function that takes one", at);
      case "zone":
        return zoneChanged(node, scope);
      case "star":
        return refuse("syntax", "* is no expression", at);
      case "name":
        return resolve(scope, node.path, fieldOf);
      case "call":
        return call(node, scope);
      case "cast":
        return castTo(analyse(node.value, scope), typeOf(node.type), node.attempt);
      case "case":
        return cases(node, scope);
      case "sign":
        return node.negative ? negated(analyse(node.value, scope), at) : analyse(node.value, scope);
      case "arithmetic":
        return arithmetic(node.op, analyse(node.left, scope), analyse(node.right, scope), at);
      case "concat": {
        const sides = all([node.left, node.right], scope);
        if (sides.some(({ type }) => type.name === "array")) return joined(sides, at);
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
      case "quantified":
        return quantified(node, scope);
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
