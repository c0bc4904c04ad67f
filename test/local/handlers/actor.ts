import type { Context, SQSEvent } from "aws-lambda";

/** What a message may ask this handler to do. `wait`: a URL that answers when the test says so. */
export type Act = {
  wait?: string;
  throw?: string;
  fail?: boolean;
  answer?: unknown;
  hang?: boolean;
  exit?: boolean;
  block?: boolean;
  print?: string;
};

let calls = 0;

/** A function that tells what it was given, as a line of its log, and does as its messages say. */
export const handler = async (event: SQSEvent, context: Context): Promise<unknown> => {
  calls++;
  console.log(
    JSON.stringify({ given: event, bytes: JSON.stringify(event).length, calls, request: context.awsRequestId }),
  );
  const failed: string[] = [];
  for (const record of event.Records) {
    const act = JSON.parse(record.body) as Act;
    if (act.print) console.log(act.print);
    if (act.wait) await fetch(act.wait);
    if (act.throw) throw new TypeError(act.throw);
    if (act.exit) process.exit(3);
    if (act.hang) await new Promise(() => setInterval(() => undefined, 1000));
    if (act.block) for (;;);
    if ("answer" in act) return act.answer;
    if (act.fail) failed.push(record.messageId);
  }
  if (failed.length) return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  return undefined;
};

/** An asynchronous event: fails as often as it is told, counted in this sandbox. */
let failures = 0;
export const later = async (event: { failures?: number }, context: Context): Promise<void> => {
  console.log(JSON.stringify({ later: event, request: context.awsRequestId }));
  if (failures++ < (event.failures ?? 0)) throw new Error(`failure ${failures}`);
};

/** What the function sees of its surroundings. */
export const look = async (event: unknown, context: Context): Promise<unknown> => ({
  event,
  env: process.env,
  context: { ...context, left: context.getRemainingTimeInMillis() },
});

export const cyclic = async (): Promise<unknown> => {
  const answer: Record<string, unknown> = {};
  answer.answer = answer;
  return answer;
};
