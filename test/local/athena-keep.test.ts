import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PARQUET } from "../../packages/local/glue/index.ts";
import { ask, declare, execution, finish, openSql, partition, put, start, until } from "./athena.fixture.ts";

type Stack = Awaited<ReturnType<typeof openSql>>;
const keys = (stack: Stack, prefix: string, bucket = "lake") => stack.store.list(bucket, prefix).map(({ key }) => key);
const left = (stack: Stack) => stack.state.db.prepare("SELECT count(*) AS n FROM athena_writes").get()!.n;
/** Every type that a table can have, and its edges. */
const everything = `SELECT * FROM (VALUES
  (true, CAST(1 AS tinyint), CAST(-2 AS smallint), 3, CAST(4 AS bigint), 0.1E0, DECIMAL '12345678901234567890.123456789', 'é', CAST('text' AS varchar), DATE '1969-12-31', TIMESTAMP '1969-12-31 23:59:59.999'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) t(b, ti, si, i, bi, d, de, vc, v, da, ts)`;

test("CREATE TABLE AS makes a table that gives back the query's rows and types", async () => {
  const stack = await openSql();
  const made = await ask(stack, `CREATE TABLE copy AS ${everything}`);
  expect(made).toMatchObject({
    columns: ["rows bigint"],
    rows: [],
    updated: 2,
    execution: { StatementType: "DML", SubstatementType: "CREATE_TABLE_AS_SELECT" },
  });
  const folder = `s3://results/athena/tables/${made.id}/`;
  const table = stack.catalog.table("db", "copy")!;
  expect(table).toMatchObject({
    location: folder,
    kind: "EXTERNAL_TABLE",
    parameters: { classification: "parquet", EXTERNAL: "TRUE" },
  });
  expect(table.columns.map(({ type }) => type)).toEqual([
    "boolean",
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "double",
    "decimal(29,9)",
    "varchar(1)",
    "string",
    "date",
    "timestamp",
  ]);
  const [one, two] = [await ask(stack, `${everything} ORDER BY b`), await ask(stack, "SELECT * FROM copy ORDER BY b")];
  expect([two.columns, two.rows]).toEqual([one.columns, one.rows]);
  const [file, ...others] = keys(stack, `athena/tables/${made.id}/`, "results");
  expect(others).toEqual([]);
  const manifest = made.execution.Statistics!.DataManifestLocation!;
  expect(manifest).toBe(`s3://results/athena/${made.id}-manifest.csv`);
  expect(readFileSync(stack.store.path("results", `athena/${made.id}-manifest.csv`)!.path, "utf8")).toBe(
    `s3://results/${file}\n`,
  );
  expect(left(stack)).toBe(0);
});

test("partitions are the last columns, null is Hive's default one, and a filter reads its own only", async () => {
  const stack = await openSql();
  await ask(
    stack,
    "CREATE TABLE parts WITH (external_location = 's3://lake/mine/parts', partitioned_by = ARRAY['ticker', 'd'], write_compression = 'SNAPPY') AS SELECT trades, CASE WHEN ticker = 'PETR4' THEN 'a b/c=%' END AS ticker, day AS d FROM quotes WHERE year = '2024'",
  );
  const folders = new Set(keys(stack, "mine/parts/").map((key) => key.replace(/[^/]*$/, "")));
  expect([...folders].sort()).toEqual([
    "mine/parts/ticker=__HIVE_DEFAULT_PARTITION__/d=2024-01-02/",
    "mine/parts/ticker=a%20b%2Fc%3D%25/d=2024-01-02/",
    "mine/parts/ticker=a%20b%2Fc%3D%25/d=2024-01-03/",
  ]);
  const { rows, columns } = await ask(stack, "SELECT * FROM parts ORDER BY trades");
  expect(columns).toEqual(["trades integer", "ticker varchar", "d date"]);
  expect(rows.slice(1)).toEqual([
    ["7", "a b/c=%", "2024-01-02"],
    ["8", "a b/c=%", "2024-01-03"],
    ["9", null, "2024-01-02"],
  ]);
  expect((await ask(stack, "SELECT trades FROM parts WHERE ticker IS NULL")).rows.slice(1)).toEqual([["9"]]);
  expect((await ask(stack, "SHOW PARTITIONS parts")).rows).toHaveLength(3);
});

