import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { athena, type Translate } from "../../packages/local/athena/index.ts";
import { glue, type JobEvent } from "../../packages/local/glue/index.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState } from "../../packages/local/state.ts";

const dir = mkdtempSync(join(tmpdir(), "kill-"));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing) await close();
  rmSync(dir, { recursive: true, force: true });
});

const root = new URL("../../packages/local/", import.meta.url).href;
/** Starts a job run and a query, says that they were acknowledged, and never ends by itself. */
const victim = `
  const { openState } = await import("${root}state.ts");
  const { glue } = await import("${root}glue/index.ts");
  const { s3 } = await import("${root}s3/index.ts");
  const { athena } = await import("${root}athena/index.ts");
  const state = openState(${JSON.stringify(dir)});
  const catalog = glue(state, { run: () => new Promise(() => {}), onJobEvent: () => {} });
  const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
  store.createBucket("results");
  catalog.createJob({ Name: "j" });
  const sql = "SELECT sum(a.i + b.i)::BIGINT FROM range(1000000) a(i), range(1000000) b(i)";
  const translate = () => ({ kind: "select", sql, columns: [{ name: "n", type: "bigint" }], tables: [] });
  const queries = athena(state, { glue: catalog, s3: store, translate, output: "s3://results/" });
  const { JobRunId } = catalog.service.operations.StartJobRun({ JobName: "j" });
  const { QueryExecutionId } = queries.service.operations.StartQueryExecution({ QueryString: "x" });
  state.changes.on("change", () => {
    const run = catalog.service.operations.GetJobRun({ JobName: "j", RunId: JobRunId }).JobRun.JobRunState;
    const query = queries.service.operations.GetQueryExecution({ QueryExecutionId }).QueryExecution.Status.State;
    if (run === "RUNNING" && query === "RUNNING") console.log(JSON.stringify({ JobRunId, QueryExecutionId }));
  });
`;

test("after kill -9 the job run is FAILED with one event, another takes its place, and the query is answered", async () => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", victim], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data) => resolve(String(data).split("\n")[0]!));
    child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
  });
  const { JobRunId, QueryExecutionId } = JSON.parse(line) as Record<string, string>;
  child.removeAllListeners("exit");
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;

  const state = openState(dir);
  const events: JobEvent[] = [];
  const catalog = glue(state, { run: async () => {}, onJobEvent: (event) => void events.push(event) });
  const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
  const translate: Translate = () => ({
    kind: "select",
    sql: "SELECT 7::BIGINT",
    columns: [{ name: "n", type: "bigint" }],
    tables: [],
  });
  const queries = athena(state, { glue: catalog, s3: store, translate, output: "s3://results/" });
  closing.push(async () => {
    await queries.close();
    await catalog.close();
    state.close();
  });
  expect([catalog.busy(), queries.busy()]).toEqual([true, true]);
  catalog.resume();
  queries.resume();
  await new Promise<void>((resolve) => {
    const look = () => {
      if (!queries.busy() && !catalog.busy()) resolve();
    };
    state.changes.on("change", look);
    look();
  });
  expect(events.map((event) => event.detail)).toMatchObject([
    { jobRunId: JobRunId, state: "FAILED" },
    { jobRunId: `${JobRunId}_attempt_1`, state: "SUCCEEDED" },
  ]);
  const answer = await queries.service.operations.GetQueryResults!({ QueryExecutionId } as never, {} as never);
  expect(answer).toMatchObject({ ResultSet: { Rows: [{}, { Data: [{ VarCharValue: "7" }] }] } });
});
