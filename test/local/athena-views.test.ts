import { expect, test } from "vitest";
import { asOurs, definitionOf, type ViewInput, viewInput } from "../../packages/core/view.ts";
import { provision } from "../../packages/local/provision.ts";
import { ask, openSql, partition, put } from "./athena.fixture.ts";

const decoded = (text: unknown): unknown =>
  JSON.parse(Buffer.from(/^\/\* Presto View: (.*) \*\/$/.exec(String(text))![1]!, "base64").toString());

test("a view is stored as Athena and Trino store it, and is read like a table", async () => {
  const stack = await openSql();
  const made = await ask(
    stack,
    "CREATE VIEW dear COMMENT 'preço acima de 10,01'\nAS SELECT ticker, close, trades + 1 AS n\nFROM quotes -- fim\nWHERE close > 10.01;",
  );
  expect(made).toMatchObject({
    columns: [],
    rows: [],
    execution: { StatementType: "DDL", SubstatementType: "CREATE_VIEW" },
  });
  const body = stack.catalog.tables("db").find(({ name }) => name === "dear")!.body;
  expect(body).toMatchObject({
    TableType: "VIRTUAL_VIEW",
    Parameters: { presto_view: "true", comment: "Presto View" },
    ViewExpandedText: "/* Presto View */",
    StorageDescriptor: {
      Columns: [
        { Name: "ticker", Type: "string" },
        { Name: "close", Type: "decimal(18,2)" },
        { Name: "n", Type: "int" },
      ],
    },
  });
  expect(decoded(body.ViewOriginalText)).toEqual({
    originalSql: "SELECT ticker, close, trades + 1 AS n\nFROM quotes -- fim\nWHERE close > 10.01",
    catalog: "awsdatacatalog",
    schema: "db",
    columns: [
      { name: "ticker", type: "varchar" },
      { name: "close", type: "decimal(18,2)" },
      { name: "n", type: "integer" },
    ],
    comment: "preço acima de 10,01",
    runAsInvoker: true,
  });
  const { rows, columns } = await ask(
    stack,
    "SELECT d.*, q.year FROM dear d JOIN quotes q ON q.ticker = d.ticker AND q.trades = d.n - 1 ORDER BY year LIMIT 1",
  );
  expect(columns).toEqual(["ticker varchar", "close decimal", "n integer", "year varchar"]);
  expect(rows[1]).toEqual(["PETR4", "10.02", "9", "2023"]);
});

test("names in a view are looked up where it was made, whoever asks", async () => {
  const stack = await openSql();
  stack.catalog.createDatabase({ Name: "other" });
  await ask(stack, "CREATE VIEW other.n AS SELECT count(*) AS n FROM db.quotes");
  await ask(stack, "CREATE VIEW tickers AS SELECT DISTINCT ticker FROM quotes");
  const context = { QueryExecutionContext: { Database: "other" } };
  expect((await ask(stack, 'SELECT n FROM "AwsDataCatalog"."other"."n"', context)).rows[1]).toEqual(["6"]);
  expect((await ask(stack, "SELECT count(*) AS n FROM db.tickers", context)).rows[1]).toEqual(["2"]);
});

test("a view of views sees new rows at once, and its files count as scanned", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW a AS SELECT * FROM quotes");
  await ask(stack, "CREATE VIEW b AS SELECT ticker, count(*) AS n FROM a GROUP BY ticker");
  expect((await ask(stack, "SELECT n FROM b WHERE ticker = 'PETR4'")).rows[1]).toEqual(["4"]);
  await put(stack, "quotes/run=2/year=2025/0.parquet", "SELECT 'PETR4' AS ticker");
  partition(stack, "quotes", ["2025"], "s3://lake/quotes/run=2/year=2025/");
  const { rows, execution } = await ask(stack, "SELECT n FROM b WHERE ticker = 'PETR4'");
  expect(rows[1]).toEqual(["5"]);
  expect(execution.Statistics!.DataScannedInBytes).toBeGreaterThan(0);
});

