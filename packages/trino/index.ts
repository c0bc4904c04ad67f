import { placeOf, tableOf } from "./from.ts";
import { openQueries, outermost } from "./query.ts";
import { refuse, unsupported } from "./refusal.ts";
import { type Catalogue, key, type Translation } from "./scope.ts";
import { parse, parseValue } from "./statements.ts";
import type { Expression, Path, Properties, Query, Statement } from "./syntax.ts";
import { inserted, namedColumns } from "./targets.ts";
import { show } from "./types.ts";
import { viewId } from "./views.ts";

export { Refusal } from "./refusal.ts";
export type { Catalogue, View } from "./scope.ts";
export type { Properties, Property } from "./syntax.ts";

/** A query for DuckDB. `columns` are the result's, with Trino's types. Tables are addressed as `"database"."name"`. */
export type Answer = {
  sql: string;
  columns: { name: string; type: string }[];
  /** The tables read, those behind views included. `paths`: its hidden column "$path" is asked for. */
  tables: { database: string; name: string; paths?: true }[];
};
/** Rows that are to be kept. Its SQL calls them c1, c2 …; `columns` are those of the table or file they go to. */
export type Rows = Answer;

type At = { database: string; name: string };

/**
 * What a statement asks for. Only `select` is answered by SQL alone; for the others names are looked up and checked,
 * and the caller does them.
 */
export type Translated =
  | ({ kind: "select" } & Answer)
  | ({
      kind:
        | "describe"
        | "show columns"
        | "show partitions"
        | "show create table"
        | "show create view"
        | "show table properties";
      property?: string;
    } & At)
  | { kind: "show tables" | "show views"; database: string; pattern?: string }
  | { kind: "show databases"; pattern?: string }
  /** `text` is the query as it was written; `columns` are its own, with Trino's types. */
  | ({ kind: "create view"; replace: boolean; comment: string | null; text: string; columns: Answer["columns"] } & At)
  | ({ kind: "drop view" | "drop table"; ifExists: boolean } & At)
  /** `answer` is null where IF NOT EXISTS finds the table. */
  | ({ kind: "create table"; comment: string | null; properties: Properties; data: boolean; answer: Rows | null } & At)
  /** `answer` has the table's columns in their order, partition keys last, null where the statement names none. */
  | ({ kind: "insert"; answer: Rows } & At)
  | { kind: "unload"; location: string; properties: Properties; answer: Rows }
  /** `validate`: the statement is right, which is all that was asked. Else the query whose plan is wanted. */
  | { kind: "explain"; validate: boolean; answer: Answer }
  | { kind: "prepare"; name: string; text: string }
  | { kind: "deallocate"; name: string };

/**
 * Translates one statement of Trino's dialect (as Athena takes it) into DuckDB's, so that values and types of the
 * result are Trino's. `parameters` are the literals that its `?` stand for, as SQL. Throws a Refusal, with line and
 * column, for what Trino would refuse and for whatever this translator does not know for certain to answer as Trino does.
 */
export const translate = (statement: string, catalogue: Catalogue, parameters: readonly string[] = []): Translated => {
  try {
    return translated(statement, catalogue, parameters);
  } catch (error) {
    if (error instanceof RangeError) return unsupported("so deeply nested a statement");
    throw error;
  }
};

/** What is wrong with a statement before any name is looked up; null when it can be read. */
export const syntaxError = (statement: string, parameters: readonly string[] = []): string | null => {
  try {
    parse(statement, parameters.map(parseValue));
    return null;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "syntax") return message;
    return null;
  }
};

const translated = (statement: string, catalogue: Catalogue, parameters: readonly string[]): Translated => {
  const values: Expression[] = parameters.map(parseValue);
  const node = parse(statement, values);
  if (node.kind !== "execute") return meaning(node, catalogue);
  const text = catalogue.prepared?.(node.name.text) ?? null;
  if (text === null) return refuse("prepared_not_found", `Prepared statement not found: ${node.name.text}`, node.at);
  if (node.values.length && parameters.length)
    refuse("parameters", "expected the values in USING or as ExecutionParameters, came both", node.at);
  return translated(text, { ...catalogue, prepared: () => null }, node.values.length ? node.values : parameters);
};

