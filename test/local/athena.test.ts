import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as A from "@aws-sdk/client-athena";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openQueries } from "../../packages/engines/duckdb/query.ts";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { type AthenaDeps, athena, type Translate } from "../../packages/local/athena/index.ts";
import { glue, type TableInput } from "../../packages/local/glue/index.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState, type State } from "../../packages/local/state.ts";
import { serve } from "./glue-wire.ts";

/**
 * Stands in for the translator: the statement is DuckDB's SQL after a comment that names the tables and types, as in
 * `-- db.t | ano varchar, n bigint`. A statement without one is refused as the translator refuses.
 */
const translate: Translate = (statement, catalogue) => {
  const found = /^-- ([^|\n]*)\|([^\n]*)\n(.*)$/s.exec(statement);
  if (!found) throw Object.assign(new Error("line 1:1: expected SELECT"), { code: "syntax" });
  const tables = found[1]!
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean)
    .map((name) => ({ database: name.split(".")[0]!, name: name.split(".")[1]! }));
  for (const { database, name } of tables)
    if (!catalogue.table(database, name))
      throw Object.assign(new Error(`line 1:1: Table ${name} does not exist`), { code: "not_found" });
  const columns = found[2]!.split(/,(?![^(]*\))/).map((text) => {
    const [name, ...type] = text.trim().split(" ");
    return { name: name!, type: type.join(" ") };
  });
  return { kind: "select", sql: found[3]!, columns, tables };
};

let maker: Session;
beforeAll(async () => {
  maker = await openSession({ scratch: join(tmpdir(), "athena-maker") });
});
afterAll(() => maker.close());

let dir: string;
let closing: (() => unknown)[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "athena-"));
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
  rmSync(dir, { recursive: true, force: true });
});

const open = async (more: Partial<AthenaDeps> = {}) => {
  const state = openState(dir);
  const catalog = glue(state, { run: async () => {}, onJobEvent: () => {} });
  const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
  for (const bucket of ["lake", "results"]) store.createBucket(bucket);
  const service = athena(state, {
    glue: catalog,
    s3: store,
    translate,
    output: "s3://results/athena/",
    threads: 2,
    ...more,
  });
  const { url, stop } = await serve([service.service]);
  const client = new A.AthenaClient({
    endpoint: url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1,
  });
  let open = true;
  const kill = async () => {
    if (!open) return;
    open = false;
    client.destroy();
    await stop();
    await service.close();
    state.close();
  };
  closing.push(kill);
  return { state, catalog, store, service, client, kill };
};
type Open = Awaited<ReturnType<typeof open>>;

const until = (state: State, holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      state.changes.off("change", look);
      resolve();
    };
    state.changes.on("change", look);
    look();
  });
const start = async ({ client }: Open, QueryString: string, more: Partial<A.StartQueryExecutionInput> = {}) =>
  (await client.send(new A.StartQueryExecutionCommand({ QueryString, ...more }))).QueryExecutionId!;
const execution = async ({ client }: Open, QueryExecutionId: string) =>
  (await client.send(new A.GetQueryExecutionCommand({ QueryExecutionId }))).QueryExecution!;
