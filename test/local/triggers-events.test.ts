import { afterEach, expect, test } from "vitest";
import type { Topology } from "../../packages/core/topology.ts";
import { eventRecord } from "../../packages/local/s3/event.ts";
import { clock, folder } from "./sqs.fixture.ts";
import { actor, handlers, triggersStack } from "./triggers.fixture.ts";

let stack: Awaited<ReturnType<typeof triggersStack>>;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  if (stack.state.db.isOpen) await stack.stop();
  expect(stack.errors).toEqual([]);
  for (const close of closing.splice(0)) await close();
});
const quiet = () => expect.poll(() => stack.edges.busy(), { timeout: 10_000 }).toBe(false);
const later = actor("later", "later");

const object = (key: string, name: Parameters<typeof eventRecord>[0]["name"] = "ObjectCreated:Put", bucket = "lake") =>
  eventRecord({ name, bucket, key, region: "sa-east-1", time: 0, sequence: 1, version: { size: 1, etag: "x" } });

test("an object's notice goes where its key's prefix and suffix say, spelled as a person spells them", async () => {
  stack = await triggersStack({
    functions: [later],
    queues: { landed: {} },
    notices: [
      { bucket: "lake", prefix: "raw/a b+c=d/", suffix: ".parquet", to: { queue: "landed" } },
      { bucket: "lake", prefix: "errors/", suffix: "", to: { function: "later" } },
    ],
  });
  const { onObject } = stack.edges;
  onObject(object("raw/a b+c=d/x.parquet"));
  onObject(object("raw/a b+c=d/x.parquet", "ObjectCreated:CompleteMultipartUpload"));
  onObject(object("raw/a b+c=d/x.json"));
  onObject(object("raw/other/x.parquet"));
  onObject(object("raw/a b+c=d/x.parquet", "ObjectRemoved:Delete"));
  onObject(object("raw/a b+c=d/x.parquet", "ObjectCreated:Put", "state"));
  onObject(object("errors/ção.json"));
  const landed = stack.sqs
    .receive("landed", { max: 10 })
    .map((m) => JSON.parse(m.body) as { Records: { s3: { object: { key: string } } }[] });
  expect(landed.map((m) => m.Records[0]?.s3.object.key)).toEqual([
    "raw/a+b%2Bc%3Dd/x.parquet",
    "raw/a+b%2Bc%3Dd/x.parquet",
  ]);
  await quiet();
  expect(stack.of("later")).toMatchObject([
    { Records: [{ eventSource: "aws:s3", s3: { object: { key: "errors/%C3%A7%C3%A3o.json" } } }] },
  ]);
});

test("a notice exists if and only if its object does: what is rolled back is not announced", async () => {
  stack = await triggersStack({
    functions: [later],
    queues: { landed: {} },
    notices: [
      { bucket: "lake", prefix: "raw/", suffix: "", to: { queue: "landed" } },
      { bucket: "lake", prefix: "raw/", suffix: "", to: { function: "later" } },
    ],
  });
  const fail = () =>
    stack.state.transaction(() => {
      stack.edges.onObject(object("raw/x"));
      throw new Error("disk full");
    });
  expect(fail).toThrow("disk full");
  expect(stack.sqs.depth("landed").visible).toBe(0);
  expect(stack.edges.busy()).toBe(false);
});

test("an event that fails is tried twice more, with AWS's pauses, under the same request id", async () => {
  const time = clock();
  stack = await triggersStack({ functions: [later], queues: {}, now: time.now });
  stack.edges.enqueue("later", JSON.stringify({ failures: 2 }));
  for (const [pause, tries] of [
    [60, 1],
    [120, 2],
  ] as const) {
    await expect.poll(() => stack.warnings().length, { timeout: 10_000 }).toBe(tries);
    time.pass(pause - 1);
    stack.state.touch();
    await new Promise(setImmediate);
    expect(stack.of("later")).toHaveLength(tries);
    time.pass(1);
    stack.state.touch();
  }
  await quiet();
  expect(stack.of("later")).toHaveLength(3);
  expect(new Set(stack.of("request")).size).toBe(1);
  expect(stack.edges.dropped()).toEqual([]);
});

