import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import { openQueries, type Queries, type QueryFigures, type TableFile } from "../../engines/duckdb/query.ts";
import type { Answer, Catalogue, Translated } from "../../trino/index.ts";
import type { CatalogTable } from "../glue/index.ts";
import { definition } from "./define.ts";
import { keeper } from "./keep.ts";
import { allOf, type Catalog, keyOf, lookup } from "./lookup.ts";
import type { PreparedStatements } from "./prepared.ts";
import { type Cells, type ResultFormat, type ResultIndex, resultWriter } from "./results.ts";
import { shown } from "./show.ts";
import { folderOf, type Place, sourceReader } from "./sources.ts";
import type { Writer, Writes } from "./writes.ts";

/** What translates a statement; `packages/trino` does. It throws what a person may read, with a `code`. */
export type Translate = (statement: string, catalogue: Catalogue, parameters?: readonly string[]) => Translated;

export type AthenaDeps = {
  glue: Catalog;
  s3: Writer;
  translate: Translate;
  /** Tables and views that are made and filled by others than statements: nobody drops or replaces them here or inserts into them. */
  declared?: (database: string, name: string) => boolean;
  /** Places where the river keeps its own: what is written there would be taken for it. */
  reserved?: (bucket: string, prefix: string) => boolean;
  /** `s3://bucket/prefix/` for results whose caller names no place: the workgroup's. */
  output?: string;
  /** The name of the one workgroup; AWS's `primary` unless given. */
  workgroup?: string;
  /** DuckDB's memory limit of each query at a time, e.g. `"1GB"`. */
  memory?: string;
  threads?: number;
  /** Queries at a time. */
  concurrency?: number;
  timeoutMs?: number;
  /** It answers what it is asked, and goes on with nothing of an earlier process. */
  still?: boolean;
  now?: () => number;
};

export type Request = {
  query: string;
  parameters?: string[];
  database?: string;
  catalog?: string;
  output: string;
  workgroup: string;
  token?: string;
};

/** What GetQueryResults needs. `updated`: rows that the statement wrote. */
export type Result = {
  columns: { name: string; type: string }[];
  bucket: string;
  key: string;
  etag: string;
  index: ResultIndex;
  updated?: number;
};

/** What a statement came to, and what it took, in milliseconds. */
export type Outcome = {
  kind: "DML" | "DDL" | "UTILITY";
  statement: string;
  /** `s3://…` of the result. */
  output: string;
  /** `s3://…` of the list of files that were written. */
  manifest?: string;
  result: Result;
  figures: QueryFigures;
  planningMs: number;
  engineMs: number;
  serviceMs: number;
  /** What the statement changes. It runs in the transaction that ends the statement, so both happen or neither. */
  commit: () => void;
};

/** A statement that was done, but for its result file. */
type Done = {
  kind: Outcome["kind"];
  columns: Result["columns"];
  figures: QueryFigures;
  updated?: number;
  /** Files that were written: their list is the result. */
  files?: string[];
  commit?: () => void;
};

const MEMORY = "1GB";
const NOTHING: QueryFigures = { rows: 0, scannedBytes: 0 };
/** Athena's name of a kind of statement, where it is not the kind's own. */
const statementNames: Partial<Record<Translated["kind"], string>> = {
  "create table": "CREATE_TABLE_AS_SELECT",
  describe: "DESCRIBE_TABLE",
  "show table properties": "SHOW_TBLPROPERTIES",
  deallocate: "DEALLOCATE_PREPARE",
};

