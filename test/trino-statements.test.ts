import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Catalogue, Refusal, translate } from "../packages/trino/index.ts";

const catalogue: Catalogue = {
  database: "db",
  table: (database, name) => {
    if (database === "db" && name === "t")
      return {
        columns: [
          { name: "a", type: "string" },
          { name: "n", type: "int" },
          { name: "year", type: "string" },
        ],
      };
    if (database !== "db" || name !== "v") return null;
    const view = {
      sql: "SELECT a, n FROM t",
      catalogue: null,
      database: "db",
      columns: [
        { name: "a", type: "varchar" },
        { name: "n", type: "bigint" },
      ],
    };
    return { columns: [{ name: "dummy", type: "string" }], view };
  },
  prepared: (name) => (name === "p" ? "SELECT a FROM t WHERE n = ?" : null),
};
const of = (sql: string, parameters: string[] = []) => translate(sql, catalogue, parameters);

test.each([
  ["SHOW TABLES IN other 'x*'", { kind: "show tables", database: "other", pattern: "x*" }],
  ["SHOW DATABASES", { kind: "show databases" }],
  ["SHOW SCHEMAS LIKE 'b*'", { kind: "show databases", pattern: "b*" }],
  ["SHOW VIEWS FROM other LIKE 'v*'", { kind: "show views", database: "other", pattern: "v*" }],
  ["SHOW PARTITIONS t", { kind: "show partitions", database: "db", name: "t" }],
  ["SHOW COLUMNS FROM t IN db", { kind: "show columns", name: "t" }],
  ['show create table "AwsDataCatalog".DB.T', { kind: "show create table", database: "db", name: "t" }],
  ["SHOW CREATE VIEW v;", { kind: "show create view", name: "v" }],
  ["SHOW TBLPROPERTIES t('k')", { kind: "show table properties", name: "t", property: "k" }],
  ["DESC t", { kind: "describe", name: "t" }],
  ["DROP VIEW IF EXISTS x.v", { kind: "drop view", database: "x", name: "v", ifExists: true }],
  ["DROP TABLE nothing", { kind: "drop table", name: "nothing", ifExists: false }],
  [
    "PREPARE q FROM /* x */ SELECT a\nFROM t WHERE n = ? AND a = ?;",
    { kind: "prepare", name: "q", text: "SELECT a\nFROM t WHERE n = ? AND a = ?" },
  ],
  ["DEALLOCATE PREPARE q", { kind: "deallocate", name: "q" }],
  ["EXECUTE p USING 1 + 1", { kind: "select", columns: [{ name: "a", type: "varchar" }] }],
  [
    "UNLOAD (SELECT a FROM t) TO 's3://b/p' WITH (format = 'PARQUET', partitioned_by = ARRAY['a', 'b'], x = 3, y = true)",
    {
      kind: "unload",
      location: "s3://b/p",
      properties: { format: "PARQUET", partitioned_by: ["a", "b"], x: 3, y: true },
    },
  ],
])("%s is understood", (sql, wanted) => {
  expect(of(sql)).toMatchObject(wanted);
});

test("a view's text is the query as it was written, without what comes before and after it", () => {
  const text = "WITH x AS (SELECT a -- ;\nFROM t) SELECT 'é;' AS s, \"a\" FROM x /* fim */ ORDER BY 1";
  expect(of(`CREATE OR REPLACE VIEW\n  other.w COMMENT 'c' SECURITY INVOKER AS\n\n${text}\n ; `)).toEqual({
    kind: "create view",
    database: "other",
    name: "w",
    replace: true,
    comment: "c",
    text,
    columns: [
      { name: "s", type: "varchar(2)" },
      { name: "a", type: "varchar" },
    ],
  });
});

test("a view is read in its own types, by its own names, and only its tables are read", () => {
  const read = of('SELECT x.n, v.a FROM v AS x JOIN "awsdatacatalog"."db"."v" ON v.a = x.a');
  expect(read).toMatchObject({
    columns: [
      { name: "n", type: "bigint" },
      { name: "a", type: "varchar" },
    ],
    tables: [{ database: "db", name: "t" }],
  });
  expect(of("SELECT q FROM v AS x(p, q)")).toMatchObject({ columns: [{ name: "q", type: "bigint" }] });
  expect(() => of("SELECT dummy FROM v")).toThrow("column dummy does not exist");
  expect(() => of('SELECT "$path" FROM v')).toThrow("$path does not exist");
});