test("a view that Trino wrote, with an owner and its own columns in the catalog, is read", async () => {
  const stack = await openSql();
  const definition = {
    originalSql: "SELECT ticker, CAST(trades AS bigint) total\nFROM\n  quotes\n",
    catalog: "awsdatacatalog",
    schema: "db",
    columns: [
      { name: "ticker", type: "varchar" },
      { name: "total", type: "bigint" },
    ],
    owner: "hadoop",
    runAsInvoker: false,
    path: [],
  };
  stack.catalog.createTable("db", {
    Name: "theirs",
    Owner: "hadoop",
    TableType: "VIRTUAL_VIEW",
    Parameters: { presto_view: "true", comment: "Presto View", presto_query_id: "x" },
    StorageDescriptor: { Columns: [{ Name: "dummy", Type: "string" }], Location: "" },
    ViewOriginalText: `/* Presto View: ${Buffer.from(JSON.stringify(definition)).toString("base64")} */`,
    ViewExpandedText: "/* Presto View */",
  });
  const { columns, rows } = await ask(stack, "SELECT * FROM theirs ORDER BY total DESC LIMIT 1");
  expect([columns, rows[1]]).toEqual([
    ["ticker varchar", "total bigint"],
    ["VALE3", "9"],
  ]);
});

test("a view that is there is replaced only when that is asked for, and a table never", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW v AS SELECT 1 AS a");
  await expect(ask(stack, "CREATE VIEW v AS SELECT 2 AS a")).rejects.toThrow("View already exists: 'db.v'");
  expect((await ask(stack, "SELECT a FROM v")).rows[1]).toEqual(["1"]);
  await ask(stack, "CREATE OR REPLACE VIEW v AS SELECT 2 AS b");
  expect((await ask(stack, "SELECT * FROM v")).rows).toEqual([["b"], ["2"]]);
  await expect(ask(stack, "CREATE OR REPLACE VIEW quotes AS SELECT 2 AS b")).rejects.toThrow(
    "Table already exists: 'db.quotes'",
  );
  await expect(ask(stack, "DROP VIEW quotes")).rejects.toThrow("Did you mean DROP TABLE db.quotes?");
  await expect(ask(stack, "DROP TABLE v")).rejects.toThrow("Did you mean DROP VIEW db.v?");
  await ask(stack, "DROP VIEW v");
  await expect(ask(stack, "SELECT * FROM v")).rejects.toThrow("line 1:15");
  await expect(ask(stack, "DROP VIEW v")).rejects.toThrow("View 'db.v' does not exist");
  await ask(stack, "DROP VIEW IF EXISTS v");
  await expect(ask(stack, "CREATE VIEW nowhere.v AS SELECT 1 AS a")).rejects.toThrow(
    "NOT_FOUND: line 1:1: Schema 'nowhere' does not exist",
  );
});

test.each([
  ["SELECT 1", "MISSING_COLUMN_NAME: line 1:1: Column name not specified at position 1"],
  ["SELECT 1 AS a, 2 AS A", "DUPLICATE_COLUMN_NAME: line 1:1: Column name 'A' specified more than once"],
  ["SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN: line 1:1: Column type is unknown: a"],
  ["SELECT nothing FROM quotes", "COLUMN_NOT_FOUND: line 1:25"],
  [
    "SELECT 1 AS a FROM quotes WHERE trades = ?",
    "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0",
  ],
])("no view is made of %s", async (query, reason) => {
  const stack = await openSql();
  await expect(ask(stack, `CREATE VIEW v AS ${query}`)).rejects.toThrow(reason);
  expect(stack.catalog.table("db", "v")).toBeNull();
});

