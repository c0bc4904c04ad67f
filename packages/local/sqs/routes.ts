import { AwsError, type JsonService } from "../service.ts";
import type { State } from "../state.ts";
import type { Commits } from "./commits.ts";
import { invalid, invalidValue, queryCode } from "./errors.ts";
import { having, type Input, optionalInteger, optionalText, text, textMap, texts } from "./fields.ts";
import { checkTotal, type Draft, draft, entries, md5OfAttributes } from "./limits.ts";
import { MAX_VISIBILITY_SECONDS, type Messages, type Received } from "./messages.ts";
import type { moves } from "./moves.ts";
import type { Queue, Queues } from "./queues.ts";

const PAGE = 1000;

type Parts = {
  state: State;
  queues: Queues;
  messages: Messages;
  moves: ReturnType<typeof moves>;
  commit: Commits;
  account: string;
  url: () => string;
  now: () => number;
};

/** The counted attributes of a queue, beside those that are set. */
const counted = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesNotVisible",
  "ApproximateNumberOfMessagesDelayed",
];
const dated = ["CreatedTimestamp", "LastModifiedTimestamp", "QueueArn"];
const settable = [
  "Policy",
  "RedrivePolicy",
  "RedriveAllowPolicy",
  "KmsMasterKeyId",
  "KmsDataKeyReusePeriodSeconds",
  "FifoQueue",
];

const settled = <T>(work: () => T): { value: T } | { error: AwsError } => {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof AwsError) return { error };
    throw error;
  }
};

const failedEntry = (id: string, error: AwsError) => ({
  Id: id,
  SenderFault: error.status < 500,
  Code: queryCode(error.code),
  Message: error.message,
});

const sent = (d: Draft, messageId: string) => ({
  MessageId: messageId,
  MD5OfMessageBody: d.md5,
  ...(d.md5OfAttributes === null ? {} : { MD5OfMessageAttributes: d.md5OfAttributes }),
  ...(d.trace === null
    ? {}
    : {
        MD5OfMessageSystemAttributes: md5OfAttributes({ AWSTraceHeader: { DataType: "String", StringValue: d.trace } }),
      }),
});

const page = <T>(items: readonly T[], input: Input): { items: T[]; next: string | undefined } => {
  const max = optionalInteger(input, "MaxResults");
  if (max !== undefined && (max < 1 || max > PAGE))
    throw invalidValue(max, "MaxResults", `Must be between 1 and ${PAGE}, if provided.`);
  const token = optionalText(input, "NextToken");
  const from = token ? Number(Buffer.from(token, "base64url").toString()) : 0;
  if (!Number.isSafeInteger(from) || from < 0) throw invalid("Invalid or expired next token.");
  const to = from + (max ?? PAGE);
  return {
    items: items.slice(from, to),
    next: max !== undefined && to < items.length ? Buffer.from(String(to)).toString("base64url") : undefined,
  };
};

