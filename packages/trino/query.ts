import { aggregated, openAnalysis, retyped } from "./analyse.ts";
import { unify } from "./casts.ts";
import { type From, from } from "./from.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import { type Columns, type Ctes, key, names as named, type Scope, type Translation } from "./scope.ts";
import type { Body, Path, Query, SelectItem, SortItem } from "./syntax.ts";
import { common, duckdb, show } from "./types.ts";
import { identifier, type Value } from "./value.ts";
import { sortText } from "./windows.ts";

type Select = Extract<Body, { kind: "select" }>;
type Rows = { sql: string; columns: Columns };
/** The DuckDB name of an output column: inside a statement c1, c2 …, at its top Trino's own. */
type Naming = (index: number, name: string | null) => string;
type Around = { ctes: Ctes; parent: Scope | null; correlated: { yes: boolean } };
type Tail = Pick<Query, "order" | "offset" | "limit">;

export const inner: Naming = (index) => `c${index + 1}`;
export const outermost: Naming = (index, name) => name ?? `_col${index}`;

const noTail: Tail = { order: [], offset: null, limit: null };
const bounds = ({ limit, offset }: Tail): string =>
  `${limit === null ? "" : ` LIMIT ${limit}`}${offset === null ? "" : ` OFFSET ${offset}`}`;

