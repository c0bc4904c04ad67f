import { aggregated } from "./aggregation.ts";
import { openAnalysis, retyped } from "./analyse.ts";
import { castTo, unify } from "./casts.ts";
import { type From, from } from "./from.ts";
import { groupText } from "./grouping.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import { type Columns, type Ctes, key, names as named, type Scope, type Translation } from "./scope.ts";
import type { Body, Expression, Path, Query, SelectItem, SortItem } from "./syntax.ts";
import { common, duckdb, show, varchar } from "./types.ts";
import { identifier, type Value } from "./value.ts";
import { checkSortable, sortText } from "./windows.ts";

type Select = Extract<Body, { kind: "select" }>;
type Rows = { sql: string; columns: Columns };
/** The DuckDB name of an output column: inside a statement c1, c2 …, at its top Trino's own. */
type Naming = (index: number, name: string | null) => string;
type Around = { ctes: Ctes; parent: Scope | null; correlated: { yes: boolean } };
type Tail = Pick<Query, "order" | "offset" | "limit" | "ties">;

export const inner: Naming = (index) => `c${index + 1}`;
export const outermost: Naming = (index, name) => name ?? `_col${index}`;

const noTail: Tail = { order: [], offset: null, limit: null };
const bounds = ({ limit, offset, ties }: Tail): string =>
  ties ? "" : `${limit === null ? "" : ` LIMIT ${limit}`}${offset === null ? "" : ` OFFSET ${offset}`}`;

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
    const order = ordinals(tail.order, rows.columns);
    const sorts = order.length ? ` ORDER BY ${order.map(({ sql }) => sql).join(", ")}` : "";
    if (!tail.ties) return { ...rows, sql: `${rows.sql}${sorts}${bounds(tail)}` };
    const columns = rows.columns.map(({ name }, index) => identifier(naming(index, name)));
    const raws = order.map(({ place, item }) => ({ raw: sortText(item, `"q".${columns[place - 1]!}`) }));
    const sql = `SELECT * FROM (${rows.sql}) AS "q" QUALIFY ${tied(tail, raws)}${sorts}`;
    return { ...rows, sql };
  };
  /** A SELECT as a query of its own, without the tail. */
  const bare = (node: Select): Query => ({ with: [], body: node, ...noTail, at: node.at });

  const nested = ({ sql, columns }: Rows, naming: Naming): Rows => ({
    sql: `SELECT ${columns.map(({ name }, i) => `"q"."c${i + 1}" AS ${identifier(naming(i, name))}`).join(", ")} FROM (${sql}) AS "q"`,
    columns,
  });

  /** ORDER BY over what is no SELECT: by output columns only. */
  const ordinals = (order: readonly SortItem[], columns: Columns): { sql: string; place: number; item: SortItem }[] =>
    order.map((item) => {
      const place = Number(placeOf(item.value, columns));
      checkSortable(columns[place - 1]!.type, item.value.at);
      return { sql: sortText(item, String(place)), place, item };
    });
  const placeOf = (value: Expression, columns: Columns): string => {
    if (value.kind === "number") return ordinal(value.text, columns.length, value.at);
    if (value.kind !== "name" || value.path.length > 1)
      return unsupported("ORDER BY of a set operation by anything but an output column", value.at);
    const wanted = key(value.path[0]!);
    const found = columns.flatMap(({ name }, index) => (name !== null && key(name) === wanted ? [index + 1] : []));
    if (found.length !== 1)
      refuse(
        found.length ? "ambiguous" : "column_not_found",
        `ORDER BY ${wanted}: expected one such output column, came ${found.length}`,
        value.at,
      );
    return String(found[0]);
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
            view: (query, of) => openQueries(of).rows(query),
            condition: (on, columns, clause) => condition(on, scopeOf(around, columns, clause), clause),
            expression: (node, columns, clause) => analyse(node, scopeOf(around, columns, clause)),
            lateral: (query, ctes, columns) => {
              const correlated = { yes: false };
              const parent = scopeOf(around, columns, "LATERAL");
              const rows = translate(query, { ctes, parent, correlated }, inner);
              const plain = query.body.kind === "select" && (query.body.from !== null || query.body.where === null);
              if (correlated.yes && !plain) unsupported("LATERAL over anything but a SELECT … FROM", query.at);
              return rows;
            },
          },
        )
      : null;
    const plain = scopeOf(around, source?.columns ?? [], "WHERE");
    const where = node.where ? condition(node.where, plain, "WHERE") : null;
    const items = node.items.flatMap((item) => expand(item, plain));
    const whole = aggregated([node.items, node.having, tail.order]);
    const grouping = node.group ? grouped(node.group, items, plain) : null;
    const scope: Scope = {
      ...plain,
      groups: whole || grouping ? new Set(grouping?.names) : null,
      windows: new Map(node.windows.map(({ name, window }) => [key(name), window])),
      clause: "SELECT",
      aggregates: whole || grouping !== null,
      overs: true,
    };
    const tight = (value: Value): Value => {
      if (value.loose.length)
        refuse(
          "not_aggregate",
          `column ${value.loose[0]!.name} must be in GROUP BY or inside an aggregate`,
          value.loose[0]!.at,
        );
      return value;
    };
    const outputs = items.map((item) => ({ name: item.name, value: tight(item.read(scope)) }));
    const having = node.having
      ? tight(condition(node.having, { ...scope, clause: "HAVING", overs: false, aggregates: true }, "HAVING"))
      : null;
    if (tail.ties && node.distinct)
      return body({ kind: "nested", query: bare(node), at: node.at }, around, naming, tail);
    const order = sorted(tail.order, node.distinct, outputs, { ...scope, clause: "ORDER BY" }, tight);
    const filters = [grouping?.some, having?.sql].filter((sql) => sql !== undefined);
    if (tail.ties && order.length === 0) unsupported("WITH TIES by constants", node.at);
    const columns = outputs.map(({ name, value }) => ({ name, type: value.type }));
    const list = outputs.map(({ value, name }, index) => {
      const sql = value.type.name === "unknown" ? `CAST(NULL AS ${duckdb(value.type)})` : value.sql;
      return `${sql} AS ${identifier(naming(index, name))}`;
    });
    const sql = [
      `SELECT ${node.distinct ? "DISTINCT " : ""}${list.join(", ")}`,
      source && `FROM ${source.sql}`,
      where && `WHERE ${where.sql}`,
      grouping?.sql,
      filters.length > 0 && `HAVING ${filters.join(" AND ")}`,
      tail.ties && `QUALIFY ${tied(tail, order)}`,
      order.length > 0 && `ORDER BY ${order.map(({ sql }) => sql).join(", ")}`,
    ];
    return { sql: sql.filter(Boolean).join(" ") + bounds(tail), columns };
  };

  const grouped = (group: NonNullable<Select["group"]>, items: readonly Item[], plain: Scope) => {
    const scope = { ...plain, clause: "GROUP BY" };
    const read = (expression: Expression): string =>
      expression.kind === "number"
        ? items[Number(ordinal(expression.text, items.length, expression.at)) - 1]!.read(scope).sql
        : analyse(expression, scope).sql;
    return groupText(group, read, items[0]!.at);
  };

  /** WITH TIES: the rows whose rank is among the first. */
  const tied = ({ limit, offset }: Tail, order: readonly { raw: string }[]): string => {
    const over = `OVER (ORDER BY ${order.map(({ raw }) => raw).join(", ")})`;
    const most = BigInt(limit ?? "1") + BigInt(offset ?? "0");
    return `rank() ${over} <= ${most}${offset === null ? "" : ` AND row_number() ${over} > ${offset}`}`;
  };

  /** One output column before analysis; `read` gives it in a scope, with or without groups. */
  type Item = { name: string | null; at: Position; read: (scope: Scope) => Value };
  /** `*` becomes the columns it stands for. */
  const expand = (item: SelectItem, scope: Scope): Item[] => {
    if (item.kind === "expression") {
      const { value, alias } = item;
      const own = value.kind === "name" ? value.path.at(-1)! : null;
      return [{ name: (alias ?? own)?.text ?? null, at: item.at, read: (at) => analyse(value, at) }];
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
      return { name, at: item.at, read };
    });
  };

  const sorted = (
    order: readonly SortItem[],
    distinct: boolean,
    outputs: readonly { name: string | null; value: Value }[],
    scope: Scope,
    tight: (value: Value) => Value,
  ): { sql: string; raw: string }[] => {
    const byName = Map.groupBy(
      outputs.filter(({ name }) => name !== null),
      ({ name }) => key(name!),
    );
    const visible = new Map([...byName].map(([name, found]) => [name, found.map(({ value }) => value)]));
    return order.flatMap((item) => {
      if (item.value.kind === "number") {
        const place = ordinal(item.value.text, outputs.length, item.value.at);
        checkSortable(outputs[Number(place) - 1]!.value.type, item.value.at);
        return { sql: sortText(item, place), raw: sortText(item, outputs[Number(place) - 1]!.value.sql) };
      }
      if (distinct && item.value.kind !== "name" && uses(item.value, visible))
        refuse("invalid", "SELECT DISTINCT: ORDER BY an expression of an output column", item.value.at);
      const value = tight(analyse(item.value, { ...scope, outputs: visible }));
      checkSortable(value.type, item.value.at);
      const position = outputs.findIndex((output) => output.value.sql === value.sql);
      const raw = sortText(item, value.sql);
      if (position >= 0) return { sql: sortText(item, String(position + 1)), raw };
      if (distinct) refuse("invalid", "SELECT DISTINCT: ORDER BY must be by output columns", value.at);
      // A constant orders nothing; DuckDB would take a number for a column's place.
      return value.sql.includes('"') || value.aggregate || value.window ? { sql: raw, raw } : [];
    });
  };

  /** Whether one of these names stands in the node by itself. */
  const uses = (node: unknown, names: ReadonlyMap<string, unknown>): boolean => {
    if (typeof node !== "object" || node === null || "body" in node) return false;
    const { kind, path } = node as { kind?: string; path?: Path };
    if (kind === "name" && path!.length === 1 && names.has(key(path![0]!))) return true;
    return Object.values(node).some((child) => uses(child, names));
  };

  const top = (): Around => ({ ctes: new Map(), parent: null, correlated: { yes: false } });
  return {
    /** A query inside another statement: its values as they are. */
    rows: (query: Query): Rows => translate(query, top(), inner),
    /** A moment with a zone leaves a statement as its text: DuckDB's own type would forget the zone. */
    translate: (query: Query, naming: Naming): Rows => {
      const rows = translate(query, top(), naming);
      for (const { type } of rows.columns)
        if (show(type).includes("varbinary")) unsupported(`a result of type ${show(type)}: to_hex(); this`, query.at);
      if (!rows.columns.some(({ type }) => show(type).includes("time zone"))) return rows;
      const { sql, columns } = translate(query, top(), inner);
      const list = columns.map(({ name, type }, index) => {
        const column: Value = { sql: `"q"."c${index + 1}"`, type, at: query.at, loose: [] };
        const spelled = type.name === "timestamp with time zone" ? castTo(column, varchar).sql : column.sql;
        if (spelled === column.sql && show(type).includes("time zone"))
          unsupported(`a result of type ${show(type)}`, query.at);
        return `${spelled} AS ${identifier(naming(index, name))}`;
      });
      return { sql: `SELECT ${list.join(", ")} FROM (${sql}) AS "q"`, columns };
    },
  };
};
