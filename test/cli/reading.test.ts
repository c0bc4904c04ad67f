import { expect, test } from "vitest";
import { isReading, type Question } from "../../packages/cli/query.ts";

const asking = (sql: string): Question => ({ sql, parameters: [], format: "table", file: null, reuse: null });

test.each([
  "SELECT 1",
  "  select * from t",
  "-- what is there\nSELECT 1",
  "/* a\n b */ (SELECT 1) UNION SELECT 2",
  "WITH a AS (SELECT 1) SELECT * FROM a",
  "VALUES 1",
  "TABLE t",
  "SHOW TABLES",
  "DESCRIBE t",
  "EXPLAIN SELECT 1",
])("%j only asks: nobody need be told of the stage", (sql) => {
  expect(isReading(asking(sql))).toBe(true);
});

test.each([
  "INSERT INTO t SELECT 1",
  "CREATE TABLE t AS SELECT 1",
  "CREATE OR REPLACE VIEW v AS SELECT 1",
  "DROP TABLE t",
  "UNLOAD (SELECT 1) TO 's3://x/'",
  "-- SELECT\nDROP TABLE t",
  "/* SELECT 1 */ DELETE FROM t",
  "EXPLAIN ANALYZE INSERT INTO t SELECT 1",
  "EXECUTE something",
  "selected",
  "",
])("%j may change something, or is not known not to: the stage is told first", (sql) => {
  expect(isReading(asking(sql))).toBe(false);
});
