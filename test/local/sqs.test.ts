import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ACCOUNT, clock, sqsStack } from "./sqs.fixture.ts";

type Stack = Awaited<ReturnType<typeof sqsStack>>;
let time: ReturnType<typeof clock>;
let stack: Stack;
let QueueUrl: string;

beforeEach(async () => {
  time = clock();
  stack = await sqsStack({ now: time.now });
  stack.sqs.create("q", {});
  QueueUrl = stack.queueUrl("q");
});
afterEach(async () => {
  expect(stack.errors).toEqual([]);
  await stack.stop();
});

const receive = async (options: Partial<ConstructorParameters<typeof ReceiveMessageCommand>[0]> = {}) =>
  (
    await stack.client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
        ...options,
      }),
    )
  ).Messages ?? [];
const send = (MessageBody: string, options = {}) =>
  stack.client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...options }));

test("a message arrives as it was sent: body, attributes of every type, group, MD5s that the SDK verifies", async () => {
  const sent = await send("ação ☂ 😀", {
    MessageGroupId: "PETR4",
    MessageAttributes: {
      origin: { DataType: "String", StringValue: "B3" },
      rows: { DataType: "Number.int", StringValue: "42" },
      bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255, 7]) },
    },
    MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5759e988" } },
  });
  const [message] = await receive();
  expect(message).toMatchObject({
    MessageId: sent.MessageId,
    Body: "ação ☂ 😀",
    MD5OfBody: sent.MD5OfMessageBody,
    MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
    MessageAttributes: {
      origin: { DataType: "String", StringValue: "B3" },
      rows: { DataType: "Number.int", StringValue: "42" },
      bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255, 7]) },
    },
    Attributes: {
      ApproximateReceiveCount: "1",
      MessageGroupId: "PETR4",
      SentTimestamp: String(time.now()),
      ApproximateFirstReceiveTimestamp: String(time.now()),
      SenderId: ACCOUNT,
      AWSTraceHeader: "Root=1-5759e988",
    },
  });
  expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[0-9a-f]{32}$/);
});

test("the MD5 of attributes is the one that AWS computes", async () => {
  // Recorded from AWS: a Number, two Strings (test_message_body_and_attributes of LocalStack's validated snapshots).
  const sent = await send("x", {
    MessageAttributes: {
      Title: { DataType: "String", StringValue: "The Whistler" },
      Author: { DataType: "String", StringValue: "John Grisham" },
      WeeksOn: { DataType: "Number", StringValue: "6" },
    },
  });
  expect(sent.MD5OfMessageAttributes).toBe("d25a6aea97eb8f585bfa92d314504a92");
});

test("only what is asked for of the attributes is returned, with an MD5 of just that", async () => {
  await send("x", {
    MessageAttributes: {
      "a.one": { DataType: "String", StringValue: "1" },
      "a.two": { DataType: "String", StringValue: "2" },
      other: { DataType: "String", StringValue: "3" },
    },
  });
  const [none] = await receive({ MessageSystemAttributeNames: [], MessageAttributeNames: [], VisibilityTimeout: 0 });
  expect(none).not.toHaveProperty("Attributes");
  expect(none).not.toHaveProperty("MessageAttributes");
  const [some] = await receive({
    MessageSystemAttributeNames: ["SentTimestamp"],
    MessageAttributeNames: ["a.*"],
    VisibilityTimeout: 0,
  });
  expect(Object.keys(some?.Attributes ?? {})).toEqual(["SentTimestamp"]);
  expect(Object.keys(some?.MessageAttributes ?? {})).toEqual(["a.one", "a.two"]);
});

test("a batch answers each entry: what is refused stands in Failed with a 200, the rest is sent", async () => {
  const answer = await stack.client.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "good", MessageBody: "one" },
        { Id: "control", MessageBody: "a\u0001b" },
        { Id: "empty", MessageBody: "" },
        { Id: "also-good", MessageBody: "two" },
      ],
    }),
  );
  expect(answer.Successful?.map((s) => s.Id)).toEqual(["good", "also-good"]);
  expect(answer.Failed).toMatchObject([
    { Id: "control", Code: "InvalidMessageContents", SenderFault: true },
    { Id: "empty", Code: "MissingParameter", SenderFault: true },
  ]);
  expect((await receive()).map((m) => m.Body)).toEqual(["one", "two"]);
});

