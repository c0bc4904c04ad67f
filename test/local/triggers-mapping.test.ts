import { afterEach, describe, expect, test } from "vitest";
import { PAYLOAD_BYTES } from "../../packages/local/lambda.ts";
import { ACCOUNT, clock, folder, REGION } from "./sqs.fixture.ts";
import { actor, gate, triggersStack } from "./triggers.fixture.ts";

let stack: Awaited<ReturnType<typeof triggersStack>>;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  if (stack.state.db.isOpen) await stack.stop();
  expect(stack.errors).toEqual([]);
  for (const close of closing.splice(0)) await close();
});

const mapping = { queue: "q", function: "actor", batch: 10, window: 0, concurrency: 2 };
const open = async (options: Partial<Parameters<typeof triggersStack>[0]> = {}) => {
  stack = await triggersStack({
    functions: [actor("actor")],
    queues: { q: { VisibilityTimeout: "60" } },
    mappings: [mapping],
    ...options,
  });
  return stack;
};
const gateway = async () => {
  const made = await gate();
  closing.push(made.close);
  return made;
};
const quiet = () => expect.poll(() => stack.edges.busy(), { timeout: 10_000 }).toBe(false);

test("a record has the shape that Lambda gives", async () => {
  await open();
  const [id] = stack.sqs.send("q", [
    {
      body: JSON.stringify({}),
      group: "PETR4",
      attributes: {
        Author: { DataType: "String", StringValue: "John Grisham" },
        raw: { DataType: "Binary", BinaryValue: "AAE=" },
      },
    },
  ]);
  await quiet();
  const [event] = stack.given() as unknown as { Records: Record<string, unknown>[] }[];
  expect(event?.Records).toEqual([
    {
      messageId: id,
      receiptHandle: expect.any(String),
      body: "{}",
      attributes: {
        ApproximateReceiveCount: "1",
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        MessageGroupId: "PETR4",
        SenderId: "000000000000",
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: {
        Author: { stringValue: "John Grisham", stringListValues: [], binaryListValues: [], dataType: "String" },
        raw: { binaryValue: "AAE=", stringListValues: [], binaryListValues: [], dataType: "Binary" },
      },
      md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
      md5OfBody: "99914b932bd37a50b983c5e7c90ae93b",
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:sa-east-1:000000000000:q",
      awsRegion: "sa-east-1",
    },
  ]);
});

test("a message is removed only after the function has returned", async () => {
  await open();
  const held = await gateway();
  stack.send("q", { wait: held.url });
  await expect.poll(held.arrivals, { timeout: 10_000 }).toBe(1);
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 1 });
  expect(stack.edges.busy()).toBe(true);
  held.open();
  await quiet();
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 0 });
});

test("of a batch, what the function names comes back after its visibility timeout, and nothing else", async () => {
  const time = clock();
  await open({ now: time.now });
  stack.send("q", {}, { fail: true }, {});
  await expect.poll(() => stack.sqs.depth("q").inFlight, { timeout: 10_000 }).toBe(1);
  expect(stack.given()).toHaveLength(1);
  time.pass(59);
  stack.state.touch();
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 1 });
  time.pass(1);
  stack.state.touch();
  await expect.poll(() => stack.given().length).toBe(2);
  expect(stack.given()[1]?.Records).toMatchObject([{ attributes: { ApproximateReceiveCount: "2" } }]);
});

