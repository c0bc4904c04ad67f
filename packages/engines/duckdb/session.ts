import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue, type Json } from "@duckdb/node-api";

/** Positional (`?`, `$1`) or named (`$name`) parameters. */
export type Params = DuckDBValue[] | Record<string, DuckDBValue>;

/** A row as {@link Session.rows} gives it: see there for the spelling of each type. */
export type SqlRow = Record<string, Json>;

/** An in-memory database of its own, with one connection. Not for two statements at once: open another session. */
export type Session = {
  /** Runs one or more statements for their effect. Parameters bind to the last one. */
  run: (sql: string, params?: Params) => Promise<void>;
  /**
   * All rows of a query, as objects by column name. Exact: decimals, BIGINT and wider (so `count(*)` and `sum` of
   * integers, too) are strings of digits, dates and timestamps text as DuckDB prints them (`2024-11-08`,
   * `2024-11-08 22:11:00.123`), INTEGER and DOUBLE numbers, lists arrays, absent null.
   */
  rows: <T extends SqlRow = SqlRow>(sql: string, params?: Params) => Promise<T[]>;
  /** For appenders and streaming. */
  connection: DuckDBConnection;
  /** Makes the statement that is running fail soon, from another turn of the event loop. */
  interrupt: () => void;
  /** Frees everything and deletes what was spilled. Await what is running first. Closing twice does nothing. */
  close: () => void;
};

export type SessionOptions = {
  /** DuckDB's memory limit, e.g. `"2GB"`; what does not fit spills to `scratch`. */
  memory?: string;
  threads?: number;
  /** A folder for temporary files, created if missing. Each session spills into a folder of its own below it. */
  scratch: string;
};

/**
 * The one place where DuckDB is opened. It never reaches for the network (extensions are neither installed nor loaded
 * by themselves), spills only below `scratch`, and reads and writes instants as UTC whatever TZ says.
 */
export const openSession = async ({ memory = "2GB", threads, scratch }: SessionOptions): Promise<Session> => {
  mkdirSync(scratch, { recursive: true });
  // Two databases in one temp_directory would give their spill files the same names.
  const spill = mkdtempSync(join(scratch, "duckdb-"));
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: memory,
    ...(threads === undefined ? {} : { threads: String(threads) }),
    temp_directory: spill,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  let open = true;
  return {
    connection,
    run: async (sql, params) => {
      await connection.run(sql, params);
    },
    rows: async <T extends SqlRow>(sql: string, params?: Params) =>
      (await connection.runAndReadAll(sql, params)).getRowObjectsJson() as T[],
    interrupt: () => connection.interrupt(),
    close: () => {
      if (!open) return;
      open = false;
      connection.closeSync();
      instance.closeSync();
      rmSync(spill, { recursive: true, force: true });
    },
  };
};

/** A name as SQL spells it, whatever is in it. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** A text as SQL spells it, for the places where parameters are not allowed (COPY … TO). */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
