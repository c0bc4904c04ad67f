import { randomUUID } from "node:crypto";
import type { State } from "../state.ts";
import { invalid, invalidValue, noSuchResource } from "./errors.ts";
import type { Queue, Queues } from "./queues.ts";

type Status = "RUNNING" | "COMPLETED" | "CANCELLED" | "FAILED";
type Task = {
  id: string;
  source: string;
  destination: string | null;
  rate: number | null;
  status: Status;
  moved: number;
  total: number;
  started: number;
  failure: string | null;
  upto: number;
};

/** Messages moved in one transaction when the task has no rate of its own. */
const CHUNK = 500;
const MAX_RATE = 500;
const LISTED = 10;

/** The handle names its task and its queue, as AWS's does. */
const handleOf = (task: Task): string =>
  Buffer.from(JSON.stringify({ taskId: task.id, sourceArn: task.source })).toString("base64");
const parseHandle = (handle: string): { taskId: string; sourceArn: string } => {
  try {
    const { taskId, sourceArn } = JSON.parse(Buffer.from(handle, "base64").toString()) as Record<string, unknown>;
    if (typeof taskId === "string" && typeof sourceArn === "string") return { taskId, sourceArn };
  } catch {
    // Answered below: it is no handle of ours.
  }
  throw invalid("Value for parameter TaskHandle is invalid.");
};

/**
 * Tasks that move dead letters back. A moved message is a new one: new id, new enqueue time, no receives. Tasks are
 * rows, so one that a kill interrupted goes on at the next start.
 */
