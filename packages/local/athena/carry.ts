import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import { encodePartition } from "../../core/table.ts";
import {
  openQueries,
  type Queries,
  type Query,
  type QueryFigures,
  type TableFile,
} from "../../engines/duckdb/query.ts";
import { type CatalogTable, type Glue, namePattern } from "../glue/index.ts";
import { type Cells, type ResultIndex, resultWriter } from "./results.ts";
import { fieldsOf, folderOf, type Objects, type Place, sourceReader } from "./sources.ts";

/** What translates a statement; `packages/trino` does. It throws what a person may read, with a `code`. */
export type Translate = (
  statement: string,
  catalogue: {
    database: string;
    table: (database: string, name: string) => { columns: ReturnType<typeof fieldsOf> } | null;
  },
) => {
  /** `select`, `describe`, `show columns` have SQL; `show tables`, `show databases`, `show partitions` are answered here. */
  kind: string;
  sql: string;
  columns: { name: string; type: string }[];
  tables: { database: string; name: string; paths?: true }[];
  database?: string;
  pattern?: string;
};

export type AthenaDeps = {
  glue: Pick<Glue, "table" | "partitions" | "database" | "databases" | "tables">;
  s3: Objects & { putFile: (bucket: string, key: string, path: string) => Promise<{ etag: string }> };
  translate: Translate;
  /** `s3://bucket/prefix/` for results whose caller names no place: the workgroup's. */
  output?: string;
  /** DuckDB's memory limit of each query at a time, e.g. `"1GB"`. */
  memory?: string;
  threads?: number;
  /** Queries at a time. */
  concurrency?: number;
  timeoutMs?: number;
  now?: () => number;
};

export type Request = {
  query: string;
  database?: string;
  catalog?: string;
  output: string;
  workgroup: string;
  token?: string;
};

/** What GetQueryResults needs. */
export type Result = {
  columns: { name: string; type: string }[];
  bucket: string;
  key: string;
  etag: string;
  index: ResultIndex;
};

/** What a statement came to, and what it took, in milliseconds. */
export type Outcome = {
  kind: "DML" | "UTILITY";
  statement: string;
  result: Result;
  figures: QueryFigures;
  planningMs: number;
  engineMs: number;
  serviceMs: number;
};

/** A table of a query, and whether its rows must say which file they are of. */
type Asked = { table: CatalogTable; paths: true | undefined };

const MEMORY = "1GB";