const meaning = (node: Statement, catalogue: Catalogue): Translated => {
  let count = 0;
  const translation: Translation = { catalogue, tables: new Map(), unique: () => ++count };
  const place = (path: Path): At => placeOf(path, translation);
  const found = (path: Path): At => {
    const { database, name } = tableOf(path, translation);
    return { database, name };
  };
  const exists = ({ database, name }: At) => catalogue.table(database, name);
  const tables = () => [...translation.tables.values()];
  const answerOf = (query: Query): Answer => {
    const { sql, columns } = openQueries(translation).translate(query, outermost);
    const described = columns.map(({ name, type }, index) => ({ name: outermost(index, name), type: show(type) }));
    return { sql, columns: described, tables: tables() };
  };
  const rowsOf = (query: Query) => openQueries(translation).rows(query);
  const pattern = (text: string | null) => (text === null ? {} : { pattern: text });

  switch (node.kind) {
    case "query":
      return { kind: "select", ...answerOf(node.query) };
    case "describe":
    case "show columns":
    case "show partitions":
    case "show create table":
    case "show create view":
      return { kind: node.kind, ...found(node.path) };
    case "show table properties":
      return { kind: node.kind, ...found(node.path), ...(node.property === null ? {} : { property: node.property }) };
    case "show tables":
    case "show views": {
      const database = node.database ? key(node.database) : catalogue.database;
      return { kind: node.kind, database, ...pattern(node.pattern) };
    }
    case "show databases":
      return { kind: node.kind, ...pattern(node.pattern) };
    case "create view": {
      const { replace, comment, text } = node;
      const at = place(node.path);
      if (replace) translation.replaced = viewId(at.database, at.name);
      const columns = namedColumns(rowsOf(node.query).columns, null, node.at);
      return { kind: node.kind, ...at, replace, comment, text, columns };
    }
    case "drop view":
    case "drop table":
      return { kind: node.kind, ...place(node.path), ifExists: node.ifExists };
    case "create table": {
      const { comment, properties, data } = node;
      const at = place(node.path);
      const base = { kind: node.kind, ...at, comment, properties, data };
      if (exists(at)) {
        if (node.ifNotExists) return { ...base, answer: null };
        refuse("table_exists", `Table '${at.database}.${at.name}' already exists`, node.at);
      }
      const { sql, columns } = rowsOf(node.query);
      return { ...base, answer: { sql, columns: namedColumns(columns, node.names, node.at), tables: tables() } };
    }
    case "insert": {
      const at = found(node.path);
      const table = exists(at)!;
      if (table.view)
        refuse("unsupported", `Inserting into views is not supported: ${at.database}.${at.name}`, node.at);
      const rows = inserted(rowsOf(node.query), table.columns, node.names, node.at);
      return { kind: node.kind, ...at, answer: { ...rows, tables: tables() } };
    }
    case "unload": {
      const { sql, columns } = rowsOf(node.query);
      const { location, properties } = node;
      const answer = { sql, columns: namedColumns(columns, null, node.at), tables: tables() };
      return { kind: node.kind, location, properties, answer };
    }
    case "explain": {
      const of = meaning(node.of, catalogue);
      const answer = of.kind === "select" ? of : "answer" in of ? of.answer : null;
      if (!answer) return unsupported(`EXPLAIN of ${of.kind.toUpperCase()}`, node.at);
      return { kind: node.kind, validate: node.type === "validate", answer };
    }
    case "prepare":
      return { kind: node.kind, name: node.name.text, text: node.text };
    case "deallocate":
      return { kind: node.kind, name: node.name.text };
    case "execute":
      return refuse("invalid", "EXECUTE cannot stand inside another statement", node.at);
  }
};

/** Translates a query, as {@link translate} does; anything else is refused. */
export const translateQuery = (statement: string, catalogue: Catalogue, parameters: readonly string[] = []): Answer => {
  const of = translate(statement, catalogue, parameters);
  return of.kind === "select" ? of : refuse("invalid", `expected a query, came ${of.kind.toUpperCase()}`);
};
