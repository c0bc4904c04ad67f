import { duckdbType, type GlueType } from "../../core/columns.ts";
import { PregaoError } from "../../core/errors.ts";
import { literal, openSession, quoted, type Session, type SessionOptions } from "./session.ts";
import { type Spell, speller } from "./text.ts";

export type Field = { name: string; type: GlueType };
/** A Parquet file; `etag` changes whenever its bytes do. `uri` is what its rows have as `$path`. */
export type TableFile = { path: string; etag: string; size: number; uri?: string };
/** Values of the partition keys, in their order, the same for every row of its files; null is no value. */
export type TablePartition = { values: readonly (string | null)[]; files: readonly TableFile[] };

/**
 * A table as a list of files. Types are the catalog's: a file without a column has nulls there, a file whose column
 * has another type makes the query fail.
 */
export type TableSource = {
  database: string;
  name: string;
  columns: readonly Field[];
  partitionKeys: readonly Field[];
  partitions: readonly TablePartition[];
  /** With a column `$path` after the others, each file's `uri`. */
  paths?: true;
};

export type Query = {
  /** DuckDB's SQL, naming its tables `"database"."name"`. */
  sql: string;
  /** The result's columns with Trino's types; DuckDB's must be faithful forms of them. */
  columns: readonly { name: string; type: string }[];
  tables: readonly TableSource[];
  signal: AbortSignal;
  /** Given some rows at a time, as text, in order; the next ones wait until it is done. Null is null. */
  rows: (rows: (string | null)[][]) => Promise<void>;
};

export type QueryFigures = { rows: number; scannedBytes: number };

/** What a file has, as far as was asked: column in lower case → DuckDB's type. */
type Shape = { etag: string; fields: ReadonlyMap<string, string> };

/** Footers that are remembered; more only cost being read again. */
const MAX_SHAPES = 100_000;
/** Files whose footers are read by one statement. */
const FOOTERS_AT_ONCE = 1000;
/** An interrupt that comes before DuckDB has begun is lost, so it is said again, milliseconds apart. */
const INTERRUPT_MS = 20;

/** The type as DuckDB names it in what it tells of a file. */
const typeName = (type: GlueType): string => (type === "int" ? "INTEGER" : duckdbType(type));

/** In a view's column: the file's column as the catalog's type, or null when that would not be exact. */
const conversion = (type: GlueType, came: string, column: string): string | null => {
  const wanted = typeName(type);
  // Hive's timestamps have milliseconds: Trino rounds the rest, half up.
  if (type === "timestamp" && ["TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"].includes(came)) {
    const micros = `(epoch_us(${column}) + 500)`;
    return `make_timestamp(${micros} - ((${micros} % 1000) + 1000) % 1000)`;
  }
  if (came === wanted) return column;
  const exact: Record<string, string[]> = {
    int: ["SMALLINT", "TINYINT"],
    bigint: ["INTEGER", "SMALLINT", "TINYINT"],
    double: ["FLOAT"],
  };
  if (exact[type]?.includes(came)) return `CAST(${column} AS ${wanted})`;
  const [to, from] = [wanted, came].map((text) => /^DECIMAL\((\d+),(\d+)\)$/.exec(text));
  if (to && from && to[2] === from[2] && Number(from[1]) <= Number(to[1])) return `CAST(${column} AS ${wanted})`;
  return null;
};

