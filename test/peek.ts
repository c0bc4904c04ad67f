import type { Aws } from "../packages/aws/index.ts";
import { type ReceivedMessage, walk } from "../packages/aws/queues.ts";

/** What `look` makes of all messages of a queue, in memory at once; none is removed. */
export const peek = async <T>(
  aws: Aws,
  queue: string,
  look: (messages: ReceivedMessage[]) => Promise<T> | T,
): Promise<T> => {
  const all: ReceivedMessage[] = [];
  await walk(aws, queue, (messages) => {
    all.push(...messages);
    return undefined;
  });
  return look(all);
};