test("rows that are kept come as c1, c2 …, under whatever names they go", () => {
  const made = of('CREATE TABLE x (p, "Q") AS SELECT a, n FROM t');
  expect(made).toMatchObject({
    kind: "create table",
    data: true,
    answer: {
      sql: expect.stringContaining('AS "c2"'),
      columns: [
        { name: "p", type: "varchar" },
        { name: "q", type: "integer" },
      ],
    },
  });
  const inserted = of("INSERT INTO t (year, n) (SELECT '2024', CAST(1 AS tinyint))");
  expect(inserted).toMatchObject({
    answer: {
      columns: [
        { name: "a", type: "varchar" },
        { name: "n", type: "integer" },
        { name: "year", type: "varchar" },
      ],
    },
  });
  expect((inserted as { answer: { sql: string } }).answer.sql).toContain('CAST(NULL AS VARCHAR) AS "c1"');
});

describe("a statement is refused with the place of what is wrong", () => {
  test.each([
    ["PREPARE q FROM\n SELEC 1", "line 2:2"],
    ["PREPARE q FROM SELECT ? AS a", "line 1:23: a parameter (?) outside WHERE is not answered locally"],
    ["PREPARE q FROM PREPARE r FROM SELECT 1", "expected SELECT, INSERT INTO, CREATE TABLE AS or UNLOAD, came PREPARE"],
    ["EXECUTE p", "Incorrect number of parameters: expected 1 but found 0"],
    ["EXECUTE p USING ?", "expected 1 but found 0"],
    ["EXECUTE p USING n", "Constant expression cannot contain column references"],
    ["EXECUTE IMMEDIATE 'SELECT 1'", "EXECUTE IMMEDIATE is not answered locally"],
    ["CREATE VIEW v2 AS SELECT 1 AS a; DROP TABLE t", "line 1:34: more than one statement"],
    ["CREATE MATERIALIZED VIEW v2 AS SELECT 1 AS a", "CREATE MATERIALIZED is not answered locally"],
    ["CREATE OR REPLACE TABLE v2 AS SELECT 1 AS a", "is not answered locally"],
    ["CREATE EXTERNAL TABLE x (a int)", "CREATE EXTERNAL is not answered locally"],
    ["CREATE TABLE x WITH (a = 1, a = 2) AS SELECT 1 AS a", "line 1:29: property a is given twice"],
    ["CREATE TABLE x WITH (a = (1)) AS SELECT 1 AS a", "expected a text, a number, true, false or ARRAY['…']"],
    ["CREATE TABLE x WITH (partitioned_by = ARRAY['a', 'A']) AS SELECT 1 AS a", "expected each name once"],
    ["CREATE TABLE hive.db.x AS SELECT 1 AS a", "catalogue hive is not answered locally"],
    ["DROP DATABASE db", "DROP DATABASE is not answered locally"],
    ["SHOW FUNCTIONS", "SHOW FUNCTIONS is not answered locally"],
    ["EXPLAIN SHOW TABLES", "EXPLAIN of SHOW TABLES is not answered locally"],
    ["EXPLAIN EXPLAIN SELECT 1", "EXPLAIN of EXPLAIN is not answered locally"],
    ["UNLOAD SELECT 1 TO 's3://b/'", "line 1:8: expected (, came"],
    ["INSERT INTO v SELECT 1", "Inserting into views is not supported"],
    ["INSERT INTO t (a, a) SELECT 'x', 'y'", "specified more than once: a"],
    ["DELETE FROM t", "DELETE is not answered locally"],
  ])("%s", (sql, reason) => {
    expect(() => of(sql)).toThrow(Refusal);
    expect(() => of(sql)).toThrow(reason);
  });
});

const words = ["CREATE", "OR", "REPLACE", "VIEW", "TABLE", "AS", "SELECT 1 AS a", "SELECT a FROM v", "t", "v", "x", "DROP", "IF", "EXISTS", "INSERT", "INTO", "UNLOAD", "(", ")", "TO", "'s3://b/'", "WITH", "(format = 'PARQUET')", "EXPLAIN", "(TYPE VALIDATE)", "PREPARE", "FROM", "EXECUTE", "p", "USING", "1", ",", "?", "DEALLOCATE", "SHOW", "COLUMNS", "IN", "DESCRIBE", ";", "WHERE", "n = ?"]; // biome-ignore format: a list

test("no text makes a statement fail otherwise than by a Refusal", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...words), { maxLength: 16 }).map((list) => list.join(" ")),
      fc.array(fc.oneof(fc.string(), fc.constantFrom("1", "'x'", "DATE '2024-01-01'")), { maxLength: 2 }),
      (statement, parameters) => {
        try {
          of(statement, parameters);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