test("what a function is still to get outlives its retention, and so do its dead letters; other queues expire", async () => {
  const time = clock();
  const place = folder();
  closing.push(place.remove);
  const days = 14 * 86_400;
  const queues = {
    dlq: { MessageRetentionPeriod: String(days) },
    q: {
      MessageRetentionPeriod: String(days),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:dlq`,
        maxReceiveCount: 1,
      }),
    },
    other: { MessageRetentionPeriod: String(days) },
  };
  await open({ now: time.now, queues, dir: place.path });
  stack.send("q", { fail: true });
  await expect.poll(() => stack.given().length, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => stack.edges.running()).toBe(0);
  stack.send("dlq", {});
  stack.send("other", {});
  await stack.die();
  // The laptop is closed for longer than AWS keeps a message, then opened again.
  time.pass(days + 86_400);
  await open({ now: time.now, queues, dir: place.path });
  await expect.poll(() => stack.sqs.depth("dlq").visible).toBe(2);
  await quiet();
  time.pass(-days - 86_400);
  expect(stack.sqs.nextVisible("dlq")).toBeLessThanOrEqual(time.now());
  time.pass(3 * days);
  expect(stack.sqs.depth("dlq").visible).toBe(2);
  expect(stack.sqs.receive("dlq", { max: 10 })).toHaveLength(2);
  expect(stack.warnings()).toEqual([]);
  expect(stack.sqs.depth("other").visible).toBe(0);
  expect(stack.warnings()).toMatchObject([
    { level: "ERROR", component: "sqs", metadata: { queue: "other", messages: 1 } },
  ]);
});

describe("the whole batch comes back when the function", () => {
  test.each([
    ["throws", { throw: "boom" }],
    ["names what was not in the batch", { answer: { batchItemFailures: [{ itemIdentifier: "nobody" }] } }],
    ["names nothing", { answer: { batchItemFailures: [{ itemIdentifier: "" }] } }],
    ["answers text", { answer: "ok" }],
    ["ends its process", { exit: true }],
  ])("%s", async (_how, act) => {
    await open();
    stack.send("q", {}, act);
    await expect
      .poll(() => stack.warnings().some((line) => line.component === "actor"), { timeout: 10_000 })
      .toBe(true);
    expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 2 });
  });
});

test.each([{ hang: true }, { block: true }])(
  "a function that takes too long is ended, its batch comes back, and the next one works: %j",
  async (act) => {
    const time = clock();
    await open({ functions: [actor("actor", "handler", 1)], now: time.now });
    stack.send("q", act);
    await expect.poll(() => stack.warnings().length, { timeout: 10_000 }).toBe(1);
    expect(JSON.stringify(stack.warnings())).toMatch(/Task timed out after 1.00 seconds/);
    expect(stack.sqs.depth("q")).toMatchObject({ inFlight: 1 });
    stack.send("q", {});
    await expect.poll(() => stack.sqs.depth("q").inFlight + stack.sqs.depth("q").visible, { timeout: 10_000 }).toBe(1);
  },
);

test("poison ends in the dead-letter queue after as many receives as the policy says", async () => {
  const time = clock();
  await open({ now: time.now, queues: { dlq: {}, q: { VisibilityTimeout: "60" } } });
  stack.sqs.create("q", {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("dlq"), maxReceiveCount: 3 }),
  });
  stack.send("q", { throw: "poison" });
  for (let round = 1; round <= 3; round++) {
    await expect.poll(() => stack.warnings().length, { timeout: 10_000 }).toBe(round);
    time.pass(60);
    stack.state.touch();
  }
  await quiet();
  expect(stack.sqs.depth("dlq").visible).toBe(1);
  expect(stack.given()).toHaveLength(3);
});

test("messages of one window are one batch; a full batch does not wait for its window", async () => {
  await open({ mappings: [{ ...mapping, batch: 20, window: 1 }] });
  for (let i = 0; i < 15; i++) stack.send("q", {});
  await quiet();
  expect(stack.given().map((event) => event.Records.length)).toEqual([15]);
  const before = performance.now();
  stack.send("q", ...Array.from({ length: 45 }, () => ({})));
  await expect.poll(() => stack.given().length, { interval: 5 }).toBeGreaterThanOrEqual(3);
  expect(performance.now() - before).toBeLessThan(900);
  await quiet();
  expect(
    stack
      .given()
      .map((event) => event.Records.length)
      .sort((a, b) => a - b),
  ).toEqual([5, 15, 20, 20]);
});

test("without a window a batch never has more than ten, and numbers that AWS refuses are refused", async () => {
  await expect(open({ mappings: [{ ...mapping, batch: 11 }] })).rejects.toMatchObject({ code: "mapping" });
  await expect(open({ mappings: [{ ...mapping, batch: 10_001, window: 1 }] })).rejects.toMatchObject({
    code: "mapping",
  });
  await expect(open({ mappings: [{ ...mapping, batch: 10, window: 301 }] })).rejects.toMatchObject({ code: "mapping" });
  await open();
  stack.send("q", ...Array.from({ length: 25 }, () => ({})));
  await quiet();
  expect(Math.max(...stack.given().map((event) => event.Records.length))).toBe(10);
});

test("an event never exceeds Lambda's payload, however its bodies are escaped", async () => {
  await open({ mappings: [{ ...mapping, batch: 1000, window: 1 }], functions: [{ ...actor("actor"), memory: 512 }] });
  const body = JSON.stringify({ quotes: '"'.repeat(100_000) });
  for (let i = 0; i < 50; i++) stack.sqs.send("q", [{ body }]);
  await quiet();
  // What a worker prints may reach this thread after its answer did.
  await expect.poll(() => stack.given().flatMap((event) => event.Records).length).toBe(50);
  const sizes = stack.of<number>("bytes");
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PAYLOAD_BYTES);
  expect(sizes.length).toBeGreaterThan(2);
});

test("no more batches are under way than the mapping's concurrency", async () => {
  await open({ mappings: [{ ...mapping, batch: 1, concurrency: 3 }] });
  const held = await gateway();
  stack.send("q", ...Array.from({ length: 7 }, () => ({ wait: held.url })));
  await expect.poll(held.arrivals, { timeout: 10_000 }).toBe(3);
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 4, inFlight: 3 });
  held.open();
  await quiet();
  expect(held.arrivals()).toBe(7);
});

test("messages under way when the process dies are visible at the next start, and the receive does not count", async () => {
  const place = folder();
  closing.push(place.remove);
  await open({ dir: place.path });
  const held = await gateway();
  stack.send("q", { wait: held.url });
  await expect.poll(held.arrivals, { timeout: 10_000 }).toBe(1);
  await stack.die();
  await open({ dir: place.path });
  await expect.poll(() => stack.given().length, { timeout: 10_000 }).toBe(1);
  expect(stack.given()[0]?.Records).toMatchObject([{ attributes: { ApproximateReceiveCount: "1" } }]);
  held.open();
  await quiet();
});

test("a receive that failed counts, also after a restart, and a client's receive is left to its timeout", async () => {
  const place = folder();
  closing.push(place.remove);
  await open({ dir: place.path, queues: { q: { VisibilityTimeout: "60" }, other: {} } });
  stack.send("q", { throw: "boom" });
  stack.send("other", {});
  stack.sqs.receive("other", { max: 1 });
  await expect.poll(() => stack.warnings().length, { timeout: 10_000 }).toBe(1);
  await stack.die();
  await open({ dir: place.path });
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 1 });
  expect(stack.sqs.depth("other")).toMatchObject({ visible: 0, inFlight: 1 });
});

test("a queue that is deleted under its mapping stops nothing", async () => {
  await open({ queues: { q: {}, other: {} } });
  await fetch(stack.url, {
    method: "POST",
    headers: { "x-amz-target": "AmazonSQS.DeleteQueue" },
    body: JSON.stringify({ QueueUrl: stack.queueUrl("q") }),
  });
  expect(stack.edges.busy()).toBe(false);
  stack.sqs.create("q", {});
  stack.send("q", {});
  await expect.poll(() => stack.given().length, { timeout: 10_000 }).toBe(1);
});

test("a message that was hidden while the clock ran ahead is not hidden until that day comes", async () => {
  const time = clock();
  await open({ now: time.now });
  time.pass(15 * 86_400);
  stack.send("q", { fail: true });
  await expect.poll(() => stack.given().length, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => stack.edges.running()).toBe(0);
  time.pass(-15 * 86_400);
  stack.state.touch();
  await expect.poll(() => stack.given().length, { timeout: 10_000 }).toBe(2);
});
