import { VIEW_KIND, viewDefinition } from "../../core/view.ts";
import type { Catalogue, View } from "../../trino/index.ts";
import type { CatalogTable, Glue } from "../glue/index.ts";

/** The catalog, as far as statements read it and write it. */
export type Catalog = Pick<Glue, "table" | "partitions" | "database" | "databases" | "tables" | "service">;

/** A table as GetTable answers it: the catalog's whole knowledge of it. */
export type TableBody = {
  Name: string;
  Description?: string;
  TableType?: string;
  Parameters?: Record<string, string>;
  PartitionKeys?: { Name: string; Type?: string; Comment?: string }[];
  StorageDescriptor?: {
    Columns?: { Name: string; Type?: string; Comment?: string }[];
    Location?: string;
    InputFormat?: string;
    OutputFormat?: string;
    SerdeInfo?: { SerializationLibrary?: string; Parameters?: Record<string, string> };
  };
  ViewOriginalText?: string;
};

/** An operation of Glue's, from within: it joins the open transaction. */
export const callGlue = (glue: Pick<Glue, "service">, name: string, input: unknown): unknown =>
  glue.service.operations[name]!(input as never, { signal: AbortSignal.abort() });

export const bodyOf = (glue: Pick<Glue, "service">, database: string, name: string): TableBody =>
  (callGlue(glue, "GetTable", { DatabaseName: database, Name: name }) as { Table: TableBody }).Table;

export const viewOf = (glue: Pick<Glue, "service">, database: string, name: string): View & { comment?: string } => {
  const definition = viewDefinition(`${database}.${name}`, bodyOf(glue, database, name).ViewOriginalText);
  return {
    sql: definition.originalSql,
    catalogue: definition.catalog ?? null,
    database: definition.schema ?? null,
    columns: definition.columns,
    ...(definition.comment ? { comment: definition.comment } : {}),
  };
};

/**
 * What the translator asks of the catalog. `tables` keeps what was looked up: the types that a statement was translated
 * by and the files that it reads must be of one definition.
 */
export const lookup =
  (glue: Catalog, tables: Map<string, CatalogTable>): Catalogue["table"] =>
  (database, name) => {
    const key = keyOf(database, name);
    const table = tables.get(key) ?? glue.table(database, name);
    if (!table) return null;
    tables.set(key, table);
    const columns = [...table.columns, ...table.partitionKeys];
    return table.kind === VIEW_KIND ? { columns, view: viewOf(glue, database, name) } : { columns };
  };

export const keyOf = (database: string, name: string): string => `${database.toLowerCase()}\n${name.toLowerCase()}`;

/** Every database with the names of its tables and views. */
export const allOf = (glue: Catalog): { database: string; names: string[] }[] =>
  glue.databases().map(({ Name }) => ({
    database: String(Name),
    names: glue.tables(String(Name)).map(({ name }) => name),
  }));
