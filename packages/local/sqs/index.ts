import type { JsonService } from "../service.ts";
import type { State } from "../state.ts";
import { commits } from "./commits.ts";
import { draft } from "./limits.ts";
import { messages, type Received, type Take } from "./messages.ts";
import { moves } from "./moves.ts";
import { queues } from "./queues.ts";
import { routes } from "./routes.ts";

export { wireError } from "./errors.ts";
export type { MessageAttributes } from "./limits.ts";
export type { Received } from "./messages.ts";

export type Sqs = ReturnType<typeof sqs>;
export type Depth = { visible: number; inFlight: number; delayed: number; oldestMs: number | null };
/** A message to send from inside: `attributes` as in SendMessage's MessageAttributes. */
export type Outgoing = {
  body: string;
  group?: string;
  attributes?: Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
};

/**
 * Standard queues. `service` is their wire; the rest is for those inside the stand-in who are inside AWS, too (mappings,
 * notices, job events): it joins the open transaction, and a queue is named by its physical name. Times of `now` in ms.
 */
export const sqs = (
  state: State,
  deps: {
    account: string;
    region: string;
    url: () => string;
    now?: () => number;
    /** Messages were lost that a person may want to know of. */
    alarm?: (message: string, metadata: Record<string, unknown>) => void;
  },
) => {
  const now = deps.now ?? Date.now;
  const known = queues(state, { ...deps, now });
  const stored = messages(state, {
    queues: known,
    account: deps.account,
    now,
    onExpired: (queue, count) =>
      deps.alarm?.("messages expired: they were older than their queue keeps them", {
        queue: queue.name,
        messages: count,
        seconds: queue.retention / 1000,
      }),
  });
  const tasks = moves(state, { queues: known, now });
  tasks.resume();
  const service: JsonService = routes({
    state,
    queues: known,
    messages: stored,
    moves: tasks,
    commit: commits(state),
    account: deps.account,
    url: deps.url,
    now,
  });
  return {
    service,
    /** Makes a standard queue, or gives an existing one these attributes (strings, RedrivePolicy as JSON, like AWS). */
    create: (name: string, attributes: Readonly<Record<string, string>>): void => known.ensure(name, attributes),
    /** Nothing expires any more in this queue, nor in the one its dead letters go to: a laptop may be closed for weeks. */
    keep: (queue: string): void => stored.keep(queue),
    /** In the open transaction. Throws the AwsError that SendMessage answers; then nothing of it is sent. */
    send: (queue: string, outgoing: readonly Outgoing[]): string[] => {
      const target = known.get(queue);
      const drafts = outgoing.map((message) =>
        draft(
          { MessageBody: message.body, MessageGroupId: message.group, MessageAttributes: message.attributes },
          target.maximum,
        ),
      );
      return stored.put(target, drafts);
    },
    /** `visibility` in seconds, the queue's own if absent; the rest as in {@link Take}. */
    receive: (queue: string, want: Omit<Take, "visibility"> & { visibility?: number }): Received[] => {
      const source = known.get(queue);
      return stored.take(source, {
        ...want,
        visibility: want.visibility === undefined ? source.visibility : want.visibility * 1000,
      });
    },
    remove: (queue: string, handles: readonly string[]): void =>
      state.transaction(() => {
        const source = known.get(queue);
        for (const handle of handles) stored.remove(source, handle);
      }),
    makeVisible: (queue: string, handles: readonly string[]): void =>
      state.transaction(() => {
        const source = known.get(queue);
        for (const handle of handles) stored.hide(source, handle, 0);
      }),
    /** The end of a mapping's batch: `done` are removed, `failed` come back after their visibility timeout. */
    settle: (queue: string, done: readonly string[], failed: readonly string[]): void =>
      stored.settle(known.get(queue), done, failed),
    /** At start: receives of pollers that died with their process are undone. @returns how many. */
    undoHeld: (): number => stored.undoHeld(),
    depth: (queue: string): Depth => stored.depth(known.get(queue)),
    exists: (queue: string): boolean => known.find(queue) !== null,
    /** When the first message is or becomes visible (ms since 1970), null without one. What has expired is gone first. */
    nextVisible: (queue: string): number | null => {
      const source = known.get(queue);
      stored.expire(source);
      return stored.nextVisible(source);
    },
    /** Whether `max` messages, or `bytes` of them, can be received at once. */
    full: (queue: string, max: number, bytes: number): boolean => stored.full(known.get(queue), max, bytes),
    arn: known.arn,
    /** The name in an ARN or URL. */
    nameOf: (physical: string): string => physical.slice(physical.search(/[^:/]+$/)),
    /** Move tasks go on by themselves; what waits in a queue does not. */
    busy: (): boolean => tasks.busy(),
    stop: (): void => tasks.stop(),
  };
};