/** SQS on the wire (AWS JSON 1.0). Operations of a request that write commit in groups: see commits.ts. */
export const routes = (parts: Parts): JsonService => {
  const { queues, messages, moves: tasks, commit, state, now } = parts;

  const urlOf = (name: string): string => `${parts.url()}/${parts.account}/${name}`;
  const queueOf = (input: Input): Queue => {
    const url = text(input, "QueueUrl");
    const [, owner, name] = /^https?:\/\/[^/]+\/(\d{12})\/([^/?#]+)\/?$/.exec(url) ?? [];
    if (name === undefined)
      throw new AwsError("InvalidAddress", `The address ${url} is not valid for this endpoint.`, 404);
    if (owner !== parts.account)
      throw new AwsError(
        "QueueDoesNotExist",
        `The specified queue does not exist: it is of account ${owner}, this is ${parts.account}.`,
      );
    return queues.get(name);
  };
  const seconds = (input: Input, name: string, max: number): number | undefined => {
    const value = optionalInteger(input, name);
    if (value !== undefined && (value < 0 || value > max))
      throw invalidValue(value, name, `Must be >= 0 and <= ${max}, if provided.`);
    return value;
  };

  /** Batches that act on messages one by one: what one of them throws is its own entry of `Failed`. */
  const each = async (input: Input, act: (queue: Queue, entry: Input) => void) => {
    const queue = queueOf(input);
    const batch = entries(input.Entries);
    const Successful: { Id: string }[] = [];
    const Failed: ReturnType<typeof failedEntry>[] = [];
    const results = await commit(() =>
      batch.map(({ id, entry }) => ({ id, result: settled(() => act(queue, entry)) })),
    );
    for (const { id, result } of results) {
      if ("error" in result) Failed.push(failedEntry(id, result.error));
      else Successful.push({ Id: id });
    }
    return { Successful, Failed };
  };

  const hide = (queue: Queue, entry: Input): void => {
    const visibility = seconds(entry, "VisibilityTimeout", MAX_VISIBILITY_SECONDS);
    messages.hide(queue, text(entry, "ReceiptHandle"), (visibility ?? 0) * 1000);
  };

  /** Until something may have become visible in the queue, the client has gone, or `until` (ms since 1970). */
  const arrival = (queue: Queue, until: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const visible = messages.nextVisible(queue) ?? Number.POSITIVE_INFINITY;
      const timer = setTimeout(done, Math.max(1, Math.min(visible, until) - now()));
      function done() {
        clearTimeout(timer);
        state.changes.off("change", done);
        signal.removeEventListener("abort", done);
        resolve();
      }
      state.changes.on("change", done);
      signal.addEventListener("abort", done);
    });

  const answer = (message: Received, system: ReadonlySet<string>, wanted: readonly string[]) => {
    const attributes = Object.entries(message.attributes).filter(([name]) => system.has("All") || system.has(name));
    const own = messages.selectAttributes(message.messageAttributes, wanted);
    return {
      MessageId: message.messageId,
      ReceiptHandle: message.receiptHandle,
      MD5OfBody: message.md5OfBody,
      Body: message.body,
      ...(attributes.length ? { Attributes: Object.fromEntries(attributes) } : {}),
      ...(own ? { MD5OfMessageAttributes: own.md5, MessageAttributes: own.attributes } : {}),
    };
  };

  const receive = async (input: Input, signal: AbortSignal) => {
    const queue = queueOf(input);
    const max = optionalInteger(input, "MaxNumberOfMessages") ?? 1;
    if (max < 1 || max > 10) throw invalidValue(max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
    const wait = seconds(input, "WaitTimeSeconds", 20);
    const visibility = seconds(input, "VisibilityTimeout", MAX_VISIBILITY_SECONDS);
    const system = new Set([...texts(input, "AttributeNames"), ...texts(input, "MessageSystemAttributeNames")]);
    const wanted = texts(input, "MessageAttributeNames");
    const until = now() + (wait === undefined ? queue.wait : wait * 1000);
    for (;;) {
      const current = queues.get(queue.name);
      const visible = messages.nextVisible(current);
      if (visible !== null && visible <= now() && !signal.aborted) {
        if (messages.isOverLimit(current))
          throw new AwsError("OverLimit", "Too many messages in flight: delete what was received first.", 403);
        const received = await commit(() =>
          messages.take(current, {
            max,
            visibility: visibility === undefined ? current.visibility : visibility * 1000,
          }),
        );
        if (received.length) return { Messages: received.map((message) => answer(message, system, wanted)) };
      }
      if (now() >= until || signal.aborted) return {};
      await arrival(current, until, signal);
    }
  };

  const attributesOf = (input: Input) => {
    const queue = queueOf(input);
    const wanted = texts(input, "AttributeNames");
    if (wanted.length === 0) return {};
    const all = wanted.includes("All");
    const settings = queues.settings(queue);
    for (const name of wanted)
      if (![...counted, ...dated, ...settable, ...Object.keys(settings), "All"].includes(name))
        throw new AwsError("InvalidAttributeName", `Unknown Attribute ${name}.`);
    const counts = all || wanted.some((name) => counted.includes(name)) ? messages.depth(queue) : null;
    const values: Record<string, string> = {
      QueueArn: queues.arn(queue.name),
      ...(counts
        ? {
            ApproximateNumberOfMessages: String(counts.visible),
            ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
            ApproximateNumberOfMessagesDelayed: String(counts.delayed),
          }
        : {}),
      CreatedTimestamp: String(queue.created),
      LastModifiedTimestamp: String(queue.modified),
      ...settings,
    };
    return { Attributes: Object.fromEntries(Object.entries(values).filter(([name]) => all || wanted.includes(name))) };
  };

  const operations = {
    CreateQueue: (input: Input) => {
      const name = text(input, "QueueName");
      const attributes = textMap(input, "Attributes");
      if (attributes.FifoQueue === "true")
        throw new AwsError(
          "UnsupportedOperation",
          "FIFO queues are not part of this stand-in: create a standard queue.",
        );
      queues.create(name, attributes, textMap(input, "tags"));
      return { QueueUrl: urlOf(name) };
    },
    DeleteQueue: (input: Input) => {
      const queue = queueOf(input);
      return commit(() => {
        messages.clear(queue);
        queues.remove(queue);
      });
    },
    GetQueueUrl: (input: Input) => {
      const owner = optionalText(input, "QueueOwnerAWSAccountId");
      const { name } = queues.get(owner && owner !== parts.account ? "" : text(input, "QueueName"));
      return { QueueUrl: urlOf(name) };
    },
    ListQueues: (input: Input) => {
      const prefix = optionalText(input, "QueueNamePrefix") ?? "";
      const { items, next } = page(
        queues.list().filter((queue) => queue.name.startsWith(prefix)),
        input,
      );
      return {
        ...(items.length ? { QueueUrls: items.map(({ name }) => urlOf(name)) } : {}),
        ...(next ? { NextToken: next } : {}),
      };
    },
    ListDeadLetterSourceQueues: (input: Input) => {
      const { items, next } = page(queues.sourcesOf(queueOf(input).name), input);
      return { queueUrls: items.map(({ name }) => urlOf(name)), ...(next ? { NextToken: next } : {}) };
    },
    GetQueueAttributes: attributesOf,
    SetQueueAttributes: (input: Input) => {
      queues.set(queueOf(input).name, textMap(having(input, "Attributes"), "Attributes"));
    },
    SendMessage: async (input: Input) => {
      const queue = queueOf(input);
      const message = draft(input, queue.maximum);
      const [id] = await commit(() => messages.put(queues.get(queue.name), [message]));
      return sent(message, id!);
    },
    SendMessageBatch: async (input: Input) => {
      const queue = queueOf(input);
      const batch = entries(input.Entries);
      checkTotal(batch);
      const drafts: { id: string; draft: Draft }[] = [];
      const Failed: ReturnType<typeof failedEntry>[] = [];
      for (const { id, entry } of batch) {
        const judged = settled(() => draft(entry, queue.maximum));
        if ("error" in judged) Failed.push(failedEntry(id, judged.error));
        else drafts.push({ id, draft: judged.value });
      }
      const ids = drafts.length
        ? await commit(() =>
            messages.put(
              queues.get(queue.name),
              drafts.map((d) => d.draft),
            ),
          )
        : [];
      return { Successful: drafts.map((d, index) => ({ Id: d.id, ...sent(d.draft, ids[index]!) })), Failed };
    },
    ReceiveMessage: (input: Input, { signal }: { signal: AbortSignal }) => receive(input, signal),
    DeleteMessage: (input: Input) => {
      const queue = queueOf(input);
      const handle = text(input, "ReceiptHandle");
      return commit(() => messages.remove(queue, handle));
    },
    DeleteMessageBatch: (input: Input) =>
      each(input, (queue, entry) => messages.remove(queue, text(entry, "ReceiptHandle"))),
    ChangeMessageVisibility: (input: Input) => {
      const queue = queueOf(input);
      if (optionalInteger(input, "VisibilityTimeout") === undefined)
        throw invalid("The request must contain the parameter VisibilityTimeout.");
      return commit(() => hide(queue, input));
    },
    ChangeMessageVisibilityBatch: (input: Input) => each(input, hide),
    PurgeQueue: (input: Input) => {
      const queue = queueOf(input);
      return commit(() => {
        queues.purge(queue);
        messages.clear(queue);
      });
    },
    StartMessageMoveTask: (input: Input) => ({
      TaskHandle: tasks.start({
        source: text(input, "SourceArn"),
        destination: optionalText(input, "DestinationArn"),
        rate: optionalInteger(input, "MaxNumberOfMessagesPerSecond"),
      }),
    }),
    CancelMessageMoveTask: (input: Input) => ({
      ApproximateNumberOfMessagesMoved: tasks.cancel(text(input, "TaskHandle")),
    }),
    ListMessageMoveTasks: (input: Input) => ({
      Results: tasks.list(text(input, "SourceArn"), optionalInteger(input, "MaxResults") ?? 1),
    }),
    ListQueueTags: (input: Input) => {
      const { tags } = queueOf(input);
      return Object.keys(tags).length ? { Tags: tags } : {};
    },
    TagQueue: (input: Input) => queues.tag(queueOf(input).name, textMap(having(input, "Tags"), "Tags")),
    UntagQueue: (input: Input) => queues.untag(queueOf(input).name, texts(having(input, "TagKeys"), "TagKeys")),
  };
  return { target: "AmazonSQS", version: "1.0", operations };
};
