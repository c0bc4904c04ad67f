import { readFileSync } from "node:fs";
import { DuckDBInstance, type DuckDBValue } from "@duckdb/node-api";
import { speller } from "../packages/engines/duckdb/text.ts";
import { translateQuery } from "../packages/trino/index.ts";

/**
 * What real Trino 435 answered, statement by statement: columns with types and rows, or its error. A case is added by
 * adding a line (test/engines/trino-answers.ts makes it).
 */
export type Case = { sql: string; columns: string[]; rows: (string | null)[][] } | { sql: string; error: string };

const folder = new URL("./fixtures/trino/", import.meta.url);
const lines = <T>(name: string): T[] =>
  readFileSync(new URL(name, folder), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
export const cases = lines<Case>("answers.jsonl");
export const source: { columns: [string, string][]; rows: string[] } = JSON.parse(
  readFileSync(new URL("t.json", folder), "utf8"),
);

export const catalogue = {
  database: "db",
  table: (database: string, name: string) =>
    database === "db" && name === "t" ? { columns: source.columns.map(([name, type]) => ({ name, type })) } : null,
};

/** A scalar's text as the fixtures have it. */
const spelled = (value: unknown, type: string): string | null => {
  if (value === null) return null;
  if (type === "double") return Object.is(value, -0) ? "-0" : String(Number(value));
  const precision = Number(/^timestamp\((\d)\)$/.exec(type)?.[1] ?? -1);
  if (precision < 0) return String(value);
  const [moment, fraction = ""] = String(value).split(".");
  return precision ? `${moment}.${fraction.padEnd(precision, "0")}` : moment!;
};
/** Types that the product's own speller must print as Athena does. */
const composed = /^(array|map|row)\(|^interval|time zone$/;
/** DuckDB's type for a scalar of Trino, by name alone. */
const held = (type: string): string =>
  type
    .replace(/^(varchar|json).*/, "varchar")
    .replace(/^timestamp.*/, "timestamp")
    .replace("unknown", "integer")
    .toUpperCase();

/** The fixtures' table in DuckDB. */
export const openTable = async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const duckdb = await instance.connect();
  const columns = source.columns.map(([name, type]) => `${name} ${type.replace("string", "varchar")}`).join(", ");
  await duckdb.run(
    `SET TimeZone = 'UTC'; CREATE SCHEMA db; CREATE TABLE db.t(${columns}); INSERT INTO db.t VALUES ${source.rows.join(", ")}`,
  );
  return {
    /** Our answer; `held` are DuckDB's types and `faithful` those that they must be. */
    answer: async (sql: string) => {
      const translated = translateQuery(sql, catalogue);
      const reader = await duckdb.runAndReadAll(translated.sql);
      const types = translated.columns.map(({ type }) => type);
      const came = reader.columnTypes();
      const spell = types.map((type, index) => (composed.test(type) ? speller("c", type, came[index]!) : null));
      const values = reader.getRows() as DuckDBValue[][];
      const rows = (reader.getRowsJson() as unknown[][]).map((row, line) =>
        row.map((cell, index) => {
          const value = values[line]![index]!;
          return spell[index] && value !== null ? spell[index](value) : spelled(cell, types[index]!);
        }),
      );
      return {
        columns: translated.columns,
        rows,
        held: came.map(String).filter((_, index) => !spell[index]),
        faithful: types.filter((_, index) => !spell[index]).map(held),
        tables: translated.tables,
      };
    },
    close: () => {
      duckdb.closeSync();
      instance.closeSync();
    },
  };
};

/** Rows of a statement without ORDER BY are a set. */
export const inOrder = (sql: string, rows: (string | null)[][]) =>
  /order by/i.test(sql) ? rows : rows.map((row) => JSON.stringify(row)).sort();
