import { type Cursor, openCursor } from "./cursor.ts";
import { openQueries } from "./parse.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Expression, Name, Path, Properties, Property, Statement, TypeName } from "./syntax.ts";

/** Statements that Athena has and that are not answered here. */
const others =
  /^(UPDATE|DELETE|MERGE|ALTER|ANALYZE|CALL|MSCK|VACUUM|OPTIMIZE|USE|SET|RESET|GRANT|REVOKE|DENY|TRUNCATE|COMMENT|REFRESH|START|COMMIT|ROLLBACK)$/;

/** Where a position lies in the text. */
const offsetOf = (statement: string, { line, column }: Position): number => {
  let start = 0;
  for (let n = 1; n < line; n++) start = statement.indexOf("\n", start) + 1;
  return start + column - 1;
};

/**
 * One statement of Trino's dialect as Athena takes it; a `;` at its end is allowed. `values` are what its `?` stand
 * for; null when it is prepared and has none yet. Throws a Refusal.
 */
export const parse = (statement: string, values: readonly Expression[] | null = []): Statement => {
  // Of a statement that is prepared, or that runs a prepared one, the values are not its own.
  const first = openCursor(statement, null).peek().key;
  const c = openCursor(statement, first === "PREPARE" ? null : first === "EXECUTE" ? [] : values);
  const node = openStatements(c, statement).statement();
  if (c.accept(";") && c.peek().kind !== "end") unsupported("more than one statement at a time", c.at());
  if (c.peek().kind !== "end") c.fail("the end of the statement");
  return node;
};

/** One expression alone: what stands for a `?`. It may name no column and ask no query. */
export const parseValue = (text: string): Expression => {
  const c = openCursor(text);
  const value = openQueries(c).expression();
  if (c.peek().kind !== "end") c.fail("the end of the parameter");
  if (names(value))
    refuse(
      "invalid",
      `Constant expression cannot contain column references: expected a literal such as 'PETR4', 10 or DATE '2024-11-08', came ${text}`,
    );
  return value;
};
const names = (node: unknown): boolean => {
  if (typeof node !== "object" || node === null) return false;
  const { kind } = node as { kind?: string };
  return kind === "name" || kind === "subquery" || "query" in node || Object.values(node).some(names);
};

/** A type as Trino spells it, e.g. `decimal(18,2)`. */
export const parseType = (text: string): TypeName => {
  const c = openCursor(`CAST(NULL AS ${text})`);
  const value = openQueries(c).expression();
  if (value.kind !== "cast" || c.peek().kind !== "end") return c.fail("a type");
  return value.type;
};

