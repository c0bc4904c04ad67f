import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import type { TableSource } from "./relation.ts";
import { literal, quoted, type Session } from "./session.ts";
import { speller } from "./text.ts";

/** Rows that are to be kept as Parquet files. */
export type Keeping = {
  /** DuckDB's SQL; it calls its columns c1, c2 … */
  sql: string;
  /** The files' columns, then the partition keys, with Trino's types. */
  columns: readonly { name: string; type: string }[];
  /** How many of the columns, at the end, are partition keys: they are in no file. */
  keys: number;
  tables: readonly TableSource[];
  /** The files are written here, under numbers. */
  folder: string;
  compression: "snappy" | "gzip" | "zstd" | "uncompressed";
  /** Partitions at most. */
  most: number;
  signal: AbortSignal;
};

/** A file and the values of the partition keys that its rows have, as text; null is no value. */
export type KeptFile = { path: string; values: (string | null)[] };

const KEPT = quoted("kept rows");

/** DuckDB's type that a file's column is written in. */
const written = (type: string): string => {
  if (type.startsWith("varchar")) return "VARCHAR";
  return type === "timestamp(3)" ? "TIMESTAMP" : type === "real" ? "FLOAT" : type.toUpperCase();
};

/**
 * Writes a query's rows as Parquet, one file for each partition and none for no rows. What the query gives must be a
 * faithful form of its Trino type, as when it is printed.
 * @throws PregaoError HIVE_TOO_MANY_OPEN_PARTITIONS, NOT_SUPPORTED
 */
export const keepRows = async (session: Session, of: Keeping): Promise<{ rows: number; files: KeptFile[] }> => {
  try {
    await session.run(`CREATE OR REPLACE TEMP TABLE ${KEPT} AS ${of.sql}`);
    of.signal.throwIfAborted();
    const shape = await session.connection.run(`SELECT * FROM ${KEPT} LIMIT 0`);
    for (const [index, { name, type }] of of.columns.entries()) speller(name, type, shape.columnType(index));
    const [counted] = await session.rows<{ n: string }>(`SELECT count(*) AS n FROM ${KEPT}`);
    const rows = Number(counted!.n);
    const stored = of.columns.length - of.keys;
    const items = of.columns
      .slice(0, stored)
      .map(({ name, type }, index) => `CAST("c${index + 1}" AS ${written(type)}) AS ${quoted(name)}`);
    const keys = Array.from({ length: of.keys }, (_, n) => `CAST("c${stored + n + 1}" AS VARCHAR)`);
    const partitions = of.keys
      ? await session.rows<Record<string, string | null>>(
          `SELECT DISTINCT ${keys.map((key, n) => `${key} AS "k${n}"`).join(", ")} FROM ${KEPT} ORDER BY ALL LIMIT ${of.most + 1}`,
        )
      : rows > 0
        ? [{}]
        : [];
    if (partitions.length > of.most)
      throw new PregaoError(
        "HIVE_TOO_MANY_OPEN_PARTITIONS",
        `Exceeded limit of ${of.most} open writers for partitions/buckets`,
      );
    mkdirSync(of.folder, { recursive: true });
    const files: KeptFile[] = [];
    for (const partition of partitions) {
      of.signal.throwIfAborted();
      const values = keys.map((_, n) => (partition as Record<string, string | null>)[`k${n}`] ?? null);
      const path = join(of.folder, `${files.length}.parquet`);
      const where = keys.map(
        (key, n) => `${key} IS NOT DISTINCT FROM ${values[n] === null ? "NULL" : literal(values[n]!)}`,
      );
      await session.run(
        `COPY (SELECT ${items.join(", ")} FROM ${KEPT}${where.length ? ` WHERE ${where.join(" AND ")}` : ""}) TO ${literal(path)} (FORMAT parquet, COMPRESSION ${of.compression})`,
      );
      files.push({ path, values });
    }
    return { rows, files };
  } finally {
    await session.run(`DROP TABLE IF EXISTS ${KEPT}`).catch(() => {});
  }
};