test("WITH NO DATA, no rows and IF NOT EXISTS make a table, or none, and no file", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE TABLE bare AS SELECT * FROM quotes WITH NO DATA");
  await ask(stack, "CREATE TABLE none (x, y) AS SELECT ticker, trades FROM quotes WHERE trades > 100");
  expect((await ask(stack, "SELECT * FROM bare")).rows).toEqual([["ticker", "day", "close", "trades", "year"]]);
  expect((await ask(stack, "SELECT * FROM none")).rows).toEqual([["x", "y"]]);
  expect(await ask(stack, "CREATE TABLE IF NOT EXISTS quotes AS SELECT 1 AS a")).toMatchObject({ updated: 0 });
  expect(stack.catalog.table("db", "quotes")!.columns).toHaveLength(4);
  expect(keys(stack, "athena/tables/", "results")).toEqual([]);
});

test("INSERT INTO adds rows beside those that are there, in known and in new partitions", async () => {
  const stack = await openSql();
  await ask(
    stack,
    "CREATE TABLE mine WITH (partitioned_by = ARRAY['year']) AS SELECT ticker, trades, year FROM quotes WHERE year = '2023'",
  );
  const before = keys(stack, "athena/tables/", "results");
  const more = await ask(
    stack,
    "INSERT INTO mine (year, trades) SELECT '2023', CAST(1 AS tinyint) UNION ALL SELECT '2030', 2",
  );
  expect(more).toMatchObject({ updated: 2, execution: { SubstatementType: "INSERT" } });
  expect((await ask(stack, "SELECT * FROM mine WHERE ticker IS NULL ORDER BY year")).rows.slice(1)).toEqual([
    [null, "1", "2023"],
    [null, "2", "2030"],
  ]);
  expect((await ask(stack, "SELECT count(*) AS n FROM mine")).rows[1]).toEqual(["5"]);
  expect(keys(stack, "athena/tables/", "results")).toEqual(expect.arrayContaining(before));
  expect(await ask(stack, "INSERT INTO mine VALUES ('NOVO3', 3, '2031'), (NULL, NULL, NULL)")).toMatchObject({
    updated: 2,
  });
  expect(
    (await ask(stack, "SELECT * FROM mine WHERE year = '2031' OR year IS NULL ORDER BY ticker")).rows.slice(1),
  ).toEqual([
    ["NOVO3", "3", "2031"],
    [null, null, null],
  ]);
  await expect(ask(stack, "INSERT INTO mine SELECT 1, 2, '2024'")).rejects.toThrow(
    "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [varchar, integer, varchar], Query: [integer, integer, varchar(4)]",
  );
  await expect(ask(stack, "INSERT INTO mine (nothing) SELECT 1")).rejects.toThrow(
    "does not exist in target table: nothing",
  );
});

test("UNLOAD writes the rows and no table", async () => {
  const stack = await openSql();
  const { execution: done, updated } = await ask(
    stack,
    "UNLOAD (SELECT ticker, trades, year FROM quotes) TO 's3://lake/out/' WITH (format = 'PARQUET', partitioned_by = ARRAY['year'])",
  );
  expect([updated, done.SubstatementType, done.StatementType]).toEqual([6, "UNLOAD", "DML"]);
  expect(keys(stack, "out/")).toHaveLength(2);
  declare(stack, "out", { ticker: "string", trades: "int" }, { year: "string" });
  for (const year of ["2023", "2024"]) partition(stack, "out", [year], `s3://lake/out/year=${year}/`);
  expect((await ask(stack, "SELECT count(*) AS n FROM out")).rows[1]).toEqual(["6"]);
});