const openStatements = (c: Cursor, text: string) => {
  const { query, expression } = openQueries(c);

  /** What comes, up to the end of the statement, as it was written. */
  const rest = (): string => text.slice(offsetOf(text, c.at())).replace(/[\s;]+$/, "");
  const written = (from: Position): string => {
    const end = c.peek().kind === "end" ? text.length : offsetOf(text, c.at());
    return text.slice(offsetOf(text, from), end).trim();
  };
  const comment = (): string | null => (c.accept("COMMENT") ? c.string("a comment in quotes") : null);
  const ifExists = (): boolean => c.accept("IF", "EXISTS");

  const property = (): Property => {
    const { kind, key, at } = c.peek();
    if (kind === "string") return c.string("a value");
    if (kind === "integer") return Number(c.integer("a value"));
    if (c.accept("TRUE")) return true;
    if (c.accept("FALSE")) return false;
    if (key !== "ARRAY") return c.fail("a text, a number, true, false or ARRAY['…']");
    c.accept("ARRAY");
    c.expect("[");
    const list = c.is("]") ? [] : c.list(() => c.string("a text"));
    c.expect("]");
    if (new Set(list.map((name) => name.toLowerCase())).size < list.length)
      refuse("invalid", `expected each name once, came ${list.join(", ")}`, at);
    return list;
  };
  const properties = (): Properties => {
    // A property may be called __proto__, too.
    const all: Properties = Object.create(null);
    if (!c.accept("WITH")) return all;
    c.expect("(");
    c.list(() => {
      const name = c.name("a property");
      c.expect("=");
      const key = name.text.toLowerCase();
      if (Object.hasOwn(all, key)) refuse("invalid", `property ${key} is given twice`, name.at);
      all[key] = property();
    });
    c.expect(")");
    return all;
  };

  const create = (at: Position): Statement => {
    c.expect("CREATE");
    const replace = c.accept("OR", "REPLACE");
    if (c.accept("VIEW")) {
      const path = c.path();
      const means = comment();
      if (c.accept("SECURITY") && !c.accept("INVOKER")) c.expect("DEFINER");
      c.expect("AS");
      const from = c.at();
      const inner = query();
      // The text is kept as it is written: nobody would give a value to what stands in it.
      if (c.mark) unsupported("a parameter (?) in CREATE VIEW", c.mark);
      return { kind: "create view", path, replace, comment: means, query: inner, text: written(from), at };
    }
    if (replace || !c.is("TABLE")) return unsupported(`CREATE ${replace ? "OR REPLACE " : ""}${c.peek().text}`, at);
    c.expect("TABLE");
    const ifNotExists = c.accept("IF", "NOT", "EXISTS");
    const path = c.path();
    const given = c.is("(") ? c.attempt(() => c.names()) : null;
    if (!c.is("WITH") && !c.is("COMMENT") && !c.is("AS"))
      return unsupported("CREATE TABLE other than CREATE TABLE … AS", at);
    const means = comment();
    const wanted = properties();
    c.expect("AS");
    const inner = query();
    const none = c.accept("WITH", "NO", "DATA");
    if (!none) c.accept("WITH", "DATA");
    return {
      kind: "create table",
      path,
      ifNotExists,
      comment: means,
      names: given,
      properties: wanted,
      query: inner,
      data: !none,
      at,
    };
  };

  const drop = (at: Position): Statement => {
    c.expect("DROP");
    const kind = c.accept("VIEW") ? "drop view" : c.accept("TABLE") ? "drop table" : null;
    if (!kind) return unsupported(`DROP ${c.peek().text}`, at);
    return { kind, ifExists: ifExists(), path: c.path(), at };
  };

  const insert = (at: Position): Statement => {
    c.expect("INSERT", "INTO");
    const path = c.path();
    // A list of columns, or a query in parentheses.
    const given = c.is("(") ? c.attempt(() => c.names()) : null;
    return { kind: "insert", path, names: given, query: query(), at };
  };

  const unload = (at: Position): Statement => {
    c.expect("UNLOAD");
    c.expect("(");
    const inner = query();
    c.expect(")");
    c.expect("TO");
    return { kind: "unload", query: inner, location: c.string("a place, 's3://…/'"), properties: properties(), at };
  };

  const explain = (at: Position): Statement => {
    c.expect("EXPLAIN");
    if (c.is("ANALYZE")) unsupported("EXPLAIN ANALYZE", at);
    let type: "plan" | "validate" = "plan";
    if (c.is("(") && ["TYPE", "FORMAT"].includes(c.peek(1).key)) {
      c.expect("(");
      c.list(() => {
        const option = c.name("TYPE or FORMAT").text.toUpperCase();
        const value = c.name("a value").text.toUpperCase();
        if (option === "TYPE" && value === "VALIDATE") type = "validate";
        else if (
          !(option === "FORMAT" && value === "TEXT") &&
          !(option === "TYPE" && /^(LOGICAL|DISTRIBUTED)$/.test(value))
        )
          unsupported(`EXPLAIN (${option} ${value})`, at);
      });
      c.expect(")");
    }
    const of = statement();
    if (!["query", "create table", "insert", "unload"].includes(of.kind))
      unsupported(`EXPLAIN of ${of.kind.toUpperCase()}`, at);
    return { kind: "explain", type, of, at };
  };

  const prepare = (at: Position): Statement => {
    c.expect("PREPARE");
    const name = c.name();
    c.expect("FROM");
    const body = rest();
    const before = text.slice(0, offsetOf(text, c.at())).replace(/[^\n]/g, " ");
    const inner = parse(before + body, null);
    if (!["query", "insert", "create table", "unload"].includes(inner.kind))
      refuse(
        "invalid",
        `expected SELECT, INSERT INTO, CREATE TABLE AS or UNLOAD, came ${inner.kind.toUpperCase()}`,
        at,
      );
    while (c.peek().kind !== "end" && !c.is(";")) c.next();
    return { kind: "prepare", name, text: body, at };
  };

  const execute = (at: Position): Statement => {
    c.expect("EXECUTE");
    if (c.is("IMMEDIATE")) unsupported("EXECUTE IMMEDIATE", at);
    const name = c.name();
    const values = c.accept("USING")
      ? c.list(() => {
          const from = c.at();
          expression();
          return written(from).replace(/[\s;]+$/, "");
        })
      : [];
    return { kind: "execute", name, values, at };
  };

  const inDatabase = (path: Path): Path => {
    if (path.length === 1 && (c.accept("IN") || c.accept("FROM"))) path.unshift(c.name("a database"));
    return path;
  };
  const show = (at: Position): Statement => {
    c.expect("SHOW");
    const database = (): Name | null => (c.accept("IN") || c.accept("FROM") ? c.name("a database") : null);
    const like = (): string | null => (c.accept("LIKE") ? c.string("a pattern in quotes") : null);
    if (c.accept("DATABASES") || c.accept("SCHEMAS")) return { kind: "show databases", pattern: like(), at };
    if (c.accept("COLUMNS")) {
      if (!c.accept("IN")) c.expect("FROM");
      return { kind: "show columns", path: inDatabase(c.path()), at };
    }
    if (c.accept("PARTITIONS")) return { kind: "show partitions", path: c.path(), at };
    if (c.accept("TBLPROPERTIES")) {
      const path = c.path();
      if (!c.accept("(")) return { kind: "show table properties", path, property: null, at };
      const wanted = c.string("a property in quotes");
      c.expect(")");
      return { kind: "show table properties", path, property: wanted, at };
    }
    if (c.accept("VIEWS")) return { kind: "show views", database: database(), pattern: like(), at };
    if (c.accept("TABLES")) {
      const of = database();
      if (c.is("LIKE")) unsupported("SHOW TABLES LIKE", c.at());
      return {
        kind: "show tables",
        database: of,
        pattern: c.peek().kind === "string" ? c.string("a pattern") : null,
        at,
      };
    }
    if (c.accept("CREATE", "TABLE")) return { kind: "show create table", path: c.path(), at };
    if (c.accept("CREATE", "VIEW")) return { kind: "show create view", path: c.path(), at };
    return unsupported(`SHOW ${c.peek().text}`, c.at());
  };

  const describe = (at: Position): Statement => {
    if (!c.accept("DESCRIBE")) c.expect("DESC");
    if (["FORMATTED", "EXTENDED", "INPUT", "OUTPUT"].includes(c.peek().key) && c.peek(1).kind !== "end")
      unsupported(`DESCRIBE ${c.peek().text}`, at);
    return { kind: "describe", path: c.path(), at };
  };

  const starts: Readonly<Record<string, (at: Position) => Statement>> = {
    CREATE: create,
    DROP: drop,
    INSERT: insert,
    UNLOAD: unload,
    EXPLAIN: explain,
    PREPARE: prepare,
    EXECUTE: execute,
    DEALLOCATE: (at) => {
      c.expect("DEALLOCATE", "PREPARE");
      return { kind: "deallocate", name: c.name(), at };
    },
    SHOW: show,
    DESCRIBE: describe,
    DESC: describe,
  };
  const statement = (): Statement => {
    const at = c.at();
    const { key } = c.peek();
    if (others.test(key)) unsupported(key, at);
    return starts[key]?.(at) ?? { kind: "query", query: query(), at };
  };
  return { statement };
};
