import type { SQSEvent } from "aws-lambda";
import { queueArn, type Stage } from "../packages/core/stage.ts";

/** An event as SQS gives it to a function, of first receives. */
export const sqsEvent = (
  stage: Stage,
  queue: string,
  messages: readonly { messageId: string; body: string }[],
): SQSEvent => ({
  Records: messages.map(({ messageId, body }) => ({
    messageId,
    receiptHandle: `h-${messageId}`,
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "1731114660000",
      SenderId: "x",
      ApproximateFirstReceiveTimestamp: "1731114660000",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn(stage, queue),
    awsRegion: stage.region,
  })),
});