/** Carries out statements: each ends as a result file in S3, and nothing of it is in the database yet. */
export const carrier = (folder: string, deps: AthenaDeps, now: () => number) => {
  const sourceOf = sourceReader(deps.glue, deps.s3, now);
  let engine: Queries | null = null;

  /** The rows of a SHOW that only the catalog is asked for. */
  const shown = ({ kind, database = "", pattern, tables: [table] }: ReturnType<Translate>): Cells[] => {
    const wanted = namePattern(pattern ?? "*");
    const names = (list: string[]) => list.filter((name) => wanted.test(name)).map((name) => [name]);
    if (kind === "show databases") return names(deps.glue.databases().map((one) => String(one.Name)));
    if (kind === "show tables") {
      if (!deps.glue.database(database)) throw new PregaoError("SCHEMA_NOT_FOUND", `Schema ${database} does not exist`);
      return names(deps.glue.tables(database).map((one) => one.name));
    }
    if (kind !== "show partitions" || !table)
      throw new PregaoError("NOT_SUPPORTED", `a statement of the kind ${kind} is not answered locally`);
    const keys = deps.glue.table(table.database, table.name)?.partitionKeys ?? [];
    return deps.glue
      .partitions(table.database, table.name)
      .map(({ values }) => [
        keys
          .map(
            ({ name }, index) =>
              `${name}=${values[index] == null ? "__HIVE_DEFAULT_PARTITION__" : encodePartition(values[index])}`,
          )
          .join("/"),
      ]);
  };

  /** Runs SQL in DuckDB; a file that was replaced meanwhile may have been read with the other's footer. */
  const execute = async (query: Omit<Query, "tables">, tables: readonly Asked[]): Promise<QueryFigures> => {
    const places = new Map<TableFile, Place>();
    const sources = tables.map(({ table, paths }) => ({ ...sourceOf(table, places), ...(paths ? { paths } : {}) }));
    engine ??= openQueries({
      memory: deps.memory ?? MEMORY,
      ...(deps.threads ? { threads: deps.threads } : {}),
      scratch: join(folder, "duckdb"),
    });
    const figures = await engine.run({ ...query, tables: sources });
    for (const [file, { bucket, key }] of places)
      if (deps.s3.path(bucket, key)?.etag !== file.etag)
        throw new PregaoError(
          "HIVE_FILESYSTEM_ERROR",
          `s3://${bucket}/${key} changed while it was read: run the query again`,
        );
    return figures;
  };

  const carryOut = async (id: string, request: Request, signal: AbortSignal): Promise<Outcome> => {
    const began = performance.now();
    if (request.catalog !== undefined && request.catalog.toLowerCase() !== "awsdatacatalog")
      throw new PregaoError("CATALOG_NOT_FOUND", `expected AwsDataCatalog, came ${request.catalog}`);
    // The translator's types and the files read must be of one definition of the table.
    const tables = new Map<string, CatalogTable>();
    const translated = deps.translate(request.query, {
      database: (request.database ?? "default").toLowerCase(),
      table: (database, name) => {
        const key = `${database.toLowerCase()}\n${name.toLowerCase()}`;
        const table = tables.get(key) ?? deps.glue.table(database, name);
        if (!table) return null;
        if (table.kind === "VIRTUAL_VIEW")
          throw new PregaoError("NOT_SUPPORTED", `${database}.${name} is a view: views are not answered locally`);
        tables.set(key, table);
        return { columns: fieldsOf(table, [...table.columns, ...table.partitionKeys]) };
      },
    });
    const planned = performance.now();
    const isQuery = translated.kind === "select";
    const format = isQuery ? "csv" : "txt";
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${id}-${randomUUID()}.${format}`);
    const writer = await resultWriter(
      path,
      format,
      translated.columns.map((column) => column.name),
    );
    let published = false;
    try {
      let figures: QueryFigures = { rows: 0, scannedBytes: 0 };
      if (translated.sql === "") {
        const rows = shown(translated);
        await writer.add(rows);
        figures = { rows: rows.length, scannedBytes: 0 };
      } else {
        const read = translated.tables.map(({ database, name, paths }): Asked => {
          const table = tables.get(`${database.toLowerCase()}\n${name.toLowerCase()}`);
          if (!table) throw new Error(`the translator names ${database}.${name}, which it did not look up`);
          return { table, paths };
        });
        const { sql, columns } = translated;
        figures = await execute({ sql, columns, signal, rows: writer.add }, isQuery ? read : []);
      }
      const index = await writer.end();
      signal.throwIfAborted();
      const { bucket, prefix } = folderOf(request.output, "the result");
      const key = `${prefix}${id}.${format}`;
      const engineMs = performance.now() - planned;
      const { etag } = await deps.s3.putFile(bucket, key, path);
      published = true;
      // Hive's own answers are of type string.
      const columns = isQuery ? translated.columns : translated.columns.map(({ name }) => ({ name, type: "string" }));
      return {
        kind: isQuery ? "DML" : "UTILITY",
        statement: translated.kind.toUpperCase().replaceAll(" ", "_"),
        result: { columns, bucket, key, etag, index },
        figures,
        planningMs: planned - began,
        engineMs,
        serviceMs: performance.now() - planned - engineMs,
      };
    } finally {
      if (!published) {
        await writer.abandon().catch(() => {});
        rmSync(path, { force: true });
      }
    }
  };
  return {
    carryOut,
    /** Frees DuckDB. Await what is running first. */
    close: () => {
      engine?.close();
      engine = null;
    },
  };
};
