import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ask, declare, openSql } from "./athena.fixture.ts";

const pad = (...cells: string[]) => cells.map((cell) => cell.padEnd(20)).join("\t");

test("DESCRIBE prints Hive's padded lines, one cell each, and the partition keys once more", async () => {
  const stack = await openSql();
  declare(
    stack,
    "flat",
    {},
    {},
    {
      StorageDescriptor: {
        Columns: [{ Name: "a", Type: "array<int>", Comment: "uma lista" }],
        Location: "s3://lake/flat/",
      },
    },
  );
  const { rows, columns, execution } = await ask(stack, "DESCRIBE db.quotes");
  expect(columns).toEqual(["col_name string", "data_type string", "comment string"]);
  expect(rows.map(([line]) => line)).toEqual([
    pad("ticker", "string", ""),
    pad("day", "date", ""),
    pad("close", "decimal(18,2)", ""),
    pad("trades", "int", ""),
    pad("year", "string", ""),
    "\t \t ",
    "# Partition Information\t \t ",
    `# ${pad("col_name", "data_type", "comment")}`,
    "\t \t ",
    pad("year", "string", ""),
  ]);
  const key = execution.ResultConfiguration!.OutputLocation!.slice("s3://results/".length);
  expect(readFileSync(stack.store.path("results", key)!.path, "utf8")).toBe(rows.map(([line]) => `${line}\n`).join(""));
  expect((await ask(stack, "DESC flat")).rows).toEqual([[pad("a", "array<int>", "uma lista")]]);
  await expect(ask(stack, "DESCRIBE FORMATTED quotes")).rejects.toThrow("DESCRIBE FORMATTED is not answered locally");
  await expect(ask(stack, "DESCRIBE gone")).rejects.toThrow("table db.gone does not exist");
});

test("SHOW COLUMNS, TABLES, VIEWS and PARTITIONS name what there is", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW recent AS SELECT 1 AS a");
  expect((await ask(stack, "SHOW COLUMNS IN quotes")).rows.flat()).toEqual(
    ["ticker", "day", "close", "trades", "year"].map((name) => pad(name)),
  );
  expect((await ask(stack, "SHOW TABLES")).rows).toEqual([["quotes"], ["recent"]]);
  expect((await ask(stack, "SHOW TABLES IN db 'q*'")).rows).toEqual([["quotes"]]);
  expect((await ask(stack, "SHOW VIEWS")).rows).toEqual([["recent"]]);
  expect((await ask(stack, "SHOW VIEWS IN db LIKE 'x*|r*'")).rows).toEqual([["recent"]]);
  expect((await ask(stack, "SHOW PARTITIONS quotes")).rows).toEqual([["year=2023"], ["year=2024"]]);
  await expect(ask(stack, "SHOW PARTITIONS recent")).rejects.toThrow("is not a partitioned table");
  await expect(ask(stack, "SHOW VIEWS IN gone")).rejects.toThrow("SCHEMA_NOT_FOUND");
});

test("SHOW CREATE TABLE gives Hive's statement, quotes in comments kept apart", async () => {
  const stack = await openSql();
  declare(
    stack,
    "papers",
    {},
    { year: "string" },
    {
      Description: "d'água",
      Parameters: { EXTERNAL: "TRUE", classification: "parquet" },
      StorageDescriptor: {
        Columns: [
          { Name: "a", Type: "string", Comment: "o 'primeiro'" },
          { Name: "b", Type: "int" },
        ],
        Location: "s3://lake/papers/",
        InputFormat: "in.Format",
        OutputFormat: "out.Format",
        SerdeInfo: { SerializationLibrary: "some.Serde", Parameters: { "serialization.format": "1" } },
      },
    },
  );
  const { rows, columns } = await ask(stack, "SHOW CREATE TABLE papers");
  expect(columns).toEqual(["createtab_stmt string"]);
  expect(rows.map(([line]) => line)).toEqual([
    "CREATE EXTERNAL TABLE `db.papers`(",
    "  `a` string COMMENT 'o \\'primeiro\\'', ",
    "  `b` int)",
    "COMMENT 'd\\'água'",
    "PARTITIONED BY ( ",
    "  `year` string)",
    "ROW FORMAT SERDE ",
    "  'some.Serde' ",
    "WITH SERDEPROPERTIES ( ",
    "  'serialization.format'='1')",
    "STORED AS INPUTFORMAT ",
    "  'in.Format' ",
    "OUTPUTFORMAT ",
    "  'out.Format'",
    "LOCATION",
    "  's3://lake/papers/'",
    "TBLPROPERTIES (",
    "  'classification'='parquet')",
  ]);
  expect((await ask(stack, "SHOW TBLPROPERTIES papers")).rows).toEqual([
    ["EXTERNAL\tTRUE"],
    ["classification\tparquet"],
  ]);
  expect((await ask(stack, "SHOW TBLPROPERTIES papers('classification')")).rows).toEqual([["parquet"]]);
  await expect(ask(stack, "SHOW CREATE VIEW papers")).rejects.toThrow("db.papers is no view: SHOW CREATE TABLE");
});

