import { coerce } from "./casts.ts";
import { INFORMATION, information } from "./information.ts";
import { compare } from "./operators.ts";
import { type Position, refuse, unsupported } from "./refusal.ts";
import { type Columns, type Ctes, key, PATH, type Scope, type ScopeColumn, type Translation } from "./scope.ts";
import type { Expression, Name, Path, Query, Relation } from "./syntax.ts";
import { common, ofGlue, show, varchar } from "./types.ts";
import { unnested } from "./unnest.ts";
import { identifier, type Value } from "./value.ts";
import { viewed } from "./views.ts";

const CATALOGUE = "awsdatacatalog";

/** A FROM clause in DuckDB, and the columns it brings in the order of `*`. `join`: needs parentheses on a right side. */
export type From = { sql: string; columns: ScopeColumn[]; join: boolean };

/** What this file needs of its neighbours: whole queries, and conditions over the columns of two sides. */
type Neighbours = {
  query: (query: Query, ctes: Ctes) => { sql: string; columns: Columns };
  /** A view's query, in a translation of its own. */
  view: (query: Query, translation: Translation) => { sql: string; columns: Columns };
  condition: (node: Expression, columns: readonly ScopeColumn[], clause: string) => Value;
  /** An expression, and a query, that see the columns to their left. */
  expression: (node: Expression, columns: readonly ScopeColumn[], clause: string) => Value;
  lateral: (query: Query, ctes: Ctes, columns: readonly ScopeColumn[]) => { sql: string; columns: Columns };
};

/** What a path names, whether it exists or not: `name`, `database.name` or `"AwsDataCatalog".database.name`. */
export const placeOf = (path: Path, { catalogue }: Translation): { database: string; name: string } => {
  const at = path[0]!.at;
  const parts = path.map(key);
  if (parts.length > 3) refuse("table_not_found", `table ${parts.join(".")} does not exist`, at);
  const name = parts.pop()!;
  const database = parts.pop() ?? catalogue.database;
  const from = parts.pop() ?? CATALOGUE;
  if (from !== CATALOGUE) unsupported(`catalogue ${from}`, at);
  return { database, name };
};

/** Finds a table or view. */
export const tableOf = (path: Path, translation: Translation) => {
  const { catalogue, tables } = translation;
  const { database, name } = placeOf(path, translation);
  const table = catalogue.table(database, name);
  if (!table) return refuse("table_not_found", `table ${database}.${name} does not exist`, path[0]!.at);
  const id = `${database}.${name}`;
  const { view } = table;
  if (view) return { database, name, columns: table.columns, of: path.map(key), named: { database, name }, view };
  const named = tables.get(id) ?? { database, name };
  tables.set(id, named);
  return { database, name, columns: table.columns, of: path.map(key), named, view: null };
};

/** A CTE's or subquery's columns, which its SQL calls c1, c2 …, under the alias `r`. */
const derived = (r: string, columns: Columns, of: readonly string[] | null, renamed: Name[] | null, at: Position) => {
  if (renamed && renamed.length !== columns.length)
    refuse("invalid", `expected ${columns.length} column names, came ${renamed.length}`, at);
  return columns.map(
    ({ name, type }, index): ScopeColumn => ({
      of,
      name: renamed ? renamed[index]!.text : name,
      sql: `"${r}"."c${index + 1}"`,
      type,
    }),
  );
};

