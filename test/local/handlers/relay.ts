import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";

const client = new SQSClient({});

/** A step of a chain: passes every message on to the queue it names, by the wire, until there is none left to name. */
export const handler = async (event: SQSEvent): Promise<void> => {
  for (const { body } of event.Records) {
    const [next, ...rest] = JSON.parse(body) as string[];
    if (next === undefined) console.log(JSON.stringify({ arrived: true }));
    else await client.send(new SendMessageCommand({ QueueUrl: next, MessageBody: JSON.stringify(rest) }));
  }
};