test.each([
  ["CREATE TABLE quotes AS SELECT 1 AS a", "TABLE_ALREADY_EXISTS: line 1:1: Table 'db.quotes' already exists"],
  ["CREATE TABLE gone.x AS SELECT 1 AS a", "Schema 'gone' does not exist"],
  [
    "CREATE TABLE x WITH (external_location = 's3://lake/full/') AS SELECT 1 AS a",
    "HIVE_PATH_ALREADY_EXISTS: Target directory for table 'db.x' already exists: s3://lake/full/",
  ],
  [
    "CREATE TABLE x WITH (external_location = 's3://lake/quotes/run=9/') AS SELECT 1 AS a",
    "lies in the place of db.quotes",
  ],
  ["CREATE TABLE x WITH (external_location = 's3://lake/') AS SELECT 1 AS a", "lies in the place of db.quotes"],
  ["UNLOAD (SELECT 1 AS a) TO 's3://lake/full' WITH (format = 'PARQUET')", "HIVE_PATH_ALREADY_EXISTS"],
  ["UNLOAD (SELECT 1 AS a) TO 's3://lake/quotes/' WITH (format = 'PARQUET')", "lies in the place of db.quotes"],
  ["UNLOAD (SELECT 1 AS a) TO 's3://lake/out/'", "format is required"],
  ["UNLOAD (SELECT 1 AS a) TO 's3://lake/out/' WITH (format = 'CSV')", "format CSV is not written locally"],
  ["CREATE TABLE x WITH (format = 'ORC') AS SELECT 1 AS a", "format ORC is not written locally"],
  ["CREATE TABLE x WITH (table_type = 'ICEBERG') AS SELECT 1 AS a", "the property table_type is not answered locally"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b", "HIVE_COLUMN_ORDER_MISMATCH"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['c']) AS SELECT 1 AS a, 2 AS b", "Partition columns c not present"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a", "Table contains only partition columns"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['b']) AS SELECT 1 AS a, '' AS b", "INVALID_PARTITION_VALUE"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['b']) AS SELECT 1 AS a, 'é' AS b", "INVALID_PARTITION_VALUE"],
  [
    "CREATE TABLE x WITH (partitioned_by = ARRAY['b']) AS SELECT 1 AS a, '__HIVE_DEFAULT_PARTITION__' AS b",
    "INVALID_PARTITION_VALUE",
  ],
  ["CREATE TABLE x WITH (\"__proto__\" = 'a') AS SELECT 1 AS a", "the property __proto__ is not answered locally"],
  [
    "CREATE TABLE x AS SELECT TIMESTAMP '2024-01-01 00:00:00.123456' AS t",
    "Incorrect timestamp precision for timestamp(6)",
  ],
  ["CREATE TABLE x AS SELECT NULL AS a", "COLUMN_TYPE_UNKNOWN"],
  ["CREATE TABLE x AS SELECT 1, 2", "MISSING_COLUMN_NAME"],
  ["CREATE TABLE x AS SELECT trades / 0 AS a FROM quotes", /[Dd]ivision by zero/],
  ["CREATE TABLE x (a int)", "CREATE TABLE other than CREATE TABLE … AS is not answered locally"],
  ["INSERT INTO gone SELECT 1", "table db.gone does not exist"],
])("%s fails, and leaves no table and no file behind", async (sql, reason) => {
  const stack = await openSql();
  await put(stack, "full/kept.parquet", "SELECT 1 AS a");
  const before = [keys(stack, ""), stack.catalog.tables("db").map(({ body }) => body)];
  await expect(ask(stack, sql)).rejects.toThrow(reason);
  expect([keys(stack, ""), stack.catalog.tables("db").map(({ body }) => body)]).toEqual(before);
  expect(keys(stack, "athena/tables/", "results")).toEqual([]);
  expect(left(stack)).toBe(0);
});

test("more than 100 partitions are refused as on Athena", async () => {
  const stack = await openSql();
  for (let n = 0; n < 101; n++) await put(stack, `many/${n}.parquet`, `SELECT ${n} AS n, 'p${n}' AS p`);
  declare(stack, "many", { n: "int", p: "string" });
  const make = (name: string, where: string) =>
    ask(stack, `CREATE TABLE ${name} WITH (partitioned_by = ARRAY['p']) AS SELECT n, p FROM many ${where}`);
  await expect(make("a", "")).rejects.toThrow("HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100");
  expect(await make("b", "WHERE n < 100")).toMatchObject({ updated: 100 });
});

