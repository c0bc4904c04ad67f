import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSServiceException,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sqsStack } from "./sqs.fixture.ts";

let stack: Awaited<ReturnType<typeof sqsStack>>;
let QueueUrl: string;
beforeAll(async () => {
  stack = await sqsStack();
  stack.sqs.create("q", {});
  QueueUrl = stack.queueUrl("q");
});
afterAll(async () => {
  expect(stack.errors).toEqual([]);
  await stack.stop();
});

const MIB = 1024 * 1024;
const refusal = async (call: Promise<unknown>): Promise<SQSServiceException & { Code?: string }> =>
  call.then(
    () => expect.fail("expected a refusal"),
    (error: SQSServiceException) => error,
  );
const send = (input: object) => stack.client.send(new SendMessageCommand({ QueueUrl, MessageBody: "x", ...input }));
const batch = (Entries: object[]) =>
  stack.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: Entries as never }));

/** Names and messages as AWS answered them (LocalStack's validated snapshots), where one is given. */
const cases: [
  string,
  () => Promise<unknown>,
  { name: string; Code?: string; message?: string | RegExp; status?: number },
][] = [
  [
    "a queue that does not exist",
    () => send({ QueueUrl: stack.queueUrl("nobody") }),
    {
      name: "QueueDoesNotExist",
      Code: "AWS.SimpleQueueService.NonExistentQueue",
      message: "The specified queue does not exist.",
    },
  ],
  [
    "a queue of another account",
    () => send({ QueueUrl: QueueUrl.replace("000000000000", "111111111111") }),
    { name: "QueueDoesNotExist" },
  ],
  [
    "a message over 1 MiB",
    () => send({ MessageBody: "x".repeat(MIB + 1) }),
    {
      name: "InvalidParameterValue",
      Code: "InvalidParameterValue",
      message: "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
    },
  ],
  [
    "1 MiB counted in bytes, not characters",
    () => send({ MessageBody: "ã".repeat(MIB / 2 + 1) }),
    { name: "InvalidParameterValue" },
  ],
  [
    "1 MiB with its attributes",
    () =>
      send({ MessageBody: "x".repeat(MIB - 8), MessageAttributes: { a: { DataType: "String", StringValue: "123" } } }),
    { name: "InvalidParameterValue" },
  ],
  [
    "a batch over 1 MiB in total",
    () =>
      batch([
        { Id: "a", MessageBody: "x".repeat(MIB) },
        { Id: "b", MessageBody: "x" },
      ]),
    {
      name: "BatchRequestTooLong",
      Code: "AWS.SimpleQueueService.BatchRequestTooLong",
      message: "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
    },
  ],
  [
    "a batch of eleven",
    () => batch(Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, MessageBody: "x" }))),
    {
      name: "TooManyEntriesInBatchRequest",
      message: "Maximum number of entries per request are 10. You have sent 11.",
    },
  ],
  ["an empty batch", () => batch([]), { name: "EmptyBatchRequest" }],
  [
    "a batch with one id twice",
    () =>
      batch([
        { Id: "a", MessageBody: "x" },
        { Id: "a", MessageBody: "y" },
      ]),
    { name: "BatchEntryIdsNotDistinct" },
  ],
  ["a batch with a bad id", () => batch([{ Id: "a b", MessageBody: "x" }]), { name: "InvalidBatchEntryId" }],
  [
    "an empty body",
    () => send({ MessageBody: "" }),
    {
      name: "MissingParameter",
      Code: "MissingParameter",
      message: "The request must contain the parameter MessageBody.",
    },
  ],
  ["a control character", () => send({ MessageBody: "a\u0000b" }), { name: "InvalidMessageContents" }],
  ["U+FFFE", () => send({ MessageBody: "a\ufffeb" }), { name: "InvalidMessageContents" }],
  [
    "a group id with a space",
    () => send({ MessageGroupId: "group 123" }),
    { name: "InvalidParameterValue", message: /MessageGroupId can only include/ },
  ],
  [
    "a deduplication id on a standard queue",
    () => send({ MessageDeduplicationId: "d" }),
    { name: "InvalidParameterValue" },
  ],
  ["a delay over 15 minutes", () => send({ DelaySeconds: 901 }), { name: "InvalidParameterValue" }],
  [
    "an empty attribute",
    () => send({ MessageAttributes: { ErrorDetails: { DataType: "String", StringValue: "" } } }),
    {
      name: "InvalidParameterValue",
      message: "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
    },
  ],
  [
    "an attribute without a type",
    () => send({ MessageAttributes: { a: { DataType: "", StringValue: "x" } } }),
    { name: "InvalidParameterValue" },
  ],
  [
    "a Number that is none",
    () => send({ MessageAttributes: { a: { DataType: "Number", StringValue: "x" } } }),
    { name: "InvalidParameterValue" },
  ],
  [
    "an attribute of Amazon's name",
    () => send({ MessageAttributes: { "AWS.x": { DataType: "String", StringValue: "x" } } }),
    { name: "InvalidParameterValue" },
  ],
  [
    "eleven attributes",
    () =>
      send({
        MessageAttributes: Object.fromEntries(
          Array.from({ length: 11 }, (_, i) => [`a${i}`, { DataType: "String", StringValue: "x" }]),
        ),
      }),
    { name: "InvalidParameterValue" },
  ],
  [
    "eleven messages at once",
    () => stack.client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 })),
    {
      name: "InvalidParameterValue",
      message: "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
    },
  ],
  [
    "a wait of 21 s",
    () => stack.client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 21 })),
    {
      name: "InvalidParameterValue",
      message: "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
    },
  ],
  [
    "a handle of nobody",
    () => stack.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "nonsense" })),
    { name: "ReceiptHandleIsInvalid", status: 404 },
  ],
  [
    "a delete of nothing",
    () => stack.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [] })),
    { name: "EmptyBatchRequest" },
  ],
  [
    "attributes that are not there",
    () => stack.client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: undefined })),
    { name: "MissingParameter" },
  ],
  [
    "a FIFO queue",
    () => stack.client.send(new CreateQueueCommand({ QueueName: "q.fifo", Attributes: { FifoQueue: "true" } })),
    { name: "UnsupportedOperation", message: /FIFO/ },
  ],
  [
    "a queue name with a dot",
    () => stack.client.send(new CreateQueueCommand({ QueueName: "a.b" })),
    { name: "InvalidParameterValue" },
  ],
  [
    "a queue that exists with another setting",
    () => stack.client.send(new CreateQueueCommand({ QueueName: "q", Attributes: { DelaySeconds: "9" } })),
    {
      name: "QueueNameExists",
      Code: "QueueAlreadyExists",
      message: "A queue already exists with the same name and a different value for attribute DelaySeconds",
    },
  ],
  [
    "an attribute that is none",
    () => stack.client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Nonsense: "1" } as never })),
    { name: "InvalidAttributeName", message: "Unknown Attribute Nonsense." },
  ],
  [
    "asking for an attribute that is none",
    () => stack.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["Nonsense" as never] })),
    { name: "InvalidAttributeName" },
  ],
  [
    "a visibility timeout over 12 hours",
    () => stack.client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: "43201" } })),
    { name: "InvalidAttributeValue" },
  ],
  [
    "a dead-letter queue that does not exist",
    () =>
      stack.client.send(
        new SetQueueAttributesCommand({
          QueueUrl,
          Attributes: {
            RedrivePolicy: JSON.stringify({ deadLetterTargetArn: stack.sqs.arn("nobody"), maxReceiveCount: 3 }),
          },
        }),
      ),
    { name: "InvalidParameterValue", message: /Dead letter target does not exist/ },
  ],
];

