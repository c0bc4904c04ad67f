import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GetTableCommand, GlueClient, StartJobRunCommand } from "@aws-sdk/client-glue";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, expect, test } from "vitest";
import { bucket, laptop, resource, type Stage } from "../../packages/core/stage.ts";
import type { Topology } from "../../packages/core/topology.ts";
import { type River, runningStack, type Stack, type StartOptions, start } from "../../packages/local/index.ts";
import { folder } from "./sqs.fixture.ts";
import { gate } from "./triggers.fixture.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const empty: Topology = {
  pace: "intraday",
  buckets: ["lake", "state", "results"],
  functions: [{ name: "actor", handler: "handlers/actor.handler", timeout: 30, memory: 128 }],
  queues: [
    { name: "landed", visibility: 60, retention: 3600, deadLetter: { queue: "landed-dlq", maxReceive: 3 } },
    { name: "landed-dlq", visibility: 30, retention: 3600 },
  ],
  mappings: [],
  streams: [],
  notices: [],
  jobs: [],
  clocks: [],
  databases: [],
};
const river = (topology: Partial<Topology> = {}, engine: River["engine"] = async () => {}): River => ({
  topology: { ...empty, ...topology },
  root: new URL("./", import.meta.url),
  engine,
  translate: () => {
    throw new Error("no query in this test");
  },
});
const place = () => {
  const made = folder();
  closing.push(made.remove);
  return made.path;
};
const open = async (
  what: River,
  options: Partial<StartOptions> = {},
): Promise<Stack & { logs: Record<string, unknown>[] }> => {
  const logs: Record<string, unknown>[] = [];
  const stack = await start(what, { dir: place(), stage: laptop(), onLog: (line) => logs.push(line), ...options });
  closing.push(stack.stop);
  return { ...stack, logs };
};
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const client = <T extends { destroy: () => void }>(
  make: new (config: {
    endpoint: string;
    region: string;
    credentials: typeof credentials;
    forcePathStyle?: boolean;
  }) => T,
  stack: Stack,
): T => {
  const made = new make({ endpoint: stack.url, region: "sa-east-1", credentials, forcePathStyle: true });
  closing.push(() => made.destroy());
  return made;
};

test("the whole chain: object → queue → function, job → queue → function; idle comes after the last of it", async () => {
  const jobs: string[] = [];
  const stack = await open(
    river(
      {
        mappings: [{ queue: "landed", function: "actor", batch: 10, window: 0, concurrency: 2 }],
        notices: [{ bucket: "lake", prefix: "raw/", suffix: ".parquet", to: { queue: "landed" } }],
        jobs: [{ name: "refine-x", dataset: "x", concurrent: 1, retries: 0, timeoutMinutes: 1, events: "landed" }],
      },
      async ({ name, arguments: given, store }) => {
        jobs.push(
          `${name} ${given["--dataset"]} ${given["--run"]} ${readFileSync((await store.read("lake", "raw/a.parquet")).path, "utf8")}`,
        );
        const file = join(store.scratch, "out");
        (await import("node:fs")).writeFileSync(file, "refined");
        await store.write("lake", "refined/out.parquet", file);
        expect(await store.list("lake", "refined/")).toEqual(["refined/out.parquet"]);
      },
    ),
  );
  await client(S3Client, stack).send(new PutObjectCommand({ Bucket: "lake", Key: "raw/a.parquet", Body: "rows" }));
  await stack.idle();
  await client(GlueClient, stack).send(new StartJobRunCommand({ JobName: "refine-x", Arguments: { "--run": "7" } }));
  expect(stack.isIdle()).toBe(false);
  await stack.idle();
  expect(jobs).toEqual(["refine-x x 7 rows"]);
  await expect.poll(() => stack.logs.filter((line) => "given" in line).length).toBe(2);
  const [object, job] = stack.logs
    .filter((line) => "given" in line)
    .map((line) => (line.given as { Records: { body: string }[] }).Records[0]!.body);
  expect(JSON.parse(object!)).toMatchObject({
    Records: [{ eventName: "ObjectCreated:Put", s3: { object: { key: "raw/a.parquet" } } }],
  });
  expect(JSON.parse(job!)).toMatchObject({
    version: "0",
    "detail-type": "Glue Job State Change",
    source: "aws.glue",
    account: "000000000000",
    region: "sa-east-1",
    resources: [],
    detail: { jobName: "refine-x", severity: "INFO", state: "SUCCEEDED", jobRunId: expect.stringMatching(/^jr_/) },
  });
});