test("what SHOW CREATE VIEW gives makes the same view again", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW v COMMENT 'd''água' AS SELECT ticker,\n  'a;b' AS x FROM quotes");
  const shown = async () => (await ask(stack, "SHOW CREATE VIEW v")).rows.map(([line]) => line).join("\n");
  const text = await shown();
  await ask(stack, "DROP VIEW v");
  await ask(stack, text);
  expect(await shown()).toBe(text);
  await expect(ask(stack, "SHOW CREATE TABLE v")).rejects.toThrow("db.v is a view");
});

test("information_schema lists databases, tables, views and their columns in Trino's types", async () => {
  const stack = await openSql();
  stack.catalog.createDatabase({ Name: "another" });
  await ask(stack, "CREATE VIEW recent AS SELECT day, CAST(trades AS bigint) AS n FROM quotes");
  const list = async (sql: string) => (await ask(stack, sql)).rows.slice(1);
  expect(
    await list("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'db' ORDER BY 1"),
  ).toEqual([
    ["quotes", "BASE TABLE"],
    ["recent", "VIEW"],
  ]);
  expect(
    await list(
      "SELECT table_name, column_name, ordinal_position, data_type FROM \"awsdatacatalog\".information_schema.columns c WHERE c.table_schema = 'db' ORDER BY 1, 3",
    ),
  ).toEqual([
    ["quotes", "ticker", "1", "varchar"],
    ["quotes", "day", "2", "date"],
    ["quotes", "close", "3", "decimal(18,2)"],
    ["quotes", "trades", "4", "integer"],
    ["quotes", "year", "5", "varchar"],
    ["recent", "day", "1", "date"],
    ["recent", "n", "2", "bigint"],
  ]);
  expect(await list("SELECT schema_name FROM information_schema.schemata ORDER BY 1")).toEqual([
    ["another"],
    ["db"],
    ["information_schema"],
  ]);
  expect(await list("SELECT table_name, view_definition FROM information_schema.views")).toEqual([
    ["recent", "SELECT day, CAST(trades AS bigint) AS n FROM quotes"],
  ]);
  await expect(ask(stack, "SELECT * FROM information_schema.roles")).rejects.toThrow("not answered locally");
  await expect(ask(stack, "SELECT * FROM information_schema.gone")).rejects.toThrow("TABLE_NOT_FOUND");
  await expect(ask(stack, 'SELECT "$file_size" FROM quotes')).rejects.toThrow(
    'the hidden column "$file_size" is not answered locally',
  );
});

test("EXPLAIN VALIDATE says whether a statement is right, EXPLAIN shows the plan as DuckDB's", async () => {
  const stack = await openSql();
  expect(await ask(stack, "EXPLAIN (TYPE VALIDATE) SELECT ticker FROM quotes")).toMatchObject({
    columns: ["Valid boolean"],
    rows: [["true"]],
    execution: { StatementType: "UTILITY" },
  });
  await expect(ask(stack, "EXPLAIN (TYPE VALIDATE) SELECT nothing FROM quotes")).rejects.toThrow(
    "COLUMN_NOT_FOUND: line 1:32",
  );
  const { rows, columns } = await ask(stack, "EXPLAIN SELECT ticker FROM quotes WHERE year = '2024'");
  expect(columns).toEqual(["Query Plan varchar"]);
  expect(rows[0]![0]).toContain("DuckDB's plan");
  expect(rows.flat().join("\n")).toContain("READ_PARQUET");
  await expect(ask(stack, "EXPLAIN (TYPE IO, FORMAT JSON) SELECT 1")).rejects.toThrow("not answered locally");
  await expect(ask(stack, "EXPLAIN ANALYZE SELECT 1")).rejects.toThrow("EXPLAIN ANALYZE is not answered locally");
  expect(stack.catalog.table("db", "x")).toBeNull();
  await ask(stack, "EXPLAIN CREATE TABLE x AS SELECT 1 AS a");
  expect(stack.catalog.table("db", "x")).toBeNull();
});