const finish = async (stack: Open, id: string) => {
  await until(stack.state, () => !stack.service.busy());
  return execution(stack, id);
};
/** The rows of a query as text, header left out; fails with the reason if the query did. */
const rows = async (stack: Open, sql: string): Promise<(string | null)[][]> => {
  const id = await start(stack, sql);
  const { Status } = await finish(stack, id);
  if (Status!.State !== "SUCCEEDED") throw new Error(Status!.StateChangeReason);
  const out: (string | null)[][] = [];
  for await (const page of A.paginateGetQueryResults({ client: stack.client }, { QueryExecutionId: id }))
    for (const row of page.ResultSet!.Rows!) out.push(row.Data!.map((cell) => cell.VarCharValue ?? null));
  return out.slice(1);
};
const put = async ({ store }: Open, key: string, select: string) => {
  const path = store.temporary();
  await maker.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  await store.putFile("lake", key, path);
};
const declare = (
  { catalog }: Open,
  Name: string,
  columns: Record<string, string>,
  keys: Record<string, string> = {},
  more: Partial<TableInput> = {},
) => {
  const list = (fields: Record<string, string>) => Object.entries(fields).map(([name, Type]) => ({ Name: name, Type }));
  catalog.createDatabase({ Name: "db" });
  catalog.createTable("db", {
    Name,
    TableType: "EXTERNAL_TABLE",
    PartitionKeys: list(keys),
    StorageDescriptor: { Columns: list(columns), Location: `s3://lake/${Name}/` },
    ...more,
  });
};
const partition = ({ catalog }: Open, TableName: string, Values: string[], Location: string) =>
  catalog.service.operations.CreatePartition!(
    { DatabaseName: "db", TableName, PartitionInput: { Values, StorageDescriptor: { Location } } } as never,
    {} as never,
  );