test("a stage's names are those of AWS, and starting again over its state changes nothing", async () => {
  const dir = place();
  const stage: Stage = { name: "dev", account: "123456789012", region: "us-east-1", pace: "intraday", layouts: {} };
  const topology: Partial<Topology> = {
    databases: [
      {
        name: "d",
        comment: "",
        views: [],
        tables: [
          {
            name: "t",
            comment: "",
            columns: [{ Name: "a", Type: "string", Comment: "" }],
            partitions: [],
            location: "raw/t/",
          },
        ],
      },
    ],
    streams: [
      {
        name: "s",
        database: "d",
        table: "t",
        prefix: "raw/t/",
        errors: "errors/t/!{firehose:error-output-type}/",
        mib: 64,
        seconds: 0,
      },
    ],
    jobs: [{ name: "refine-x", dataset: "x", concurrent: 1, retries: 0, timeoutMinutes: 1, events: "landed" }],
  };
  for (let round = 1; round <= 2; round++) {
    const stack = await start(river(topology), { dir, stage, onLog: () => {} });
    const queue = `${stack.url}/${stage.account}/${resource(stage, "landed")}`;
    await client(SQSClient, stack).send(new SendMessageCommand({ QueueUrl: queue, MessageBody: "x" }));
    expect(stack.depth(resource(stage, "landed")).visible).toBe(round);
    expect(bucket(stage, "lake")).toBe("pregao-dev-lake-123456789012");
    const { Table } = await client(GlueClient, stack).send(new GetTableCommand({ DatabaseName: "d", Name: "t" }));
    expect(Table?.StorageDescriptor?.Location).toBe("s3://pregao-dev-lake-123456789012/raw/t/");
    await stack.stop();
  }
});

