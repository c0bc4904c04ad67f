import { tableOf } from "./from.ts";
import { parse } from "./parse.ts";
import { openQueries, outermost } from "./query.ts";
import { unsupported } from "./refusal.ts";
import { type Catalogue, key, type Translation } from "./scope.ts";
import { show } from "./types.ts";
import { identifier, text } from "./value.ts";

export { Refusal } from "./refusal.ts";
export type { Catalogue } from "./scope.ts";

/**
 * A statement for DuckDB. `columns` are the result's, with Trino's types. Tables are addressed as `"database"."name"`.
 * The catalogue's own statements that need more than one table's types have no SQL; the caller answers them:
 * `show tables` (of `database`, `pattern` is Hive's), `show databases`, `show partitions` (of the one in `tables`).
 */
export type Translated = {
  kind: "select" | "describe" | "show columns" | "show tables" | "show databases" | "show partitions";
  sql: string;
  columns: { name: string; type: string }[];
  /** `paths`: its hidden column "$path" is asked for. */
  tables: { database: string; name: string; paths?: true }[];
  database?: string;
  pattern?: string;
};

const rows = (columns: readonly string[], lines: readonly (readonly string[])[]): string =>
  `SELECT * FROM (VALUES ${lines.map((line) => `(${line.map(text).join(", ")})`).join(", ")}) AS "v"(${columns.map(identifier).join(", ")})`;
const varchars = (...names: string[]) => names.map((name) => ({ name, type: "varchar" }));

/**
 * Translates one statement of Trino's dialect (as Athena takes it) into DuckDB's, so that values and types of the
 * result are Trino's. Throws a Refusal, with line and column, for what Trino would refuse and for whatever this
 * translator does not know for certain to answer as Trino does.
 */
export const translate = (statement: string, catalogue: Catalogue): Translated => {
  try {
    return translated(statement, catalogue);
  } catch (error) {
    if (error instanceof RangeError) return unsupported("so deeply nested a statement");
    throw error;
  }
};

const translated = (statement: string, catalogue: Catalogue): Translated => {
  const node = parse(statement);
  let count = 0;
  const translation: Translation = { catalogue, tables: new Map(), unique: () => ++count };
  const found = () => [...translation.tables.values()];
  switch (node.kind) {
    case "query": {
      const { sql, columns } = openQueries(translation).translate(node.query, outermost);
      const described = columns.map(({ name, type }, index) => ({ name: outermost(index, name), type: show(type) }));
      return { kind: "select", sql, columns: described, tables: found() };
    }
    case "describe": {
      const { columns } = tableOf(node.path, translation);
      const names = ["col_name", "data_type", "comment"];
      const sql = rows(
        names,
        columns.map(({ name, type }) => [name, type, ""]),
      );
      return { kind: node.kind, sql, columns: varchars(...names), tables: found() };
    }
    case "show columns": {
      const { columns } = tableOf(node.path, translation);
      const sql = rows(
        ["field"],
        columns.map(({ name }) => [name]),
      );
      return { kind: node.kind, sql, columns: varchars("field"), tables: found() };
    }
    case "show partitions":
      tableOf(node.path, translation);
      return { kind: node.kind, sql: "", columns: varchars("partition"), tables: found() };
    case "show tables": {
      const database = node.database ? key(node.database) : catalogue.database;
      const pattern = node.pattern === null ? {} : { pattern: node.pattern };
      return { kind: node.kind, sql: "", columns: varchars("tab_name"), tables: [], database, ...pattern };
    }
    case "show databases": {
      const pattern = node.pattern === null ? {} : { pattern: node.pattern };
      return { kind: node.kind, sql: "", columns: varchars("database_name"), tables: [], ...pattern };
    }
  }
};
