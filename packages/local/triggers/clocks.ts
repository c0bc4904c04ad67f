import { Cron } from "croner";
import type { ClockSpec } from "../../core/topology.ts";
import type { LogLine } from "../lambda.ts";
import type { State } from "../state.ts";

/** A command that only asks something is over by then, and neither starts functions for it nor waits for their end. */
const MAKE_UP_MS = 3_000;
/** A machine may sleep, or its clock be put right: what is next is looked at this often, and whenever something changed. */
const LOOK_MS = 10_000;

/**
 * EventBridge Scheduler: each clock calls its function at its times, by `now` (ms since 1970). A laptop is off at night:
 * what a clock missed while nobody looked is made up for, once.
 */
export const clocks = (
  state: State,
  specs: readonly ClockSpec[],
  deps: { now: () => number; enqueue: (name: string, event: string) => void; onLog: (line: LogLine) => void },
) => {
  const { now } = deps;
  state.db.exec("CREATE TABLE IF NOT EXISTS clock(name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT");
  const ticked = state.db.prepare("SELECT at FROM clock WHERE name = ?");
  const note = state.db.prepare("INSERT INTO clock VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET at = excluded.at");
  const crons = new Map(specs.map((spec) => [spec, new Cron(spec.cron, { timezone: spec.zone, paused: true })]));
  /** When each ticks next; never: a cron may name no day that is still to come. */
  const next = new Map<ClockSpec, number>();
  const plan = (spec: ClockSpec): void => {
    next.set(spec, crons.get(spec)!.nextRun(new Date(now()))?.getTime() ?? Number.POSITIVE_INFINITY);
  };
  /** `silent`: another clock has just said the same. */
  const tick = (spec: ClockSpec, input: unknown, silent = false): void => {
    try {
      state.transaction(() => {
        if (!silent) deps.enqueue(spec.function, JSON.stringify(input));
        note.run(spec.name, now());
      });
    } catch (error) {
      deps.onLog({
        level: "ERROR",
        component: spec.name,
        message: `the clock could not start ${spec.function}: ${String(error)}`,
      });
    }
  };

  const makeUp = (missed: readonly ClockSpec[]): void => {
    const said = new Set<string>();
    for (const spec of missed) {
      const input = spec.missed ?? spec.input;
      const event = `${spec.function} ${JSON.stringify(input)}`;
      tick(spec, input, said.has(event));
      said.add(event);
    }
  };

  let timer: NodeJS.Timeout | undefined;
  let makingUp: NodeJS.Timeout | undefined;
  const look = (): void => {
    const due = specs.filter((spec) => (next.get(spec) ?? 0) <= now());
    // Planned first: a tick is a change, and looks again.
    due.forEach(plan);
    for (const spec of due) tick(spec, spec.input);
    clearTimeout(timer);
    const ms = Math.min(LOOK_MS, ...[...next.values()].map((at) => at - now()));
    timer = setTimeout(look, Math.max(1, ms)).unref();
  };
  const changed = (): void => {
    const at = now();
    if ([...next.values()].some((time) => time <= at)) look();
  };

  return {
    start: (): void => {
      const missed = specs.filter((spec) => {
        const [before] = crons.get(spec)!.previousRuns(1, new Date(now()));
        return (
          before !== undefined && before.getTime() > ((ticked.get(spec.name) as { at: number } | undefined)?.at ?? 0)
        );
      });
      specs.forEach(plan);
      const [first, later] = [missed.filter((c) => !ticked.get(c.name)), missed.filter((c) => ticked.get(c.name))];
      // At the very first start at once.
      makeUp(first);
      makingUp = setTimeout(() => makeUp(later), MAKE_UP_MS).unref();
      state.changes.on("change", changed);
      look();
    },
    stop: (): void => {
      state.changes.off("change", changed);
      clearTimeout(timer);
      clearTimeout(makingUp);
    },
  };
};
