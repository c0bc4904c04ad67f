import { type Cursor, openCursor } from "./cursor.ts";
import { openExpressions } from "./expressions.ts";
import { type Position, unsupported } from "./refusal.ts";
import type { Body, Expression, Query, Relation, SelectItem, Statement } from "./syntax.ts";

/** Trino's query grammar (SqlBase.g4): INTERSECT binds tighter than UNION and EXCEPT, OFFSET comes before LIMIT. */
const openQueries = (c: Cursor) => {
  const query = (): Query => {
    const at = c.at();
    if (c.is("WITH", "RECURSIVE")) unsupported("WITH RECURSIVE", at);
    const ctes = c.accept("WITH") ? c.list(named) : [];
    return { ...unnamed(), with: ctes, at };
  };
  const { expression, sortItem, specification, inParentheses } = openExpressions(c, query);

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
      if (c.is("WITH", "TIES")) unsupported("FETCH FIRST … WITH TIES", c.at());
      c.expect("ONLY");
    }
    return { with: [], body, order, offset, limit, at };
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
    if (c.accept("WHERE")) node.where = expression();
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

  const groups = (): Expression[] => {
    if (c.is("DISTINCT") || c.is("ROLLUP") || c.is("CUBE") || c.is("GROUPING", "SETS") || c.is("(", ")"))
      unsupported(`GROUP BY ${c.peek().text}`, c.at());
    c.accept("ALL");
    return c.list(() => {
      if (c.is("ROLLUP") || c.is("CUBE") || c.is("GROUPING")) unsupported(`GROUP BY ${c.peek().text}`, c.at());
      return expression();
    });
  };

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
    if ((c.is("UNNEST") || c.is("LATERAL")) && c.peek(1).key === "(") unsupported(c.peek().key, at);
    const node = c.is("(")
      ? parenthesized(at)
      : ({ kind: "table", path: c.path(), alias: null, columns: null, at } as const);
    if (c.is("FOR") && ["TIMESTAMP", "VERSION", "SYSTEM_TIME"].includes(c.peek(1).key))
      unsupported("time travel", c.at());
    const alias = c.alias();
    const columns = alias && c.is("(") ? c.names() : null;
    if (c.is("TABLESAMPLE") || c.is("MATCH_RECOGNIZE")) unsupported(c.peek().key, c.at());
    if (!alias) return node;
    if (node.kind === "join") return unsupported("an alias for a join in parentheses", alias.at);
    return { ...node, alias, columns };
  };

  const parenthesized = (at: Position): Relation => {
    const derived = inParentheses();
    if (derived) return { kind: "derived", query: derived, alias: null, columns: null, at };
    c.expect("(");
    const inner = relation();
    c.expect(")");
    return inner;
  };

  return { query };
};

/** The words a statement may start with that change something or that we have no answer for. */
const others =
  /^(INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|EXPLAIN|ANALYZE|CALL|PREPARE|EXECUTE|DEALLOCATE|UNLOAD|MSCK|VACUUM|OPTIMIZE|USE|SET|GRANT|REVOKE|TRUNCATE|COMMENT)$/;

/** One statement of Trino's dialect as Athena takes it; a `;` at its end is allowed. Throws a Refusal. */
export const parse = (statement: string): Statement => {
  const c = openCursor(statement);
  const at = c.at();
  const read = (): Statement => {
    if (others.test(c.peek().key)) unsupported(c.peek().key, at);
    if (c.accept("DESCRIBE") || c.accept("DESC")) return { kind: "describe", path: c.path(), at };
    if (!c.accept("SHOW")) return { kind: "query", query: openQueries(c).query(), at };
    if (c.accept("DATABASES") || c.accept("SCHEMAS"))
      return { kind: "show databases", pattern: c.accept("LIKE") ? c.string("a pattern in quotes") : null, at };
    if (c.accept("COLUMNS")) {
      if (!c.accept("IN")) c.expect("FROM");
      const path = c.path();
      if (path.length === 1 && (c.accept("IN") || c.accept("FROM"))) path.unshift(c.name("a database"));
      return { kind: "show columns", path, at };
    }
    if (c.accept("PARTITIONS")) return { kind: "show partitions", path: c.path(), at };
    if (c.accept("TABLES")) {
      const database = c.accept("IN") || c.accept("FROM") ? c.name("a database") : null;
      if (c.is("LIKE")) unsupported("SHOW TABLES LIKE", c.at());
      return { kind: "show tables", database, pattern: c.peek().kind === "string" ? c.string("a pattern") : null, at };
    }
    return unsupported(`SHOW ${c.peek().text}`, c.at());
  };
  const node = read();
  if (c.accept(";") && c.peek().kind !== "end") unsupported("more than one statement at a time", c.at());
  if (c.peek().kind !== "end") c.fail("the end of the statement");
  return node;
};
