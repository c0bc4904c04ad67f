import fc from "fast-check";
import { expect, test } from "vitest";
import { Refusal, translateQuery as translate } from "../packages/trino/index.ts";

const catalogue = {
  database: "db",
  table: (_: string, name: string) => (name === "t" ? { columns: [{ name: "a", type: "string" }] } : null),
};
const outcome = (statement: string): unknown => {
  try {
    return translate(statement, catalogue).sql;
  } catch (error) {
    return error;
  }
};

const words = ["SELECT", "FROM", "WHERE", "a", "t", "1", "1.5", "'x'", "(", ")", ",", "+", "*", "AND", "NOT", "GROUP BY", "ORDER BY", "OVER", "CASE", "WHEN", "THEN", "END", "IN", "LIKE", "UNION", "WITH", "AS", "count", "sum", ".", "-", "||", "NULL", "JOIN", "ON", ";", '"', "'", "@", "ARRAY[", "]", "[1]", "->", "x", "UNNEST(", "LATERAL (", "ROLLUP(", "CUBE(", "GROUPING SETS(", "ROW(", "MAP(", "AT TIME ZONE", "INTERVAL", "DAY", "filter(", "transform(", "listagg(", "WITHIN GROUP", "grouping(", "ANY", "ALL", "now()", "CAST(", "array(", "row(x", "json", "try(", "WITH TIES", "FETCH FIRST 1 ROW", "INTO", "TABLE"]; // biome-ignore format: a list

test("no text makes it fail otherwise than by a Refusal", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((list) => list.join(" ")),
      ),
      (statement) => {
        const result = outcome(statement);
        expect(typeof result === "string" || result instanceof Refusal).toBe(true);
      },
    ),
    { numRuns: 4000 },
  );
});

test("no function that is not in its table gets through to DuckDB", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        "list_sum",
        "read_csv",
        "read_text",
        "getenv",
        "current_setting",
        "epoch",
        "strftime",
        "len",
        "ifnull",
        "nvl",
        "iff",
        "list_value",
        "string_agg",
        "median",
        "quantile_cont",
        "error",
        "pg_catalog",
      ),
      fc.constantFrom("", "a", "1", "'x'", "a, 1"),
      (name, args) => {
        expect(outcome(`SELECT ${name}(${args}) FROM t`)).toMatchObject({
          name: "Refusal",
          code: "function_not_found",
        });
      },
    ),
  );
});

test("text and names cannot leave their quotes", () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      fc.pre(!value.includes("\0"));
      const { sql } = translate(`SELECT '${value.replaceAll("'", "''")}' AS x`, catalogue);
      expect(sql).toBe(`SELECT '${value.replaceAll("'", "''")}' AS "x"`);
    }),
  );
  expect(translate('SELECT 1 AS "a""b; DROP TABLE t"', catalogue).sql).toBe('SELECT 1 AS "a""b; DROP TABLE t"');
});

test("deep nesting ends in a Refusal, not in a crash", () => {
  const deep = `SELECT ${"(".repeat(20_000)}1${")".repeat(20_000)}`;
  expect(outcome(deep)).toBeInstanceOf(Refusal);
  expect(outcome(`SELECT 1.5${" / 1.7".repeat(400)}`)).toBeInstanceOf(Refusal);
});
