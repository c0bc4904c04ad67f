import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as A from "@aws-sdk/client-athena";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { type AthenaDeps, athena, type Translate } from "../../packages/local/athena/index.ts";
import { glue, type TableInput } from "../../packages/local/glue/index.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState, type State } from "../../packages/local/state.ts";
import { translate as trino } from "../../packages/trino/index.ts";
import { serve } from "./glue-wire.ts";

/**
 * Stands in for the translator: the statement is DuckDB's SQL after a comment that names the tables and types, as in
 * `-- db.t | ano varchar, n bigint`. A statement without one is refused as the translator refuses.
 */
export const translate: Translate = (statement, catalogue) => {
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
/** The folder of the test that runs. */
export const folder = (): string => dir;
/** Done after the test, in reverse order. */
export const after = (close: () => unknown): void => void closing.push(close);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "athena-"));
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
  rmSync(dir, { recursive: true, force: true });
});

export const open = async (more: Partial<AthenaDeps> = {}) => {
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
export type Open = Awaited<ReturnType<typeof open>>;

export const until = (state: State, holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      state.changes.off("change", look);
      resolve();
    };
    state.changes.on("change", look);
    look();
  });
export const start = async ({ client }: Open, QueryString: string, more: Partial<A.StartQueryExecutionInput> = {}) =>
  (await client.send(new A.StartQueryExecutionCommand({ QueryString, ...more }))).QueryExecutionId!;
export const execution = async ({ client }: Open, QueryExecutionId: string) =>
  (await client.send(new A.GetQueryExecutionCommand({ QueryExecutionId }))).QueryExecution!;
export const finish = async (stack: Open, id: string) => {
  await until(stack.state, () => !stack.service.busy());
  return execution(stack, id);
};
/** The rows of a query as text, header left out; fails with the reason if the query did. */
export const rows = async (stack: Open, sql: string): Promise<(string | null)[][]> => {
  const id = await start(stack, sql);
  const { Status } = await finish(stack, id);
  if (Status!.State !== "SUCCEEDED") throw new Error(Status!.StateChangeReason);
  const out: (string | null)[][] = [];
  for await (const page of A.paginateGetQueryResults({ client: stack.client }, { QueryExecutionId: id }))
    for (const row of page.ResultSet!.Rows!) out.push(row.Data!.map((cell) => cell.VarCharValue ?? null));
  return out.slice(1);
};
export const put = async ({ store }: Open, key: string, select: string) => {
  const path = store.temporary();
  await maker.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  await store.putFile("lake", key, path);
};
export const declare = (
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
export const partition = ({ catalog }: Open, TableName: string, Values: string[], Location: string) =>
  catalog.service.operations.CreatePartition!(
    { DatabaseName: "db", TableName, PartitionInput: { Values, StorageDescriptor: { Location } } } as never,
    {} as never,
  );

/** A stack that speaks Athena's dialect, with the table db.quotes: two years, one of them with an empty close. */
export const openSql = async (more: Partial<AthenaDeps> = {}) => {
  const stack = await open({ translate: trino, ...more });
  if (stack.catalog.table("db", "quotes")) return stack;
  declare(
    stack,
    "quotes",
    { ticker: "string", day: "date", close: "decimal(18,2)", trades: "int" },
    { year: "string" },
  );
  for (const year of [2023, 2024]) {
    await put(
      stack,
      `quotes/run=1-jr_0/year=${year}/part-0.parquet`,
      `SELECT * FROM (VALUES ('PETR4', DATE '${year}-01-02', 10.01::DECIMAL(18,2), 7), ('PETR4', DATE '${year}-01-03', 10.02, 8), ('VALE3', DATE '${year}-01-02', NULL, 9)) t(ticker, day, close, trades)`,
    );
    partition(stack, "quotes", [String(year)], `s3://lake/quotes/run=1-jr_0/year=${year}/`);
  }
  return stack;
};

/** Asks in the database db; throws the reason of a failure. Rows are as GetQueryResults gives them, header included. */
export const ask = async (stack: Open, sql: string, more: Partial<A.StartQueryExecutionInput> = {}) => {
  const id = await start(stack, sql, { QueryExecutionContext: { Database: "db" }, ...more });
  const done = await finish(stack, id);
  if (done.Status!.State !== "SUCCEEDED") throw new Error(done.Status!.StateChangeReason);
  const page = await stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId: id }));
  return {
    id,
    execution: done,
    columns: page.ResultSet!.ResultSetMetadata!.ColumnInfo!.map(({ Name, Type }) => `${Name} ${Type}`),
    rows: page.ResultSet!.Rows!.map((row) => row.Data!.map((cell) => cell.VarCharValue ?? null)),
    updated: page.UpdateCount,
  };
};
