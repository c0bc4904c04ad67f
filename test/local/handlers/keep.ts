import { appendFileSync } from "node:fs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";

/** Writes down what it was given in the file that each message names; every fifth message it returns the first time. */
export const handler = async (event: SQSEvent): Promise<SQSBatchResponse> => {
  const later: string[] = [];
  for (const { body, messageId, attributes } of event.Records) {
    const { file, n } = JSON.parse(body) as { file: string; n: number };
    if (n % 5 === 0 && attributes.ApproximateReceiveCount === "1") later.push(messageId);
    else appendFileSync(file, `${n}\n`);
  }
  return { batchItemFailures: later.map((itemIdentifier) => ({ itemIdentifier })) };
};
