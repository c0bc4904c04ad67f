import * as A from "@aws-sdk/client-athena";
import { expect, test } from "vitest";
import { ask, openSql, start } from "./athena.fixture.ts";

const WorkGroup = "primary";

test("a value comes in the place of its question mark, in order, as the literal that it is", async () => {
  const stack = await openSql();
  const sql = "SELECT count(*) AS n FROM quotes WHERE ticker = ? AND trades > ? AND day < ?";
  const { rows, execution } = await ask(stack, sql, { ExecutionParameters: ["'PETR4'", "7", "DATE '2024-01-01'"] });
  expect(rows[1]).toEqual(["1"]);
  expect(execution.ExecutionParameters).toEqual(["'PETR4'", "7", "DATE '2024-01-01'"]);
  expect(
    (await ask(stack, sql, { ExecutionParameters: ["'x'' OR ''1'' = ''1'", "-5", "DATE '2030-01-01'"] })).rows[1],
  ).toEqual(["0"]);
  expect(
    (
      await ask(stack, "SELECT '?' AS a, \"ticker\" FROM quotes WHERE ticker = ? LIMIT 1 -- ?", {
        ExecutionParameters: ["'VALE3'"],
      })
    ).rows[1],
  ).toEqual(["?", "VALE3"]);
});

test.each([
  [
    "SELECT 1 AS a FROM quotes WHERE trades = ?",
    ["1", "2"],
    "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 2",
  ],
  [
    "SELECT 1 AS a FROM quotes WHERE trades = ?",
    undefined,
    "INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected 1 but found 0",
  ],
  ["SELECT 1 AS a FROM quotes WHERE ticker = ?", ["ticker"], "Constant expression cannot contain column references"],
  [
    "SELECT 1 AS a FROM quotes WHERE ticker = ?",
    ["(SELECT max(ticker) FROM quotes)"],
    "Constant expression cannot contain column references",
  ],
  ["SELECT 1 AS a FROM quotes WHERE ticker = ?", ["'x' OR 1 = 1 --"], "TYPE_MISMATCH: line 1:1: OR"],
  ["SELECT 1 AS a FROM quotes WHERE trades = ?", ["'7'"], "TYPE_MISMATCH: line 1:42"],
  ["SELECT ? AS a", ["1"], "a parameter (?) outside WHERE is not answered locally"],
])("%s with %j is refused by name", async (sql, values, reason) => {
  const stack = await openSql();
  await expect(ask(stack, sql, values ? { ExecutionParameters: values as string[] } : {})).rejects.toThrow(reason);
});

test("a prepared statement outlives a restart and runs with the values of USING or of the call", async () => {
  const stack = await openSql();
  await ask(stack, "PREPARE by_ticker FROM\nSELECT count(*) AS n FROM quotes WHERE ticker = ? AND trades >= ?;");
  await stack.kill();
  const again = await openSql();
  expect((await ask(again, "EXECUTE by_ticker USING 'PETR4', 8")).rows).toEqual([["n"], ["2"]]);
  expect((await ask(again, "EXECUTE by_ticker", { ExecutionParameters: ["'PETR4'", "7"] })).rows[1]).toEqual(["4"]);
  await expect(ask(again, "EXECUTE by_ticker USING 'PETR4'")).rejects.toThrow("expected 2 but found 1");
  await expect(ask(again, "PREPARE by_ticker FROM SELECT 1 AS a")).rejects.toThrow("already exists");
  await expect(ask(again, "PREPARE wrong FROM SELEC 1")).rejects.toThrow("line 1:20");
  await expect(ask(again, "PREPARE wrong FROM DROP TABLE quotes")).rejects.toThrow("expected SELECT");
  await ask(again, "DEALLOCATE PREPARE by_ticker");
  await expect(ask(again, "EXECUTE by_ticker USING 'PETR4', 8")).rejects.toThrow(
    "NOT_FOUND: line 1:1: Prepared statement not found: by_ticker",
  );
  await expect(ask(again, "DEALLOCATE PREPARE by_ticker")).rejects.toThrow("not found");
});

test("prepared statements of the API are those of the language", async () => {
  const stack = await openSql();
  const { client } = stack;
  const QueryStatement = "SELECT count(*) AS n FROM quotes WHERE year = ?";
  await client.send(
    new A.CreatePreparedStatementCommand({
      StatementName: "of_year",
      WorkGroup,
      QueryStatement,
      Description: "do ano",
    }),
  );
  expect((await ask(stack, "EXECUTE of_year USING '2024'")).rows[1]).toEqual(["3"]);
  const get = (StatementName: string) => client.send(new A.GetPreparedStatementCommand({ StatementName, WorkGroup }));
  expect((await get("of_year")).PreparedStatement).toMatchObject({
    StatementName: "of_year",
    QueryStatement,
    WorkGroupName: "primary",
    Description: "do ano",
    LastModifiedTime: expect.any(Date),
  });
  await expect(
    client.send(new A.CreatePreparedStatementCommand({ StatementName: "of_year", WorkGroup, QueryStatement })),
  ).rejects.toThrow(A.InvalidRequestException);
  await client.send(
    new A.UpdatePreparedStatementCommand({ StatementName: "of_year", WorkGroup, QueryStatement: "SELECT 1 AS n" }),
  );
  expect((await ask(stack, "EXECUTE of_year")).rows[1]).toEqual(["1"]);
  await ask(stack, "PREPARE another FROM SELECT 2 AS n");
  const list = await client.send(new A.ListPreparedStatementsCommand({ WorkGroup, MaxResults: 1 }));
  expect(list.PreparedStatements).toMatchObject([{ StatementName: "another" }]);
  const rest = await client.send(new A.ListPreparedStatementsCommand({ WorkGroup, NextToken: list.NextToken! }));
  expect(rest.PreparedStatements).toMatchObject([{ StatementName: "of_year" }]);
  expect(rest.NextToken).toBeUndefined();
  const batch = await client.send(
    new A.BatchGetPreparedStatementCommand({ WorkGroup, PreparedStatementNames: ["another", "gone"] }),
  );
  expect(batch.PreparedStatements).toMatchObject([{ QueryStatement: "SELECT 2 AS n" }]);
  expect(batch.UnprocessedPreparedStatementNames).toMatchObject([{ StatementName: "gone" }]);
  await client.send(new A.DeletePreparedStatementCommand({ StatementName: "of_year", WorkGroup }));
  await expect(get("of_year")).rejects.toThrow(A.ResourceNotFoundException);
  await expect(
    client.send(new A.DeletePreparedStatementCommand({ StatementName: "of_year", WorkGroup })),
  ).rejects.toThrow(A.ResourceNotFoundException);
  await expect(start(stack, "SELECT 1", { ExecutionParameters: [] })).rejects.toThrow(A.InvalidRequestException);
});