test("a view that no longer holds says which one and why, at the place where it is asked", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW b AS SELECT 1 AS x");
  await ask(stack, "CREATE VIEW a AS SELECT * FROM b");
  await ask(stack, "CREATE OR REPLACE VIEW b AS SELECT 'text' AS x");
  await expect(ask(stack, "SELECT 1\nFROM a")).rejects.toThrow(
    "VIEW_IS_STALE: line 2:6: View 'awsdatacatalog.db.a' is stale or in invalid state: column [x] of type varchar(4) cannot be coerced to the stored type integer",
  );
  await ask(stack, "CREATE OR REPLACE VIEW b AS SELECT * FROM a2").catch(() => {});
  await ask(stack, "DROP VIEW b");
  await expect(ask(stack, "SELECT * FROM a")).rejects.toThrow(
    "INVALID_VIEW: line 1:15: Failed analyzing stored view 'awsdatacatalog.db.a': line 1:15: table db.b does not exist",
  );
  const definition = { originalSql: "SELECT * FROM a", schema: "db", columns: [{ name: "x", type: "integer" }] };
  stack.catalog.createTable("db", viewInput("b", definition, [{ Name: "x", Type: "int" }]));
  await expect(ask(stack, "SELECT * FROM a")).rejects.toThrow("View is recursive");
});

test("a view is not replaced by one that reads it, itself or through another", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE VIEW v AS SELECT 1 AS a");
  await ask(stack, "CREATE VIEW w AS SELECT a FROM v");
  await expect(ask(stack, "CREATE OR REPLACE VIEW v AS SELECT a FROM v")).rejects.toThrow(
    "VIEW_IS_RECURSIVE: line 1:43: Statement would create a recursive view",
  );
  await expect(ask(stack, "CREATE OR REPLACE VIEW v AS SELECT a FROM w")).rejects.toThrow(
    /^VIEW_IS_RECURSIVE: line 1:43: .*Statement would create a recursive view/,
  );
  expect((await ask(stack, "SELECT a FROM w")).rows[1]).toEqual(["1"]);
  await ask(stack, "CREATE OR REPLACE VIEW w AS WITH w AS (SELECT a FROM v) SELECT a FROM w");
});

test("a parameter's mark does not come into a view, where nobody gives it a value", async () => {
  const stack = await openSql();
  await expect(
    ask(stack, "CREATE VIEW v AS SELECT ticker FROM quotes WHERE trades = ?", { ExecutionParameters: ["7"] }),
  ).rejects.toThrow("line 1:59: a parameter (?) in CREATE VIEW is not answered locally");
  expect(stack.catalog.table("db", "v")).toBeNull();
});

test("the river's own views are nobody's to drop or to replace", async () => {
  const stack = await openSql({ declared: (_, name) => name === "ours" });
  await ask(stack, "CREATE VIEW ours AS SELECT 1 AS a");
  for (const sql of ["DROP VIEW ours", "DROP VIEW IF EXISTS ours", "CREATE OR REPLACE VIEW ours AS SELECT 2 AS a"])
    await expect(ask(stack, sql)).rejects.toThrow("db.ours: it is the river's");
  expect((await ask(stack, "SELECT a FROM ours")).rows[1]).toEqual(["1"]);
});

test("a start renews the river's views, and leaves a person's view and table of the name alone", async () => {
  const stack = await openSql();
  const input = (name: string, n: number): ViewInput =>
    viewInput(
      name,
      definitionOf({ means: "m", columns: { a: { means: "a", type: "int" } }, sql: `SELECT ${n} AS a` }, "db"),
      [{ Name: "a", Type: "int" }],
    );
  const begin = (n: number) =>
    provision(
      {
        buckets: [],
        queues: [],
        jobs: [],
        streams: [],
        databases: [
          { name: "db", comment: "", tables: [], views: ["mine", "ours", "quotes"].map((v) => asOurs(input(v, n))) },
        ],
      } as never,
      {} as never,
      { sqs: {}, s3: {}, firehose: {}, glue: stack.catalog } as never,
    );
  await ask(stack, "CREATE VIEW mine AS SELECT 'mine' AS a");
  // As it was made before views were marked.
  stack.catalog.createTable("db", input("ours", 1));
  begin(1);
  begin(2);
  const a = async (name: string) => (await ask(stack, `SELECT a FROM ${name}`)).rows[1];
  expect([await a("mine"), await a("ours")]).toEqual([["mine"], ["2"]]);
  expect(stack.catalog.table("db", "quotes")!.kind).toBe("EXTERNAL_TABLE");
});
