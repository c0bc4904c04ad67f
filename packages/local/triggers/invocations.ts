import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Failure, Invocation, LogLine, Runtime } from "../lambda.ts";
import type { State } from "../state.ts";

/** Lambda tries an asynchronous event twice more, a minute and then two after a failure (Lambda, Developer Guide). */
export const RETRY_DELAYS_MS = [60_000, 120_000] as const;
/** Events of one function that run at once. AWS allows a thousand; a laptop has a worker per function. */
const CONCURRENCY = 8;
/** Before the database is tried again that could not be read or written: its disk may be full. */
const TROUBLE_MS = 1_000;
const MAX_TIMER_MS = 3_600_000;

/** An event that was given up after its last attempt. */
export type Dropped = {
  id: number;
  function: string;
  event: string;
  attempts: number;
  createdAt: number;
  error: string;
};

/** An event that its function did not carry out in any of its attempts, and why the last one failed. */
export type GivenUp = { function: string; event: string; requestId: string; attempts: number; error: Failure };

type Row = { id: number; function: string; event: string; request: string; attempts: number };

/**
 * Asynchronous invocations. An event is a row from the transaction in which its cause happened until its function has
 * returned; so it survives a kill, and may be given more than once.
 */
export const invocations = (
  state: State,
  deps: {
    runtime: Runtime;
    onLog: (line: LogLine) => void;
    now: () => number;
    retryDelays?: readonly number[];
    /** In the transaction in which an event is given up: takes it to its function's destination on failure. */
    onGivenUp?: (event: GivenUp) => void;
  },
) => {
  const { db, transaction } = state;
  const { runtime, now } = deps;
  const delays = deps.retryDelays ?? RETRY_DELAYS_MS;
  const tell = (level: string, component: string, message: string, metadata: Record<string, unknown>) =>
    deps.onLog({ timestamp: new Date(now()).toISOString(), level, component, message, metadata });
  db.exec(`
    CREATE TABLE IF NOT EXISTS invocation(
      id INTEGER PRIMARY KEY AUTOINCREMENT, function TEXT NOT NULL, event TEXT NOT NULL, request TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, created INTEGER NOT NULL,
      dropped INTEGER NOT NULL DEFAULT 0, error TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS invocation_due ON invocation(dropped, due);
  `);
  const insert = db.prepare("INSERT INTO invocation(function, event, request, due, created) VALUES (?, ?, ?, ?, ?)");
  const queued = db.prepare(
    "SELECT id, function, event, request, attempts FROM invocation WHERE dropped = 0 AND due <= ? ORDER BY due, id LIMIT ?",
  );
  const nextDue = db.prepare("SELECT min(due) AS due FROM invocation WHERE dropped = 0 AND due > ?");
  const waiting = db.prepare("SELECT 1 FROM invocation WHERE dropped = 0 LIMIT 1");
  const remove = db.prepare("DELETE FROM invocation WHERE id = ?");
  const retry = db.prepare("UPDATE invocation SET attempts = ?, due = ?, error = ? WHERE id = ?");
  /** `due` is from then on when it was given up. */
  const drop = db.prepare("UPDATE invocation SET attempts = ?, dropped = 1, due = ?, error = ? WHERE id = ?");
  const lost = db.prepare(
    "SELECT id, function, event, attempts, created AS createdAt, error FROM invocation WHERE dropped = 1 ORDER BY id LIMIT ?",
  );
  const lostCount = db.prepare("SELECT count(*) AS count FROM invocation WHERE dropped = 1");
  const lostWhen = db.prepare(
    "SELECT due FROM invocation WHERE dropped = 1 AND function = ? AND due >= ? AND due < ? ORDER BY due",
  );

  const running = new Map<number, string>();
  let timer: NodeJS.Timeout | undefined;
  let scheduled = false;
  /** There was no event when they were last looked for: nothing need be asked of the database until there may be one. */
  let none = false;
  let started = false;
  let stopped = false;

  const settle = (row: Row, outcome: Invocation): void =>
    transaction(() => {
      state.afterCommit(state.touch);
      if (outcome.ok) {
        remove.run(row.id);
        return;
      }
      const attempts = row.attempts + 1;
      const error = `${outcome.error.errorType}: ${outcome.error.errorMessage}`;
      const delay = delays[attempts - 1];
      if (delay === undefined) {
        drop.run(attempts, now(), error, row.id);
        const { function: name, event, request } = row;
        deps.onGivenUp?.({ function: name, event, requestId: request, attempts, error: outcome.error });
      } else retry.run(attempts, now() + delay, error, row.id);
      tell(
        delay === undefined ? "ERROR" : "WARN",
        row.function,
        delay === undefined
          ? "an event was given up after its last attempt; status shows it"
          : "an event failed and will be tried again",
        { id: row.id, attempts, error, trace: outcome.error.trace.slice(0, 6) },
      );
    });

  const run = async (row: Row): Promise<void> => {
    running.set(row.id, row.function);
    const outcome = await runtime.invoke(row.function, row.event, row.request);
    // Cut off by a stop, its outcome is unknown: it is given again after the next start.
    for (let pause = 0; !(stopped && !outcome.ok); pause = TROUBLE_MS) {
      if (pause) await wait(pause, undefined, { ref: false });
      try {
        settle(row, outcome);
        break;
      } catch (error) {
        if (!state.db.isOpen) break;
        tell("ERROR", row.function, "an event's outcome could not be written, and will be again", {
          error: String(error),
        });
      }
    }
    running.delete(row.id);
    state.touch();
  };

  const pump = (): void => {
    scheduled = false;
    clearTimeout(timer);
    if (!started || stopped) return;
    try {
      const at = now();
      for (const row of queued.all(at, 4 * CONCURRENCY + running.size) as Row[]) {
        const same = [...running.values()].filter((name) => name === row.function).length;
        if (!running.has(row.id) && same < CONCURRENCY) void run(row);
      }
      none = waiting.get() === undefined;
      const { due } = nextDue.get(at) as { due: number | null };
      if (due !== null) timer = setTimeout(wake, Math.min(Math.max(1, due - at), MAX_TIMER_MS)).unref();
    } catch (error) {
      tell("ERROR", "triggers", "events could not be read, and will be again", { error: String(error) });
      timer = setTimeout(wake, TROUBLE_MS).unref();
    }
  };
  function wake(): void {
    if (scheduled || stopped || none) return;
    scheduled = true;
    setImmediate(pump);
  }

  return {
    /** In the open transaction: `event` is JSON text. */
    enqueue: (name: string, event: string): void =>
      transaction(() => {
        none = false;
        insert.run(name, event, randomUUID(), now(), now());
        state.afterCommit(state.touch);
      }),
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
    busy: (): boolean => running.size > 0 || waiting.get() !== undefined,
    running: (): number => running.size,
    /** The oldest first, up to `most`. */
    dropped: (most = -1): Dropped[] => lost.all(most) as Dropped[],
    droppedCount: (): number => (lostCount.get() as { count: number }).count,
    /** When events of a function were given up, from `from` until before `to`; ms since 1970. */
    droppedWhen: (name: string, from: number, to: number): number[] =>
      (lostWhen.all(name, from, to) as { due: number }[]).map(({ due }) => due),
  };
};
