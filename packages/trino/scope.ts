import { refuse, unsupported } from "./refusal.ts";
import type { Name, Path, Window } from "./syntax.ts";
import type { Type } from "./types.ts";
import type { Value } from "./value.ts";

/** A view: its query, the database in which names without one are looked up, its columns with Trino's types. */
export type View = {
  sql: string;
  catalogue: string | null;
  database: string | null;
  columns: readonly { name: string; type: string }[];
};

/**
 * A table's columns, by Glue's types, or a view; null when there is neither. Names are lower-case. `prepared` gives a
 * prepared statement's text.
 */
export type Catalogue = {
  database: string;
  table: (
    database: string,
    name: string,
  ) => { columns: readonly { name: string; type: string }[]; view?: View | undefined } | null;
  prepared?: (name: string) => string | null;
  /** Every database with the names of its tables and views, in order. */
  all?: () => { database: string; names: readonly string[] }[];
};

/** What a query gives: its columns in order. A column without a name cannot be referred to. */
export type Columns = { name: string | null; type: Type }[];

/** A column that names can reach: `of` is its relation's name, with database and catalogue before it where it has them. */
export type ScopeColumn = {
  of: readonly string[] | null;
  name: string | null;
  sql: string;
  type: Type;
  /** No `*` stands for it: it is there for who names it. */
  hidden?: true;
};

/** The hidden column of every table of files: where the row's file lies, `s3://bucket/key`. */
export const PATH = "$path";
/** Those that Trino has besides. */
const otherHidden = new Set(["$file_size", "$file_modified_time", "$partition", "$bucket"]);

/** What is known of one statement while it is translated. `unique` numbers relations, so that no two share a name. */
export type Translation = {
  catalogue: Catalogue;
  tables: Map<string, { database: string; name: string; paths?: true }>;
  unique: () => number;
  /** The views that are being read, from the outermost: one of them again would never end. */
  within?: readonly string[];
  /** The view that the statement is to replace: it must not come to read itself. */
  replaced?: string;
};

/** A name given by WITH: the DuckDB name it was given and its columns. */
export type Ctes = ReadonlyMap<string, { sql: string; columns: Columns }>;

/** Where an expression stands: what names mean there, and what may stand there. */
export type Scope = {
  translation: Translation;
  ctes: Ctes;
  columns: readonly ScopeColumn[];
  /** The scope around a subquery, and whether the subquery has looked there. */
  parent: Scope | null;
  correlated: { yes: boolean };
  /** DuckDB text of the GROUP BY expressions when the query has groups. */
  groups: ReadonlySet<string> | null;
  /** Output columns by name, in ORDER BY. */
  outputs: ReadonlyMap<string, readonly Value[]> | null;
  windows: ReadonlyMap<string, Window>;
  /** The clause, for errors. */
  clause: string;
  aggregates: boolean;
  overs: boolean;
  /** Parameters of the lambdas around, by name, and how many lambdas those are. */
  locals?: ReadonlyMap<string, Value>;
  depth?: number;
};

export const key = (name: Name | string): string => (typeof name === "string" ? name : name.text).toLowerCase();

/** Whether `prefix` names the relation `of`: `t`, `db.t` or `catalogue.db.t`. */
export const names = (of: readonly string[] | null, prefix: readonly string[]): boolean =>
  of !== null &&
  prefix.length <= of.length &&
  prefix.every((part, index) => part === of[of.length - prefix.length + index]);

const candidates = (scope: Scope, path: Path): readonly ScopeColumn[] => {
  const parts = path.map(key);
  const column = parts.pop()!;
  return scope.columns.filter(
    ({ of, name }) => name !== null && key(name) === column && (parts.length === 0 || names(of, parts)),
  );
};

/** The column a name means, looked up outwards; null when there is none. */
const columnOf = (scope: Scope, path: Path): Value | null => {
  const at = path[0]!.at;
  const written = path.map(({ text }) => text).join(".");
  for (let here: Scope | null = scope; here !== null; here = here.parent) {
    const found = candidates(here, path);
    if (found.length > 1) refuse("ambiguous", `column ${written} is ambiguous`, at);
    const column = found[0];
    if (!column) continue;
    const { sql, type } = column;
    const loose = here.groups !== null && !here.groups.has(sql);
    if (here === scope) return { sql, type, at, loose: loose ? [{ name: written, at }] : [] };
    if (loose) refuse("invalid", `column ${written} must be in GROUP BY`, at);
    for (let inner: Scope = scope; inner !== here; inner = inner.parent!) inner.correlated.yes = true;
    return { sql, type, at, loose: [], outer: true };
  }
  return null;
};

/**
 * What a name means: a lambda's parameter, an output column, a column looked up outwards, or a field of one of them.
 * Refuses unknown and ambiguous names.
 */
export const resolve = (scope: Scope, path: Path, field: (row: Value, name: string) => Value): Value => {
  const at = path[0]!.at;
  const fields = (value: Value, names: Path): Value => names.reduce((row, { text }) => field(row, text), value);
  const local = scope.locals?.get(key(path[0]!));
  if (local) return fields({ ...local, at }, path.slice(1));
  const outputs = path.length === 1 ? scope.outputs?.get(key(path[0]!)) : undefined;
  if (outputs) {
    if (new Set(outputs.map(({ sql }) => sql)).size > 1)
      refuse("ambiguous", `column ${path[0]!.text} is ambiguous`, at);
    return { ...outputs[0]!, at };
  }
  for (let length = path.length; length > 0; length--) {
    const column = columnOf(scope, path.slice(0, length));
    if (column && (length === path.length || column.type.name === "row")) return fields(column, path.slice(length));
  }
  if (otherHidden.has(key(path.at(-1)!))) unsupported(`the hidden column "${key(path.at(-1)!)}"`, at);
  return refuse("column_not_found", `column ${path.map(({ text }) => text).join(".")} does not exist`, at);
};
