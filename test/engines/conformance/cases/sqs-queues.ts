import { asking, type Case } from "../case.ts";

const { ok, no } = asking("sqs");
const queue = ok(
  "CreateQueue",
  { QueueName: "<own>" },
  { QueueUrl: { $like: "http.*/<account>/<own>" } },
  { q: "QueueUrl" },
);
const arn = "arn:aws:sqs:<region>:<account>:<own>";
const nowhere = "QueueDoesNotExist";
const nowhereCode = "AWS.SimpleQueueService.NonExistentQueue";
const badValue = (attribute: string, value: string): Case => ({
  name: `CreateQueue: ${attribute} ${value} is out of bounds`,
  steps: [no("CreateQueue", { QueueName: "<own>", Attributes: { [attribute]: value } }, "InvalidAttributeValue")],
});
const all = { QueueUrl: "<q>", AttributeNames: ["All"] };

/** Queues: their names, attributes and tags. */
export const sqsQueues: readonly Case[] = [
  {
    name: "CreateQueue: the same attributes again give the same URL",
    steps: [
      ok("CreateQueue", { QueueName: "<own>", Attributes: { DelaySeconds: "5" } }, {}, { q: "QueueUrl" }),
      ok("CreateQueue", { QueueName: "<own>", Attributes: { DelaySeconds: "5" } }, { QueueUrl: "<q>" }),
      ok("CreateQueue", { QueueName: "<own>" }, { QueueUrl: "<q>" }),
    ],
  },
  {
    name: "CreateQueue: another value for an existing name",
    steps: [
      queue,
      no(
        "CreateQueue",
        { QueueName: "<own>", Attributes: { DelaySeconds: "5" } },
        "QueueNameExists",
        400,
        "QueueAlreadyExists",
      ),
    ],
  },
  {
    name: "CreateQueue: a name with a character that is not allowed",
    steps: [no("CreateQueue", { QueueName: "<own>!" }, "InvalidParameterValue")],
  },
  {
    name: "CreateQueue: a name of 81 characters",
    steps: [no("CreateQueue", { QueueName: { $repeat: ["a", 81] } }, "InvalidParameterValue")],
  },
  {
    name: "CreateQueue: a name of 80 characters",
    steps: [ok("CreateQueue", { QueueName: `<own>${"a".repeat(74)}` }, { QueueUrl: { $like: ".*a{74}" } })],
  },
  {
    name: "CreateQueue: an attribute that there is not",
    steps: [no("CreateQueue", { QueueName: "<own>", Attributes: { Colour: "red" } }, "InvalidAttributeName")],
  },
  badValue("VisibilityTimeout", "43201"),
  badValue("DelaySeconds", "901"),
  badValue("DelaySeconds", "-1"),
  badValue("MaximumMessageSize", "1023"),
  badValue("MaximumMessageSize", "1048577"),
  badValue("MessageRetentionPeriod", "59"),
  badValue("MessageRetentionPeriod", "1209601"),
  badValue("ReceiveMessageWaitTimeSeconds", "21"),
  badValue("VisibilityTimeout", "soon"),
  {
    name: "CreateQueue: a FIFO queue",
    steps: [
      ok(
        "CreateQueue",
        { QueueName: "<own>.fifo", Attributes: { FifoQueue: "true" } },
        { QueueUrl: { $like: ".*\\.fifo" } },
      ),
    ],
  },
  {
    name: "CreateQueue: tags are kept",
    steps: [
      ok("CreateQueue", { QueueName: "<own>", tags: { team: "data" } }, {}, { q: "QueueUrl" }),
      ok("ListQueueTags", { QueueUrl: "<q>" }, { Tags: { team: "data" } }),
    ],
  },
  {
    name: "CreateQueue: a name deleted less than 60 s ago",
    steps: [
      queue,
      ok("DeleteQueue", { QueueUrl: "<q>" }),
      no(
        "CreateQueue",
        { QueueName: "<own>" },
        "QueueDeletedRecently",
        400,
        "AWS.SimpleQueueService.QueueDeletedRecently",
      ),
    ],
  },
  {
    name: "DeleteQueue: a queue that there is not",
    steps: [
      queue,
      ok("DeleteQueue", { QueueUrl: "<q>" }),
      no("DeleteQueue", { QueueUrl: "<q>" }, nowhere, 400, nowhereCode),
    ],
  },
  {
    name: "GetQueueUrl: of a queue, also with its owner",
    steps: [
      queue,
      ok("GetQueueUrl", { QueueName: "<own>" }, { QueueUrl: "<q>" }),
      ok("GetQueueUrl", { QueueName: "<own>", QueueOwnerAWSAccountId: "<account>" }, { QueueUrl: "<q>" }),
    ],
  },
  {
    name: "GetQueueUrl: of a queue that there is not",
    steps: [no("GetQueueUrl", { QueueName: "<own>" }, nowhere, 400, nowhereCode)],
  },
  {
    name: "ListQueues: by prefix, in pages",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-1" }, {}, { a: "QueueUrl" }),
      ok("CreateQueue", { QueueName: "<own>-2" }, {}, { b: "QueueUrl" }),
      ok("CreateQueue", { QueueName: "<own>-3" }, {}, { c: "QueueUrl" }),
      ok("ListQueues", { QueueNamePrefix: "<own>-" }, { QueueUrls: ["<a>", "<b>", "<c>"], NextToken: { $none: true } }),
      ok(
        "ListQueues",
        { QueueNamePrefix: "<own>-", MaxResults: 2 },
        { QueueUrls: { $size: 2 } },
        { next: "NextToken" },
      ),
      ok(
        "ListQueues",
        { QueueNamePrefix: "<own>-", MaxResults: 2, NextToken: "<next>" },
        { QueueUrls: { $size: 1 }, NextToken: { $none: true } },
      ),
    ],
  },
  {
    name: "ListQueues: none of that prefix",
    steps: [ok("ListQueues", { QueueNamePrefix: "<own>" }, { QueueUrls: { $none: true } })],
  },
  {
    name: "ListQueues: more than 1,000 at once are not given",
    steps: [no("ListQueues", { MaxResults: 1001 }, "InvalidParameterValue")],
  },
  {
    name: "GetQueueAttributes: All, with the defaults",
    steps: [
      queue,
      ok("GetQueueAttributes", all, {
        Attributes: {
          QueueArn: arn,
          VisibilityTimeout: "30",
          DelaySeconds: "0",
          MaximumMessageSize: "1048576",
          MessageRetentionPeriod: "345600",
          ReceiveMessageWaitTimeSeconds: "0",
          SqsManagedSseEnabled: "true",
          ApproximateNumberOfMessages: "0",
          ApproximateNumberOfMessagesNotVisible: "0",
          ApproximateNumberOfMessagesDelayed: "0",
          CreatedTimestamp: { $like: "\\d{10}" },
          LastModifiedTimestamp: { $like: "\\d{10}" },
          RedrivePolicy: { $none: true },
          FifoQueue: { $none: true },
        },
      }),
    ],
  },
  {
    name: "GetQueueAttributes: those that are asked for, none if none is",
    steps: [
      queue,
      ok(
        "GetQueueAttributes",
        { QueueUrl: "<q>", AttributeNames: ["QueueArn", "DelaySeconds"] },
        { Attributes: { QueueArn: arn, DelaySeconds: "0", VisibilityTimeout: { $none: true } } },
      ),
      ok("GetQueueAttributes", { QueueUrl: "<q>" }, { Attributes: { $none: true } }),
    ],
  },
  {
    name: "GetQueueAttributes: an attribute that there is not",
    steps: [queue, no("GetQueueAttributes", { QueueUrl: "<q>", AttributeNames: ["Colour"] }, "InvalidAttributeName")],
  },
  {
    name: "GetQueueAttributes: a queue that there is not",
    steps: [queue, ok("DeleteQueue", { QueueUrl: "<q>" }), no("GetQueueAttributes", all, nowhere, 400, nowhereCode)],
  },
  {
    name: "SetQueueAttributes: values are seen, an empty redrive policy removes it",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-dlq" }),
      queue,
      ok("SetQueueAttributes", {
        QueueUrl: "<q>",
        Attributes: {
          VisibilityTimeout: "60",
          RedrivePolicy: `{"deadLetterTargetArn":"${arn}-dlq","maxReceiveCount":"3"}`,
        },
      }),
      ok("GetQueueAttributes", all, {
        Attributes: { VisibilityTimeout: "60", RedrivePolicy: { $like: ".*maxReceiveCount.*" } },
      }),
      ok("SetQueueAttributes", { QueueUrl: "<q>", Attributes: { RedrivePolicy: "" } }),
      ok("GetQueueAttributes", all, { Attributes: { VisibilityTimeout: "60", RedrivePolicy: { $none: true } } }),
    ],
  },
  {
    name: "SetQueueAttributes: a value out of bounds",
    steps: [
      queue,
      no(
        "SetQueueAttributes",
        { QueueUrl: "<q>", Attributes: { VisibilityTimeout: "43201" } },
        "InvalidAttributeValue",
      ),
    ],
  },
  {
    name: "SetQueueAttributes: a dead-letter queue that there is not",
    steps: [
      queue,
      no(
        "SetQueueAttributes",
        {
          QueueUrl: "<q>",
          Attributes: { RedrivePolicy: `{"deadLetterTargetArn":"${arn}-none","maxReceiveCount":"3"}` },
        },
        "InvalidParameterValue",
      ),
    ],
  },
  {
    name: "SetQueueAttributes: maxReceiveCount 1001",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-dlq" }),
      queue,
      no(
        "SetQueueAttributes",
        {
          QueueUrl: "<q>",
          Attributes: { RedrivePolicy: `{"deadLetterTargetArn":"${arn}-dlq","maxReceiveCount":"1001"}` },
        },
        "InvalidParameterValue",
      ),
    ],
  },
  {
    name: "ListDeadLetterSourceQueues: the queues whose dead letters come here",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-dlq" }, {}, { dlq: "QueueUrl" }),
      ok(
        "CreateQueue",
        {
          QueueName: "<own>",
          Attributes: { RedrivePolicy: `{"deadLetterTargetArn":"${arn}-dlq","maxReceiveCount":"3"}` },
        },
        {},
        { q: "QueueUrl" },
      ),
      ok("ListDeadLetterSourceQueues", { QueueUrl: "<dlq>" }, { queueUrls: ["<q>"] }),
      ok("ListDeadLetterSourceQueues", { QueueUrl: "<q>" }, { queueUrls: [] }),
    ],
  },
  {
    name: "TagQueue: tags are added, replaced and removed",
    steps: [
      queue,
      ok("ListQueueTags", { QueueUrl: "<q>" }, { Tags: { $none: true } }),
      ok("TagQueue", { QueueUrl: "<q>", Tags: { a: "1", b: "2" } }),
      ok("TagQueue", { QueueUrl: "<q>", Tags: { b: "3" } }),
      ok("ListQueueTags", { QueueUrl: "<q>" }, { Tags: { a: "1", b: "3" } }),
      ok("UntagQueue", { QueueUrl: "<q>", TagKeys: ["a", "none"] }),
      ok("ListQueueTags", { QueueUrl: "<q>" }, { Tags: { a: { $none: true }, b: "3" } }),
    ],
  },
  {
    name: "TagQueue: a queue that there is not",
    steps: [
      queue,
      ok("DeleteQueue", { QueueUrl: "<q>" }),
      no("TagQueue", { QueueUrl: "<q>", Tags: { a: "1" } }, nowhere, 400, nowhereCode),
    ],
  },
  {
    name: "PurgeQueue: once in 60 s",
    steps: [
      queue,
      ok("SendMessage", { QueueUrl: "<q>", MessageBody: "x" }),
      ok("PurgeQueue", { QueueUrl: "<q>" }),
      ok("GetQueueAttributes", all, { Attributes: { ApproximateNumberOfMessages: "0" } }),
      no("PurgeQueue", { QueueUrl: "<q>" }, "PurgeQueueInProgress", 403, "AWS.SimpleQueueService.PurgeQueueInProgress"),
    ],
  },
  {
    name: "StartMessageMoveTask: back to where they came from",
    steps: [
      ok("CreateQueue", { QueueName: "<own>-dlq" }, {}, { dlq: "QueueUrl" }),
      ok(
        "CreateQueue",
        {
          QueueName: "<own>",
          Attributes: {
            RedrivePolicy: `{"deadLetterTargetArn":"${arn}-dlq","maxReceiveCount":"1"}`,
            VisibilityTimeout: "0",
          },
        },
        {},
        { q: "QueueUrl" },
      ),
      ok("SendMessage", { QueueUrl: "<q>", MessageBody: "dead" }),
      ok("ReceiveMessage", { QueueUrl: "<q>" }, { Messages: { $size: 1 } }),
      ok("ReceiveMessage", { QueueUrl: "<q>" }, { Messages: { $none: true } }),
      ok("StartMessageMoveTask", { SourceArn: `${arn}-dlq` }, { TaskHandle: { $any: true } }),
      ok("ReceiveMessage", { QueueUrl: "<q>", WaitTimeSeconds: 5 }, { Messages: [{ Body: "dead" }] }),
      ok(
        "ListMessageMoveTasks",
        { SourceArn: `${arn}-dlq` },
        {
          Results: [
            {
              Status: "COMPLETED",
              SourceArn: `${arn}-dlq`,
              ApproximateNumberOfMessagesMoved: 1,
              ApproximateNumberOfMessagesToMove: 1,
              TaskHandle: { $none: true },
            },
          ],
        },
      ),
    ],
  },
  {
    name: "StartMessageMoveTask: a queue that is nobody's dead-letter queue",
    steps: [queue, no("StartMessageMoveTask", { SourceArn: arn }, "InvalidParameterValue")],
  },
  {
    name: "StartMessageMoveTask: a queue that there is not",
    steps: [no("StartMessageMoveTask", { SourceArn: arn }, "ResourceNotFoundException", 404)],
  },
  {
    name: "ListMessageMoveTasks: a queue that there is not",
    steps: [no("ListMessageMoveTasks", { SourceArn: arn }, "ResourceNotFoundException", 404)],
  },
  {
    name: "CancelMessageMoveTask: a handle that is none",
    steps: [no("CancelMessageMoveTask", { TaskHandle: "x" }, "InvalidParameterValue")],
  },
];
