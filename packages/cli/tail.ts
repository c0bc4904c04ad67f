import { PregaoError } from "../core/errors.ts";
import { instantOf } from "./age.ts";
import { backwards, type Entry, endOf, following, LEVELS, type Level, type Line, readable } from "./log.ts";
import { type Output, print, printable } from "./output.ts";

export type TailOptions = {
  dataset?: string;
  level?: string;
  since?: string;
  lines?: string;
  for?: string;
  once?: boolean;
};

/** What of the log is asked for. `since` in ms since 1970. */
export type Wanted = {
  dataset: string | null;
  level: Level;
  since: number | null;
  /** Of the lines that are there, the last so many. */
  lines: number;
  /** How long to wait for more, in ms; null: until told to end. */
  follow: number | null;
};

const LINES = 20;
const MOST_SECONDS = 31 * 86_400;

/** @throws PregaoError `usage` */
export const wanted = (options: TailOptions, now: number): Wanted => {
  const since = options.since === undefined ? null : instantOf("--since", options.since, now);
  const level = LEVELS.find((l) => l === (options.level ?? "INFO").toUpperCase());
  if (!level)
    throw new PregaoError("usage", `expected --level ${LEVELS.join(", ")}, came ${printable(options.level ?? "")}`);
  if (options.once && options.for !== undefined)
    throw new PregaoError("usage", "expected --once or --for SECONDS, came both");
  const lines = options.lines === undefined ? null : whole("--lines", options.lines, Number.MAX_SAFE_INTEGER);
  return {
    dataset: options.dataset ?? null,
    level,
    since,
    lines: lines ?? (since === null ? LINES : Number.POSITIVE_INFINITY),
    follow: options.once ? 0 : options.for === undefined ? null : whole("--for", options.for, MOST_SECONDS) * 1000,
  };
};

const whole = (option: string, text: string, most: number): number => {
  const n = Number(text);
  if (!/^\d{1,15}$/.test(text) || n > most)
    throw new PregaoError("usage", `expected ${option} with a whole number from 0 on, came ${printable(text)}`);
  return n;
};

/** Shows lines one by one, as they stand or for a person; tells how many were no JSON objects. */
export const shower = (output: Output, write: (text: string) => Promise<boolean> = print) => {
  let torn = 0;
  return {
    torn: () => torn,
    /** False when there is no use in more: nobody reads. */
    show: async (line: Line): Promise<boolean> => {
      if (line.entry === null) torn += 1;
      if (!output.json) return write(`${line.entry === null ? printable(line.text) : readable(line.entry)}\n`);
      return line.entry === null || write(`${line.text}\n`);
    },
  };
};

/** A signal that also aborts after `ms`, unless that is null. */
export const lasting = (signal: AbortSignal, ms: number | null): { signal: AbortSignal; end: () => void } => {
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const timer = ms === null ? undefined : setTimeout(stop, ms);
  return {
    signal: over.signal,
    end: () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    },
  };
};

/**
 * `pregao tail`: what the log of a state directory says, the last lines first and then whatever comes, until `signal`
 * aborts, `follow` is over or nobody reads any more. With --json the lines as they stand in the file.
 */
export const tail = async (
  dir: string,
  output: Output,
  want: Wanted,
  signal: AbortSignal,
  write?: (text: string) => Promise<boolean>,
): Promise<void> => {
  const { show, torn } = shower(output, write);
  const end = endOf(dir);
  const before = last(dir, end, want);
  let read = true;
  for (const line of before) if (read) read = await show(line);
  if (read && want.follow !== 0) {
    if (end === 0)
      output.say(`there is no log in ${dir} yet; waiting for a river that starts there. Next, elsewhere: pregao up`);
    const over = lasting(signal, want.follow);
    for await (const line of following(dir, end, over.signal)) if (isWanted(line, want) && !(await show(line))) break;
    over.end();
  } else if (end === 0) output.say(`there is no log in ${dir}. Next: pregao up`);
  else if (before.length === 0) output.say("nothing in the log is like that. Next: pregao status");
  if (torn() > 0 && output.json)
    output.say(`left out: ${torn()} lines that are no JSON object, torn when a process was killed`);
};

/** Clocks of threads differ a little, so lines may stand a little out of order. */
const DISORDER_MS = 60_000;

/** The last lines that are wanted, in order. */
const last = (dir: string, end: number, want: Wanted): Line[] => {
  const found: Line[] = [];
  if (want.lines === 0) return found;
  for (const line of backwards(dir, end)) {
    const at = Date.parse(line.entry?.timestamp ?? "");
    if (want.since !== null && at < want.since - DISORDER_MS) break;
    if (!isWanted(line, want) || (want.since !== null && !(at >= want.since))) continue;
    found.push(line);
    if (found.length >= want.lines) break;
  }
  return found.reverse();
};

/** Lines that name no dataset are about all of them; a line that nobody can read is left to who asks for everything. */
export const isWanted = ({ entry }: Line, { dataset, level }: Wanted): boolean => {
  if (entry === null) return dataset === null && LEVELS.indexOf(level) <= LEVELS.indexOf("INFO");
  const rank = LEVELS.indexOf(entry.level as Level);
  if ((rank < 0 ? LEVELS.indexOf("INFO") : rank) < LEVELS.indexOf(level)) return false;
  const about = datasetOf(entry);
  return dataset === null || about === null || about === dataset;
};

/** The dataset that a line names: as such, by its queue, or by an object's key. */
const datasetOf = ({ metadata }: Entry): string | null => {
  const { dataset, queue, key } = metadata ?? {};
  if (typeof dataset === "string") return dataset;
  if (typeof queue === "string") return queue.replace(/-dlq$/, "");
  return typeof key === "string" ? (/^(?:raw|errors)\/([^/]+)\//.exec(key)?.[1] ?? null) : null;
};