describe("executions", () => {
  test("a query goes from QUEUED to SUCCEEDED, its answer paged with the header first", async () => {
    const stack = await open();
    const id = await start(
      stack,
      "-- | a varchar, n bigint\nSELECT 'x' || i AS a, i::BIGINT AS n FROM range(2500) t(i) ORDER BY i",
    );
    const done = await finish(stack, id);
    expect(done).toMatchObject({
      Status: { State: "SUCCEEDED" },
      StatementType: "DML",
      WorkGroup: "primary",
      ResultConfiguration: { OutputLocation: `s3://results/athena/${id}.csv` },
    });
    expect(done.Statistics!.TotalExecutionTimeInMillis).toBeGreaterThanOrEqual(0);
    const seen: string[] = [];
    const sizes: number[] = [];
    for await (const page of A.paginateGetQueryResults(
      { client: stack.client, pageSize: 999 },
      { QueryExecutionId: id },
    )) {
      sizes.push(page.ResultSet!.Rows!.length);
      for (const row of page.ResultSet!.Rows!) seen.push(row.Data!.map((cell) => cell.VarCharValue).join());
    }
    expect(sizes).toEqual([999, 999, 503]);
    expect(seen).toEqual(["a,n", ...Array.from({ length: 2500 }, (_, i) => `x${i},${i}`)]);
  });

  test("the result file is as Athena writes it: all values quoted, null nothing, empty text quoted", async () => {
    const stack = await open();
    const id = await start(
      stack,
      `-- | a varchar, b varchar\nSELECT * FROM (VALUES ('x"y', NULL), ('', 'l1\nl2,'), (NULL, NULL)) t(a, b)`,
      {
        ResultConfiguration: { OutputLocation: "s3://results/mine" },
      },
    );
    await finish(stack, id);
    expect(readFileSync(stack.store.path("results", `mine/${id}.csv`)!.path, "utf8")).toBe(
      '"a","b"\n"x""y",\n"","l1\nl2,"\n,\n',
    );
    const page = await stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }));
    expect(page.ResultSet!.Rows!.map((row) => row.Data!.map((cell) => cell.VarCharValue))).toEqual([
      ["a", "b"],
      ['x"y', undefined],
      ["", "l1\nl2,"],
      [undefined, undefined],
    ]);
    const alone = await rows(stack, "-- | a varchar\nSELECT * FROM (VALUES (NULL), ('x'), (NULL)) t(a)");
    expect(alone).toEqual([[null], ["x"], [null]]);
  });

  test("values are spelled as Trino spells them, and columns described as Athena does", async () => {
    const stack = await open();
    const id = await start(
      stack,
      `-- | d decimal(18,2), e decimal(38,0), x double, y double, z double, t boolean, day date, ts timestamp(3), i integer, b bigint, r real
       SELECT -0.05::DECIMAL(18,2), 12345678901234567890123456789::DECIMAL(38,0), 1e10::DOUBLE, 0.1::DOUBLE + 0.2, 100::DOUBLE, true,
       DATE '2024-11-08', TIMESTAMP '2024-11-08 00:00:00', 7, '-9223372036854775808'::BIGINT, 0.1::FLOAT`,
    );
    await finish(stack, id);
    const { ResultSet } = await stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }));
    expect(ResultSet!.Rows![1]!.Data!.map((cell) => cell.VarCharValue)).toEqual([
      "-0.05",
      "12345678901234567890123456789",
      "1.0E10",
      "0.30000000000000004",
      "100.0",
      "true",
      "2024-11-08",
      "2024-11-08 00:00:00.000",
      "7",
      "-9223372036854775808",
      "0.1",
    ]);
    const info = ResultSet!.ResultSetMetadata!.ColumnInfo!;
    expect(info.map(({ Type, Precision, Scale }) => [Type, Precision, Scale])).toEqual([
      ["decimal", 18, 2],
      ["decimal", 38, 0],
      ["double", 17, 0],
      ["double", 17, 0],
      ["double", 17, 0],
      ["boolean", 0, 0],
      ["date", 0, 0],
      ["timestamp", 3, 0],
      ["integer", 10, 0],
      ["bigint", 19, 0],
      ["float", 17, 0],
    ]);
    expect(info[0]).toMatchObject({
      CatalogName: "hive",
      Name: "d",
      Label: "d",
      Nullable: "UNKNOWN",
      CaseSensitive: false,
    });
  });

  test("what the engine gives in another form than was promised fails instead of being printed", async () => {
    const stack = await open();
    await expect(rows(stack, "-- | a decimal(18,2)\nSELECT 1.5::DOUBLE")).rejects.toThrow(
      "NOT_SUPPORTED: column a: expected a result of type decimal(18,2)",
    );
    await expect(rows(stack, "-- | a integer\nSELECT 3000000000::BIGINT")).rejects.toThrow(
      "NUMERIC_VALUE_OUT_OF_RANGE",
    );
    await expect(rows(stack, "-- | a bigint\nSELECT 170141183460469231731687303715884105727::HUGEINT")).rejects.toThrow(
      "NUMERIC_VALUE_OUT_OF_RANGE",
    );
  });

  test("the same token is the same execution, and with another statement an error", async () => {
    const stack = await open();
    const ClientRequestToken = "0123456789012345678901234567890123";
    const first = await start(stack, "-- | a integer\nSELECT 1", { ClientRequestToken });
    expect(await start(stack, "-- | a integer\nSELECT 1", { ClientRequestToken })).toBe(first);
    await expect(start(stack, "-- | a integer\nSELECT 2", { ClientRequestToken })).rejects.toThrow(
      "Idempotent parameters do not match",
    );
    const { QueryExecutionIds } = await stack.client.send(new A.ListQueryExecutionsCommand({}));
    expect(QueryExecutionIds).toEqual([first]);
  });

  test("a statement that is refused is FAILED with its reason; results of it are refused by name", async () => {
    const stack = await open();
    const id = await start(stack, "SELEC 1");
    expect(await finish(stack, id)).toMatchObject({
      Status: {
        State: "FAILED",
        StateChangeReason: "SYNTAX_ERROR: line 1:1: expected SELECT",
        AthenaError: { ErrorCategory: 2, Retryable: false },
      },
    });
    await expect(stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }))).rejects.toThrow(
      A.InvalidRequestException,
    );
    await expect(execution(stack, "nobody")).rejects.toThrow(A.InvalidRequestException);
    await expect(start(stack, "SELECT ?", { ExecutionParameters: ["1"] })).rejects.toThrow("ExecutionParameters");
    await expect(start(stack, "SELECT 1", { WorkGroup: "other" })).rejects.toThrow("WorkGroup other");
    const batch = await stack.client.send(new A.BatchGetQueryExecutionCommand({ QueryExecutionIds: [id, "nobody"] }));
    expect(batch.QueryExecutions).toHaveLength(1);
    expect(batch.UnprocessedQueryExecutionIds).toMatchObject([{ QueryExecutionId: "nobody" }]);
  });

  const forever = "-- | n bigint\nSELECT sum(a.i + b.i)::BIGINT FROM range(1000000) a(i), range(1000000) b(i)";

  test("a query that is stopped is CANCELLED, and the next one runs", async () => {
    const stack = await open({ concurrency: 1 });
    const [long, waiting] = [await start(stack, forever), await start(stack, "-- | a integer\nSELECT 1")];
    while ((await execution(stack, long)).Status!.State !== "RUNNING");
    expect((await execution(stack, waiting)).Status!.State).toBe("QUEUED");
    await stack.client.send(new A.StopQueryExecutionCommand({ QueryExecutionId: long }));
    expect((await finish(stack, waiting)).Status!.State).toBe("SUCCEEDED");
    expect((await execution(stack, long)).Status).toMatchObject({
      State: "CANCELLED",
      StateChangeReason: "Query cancelled by user",
    });
  });

  test("a query that runs too long fails and says so", async () => {
    const stack = await open({ timeoutMs: 30 });
    const done = await finish(stack, await start(stack, forever));
    expect(done.Status).toMatchObject({
      State: "FAILED",
      StateChangeReason: expect.stringContaining("maximum execution time"),
    });
  });

  test("a query that needs more memory than there is fails, and the next one runs", async () => {
    const stack = await open({ memory: "20MB" });
    // A list is one value: it cannot spill.
    const done = await finish(
      stack,
      await start(
        stack,
        "-- | n bigint\nSELECT len(list(i || 'xxxxxxxxxxxxxxxxxxxx'))::BIGINT FROM range(20000000) t(i)",
      ),
    );
    expect(done.Status).toMatchObject({
      State: "FAILED",
      StateChangeReason: expect.stringContaining("exhausted resources"),
    });
    expect(await rows(stack, "-- | a integer\nSELECT 1")).toEqual([["1"]]);
  });

  test("an acknowledged query that a kill cut short runs again", async () => {
    const stack = await open({ concurrency: 1 });
    const long = await start(stack, "-- db.gone | n bigint\nSELECT 1");
    const id = await start(stack, "-- | n integer\nSELECT 1");
    await stack.kill();
    const again = await open();
    again.service.resume();
    expect(await finish(again, id)).toMatchObject({ Status: { State: "SUCCEEDED" } });
    expect((await execution(again, long)).Status!.State).toBe("FAILED");
    const page = await again.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }));
    expect(page.ResultSet!.Rows).toHaveLength(2);
  });

  test("results whose file was deleted are not found instead of empty", async () => {
    const stack = await open();
    const id = await start(stack, "-- | n integer\nSELECT 1");
    await finish(stack, id);
    stack.store.remove("results", [`athena/${id}.csv`]);
    await expect(stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }))).rejects.toThrow(
      "Could not find results",
    );
  });

  test("rows are handed on as they come: a result without end can be stopped after its first rows", async () => {
    const queries = openQueries({ memory: "100MB", scratch: join(dir, "scratch") });
    closing.push(queries.close);
    const stop = new AbortController();
    let count = 0;
    const running = queries.run({
      sql: "SELECT i::BIGINT AS n FROM range(1000000000000) t(i)",
      columns: [{ name: "n", type: "bigint" }],
      tables: [],
      signal: stop.signal,
      rows: async (rows) => {
        count += rows.length;
        if (count >= 100_000) stop.abort(new Error("enough"));
      },
    });
    await expect(running).rejects.toThrow("enough");
    expect(count).toBeLessThan(110_000);
  });
});

