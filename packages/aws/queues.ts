import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type Message as SqsMessage,
} from "@aws-sdk/client-sqs";
import PQueue from "p-queue";
import { byteLength } from "../core/message.ts";
import { resource } from "../core/stage.ts";
import type { Aws } from "./index.ts";
import { backOff, isTransient } from "./retry.ts";

/** SendMessageBatch: at most 10 messages, 1 MiB together (API reference). */
const BATCH_MESSAGES = 10;
const BATCH_BYTES = 1024 * 1024;
/** Calls under way at once: at SQS's 10–20 ms each, some 15,000 messages a second. */
const CONCURRENCY = 32;

const PATIENCE_MS = 60_000;

export type Outgoing = { id: string; group: string; body: string };

/** How a message ended: accepted, refused for good (with SQS's reason), or unknown, which is not accepted. */
export type Sent = { id: string; outcome: "accepted" | "refused" | "unknown"; reason?: string };

export const queueUrl = (aws: Aws, queue: string): string =>
  `${aws.endpoint ?? `https://sqs.${aws.stage.region}.amazonaws.com`}/${aws.stage.account}/${resource(aws.stage, queue)}`;

/**
 * Sends messages in batches, several at once, and says of each how it ended, in order. Sending goes on with what was
 * not accepted until `until`. Sending a message twice is harmless: its rows have the same ids.
 */
export const send = async (
  aws: Aws,
  queue: string,
  messages: Iterable<Outgoing> | AsyncIterable<Outgoing>,
  options: { until?: number; onSent?: (sent: Sent, at: number) => void } = {},
): Promise<Sent[]> => {
  let progress = Date.now();
  /** Without a deadline of the caller's, an outage is waited for as long as {@link PATIENCE_MS} after the last success. */
  const until = (): number => options.until ?? progress + PATIENCE_MS;
  const pool = new PQueue({ concurrency: CONCURRENCY });
  const results: Sent[] = [];
  const note = (sent: Sent, at: number) => {
    results[at] = sent;
    if (sent.outcome === "accepted") progress = Date.now();
    options.onSent?.(sent, at);
  };
  let batch: { message: Outgoing; at: number }[] = [];
  let bytes = 0;
  let count = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const full = batch;
    batch = [];
    bytes = 0;
    // Bounds memory: the reader waits while as many batches are under way as the pool takes.
    await pool.onSizeLessThan(CONCURRENCY);
    void pool.add(() => sendBatch(aws, queue, full, until, note));
  };
  for await (const message of messages) {
    const size = byteLength(message.body);
    if (batch.length === BATCH_MESSAGES || bytes + size > BATCH_BYTES) await flush();
    batch.push({ message, at: count++ });
    bytes += size;
  }
  await flush();
  await pool.onIdle();
  return results;
};

const sendBatch = async (
  aws: Aws,
  queue: string,
  batch: { message: Outgoing; at: number }[],
  until: () => number,
  note: (sent: Sent, at: number) => void,
): Promise<void> => {
  let left = batch;
  for (let attempt = 0; left.length > 0; attempt++) {
    let reason = "no answer";
    try {
      const answer = await aws.sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl(aws, queue),
          Entries: left.map(({ message }, index) => ({
            Id: String(index),
            MessageBody: message.body,
            // SQS takes at most 128 letters, digits and punctuation there; a ticker is within that.
            MessageGroupId: message.group.replace(/[^!-~]/g, "_").slice(0, 128),
          })),
        }),
      );
      const accepted = new Set(answer.Successful?.map((entry) => entry.Id));
      const failed = new Map(answer.Failed?.map((entry) => [entry.Id, entry]));
      left = left.filter(({ message, at }, index) => {
        if (accepted.has(String(index))) {
          note({ id: message.id, outcome: "accepted" }, at);
          return false;
        }
        const failure = failed.get(String(index));
        reason = failure ? `${failure.Code}: ${failure.Message ?? ""}` : reason;
        if (!failure?.SenderFault) return true;
        note({ id: message.id, outcome: "refused", reason }, at);
        return false;
      });
    } catch (error) {
      reason = (error as Error).message;
      if (!isTransient(error)) {
        for (const { message, at } of left) note({ id: message.id, outcome: "refused", reason }, at);
        return;
      }
    }
    if (left.length > 0 && !(await backOff(attempt, until()))) {
      for (const { message, at } of left) note({ id: message.id, outcome: "unknown", reason }, at);
      return;
    }
  }
};

export type ReceivedMessage = { messageId: string; receipt: string; body: string; sentAt: string; group: string };

/** Up to 10 messages, hidden for `visibility` seconds. */
export const receive = async (aws: Aws, queue: string, visibility: number, wait = 0): Promise<ReceivedMessage[]> => {
  const answer = await aws.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl(aws, queue),
      MaxNumberOfMessages: 10,
      VisibilityTimeout: visibility,
      WaitTimeSeconds: wait,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  return (answer.Messages ?? []).map((m: SqsMessage) => ({
    messageId: m.MessageId ?? "",
    receipt: m.ReceiptHandle ?? "",
    body: m.Body ?? "",
    sentAt: new Date(Number(m.Attributes?.SentTimestamp ?? 0)).toISOString(),
    group: m.Attributes?.MessageGroupId ?? "",
  }));
};

/** Deletes messages by receipt; throws if one could not be deleted: it will then be seen again. */
export const remove = async (aws: Aws, queue: string, receipts: readonly string[]): Promise<void> => {
  for (let at = 0; at < receipts.length; at += 10) {
    const answer = await aws.sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl: queueUrl(aws, queue),
        Entries: receipts.slice(at, at + 10).map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
      }),
    );
    const [failure] = answer.Failed ?? [];
    if (failure) throw new Error(`SQS did not delete from ${queue}: ${failure.Code} ${failure.Message ?? ""}`);
  }
};

/** Makes messages visible again, at once. One that expired in the meantime is visible already. */
export const release = async (aws: Aws, queue: string, receipts: readonly string[]): Promise<void> => {
  for (let at = 0; at < receipts.length; at += 10)
    await aws.sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: queueUrl(aws, queue),
        Entries: receipts
          .slice(at, at + 10)
          .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 })),
      }),
    );
};

/**
 * Every message of a queue, looked at and not removed: each is hidden while the look lasts and visible again after it.
 * `take` says whether to go on.
 */
export const peek = async <T>(
  aws: Aws,
  queue: string,
  look: (messages: ReceivedMessage[]) => Promise<T> | T,
  limit = 100_000,
): Promise<T> => {
  const all: ReceivedMessage[] = [];
  const seen = new Set<string>();
  try {
    while (all.length < limit) {
      const batch = await receive(aws, queue, 300);
      const fresh = batch.filter((m) => !seen.has(m.messageId));
      if (fresh.length === 0) break;
      for (const m of fresh) seen.add(m.messageId);
      all.push(...fresh);
    }
    return await look(all);
  } finally {
    await release(
      aws,
      queue,
      all.map((m) => m.receipt),
    );
  }
};

export type Depth = { visible: number; inFlight: number; delayed: number };

export const depth = async (aws: Aws, queue: string): Promise<Depth> => {
  const { Attributes: a } = await aws.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl(aws, queue),
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
      ],
    }),
  );
  return {
    visible: Number(a?.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(a?.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(a?.ApproximateNumberOfMessagesDelayed ?? 0),
  };
};