/** Carries out statements: each ends as a result file in S3, and nothing of it is in the database yet. */
export const carrier = (
  folder: string,
  deps: AthenaDeps,
  now: () => number,
  prepared: PreparedStatements,
  writes: Writes,
) => {
  const sourceOf = sourceReader(deps.glue, deps.s3, now);
  const declared = deps.declared ?? (() => false);
  const reserved = deps.reserved ?? (() => false);
  const keep = keeper(deps.glue, deps.s3, writes, { declared, reserved }, folder);
  let engine: Queries | null = null;
  const queries = (): Queries => {
    engine ??= openQueries({
      memory: deps.memory ?? MEMORY,
      ...(deps.threads ? { threads: deps.threads } : {}),
      scratch: join(folder, "duckdb"),
    });
    return engine;
  };

  /** The files of a query's tables; `same` throws when one of them was replaced since. */
  const read = (answer: Answer, known: ReadonlyMap<string, CatalogTable>) => {
    const places = new Map<TableFile, Place>();
    const tables = answer.tables.map(({ database, name, paths }) => {
      const table = known.get(keyOf(database, name));
      if (!table) throw new Error(`the translator names ${database}.${name}, which it did not look up`);
      return { ...sourceOf(table, places), ...(paths ? { paths } : {}) };
    });
    // A file that was replaced meanwhile may have been read with the other's footer.
    const same = () => {
      for (const [file, { bucket, key }] of places)
        if (deps.s3.path(bucket, key)?.etag !== file.etag)
          throw new PregaoError(
            "HIVE_FILESYSTEM_ERROR",
            `s3://${bucket}/${key} changed while it was read: run the query again`,
          );
    };
    return { tables, same };
  };

  type Doing = {
    id: string;
    request: Request;
    known: ReadonlyMap<string, CatalogTable>;
    signal: AbortSignal;
    add: (rows: readonly Cells[]) => Promise<void>;
  };
  const utility = (names: readonly string[], rows: number): Done => ({
    kind: "UTILITY",
    // Hive's own answers are of type string.
    columns: names.map((name) => ({ name, type: "string" })),
    figures: { rows, scannedBytes: 0 },
  });

  const doStatement = async (of: Translated, { id, request, known, signal, add }: Doing): Promise<Done> => {
    switch (of.kind) {
      case "select": {
        const { tables, same } = read(of, known);
        const { sql, columns } = of;
        const figures = await queries().run({ sql, columns, tables, signal, rows: add });
        same();
        return { kind: "DML", columns, figures };
      }
      case "explain": {
        if (of.validate) {
          await add([["true"]]);
          return {
            kind: "UTILITY",
            columns: [{ name: "Valid", type: "boolean" }],
            figures: { rows: 1, scannedBytes: 0 },
          };
        }
        const { tables } = read(of.answer, known);
        const plan = await queries().plan({ sql: of.answer.sql, tables, signal });
        const lines = [
          "DuckDB's plan, by which the statement runs here; on Athena it has another.",
          ...plan.split("\n"),
        ];
        await add(lines.map((line) => [line]));
        return {
          kind: "UTILITY",
          columns: [{ name: "Query Plan", type: "varchar" }],
          figures: { rows: lines.length, scannedBytes: 0 },
        };
      }
      case "create view":
      case "drop view":
      case "drop table":
        return { kind: "DDL", columns: [], figures: NOTHING, commit: definition(deps.glue, of, declared) };
      case "create table":
      case "insert":
      case "unload": {
        const { bucket, prefix } = folderOf(request.output, "the result");
        const source = of.answer ? read(of.answer, known) : { tables: [], same: () => {} };
        const kept = await keep(id, of, {
          output: `s3://${bucket}/${prefix}tables/${id}/`,
          table: of.kind === "insert" ? (known.get(keyOf(of.database, of.name)) ?? null) : null,
          tables: () => source.tables,
          engine: queries,
          signal,
        });
        source.same();
        const { figures, files, commit } = kept;
        return {
          kind: "DML",
          columns: [{ name: "rows", type: "bigint" }],
          figures,
          updated: figures.rows,
          files,
          commit,
        };
      }
      case "prepare":
        return {
          ...utility([], 0),
          commit: () => {
            if (prepared.find(of.name))
              throw new PregaoError(
                "ALREADY_EXISTS",
                `Prepared statement ${of.name} already exists in workGroup primary: DEALLOCATE PREPARE ${of.name} first`,
              );
            prepared.put(of.name, of.text, null);
          },
        };
      case "deallocate":
        return {
          ...utility([], 0),
          commit: () => {
            if (!prepared.drop(of.name)) throw new PregaoError("NOT_FOUND", `Prepared statement not found: ${of.name}`);
          },
        };
      default: {
        const answer = shown(deps.glue, of);
        if (!answer)
          throw new PregaoError("NOT_SUPPORTED", `a statement of the kind ${of.kind} is not answered locally`);
        await add(answer.rows);
        return utility(answer.columns, answer.rows.length);
      }
    }
  };

  const carryOut = async (id: string, request: Request, signal: AbortSignal): Promise<Outcome> => {
    const began = performance.now();
    if (request.catalog !== undefined && request.catalog.toLowerCase() !== "awsdatacatalog")
      throw new PregaoError("CATALOG_NOT_FOUND", `expected AwsDataCatalog, came ${request.catalog}`);
    const known = new Map<string, CatalogTable>();
    const of = deps.translate(
      request.query,
      {
        database: (request.database ?? "default").toLowerCase(),
        table: lookup(deps.glue, known),
        all: () => allOf(deps.glue),
        prepared: (name) => prepared.find(name)?.text ?? null,
      },
      request.parameters ?? [],
    );
    const planned = performance.now();
    const format: ResultFormat = of.kind === "select" ? "csv" : "txt";
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${id}-${randomUUID()}.${format}`);
    const writer = await resultWriter(path, format, of.kind === "select" ? of.columns.map(({ name }) => name) : []);
    let published = false;
    try {
      const { files, commit, columns, ...done } = await doStatement(of, {
        id,
        request,
        known,
        signal,
        add: writer.add,
      });
      const index = await writer.end();
      signal.throwIfAborted();
      // What wrote files has a list of them for a result: a row of the list is no row of the answer.
      if (files) writeFileSync(path, files.map((file) => `${file}\n`).join(""));
      const { bucket, prefix } = folderOf(request.output, "the result");
      const key = `${prefix}${id}${files ? "-manifest.csv" : `.${format}`}`;
      const engineMs = performance.now() - planned;
      const { etag } = await deps.s3.putFile(bucket, key, path);
      published = true;
      const { updated, ...rest } = done;
      return {
        ...rest,
        statement: statementNames[of.kind] ?? of.kind.toUpperCase().replaceAll(" ", "_"),
        output: `s3://${bucket}/${files ? `${prefix}${id}` : key}`,
        ...(files ? { manifest: `s3://${bucket}/${key}` } : {}),
        result: { columns, bucket, key, etag, index, ...(updated === undefined ? {} : { updated }) },
        planningMs: planned - began,
        engineMs,
        serviceMs: performance.now() - planned - engineMs,
        commit: commit ?? (() => {}),
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