test("after its last attempt an event is kept for a person to see, with an ERROR", async () => {
  stack = await triggersStack({ functions: [later], queues: {}, retryDelays: [0, 0] });
  stack.edges.enqueue("later", JSON.stringify({ failures: 9 }));
  await quiet();
  expect(stack.edges.dropped()).toMatchObject([
    { function: "later", event: '{"failures":9}', attempts: 3, error: "Error: failure 3" },
  ]);
  expect(stack.warnings().map((line) => line.level)).toEqual(["WARN", "WARN", "ERROR"]);
});

test("an event that was given up lies in its function's queue, too, as Lambda's own record of it", async () => {
  const functions = [{ ...later, failed: "given-up" }, actor("other", "later")];
  stack = await triggersStack({ functions, queues: { "given-up": {} }, retryDelays: [0, 0] });
  stack.edges.enqueue("other", JSON.stringify({ failures: 9 }));
  stack.edges.enqueue("later", JSON.stringify({ failures: 9 }));
  await quiet();
  expect(stack.edges.dropped()).toHaveLength(2);
  const records = stack.sqs.receive("given-up", { max: 10 }).map((m) => JSON.parse(m.body) as unknown);
  expect(records).toMatchObject([
    {
      version: "1.0",
      requestContext: {
        functionArn: "arn:aws:lambda:sa-east-1:000000000000:function:later:$LATEST",
        condition: "RetriesExhausted",
        approximateInvokeCount: 3,
      },
      requestPayload: { failures: 9 },
      responsePayload: { errorType: "Error", errorMessage: "failure 3" },
    },
  ]);
});

test("an event survives the death of its process, before and between its attempts", async () => {
  const place = folder();
  closing.push(place.remove);
  const time = clock();
  const open = () => triggersStack({ functions: [later], queues: {}, dir: place.path, now: time.now });
  stack = await open();
  stack.edges.enqueue("later", JSON.stringify({ failures: 1 }));
  await stack.die();
  stack = await open();
  await expect.poll(() => stack.warnings().length, { timeout: 10_000 }).toBe(1);
  await stack.die();
  time.pass(60);
  stack = await open();
  await expect.poll(() => stack.of("later").length, { timeout: 10_000 }).toBe(1);
  expect(stack.edges.busy()).toBe(true);
});

test("an event for a function that no longer exists ends as dropped, not as a crash", async () => {
  stack = await triggersStack({ functions: [later], queues: {}, retryDelays: [0, 0] });
  stack.edges.enqueue("nobody", "{}");
  await quiet();
  expect(stack.edges.dropped()).toMatchObject([{ function: "nobody", attempts: 3 }]);
});

test("a job's end reaches its queue as EventBridge gives it, and no other job's does", async () => {
  stack = await triggersStack({
    functions: [],
    queues: { landed: {} },
    jobs: [
      { name: "refine-bovespa", dataset: "bovespa", concurrent: 1, retries: 0, timeoutMinutes: 60, events: "landed" },
    ],
  });
  const event = { version: "0", source: "aws.glue", detail: { jobName: "refine-bovespa", state: "SUCCEEDED" } };
  stack.edges.onJob(event);
  stack.edges.onJob({ detail: { jobName: "other" } });
  expect(stack.sqs.receive("landed", { max: 10 }).map((m) => JSON.parse(m.body))).toEqual([event]);
});

test("a clock calls its function with its input", async () => {
  stack = await triggersStack({
    functions: [later],
    queues: {},
    clocks: [
      {
        name: "tick",
        cron: "* * * * * *",
        zone: "America/Sao_Paulo",
        function: "later",
        input: { datasets: ["bovespa"] },
      },
    ],
  });
  await expect.poll(() => stack.of("later")[0], { timeout: 10_000 }).toEqual({ datasets: ["bovespa"] });
});

