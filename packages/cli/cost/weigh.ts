import { messagesOf } from "../../../functions/messages.ts";
import { digest } from "../../../functions/river.ts";
import { type Batch, sqsRequests } from "../../core/cost.ts";
import type { Bytes, Dataset } from "../../core/dataset.ts";
import { judgeOf } from "../../core/judge.ts";
import { byteLength } from "../../core/message.ts";

/** What a file of the origin is on its way to raw, and how many sessions it holds. */
export type Weight = Pick<
  Batch,
  "rows" | "messages" | "messageBytes" | "sendRequests" | "recordBytes" | "originBytes"
> & { sessions: number };

/** SendMessageBatch takes at most 10 messages and 1 MiB (API reference). */
const SEND_MESSAGES = 10;
const SEND_BYTES = 1024 ** 2;

/**
 * Makes the messages and rows that a file's bytes would make, by the code that makes them, and weighs them. It sends
 * nothing. @throws PregaoError as `survey` for bytes that are no file of the dataset.
 */
export const weigh = async (dataset: Dataset, source: string, bytes: Bytes): Promise<Weight> => {
  const survey = await dataset.raw!.format.survey(bytes);
  const scraped_at = `${[...survey.sessions.keys()].at(-1) ?? "2000-01-01"} 22:00:00.000`;
  const origin = { sha256: "0".repeat(64), version: survey.version, scraped_at };
  const judge = judgeOf(dataset, digest);
  const found = { messages: 0, messageBytes: 0, sendRequests: 0, recordBytes: 0 };
  let call = { messages: 0, bytes: 0 };
  const send = () => {
    if (call.messages > 0) found.sendRequests += sqsRequests(call.bytes);
    call = { messages: 0, bytes: 0 };
  };
  for await (const { body } of messagesOf(dataset, { source, origin }, bytes, survey)) {
    const size = byteLength(body);
    if (call.messages === SEND_MESSAGES || call.bytes + size > SEND_BYTES) send();
    call = { messages: call.messages + 1, bytes: call.bytes + size };
    found.messages += 1;
    found.messageBytes += size;
    for (const row of judge({ receipt: "", body, sentAt: 0 }).rows) found.recordBytes += byteLength(row) + 1;
  }
  send();
  return { ...found, rows: survey.rows, originBytes: bytes.size, sessions: survey.sessions.size };
};
