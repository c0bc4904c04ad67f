import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { expect, test } from "vitest";
import { daySecondText, inHashOrder, partsOf, yearMonthText } from "../packages/engines/duckdb/nested.ts";
import { translateQuery } from "../packages/trino/index.ts";
import { catalogue } from "./trino-table.ts";

test("a type's parts are not cut at the commas of what lies inside", () => {
  expect(
    partsOf("row(x decimal(18,2), y map(varchar, array(row(integer, varchar(3)))), interval day to second)"),
  ).toEqual({
    kind: "row",
    parts: [
      { name: "x", type: "decimal(18,2)" },
      { name: "y", type: "map(varchar, array(row(integer, varchar(3))))" },
      { name: null, type: "interval day to second" },
    ],
  });
  expect(partsOf("row(timestamp(3) with time zone, t timestamp(3))")?.parts).toEqual([
    { name: null, type: "timestamp(3) with time zone" },
    { name: "t", type: "timestamp(3)" },
  ]);
  expect(partsOf("varchar(3)")).toBeNull();
});

test("a map is printed in the order of Java's HashMap, as Athena's documentation shows one", () => {
  const order = (type: string, keys: (string | number | bigint)[]) => inHashOrder(type, keys, (key) => key);
  expect(order("varchar", ["first", "last", "age"])).toEqual(["last", "first", "age"]);
  expect(order("bigint", [9223372036854775807n, -1n, 5000000000n])).toEqual([9223372036854775807n, -1n, 5000000000n]);
  expect(order("integer", [-5, 100000, 16])).toEqual([16, 100000, -5]);
});

test("an interval cast to varchar is written as one in a result", async () => {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const duckdb = await instance.connect();
  const cast = async (interval: string): Promise<unknown> => {
    const { sql } = translateQuery(`SELECT CAST(${interval} AS varchar)`, catalogue);
    return (await duckdb.runAndReadAll(sql)).getRows()[0]![0];
  };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -999_999_999, max: 999_999_999 }), async (n) => {
      expect(await cast(`INTERVAL '${n}' SECOND`)).toBe(daySecondText(BigInt(n) * 1000n));
      expect(await cast(`INTERVAL '${n}' MONTH`)).toBe(yearMonthText(BigInt(n)));
    }),
    { numRuns: 50 },
  );
  duckdb.closeSync();
  instance.closeSync();
});

test("what is inside a statement's result is not mistaken for the text of its zone", () => {
  const { sql, columns } = translateQuery(
    "SELECT x, now() AT TIME ZONE '-03:00' AS m FROM (SELECT 1 x) ORDER BY m",
    catalogue,
  );
  expect(columns).toEqual([
    { name: "x", type: "integer" },
    { name: "m", type: "timestamp(3) with time zone" },
  ]);
  // Ordered by the moment, and only then written as text.
  expect(sql.indexOf("ORDER BY")).toBeGreaterThan(sql.indexOf("strftime"));
  expect(sql).toMatch(/^SELECT .*strftime.* FROM \(.* ORDER BY .*\) AS "q"$/s);
});