test("a received message is hidden until its visibility timeout, and its count grows", async () => {
  await send("x");
  const [first] = await receive({ VisibilityTimeout: 10 });
  time.pass(9);
  expect(await receive()).toEqual([]);
  time.pass(1);
  const [second] = await receive();
  expect(second?.MessageId).toBe(first?.MessageId);
  expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
  expect(second?.Attributes?.ApproximateReceiveCount).toBe("2");
});

test("the handle of an earlier receive removes nothing: who was too slow must not delete what another works on", async () => {
  await send("x");
  const [slow] = await receive({ VisibilityTimeout: 1 });
  time.pass(1);
  const [quick] = await receive({ VisibilityTimeout: 1 });
  await stack.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: slow?.ReceiptHandle }));
  time.pass(1);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  const [again] = await receive();
  expect(again?.MessageId).toBe(quick?.MessageId);
  await stack.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
  await stack.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
  time.pass(100);
  expect(await receive()).toEqual([]);
});

test("a handle that still is the last one removes its message after the timeout, too", async () => {
  await send("x");
  const [message] = await receive({ VisibilityTimeout: 1 });
  time.pass(5);
  await stack.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
  expect(await receive()).toEqual([]);
});

test("a visibility timeout can be changed, also to nothing, alone or in a batch", async () => {
  await send("x");
  const [message] = await receive();
  await stack.client.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 100 }),
  );
  time.pass(99);
  expect(await receive()).toEqual([]);
  const answer = await stack.client.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "good", ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 0 },
        { Id: "nonsense", ReceiptHandle: "nonsense", VisibilityTimeout: 0 },
        { Id: "long", ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 43_201 },
      ],
    }),
  );
  expect(answer.Successful).toEqual([{ Id: "good" }]);
  expect(answer.Failed).toMatchObject([
    { Id: "nonsense", Code: "ReceiptHandleIsInvalid" },
    { Id: "long", Code: "InvalidParameterValue" },
  ]);
  expect(await receive()).toHaveLength(1);
});

test("a handle whose timeout has passed hides nothing any more: 200, and the message stays visible", async () => {
  await send("x");
  const [message] = await receive({ VisibilityTimeout: 10 });
  time.pass(10);
  const late = { ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 100 };
  await stack.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ...late }));
  const batch = { QueueUrl, Entries: [{ Id: "late", ...late }] };
  const answer = await stack.client.send(new ChangeMessageVisibilityBatchCommand(batch));
  expect(answer.Successful).toEqual([{ Id: "late" }]);
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 1, inFlight: 0 });
  expect(await receive()).toHaveLength(1);
  // Received again since: the old handle is nobody's.
  await expect(
    stack.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ...late, VisibilityTimeout: 0 })),
  ).rejects.toThrow(/does not exist or is not available for visibility timeout change/);
  expect(await receive()).toEqual([]);
});

test("looking with visibility 0 shows every message in turn and removes none", async () => {
  for (let i = 0; i < 25; i++) await send(`m${i}`);
  const seen = new Set<string | undefined>();
  for (let i = 0; i < 3; i++) {
    time.pass(0.001);
    for (const message of await receive({ VisibilityTimeout: 0 })) seen.add(message.Body);
  }
  expect(seen.size).toBe(25);
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 25, inFlight: 0 });
});

test("a delayed message comes when its delay is over, the queue's or its own", async () => {
  stack.sqs.create("q", { DelaySeconds: "5" });
  await send("own", { DelaySeconds: 60 });
  await send("queue's");
  expect(await receive()).toEqual([]);
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 0, inFlight: 0, delayed: 2 });
  time.pass(5);
  expect((await receive()).map((m) => m.Body)).toEqual(["queue's"]);
  time.pass(55);
  expect((await receive()).map((m) => m.Body)).toContain("own");
});

