import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("sqs");
const queue = ok("CreateQueue", { QueueName: "<own>" }, {}, { q: "QueueUrl" });
const own = (step: Step["with"]): Step["with"] => ({ QueueUrl: "<q>", ...step });
const invalid = ["InvalidParameterValue", 400] as const;
const missing = ["MissingParameter", 400] as const;
const nowhere = ["QueueDoesNotExist", 400, "AWS.SimpleQueueService.NonExistentQueue"] as const;
const sqs = (name: string) => [name, 400, `AWS.SimpleQueueService.${name}`] as const;
const text = (value: string) => ({ DataType: "String", StringValue: value });
const refusedSend = (what: string, input: Step["with"], error: readonly [string, number, string?]): Case => ({
  name: `SendMessage: ${what}`,
  steps: [queue, no("SendMessage", own(input), ...error)],
});
const refusedReceive = (what: string, input: Step["with"]): Case => ({
  name: `ReceiveMessage: ${what}`,
  steps: [queue, no("ReceiveMessage", own(input), ...invalid)],
});
const entry = (id: string, body = "x") => ({ Id: id, MessageBody: body });

/** Messages: sent, received, hidden, deleted, and their batches. */
export const sqsMessages: readonly Case[] = [
  {
    name: "SendMessage: a message comes as it was sent",
    steps: [
      queue,
      ok(
        "SendMessage",
        own({ MessageBody: "olá" }),
        { MessageId: { $like: "[0-9a-f-]{36}" }, MD5OfMessageBody: "ab11fa17ff3337a200cb2714dbc2318c" },
        { id: "MessageId" },
      ),
      ok(
        "ReceiveMessage",
        own({ AttributeNames: ["All"] }),
        {
          Messages: [
            {
              Body: "olá",
              MessageId: "<id>",
              MD5OfBody: { $like: "[0-9a-f]{32}" },
              ReceiptHandle: { $any: true },
              Attributes: {
                ApproximateReceiveCount: "1",
                SentTimestamp: { $like: "\\d{13}" },
                ApproximateFirstReceiveTimestamp: { $like: "\\d{13}" },
                SenderId: { $any: true },
              },
            },
          ],
        },
        { handle: "Messages.0.ReceiptHandle" },
      ),
      ok("DeleteMessage", own({ ReceiptHandle: "<handle>" })),
      ok("GetQueueAttributes", own({ AttributeNames: ["All"] }), {
        Attributes: { ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesNotVisible: "0" },
      }),
    ],
  },
  {
    name: "SendMessage: attributes of three types come with their MD5",
    steps: [
      queue,
      ok(
        "SendMessage",
        own({
          MessageBody: "x",
          MessageAttributes: {
            word: text("olá"),
            count: { DataType: "Number", StringValue: "3.5" },
            bytes: { DataType: "Binary", BinaryValue: { $blob: "abc" } },
            typed: { DataType: "String.json", StringValue: "{}" },
          },
        }),
        { MD5OfMessageAttributes: { $like: "[0-9a-f]{32}" } },
        { md5: "MD5OfMessageAttributes" },
      ),
      ok("ReceiveMessage", own({ MessageAttributeNames: ["All"] }), {
        Messages: [
          {
            MD5OfMessageAttributes: "<md5>",
            MessageAttributes: {
              word: text("olá"),
              count: { DataType: "Number", StringValue: "3.5" },
              bytes: { DataType: "Binary", BinaryValue: { $blob: "abc" } },
              typed: { DataType: "String.json", StringValue: "{}" },
            },
          },
        ],
      }),
    ],
  },
  {
    name: "ReceiveMessage: attributes only if they are asked for, by name or prefix",
    steps: [
      queue,
      ok(
        "SendMessage",
        own({ MessageBody: "x", MessageAttributes: { "a.one": text("1"), "a.two": text("2"), b: text("3") } }),
      ),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0 }), {
        Messages: [{ MessageAttributes: { $none: true }, Attributes: { $none: true } }],
      }),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0, MessageAttributeNames: ["a.*"] }), {
        Messages: [{ MessageAttributes: { "a.one": text("1"), "a.two": text("2"), b: { $none: true } } }],
      }),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0, MessageAttributeNames: ["b", "none"] }), {
        Messages: [{ MessageAttributes: { "a.one": { $none: true }, b: text("3") } }],
      }),
    ],
  },
  {
    name: "ReceiveMessage: MessageSystemAttributeNames chooses the system's",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({ MessageSystemAttributeNames: ["ApproximateReceiveCount"] }), {
        Messages: [{ Attributes: { ApproximateReceiveCount: "1", SentTimestamp: { $none: true } } }],
      }),
    ],
  },
  {
    name: "SendMessage: MessageGroupId on a standard queue",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x", MessageGroupId: "PETR4" })),
      ok("ReceiveMessage", own({ AttributeNames: ["All"] }), {
        Messages: [{ Attributes: { MessageGroupId: "PETR4" } }],
      }),
    ],
  },
  {
    name: "SendMessage: AWSTraceHeader",
    steps: [
      queue,
      ok(
        "SendMessage",
        own({
          MessageBody: "x",
          MessageSystemAttributes: { AWSTraceHeader: text("Root=1-5759e988-bd862e3fe1be46a994272793") },
        }),
        { MD5OfMessageSystemAttributes: { $like: "[0-9a-f]{32}" } },
      ),
      ok("ReceiveMessage", own({ AttributeNames: ["AWSTraceHeader"] }), {
        Messages: [{ Attributes: { AWSTraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793" } }],
      }),
    ],
  },
  {
    name: "SendMessage: 1 MiB",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: { $repeat: ["x", 1_048_576] } }), { MessageId: { $any: true } }),
    ],
  },
  refusedSend("1 MiB and a byte", { MessageBody: { $repeat: ["x", 1_048_577] } }, invalid),
  refusedSend(
    "1 MiB with its attributes counted",
    { MessageBody: { $repeat: ["x", 1_048_570] }, MessageAttributes: { a: text("1") } },
    invalid,
  ),
  {
    name: "SendMessage: longer than its queue's MaximumMessageSize",
    steps: [
      ok("CreateQueue", { QueueName: "<own>", Attributes: { MaximumMessageSize: "1024" } }, {}, { q: "QueueUrl" }),
      ok("SendMessage", own({ MessageBody: { $repeat: ["x", 1024] } })),
      no("SendMessage", own({ MessageBody: { $repeat: ["x", 1025] } }), ...invalid),
    ],
  },
  refusedSend("an empty body", { MessageBody: "" }, missing),
  refusedSend("no body", {}, missing),
  refusedSend("a character that XML 1.0 has not", { MessageBody: "a\u0000b" }, ["InvalidMessageContents", 400]),
  refusedSend("a vertical tab", { MessageBody: "a\u000bb" }, ["InvalidMessageContents", 400]),
  refusedSend("a delay of 901 s", { MessageBody: "x", DelaySeconds: 901 }, invalid),
  refusedSend(
    "an attribute without a type",
    { MessageBody: "x", MessageAttributes: { a: { StringValue: "1" } } },
    invalid,
  ),
  refusedSend(
    "an attribute of a type that there is not",
    { MessageBody: "x", MessageAttributes: { a: { DataType: "Date", StringValue: "1" } } },
    invalid,
  ),
  refusedSend(
    "an attribute without a value",
    { MessageBody: "x", MessageAttributes: { a: { DataType: "String", StringValue: "" } } },
    invalid,
  ),
  refusedSend(
    "a Number that is none",
    { MessageBody: "x", MessageAttributes: { a: { DataType: "Number", StringValue: "ten" } } },
    invalid,
  ),
  refusedSend(
    "an attribute's name that begins with AWS.",
    { MessageBody: "x", MessageAttributes: { "AWS.a": text("1") } },
    invalid,
  ),
  refusedSend(
    "11 attributes",
    {
      MessageBody: "x",
      MessageAttributes: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, text("1")])),
    },
    invalid,
  ),
  {
    name: "SendMessage: a queue that there is not",
    steps: [queue, ok("DeleteQueue", { QueueUrl: "<q>" }), no("SendMessage", own({ MessageBody: "x" }), ...nowhere)],
  },
  {
    name: "SendMessage: a delayed message is not received before its time",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x", DelaySeconds: 60 })),
      ok("ReceiveMessage", own({}), { Messages: { $none: true } }),
      ok("GetQueueAttributes", own({ AttributeNames: ["All"] }), {
        Attributes: { ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesDelayed: "1" },
      }),
    ],
  },
  {
    name: "SendMessageBatch: each entry is answered under its id",
    steps: [
      queue,
      ok("SendMessageBatch", own({ Entries: [entry("a", "1"), entry("b", "2")] }), {
        Successful: [
          { Id: "a", MessageId: { $any: true }, MD5OfMessageBody: "c4ca4238a0b923820dcc509a6f75849b" },
          { Id: "b", MessageId: { $any: true }, MD5OfMessageBody: "c81e728d9d4c2f636f067f89cc14862c" },
        ],
      }),
      ok("ReceiveMessage", own({ MaxNumberOfMessages: 10 }), { Messages: { $has: [{ Body: "1" }, { Body: "2" }] } }),
    ],
  },
  {
    name: "SendMessageBatch: a faulty entry fails alone, with HTTP 200",
    steps: [
      queue,
      ok("SendMessageBatch", own({ Entries: [entry("good"), { ...entry("bad"), DelaySeconds: 901 }] }), {
        Successful: [{ Id: "good" }],
        Failed: [{ Id: "bad", SenderFault: true, Code: "InvalidParameterValue" }],
      }),
    ],
  },
  {
    name: "SendMessageBatch: no entry",
    steps: [queue, no("SendMessageBatch", own({ Entries: [] }), ...sqs("EmptyBatchRequest"))],
  },
  {
    name: "SendMessageBatch: 11 entries",
    steps: [
      queue,
      no("SendMessageBatch", own({ Entries: { $times: [11, entry("m<i>")] } }), ...sqs("TooManyEntriesInBatchRequest")),
    ],
  },
  {
    name: "SendMessageBatch: an id twice",
    steps: [
      queue,
      no("SendMessageBatch", own({ Entries: [entry("a"), entry("a")] }), ...sqs("BatchEntryIdsNotDistinct")),
    ],
  },
  {
    name: "SendMessageBatch: an id with a space",
    steps: [queue, no("SendMessageBatch", own({ Entries: [entry("a b")] }), ...sqs("InvalidBatchEntryId"))],
  },
  {
    name: "SendMessageBatch: an id of 81 characters",
    steps: [
      queue,
      no(
        "SendMessageBatch",
        own({ Entries: [{ Id: { $repeat: ["a", 81] }, MessageBody: "x" }] }),
        ...sqs("InvalidBatchEntryId"),
      ),
    ],
  },
  {
    name: "SendMessageBatch: 1 MiB together",
    steps: [
      queue,
      ok(
        "SendMessageBatch",
        own({ Entries: { $times: [4, { Id: "m<i>", MessageBody: { $repeat: ["x", 262_144] } }] } }),
        { Successful: { $size: 4 } },
      ),
    ],
  },
  {
    name: "SendMessageBatch: more than 1 MiB together",
    steps: [
      queue,
      no(
        "SendMessageBatch",
        own({ Entries: { $times: [5, { Id: "m<i>", MessageBody: { $repeat: ["x", 262_144] } }] } }),
        ...sqs("BatchRequestTooLong"),
      ),
    ],
  },
  {
    name: "ReceiveMessage: an empty queue gives no Messages",
    steps: [queue, ok("ReceiveMessage", own({}), { Messages: { $none: true } })],
  },
  {
    name: "ReceiveMessage: one message unless more are asked for",
    steps: [
      queue,
      ok("SendMessageBatch", own({ Entries: { $times: [3, entry("m<i>")] } })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }),
      ok("ReceiveMessage", own({ MaxNumberOfMessages: 10 }), { Messages: { $size: 2 } }),
    ],
  },
  refusedReceive("MaxNumberOfMessages 0", { MaxNumberOfMessages: 0 }),
  refusedReceive("MaxNumberOfMessages 11", { MaxNumberOfMessages: 11 }),
  refusedReceive("WaitTimeSeconds 21", { WaitTimeSeconds: 21 }),
  refusedReceive("VisibilityTimeout 43201", { VisibilityTimeout: 43_201 }),
  {
    name: "ReceiveMessage: a message comes back with its count, and a new handle",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok(
        "ReceiveMessage",
        own({ VisibilityTimeout: 0 }),
        { Messages: { $size: 1 } },
        { first: "Messages.0.ReceiptHandle" },
      ),
      ok("ReceiveMessage", own({ AttributeNames: ["ApproximateReceiveCount"] }), {
        Messages: [{ Attributes: { ApproximateReceiveCount: "2" } }],
      }),
    ],
  },
  {
    name: "ReceiveMessage: after maxReceiveCount a message is in the dead-letter queue",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-dlq" }, {}, { dlq: "QueueUrl" }),
      ok(
        "CreateQueue",
        {
          QueueName: "<own>",
          Attributes: {
            RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:<region>:<account>:<own>-dlq","maxReceiveCount":2}',
          },
        },
        {},
        { q: "QueueUrl" },
      ),
      ok("SendMessage", own({ MessageBody: "x" }), {}, { id: "MessageId" }),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0 }), { Messages: { $size: 1 } }),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0 }), { Messages: { $size: 1 } }),
      ok("ReceiveMessage", own({ VisibilityTimeout: 0 }), { Messages: { $none: true } }),
      ok(
        "ReceiveMessage",
        { QueueUrl: "<dlq>", AttributeNames: ["All"] },
        {
          Messages: [
            {
              MessageId: "<id>",
              Attributes: {
                ApproximateReceiveCount: "3",
                DeadLetterQueueSourceArn: "arn:aws:sqs:<region>:<account>:<own>",
              },
            },
          ],
        },
      ),
    ],
  },
  {
    name: "ReceiveMessage: a queue that there is not",
    steps: [queue, ok("DeleteQueue", { QueueUrl: "<q>" }), no("ReceiveMessage", own({}), ...nowhere)],
  },
  {
    name: "DeleteMessage: twice",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      ok("DeleteMessage", own({ ReceiptHandle: "<handle>" })),
      ok("DeleteMessage", own({ ReceiptHandle: "<handle>" })),
    ],
  },
  {
    name: "DeleteMessage: a handle that is none",
    steps: [queue, no("DeleteMessage", own({ ReceiptHandle: "x" }), "ReceiptHandleIsInvalid", 404)],
  },
  {
    name: "DeleteMessageBatch: a handle that is none fails alone, with HTTP 200",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      ok(
        "DeleteMessageBatch",
        own({
          Entries: [
            { Id: "good", ReceiptHandle: "<handle>" },
            { Id: "bad", ReceiptHandle: "x" },
          ],
        }),
        {
          Successful: [{ Id: "good" }],
          Failed: [{ Id: "bad", SenderFault: true, Code: "ReceiptHandleIsInvalid" }],
        },
      ),
    ],
  },
  {
    name: "DeleteMessageBatch: no entry",
    steps: [queue, no("DeleteMessageBatch", own({ Entries: [] }), ...sqs("EmptyBatchRequest"))],
  },
  {
    name: "DeleteMessageBatch: an id twice",
    steps: [
      queue,
      no(
        "DeleteMessageBatch",
        own({
          Entries: [
            { Id: "a", ReceiptHandle: "x" },
            { Id: "a", ReceiptHandle: "y" },
          ],
        }),
        ...sqs("BatchEntryIdsNotDistinct"),
      ),
    ],
  },
  {
    name: "ChangeMessageVisibility: 0 shows it at once",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      ok("ReceiveMessage", own({}), { Messages: { $none: true } }),
      ok("ChangeMessageVisibility", own({ ReceiptHandle: "<handle>", VisibilityTimeout: 0 })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }),
    ],
  },
  {
    name: "ChangeMessageVisibility: 43201",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      no("ChangeMessageVisibility", own({ ReceiptHandle: "<handle>", VisibilityTimeout: 43_201 }), ...invalid),
    ],
  },
  {
    name: "ChangeMessageVisibility: of a message that is deleted",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      ok("DeleteMessage", own({ ReceiptHandle: "<handle>" })),
      no("ChangeMessageVisibility", own({ ReceiptHandle: "<handle>", VisibilityTimeout: 5 }), ...invalid),
    ],
  },
  {
    name: "ChangeMessageVisibility: a handle that is none",
    steps: [
      queue,
      no("ChangeMessageVisibility", own({ ReceiptHandle: "x", VisibilityTimeout: 5 }), "ReceiptHandleIsInvalid", 404),
    ],
  },
  {
    name: "ChangeMessageVisibilityBatch: a handle that is none fails alone, with HTTP 200",
    steps: [
      queue,
      ok("SendMessage", own({ MessageBody: "x" })),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }, { handle: "Messages.0.ReceiptHandle" }),
      ok(
        "ChangeMessageVisibilityBatch",
        own({
          Entries: [
            { Id: "good", ReceiptHandle: "<handle>", VisibilityTimeout: 0 },
            { Id: "bad", ReceiptHandle: "x", VisibilityTimeout: 0 },
          ],
        }),
        {
          Successful: [{ Id: "good" }],
          Failed: [{ Id: "bad", SenderFault: true, Code: "ReceiptHandleIsInvalid" }],
        },
      ),
      ok("ReceiveMessage", own({}), { Messages: { $size: 1 } }),
    ],
  },
];
