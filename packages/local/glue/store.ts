import type { SQLInputValue } from "node:sqlite";
import type { State } from "../state.ts";
import type { PartitionKey } from "./expression.ts";

/** Hive's name, in the catalog and in paths, for "this row has no value of the key". */
export const NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

/** A table as the catalog keeps it: `body` is what GetTable answers. */
export type StoredTable = {
  database: string;
  name: string;
  body: Record<string, unknown>;
  keys: PartitionKey[];
};
export type StoredPartition = { values: string[]; body: Record<string, unknown> };

type Row = Record<string, unknown>;

/**
 * The catalog's rows. A partition's primary key is its list of values as JSON, which is also the order in which they
 * are listed and paged.
 */
export const catalogStore = (state: State) => {
  state.db.exec(`
    CREATE TABLE IF NOT EXISTS glue_databases (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS glue_tables (
      database TEXT NOT NULL REFERENCES glue_databases(name) ON DELETE CASCADE,
      name TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (database, name)) STRICT;
    CREATE TABLE IF NOT EXISTS glue_versions (
      database TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (database, name, version),
      FOREIGN KEY (database, name) REFERENCES glue_tables(database, name) ON DELETE CASCADE) STRICT;
    CREATE TABLE IF NOT EXISTS glue_partitions (
      database TEXT NOT NULL, name TEXT NOT NULL, vals TEXT NOT NULL, location TEXT, body TEXT NOT NULL,
      PRIMARY KEY (database, name, vals),
      FOREIGN KEY (database, name) REFERENCES glue_tables(database, name) ON DELETE CASCADE) STRICT;
  `);
  const prepared = new Map<string, ReturnType<State["db"]["prepare"]>>();
  const statement = (sql: string) => {
    let found = prepared.get(sql);
    if (!found) {
      found = state.db.prepare(sql);
      prepared.set(sql, found);
    }
    return found;
  };
  const one = (sql: string, ...values: SQLInputValue[]): Row | undefined => statement(sql).get(...values);
  const all = (sql: string, ...values: SQLInputValue[]): Row[] => statement(sql).all(...values);
  const run = (sql: string, ...values: SQLInputValue[]): number => Number(statement(sql).run(...values).changes);

  const tableOf = (row: Row): StoredTable => {
    const body = JSON.parse(row.body as string) as StoredTable["body"];
    const keys = (body.PartitionKeys ?? []) as { Name: string; Type?: string }[];
    return {
      database: row.database as string,
      name: row.name as string,
      body,
      keys: keys.map((key) => ({ name: key.Name, type: key.Type ?? "string" })),
    };
  };
  const partitionOf = (row: Row): StoredPartition => ({
    values: JSON.parse(row.vals as string) as string[],
    body: JSON.parse(row.body as string) as StoredPartition["body"],
  });

  // Readers of whole tables (every query does) would otherwise parse thousands of rows each time.
  const lists = new Map<string, { values: (string | null)[]; location: string }[]>();
  const changed = (database: string, name: string) => lists.delete(`${database}\n${name}`);

  return {
    database: (name: string) => {
      const row = one("SELECT body FROM glue_databases WHERE name = ?", name);
      return row ? (JSON.parse(row.body as string) as Record<string, unknown>) : null;
    },
    /** Databases after a name, in order. */
    databases: (after: string | null, limit: number) =>
      all("SELECT body FROM glue_databases WHERE name > ? ORDER BY name LIMIT ?", after ?? "", limit).map(
        (row) => JSON.parse(row.body as string) as Record<string, unknown>,
      ),
    putDatabase: (name: string, body: object) =>
      run(
        "INSERT INTO glue_databases (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        name,
        JSON.stringify(body),
      ),
    deleteDatabase: (name: string) => {
      lists.clear();
      return run("DELETE FROM glue_databases WHERE name = ?", name) > 0;
    },

    table: (database: string, name: string): StoredTable | null => {
      const row = one("SELECT database, name, body FROM glue_tables WHERE database = ? AND name = ?", database, name);
      return row ? tableOf(row) : null;
    },
    tables: (database: string, after: string | null, limit: number): StoredTable[] =>
      all(
        "SELECT database, name, body FROM glue_tables WHERE database = ? AND name > ? ORDER BY name LIMIT ?",
        database,
        after ?? "",
        limit,
      ).map(tableOf),
    /** Writes the table and, with `archive`, keeps what it was as a version. */
    putTable: (database: string, name: string, version: number, body: object, archive: boolean) => {
      changed(database, name);
      if (archive)
        run(
          "INSERT OR REPLACE INTO glue_versions (database, name, version, body) SELECT database, name, version, body FROM glue_tables WHERE database = ? AND name = ?",
          database,
          name,
        );
      run(
        "INSERT INTO glue_tables (database, name, version, body) VALUES (?, ?, ?, ?) ON CONFLICT (database, name) DO UPDATE SET version = excluded.version, body = excluded.body",
        database,
        name,
        version,
        JSON.stringify(body),
      );
    },
    deleteTable: (database: string, name: string) => {
      changed(database, name);
      return run("DELETE FROM glue_tables WHERE database = ? AND name = ?", database, name) > 0;
    },
    /** Older versions, newest first. */
    versions: (database: string, name: string) =>
      all(
        "SELECT version, body FROM glue_versions WHERE database = ? AND name = ? ORDER BY version DESC",
        database,
        name,
      ).map((row) => ({
        version: row.version as number,
        body: JSON.parse(row.body as string) as Record<string, unknown>,
      })),

    partition: (table: StoredTable, values: readonly string[]): StoredPartition | null => {
      const row = one(
        "SELECT vals, body FROM glue_partitions WHERE database = ? AND name = ? AND vals = ?",
        table.database,
        table.name,
        JSON.stringify(values),
      );
      return row ? partitionOf(row) : null;
    },
    /** Keys of partitions after a key, in order: what a page is chosen from. */
    partitionKeys: (table: StoredTable, after: string | null): string[] =>
      all(
        "SELECT vals FROM glue_partitions WHERE database = ? AND name = ? AND vals > ? ORDER BY vals",
        table.database,
        table.name,
        after ?? "",
      ).map((row) => row.vals as string),
    putPartition: (table: StoredTable, values: readonly string[], location: string | null, body: object) => {
      changed(table.database, table.name);
      run(
        "INSERT INTO glue_partitions (database, name, vals, location, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (database, name, vals) DO UPDATE SET location = excluded.location, body = excluded.body",
        table.database,
        table.name,
        JSON.stringify(values),
        location,
        JSON.stringify(body),
      );
    },
    deletePartition: (table: StoredTable, values: readonly string[]): boolean => {
      changed(table.database, table.name);
      return (
        run(
          "DELETE FROM glue_partitions WHERE database = ? AND name = ? AND vals = ?",
          table.database,
          table.name,
          JSON.stringify(values),
        ) > 0
      );
    },
    /** Every partition's values (null: Hive's default partition) and location, in order. Do not change the answer. */
    locations: (database: string, name: string): readonly { values: (string | null)[]; location: string }[] => {
      const key = `${database}\n${name}`;
      const known = lists.get(key);
      if (known) return known;
      const list = all(
        "SELECT vals, location FROM glue_partitions WHERE database = ? AND name = ? ORDER BY vals",
        database,
        name,
      ).map((row) => ({
        values: (JSON.parse(row.vals as string) as string[]).map((value) => (value === NO_VALUE ? null : value)),
        location: (row.location as string | null) ?? "",
      }));
      // A transaction that is still open may be rolled back: what it wrote is not kept.
      if (!state.db.isTransaction) lists.set(key, list);
      return list;
    },
  };
};

export type CatalogStore = ReturnType<typeof catalogStore>;