test("tables that the river fills are nobody's to drop or to insert into; one's own are dropped without their files", async () => {
  const stack = await openSql({ declared: (database, name) => database === "db" && name === "quotes" });
  await expect(ask(stack, "DROP TABLE quotes")).rejects.toThrow("the river publishes into it");
  await expect(ask(stack, "INSERT INTO quotes SELECT * FROM quotes")).rejects.toThrow("the river publishes into it");
  await ask(stack, "CREATE TABLE mine WITH (external_location = 's3://lake/mine/') AS SELECT 1 AS a");
  await ask(stack, "DROP TABLE mine");
  expect(stack.catalog.table("db", "mine")).toBeNull();
  expect(keys(stack, "mine/")).toHaveLength(1);
  await expect(ask(stack, "DROP TABLE mine")).rejects.toThrow("Table 'db.mine' does not exist");
  await ask(stack, "DROP TABLE IF EXISTS mine");
  await expect(
    ask(stack, "CREATE TABLE mine WITH (external_location = 's3://lake/mine/') AS SELECT 1 AS a"),
  ).rejects.toThrow("HIVE_PATH_ALREADY_EXISTS");
});

test("places that are the river's own are nobody's to write to, and tables of another format take no Parquet", async () => {
  const stack = await openSql({ reserved: (bucket, prefix) => bucket === "lake" && prefix.startsWith("raw/") });
  for (const sql of [
    "CREATE TABLE x WITH (external_location = 's3://lake/raw/x') AS SELECT 1 AS a",
    "UNLOAD (SELECT 1 AS a) TO 's3://lake/raw/x/' WITH (format = 'PARQUET')",
  ])
    await expect(ask(stack, sql)).rejects.toThrow("s3://lake/raw/x/ is the river's own place");
  declare(
    stack,
    "lines",
    { a: "int" },
    {},
    {
      StorageDescriptor: {
        Columns: [{ Name: "a", Type: "int" }],
        Location: "s3://lake/lines/",
        InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
      },
    },
  );
  await expect(ask(stack, "INSERT INTO lines SELECT 1")).rejects.toThrow("expected a table of Parquet");
  expect([...keys(stack, "raw/"), ...keys(stack, "lines/")]).toEqual([]);
});

test("of two statements for one place the later one fails, and the first one's files stay", async () => {
  const stack = await openSql({ concurrency: 2 });
  const ids = await Promise.all(
    ["a", "b"].map((name) =>
      start(
        stack,
        `CREATE TABLE db.${name} WITH (external_location = 's3://lake/both/') AS SELECT ticker, trades FROM db.quotes`,
      ),
    ),
  );
  const ends = [];
  for (const id of ids) ends.push(await finish(stack, id));
  const states = ends.map((one) => one.Status!.State).sort();
  const made = ["a", "b"].filter((name) => stack.catalog.table("db", name));
  // Both may have met in the place, and then neither is sure of it.
  expect(states).toSatisfy((list: string[]) => list[0] === "FAILED");
  expect(made).toHaveLength(states.filter((state) => state === "SUCCEEDED").length);
  if (made.length) expect((await ask(stack, `SELECT count(*) AS n FROM ${made[0]}`)).rows[1]).toEqual(["6"]);
  else expect(keys(stack, "both/")).toEqual([]);
  expect(left(stack)).toBe(0);
});

test("a statement that is stopped while it writes leaves nothing behind", async () => {
  const stack = await openSql();
  const from = stack.store.putFile;
  let id = "";
  stack.store.putFile = async (bucket, key, ...rest) => {
    const done = await from(bucket, key, ...rest);
    // Its first file is there: now it is cancelled.
    if (key.startsWith("mine/") && id)
      await stack.client.send(
        new (await import("@aws-sdk/client-athena")).StopQueryExecutionCommand({ QueryExecutionId: id }),
      );
    return done;
  };
  id = await start(
    stack,
    "CREATE TABLE db.mine WITH (external_location = 's3://lake/mine/', partitioned_by = ARRAY['year']) AS SELECT ticker, year FROM db.quotes",
  );
  await finish(stack, id);
  while (left(stack) !== 0) await new Promise((resolve) => setImmediate(resolve));
  expect((await execution(stack, id)).Status!.State).toBe("CANCELLED");
  expect([keys(stack, "mine/"), stack.catalog.table("db", "mine")]).toEqual([[], null]);
});

