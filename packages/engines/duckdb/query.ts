import { footerReader } from "./footers.ts";
import { type Keeping, type KeptFile, keepRows } from "./keep.ts";
import { relation, type TableSource } from "./relation.ts";
import { openSession, quoted, type Session, type SessionOptions } from "./session.ts";
import { type Spell, speller } from "./text.ts";

export type { Keeping, KeptFile } from "./keep.ts";
export type { Field, FieldType, TableFile, TablePartition, TableSource } from "./relation.ts";

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

/** An interrupt that comes before DuckDB has begun is lost, so it is said again, milliseconds apart. */
const INTERRUPT_MS = 20;

/** Runs translated queries over lists of Parquet files, in warm databases: one for each query at a time. */
export const openQueries = (options: SessionOptions) => {
  type Warm = { session: Session; views: Map<string, string> };
  const idle: Warm[] = [];
  const all = new Set<Warm>();
  const learn = footerReader();

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

  /** Makes the session's view of a table, unless it is the one it has. */
  const look = async ({ session, views }: Warm, table: TableSource) => {
    const name = `${quoted(table.database)}.${quoted(table.name)}`;
    const key = JSON.stringify(table);
    if (views.get(name) === key) return;
    const learned = await learn(
      session,
      table.partitions.flatMap((partition) => partition.files),
    );
    const sql = relation(table, learned);
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

  /** Does `work` in a database of its own that has these tables. An abort interrupts it. */
  const using = async <T>(
    { tables, signal }: Pick<Query, "tables" | "signal">,
    work: (one: Warm) => Promise<T>,
  ): Promise<T> => {
    signal.throwIfAborted();
    const one = await warm();
    let repeat: NodeJS.Timeout | undefined;
    const stop = () => {
      one.session.interrupt();
      repeat ??= setInterval(() => one.session.interrupt(), INTERRUPT_MS);
    };
    signal.addEventListener("abort", stop);
    let usable = true;
    try {
      for (const table of tables) await look(one, table);
      signal.throwIfAborted();
      return await work(one);
    } catch (error) {
      // After a fatal error DuckDB refuses everything else in that database.
      usable = !/FATAL|database has been invalidated|INTERNAL/i.test((error as Error).message);
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      clearInterval(repeat);
      if (usable) idle.push(one);
      else {
        all.delete(one);
        one.session.close();
      }
    }
  };
  const bytesOf = (tables: readonly TableSource[]): number =>
    tables
      .flatMap((table) => table.partitions.flatMap((partition) => partition.files))
      .reduce((sum, file) => sum + file.size, 0);

  return {
    /**
     * Runs one query and hands its rows on as they come; memory does not grow with the result.
     * @throws PregaoError HIVE_BAD_DATA, NOT_SUPPORTED, …; the signal's reason when it was aborted; DuckDB's own errors.
     */
    run: (query: Query): Promise<QueryFigures> =>
      using(query, async (one) => ({ rows: await stream(one, query), scannedBytes: bytesOf(query.tables) })),
    /** Runs one query and writes its rows as Parquet; throws as `run` does. */
    keep: (keeping: Keeping): Promise<QueryFigures & { files: KeptFile[] }> =>
      using(keeping, async ({ session }) => ({
        ...(await keepRows(session, keeping)),
        scannedBytes: bytesOf(keeping.tables),
      })),
    /** DuckDB's plan of a query, as text. */
    plan: (query: Pick<Query, "sql" | "tables" | "signal">): Promise<string> =>
      using(query, async ({ session }) => {
        const rows = await session.rows<{ explain_value: string }>(`EXPLAIN ${query.sql}`);
        return rows.map((row) => row.explain_value).join("\n");
      }),
    /** Frees every database. Await what is running first. */
    close: () => {
      for (const { session } of all) session.close();
      all.clear();
      idle.length = 0;
    },
  };
};

export type Queries = ReturnType<typeof openQueries>;
