import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Refusal, translateQuery as translate } from "../packages/trino/index.ts";
import { cases, catalogue, inOrder, openTable, source } from "./trino-table.ts";

let table: Awaited<ReturnType<typeof openTable>>;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());
const answer = (sql: string) => table.answer(sql);

describe("answers as Trino 435 does", () => {
  test.each(cases.filter((one) => "rows" in one))("$sql", async ({ sql, columns, rows }) => {
    const ours = await answer(sql);
    expect(ours.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(columns);
    expect(inOrder(sql, ours.rows)).toEqual(inOrder(sql, rows));
    expect(ours.held).toEqual(ours.faithful);
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
    ["SELECT corr(total_negocios, ratio) FROM t", /corr\(integer, double\)/],
    ["SELECT try(round(ratio)) FROM t", /try\(\) of anything but/],
    ["SELECT\n  foo(1)", /line 2:3: function 'foo' not registered/],
    ["SELECT ST_Area(1)", /function st_area is not answered locally/],
    ["SELECT skewness(ratio) FROM t", /function skewness is not answered locally/],
    ["SELECT regexp_like(ticker, '\\p{L}') FROM t", /\\p in the regular expression/],
    ["SELECT regexp_like(ticker, '(?s).') FROM t", /\(\?… in the regular expression/],
    ["SELECT regexp_replace(ticker, 'a*', '') FROM t", /of what may be empty/],
    ["SELECT regexp_like(ticker, year) FROM t", /regexp_like/],
    ["SELECT date_format(data_pregao, '%v') FROM t", /date_format with %v/],
    ["UPDATE t SET a = 1", /UPDATE/],
    ["SELECT 1; SELECT 2", /more than one statement/],
    ["WITH RECURSIVE a(x) AS (SELECT 1) SELECT * FROM a", /WITH RECURSIVE/],
    ["SELECT now() AT TIME ZONE ticker FROM t", /AT TIME ZONE of anything but a zone in quotes/],
    ["SELECT ARRAY[now()]", /a result of type array\(timestamp\(3\) with time zone\)/],
    ["SELECT histogram(ARRAY[1]) FROM t", /array\(integer\)/],
    ["SELECT NOT ((ticker, year) IN (SELECT ticker, year FROM t)) FROM t", /other than as a condition that must hold/],
    ["SELECT json_extract('{}', '$.*')", /the JSON path/],
    ["SELECT transform(ARRAY[1], x -> (SELECT x))", /a subquery in a lambda/],
    ["SELECT TRY_CAST(ARRAY['x'] AS array(integer))", /TRY_CAST to array/],
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
      expect(error).toMatchObject({ code: "column_not_found", details: { line: 2, column: 3 } });
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
