import type { Context } from "aws-lambda";
import type { Aws } from "../packages/aws/index.ts";
import { putAway } from "../packages/aws/letters.ts";
import { type ReceivedMessage, walk } from "../packages/aws/queues.ts";
import { deadline } from "../packages/aws/retry.ts";
import { log } from "./log.ts";
import { openRiver } from "./river.ts";

/** Boxes of dead letters: datasets' names, and `landed`. */
export type Clock = { boxes: string[] };

/** SQS keeps a letter for 14 days from its first sending: four are left for outages. */
const ARCHIVED_AFTER_MS = 10 * 86_400_000;

/** Dead letters of ten days go to the archive in S3, where the same verbs find them. */
export const handler = async (event: Clock, context: Context): Promise<void> => {
  const { aws } = openRiver();
  const until = deadline(context);
  const ends = await Promise.all(
    event.boxes.map(async (box) => {
      try {
        return await archiveOld(aws, box, { until, now: Date.now() });
      } catch (error) {
        log("ERROR", "archive", "stopped by an error; tomorrow's call goes on", {
          box,
          error: (error as Error).message,
        });
        return null;
      }
    }),
  );
  if (ends.includes(null)) throw new Error("not every dead-letter queue was gone through; the next call goes on");
};

/**
 * Puts the letters of a box that are older than ten days into the archive, then deletes them from their queue. Safe to
 * cut anywhere and to do twice. `until` and `now` in ms since 1970. @returns how many were archived.
 */
export const archiveOld = async (
  aws: Aws,
  box: string,
  { until, now }: { until: number; now: number },
): Promise<number> => {
  const isOld = ({ sentAt }: ReceivedMessage) => now - Date.parse(sentAt) >= ARCHIVED_AFTER_MS;
  let letters = 0;
  const { whole, hidden } = await walk(
    aws,
    `${box}-dlq`,
    async (messages, queue) => {
      const old = messages.filter(isOld);
      await Promise.all(old.map((message) => putAway(aws, box, message)));
      await queue.remove(old);
      letters += old.length;
      return undefined;
    },
    { until },
  );
  if (letters > 0) log("INFO", "archive", "dead letters archived", { box, letters, hidden });
  // SQS gives letters in an order of its own: what it would delete next may be among those that were not seen.
  if (!whole)
    log(
      "ERROR",
      "archive",
      "not every dead letter was seen: old ones may be left, and SQS deletes them after 14 days",
      {
        ...{ box, letters, hidden },
        next: `pregao dlq list ${box}`,
      },
    );
  return letters;
};
