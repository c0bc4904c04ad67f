import type { Cursor } from "./cursor.ts";
import { openExpressions } from "./expressions.ts";
import { openGroups } from "./grouping.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Body, Expression, Query, Relation, SelectItem } from "./syntax.ts";

/** Trino's query grammar (SqlBase.g4): INTERSECT binds tighter than UNION and EXCEPT, OFFSET comes before LIMIT. */
export const openQueries = (c: Cursor) => {
  const query = (): Query => {
    const at = c.at();
    if (c.is("WITH", "RECURSIVE")) unsupported("WITH RECURSIVE", at);
    const ctes = c.accept("WITH") ? c.list(named) : [];
    return { ...unnamed(), with: ctes, at };
  };
  const { expression, sortItem, specification, inParentheses } = openExpressions(c, query);
  const { groups } = openGroups(c, expression);

  const named = (): Query["with"][number] => {
    const name = c.name();
    const columns = c.is("(") ? c.names() : null;
    c.expect("AS");
    c.expect("(");
    const inner = query();
    c.expect(")");
    return { name, columns, query: inner };
  };

  const unnamed = (): Query => {
    const at = c.at();
    const body = unions();
    const order = c.accept("ORDER", "BY") ? c.list(sortItem) : [];
    let offset: string | null = null;
    let limit: string | null = null;
    let ties = false;
    if (c.accept("OFFSET")) {
      offset = c.integer("a number of rows");
      if (!c.accept("ROWS")) c.accept("ROW");
    }
    if (c.accept("LIMIT")) {
      if (!c.accept("ALL")) limit = c.integer("a number of rows or ALL");
    } else if (c.accept("FETCH")) {
      if (!c.accept("FIRST")) c.expect("NEXT");
      limit = c.peek().kind === "integer" ? c.integer("a number of rows") : "1";
      if (!c.accept("ROWS")) c.expect("ROW");
      ties = c.accept("WITH", "TIES");
      if (!ties) c.expect("ONLY");
      if (ties && order.length === 0) refuse("invalid", "FETCH FIRST … WITH TIES needs ORDER BY", at);
    }
    return { with: [], body, order, offset, limit, at, ...(ties ? { ties } : {}) };
  };

  const setOperation = (ops: readonly ("UNION" | "INTERSECT" | "EXCEPT")[], operand: () => Body): Body => {
    let left = operand();
    for (;;) {
      const at = c.at();
      const op = ops.find((word) => c.accept(word));
      if (!op) return left;
      const all = c.accept("ALL");
      if (!all) c.accept("DISTINCT");
      left = { kind: "set", op, all, left, right: operand(), at };
    }
  };
  const unions = (): Body => setOperation(["UNION", "EXCEPT"], () => setOperation(["INTERSECT"], primary));

  const primary = (): Body => {
    const at = c.at();
    if (c.accept("(")) {
      const inner = unnamed();
      c.expect(")");
      return { kind: "nested", query: inner, at };
    }
    if (c.accept("VALUES")) return { kind: "values", rows: c.list(row), at };
    if (c.accept("TABLE")) {
      const from: Relation = { kind: "table", path: c.path(), alias: null, columns: null, at };
      return { ...empty(at), items: [{ kind: "all", of: null, at }], from };
    }
    c.expect("SELECT");
    return select(at);
  };
  const row = (): Expression[] => {
    if (c.accept("ROW", "(") || c.accept("(")) {
      const values = c.list(expression);
      c.expect(")");
      return values;
    }
    return [expression()];
  };

  const empty = (at: Position): Extract<Body, { kind: "select" }> => ({
    kind: "select",
    distinct: false,
    items: [],
    from: null,
    where: null,
    group: null,
    having: null,
    windows: [],
    at,
  });

  const select = (at: Position): Body => {
    const node = empty(at);
    node.distinct = c.accept("DISTINCT");
    if (!node.distinct) c.accept("ALL");
    node.items = c.list(item);
    if (c.accept("FROM")) node.from = c.list(relation).reduce((left, right) => cross(left, right));
    if (c.accept("WHERE")) node.where = c.inWhere(expression);
    if (c.accept("GROUP", "BY")) node.group = groups();
    if (c.accept("HAVING")) node.having = expression();
    if (c.accept("WINDOW")) {
      node.windows = c.list(() => {
        const name = c.name();
        c.expect("AS");
        c.expect("(");
        const window = specification();
        c.expect(")");
        return { name, window };
      });
    }
    return node;
  };
  const cross = (left: Relation, right: Relation): Relation => ({
    kind: "join",
    type: "CROSS",
    left,
    right,
    on: null,
    using: null,
    at: right.at,
  });

  const item = (): SelectItem => {
    const at = c.at();
    if (c.accept("*")) return { kind: "all", of: null, at };
    let ahead = 0;
    while (["word", "quoted"].includes(c.peek(ahead).kind) && c.peek(ahead + 1).key === ".") ahead += 2;
    if (ahead > 0 && c.peek(ahead).key === "*") {
      const of = [c.name()];
      while (c.accept(".") && !c.is("*")) of.push(c.name());
      c.expect("*");
      if (c.is("AS")) unsupported("relation.* AS (…)", c.at());
      return { kind: "all", of, at };
    }
    const value = expression();
    return { kind: "expression", value, alias: c.alias(), at };
  };

  const joins = ["INNER", "LEFT", "RIGHT", "FULL"] as const;
  const relation = (): Relation => {
    let left = aliased();
    for (;;) {
      const at = c.at();
      if (c.is("NATURAL")) unsupported("NATURAL JOIN: write USING (…)", at);
      if (c.accept("CROSS", "JOIN")) {
        left = { ...cross(left, aliased()), at } as Relation;
        continue;
      }
      const type = joins.find((word) => c.is(word) && c.accept(word));
      if (type && type !== "INNER") c.accept("OUTER");
      if (!type && !c.is("JOIN")) return left;
      c.expect("JOIN");
      const right = aliased();
      const using = c.accept("USING") ? c.names() : null;
      if (!using) c.expect("ON");
      left = { kind: "join", type: type ?? "INNER", left, right, on: using ? null : expression(), using, at };
    }
  };
  const aliased = (): Relation => {
    const at = c.at();
    const node = c.is("UNNEST", "(") || c.is("LATERAL", "(") ? sideways(at) : c.is("(") ? parenthesized(at) : table(at);
    if (c.is("FOR") && ["TIMESTAMP", "VERSION", "SYSTEM_TIME"].includes(c.peek(1).key))
      unsupported("time travel", c.at());
    const alias = c.alias();
    const columns = alias && c.is("(") ? c.names() : null;
    if (c.is("TABLESAMPLE") || c.is("MATCH_RECOGNIZE")) unsupported(c.peek().key, c.at());
    if (!alias) return node;
    if (node.kind === "join") return unsupported("an alias for a join in parentheses", alias.at);
    return { ...node, alias, columns };
  };

  const table = (at: Position): Relation => ({ kind: "table", path: c.path(), alias: null, columns: null, at });
  /** What may look at the relations to its left. */
  const sideways = (at: Position): Relation => {
    const bare = { alias: null, columns: null, at };
    if (c.accept("LATERAL", "(")) {
      const inner = query();
      c.expect(")");
      return { kind: "derived", query: inner, lateral: true, ...bare };
    }
    c.expect("UNNEST");
    c.expect("(");
    const args = c.list(expression);
    c.expect(")");
    return { kind: "unnest", args, ordinality: c.accept("WITH", "ORDINALITY"), ...bare };
  };

  const parenthesized = (at: Position): Relation => {
    const derived = inParentheses();
    if (derived) return { kind: "derived", query: derived, alias: null, columns: null, at };
    c.expect("(");
    const inner = relation();
    c.expect(")");
    return inner;
  };

  return { query, expression };
};