test("a clock that fetches from the web ticks only where somebody asked for it, and makes nothing up otherwise", async () => {
  const web = { name: "web", cron: "* * * * * *", zone: "UTC", function: "later", input: { web: true }, web: true };
  const own = { ...web, name: "own", input: { web: false }, web: undefined };
  const clocks = [web, own] as Topology["clocks"];
  stack = await triggersStack({ functions: [later], queues: {}, clocks });
  await expect.poll(() => stack.of("later").length, { timeout: 10_000 }).toBeGreaterThan(2);
  expect(stack.of("later")).not.toContainEqual({ web: true });
  await stack.stop();
  stack = await triggersStack({ functions: [later], queues: {}, clocks, web: true });
  await expect.poll(() => stack.of("later"), { timeout: 10_000 }).toContainEqual({ web: true });
});

test("what a clock missed while no stack ran is made up for, once", async () => {
  const own = folder();
  closing.push(own.remove);
  const options = {
    dir: own.path,
    functions: [later],
    queues: {},
    clocks: [
      { name: "new year", cron: "0 0 1 1 *", zone: "America/Sao_Paulo", function: "later", input: { year: true } },
    ],
  };
  const events = () => stack.state.db.prepare("SELECT count(*) AS n FROM invocation").get();
  stack = await triggersStack(options);
  await expect.poll(() => stack.of("later")).toEqual([{ year: true }]);
  await expect.poll(events).toEqual({ n: 0 });
  await stack.die();
  stack = await triggersStack(options);
  expect(events()).toEqual({ n: 0 });
  stack.state.db.exec("UPDATE clock SET at = 1");
  await stack.die();
  // Not at once: a command that only asks something would start it, and wait for its end.
  stack = await triggersStack(options);
  expect(events()).toEqual({ n: 0 });
  await stack.die();
  stack = await triggersStack(options);
  await expect.poll(() => stack.of("later"), { timeout: 10_000 }).toEqual([{ year: true }]);
  await expect.poll(events).toEqual({ n: 0 });
});

test("a clock ticks by the river's own time, however far that is put right, and once", async () => {
  const time = clock(Date.parse("2024-11-08T20:44:00-03:00"));
  const zone = "America/Sao_Paulo";
  const evening = { name: "evening", cron: "45 20-22 * * MON-FRI", zone, function: "later", input: { of: "x" } };
  const last = {
    ...evening,
    name: "last",
    cron: "45 23 * * MON-FRI",
    input: { of: "x", last: 1 },
    missed: { of: "x" },
  };
  stack = await triggersStack({ functions: [later], queues: {}, clocks: [evening, last], now: time.now });
  // Both are made up for at the very first start, in one call: a last one that was missed is none.
  await quiet();
  expect(stack.of("later")).toEqual([{ of: "x" }]);
  const after = async (seconds: number) => {
    time.pass(seconds);
    stack.state.touch();
    stack.state.touch();
    await quiet();
    return stack.of("later").slice(1);
  };
  expect(await after(59)).toEqual([]);
  expect(await after(1)).toEqual([{ of: "x" }]);
  expect(await after(3 * 3600)).toEqual([{ of: "x" }, { of: "x" }, { of: "x", last: 1 }]);
});

test("nothing is quiet between two steps of a chain", async () => {
  const relay = { ...actor("relay"), module: new URL("relay.ts", handlers).href };
  const names = ["one", "two", "three"];
  stack = await triggersStack({
    functions: [relay],
    queues: Object.fromEntries(names.map((name) => [name, {}])),
    mappings: names.map((queue) => ({ queue, function: "relay", batch: 10, window: 0, concurrency: 2 })),
  });
  const path = [...names.slice(1), ...names, ...names].map((name) => stack.queueUrl(name));
  for (let round = 1; round <= 5; round++) {
    stack.send("one", path);
    // Asked after every change there is: once quiet, the message must have come to its end.
    await new Promise<void>((resolve) => {
      const look = () => {
        if (stack.edges.busy()) return;
        stack.state.changes.off("change", look);
        resolve();
      };
      stack.state.changes.on("change", look);
      look();
    });
    await expect.poll(() => stack.of("arrived").length).toBe(round);
    expect(names.map((name) => stack.sqs.nextVisible(name))).toEqual([null, null, null]);
  }
});
