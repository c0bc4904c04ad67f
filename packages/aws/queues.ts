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
import { abortAt, backOff, isTransient } from "./retry.ts";

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
  let failed = false;
  /** Without a deadline of the caller's, an outage is waited for as long as {@link PATIENCE_MS} after the last success. */
  const until = (): number => options.until ?? progress + PATIENCE_MS;
  const pool = new PQueue({ concurrency: CONCURRENCY });
  const results: Sent[] = [];
  const note = (sent: Sent, at: number) => {
    results[at] = sent;
    if (sent.outcome === "accepted") progress = Date.now();
    else failed = true;
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
    // While nothing was under way it was the reader that was waited for, and no outage.
    if (pool.size + pool.pending === 0 && !failed) progress = Date.now();
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
        { abortSignal: abortAt(until()) },
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
        // Only an answer of the queue is a refusal: what else breaks may have been carried out.
        const { httpStatusCode = 0 } = (error as { $metadata?: { httpStatusCode?: number } }).$metadata ?? {};
        const outcome = httpStatusCode >= 400 ? "refused" : "unknown";
        for (const { message, at } of left) note({ id: message.id, outcome, reason }, at);
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

/** Hides received messages for so many seconds from now; 0 shows them. One that expired meanwhile is visible already. */
const hide = async (aws: Aws, queue: string, receipts: readonly string[], seconds: number): Promise<void> => {
  const pool = new PQueue({ concurrency: CONCURRENCY });
  for (let at = 0; at < receipts.length; at += BATCH_MESSAGES) {
    const entries = receipts
      .slice(at, at + BATCH_MESSAGES)
      .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: seconds }));
    void pool.add(() =>
      aws.sqs
        .send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl(aws, queue), Entries: entries }))
        // What is not hidden longer is seen again sooner, what is not shown is seen within HIDDEN_SECONDS.
        .catch(() => undefined),
    );
  }
  await pool.onIdle();
};

/** Makes messages visible again, at once. */
export const release = (aws: Aws, queue: string, receipts: readonly string[]): Promise<void> =>
  hide(aws, queue, receipts, 0);

/** How long a look that was killed hides messages. While it lasts it hides them anew, in time. */
const HIDDEN_SECONDS = 30;
const RENEW_MS = 8_000;
/** Receives at once, while there is plenty. */
const LANES = 4;
const WAIT_SECONDS = 1;

export type Walk = {
  /** Deletes messages of this walk. @throws if one could not be deleted: it will then be seen again. */
  remove: (messages: readonly ReceivedMessage[]) => Promise<void>;
};

export type WalkOptions = {
  /** Takes what must be done if the process is told to end meanwhile; returns what takes it back. */
  beforeEnd?: (release: () => Promise<unknown>) => () => void;
  /** How long to wait for messages that are in other hands, ms. */
  patience?: number;
  /** When to stop, ms since 1970. */
  until?: number;
};

/** `hidden`: messages in other hands at the end of it. `whole`: it ended because nothing more was to be seen. */
export type Walked = { seen: number; hidden: number; whole: boolean };

/**
 * Shows every message of a queue to `visit`, each once, some at a time, and leaves them where they are unless `visit`
 * removes them. A message is hidden from others from its turn to the end of the walk, or for {@link HIDDEN_SECONDS} if
 * the process is killed. `visit` is called a last time with none, while all are still hidden; "stop" ends the walk.
 * Memory: an id and a receipt a message. SQS lets about 120,000 be hidden at once: the walk ends there.
 */
export const walk = async (
  aws: Aws,
  queue: string,
  visit: (messages: ReceivedMessage[], walk: Walk) => Promise<"stop" | undefined> | "stop" | undefined,
  options: WalkOptions = {},
): Promise<Walked> => {
  const { patience = 0, until = Number.POSITIVE_INFINITY } = options;
  const held = new Map<string, { receipt: string; until: number }>();
  const seen = new Set<string>();
  const receipts = () => [...held.values()].map((one) => one.receipt);
  const renew = async () => {
    const due = [...held.values()].filter((one) => one.until < Date.now() + 2 * RENEW_MS);
    const hidden = Date.now() + HIDDEN_SECONDS * 1000;
    await hide(
      aws,
      queue,
      due.map((one) => one.receipt),
      HIDDEN_SECONDS,
    );
    for (const one of due) one.until = hidden;
  };
  let renewing: Promise<void> | null = null;
  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = null;
    });
  }, RENEW_MS);
  let taking: Promise<unknown> = Promise.resolve();
  let ending = false;
  const takeBack = options.beforeEnd?.(async () => {
    // What is on its way to the hand is in it first, and nothing is hidden after that.
    ending = true;
    clearInterval(timer);
    await Promise.allSettled([taking, renewing]);
    await release(aws, queue, receipts());
  });
  const hands: Walk = {
    remove: async (messages) => {
      await remove(
        aws,
        queue,
        messages.map((m) => held.get(m.messageId)?.receipt ?? m.receipt),
      );
      for (const m of messages) held.delete(m.messageId);
    },
  };
  const receiveOne = async (wait: number): Promise<ReceivedMessage[]> => {
    const hiddenUntil = Date.now() + HIDDEN_SECONDS * 1000;
    const messages = await receive(aws, queue, HIDDEN_SECONDS, wait);
    for (const m of messages) held.set(m.messageId, { receipt: m.receipt, until: hiddenUntil });
    return messages;
  };
  const take = async (lanes: number, wait = 0): Promise<ReceivedMessage[]> => {
    // The process ends any moment: the walk stands still until then.
    if (ending) await new Promise(() => undefined);
    const batches = Array.from({ length: lanes }, () => receiveOne(wait));
    taking = Promise.allSettled(batches);
    return (await Promise.all(batches)).flat().filter((m) => !seen.has(m.messageId));
  };
  let hidden = 0;
  /** The next messages; none when nothing is left to wait for. */
  const next = async (plenty: boolean, waited: number): Promise<ReceivedMessage[]> => {
    const fresh = await take(plenty ? LANES : 1);
    if (fresh.length > 0) return fresh;
    // A short poll may ask servers that have none: only a long one asks them all.
    for (;;) {
      const { visible, inFlight } = await depth(aws, queue);
      // Read before they come back: afterwards they would look as if they had been seen.
      hidden = Math.max(0, inFlight - held.size);
      const others = hidden > 0 && Date.now() < Math.min(waited + patience, until);
      if (visible === 0 && !others) return [];
      const late = await take(1, WAIT_SECONDS);
      if (late.length > 0 || !others) return late;
    }
  };
  try {
    let whole = false;
    let plenty = false;
    const began = Date.now();
    while (Date.now() < until) {
      const messages: ReceivedMessage[] | null = await next(plenty, began).catch((error: Error) => {
        if (error.name === "OverLimit") return null;
        throw error;
      });
      whole = messages?.length === 0;
      if (!messages || whole) break;
      plenty = messages.length >= BATCH_MESSAGES;
      for (const m of messages) seen.add(m.messageId);
      if ((await visit(messages, hands)) === "stop") break;
    }
    await visit([], hands);
    const { inFlight } = await depth(aws, queue);
    return { seen: seen.size, hidden: Math.max(hidden, inFlight - held.size), whole };
  } finally {
    clearInterval(timer);
    await Promise.allSettled([taking, renewing]);
    await release(aws, queue, receipts());
    takeBack?.();
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