/** DuckDB takes `*`, `?` and `[` in a path for a pattern unless they stand in brackets. */
const pathLiteral = (path: string): string => literal(path.replace(/[*?[]/g, "[$&]"));

/**
 * The folder names `key=value` of a path by key, when DuckDB's reading of them is the table's own: every partition key
 * is there once with its value, in plain characters, and no other name is a column of the table. Null otherwise.
 */
const hiveKeys = (path: string, table: TableSource, values: readonly (string | null)[]): string[] | null => {
  const found = new Map<string, string>();
  for (const part of path.split("/").slice(0, -1)) {
    const pair = /^([^=]+)=([^=]*)$/.exec(part);
    if (!pair) continue;
    if (found.has(pair[1]!) || /[?\\\n]/.test(part)) return null;
    found.set(pair[1]!, pair[2]!);
  }
  for (const [index, key] of table.partitionKeys.entries()) {
    const value = values[index] ?? null;
    if (
      value === null ||
      found.get(key.name) !== value ||
      !/^[\w.-]+$/.test(value) ||
      /^(null|__HIVE_.*)$/i.test(value)
    )
      return null;
  }
  const own = new Set(table.partitionKeys.map((key) => key.name));
  const names = [...found.keys()];
  const others = names.filter((name) => !own.has(name)).map((name) => name.toLowerCase());
  return [...table.columns, ...table.partitionKeys].some((field) => others.includes(field.name)) ? null : names.sort();
};

const PATH = "$path";

/** The `uri` of a row's file, from the path that DuckDB gives as `$path`. As a rule all end alike. */
const uriOf = (files: readonly TableFile[]): string => {
  const [first] = files;
  const uri = first?.uri ?? "";
  let same = 0;
  while (same < uri.length && uri.at(-1 - same) === first?.path.at(-1 - same)) same++;
  const [head, start] = [uri.slice(0, uri.length - same), first?.path.slice(0, first.path.length - same) ?? ""];
  if (files.every((file) => file.path.startsWith(start) && file.uri === head + file.path.slice(start.length)))
    return `${literal(head)} || substr(${quoted(PATH)}, ${[...start].length + 1})`;
  const list = (texts: string[]) => `[${texts.map(literal).join(", ")}]`;
  return `${list(files.map((file) => file.uri ?? ""))}[list_position(${list(files.map((file) => file.path))}, ${quoted(PATH)})]`;
};

/** Runs translated queries over lists of Parquet files, in warm databases: one for each query at a time. */
export const openQueries = (options: SessionOptions) => {
  type Warm = { session: Session; views: Map<string, string> };
  const idle: Warm[] = [];
  const all = new Set<Warm>();
  const shapes = new Map<string, Shape>();
  const signatures = new Map<string, ReadonlyMap<string, string>>();

  const warm = async (): Promise<Warm> => {
    const ready = idle.pop();
    if (ready) return ready;
    const session = await openSession(options);
    // Both caches go by a file's time, which a rewrite within its resolution does not change.
    await session.run("SET parquet_metadata_cache = false; SET enable_external_file_cache = false");
    const fresh = { session, views: new Map<string, string>() };
    all.add(fresh);
    return fresh;
  };

  /** What each file has, by path. Footers that are not known yet are read. */
  const learn = async (
    session: Session,
    files: readonly TableFile[],
  ): Promise<ReadonlyMap<string, Shape["fields"]>> => {
    const found = new Map<string, Shape["fields"]>();
    const unknown: TableFile[] = [];
    for (const file of files) {
      const shape = shapes.get(file.path);
      if (shape?.etag === file.etag) found.set(file.path, shape.fields);
      else unknown.push(file);
    }
    if (shapes.size + unknown.length > MAX_SHAPES) shapes.clear();
    for (let at = 0; at < unknown.length; at += FOOTERS_AT_ONCE) {
      const some = unknown.slice(at, at + FOOTERS_AT_ONCE);
      const rows = await session
        .rows<{ file_name: string; name: string; duckdb_type: string | null; num_children: string | null }>(
          `SELECT file_name, name, duckdb_type, num_children FROM parquet_schema([${some.map((file) => pathLiteral(file.path)).join(", ")}]) ORDER BY file_name, column_id`,
        )
        .catch((error: Error) => {
          throw new PregaoError("HIVE_BAD_DATA", `a file is no Parquet: ${error.message}`);
        });
      const byFile = Map.groupBy(rows, (row) => row.file_name);
      for (const file of some) {
        const fields = new Map<string, string>();
        const elements = byFile.get(file.path) ?? [];
        // Depth first, the root's element first: children of a nested column are not columns.
        for (let index = 1; index < elements.length; ) {
          const { name, duckdb_type } = elements[index]!;
          const column = name.toLowerCase();
          fields.set(column, fields.has(column) ? "ambiguous: two columns of this name" : (duckdb_type ?? "nested"));
          for (let left = 1; left > 0 && index < elements.length; index++)
            left += Number(elements[index]!.num_children ?? 0) - 1;
        }
        const signature = JSON.stringify([...fields]);
        const known = signatures.get(signature) ?? fields;
        signatures.set(signature, known);
        shapes.set(file.path, { etag: file.etag, fields: known });
        found.set(file.path, known);
      }
    }
    return found;
  };

  /** The table as one SELECT. Files are grouped so that one reader meets one shape; see {@link hiveKeys}. */
  const relation = (table: TableSource, shapeOf: ReadonlyMap<string, Shape["fields"]>): string => {
    type Group = {
      hive: string[] | null;
      values: readonly (string | null)[];
      fields: Shape["fields"];
      files: TableFile[];
    };
    const groups = new Map<string, Group>();
    const wanted = [...table.columns, ...table.partitionKeys];
    for (const { values, files } of table.partitions)
      for (const file of files) {
        const { path } = file;
        const fields = shapeOf.get(path)!;
        const inFile = table.partitionKeys.some((key) => fields.has(key.name));
        const hive = inFile ? null : hiveKeys(path, table, values);
        const key = JSON.stringify([hive ?? values, hive !== null, wanted.map(({ name }) => fields.get(name) ?? "")]);
        const group = groups.get(key);
        if (group) group.files.push(file);
        else groups.set(key, { hive, values, fields, files: [file] });
      }
    const selects = [...groups.values()].map(({ hive, values, fields, files }) => {
      const columns = table.columns.map(({ name, type }) => {
        const came = fields.get(name);
        const sql = came === undefined ? `CAST(NULL AS ${typeName(type)})` : conversion(type, came, quoted(name));
        if (sql === null) {
          // It fails when it is read, as in Trino: who does not ask for this column or partition gets an answer.
          const reason = `HIVE_BAD_DATA: column ${name} of ${table.database}.${table.name}: expected ${type}, came ${came} in ${files[0]?.path}`;
          return `CAST(CASE WHEN ${quoted(name)} IS NOT NULL THEN error(${literal(reason)}) END AS ${typeName(type)}) AS ${quoted(name)}`;
        }
        return `${sql} AS ${quoted(name)}`;
      });
      const keys = table.partitionKeys.map(({ name, type }, index) => {
        const value = values[index] ?? null;
        const sql = hive ? quoted(name) : `CAST(${value === null ? "NULL" : literal(value)} AS ${typeName(type)})`;
        return `${sql} AS ${quoted(name)}`;
      });
      const types = hive?.map((name) => {
        const key = table.partitionKeys.find((one) => one.name === name);
        return `${literal(name)}: ${typeName(key?.type ?? "string")}`;
      });
      const reading = types?.length
        ? `hive_partitioning = true, hive_types = {${types.join(", ")}}`
        : "hive_partitioning = false";
      const place = table.paths ? [`${uriOf(files)} AS ${quoted(PATH)}`] : [];
      const from = `read_parquet([${files.map((file) => pathLiteral(file.path)).join(", ")}], ${reading}${table.paths ? `, filename = ${literal(PATH)}` : ""})`;
      return `SELECT ${[...columns, ...keys, ...place].join(", ")} FROM ${from}`;
    });
    if (selects.length > 0) return selects.join("\nUNION ALL\n");
    const all = table.paths ? [...wanted, { name: PATH, type: "string" as const }] : wanted;
    return `SELECT ${all.map(({ name, type }) => `CAST(NULL AS ${typeName(type)}) AS ${quoted(name)}`).join(", ")} WHERE false`;
  };

  /** Makes the session's view of a table, unless it is the one it has. */
  const look = async ({ session, views }: Warm, table: TableSource) => {
    const name = `${quoted(table.database)}.${quoted(table.name)}`;
    const key = JSON.stringify(table);
    if (views.get(name) === key) return;
    const shapeOf = await learn(
      session,
      table.partitions.flatMap((partition) => partition.files),
    );
    const sql = relation(table, shapeOf);
    views.delete(name);
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(table.database)}`);
    await session.run(`CREATE OR REPLACE VIEW ${name} AS ${sql}`);
    views.set(name, key);
  };

  const stream = async ({ session }: Warm, query: Query): Promise<number> => {
    const result = await session.connection.stream(query.sql);
    if (result.columnCount !== query.columns.length)
      throw new Error(`expected ${query.columns.length} result columns, came ${result.columnCount}`);
    const spell: Spell[] = query.columns.map((column, index) =>
      speller(column.name, column.type, result.columnType(index)),
    );
    let count = 0;
    for (;;) {
      const chunk = await result.fetchChunk();
      query.signal.throwIfAborted();
      if (!chunk || chunk.rowCount === 0) return count;
      const rows = Array.from({ length: chunk.rowCount }, () => new Array<string | null>(spell.length));
      for (const [index, text] of spell.entries())
        for (const [row, value] of chunk.getColumnValues(index).entries())
          rows[row]![index] = value === null ? null : text(value);
      count += rows.length;
      await query.rows(rows);
    }
  };

  return {
    /**
     * Runs one query and hands its rows on as they come; memory does not grow with the result.
     * @throws PregaoError HIVE_BAD_DATA, NOT_SUPPORTED, …; the signal's reason when it was aborted; DuckDB's own errors.
     */
    run: async (query: Query): Promise<QueryFigures> => {
      query.signal.throwIfAborted();
      const one = await warm();
      let repeat: NodeJS.Timeout | undefined;
      const stop = () => {
        one.session.interrupt();
        repeat ??= setInterval(() => one.session.interrupt(), INTERRUPT_MS);
      };
      query.signal.addEventListener("abort", stop);
      let usable = true;
      try {
        for (const table of query.tables) await look(one, table);
        query.signal.throwIfAborted();
        const rows = await stream(one, query);
        const files = query.tables.flatMap((table) => table.partitions.flatMap((partition) => partition.files));
        return { rows, scannedBytes: files.reduce((sum, file) => sum + file.size, 0) };
      } catch (error) {
        // After a fatal error DuckDB refuses everything else in that database.
        usable = !/FATAL|database has been invalidated|INTERNAL/i.test((error as Error).message);
        query.signal.throwIfAborted();
        throw error;
      } finally {
        query.signal.removeEventListener("abort", stop);
        clearInterval(repeat);
        if (usable) idle.push(one);
        else {
          all.delete(one);
          one.session.close();
        }
      }
    },
    /** Frees every database. Await what is running first. */
    close: () => {
      for (const { session } of all) session.close();
      all.clear();
      idle.length = 0;
    },
  };
};

export type Queries = ReturnType<typeof openQueries>;
