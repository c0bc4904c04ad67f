import { type Position, refuse, unsupported } from "./refusal.ts";
import type { Columns, Translation } from "./scope.ts";
import { parseType } from "./statements.ts";
import { bigint, ofGlue, show, typeOf, varchar } from "./types.ts";
import { text } from "./value.ts";

export const INFORMATION = "information_schema";

/** What every schema of this name holds, itself included, as Trino lists it: tables, their columns and types. */
const own: Readonly<Record<string, readonly string[]>> = {
  applicable_roles: ["grantee", "grantee_type", "role_name", "is_grantable"],
  columns: [
    "table_catalog",
    "table_schema",
    "table_name",
    "column_name",
    "ordinal_position bigint",
    "column_default",
    "is_nullable",
    "data_type",
  ],
  enabled_roles: ["role_name"],
  roles: ["role_name"],
  schemata: ["catalog_name", "schema_name"],
  table_privileges: [
    "grantor",
    "grantor_type",
    "grantee",
    "grantee_type",
    "table_catalog",
    "table_schema",
    "table_name",
    "privilege_type",
    "is_grantable",
    "with_hierarchy",
  ],
  tables: ["table_catalog", "table_schema", "table_name", "table_type"],
  views: ["table_catalog", "table_schema", "table_name", "view_definition"],
};

const CATALOGUE = "awsdatacatalog";
const columnsOf = (table: string): { name: string; type: "varchar" | "bigint" }[] =>
  own[table]!.map((written) => {
    const [name, type] = written.split(" ");
    return { name: name!, type: type === "bigint" ? type : "varchar" };
  });

/** `information_schema.tables`, `columns`, `schemata` and `views`: the catalogue as rows. */
export const information = (
  name: string,
  { catalogue }: Translation,
  at: Position,
): { sql: string; columns: Columns } => {
  if (!own[name]) refuse("table_not_found", `table ${INFORMATION}.${name} does not exist`, at);
  const list = catalogue.all;
  if (!list || !["tables", "columns", "schemata", "views"].includes(name))
    return unsupported(`${INFORMATION}.${name}`, at);
  const all = list();
  const tables = all.flatMap(({ database, names }) => names.map((table) => ({ database, table })));
  const found = () =>
    tables.map(({ database, table }) => ({ database, table, of: catalogue.table(database, table) ?? { columns: [] } }));
  const rows = (): (string | null)[][] => {
    if (name === "schemata")
      return [...all.map(({ database }) => database), INFORMATION].map((one) => [CATALOGUE, one]);
    if (name === "tables")
      return [
        ...found().map(({ database, table, of }) => [CATALOGUE, database, table, of.view ? "VIEW" : "BASE TABLE"]),
        ...Object.keys(own).map((table) => [CATALOGUE, INFORMATION, table, "BASE TABLE"]),
      ];
    if (name === "views")
      return found().flatMap(({ database, table, of }) => (of.view ? [[CATALOGUE, database, table, of.view.sql]] : []));
    const line = (database: string, table: string, column: string, index: number, type: string) => [
      CATALOGUE,
      database,
      table,
      column,
      String(index + 1),
      null,
      "YES",
      type,
    ];
    return [
      ...found().flatMap(({ database, table, of }) =>
        of.view
          ? of.view.columns.map((column, index) =>
              line(database, table, column.name.toLowerCase(), index, show(typeOf(parseType(column.type)))),
            )
          : of.columns.map((column, index) =>
              line(database, table, column.name, index, show(ofGlue(column.type, column.name, at))),
            ),
      ),
      ...Object.keys(own).flatMap((table) =>
        columnsOf(table).map((column, index) => line(INFORMATION, table, column.name, index, column.type)),
      ),
    ];
  };
  const fields = columnsOf(name);
  const cast = (value: string | null, type: string) =>
    `CAST(${value === null ? "NULL" : text(value)} AS ${type.toUpperCase()})`;
  const lines = rows().map((row) => `(${row.map((value, index) => cast(value, fields[index]!.type)).join(", ")})`);
  const names = fields.map((_, index) => `"c${index + 1}"`).join(", ");
  return {
    sql: lines.length
      ? `SELECT * FROM (VALUES ${lines.join(", ")}) AS "v"(${names})`
      : `SELECT ${fields.map(({ type }, index) => `${cast(null, type)} AS "c${index + 1}"`).join(", ")} WHERE false`,
    columns: fields.map((field) => ({ name: field.name, type: field.type === "bigint" ? bigint : varchar })),
  };
};
