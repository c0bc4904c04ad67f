import { type Logs, openLogs, type Printed } from "../aws/logs.ts";
import { topology } from "../core/topology.ts";
import { type Level, type Line, lineOf } from "./log.ts";
import type { Place } from "./place.ts";
import { isWanted, lasting, shower, type Wanted } from "./tail.ts";

const MINUTE_MS = 60_000;
/** Logs are read forwards only: for the last lines one looks back further and further, up to this. */
const LOOK_BACK_MS = [10 * MINUTE_MS, 60 * MINUTE_MS, 24 * 60 * MINUTE_MS, 7 * 24 * 60 * MINUTE_MS];
/** How late CloudWatch may show what was printed: so far back every look looks again. */
const LATE_MS = 2 * MINUTE_MS;
/** Between looks; each is a request for each function, of 5 a second that an account has. */
const POLL_MS = 3_000;

type Seams = { logs?: Logs; write?: (text: string) => Promise<boolean>; pollMs?: number };

/**
 * `pregao tail --stage`: what the functions of a deployed stage print, by CloudWatch's logs: the last lines first and then
 * whatever comes, as `tail` does it.
 */
export const tailDeployed = async (
  place: Place,
  want: Wanted,
  signal: AbortSignal,
  { logs = openLogs(place.stage, process.env, { own: true }), write, pollMs = POLL_MS }: Seams = {},
): Promise<void> => {
  const { output } = place;
  const names = topology(place.datasets, place.stage.pace).functions.map(({ name }) => name);
  const { show } = shower(output, write);
  /** What was shown, or is not to be, of the time that is looked at again: id → at. */
  const seen = new Map<string, number>();
  const fresh = (printed: readonly Printed[]): Line[] => {
    const news = printed.filter(({ id }) => !seen.has(id));
    for (const { id, at } of news) seen.set(id, at);
    return news.map(lineFrom).filter((line) => isWanted(line, want));
  };
  try {
    const now = Date.now();
    const before = await lastOf(logs, names, want, now);
    for (const { id, at } of before.printed) seen.set(id, at);
    let read = true;
    for (const line of before.lines) if (read) read = await show(line);
    const none = `no function of stage ${place.stage.name} has a log`;
    if (want.follow === 0) {
      if (before.lines.length === 0)
        output.say(
          `${before.absent === names.length ? none : "nothing in the logs is like that"}. Next: pregao status`,
        );
      return;
    }
    const over = lasting(signal, want.follow);
    while (read && !over.signal.aborted) {
      await pause(pollMs, over.signal);
      const from = Math.max(now, Date.now()) - LATE_MS;
      const { printed } = await looked(logs, names, Math.max(from, want.since ?? 0));
      for (const line of fresh(printed)) if (read) read = await show(line);
      for (const [id, at] of seen) if (at < from) seen.delete(id);
    }
    over.end();
  } finally {
    logs.close();
  }
};

/** What all functions printed from then on, in order of time. `absent`: how many of them have no log. */
const looked = async (logs: Logs, names: readonly string[], from: number) => {
  const printed: Printed[] = [];
  let absent = 0;
  for (const name of names) {
    const found = await logs.printed(name, from);
    if (found === null) absent += 1;
    else printed.push(...found);
  }
  return { printed: printed.sort((a, b) => a.at - b.at), absent };
};

/** The last lines that are wanted, in order, and all that was read for them: at least what will be looked at again. */
const lastOf = async (logs: Logs, names: readonly string[], want: Wanted, now: number) => {
  const from = want.since === null ? LOOK_BACK_MS.map((ms) => now - ms) : [Math.min(want.since, now - LATE_MS)];
  for (const [at, since] of from.entries()) {
    const { printed, absent } = await looked(logs, names, since);
    const lines = printed
      .filter(({ at }) => want.since === null || at >= want.since)
      .map(lineFrom)
      .filter((line) => isWanted(line, want));
    if (lines.length >= want.lines || at === from.length - 1 || absent === names.length)
      return { lines: want.lines === 0 ? [] : lines.slice(-want.lines), printed, absent };
  }
  return { lines: [], printed: [], absent: 0 };
};

/** Resolves early when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });

/** Lambda's own lines say when a call began and ended, and what it took. */
const ROUTINE = /^(START|END|REPORT|INIT_START|INIT_REPORT|EXTENSION|TELEMETRY|XRAY|RESTORE_START|RESTORE_REPORT)\b/;
/** Lambda's runtime puts the time, the request and the level before what the console or an error prints. */
const CONSOLE = /^\d{4}-\d\d-\d\dT[\d:.]+Z\t[\w-]+\t(\w+)\t/;

/** A line of ours as it stands; one of Lambda's own as what it means, with its function as the component. */
const lineFrom = ({ at, function: component, text }: Printed): Line => {
  const own = lineOf(text);
  if (own.entry?.message !== undefined) return own;
  const said = CONSOLE.exec(text)?.[1];
  const known = (["DEBUG", "INFO", "WARN", "ERROR"] as const).find((level) => level === said);
  const level: Level =
    known ?? (ROUTINE.test(text) ? "DEBUG" : /timed out|error|exited/i.test(text) ? "ERROR" : "INFO");
  const message = text.replace(CONSOLE, "").replaceAll("\t", "  ");
  const entry = { timestamp: new Date(at).toISOString(), level, component, message, metadata: {} };
  return { text: JSON.stringify(entry), entry };
};