test("what was received too often moves to the dead-letter queue, with its id, its first enqueue time and its source", async () => {
  stack.sqs.create("dlq", {});
  stack.sqs.create("q", {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("dlq"), maxReceiveCount: 2 }),
  });
  const { MessageId } = await send("poison", { MessageGroupId: "g" });
  const sentAt = time.now();
  for (let i = 0; i < 2; i++) {
    expect(await receive()).toHaveLength(1);
    time.pass(30);
  }
  expect(await receive()).toEqual([]);
  const [dead] = await receive({ QueueUrl: stack.queueUrl("dlq") });
  expect(dead).toMatchObject({
    MessageId,
    Body: "poison",
    Attributes: {
      SentTimestamp: String(sentAt),
      ApproximateReceiveCount: "3",
      MessageGroupId: "g",
      DeadLetterQueueSourceArn: stack.sqs.arn("q"),
    },
  });
  const sources = await stack.client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: stack.queueUrl("dlq") }));
  expect(sources.queueUrls).toEqual([QueueUrl]);
});

test("a dead letter expires by its first enqueue time, not by its arrival in the dead-letter queue", async () => {
  stack.sqs.create("dlq", { MessageRetentionPeriod: "120" });
  stack.sqs.create("q", {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("dlq"), maxReceiveCount: 1 }),
  });
  await send("x");
  time.pass(100);
  expect(await receive()).toHaveLength(1);
  time.pass(19 + 30);
  expect(await receive()).toEqual([]);
  expect(await receive({ QueueUrl: stack.queueUrl("dlq") })).toEqual([]);
});

test("a message is kept as long as its queue says, and gone after, body and all", async () => {
  stack.sqs.create("q", { MessageRetentionPeriod: "60" });
  await send("x");
  time.pass(59);
  expect(await receive({ VisibilityTimeout: 0 })).toHaveLength(1);
  time.pass(1);
  expect(await receive()).toEqual([]);
  expect(stack.state.db.prepare("SELECT count(*) AS n FROM sqs_body").get()).toEqual({ n: 0 });
});

test("nothing expires without a word: the queue and how many", async () => {
  stack.sqs.create("q", { MessageRetentionPeriod: "60" });
  for (const body of ["x", "y"]) await send(body);
  time.pass(59);
  stack.sqs.depth("q");
  expect(stack.alarms).toEqual([]);
  time.pass(1);
  stack.sqs.depth("q");
  expect(stack.alarms).toEqual([{ message: expect.stringContaining("expired"), queue: "q", messages: 2, seconds: 60 }]);
  await send("z");
  await stack.client.send(new PurgeQueueCommand({ QueueUrl }));
  expect(stack.alarms).toHaveLength(1);
});