describe("refused as on AWS, by name:", () => {
  test.each(cases)("%s", async (_name, call, expected) => {
    const error = await refusal(call());
    expect(error.name).toBe(expected.name);
    if (expected.Code) expect(error.Code).toBe(expected.Code);
    if (typeof expected.message === "string") expect(error.message).toBe(expected.message);
    else if (expected.message) expect(error.message).toMatch(expected.message);
    expect(error.$metadata.httpStatusCode).toBe(expected.status ?? 400);
    expect(error.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("1 MiB exactly is taken, and a queue's own smaller limit is enforced in a batch entry by entry", async () => {
  await send({ MessageBody: "x".repeat(MIB) });
  stack.sqs.create("small", { MaximumMessageSize: "1024" });
  const answer = await stack.client.send(
    new SendMessageBatchCommand({
      QueueUrl: stack.queueUrl("small"),
      Entries: [
        { Id: "fits", MessageBody: "x".repeat(1024) },
        { Id: "large", MessageBody: "x".repeat(1025) },
      ],
    }),
  );
  expect(answer.Successful?.map((s) => s.Id)).toEqual(["fits"]);
  expect(answer.Failed).toMatchObject([{ Id: "large", Code: "InvalidParameterValue", SenderFault: true }]);
});

test("nonsense of the wrong type is a 400, never a crash or a 500", async () => {
  const post = (target: string, body: unknown) =>
    fetch(stack.url, {
      method: "POST",
      headers: { "x-amz-target": `AmazonSQS.${target}` },
      body: JSON.stringify(body),
    });
  for (const [target, body] of [
    ["SendMessage", { QueueUrl: 7 }],
    ["SendMessage", { QueueUrl: {}, MessageBody: [] }],
    ["SendMessage", { QueueUrl, MessageBody: "x", MessageAttributes: [1] }],
    ["SendMessage", { QueueUrl, MessageBody: "x", MessageAttributes: { a: null } }],
    ["SendMessage", { QueueUrl, MessageBody: "x", DelaySeconds: "soon" }],
    ["SendMessage", { QueueUrl: "not a url", MessageBody: "x" }],
    ["SendMessage", { QueueUrl, MessageBody: "\ud800" }],
    ["SendMessageBatch", { QueueUrl, Entries: {} }],
    ["SendMessageBatch", { QueueUrl, Entries: [null] }],
    ["SendMessageBatch", { QueueUrl, Entries: [{ Id: 1 }] }],
    ["ReceiveMessage", { QueueUrl, MaxNumberOfMessages: 1.5 }],
    ["ReceiveMessage", { QueueUrl, AttributeNames: "All" }],
    ["CreateQueue", { QueueName: "x", Attributes: { DelaySeconds: 5 } }],
    ["SetQueueAttributes", { QueueUrl, Attributes: { RedrivePolicy: "{" } }],
    ["CancelMessageMoveTask", { TaskHandle: "###" }],
    ["Nonsense", {}],
  ] as const) {
    const response = await post(target, body);
    expect([target, body, response.status]).toSatisfy((got: unknown[]) => got[2] === 400 || got[2] === 404);
    expect(await response.json()).toHaveProperty("__type");
  }
});