describe("tables", () => {
  test("partition values come from the catalog, whatever the path says", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { year: "string", n: "int" });
    await put(stack, "t/run=1/year=2023/n=1/a.parquet", "SELECT 1 AS a");
    await put(stack, "elsewhere/x/a.parquet", "SELECT 2 AS a");
    await put(stack, "t/run=1/year=1999/n=9/a.parquet", "SELECT 3 AS a");
    await put(stack, "t/run=2/year=2026/n=4/a.parquet", "SELECT 4 AS a, 'wrong' AS year");
    await put(stack, "t/run=2/year=x/n=5/a.parquet", "SELECT 5 AS a");
    partition(stack, "t", ["2023", "1"], "s3://lake/t/run=1/year=2023/n=1/");
    partition(stack, "t", ["2024", "2"], "s3://lake/elsewhere/x");
    partition(stack, "t", ["2025", "3"], "s3://lake/t/run=1/year=1999/n=9/");
    partition(stack, "t", ["2026", "4"], "s3://lake/t/run=2/year=2026/n=4/");
    partition(stack, "t", ["__HIVE_DEFAULT_PARTITION__", "5"], "s3://lake/t/run=2/year=x/n=5/");
    const all = '-- db.t | a integer, year varchar, n integer\nSELECT * FROM "db"."t"';
    expect(await rows(stack, `${all} ORDER BY a`)).toEqual([
      ["1", "2023", "1"],
      ["2", "2024", "2"],
      ["3", "2025", "3"],
      ["4", "2026", "4"],
      ["5", null, "5"],
    ]);
    expect(await rows(stack, `${all} WHERE year = '2025'`)).toEqual([["3", "2025", "3"]]);
    expect(await rows(stack, `${all} WHERE n = 1`)).toEqual([["1", "2023", "1"]]);
    expect(await rows(stack, `${all} WHERE year IS NULL`)).toEqual([["5", null, "5"]]);
  });

  test("a column that the folder's names happen to spell is read from the file", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", run: "string" }, { year: "string" });
    await put(stack, "t/run=1/year=2023/a.parquet", "SELECT 1 AS a, 'file' AS run");
    partition(stack, "t", ["2023"], "s3://lake/t/run=1/year=2023/");
    expect(await rows(stack, '-- db.t | a integer, run varchar, year varchar\nSELECT * FROM "db"."t"')).toEqual([
      ["1", "file", "2023"],
    ]);
  });

  test("names with characters that mean something to SQL or to DuckDB's patterns are only names", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { k: "string" });
    const odd = 'it\'s *[x]? "q" é';
    await put(stack, "t/k=p/f[1]*?'.parquet", "SELECT 1 AS a");
    await put(stack, "t/k=p/f1.parquet", "SELECT 2 AS a");
    await put(stack, "t/k=p/{f1,f2}.parquet", "SELECT 3 AS a");
    await put(stack, "t/k=p/f\\1.parquet", "SELECT 4 AS a");
    await put(stack, "t/k=p/$f%20 ~.parquet", "SELECT 5 AS a");
    partition(stack, "t", [odd], "s3://lake/t/k=p/");
    expect(await rows(stack, '-- db.t | a integer, k varchar\nSELECT * FROM "db"."t" ORDER BY a')).toEqual([
      ["1", odd],
      ["2", odd],
      ["3", odd],
      ["4", odd],
      ["5", odd],
    ]);
  });

  test("a table without files has its columns and no rows", async () => {
    const stack = await open();
    declare(stack, "t", { a: "decimal(18,6)", d: "date" }, { year: "string" });
    const query = '-- db.t | a decimal(18,6), d date, year varchar\nSELECT * FROM "db"."t"';
    expect(await rows(stack, query)).toEqual([]);
    partition(stack, "t", ["2024"], "s3://lake/t/year=2024/");
    await put(stack, "t/year=2024/_SUCCESS", "SELECT 1 AS other");
    expect(await rows(stack, query)).toEqual([]);
  });

  test("a file without a column has nulls there; a later one with it has its values", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", b: "string", c: "bigint" });
    await put(stack, "t/1.parquet", "SELECT 1 AS a");
    await put(stack, "t/2.parquet", "SELECT 'x' AS B, 2 AS A, 7::INTEGER AS c, 0 AS extra");
    expect(await rows(stack, '-- db.t | a integer, b varchar, c bigint\nSELECT * FROM "db"."t" ORDER BY a')).toEqual([
      ["1", null, null],
      ["2", "x", "7"],
    ]);
  });

  test("a file whose column has another type fails the query that reads it, with its name", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", b: "decimal(18,6)" }, { year: "string" });
    await put(stack, "t/year=2023/1.parquet", "SELECT 1 AS a, 1.5::DECIMAL(18,6) AS b");
    await put(stack, "t/year=2024/2.parquet", "SELECT 2 AS a, 1.5::DOUBLE AS b");
    for (const year of ["2023", "2024"]) partition(stack, "t", [year], `s3://lake/t/year=${year}/`);
    const sql = (what: string) =>
      `-- db.t | x ${what === "b" ? "decimal(18,6)" : "integer"}\nSELECT ${what} FROM "db"."t"`;
    await expect(rows(stack, sql("b"))).rejects.toThrow(
      /HIVE_BAD_DATA: column b of db.t: expected decimal\(18,6\), came DOUBLE in .*2\.parquet/,
    );
    await expect(rows(stack, '-- db.t | n bigint\nSELECT count(b) FROM "db"."t"')).rejects.toThrow("HIVE_BAD_DATA");
    await expect(rows(stack, '-- db.t | n integer\nSELECT a FROM "db"."t" WHERE b > 0')).rejects.toThrow(
      "HIVE_BAD_DATA",
    );
    expect(await rows(stack, `${sql("a")} ORDER BY 1`)).toEqual([["1"], ["2"]]);
    expect(await rows(stack, `${sql("b")} WHERE year = '2023'`)).toEqual([["1.500000"]]);
  });

  test("a file that is no Parquet fails the query with its name", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" });
    const path = stack.store.temporary();
    writeFileSync(path, "this is no parquet file");
    await stack.store.putFile("lake", "t/1.parquet", path);
    await expect(rows(stack, '-- db.t | a integer\nSELECT a FROM "db"."t"')).rejects.toThrow(
      /HIVE_BAD_DATA: .*1\.parquet/,
    );
  });

  test("a key that was written anew is read anew", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" });
    const query = '-- db.t | a integer\nSELECT a FROM "db"."t"';
    for (const value of [1, 2, 3]) {
      await put(stack, "t/1.parquet", `SELECT ${value} AS a`);
      expect(await rows(stack, query)).toEqual([[String(value)]]);
    }
    await put(stack, "t/1.parquet", "SELECT 'x' AS a");
    await expect(rows(stack, query)).rejects.toThrow("HIVE_BAD_DATA");
  });

  test("timestamps are rounded to milliseconds, half up, before 1970 too", async () => {
    const stack = await open();
    declare(stack, "t", { ts: "timestamp" });
    await put(
      stack,
      "t/1.parquet",
      "SELECT unnest([TIMESTAMP '2024-11-08 01:02:03.1235', TIMESTAMP '2024-11-08 01:02:03.123499', TIMESTAMP '1969-12-31 23:59:59.9985', TIMESTAMP '1969-12-31 23:59:59.998499']) AS ts",
    );
    await put(stack, "t/2.parquet", "SELECT TIMESTAMPTZ '2024-11-08 00:00:00-03' AS ts");
    expect(await rows(stack, '-- db.t | ts timestamp(3)\nSELECT ts FROM "db"."t"')).toEqual([
      ["2024-11-08 01:02:03.124"],
      ["2024-11-08 01:02:03.123"],
      ["1969-12-31 23:59:59.999"],
      ["1969-12-31 23:59:59.998"],
      ["2024-11-08 03:00:00.000"],
    ]);
  });

  test("a projected date partition is read from the folders, within its range; what is registered is not looked at", async () => {
    const stack = await open({ now: () => Date.parse("2024-11-10T23:30:00Z") });
    declare(
      stack,
      "raw",
      { a: "int" },
      { ingest_date: "date" },
      {
        Parameters: {
          "projection.enabled": "true",
          "projection.ingest_date.type": "date",
          "projection.ingest_date.format": "yyyy-MM-dd",
          "projection.ingest_date.range": "2024-11-01,NOW",
          "storage.location.template": "s3://lake/raw/ingest_date=$" + "{ingest_date}/",
        },
      },
    );
    for (const [n, day] of ["2024-10-31", "2024-11-01", "2024-11-10", "2024-11-11", "other"].entries())
      await put(stack, `raw/ingest_date=${day}/${n}.parquet`, `SELECT ${n} AS a`);
    expect(await rows(stack, '-- db.raw | a integer, ingest_date date\nSELECT * FROM "db"."raw" ORDER BY a')).toEqual([
      ["1", "2024-11-01"],
      ["2", "2024-11-10"],
    ]);
  });

  test("a table that cannot be answered faithfully is refused by name", async () => {
    const stack = await open();
    declare(stack, "list", { a: "array<int>" });
    declare(stack, "view", {}, {}, { TableType: "VIRTUAL_VIEW" });
    await expect(rows(stack, "-- db.list | a integer\nSELECT 1")).rejects.toThrow("NOT_SUPPORTED: column a of db.list");
    await expect(rows(stack, "-- db.view | a integer\nSELECT 1")).rejects.toThrow("db.view is a view");
  });

  test("many queries at once each get their own answer", async () => {
    const stack = await open({ concurrency: 3 });
    declare(stack, "t", { a: "int" }, { year: "string" });
    for (const year of [2022, 2023, 2024]) {
      await put(stack, `t/year=${year}/1.parquet`, `SELECT ${year} AS a`);
      partition(stack, "t", [String(year)], `s3://lake/t/year=${year}/`);
    }
    const ids = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        start(stack, `-- db.t | a integer, n integer\nSELECT a, ${n} FROM "db"."t" WHERE year = '${2022 + (n % 3)}'`),
      ),
    );
    await until(stack.state, () => !stack.service.busy());
    for (const [n, QueryExecutionId] of ids.entries()) {
      const page = await stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId }));
      expect(page.ResultSet!.Rows![1]!.Data!.map((cell) => cell.VarCharValue)).toEqual([
        String(2022 + (n % 3)),
        String(n),
      ]);
    }
  });
});