/**
 * Holds each statement once, where it has written all but its end; those that write under `early` before their first
 * file. `release` lets one go on, to its end.
 */
const held = (stack: Stack, early = "nowhere/") => {
  const from = stack.store.putFile;
  const waiting = new Map<string, () => void>();
  const hold = async (id: string | undefined) => {
    if (id === undefined || waiting.has(id)) return;
    await new Promise<void>((resolve) => {
      waiting.set(id, resolve);
      stack.state.touch();
    });
  };
  stack.store.putFile = async (bucket, key, ...rest) => {
    if (key.startsWith(early)) await hold(key.slice(early.length).split("_")[0]);
    const done = await from(bucket, key, ...rest);
    await hold(/([^/]+)-manifest\.csv$/.exec(key)?.[1]);
    return done;
  };
  const reached = (id: string) => until(stack.state, () => waiting.has(id));
  const release = async (id: string) => {
    waiting.get(id)!();
    while (["QUEUED", "RUNNING"].includes((await execution(stack, id)).Status!.State!));
    return (await execution(stack, id)).Status!;
  };
  return { reached, release };
};

test.each(["", " WITH NO DATA"])(
  "of two tables made at once%s, one inside the other, the later one fails",
  async (tail) => {
    const stack = await openSql({ concurrency: 2 });
    const { reached, release } = held(stack, "x/y/");
    const make = (name: string, place: string) =>
      start(stack, `CREATE TABLE db.${name} WITH (external_location = '${place}') AS SELECT 1 AS a${tail}`);
    const outer = await make("a", "s3://lake/x/");
    const inner = await make("b", "s3://lake/x/y/");
    for (const id of [outer, inner]) await reached(id);
    expect((await release(outer)).State).toBe("SUCCEEDED");
    expect(await release(inner)).toMatchObject({
      State: "FAILED",
      StateChangeReason: expect.stringContaining("s3://lake/x/y/ lies in the place of db.a"),
    });
    expect(stack.catalog.table("db", "b")).toBeNull();
    expect(keys(stack, "x/y/")).toEqual([]);
  },
);

test("an unload that ends inside a table made meanwhile fails", async () => {
  const stack = await openSql({ concurrency: 2 });
  const { reached, release } = held(stack);
  const unload = await start(stack, "UNLOAD (SELECT 1 AS a) TO 's3://lake/x/y/' WITH (format = 'PARQUET')");
  await reached(unload);
  declare(stack, "x", { a: "int" });
  expect((await release(unload)).StateChangeReason).toContain("lies in the place of db.x");
  expect(keys(stack, "x/")).toEqual([]);
});

test("a partition's own folder and what projection computes are places of a table, too", async () => {
  const stack = await openSql();
  partition(stack, "quotes", ["2030"], "s3://lake/elsewhere/2030/");
  declare(
    stack,
    "days",
    { a: "int" },
    { day: "string" },
    { Parameters: { "storage.location.template": `s3://lake/dias/dia=\${day}/` } },
  );
  for (const [place, of] of [
    ["elsewhere/", "quotes"],
    ["elsewhere/2030/x/", "quotes"],
    ["dias/dia=2024-01-02/", "days"],
    ["dias/", "days"],
  ])
    await expect(
      ask(stack, `CREATE TABLE x WITH (external_location = 's3://lake/${place}') AS SELECT 1 AS a`),
    ).rejects.toThrow(`lies in the place of db.${of}`);
  await ask(stack, "CREATE TABLE x WITH (external_location = 's3://lake/dias/other/') AS SELECT 1 AS a");
});

