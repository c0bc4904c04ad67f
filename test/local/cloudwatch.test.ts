import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { PutRecordCommand } from "@aws-sdk/client-firehose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { measure } from "../../packages/aws/metrics.ts";
import { receive, remove, send } from "../../packages/aws/queues.ts";
import { laptop, type Stage } from "../../packages/core/stage.ts";
import { type Stack, start } from "../../packages/local/index.ts";

// A deployed stage's names: whoever asks by a bare name would hear nothing.
const stage: Stage = { ...laptop(), name: "prod" };
const START = Date.parse("2025-08-29T21:30:15.000Z");
const MINUTE = 60_000;
let clock = START;
let dir: string;
let stack: Stack;
let aws: ReturnType<typeof connect>;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "cloudwatch-"));
  stack = await start(
    {
      topology: {
        pace: "intraday",
        buckets: ["lake", "state", "results"],
        functions: [{ name: "later", handler: "handlers/actor.later", timeout: 30, memory: 128 }],
        queues: [
          { name: "kept", visibility: 30, retention: 86_400 },
          { name: "quiet", visibility: 30, retention: 86_400 },
        ],
        mappings: [],
        streams: [
          {
            name: "kept",
            database: "d",
            table: "t",
            prefix: "raw/kept/",
            errors: "errors/kept/",
            mib: 64,
            seconds: 900,
          },
        ],
        notices: [],
        jobs: [],
        clocks: [],
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
                location: "raw/kept/",
              },
            ],
          },
        ],
      },
      root: new URL("./", import.meta.url),
      engine: async () => {},
      translate: () => {
        throw new Error("no query in this test");
      },
    },
    { dir, stage, now: () => clock, retryDelays: [], onLog: () => undefined },
  );
  aws = connect(stage, { AWS_ENDPOINT_URL: stack.url });
});
afterAll(async () => {
  aws.close();
  await stack.stop();
  rmSync(dir, { recursive: true, force: true });
});

const asked = { queues: ["kept", "quiet"], streams: ["kept"], functions: { later: START - 60 * MINUTE } };
const metric = (
  namespace: string,
  name: string,
  dimension: [string, string],
  more: Partial<MetricDataQuery["MetricStat"]> = {},
  id = "m",
): MetricDataQuery => ({
  Id: id,
  MetricStat: {
    Metric: { Namespace: namespace, MetricName: name, Dimensions: [{ Name: dimension[0], Value: dimension[1] }] },
    Period: 60,
    Stat: "Maximum",
    ...more,
  },
});
const age = (queue: string, more: Partial<MetricDataQuery["MetricStat"]> = {}, id = "m") =>
  metric("AWS/SQS", "ApproximateAgeOfOldestMessage", ["QueueName", queue], more, id);
const ask = (queries: MetricDataQuery[], from = clock - 10 * MINUTE, to = clock + MINUTE, more = {}) =>
  aws.cloudwatch.send(
    new GetMetricDataCommand({ MetricDataQueries: queries, StartTime: new Date(from), EndTime: new Date(to), ...more }),
  );

test("a river in which nothing waits measures no age and no loss", async () => {
  expect(await measure(aws, asked, clock)).toEqual({
    oldestMessage: { kept: 0, quiet: 0 },
    oldestRecord: { kept: null },
    dropped: { later: 0 },
  });
});

test("the oldest message counts, in flight or not, until it is deleted", async () => {
  await send(aws, "kept", [{ id: "1", group: "a", body: "first" }]);
  clock += 90_000;
  await send(aws, "kept", [{ id: "2", group: "a", body: "second" }]);
  clock += 30_000;
  expect((await measure(aws, asked, clock)).oldestMessage).toEqual({ kept: 120, quiet: 0 });
  const received = await receive(aws, "kept", 30);
  const first = received.find(({ body }) => body === "first");
  expect((await measure(aws, asked, clock)).oldestMessage.kept).toBe(120);
  await remove(aws, "kept", [first!.receipt]);
  expect((await measure(aws, asked, clock)).oldestMessage.kept).toBe(30);
});

test("what Firehose took and has not delivered is as old as its oldest record", async () => {
  const put = () =>
    aws.firehose.send(
      new PutRecordCommand({ DeliveryStreamName: "pregao-prod-kept", Record: { Data: Buffer.from('{"a":"x"}\n') } }),
    );
  await put();
  clock += 45_000;
  await put();
  expect((await measure(aws, asked, clock)).oldestRecord).toEqual({ kept: 45 });
});

