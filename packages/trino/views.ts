import { retyped } from "./analyse.ts";
import { type Position, Refusal, refuse } from "./refusal.ts";
import type { Columns, Translation, View } from "./scope.ts";
import { parse, parseType } from "./statements.ts";
import type { Query } from "./syntax.ts";
import { coerces, show, typeOf } from "./types.ts";

/** How a view is named where it is read within others. */
export const viewId = (database: string, name: string): string => `awsdatacatalog.${database}.${name}`;

/**
 * A view's rows: its stored query, read as if it stood in the view's database, with the columns that the view declares.
 * Refuses a view whose query gives other columns than it did when it was made.
 */
export const viewed = (
  { database, name, view }: { database: string; name: string; view: View },
  translation: Translation,
  at: Position,
  translate: (query: Query, translation: Translation) => { sql: string; columns: Columns },
): { sql: string; columns: Columns } => {
  const id = viewId(database, name);
  const within = translation.within ?? [];
  if (id === translation.replaced) refuse("recursive_view", "Statement would create a recursive view", at);
  if (within.includes(id)) refuse("recursive_view", `View is recursive: ${[...within, id].join(", ")}`, at);
  const catalogue = { ...translation.catalogue, database: view.database ?? translation.catalogue.database };
  const inside = <T>(doing: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const code = error.code === "unsupported" || error.code === "recursive_view" ? error.code : "invalid_view";
      return refuse(code, `Failed ${doing} stored view '${id}': ${error.message}`, at);
    }
  };
  const query = inside("parsing", () => {
    const node = parse(view.sql);
    return node.kind === "query" ? node.query : refuse("syntax", `expected a query, came ${node.kind}`, node.at);
  });
  const rows = inside("analyzing", () => translate(query, { ...translation, catalogue, within: [...within, id] }));
  const declared = inside("analyzing", () =>
    view.columns.map((column) => ({ name: column.name, type: typeOf(parseType(column.type)) })),
  );
  const stale = (why: string): never => refuse("stale_view", `View '${id}' is stale or in invalid state: ${why}`, at);
  if (declared.length !== rows.columns.length)
    stale(`stored view column count (${declared.length}) does not match the query's (${rows.columns.length})`);
  for (const [index, { name: is, type }] of rows.columns.entries()) {
    const column = declared[index]!;
    if (is?.toLowerCase() !== column.name.toLowerCase())
      stale(`column [${is ?? ""}] at position ${index} was stored as [${column.name}]`);
    if (show(type) !== show(column.type) && !coerces(type, column.type))
      stale(`column [${is}] of type ${show(type)} cannot be coerced to the stored type ${show(column.type)}`);
  }
  // The zone of an instant is no part of the type that is declared.
  const columns = declared.map((column, index) => {
    const { type } = rows.columns[index]!;
    return show(type) === show(column.type) ? { ...column, type } : column;
  });
  const cast = retyped(rows.columns, columns, at);
  return { sql: cast ? `SELECT ${cast} FROM (${rows.sql}) AS "q"` : rows.sql, columns };
};