test("rows go into no place of the river's by way of a table or a partition that lies there", async () => {
  const stack = await openSql({ reserved: (bucket, prefix) => bucket === "lake" && prefix.startsWith("raw/") });
  const StorageDescriptor = { ...PARQUET, Columns: [{ Name: "a", Type: "int" }] };
  const there = { StorageDescriptor: { ...StorageDescriptor, Location: "s3://lake/raw/x/" } };
  declare(stack, "whole", {}, {}, there);
  const beside = { StorageDescriptor: { ...StorageDescriptor, Location: "s3://lake/parts/" } };
  declare(stack, "parts", {}, { p: "string" }, beside);
  partition(stack, "parts", ["1"], "s3://lake/raw/parts/");
  await expect(ask(stack, "INSERT INTO whole SELECT 1")).rejects.toThrow("s3://lake/raw/x/ is the river's own place");
  await expect(ask(stack, "INSERT INTO parts VALUES (1, '2'), (1, '1')")).rejects.toThrow("s3://lake/raw/parts/");
  expect([...keys(stack, "raw/"), ...keys(stack, "parts/")]).toEqual([]);
  expect(await ask(stack, "INSERT INTO parts VALUES (1, '2')")).toMatchObject({ updated: 1 });
});

test.each([
  ["columns", { StorageDescriptor: { ...PARQUET, Columns: [{ Name: "b", Type: "int" }], Location: "s3://lake/t/" } }],
  [
    "partition keys",
    {
      StorageDescriptor: { ...PARQUET, Columns: [{ Name: "a", Type: "int" }], Location: "s3://lake/t/" },
      PartitionKeys: [{ Name: "p", Type: "int" }],
    },
  ],
])("an INSERT into a table whose %s changed meanwhile fails, and leaves no file", async (_, change) => {
  const stack = await openSql();
  const descriptor = { ...PARQUET, Columns: [{ Name: "a", Type: "int" }], Location: "s3://lake/t/" };
  declare(stack, "t", {}, { p: "string" }, { StorageDescriptor: descriptor });
  const { reached, release } = held(stack);
  const id = await start(stack, "INSERT INTO db.t SELECT 1, '2'");
  await reached(id);
  stack.catalog.createTable("db", { Name: "t", PartitionKeys: [{ Name: "p", Type: "string" }], ...change });
  expect((await release(id)).StateChangeReason).toBe("HIVE_METASTORE_ERROR: db.t changed while it was written to");
  expect(keys(stack, "t/")).toEqual([]);
});

test.each(["", " WITH NO DATA"])("a table%s that the catalog refuses is the metastore's error", async (tail) => {
  const stack = await openSql();
  stack.catalog.createDatabase({ Name: "other" });
  const { reached, release } = held(stack);
  const id = await start(stack, `CREATE TABLE other.x AS SELECT 1 AS a${tail}`);
  await reached(id);
  stack.catalog.service.operations.DeleteDatabase!({ Name: "other" } as never, {} as never);
  expect((await release(id)).StateChangeReason).toMatch(/^HIVE_METASTORE_ERROR: EntityNotFoundException/);
});

test("an INSERT that failed and could not clean up is done again without the first attempt's rows", async () => {
  const stack = await openSql();
  await ask(stack, "CREATE TABLE old WITH (external_location = 's3://lake/old/') AS SELECT ticker FROM quotes");
  const { putFile, remove } = stack.store;
  let failing = 1;
  stack.store.putFile = async (bucket, key, ...rest) => {
    const done = await putFile(bucket, key, ...rest);
    if (key.startsWith("old/") && failing-- > 0) throw new Error("the disk is away");
    return done;
  };
  let kept = 2;
  stack.store.remove = (...of) => {
    if (kept-- > 0) throw new Error("the disk is away");
    remove(...of);
  };
  const done = await finish(stack, await start(stack, "INSERT INTO db.old SELECT ticker FROM db.quotes"));
  expect(done.Status!.State).toBe("SUCCEEDED");
  expect((await ask(stack, "SELECT count(*) AS n FROM old")).rows[1]).toEqual(["12"]);
  expect([keys(stack, "old/").length, left(stack)]).toEqual([2, 0]);
});