/** Opens the translation of whole queries. */
export const openQueries = (translation: Translation) => {
  const { analyse, condition } = openAnalysis((query, scope) => {
    const correlated = { yes: false };
    const rows = translate(query, { ctes: scope.ctes, parent: scope, correlated }, inner);
    return { ...rows, correlated: correlated.yes, single: single(query) };
  });

  /** An aggregate without groups gives one row. */
  const single = ({ body, offset }: Query): boolean =>
    body.kind === "select" &&
    !body.group &&
    !body.having &&
    offset === null &&
    (aggregated(body.items) || (!body.from && !body.where));

  const translate = (query: Query, around: Around, naming: Naming): Rows => {
    const ctes = new Map(around.ctes);
    const written: string[] = [];
    const here = new Set<string>();
    for (const { name, columns: renamed, query: body } of query.with) {
      if (here.has(key(name))) refuse("invalid", `WITH names ${name.text} twice`, name.at);
      here.add(key(name));
      const rows = translate(body, { ...around, ctes: new Map(ctes), parent: null }, inner);
      if (renamed && renamed.length !== rows.columns.length)
        refuse("invalid", `expected ${rows.columns.length} column names, came ${renamed.length}`, name.at);
      const columns = rows.columns.map((column, index) =>
        renamed ? { ...column, name: renamed[index]!.text } : column,
      );
      const sql = identifier(`w${translation.unique()}_${key(name)}`);
      written.push(`${sql} AS (${rows.sql})`);
      ctes.set(key(name), { sql, columns });
    }
    const rows = body(query.body, { ...around, ctes }, naming, query);
    return written.length ? { ...rows, sql: `WITH ${written.join(", ")} ${rows.sql}` } : rows;
  };

  const body = (node: Body, around: Around, naming: Naming, tail: Tail): Rows => {
    if (node.kind === "select") return select(node, around, naming, tail);
    if (node.kind === "nested" && !tail.order.length && tail.limit === null && tail.offset === null)
      return translate(node.query, around, naming);
    const rows =
      node.kind === "set"
        ? combined(node, around, naming)
        : node.kind === "values"
          ? values(node, around, naming)
          : nested(translate(node.query, around, inner), naming);
    return { ...rows, sql: `${rows.sql}${ordinals(tail.order, rows.columns)}${bounds(tail)}` };
  };

  const nested = ({ sql, columns }: Rows, naming: Naming): Rows => ({
    sql: `SELECT ${columns.map(({ name }, i) => `"q"."c${i + 1}" AS ${identifier(naming(i, name))}`).join(", ")} FROM (${sql}) AS "q"`,
    columns,
  });

  /** ORDER BY over what is no SELECT: by output columns only. */
  const ordinals = (order: readonly SortItem[], columns: Columns): string => {
    const items = order.map((item) => {
      const { value } = item;
      if (value.kind === "number") return sortText(item, ordinal(value.text, columns.length, value.at));
      if (value.kind !== "name" || value.path.length > 1)
        return unsupported("ORDER BY of a set operation by anything but an output column", value.at);
      const wanted = key(value.path[0]!);
      const found = columns.flatMap(({ name }, index) => (name !== null && key(name) === wanted ? [index + 1] : []));
      if (found.length !== 1)
        refuse(
          found.length ? "ambiguous" : "not_found",
          `ORDER BY ${wanted}: expected one such output column, came ${found.length}`,
          value.at,
        );
      return sortText(item, String(found[0]));
    });
    return items.length ? ` ORDER BY ${items.join(", ")}` : "";
  };
  const ordinal = (text: string, count: number, at: Position): string =>
    /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= count
      ? String(Number(text))
      : refuse("invalid", `expected an output column from 1 to ${count}, came ${text}`, at);

  const combined = (node: Extract<Body, { kind: "set" }>, around: Around, naming: Naming): Rows => {
    const sides = [node.left, node.right].map((side) => body(side, around, inner, noTail));
    const [left, right] = sides as [Rows, Rows];
    if (left.columns.length !== right.columns.length)
      refuse("invalid", `${node.op}: ${left.columns.length} and ${right.columns.length} columns`, node.at);
    const columns = left.columns.map(({ name, type }, index) => {
      const other = right.columns[index]!.type;
      const both = common(type, other);
      return {
        name,
        type:
          both ??
          refuse("type_mismatch", `${node.op}: column ${index + 1} is ${show(type)} and ${show(other)}`, node.at),
      };
    });
    const operands = sides.map((side) => {
      const cast = retyped(side.columns, columns, node.at);
      return cast ? `(SELECT ${cast} FROM (${side.sql}) AS "q")` : `(${side.sql})`;
    });
    const sql = operands.join(` ${node.op}${node.all ? " ALL" : ""} `);
    return naming === inner ? { sql, columns } : nested({ sql, columns }, naming);
  };

  const values = (node: Extract<Body, { kind: "values" }>, around: Around, naming: Naming): Rows => {
    const scope = scopeOf(around, [], "VALUES");
    const rows = node.rows.map((row) => row.map((value) => analyse(value, scope)));
    const width = rows[0]!.length;
    if (rows.some((row) => row.length !== width)) refuse("invalid", "VALUES: expected rows of one length", node.at);
    const columns = rows[0]!.map((_, index) => {
      const unified = unify(
        rows.map((row) => row[index]!),
        "VALUES",
      );
      for (const [line, value] of unified.values.entries()) rows[line]![index] = value;
      return { name: null, type: unified.type };
    });
    const lines = rows.map((row) => `(${row.map(({ sql, type }) => `CAST(${sql} AS ${duckdb(type)})`).join(", ")})`);
    const list = columns.map((_, index) => `"c${index + 1}"`).join(", ");
    const sql = `SELECT * FROM (VALUES ${lines.join(", ")}) AS "v"(${list})`;
    return naming === inner ? { sql, columns } : nested({ sql, columns }, naming);
  };

  const scopeOf = (around: Around, columns: Scope["columns"], clause: string): Scope => ({
    translation,
    ...around,
    columns,
    groups: null,
    outputs: null,
    windows: new Map(),
    clause,
    aggregates: false,
    overs: false,
  });

  const select = (node: Select, around: Around, naming: Naming, tail: Tail): Rows => {
    const source: From | null = node.from
      ? from(
          node.from,
          { translation, ctes: around.ctes },
          {
            query: (query, ctes) => translate(query, { ctes, parent: null, correlated: { yes: false } }, inner),
            condition: (on, columns, clause) => condition(on, scopeOf(around, columns, clause), clause),
          },
        )
      : null;
    const plain = scopeOf(around, source?.columns ?? [], "WHERE");
    const where = node.where ? condition(node.where, plain, "WHERE") : null;
    const items = node.items.flatMap((item) => expand(item, plain));
    const grouped = node.group !== null || aggregated([node.items, node.having, tail.order]);
    const groups = (node.group ?? []).map((expression) => {
      const scope = { ...plain, clause: "GROUP BY" };
      const value =
        expression.kind === "number"
          ? items[Number(ordinal(expression.text, items.length, expression.at)) - 1]!.read(scope)
          : analyse(expression, scope);
      if (!value.sql.includes('"')) unsupported("GROUP BY a constant", expression.at);
      return value.sql;
    });
    const scope: Scope = {
      ...plain,
      groups: grouped ? new Set(groups) : null,
      windows: new Map(node.windows.map(({ name, window }) => [key(name), window])),
      clause: "SELECT",
      aggregates: grouped,
      overs: true,
    };
    const tight = (value: Value): Value => {
      if (value.loose.length)
        refuse(
          "invalid",
          `column ${value.loose[0]!.name} must be in GROUP BY or inside an aggregate`,
          value.loose[0]!.at,
        );
      return value;
    };
    const outputs = items.map((item) => ({ name: item.name, value: tight(item.read(scope)) }));
    const having = node.having
      ? tight(condition(node.having, { ...scope, clause: "HAVING", overs: false, aggregates: true }, "HAVING"))
      : null;
    const order = sorted(tail.order, node.distinct, outputs, { ...scope, clause: "ORDER BY" }, tight);
    const columns = outputs.map(({ name, value }) => ({ name, type: value.type }));
    const list = outputs.map(({ value, name }, index) => {
      const sql = value.type.name === "unknown" ? `CAST(NULL AS ${duckdb(value.type)})` : value.sql;
      return `${sql} AS ${identifier(naming(index, name))}`;
    });
    const sql = [
      `SELECT ${node.distinct ? "DISTINCT " : ""}${list.join(", ")}`,
      source && `FROM ${source.sql}`,
      where && `WHERE ${where.sql}`,
      groups.length > 0 && `GROUP BY ${groups.join(", ")}`,
      having && `HAVING ${having.sql}`,
      order.length > 0 && `ORDER BY ${order.join(", ")}`,
    ];
    return { sql: sql.filter(Boolean).join(" ") + bounds(tail), columns };
  };

  /** One output column before analysis; `read` gives it in a scope, with or without groups. */
  type Item = { name: string | null; read: (scope: Scope) => Value };
  /** `*` becomes the columns it stands for. */
  const expand = (item: SelectItem, scope: Scope): Item[] => {
    if (item.kind === "expression") {
      const { value, alias } = item;
      const own = value.kind === "name" ? value.path.at(-1)! : null;
      return [{ name: (alias ?? own)?.text ?? null, read: (at) => analyse(value, at) }];
    }
    const prefix = item.of?.map(key) ?? null;
    const columns = scope.columns.filter(({ of, hidden }) => !hidden && (prefix === null || named(of, prefix)));
    if (columns.length === 0)
      refuse("not_found", prefix ? `relation ${prefix.join(".")} does not exist` : "* needs FROM", item.at);
    return columns.map(({ name, sql, type }) => {
      const loose = [{ name: name ?? "*", at: item.at }];
      const read = ({ groups }: Scope): Value => ({
        sql,
        type,
        at: item.at,
        loose: groups === null || groups.has(sql) ? [] : loose,
      });
      return { name, read };
    });
  };

  const sorted = (
    order: readonly SortItem[],
    distinct: boolean,
    outputs: readonly { name: string | null; value: Value }[],
    scope: Scope,
    tight: (value: Value) => Value,
  ): string[] => {
    const byName = Map.groupBy(
      outputs.filter(({ name }) => name !== null),
      ({ name }) => key(name!),
    );
    const visible = new Map([...byName].map(([name, found]) => [name, found.map(({ value }) => value)]));
    return order.map((item) => {
      if (item.value.kind === "number") return sortText(item, ordinal(item.value.text, outputs.length, item.value.at));
      if (distinct && item.value.kind !== "name" && uses(item.value, visible))
        refuse("invalid", "SELECT DISTINCT: ORDER BY an expression of an output column", item.value.at);
      const value = tight(analyse(item.value, { ...scope, outputs: visible }));
      const position = outputs.findIndex((output) => output.value.sql === value.sql);
      if (position >= 0) return sortText(item, String(position + 1));
      if (distinct) refuse("invalid", "SELECT DISTINCT: ORDER BY must be by output columns", value.at);
      return value.sql.includes('"') || value.aggregate || value.window
        ? sortText(item, value.sql)
        : unsupported("ORDER BY a constant", value.at);
    });
  };

  /** Whether one of these names stands in the node by itself. */
  const uses = (node: unknown, names: ReadonlyMap<string, unknown>): boolean => {
    if (typeof node !== "object" || node === null || "body" in node) return false;
    const { kind, path } = node as { kind?: string; path?: Path };
    if (kind === "name" && path!.length === 1 && names.has(key(path![0]!))) return true;
    return Object.values(node).some((child) => uses(child, names));
  };

  return {
    translate: (query: Query, naming: Naming) =>
      translate(query, { ctes: new Map(), parent: null, correlated: { yes: false } }, naming),
  };
};
