import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { clock, folder, sqsStack } from "./sqs.fixture.ts";

let time: ReturnType<typeof clock>;
let stack: Awaited<ReturnType<typeof sqsStack>>;

beforeEach(async () => {
  time = clock();
  stack = await sqsStack({ now: time.now });
  stack.sqs.create("dlq", {});
  for (const name of ["a", "b"])
    stack.sqs.create(name, {
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("dlq"), maxReceiveCount: 1 }),
    });
});
afterEach(async () => {
  expect(stack.errors).toEqual([]);
  await stack.stop();
});

const die = (queue: string, count: number) => {
  const ids = stack.sqs.send(
    queue,
    Array.from({ length: count }, (_, i) => ({ body: `${queue}${i}`, group: "g" })),
  );
  stack.sqs.receive(queue, { max: count });
  time.pass(30);
  expect(stack.sqs.receive(queue, { max: count })).toEqual([]);
  return ids;
};
const start = (input: object = {}) =>
  stack.client.send(new StartMessageMoveTaskCommand({ SourceArn: stack.sqs.arn("dlq"), ...input }));
const tasks = async () =>
  (await stack.client.send(new ListMessageMoveTasksCommand({ SourceArn: stack.sqs.arn("dlq"), MaxResults: 10 })))
    .Results ?? [];

test("dead letters go back to where each came from, as new messages", async () => {
  const ids = new Set([...die("a", 3), ...die("b", 2)]);
  await start();
  await expect.poll(async () => (await tasks())[0]?.Status).toBe("COMPLETED");
  expect((await tasks())[0]).toMatchObject({
    ApproximateNumberOfMessagesMoved: 5,
    ApproximateNumberOfMessagesToMove: 5,
  });
  const back = [...stack.sqs.receive("a", { max: 10 }), ...stack.sqs.receive("b", { max: 10 })];
  expect(back.map((m) => m.body).sort()).toEqual(["a0", "a1", "a2", "b0", "b1"]);
  for (const message of back) {
    expect(ids.has(message.messageId)).toBe(false);
    expect(message.attributes).toMatchObject({
      ApproximateReceiveCount: "1",
      SentTimestamp: String(time.now()),
      MessageGroupId: "g",
    });
    expect(message.attributes).not.toHaveProperty("DeadLetterQueueSourceArn");
  }
});

test("a message that no queue moved here has no source to go back to: the task fails and says so, nothing is lost", async () => {
  stack.sqs.send("dlq", [{ body: "sent here by hand" }]);
  await start();
  await expect.poll(async () => (await tasks())[0]?.Status).toBe("FAILED");
  expect((await tasks())[0]?.FailureReason).toBe("CouldNotDetermineMessageSource");
  expect(stack.sqs.depth("dlq").visible).toBe(1);
  await start({ DestinationArn: stack.sqs.arn("b") });
  await expect.poll(() => stack.sqs.depth("b").visible).toBe(1);
});

test("a task with a rate can be cancelled, is the only one of its queue, and goes on after a crash", async () => {
  const place = folder();
  await stack.stop();
  stack = await sqsStack({ dir: place.path });
  stack.sqs.create("dlq", {});
  stack.sqs.create("a", {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("dlq"), maxReceiveCount: 1 }),
  });
  stack.sqs.send(
    "dlq",
    Array.from({ length: 5 }, (_, i) => ({ body: `${i}` })),
  );
  await start({ DestinationArn: stack.sqs.arn("a"), MaxNumberOfMessagesPerSecond: 2 });
  await expect(start()).rejects.toThrow("There is already a task running");
  await expect.poll(async () => (await tasks())[0]?.ApproximateNumberOfMessagesMoved).toBe(2);
  expect(stack.sqs.busy()).toBe(true);
  await stack.stop();

  stack = await sqsStack({ dir: place.path });
  await expect.poll(() => stack.sqs.depth("a").visible).toBe(4);
  const [task] = await tasks();
  expect(task?.Status).toBe("RUNNING");
  const { ApproximateNumberOfMessagesMoved } = await stack.client.send(
    new CancelMessageMoveTaskCommand({ TaskHandle: task?.TaskHandle }),
  );
  expect(ApproximateNumberOfMessagesMoved).toBe(4);
  expect(await tasks()).toMatchObject([{ Status: "CANCELLED", ApproximateNumberOfMessagesMoved: 4 }]);
  expect(stack.sqs.depth("dlq").visible).toBe(1);
  expect(stack.sqs.busy()).toBe(false);
  place.remove();
});

test("only a dead-letter queue can be a source, and source, destination and task must exist", async () => {
  const refused = (input: object) => expect(start(input)).rejects;
  await refused({ SourceArn: stack.sqs.arn("a") }).toThrow("Source queue must be configured as a Dead Letter Queue.");
  await refused({ SourceArn: stack.sqs.arn("nobody") }).toMatchObject({
    name: "ResourceNotFoundException",
    $metadata: { httpStatusCode: 404 },
  });
  await refused({ DestinationArn: stack.sqs.arn("nobody") }).toThrow(
    "The resource that you specified for the DestinationArn parameter doesn't exist.",
  );
  await refused({ DestinationArn: stack.sqs.arn("dlq") }).toThrow("cannot be the same");
  await refused({ MaxNumberOfMessagesPerSecond: 501 }).toThrow("Must be between 1 and 500");
  const cancel = (TaskHandle: string) =>
    expect(stack.client.send(new CancelMessageMoveTaskCommand({ TaskHandle }))).rejects;
  await cancel("nonsense").toThrow("Value for parameter TaskHandle is invalid.");
  const handle = (sourceArn: string) => Buffer.from(JSON.stringify({ taskId: "x", sourceArn })).toString("base64");
  await cancel(handle(stack.sqs.arn("dlq"))).toThrow("Task does not exist.");
  await cancel(handle(stack.sqs.arn("nobody"))).toThrow("doesn't exist");
});

test("messages that someone looks at are left where they are, and a task that came later leaves newer ones alone", async () => {
  die("a", 3);
  const [held] =
    (await stack.client.send(new ReceiveMessageCommand({ QueueUrl: stack.queueUrl("dlq"), MaxNumberOfMessages: 1 })))
      .Messages ?? [];
  await start();
  await expect.poll(() => stack.sqs.depth("a").visible).toBe(2);
  await expect.poll(async () => (await tasks())[0]?.Status).toBe("COMPLETED");
  time.pass(30);
  const [left] = stack.sqs.receive("dlq", { max: 10 });
  expect(left?.messageId).toBe(held?.MessageId);
});
