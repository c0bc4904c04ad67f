import { commonType } from "./casts.ts";
import { rankings } from "./functions/aggregates.ts";
import { choose } from "./functions/table.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import { key, type Scope } from "./scope.ts";
import type { Bound, Call, Expression, SortItem, Window } from "./syntax.ts";
import { isInteger, show, sortable, type Type } from "./types.ts";
import { made, type Value } from "./value.ts";

type Analyse = (node: Expression, scope: Scope) => Value;
export type Specification = { sql: string; values: Value[]; ordered: boolean; framed: boolean };

/** Trino puts NULLs last in both directions; DuckDB's default depends on its settings. */
export const sortText = (
  { descending, nullsFirst }: Pick<SortItem, "descending" | "nullsFirst">,
  sql: string,
): string => `${sql} ${descending ? "DESC" : "ASC"} NULLS ${nullsFirst ? "FIRST" : "LAST"}`;

/** Types of a sort key and of a distance from it that both engines measure alike. */
const measured = (key: Value | undefined, distance: Value): boolean => {
  const [from, by] = [key?.type.name, distance.type.name];
  if (distance.literal === undefined || distance.literal.startsWith("-")) return false;
  if (from === "date" || from === "timestamp")
    return (
      by === "interval year to month" ||
      (by === "interval day to second" && (from !== "date" || Number(distance.literal) % 86_400_000 === 0))
    );
  return (
    key !== undefined && (isInteger(key.type) || from === "decimal") && (isInteger(distance.type) || by === "decimal")
  );
};
/** Refuses what Trino has no order for. */
export const checkSortable = (type: Type, at: Position): void => {
  if (!sortable(type)) refuse("type_mismatch", `ORDER BY: type ${show(type)} is not orderable`, at);
};

const distanceText = ({ literal, type, sql }: Value): string =>
  type.name === "interval day to second"
    ? `INTERVAL (${literal}) MILLISECONDS`
    : type.name === "interval year to month"
      ? `INTERVAL (${literal}) MONTH`
      : sql;

type Read = (node: Expression) => Value;
const boundText = (bound: Bound, unit: string, keys: readonly Value[], read: Read): string => {
  if (bound.kind === "current") return "CURRENT ROW";
  if (bound.kind === "unbounded") return `UNBOUNDED ${bound.side.toUpperCase()}`;
  if (unit === "RANGE") {
    const distance = read(bound.value);
    if (keys.length !== 1) refuse("invalid", "RANGE with a distance needs one ORDER BY item", bound.value.at);
    if (!measured(keys[0], distance))
      unsupported(
        `RANGE with a distance of ${show(distance.type)} over ${show(keys[0]!.type)}, or a computed one,`,
        bound.value.at,
      );
    return `${distanceText(distance)} ${bound.side.toUpperCase()}`;
  }
  if (bound.value.kind !== "number" || bound.value.type !== "integer" || bound.value.text.startsWith("-"))
    unsupported("a computed distance in a window frame", bound.value.at);
  return `${(bound.value as { text: string }).text} ${bound.side.toUpperCase()}`;
};

/** A window by name, and what is written over it. */
const based = (window: Window, scope: Scope): Window => {
  if (!window.base) return window;
  const base = scope.windows.get(key(window.base));
  if (!base) return refuse("not_found", `window ${window.base.text} does not exist`, window.base.at);
  const whole = based(base, scope);
  if (window.named) return { ...whole, at: window.at };
  if (window.partition.length || (window.order.length && whole.order.length) || whole.frame)
    unsupported("a window that changes what it is based on", window.at);
  return { ...whole, order: window.order.length ? window.order : whole.order, frame: window.frame, at: window.at };
};

export const specification = (written: Window, outer: Scope, analyse: Analyse): Specification => {
  const window = based(written, outer);
  const scope: Scope = { ...outer, overs: false };
  const partition = window.partition.map((node) => analyse(node, scope));
  const order = window.order.map((item) => ({ item, value: analyse(item.value, scope) }));
  for (const { value } of order) checkSortable(value.type, value.at);
  const clauses: string[] = [];
  if (partition.length) clauses.push(`PARTITION BY ${partition.map(({ sql }) => sql).join(", ")}`);
  if (order.length) clauses.push(`ORDER BY ${order.map(({ item, value }) => sortText(item, value.sql)).join(", ")}`);
  if (window.frame) {
    const { unit, start, end } = window.frame;
    if (start.kind === "unbounded" && start.side === "following")
      refuse("invalid", "a frame cannot start at UNBOUNDED FOLLOWING", window.at);
    if (end.kind === "unbounded" && end.side === "preceding")
      refuse("invalid", "a frame cannot end at UNBOUNDED PRECEDING", window.at);
    if (unit === "GROUPS" && order.length === 0) refuse("invalid", "GROUPS needs ORDER BY in the window", window.at);
    const keys = order.map(({ value }) => value);
    const [from, to] = [start, end].map((bound) => boundText(bound, unit, keys, (node) => analyse(node, scope)));
    clauses.push(`${unit} BETWEEN ${from} AND ${to}`);
  }
  return {
    sql: clauses.join(" "),
    values: [...partition, ...order.map(({ value }) => value)],
    ordered: order.length > 0,
    framed: window.frame !== null,
  };
};

const positive = (value: Value | undefined, least: number, name: string): void => {
  if (value?.literal !== undefined && Number(value.literal) < least)
    refuse("invalid", `${name}: expected ${least} or more, came ${value.literal}`, value.at);
};

/** `rank() OVER (…)` and its like; null when the name is no such function. */
export const ranking = (node: Call & Expression, scope: Scope, analyse: Analyse): Value | null => {
  const known = rankings.filter(({ name }) => name === node.name);
  if (known.length === 0) return null;
  const { name, at } = node;
  if (!node.over) return refuse("invalid", `${name} needs OVER (…)`, at);
  if (!scope.overs) refuse("invalid", `${name}() OVER (…) cannot stand in ${scope.clause}`, at);
  if (node.distinct || node.filter || node.order.length || node.star)
    unsupported(`${name} with DISTINCT, FILTER, ORDER BY or *`, at);
  const values = node.args.map((arg) => analyse(arg, { ...scope, overs: false }));
  if (values.length === 3) {
    const type = commonType([values[0]!, values[2]!], name);
    if (type.name !== values[0]!.type.name) unsupported(`${name} with a default of another type`, at);
    values[2] = { ...values[2]!, type };
  }
  const { signature, args } = choose(name, known, values, at);
  const window = specification(node.over, scope, analyse);
  if (window.framed && !signature.frame) refuse("invalid", `${name} takes no window frame`, at);
  if (!window.ordered && signature.ordered) unsupported(`${name} without ORDER BY in its window`, at);
  if (name === "ntile") positive(values[0], 1, name);
  else positive(values[1], name === "nth_value" ? 1 : 0, name);
  const ignore = node.nulls === "ignore" ? " IGNORE NULLS" : "";
  if (node.nulls && !signature.nulls) refuse("invalid", `${name} takes no IGNORE NULLS`, at);
  const sql = `${signature.duckdb}(${args.map((arg) => arg.sql).join(", ")}${ignore}) OVER (${window.sql})`;
  const gives = typeof signature.gives === "function" ? signature.gives(args.map(({ type }) => type)) : signature.gives;
  return { ...made([...values, ...window.values]), sql, type: gives, at, window: true };
};
