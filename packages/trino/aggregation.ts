import { aggregates, type Chosen, type Over } from "./functions/aggregates.ts";
import { choose } from "./functions/table.ts";
import type { Parts } from "./predicates.ts";
import { refuse, unsupported } from "./refusal.ts";
import type { Scope } from "./scope.ts";
import type { Call, Expression } from "./syntax.ts";
import { integer } from "./types.ts";
import { made, type Value } from "./value.ts";
import { checkSortable, sortText, specification } from "./windows.ts";

export const aggregateNames: ReadonlySet<string> = new Set(aggregates.map(({ name }) => name));

/** Whether an aggregate stands in the node, outside subqueries and other than as a window function. */
export const aggregated = (node: unknown): boolean => {
  if (typeof node !== "object" || node === null) return false;
  if (Array.isArray(node)) return node.some(aggregated);
  if ("body" in node) return false;
  const { kind, name, over } = node as Partial<Call>;
  if (kind === "call" && over === null && (aggregateNames.has(name!) || name === "grouping")) return true;
  return Object.values(node).some(aggregated);
};

/** Arguments of GROUPING that an integer holds. */
const MAX_GROUPING = 31;

/** Analyses aggregates, over groups and over windows. */
export const openAggregation = ({ analyse, all, condition }: Pick<Parts, "analyse" | "all" | "condition">) => {
  const aggregate = (node: Call & Expression, scope: Scope): Value => {
    const { name, at } = node;
    const over = node.over;
    if (over ? !scope.overs : !scope.aggregates)
      refuse("invalid", `${name}()${over ? " OVER (…)" : ""} cannot stand in ${scope.clause}`, at);
    if (node.nulls) refuse("invalid", `${name} takes no IGNORE NULLS`, at);
    if (over && node.filter) refuse("invalid", "FILTER is not supported for window functions", at);
    const inner: Scope = over
      ? { ...scope, overs: false }
      : { ...scope, groups: null, outputs: null, aggregates: false, overs: false, clause: "an aggregate" };
    if (!over && scope.outputs) refuseOutputs(node, scope);
    const values = all(node.args, inner);
    const filter = node.filter ? condition(node.filter, inner, "FILTER") : null;
    const window = over ? specification(over, scope, analyse) : null;
    const order = node.order.map((item) => ({ item, value: analyse(item.value, inner) }));
    for (const { value } of order) checkSortable(value.type, value.at);
    if (over && order.length) unsupported(`${name} with ORDER BY … OVER`, at);
    const of = [...values, ...order.map(({ value }) => value), ...(filter ? [filter] : []), ...(window?.values ?? [])];
    if (!over && of.some((value) => value.outer)) unsupported("an aggregate of an outer query's column", at);
    const tail = `${filter ? ` FILTER (WHERE ${filter.sql})` : ""}${window ? ` OVER (${window.sql})` : ""}`;
    const base = { ...made(of), at, ...(over ? { window: true } : { aggregate: true, loose: [] }) };
    if (node.star || (name === "count" && node.args.length === 0)) {
      if (name !== "count" || node.distinct) refuse("invalid", `${name}(*) is no aggregate`, at);
      return { ...base, sql: `count(*)${tail}`, type: { name: "bigint" } };
    }
    const known = aggregates.filter((entry) => entry.name === name);
    const { signature, args } = choose(name, known, values, at);
    if (over && signature.grouped) unsupported(`${name} OVER`, at);
    if (node.distinct && (over || signature.plain)) unsupported(`${name}(DISTINCT …)${over ? " OVER (…)" : ""}`, at);
    if (node.distinct && args.slice(0, name === "listagg" ? 1 : undefined).some(({ sql }) => !sql.includes('"')))
      unsupported(`${name}(DISTINCT constant)`, at);
    const types = args.map(({ type }) => type);
    if (types.some((type) => type.name === "unknown") && name !== "count") unsupported(`${name}(NULL)`, at);
    const sorts = order.map(({ item, value }) => sortText(item, value.sql)).join(", ");
    if (order.length && !signature.ordered && types[0]?.name === "double" && !["min", "max", "count"].includes(name))
      unsupported(`${name} of doubles with ORDER BY`, at);
    if (node.distinct && order.some(({ value }) => !values.some(({ sql }) => sql === value.sql)))
      refuse("invalid", `${name}(DISTINCT …): ORDER BY must be by its arguments`, at);
    const write: Over = (duck, ...sql) => {
      const sorted = sorts && signature.ordered ? ` ORDER BY ${sorts}` : "";
      return `${duck}(${node.distinct ? "DISTINCT " : ""}${sql.join(", ")}${sorted})${tail}`;
    };
    const chosen: Chosen = (value, by, most, descending) => {
      const present = `${by} IS NOT NULL${filter ? ` AND ${filter.sql}` : ""}`;
      const order = descending === null ? "" : ` ORDER BY ${by} ${descending ? "DESC" : "ASC"}`;
      const list = `list(${value}${order}) FILTER (WHERE ${present})`;
      return most === null ? list : `list_slice(${list}, 1, ${most})`;
    };
    return {
      ...base,
      sql: signature.duckdb(
        write,
        args.map(({ sql }) => sql),
        types,
        { chosen, literals: values.map((value) => value.literal ?? ""), at },
      ),
      type: typeof signature.gives === "function" ? signature.gives(types) : signature.gives,
      ...(signature.finite ? { finite: true } : {}),
    };
  };

  /** Trino refuses an output column's name inside an aggregate of ORDER BY; a column of the same name is not meant. */
  const refuseOutputs = (node: unknown, scope: Scope): void => {
    if (typeof node !== "object" || node === null || "body" in node) return;
    const name = node as Partial<Extract<Expression, { kind: "name" }>>;
    const output =
      name.kind === "name" && name.path!.length === 1
        ? scope.outputs!.get(name.path![0]!.text.toLowerCase())
        : undefined;
    if (output && !scope.columns.some(({ sql }) => sql === output[0]!.sql))
      refuse("invalid", `output column ${name.path![0]!.text} cannot stand inside an aggregate of ORDER BY`, name.at);
    for (const child of Object.values(node)) refuseOutputs(child, scope);
  };

  /** GROUPING(a, b): a bit for each column, 1 where the row's grouping set does not hold it. */
  const grouping = (node: Call & Expression, scope: Scope): Value => {
    const { at } = node;
    if (!scope.aggregates || scope.groups === null) refuse("invalid", "grouping() needs GROUP BY", at);
    if (node.args.length === 0 || node.args.length > MAX_GROUPING)
      unsupported(`grouping() of ${node.args.length} columns`, at);
    // In ORDER BY a name means the output column, which is no column of GROUP BY.
    const output = node.args.find(
      (arg) => arg.kind === "name" && arg.path.length === 1 && scope.outputs?.has(arg.path[0]!.text.toLowerCase()),
    );
    if (output)
      refuse("invalid", "the arguments of grouping() must be columns of GROUP BY, came an output column", output.at);
    const values = all(node.args, scope);
    const foreign = values.find(({ sql }) => !scope.groups!.has(sql));
    if (foreign) refuse("invalid", "the arguments of grouping() must be columns of GROUP BY", foreign.at);
    const sql = `CAST(grouping(${values.map((value) => value.sql).join(", ")}) AS INTEGER)`;
    return { ...made(values), sql, type: integer, at, aggregate: true };
  };

  return { aggregate, grouping };
};