export const from = (
  node: Relation,
  outer: Pick<Scope, "translation" | "ctes">,
  { query, view, condition, expression, lateral }: Neighbours,
): From => {
  const { translation, ctes } = outer;

  const relation = (node: Relation, left: readonly ScopeColumn[] = []): From => {
    if (node.kind === "join") return joined(node);
    const r = `r${translation.unique()}`;
    const alias = node.alias ? [key(node.alias)] : null;
    if (node.kind === "unnest") {
      const args = node.args.map((arg) => expression(arg, left, "UNNEST"));
      const { sql, columns } = unnested(args, node.ordinality, node.at);
      return { sql: `(${sql}) AS "${r}"`, columns: derived(r, columns, alias, node.columns, node.at), join: false };
    }
    if (node.kind === "derived") {
      const { sql, columns } = node.lateral ? lateral(node.query, ctes, left) : query(node.query, ctes);
      return { sql: `(${sql}) AS "${r}"`, columns: derived(r, columns, alias, node.columns, node.at), join: false };
    }
    const cte = node.path.length === 1 ? ctes.get(key(node.path[0]!)) : undefined;
    if (cte) {
      const of = alias ?? [key(node.path[0]!)];
      return { sql: `${cte.sql} AS "${r}"`, columns: derived(r, cte.columns, of, node.columns, node.at), join: false };
    }
    const place = placeOf(node.path, translation);
    if (place.database === INFORMATION) {
      const { sql, columns } = information(place.name, translation, node.at);
      const of = alias ?? node.path.map(key);
      return { sql: `(${sql}) AS "${r}"`, columns: derived(r, columns, of, node.columns, node.at), join: false };
    }
    const table = tableOf(node.path, translation);
    if (table.view) {
      const { sql, columns } = viewed({ ...table, view: table.view }, translation, node.at, view);
      const of = alias ?? table.of;
      return { sql: `(${sql}) AS "${r}"`, columns: derived(r, columns, of, node.columns, node.at), join: false };
    }
    if (node.columns && node.columns.length !== table.columns.length)
      refuse("invalid", `expected ${table.columns.length} column names, came ${node.columns.length}`, node.at);
    const columns = table.columns.map(({ name, type }, index): ScopeColumn => {
      const column = `"${r}".${identifier(name)}`;
      // A column of a type that is not answered is an error only where it is used.
      const get = () => ofGlue(type, name, node.at);
      return {
        of: alias ?? table.of,
        name: node.columns ? node.columns[index]!.text : name,
        sql: column,
        get type() {
          return get();
        },
      };
    });
    const sql = `${identifier(table.database)}.${identifier(table.name)} AS "${r}"`;
    // Given names for its columns, a table has no hidden ones.
    if (node.columns) return { sql, columns, join: false };
    const path: ScopeColumn = {
      of: alias ?? table.of,
      name: PATH,
      // Who reads this names the column: only then has the table to bring it.
      get sql() {
        table.named.paths = true;
        return `"${r}".${identifier(PATH)}`;
      },
      type: varchar,
      hidden: true,
    };
    return { sql, columns: [...columns, path], join: false };
  };

  const joined = (node: Extract<Relation, { kind: "join" }>): From => {
    const left = relation(node.left);
    if (node.right.kind === "unnest" || (node.right.kind === "derived" && node.right.lateral))
      return sideways(node, node.right, left);
    const right = relation(node.right);
    const type = node.type === "CROSS" ? "CROSS JOIN" : `${node.type} JOIN`;
    const sides = `${left.sql} ${type} ${right.join ? `(${right.sql})` : right.sql}`;
    const columns = [...left.columns, ...right.columns];
    if (node.using) return using(node.using, node, left, right, sides);
    if (!node.on) return { sql: sides, columns, join: true };
    return { sql: `${sides} ON ${condition(node.on, columns, "ON").sql}`, columns, join: true };
  };

  /** A join with what looks at the relations to its left: each of their rows with its own. */
  const sideways = (node: Extract<Relation, { kind: "join" }>, seen: Relation, left: From): From => {
    const what = seen.kind === "unnest" ? "UNNEST" : "LATERAL";
    if (node.using || node.type === "RIGHT" || node.type === "FULL")
      unsupported(`${node.type} JOIN ${node.using ? "… USING" : what}`, node.at);
    if (node.on && !(node.on.kind === "boolean" && node.on.value))
      unsupported(`JOIN ${what} ON anything but true`, node.at);
    const right = relation(seen, left.columns);
    const join = node.type === "CROSS" ? "CROSS JOIN" : `${node.type} JOIN`;
    const sql = `${left.sql} ${join} LATERAL ${right.sql}${node.type === "CROSS" ? "" : " ON true"}`;
    return { sql, columns: [...left.columns, ...right.columns], join: true };
  };

  const using = (
    names: Name[],
    node: Extract<Relation, { kind: "join" }>,
    left: From,
    right: From,
    sides: string,
  ): From => {
    const merged: ScopeColumn[] = [];
    const conditions: string[] = [];
    const used = new Set<ScopeColumn>();
    for (const name of names) {
      const pick = ({ columns }: From): Value => {
        const found = columns.filter((column) => column.name !== null && key(column.name) === key(name));
        if (found.length !== 1)
          refuse(
            found.length ? "ambiguous" : "column_not_found",
            `USING (${name.text}): expected one such column on each side, came ${found.length}`,
            name.at,
          );
        used.add(found[0]!);
        return { sql: found[0]!.sql, type: found[0]!.type, at: name.at, loose: [] };
      };
      const [a, b] = [pick(left), pick(right)];
      const type =
        common(a.type, b.type) ??
        refuse("type_mismatch", `USING (${name.text}): ${show(a.type)} and ${show(b.type)}`, name.at);
      conditions.push(compare("=", a, b).sql);
      const [l, r] = [coerce(a, type, "USING").sql, coerce(b, type, "USING").sql];
      const sql = node.type === "FULL" ? `coalesce(${l}, ${r})` : node.type === "RIGHT" ? r : l;
      merged.push({ of: null, name: name.text, sql, type });
    }
    const rest = [...left.columns, ...right.columns].filter((column) => !used.has(column));
    return { sql: `${sides} ON ${conditions.join(" AND ")}`, columns: [...merged, ...rest], join: true };
  };

  return relation(node);
};