export const moves = (state: State, deps: { queues: Queues; now: () => number }) => {
  const { db, transaction } = state;
  const { queues, now } = deps;
  db.exec(`
    CREATE TABLE IF NOT EXISTS sqs_move(
      id TEXT PRIMARY KEY, source TEXT NOT NULL, destination TEXT, rate INTEGER, status TEXT NOT NULL,
      moved INTEGER NOT NULL, total INTEGER NOT NULL, started INTEGER NOT NULL, failure TEXT, upto INTEGER NOT NULL) STRICT;
  `);
  const insert = db.prepare("INSERT INTO sqs_move VALUES (?, ?, ?, ?, 'RUNNING', 0, ?, ?, NULL, ?)");
  const byId = db.prepare("SELECT * FROM sqs_move WHERE id = ?");
  const bySource = db.prepare("SELECT * FROM sqs_move WHERE source = ? ORDER BY started DESC, rowid DESC LIMIT ?");
  const running = db.prepare("SELECT * FROM sqs_move WHERE status = 'RUNNING'");
  const update = db.prepare("UPDATE sqs_move SET status = ?, moved = ?, failure = ? WHERE id = ?");
  const extent = db.prepare(
    "SELECT count(*) AS total, coalesce(max(seq), 0) AS upto FROM sqs_message WHERE queue = ? AND visible <= ?",
  );
  const next = db.prepare(
    "SELECT seq, source FROM sqs_message WHERE queue = ? AND visible <= ? AND seq <= ? ORDER BY visible, seq LIMIT ?",
  );
  const move = db.prepare(
    `UPDATE sqs_message SET queue = ?, id = ?, sent = ?, visible = ?, flight = 0, held = 0, received = 0, arrived = 0, first = NULL,
       turn = turn + 1, source = NULL WHERE seq = ?`,
  );

  const byArn = (arn: string): Queue | null => {
    const name = queues.nameOfArn(arn);
    return name === null ? null : queues.find(name);
  };
  const timers = new Map<string, NodeJS.Timeout | NodeJS.Immediate>();
  let stopped = false;

  /** One chunk of a task; true when there is more to do. */
  const step = (id: string): boolean =>
    transaction(() => {
      const task = byId.get(id) as Task | undefined;
      if (task?.status !== "RUNNING") return false;
      state.afterCommit(state.touch);
      const end = (status: Status, moved: number, failure: string | null) => {
        update.run(status, moved, failure, id);
        return status === "RUNNING";
      };
      const source = byArn(task.source);
      if (!source) return end("FAILED", task.moved, "AWS.SimpleQueueService.NonExistentQueue");
      const rows = next.all(source.id, now(), task.upto, task.rate ?? CHUNK) as {
        seq: number;
        source: string | null;
      }[];
      let moved = task.moved;
      for (const row of rows) {
        const arn = task.destination ?? row.source;
        if (arn === null) return end("FAILED", moved, "CouldNotDetermineMessageSource");
        const target = byArn(arn);
        if (!target) return end("FAILED", moved, "AWS.SimpleQueueService.NonExistentQueue");
        move.run(target.id, randomUUID(), now(), now() + target.delay, row.seq);
        moved++;
      }
      return end(rows.length === 0 ? "COMPLETED" : "RUNNING", moved, null);
    });

  const go = (id: string, rate: number | null): void => {
    const again = () => {
      timers.delete(id);
      if (stopped || !step(id)) return;
      timers.set(id, rate === null ? setImmediate(again) : setTimeout(again, 1000));
    };
    timers.set(id, setImmediate(again));
  };

  return {
    start: (input: { source: string; destination: string | undefined; rate: number | undefined }): string => {
      const source = byArn(input.source);
      if (!source) throw noSuchResource("The resource that you specified for the SourceArn parameter doesn't exist.");
      if (queues.sourcesOf(source.name).length === 0)
        throw invalid("Source queue must be configured as a Dead Letter Queue.");
      if (input.destination !== undefined && !byArn(input.destination))
        throw noSuchResource("The resource that you specified for the DestinationArn parameter doesn't exist.");
      if (input.destination === input.source)
        throw invalid("Source queue arn and destination queue arn cannot be the same.");
      if (input.rate !== undefined && (input.rate < 1 || input.rate > MAX_RATE))
        throw invalidValue(
          input.rate,
          "MaxNumberOfMessagesPerSecond",
          `Must be between 1 and ${MAX_RATE}, if provided.`,
        );
      const [latest] = bySource.all(input.source, 1) as Task[];
      if (latest?.status === "RUNNING")
        throw invalid(
          "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        );
      const id = randomUUID();
      const rate = input.rate ?? null;
      transaction(() => {
        const { total, upto } = extent.get(source.id, now()) as { total: number; upto: number };
        insert.run(id, input.source, input.destination ?? null, rate, total, now(), upto);
        state.afterCommit(() => {
          go(id, rate);
          state.touch();
        });
      });
      return handleOf(byId.get(id) as Task);
    },
    /** @returns how many messages had been moved by then. */
    cancel: (handle: string): number => {
      const { taskId, sourceArn } = parseHandle(handle);
      if (!byArn(sourceArn))
        throw noSuchResource("The resource that you specified for the SourceArn parameter doesn't exist.");
      const task = byId.get(taskId) as Task | undefined;
      if (!task) throw noSuchResource("Task does not exist.");
      if (task.status !== "RUNNING") throw invalid("Only active tasks can be cancelled.");
      transaction(() => {
        update.run("CANCELLED", task.moved, null, task.id);
        state.afterCommit(state.touch);
      });
      return task.moved;
    },
    list: (source: string, max: number) => {
      if (!byArn(source))
        throw noSuchResource("The resource that you specified for the SourceArn parameter doesn't exist.");
      if (max < 1 || max > LISTED)
        throw invalidValue(max, "MaxResults", `Must be between 1 and ${LISTED}, if provided.`);
      return (bySource.all(source, max) as Task[]).map((task) => ({
        ...(task.status === "RUNNING" ? { TaskHandle: handleOf(task) } : {}),
        Status: task.status,
        SourceArn: task.source,
        ...(task.destination === null ? {} : { DestinationArn: task.destination }),
        ...(task.rate === null ? {} : { MaxNumberOfMessagesPerSecond: task.rate }),
        ApproximateNumberOfMessagesMoved: task.moved,
        ApproximateNumberOfMessagesToMove: task.total,
        ...(task.failure === null ? {} : { FailureReason: task.failure }),
        StartedTimestamp: task.started,
      }));
    },
    /** Goes on with what a kill interrupted. */
    resume: (): void => {
      for (const task of running.all() as Task[]) go(task.id, task.rate);
    },
    busy: (): boolean => running.all().length > 0,
    stop: (): void => {
      stopped = true;
      for (const timer of timers.values()) {
        clearTimeout(timer as NodeJS.Timeout);
        clearImmediate(timer as NodeJS.Immediate);
      }
    },
  };
};