test("queues are made, found, listed in pages, described, changed, tagged and deleted", async () => {
  const { client } = stack;
  const made = await client.send(
    new CreateQueueCommand({ QueueName: "new", Attributes: { DelaySeconds: "3" }, tags: { team: "b3" } }),
  );
  expect(made.QueueUrl).toBe(stack.queueUrl("new"));
  expect((await client.send(new CreateQueueCommand({ QueueName: "new" }))).QueueUrl).toBe(made.QueueUrl);
  expect((await client.send(new GetQueueUrlCommand({ QueueName: "new" }))).QueueUrl).toBe(made.QueueUrl);
  const first = await client.send(new ListQueuesCommand({ MaxResults: 1 }));
  const second = await client.send(new ListQueuesCommand({ MaxResults: 1, NextToken: first.NextToken }));
  expect([...(first.QueueUrls ?? []), ...(second.QueueUrls ?? [])]).toEqual([made.QueueUrl, QueueUrl]);
  expect(second.NextToken).toBeUndefined();
  expect((await client.send(new ListQueuesCommand({ QueueNamePrefix: "ne" }))).QueueUrls).toEqual([made.QueueUrl]);

  await client.send(
    new SetQueueAttributesCommand({ QueueUrl: made.QueueUrl, Attributes: { VisibilityTimeout: "77" } }),
  );
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: made.QueueUrl, AttributeNames: ["All"] }),
  );
  expect(Attributes).toMatchObject({
    QueueArn: stack.sqs.arn("new"),
    VisibilityTimeout: "77",
    DelaySeconds: "3",
    MaximumMessageSize: "1048576",
    MessageRetentionPeriod: "345600",
    ApproximateNumberOfMessages: "0",
    CreatedTimestamp: String(Math.floor(time.now() / 1000)),
  });

  await client.send(new TagQueueCommand({ QueueUrl: made.QueueUrl, Tags: { stage: "local" } }));
  await client.send(new UntagQueueCommand({ QueueUrl: made.QueueUrl, TagKeys: ["team"] }));
  expect((await client.send(new ListQueueTagsCommand({ QueueUrl: made.QueueUrl }))).Tags).toEqual({ stage: "local" });

  await client.send(new SendMessageCommand({ QueueUrl: made.QueueUrl, MessageBody: "x" }));
  await client.send(new DeleteQueueCommand({ QueueUrl: made.QueueUrl }));
  await expect(client.send(new GetQueueUrlCommand({ QueueName: "new" }))).rejects.toThrow(/does not exist/);
  await expect(client.send(new CreateQueueCommand({ QueueName: "new" }))).rejects.toMatchObject({
    name: "QueueDeletedRecently",
  });
  time.pass(60);
  await client.send(new CreateQueueCommand({ QueueName: "new" }));
  expect(await receive({ QueueUrl: made.QueueUrl })).toEqual([]);
});

test("a purge removes everything, in flight too, once a minute", async () => {
  await send("a");
  await send("b");
  await receive({ MaxNumberOfMessages: 1 });
  await stack.client.send(new PurgeQueueCommand({ QueueUrl }));
  time.pass(40);
  expect(await receive()).toEqual([]);
  await expect(stack.client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({
    name: "PurgeQueueInProgress",
  });
});

test("a batch of deletes answers each entry", async () => {
  await send("a");
  const [message] = await receive();
  const answer = await stack.client.send(
    new DeleteMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: "0", ReceiptHandle: message?.ReceiptHandle },
        { Id: "1", ReceiptHandle: "nonsense" },
      ],
    }),
  );
  expect(answer.Successful).toEqual([{ Id: "0" }]);
  expect(answer.Failed).toMatchObject([{ Id: "1", Code: "ReceiptHandleIsInvalid" }]);
});

test("a long poll answers as soon as a message is there, and empty when its time is over", async () => {
  await stack.stop();
  stack = await sqsStack();
  stack.sqs.create("q", {});
  QueueUrl = stack.queueUrl("q");
  const waiting = receive({ WaitTimeSeconds: 20 });
  await expect.poll(() => stack.state.changes.listenerCount("change")).toBeGreaterThan(0);
  await send("x");
  expect((await waiting).map((m) => m.Body)).toEqual(["x"]);
  // In flight for a second: the same poll gets it at its visibility deadline, without any other message.
  stack.sqs.create("q", { VisibilityTimeout: "1" });
  await send("y");
  await receive();
  expect((await receive({ WaitTimeSeconds: 20 })).map((m) => m.Body)).toEqual(["y"]);
  expect(await receive({ WaitTimeSeconds: 1, VisibilityTimeout: 30 })).toHaveLength(1);
  expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
  expect(stack.state.changes.listenerCount("change")).toBe(0);
});

test("a long poll whose client has gone takes nothing", async () => {
  const gone = new AbortController();
  const waiting = stack.client
    .send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), { abortSignal: gone.signal })
    .catch(() => "aborted");
  await expect.poll(() => stack.state.changes.listenerCount("change")).toBe(1);
  gone.abort();
  expect(await waiting).toBe("aborted");
  await expect.poll(() => stack.state.changes.listenerCount("change")).toBe(0);
  await send("x");
  expect(stack.sqs.depth("q")).toMatchObject({ visible: 1, inFlight: 0 });
});
