import { setTimeout as wait } from "node:timers/promises";
import { PregaoError } from "../../core/errors.ts";
import { type Invocation, type LogLine, PAYLOAD_BYTES, type Runtime } from "../lambda.ts";
import type { Received, Sqs } from "../sqs/index.ts";
import type { State } from "../state.ts";

/** `queue` and `function` are physical names, `window` is in seconds. */
export type Mapping = { queue: string; function: string; batch: number; window: number; concurrency: number };

/** Bodies that are about to fill a payload, before their escapes and the records' attributes are counted. */
const FULL_BYTES = 5_000_000;
/** Lambda's own limits of a mapping. */
const MAX_BATCH = 10_000;
const MAX_BATCH_AT_ONCE = 10;
const MAX_WINDOW_SECONDS = 300;
/** While a window is open, how long arrivals are left unlooked at. */
const COALESCE_MS = 10;
/** Before the database is tried again that could not be read or written: its disk may be full. */
const TROUBLE_MS = 1_000;
const MAX_TIMER_MS = 3_600_000;

/** A message as Lambda gives it, in AWS's order of keys, as JSON text. */
export const sqsRecord = (message: Received, arn: string, region: string): string =>
  JSON.stringify({
    messageId: message.messageId,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: message.attributes,
    messageAttributes: Object.fromEntries(
      Object.entries(message.messageAttributes ?? {}).map(([name, a]) => [
        name,
        {
          ...(a.BinaryValue === undefined ? { stringValue: a.StringValue } : { binaryValue: a.BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType: a.DataType,
        },
      ]),
    ),
    ...(message.md5OfMessageAttributes === null ? {} : { md5OfMessageAttributes: message.md5OfMessageAttributes }),
    md5OfBody: message.md5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: arn,
    awsRegion: region,
  });

/**
 * Which messages of a batch failed, by AWS's rules of ReportBatchItemFailures: no answer, an empty one or an empty list
 * is success of all; an answer that cannot be read, or names what was not in the batch, is failure of all.
 */
export const failuresOf = (result: string, ids: ReadonlySet<string>): ReadonlySet<string> => {
  let answer: unknown;
  try {
    answer = JSON.parse(result);
  } catch {
    return ids;
  }
  if (answer === null) return new Set();
  if (typeof answer !== "object" || Array.isArray(answer)) return ids;
  const { batchItemFailures: failures } = answer as { batchItemFailures?: unknown };
  if (failures === undefined || failures === null) return new Set();
  if (!Array.isArray(failures)) return ids;
  const failed = new Set<string>();
  for (const item of failures as ({ itemIdentifier?: unknown } | null)[]) {
    const id = item?.itemIdentifier;
    if (typeof id !== "string" || !ids.has(id)) return ids;
    failed.add(id);
  }
  return failed;
};

/**
 * An event source mapping: messages of a queue, in batches, to a function. A batch is due when it is full, or `window`
 * after its first message became visible; a message is removed only after the function has returned without naming it.
 * @throws PregaoError `mapping` for numbers that AWS would refuse.
 */
export const eventSourceMapping = (
  state: State,
  spec: Mapping,
  deps: { sqs: Sqs; runtime: Runtime; region: string; onLog: (line: LogLine) => void; now: () => number },
) => {
  const { sqs, runtime, now } = deps;
  const window = spec.window * 1000;
  if (
    !(spec.batch >= 1 && spec.batch <= (window > 0 ? MAX_BATCH : MAX_BATCH_AT_ONCE)) ||
    !(spec.window >= 0 && spec.window <= MAX_WINDOW_SECONDS) ||
    !(spec.concurrency >= 1)
  )
    throw new PregaoError(
      "mapping",
      `mapping ${spec.queue} → ${spec.function}: expected a batch of 1 to ${MAX_BATCH} (at most ${MAX_BATCH_AT_ONCE} without a window) and a window of 0 to ${MAX_WINDOW_SECONDS} s, came ${spec.batch} and ${spec.window} s`,
    );

  sqs.keep(spec.queue);
  let running = 0;
  let scheduled: NodeJS.Timeout | NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;
  let started = false;
  let stopped = false;

  const take = (): { messages: Received[]; event: string } => {
    const arn = sqs.arn(spec.queue);
    const records: string[] = [];
    let bytes = '{"Records":[]}'.length;
    const messages = sqs.receive(spec.queue, {
      max: spec.batch,
      held: true,
      fits: (message) => {
        const record = sqsRecord(message, arn, deps.region);
        bytes += Buffer.byteLength(record) + 1;
        if (bytes > PAYLOAD_BYTES && records.length > 0) return false;
        records.push(record);
        return true;
      },
    });
    return { messages, event: `{"Records":[${records.join(",")}]}` };
  };

  const settle = (messages: readonly Received[], outcome: Invocation): void => {
    // Nobody can know what the function did: at the next start these receives are undone.
    if (stopped && !outcome.ok) return;
    const ids = new Set(messages.map((m) => m.messageId));
    const failed = outcome.ok ? failuresOf(outcome.result, ids) : ids;
    const handles = (those: readonly Received[]) => those.map((m) => m.receiptHandle);
    if (!outcome.ok || failed.size === ids.size)
      deps.onLog({
        timestamp: new Date(now()).toISOString(),
        level: "WARN",
        component: spec.function,
        message: "a batch failed and comes back after its visibility timeout",
        metadata: {
          queue: spec.queue,
          messages: ids.size,
          ...(outcome.ok
            ? { answer: outcome.result.slice(0, 200) }
            : { error: outcome.error.errorMessage, trace: outcome.error.trace.slice(0, 6) }),
        },
      });
    if (!sqs.exists(spec.queue)) return;
    sqs.settle(
      spec.queue,
      handles(messages.filter((m) => !failed.has(m.messageId))),
      handles(messages.filter((m) => failed.has(m.messageId))),
    );
  };

  const run = async (messages: readonly Received[], event: string): Promise<void> => {
    const outcome = await runtime.invoke(spec.function, event);
    // Its outcome is known: a disk that is full now must not make it unknown.
    for (let pause = 0; ; pause = TROUBLE_MS) {
      if (pause) await wait(pause, undefined, { ref: false });
      try {
        settle(messages, outcome);
        break;
      } catch (error) {
        if (!state.db.isOpen) break;
        deps.onLog({
          timestamp: new Date(now()).toISOString(),
          level: "ERROR",
          component: spec.function,
          message: "a batch's outcome could not be written, and will be again",
          metadata: { queue: spec.queue, error: String(error) },
        });
      }
    }
    running--;
    state.touch();
    pump();
  };

  function pump(): void {
    scheduled = undefined;
    clearTimeout(timer);
    if (!started || stopped) return;
    try {
      takeDue();
    } catch (error) {
      deps.onLog({
        timestamp: new Date(now()).toISOString(),
        level: "ERROR",
        component: "triggers",
        message: `queue ${spec.queue} could not be read, and will be again`,
        metadata: { error: String(error) },
      });
      timer = setTimeout(pump, TROUBLE_MS).unref();
    }
  }
  function takeDue(): void {
    while (running < spec.concurrency && sqs.exists(spec.queue)) {
      const first = sqs.nextVisible(spec.queue);
      if (first === null) return;
      const at = now();
      if (first > at || (first + window > at && !sqs.full(spec.queue, spec.batch, FULL_BYTES))) {
        timer = setTimeout(pump, Math.min(Math.max(1, first + window - at), MAX_TIMER_MS)).unref();
        return;
      }
      const { messages, event } = take();
      if (messages.length === 0) continue; // All of them had been received too often.
      running++;
      void run(messages, event);
    }
  }
  const wake = (): void => {
    if (scheduled || stopped || running >= spec.concurrency) return;
    scheduled = window > 0 ? setTimeout(pump, COALESCE_MS).unref() : setImmediate(pump);
  };

  return {
    start: (): void => {
      started = true;
      state.changes.on("change", wake);
      wake();
    },
    stop: (): void => {
      stopped = true;
      clearTimeout(timer);
      state.changes.off("change", wake);
    },
    running: (): number => running,
    /** As long as there is any message in the queue, it will be given to the function some time, or end as a dead letter. */
    busy: (): boolean => running > 0 || (sqs.exists(spec.queue) && sqs.nextVisible(spec.queue) !== null),
  };
};