describe("metadata", () => {
  test("databases and tables are Glue's, workgroup and catalog the one there is", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { year: "string" });
    const { client } = stack;
    const CatalogName = "AwsDataCatalog";
    const databases = await client.send(new A.ListDatabasesCommand({ CatalogName }));
    expect(databases.DatabaseList!.map((one) => one.Name)).toEqual(["db"]);
    const { TableMetadata } = await client.send(
      new A.GetTableMetadataCommand({ CatalogName, DatabaseName: "db", TableName: "t" }),
    );
    expect(TableMetadata).toMatchObject({
      Name: "t",
      Columns: [{ Name: "a", Type: "int" }],
      PartitionKeys: [{ Name: "year", Type: "string" }],
    });
    const { TableMetadataList } = await client.send(
      new A.ListTableMetadataCommand({ CatalogName, DatabaseName: "db" }),
    );
    expect(TableMetadataList).toHaveLength(1);
    await expect(
      client.send(new A.GetTableMetadataCommand({ CatalogName, DatabaseName: "db", TableName: "x" })),
    ).rejects.toThrow(A.MetadataException);
    const { WorkGroup } = await client.send(new A.GetWorkGroupCommand({ WorkGroup: "primary" }));
    expect(WorkGroup!.Configuration!.ResultConfiguration!.OutputLocation).toBe("s3://results/athena/");
    expect((await client.send(new A.ListDataCatalogsCommand({}))).DataCatalogsSummary).toEqual([
      { CatalogName, Type: "GLUE" },
    ]);
  });

  test("a saved query is found again", async () => {
    const { client } = await open();
    const { NamedQueryId } = await client.send(
      new A.CreateNamedQueryCommand({ Name: "q", Database: "db", QueryString: "SELECT 1" }),
    );
    const { NamedQuery } = await client.send(new A.GetNamedQueryCommand({ NamedQueryId }));
    expect(NamedQuery).toMatchObject({ Name: "q", Database: "db", QueryString: "SELECT 1", NamedQueryId });
    expect((await client.send(new A.ListNamedQueriesCommand({}))).NamedQueryIds).toEqual([NamedQueryId]);
  });
});
