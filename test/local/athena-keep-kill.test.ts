import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { ask, execution, finish, folder, openSql } from "./athena.fixture.ts";

const root = new URL("../../packages/", import.meta.url).href;
/** Starts a statement in another process, which stops for ever once the statement has written its first file. */
const killedWhileWriting = async (sql: string): Promise<string> => {
  const victim = `
    const { openState } = await import("${root}local/state.ts");
    const { glue } = await import("${root}local/glue/index.ts");
    const { s3 } = await import("${root}local/s3/index.ts");
    const { athena } = await import("${root}local/athena/index.ts");
    const { translate } = await import("${root}trino/index.ts");
    const state = openState(${JSON.stringify(folder())});
    const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
    const put = store.putFile;
    let id;
    store.putFile = async (bucket, key, ...rest) => {
      await put(bucket, key, ...rest);
      console.log(id);
      return new Promise(() => {});
    };
    const queries = athena(state, {
      glue: glue(state, { run: async () => {}, onJobEvent: () => {} }), s3: store, translate, output: "s3://results/athena/",
    });
    const QueryExecutionContext = { Database: "db" };
    id = queries.service.operations.StartQueryExecution({ QueryString: ${JSON.stringify(sql)}, QueryExecutionContext }).QueryExecutionId;
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", victim], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const id = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).trim()));
    child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
  });
  child.removeAllListeners("exit");
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  return id;
};

test.each([
  ["CREATE TABLE mine WITH (external_location = 's3://lake/mine/') AS SELECT ticker, trades FROM quotes", 6],
  [
    "CREATE TABLE mine WITH (external_location = 's3://lake/mine/', partitioned_by = ARRAY['year']) AS SELECT ticker, trades, year FROM quotes",
    6,
  ],
  ["INSERT INTO old SELECT ticker, trades FROM quotes", 8],
])("after kill -9 in the middle of %s its rows are there once, in the repetition's files alone", async (sql, rows) => {
  const stack = await openSql();
  await ask(
    stack,
    "CREATE TABLE old WITH (external_location = 's3://lake/old/') AS SELECT ticker, trades FROM quotes WHERE trades = 8",
  );
  await stack.kill();
  const id = await killedWhileWriting(sql);
  const again = await openSql();
  const of = sql.startsWith("INSERT") ? "old" : "mine";
  const orphans = again.store.list("lake", `${of}/`).filter(({ key }) => key.includes(id));
  expect(orphans).toHaveLength(1);
  again.service.resume();
  const done = await finish(again, id);
  expect((await execution(again, id)).Status!.State).toBe("SUCCEEDED");
  expect(again.store.path("lake", orphans[0]!.key)).toBeNull();
  expect((await ask(again, `SELECT count(*) AS n FROM ${of}`)).rows[1]).toEqual([String(rows)]);
  expect(done.Statistics!.DataManifestLocation).toContain(id);
});

test("a look goes on with no statement of an earlier process, which may write, and still answers", async () => {
  const stack = await openSql();
  await stack.kill();
  const id = await killedWhileWriting(
    "CREATE TABLE mine WITH (external_location = 's3://lake/mine/') AS SELECT ticker, trades FROM quotes",
  );
  const look = await openSql({ still: true });
  expect((await ask(look, "SELECT count(*) AS n FROM quotes")).rows[1]).toEqual(["6"]);
  expect((await execution(look, id)).Status!.State).toBe("QUEUED");
  expect(look.store.list("lake", "mine/")).toHaveLength(1);
  await look.kill();
  const again = await openSql();
  again.service.resume();
  expect((await finish(again, id)).Status!.State).toBe("SUCCEEDED");
});