test("events that were given up are counted in the minute in which they were, and forgotten with it", async () => {
  const lose = async () => {
    await fetch(`${stack.url}/2015-03-31/functions/pregao-prod-later/invocations`, {
      method: "POST",
      headers: { "x-amz-invocation-type": "Event" },
      body: '{"failures":9}',
    });
    await expect.poll(() => stack.dropped().length).toBe(++lost);
  };
  let lost = 0;
  const at = clock;
  await lose();
  await lose();
  clock += 5 * MINUTE;
  await lose();
  expect((await measure(aws, asked, clock)).dropped).toEqual({ later: 3 });
  expect((await measure(aws, { ...asked, functions: { later: clock - 2 * MINUTE } }, clock)).dropped.later).toBe(1);
  const dropped = metric("AWS/Lambda", "AsyncEventsDropped", ["FunctionName", "pregao-prod-later"], { Stat: "Sum" });
  const minute = (ms: number) => new Date(Math.floor(ms / MINUTE) * MINUTE);
  for (const [scan, order] of [
    ["TimestampDescending", [clock, at]],
    ["TimestampAscending", [at, clock]],
  ] as const) {
    const { MetricDataResults } = await ask([dropped], undefined, undefined, { ScanBy: scan });
    expect(MetricDataResults).toEqual([
      {
        Id: "m",
        Label: "AsyncEventsDropped",
        StatusCode: "Complete",
        Timestamps: order.map(minute),
        Values: order.map((ms) => (ms === at ? 2 : 1)),
      },
    ]);
  }
});

test("an age has one value, that of this moment: a time that does not hold it has none", async () => {
  const { MetricDataResults: now } = await ask([age("pregao-prod-kept")]);
  expect(now?.[0]).toMatchObject({ Timestamps: [new Date(Math.floor(clock / MINUTE) * MINUTE)] });
  for (const [from, to] of [
    [clock - 60 * MINUTE, clock - 30 * MINUTE],
    [clock + 30 * MINUTE, clock + 60 * MINUTE],
  ] as const)
    expect((await ask([age("pregao-prod-kept")], from, to)).MetricDataResults?.[0]).toMatchObject({
      Timestamps: [],
      Values: [],
      StatusCode: "Complete",
    });
});

test("who or what does not exist has no value, as on AWS, and what is not returned is not answered", async () => {
  const { MetricDataResults } = await ask([
    age("nobody", {}, "a"),
    metric("AWS/SQS", "ApproximateAgeOfOldestMessage", ["FunctionName", "pregao-prod-kept"], {}, "b"),
    metric("AWS/Firehose", "DeliveryToS3.DataFreshness", ["DeliveryStreamName", "nobody"], {}, "c"),
    { ...age("pregao-prod-kept", {}, "d"), ReturnData: false },
  ]);
  expect(MetricDataResults?.map(({ Id, Values }) => [Id, Values])).toEqual([
    ["a", []],
    ["b", []],
    ["c", []],
  ]);
});

test("what is not kept here is refused by name, never answered with nothing", async () => {
  const refused = (queries: MetricDataQuery[], from?: number, to?: number) => expect(ask(queries, from, to)).rejects;
  await refused([metric("AWS/Lambda", "Errors", ["FunctionName", "later"])]).toMatchObject({
    name: "ValidationException",
    message: expect.stringMatching(/AWS\/Lambda Errors is not part of this stand-in.*AsyncEventsDropped/),
  });
  await refused([{ Id: "m", Expression: "SEARCH('x')" }]).toMatchObject({ name: "ValidationException" });
  for (const wrong of [
    [age("kept", { Stat: "p99" })],
    [age("kept", { Period: 90 })],
    [age("kept"), age("kept")],
    [age("kept", {}, "M")],
    Array.from({ length: 501 }, (_, i) => age("kept", {}, `m${i}`)),
  ])
    await refused(wrong).toMatchObject({ name: "ValidationException" });
  await refused([age("kept")], clock, clock - MINUTE).toMatchObject({ name: "ValidationException" });
  await refused([]).toMatchObject({ name: "ValidationException" });
});

test("another client's protocol is refused with the one that is spoken", async () => {
  const query = await fetch(stack.url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Action=GetMetricData&Version=2010-08-01",
  });
  expect([query.status, await query.text()]).toEqual([400, expect.stringContaining("expected an AWS JSON protocol")]);
});