test("a state directory has one stack; a second finds it, and takes over when it has ended, however it ended", async () => {
  const dir = place();
  expect(await runningStack(dir)).toBeNull();
  const first = await open(river(), { dir });
  expect(await runningStack(dir)).toMatchObject({ pid: process.pid, url: first.url, port: first.port });
  await expect(open(river(), { dir })).rejects.toMatchObject({
    code: "state_in_use",
    details: { url: first.url, pid: process.pid },
  });
  expect((await fetch(`${first.url}/_pregao/stack`)).status).toBe(200);
  await first.stop();
  await first.stop();
  expect(await runningStack(dir)).toBeNull();

  // Another process, killed: the operating system lets go of its lock.
  const script = join(import.meta.dirname, "handlers", "stack.ts");
  const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "inherit"] });
  closing.push(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const other = await runningStack(dir);
  expect(other?.pid).toBe(child.pid);
  await expect(open(river(), { dir })).rejects.toMatchObject({ code: "state_in_use" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  expect(existsSync(join(dir, "stack.json"))).toBe(true);
  expect(await runningStack(dir)).toBeNull();
  const next = await open(river(), { dir });
  expect((await runningStack(dir))?.url).toBe(next.url);
});

test("a state of another version, a damaged one and a taken port are clear errors, and leave the directory free", async () => {
  const dir = place();
  await (await open(river(), { dir })).stop();
  const db = new DatabaseSync(join(dir, "pregao.sqlite"));
  db.exec("PRAGMA user_version = 99");
  db.close();
  await expect(open(river(), { dir })).rejects.toMatchObject({
    code: "state_version",
    message: expect.stringMatching(/expected version 1, came 99/),
  });
  expect(await runningStack(dir)).toBeNull();

  const damaged = place();
  await (await open(river(), { dir: damaged })).stop();
  (await import("node:fs")).writeFileSync(
    join(damaged, "pregao.sqlite"),
    "this is no database, but long enough to be looked at".repeat(100),
  );
  await expect(open(river(), { dir: damaged })).rejects.toMatchObject({ code: "state_damaged" });

  const stack = await open(river());
  const free = place();
  await expect(open(river(), { dir: free, port: stack.port })).rejects.toMatchObject({ code: "port_in_use" });
  expect(await runningStack(free)).toBeNull();
});

test("a function can be called as Lambda's Invoke does: answered, failed, later, and unknown", async () => {
  const stack = await open(
    river({
      functions: [...empty.functions, { name: "look", handler: "handlers/actor.look", timeout: 30, memory: 128 }],
    }),
  );
  const invoke = (name: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.url}/2015-03-31/functions/${name}/invocations`, { method: "POST", headers, body });
  const good = await invoke("look", '{"a":1}');
  expect(good.status).toBe(200);
  expect(good.headers.get("x-amz-function-error")).toBeNull();
  expect(await good.json()).toMatchObject({
    event: { a: 1 },
    env: { PREGAO_STAGE: "local", AWS_ENDPOINT_URL: stack.url, AWS_REGION: "sa-east-1" },
  });
  const failed = await invoke("actor", "{}");
  expect(failed.headers.get("x-amz-function-error")).toBe("Unhandled");
  expect(await failed.json()).toMatchObject({ errorType: "TypeError" });
  expect((await invoke("actor", '{"Records":[]}', { "x-amz-invocation-type": "Event" })).status).toBe(202);
  await stack.idle();
  expect((await invoke("nobody", "{}")).status).toBe(404);
  expect((await invoke("actor", "{")).status).toBe(400);
  expect(await stack.invoke("look", { b: 2 })).toMatchObject({ ok: true });
  expect(await (await fetch(`${stack.url}/_pregao/idle`)).json()).toEqual({ idle: true });
});

test("idle comes after a call that was given up while it went on, and does not wait for ever for a word of it", async () => {
  const { url, arrivals, open: release, close } = await gate();
  closing.push(close);
  let given: Promise<unknown> | undefined;
  const stack = await open(
    river({ mappings: [{ queue: "landed", function: "actor", batch: 1, window: 0, concurrency: 1 }] }),
    {
      // Says that the batch was taken while the function is still at it.
      around: (runtime) => ({
        ...runtime,
        invoke: async (...call) => {
          given = runtime.invoke(...call);
          return { ok: true, result: "null", requestId: "given up" };
        },
      }),
    },
  );
  await client(SQSClient, stack).send(
    new SendMessageCommand({
      QueueUrl: `${stack.url}/000000000000/landed`,
      MessageBody: JSON.stringify({ wait: url }),
    }),
  );
  await expect.poll(arrivals).toBe(1);
  await expect.poll(() => stack.depth("landed")).toMatchObject({ visible: 0, inFlight: 0 });
  const idle = stack.idle();
  expect(stack.isIdle()).toBe(false);
  release();
  await given;
  await idle;
  expect(stack.isIdle()).toBe(true);
});

test("events that were given up can be seen from outside: how many, and the first of them without their bodies", async () => {
  const stack = await open(
    river({ functions: [{ name: "later", handler: "handlers/actor.later", timeout: 30, memory: 128 }] }),
    { retryDelays: [] },
  );
  const lost = async () => (await fetch(`${stack.url}/_pregao/dropped`)).json();
  expect(await lost()).toEqual({ count: 0, first: [] });
  const before = new Date().toISOString();
  for (let i = 0; i < 12; i++)
    await fetch(`${stack.url}/2015-03-31/functions/later/invocations`, {
      method: "POST",
      headers: { "x-amz-invocation-type": "Event" },
      body: '{"failures":99,"secret":"of a person"}',
    });
  await stack.idle();
  const said = (await lost()) as { count: number; first: { createdAt: string }[] };
  expect(said.count).toBe(12);
  expect(said.first).toHaveLength(10);
  expect(said.first[0]).toEqual({
    id: expect.any(Number),
    function: "later",
    attempts: 1,
    error: expect.stringMatching(/^Error: failure/),
    createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(said.first[0]!.createdAt >= before).toBe(true);
});

test("without a listener the log is a file of the state directory, a JSON object a line", async () => {
  const dir = place();
  const stack = await start(river(), { dir, stage: laptop() });
  await stack.invoke("actor", { Records: [{ messageId: "1", body: '{"print":"hello"}' }] });
  await expect.poll(() => readFileSync(join(dir, "log.ndjson"), "utf8")).toContain('"hello"');
  await stack.stop();
  for (const line of readFileSync(join(dir, "log.ndjson"), "utf8").trim().split("\n"))
    expect(() => JSON.parse(line)).not.toThrow();
});
