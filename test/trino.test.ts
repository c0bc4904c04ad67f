import { readFileSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Refusal, translate } from "../packages/trino/index.ts";

/**
 * What real Trino 435 answered, statement by statement: columns with types and rows, or its error. A case is added by
 * adding a line. Rows of a statement without ORDER BY are compared as a set.
 */
type Case = { sql: string; columns: string[]; rows: (string | null)[][] } | { sql: string; error: string };
const folder = new URL("./fixtures/trino/", import.meta.url);
const cases: Case[] = readFileSync(new URL("answers.jsonl", folder), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const source: { columns: [string, string][]; rows: string[] } = JSON.parse(
  readFileSync(new URL("t.json", folder), "utf8"),
);

const catalogue = {
  database: "db",
  table: (database: string, name: string) =>
    database === "db" && name === "t" ? { columns: source.columns.map(([name, type]) => ({ name, type })) } : null,
};

/** A value's text as the fixtures have it. */
const spelled = (value: unknown, type: string): string | null => {
  if (value === null) return null;
  if (type === "double") return Object.is(value, -0) ? "-0" : String(Number(value));
  const precision = Number(/^timestamp\((\d)\)$/.exec(type)?.[1] ?? -1);
  if (precision < 0) return String(value);
  const [moment, fraction = ""] = String(value).split(".");
  return precision ? `${moment}.${fraction.padEnd(precision, "0")}` : moment!;
};
/** DuckDB's type for a Trino type, by name alone. */
const held = (type: string): string =>
  type
    .replace(/^varchar.*/, "varchar")
    .replace(/^timestamp.*/, "timestamp")
    .replace("unknown", "integer")
    .toUpperCase();

let instance: DuckDBInstance;
let duckdb: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  duckdb = await instance.connect();
  const columns = source.columns.map(([name, type]) => `${name} ${type.replace("string", "varchar")}`).join(", ");
  await duckdb.run(
    `CREATE SCHEMA db; CREATE TABLE db.t(${columns}); INSERT INTO db.t VALUES ${source.rows.join(", ")}`,
  );
});
afterAll(() => {
  duckdb.closeSync();
  instance.closeSync();
});

const answer = async (sql: string) => {
  const translated = translate(sql, catalogue);
  const reader = await duckdb.runAndReadAll(translated.sql);
  const types = translated.columns.map(({ type }) => type);
  const rows = (reader.getRowsJson() as unknown[][]).map((row) =>
    row.map((cell, index) => spelled(cell, types[index]!)),
  );
  return { columns: translated.columns, rows, held: reader.columnTypes().map(String), tables: translated.tables };
};
const order = (sql: string, rows: (string | null)[][]) =>
  /order by/i.test(sql) ? rows : rows.map((row) => JSON.stringify(row)).sort();

describe("answers as Trino 435 does", () => {
  test.each(cases.filter((one) => "rows" in one))("$sql", async ({ sql, columns, rows }) => {
    const ours = await answer(sql);
    expect(ours.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(columns);
    expect(order(sql, ours.rows)).toEqual(order(sql, rows));
    expect(ours.held).toEqual(ours.columns.map(({ type }) => held(type)));
  });
});

describe("does not answer what Trino refuses", () => {
  test.each(cases.filter((one) => "error" in one))("$sql: $error", async ({ sql }) => {
    await expect(answer(sql)).rejects.toThrow();
  });
});

describe("refuses by name what it is not sure of", () => {
  test.each([
    ["SELECT approx_percentile(ratio, 0.5) FROM t", /line 1:8: function approx_percentile is not answered locally/],
    ["SELECT array_agg(ticker) FROM t", /function array_agg/],
    ["SELECT arbitrary(ticker) FROM t", /function arbitrary/],
    ["SELECT corr(ratio, ratio) FROM t", /function corr/],
    ["SELECT try(1 / 0)", /function try /],
    ["SELECT\n  foo(1)", /line 2:3: function foo/],
    ["SELECT year, count(*) FROM t GROUP BY ROLLUP(year)", /ROLLUP/],
    ["SELECT * FROM UNNEST(ARRAY[1])", /UNNEST/],
    ["SELECT regexp_like(ticker, '\\d') FROM t", /\\d in the regular expression/],
    ["SELECT regexp_like(ticker, year) FROM t", /regexp_like/],
    ["SELECT cast(ratio AS varchar) FROM t", /cast of double to varchar/],
    ["SELECT date_format(data_pregao, '%v') FROM t", /date_format with %v/],
    ["INSERT INTO t VALUES (1)", /INSERT/],
    ["SELECT 1; SELECT 2", /more than one statement/],
    ["WITH RECURSIVE a(x) AS (SELECT 1) SELECT * FROM a", /WITH RECURSIVE/],
    ["SELECT now()", /function now/],
    ["SELECT count(DISTINCT 1) FROM t", /DISTINCT constant/],
    ["SELECT NULL || 'a'", /bare NULL/],
  ])("%s", (sql, message) => {
    const refused = () => translate(sql, catalogue);
    expect(refused).toThrow(Refusal);
    expect(refused).toThrow(message);
  });

  test("names line, column and code", () => {
    try {
      translate("SELECT ticker,\n  nada FROM t", catalogue);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "not_found", details: { line: 2, column: 3 } });
    }
  });

  test("a column of a type that is not answered is refused only where it is used", () => {
    const odd = {
      ...catalogue,
      table: () => ({
        columns: [...source.columns.map(([name, type]) => ({ name, type })), { name: "m", type: "map<string,int>" }],
      }),
    };
    expect(translate("SELECT ticker FROM t", odd).columns).toEqual([{ name: "ticker", type: "varchar" }]);
    expect(() => translate("SELECT * FROM t", odd)).toThrow(/column m of type map<string,int>/);
  });
});

describe("does not mistake the grammar as the transpiler did", () => {
  test("INTERSECT binds tighter than UNION", async () => {
    expect((await answer("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3")).rows).toEqual([["1"]]);
  });
  test("|| binds more loosely than +", () => {
    expect(() => translate("SELECT 'a' || 1 + 2", catalogue)).toThrow(/expected varchar, came integer/);
  });
});

test("names every table that is read, once", async () => {
  const { tables } = translate(
    'SELECT 1 FROM t a, "AwsDataCatalog"."db"."t" b WHERE EXISTS (SELECT 1 FROM db.t)',
    catalogue,
  );
  expect(tables).toEqual([{ database: "db", name: "t" }]);
});

test("keeps a filter on a column as DuckDB can push it down", () => {
  const { sql } = translate("SELECT ticker FROM t WHERE year = '2024' AND volume_total > 10", catalogue);
  expect(sql).toContain(`("r1"."year" = '2024')`);
  expect(sql).toContain(`("r1"."volume_total" > CAST(10 AS DECIMAL(18,2)))`);
});

test("describes and shows from the catalogue", async () => {
  expect((await answer("SHOW COLUMNS IN t")).rows[0]).toEqual(["ticker"]);
  expect((await answer("DESCRIBE db.t;")).rows[2]).toEqual(["preco_ultimo", "decimal(18,6)", ""]);
  expect(translate("SHOW TABLES IN other 'x*'", catalogue)).toMatchObject({
    kind: "show tables",
    database: "other",
    pattern: "x*",
  });
  expect(translate("SHOW PARTITIONS t", catalogue)).toMatchObject({ kind: "show partitions", tables: [{ name: "t" }] });
  expect(translate("SHOW DATABASES", catalogue)).toMatchObject({ kind: "show databases" });
});
