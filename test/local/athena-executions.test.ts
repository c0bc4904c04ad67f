import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as A from "@aws-sdk/client-athena";
import { describe, expect, test } from "vitest";
import { openQueries } from "../../packages/engines/duckdb/query.ts";
import { after, execution, finish, folder, open, rows, start } from "./athena.fixture.ts";

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
    const id = await start(stack, "-- db.gone | a integer\nSELECT 1");
    expect(await finish(stack, id)).toMatchObject({
      Status: {
        State: "FAILED",
        StateChangeReason: "SYNTAX_ERROR: line 1:1: Table gone does not exist",
        AthenaError: { ErrorCategory: 2, Retryable: false },
      },
    });
    await expect(stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }))).rejects.toThrow(
      A.InvalidRequestException,
    );
    // What cannot even be parsed is no execution.
    const before = (await stack.client.send(new A.ListQueryExecutionsCommand({}))).QueryExecutionIds;
    const refused = start(stack, "SELEC 1");
    await expect(refused).rejects.toThrow(A.InvalidRequestException);
    await expect(refused).rejects.toThrow("line 1:1: expected SELECT");
    expect((await stack.client.send(new A.ListQueryExecutionsCommand({}))).QueryExecutionIds).toEqual(before);
    await expect(execution(stack, "nobody")).rejects.toThrow(A.InvalidRequestException);
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
    const queries = openQueries({ memory: "100MB", scratch: join(folder(), "scratch") });
    after(queries.close);
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
