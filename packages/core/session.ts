import { dayNumber, dayOf, isSession, lastSession, saoPauloDay } from "./calendar.ts";
import type { Commit } from "./commit.ts";
import type { Dataset, SessionFact } from "./dataset.ts";
import type { Topology } from "./topology.ts";

/** Of so many sessions, a week of them, a missing one is told of: who did not look for a week has other troubles. */
export const WATCHED = 5;

/**
 * How long after the midnight (São Paulo) with which its day begins a session must be published, in ms: the last look for
 * its file, and all that may take its time from there on. Null: no clock looks for files of this dataset.
 */
export const dueAfter = (topology: Topology, dataset: Dataset): number | null => {
  const [, minute, hour] = /^(\d+) (\d+) /.exec(dataset.raw?.schedule?.last ?? "") ?? [];
  if (!minute || !hour) return null;
  const seconds =
    (topology.functions.find((f) => f.name === "scrape")?.timeout ?? 0) +
    topology.mappings.reduce((sum, m) => sum + ([dataset.name, "landed"].includes(m.queue) ? m.window : 0), 0) +
    (topology.streams.find((s) => s.name === dataset.name)?.seconds ?? 0) +
    60 * (topology.jobs.find((j) => j.dataset === dataset.name)?.timeoutMinutes ?? 0);
  return (Number(hour) * 60 + Number(minute)) * 60_000 + seconds * 1000;
};

/** The sessions of the calendar that must be published at an instant (ms since 1970), the newest first. */
export const sessionsDue = (now: number, after: number): string[] => {
  const due: string[] = [];
  for (let day = dayNumber(saoPauloDay(now - after)); due.length < WATCHED; day--)
    if (isSession(dayOf(day))) due.push(dayOf(day));
  return due;
};

/** The newest of {@link sessionsDue}. */
export const newestDue = (now: number, after: number): string => lastSession(saoPauloDay(now - after));

/**
 * Facts as a clock is to be judged by them: a session that lacks a series it looks for (`usual`; absent: the dataset has
 * none) was brought by nobody, whatever a person brought of another; it is complete when those are.
 */
export const ofUsual = (facts: readonly SessionFact[], usual: readonly string[] | undefined): SessionFact[] =>
  facts.map((fact) => {
    const { series } = fact;
    if (!usual || !series) return fact;
    if (!usual.every((name) => name in series)) return { ...fact, origins: [] };
    return { ...fact, complete: usual.every((name) => series[name]) };
  });

/** How a dataset's last sessions stand: those that are due, and the newest that a file brought. */
export type Standing = {
  /** Those of {@link sessionsDue}; of an origin that has the current one alone, from the dataset's first on. */
  due: number;
  /** Due, and no file brought a row. */
  missing: string[];
  /** Due, and not every row of a file came. */
  incomplete: string[];
  /** Complete ones of those that are due, in percent; 100 if none is. */
  coverage: number;
  newest: string | null;
  tickers: number | null;
  rows: number | null;
  /** Tickers of the newest with a value that contradicts another, in percent. */
  doubtful: number | null;
};

/**
 * `now` in ms since 1970. What no file says to be part of a session, as a test message, is none. `history`: the
 * publication's; of one that has the current session alone `facts` are all there are, as nobody misses what was before.
 */
export const standingOf = (facts: readonly SessionFact[], now: number, after: number, history?: number): Standing => {
  const told = new Map(facts.filter((f) => f.origins.length > 0).map((f) => [f.session, f]));
  const due = history === 0 ? sinceFirst([...told.keys()], sessionsDue(now, after)) : sessionsDue(now, after);
  const missing = due.filter((session) => !told.has(session));
  const incomplete = due.filter((session) => told.get(session)?.complete === false);
  const newest = [...told.values()].reduce<SessionFact | null>((a, b) => (a && a.session > b.session ? a : b), null);
  return {
    due: due.length,
    missing,
    incomplete,
    coverage: due.length === 0 ? 100 : (100 * (due.length - missing.length - incomplete.length)) / due.length,
    newest: newest?.session ?? null,
    tickers: newest?.tickers ?? null,
    rows: newest?.rows ?? null,
    doubtful: newest && newest.tickers > 0 ? (100 * newest.doubtful) / newest.tickers : null,
  };
};

/** Of days, the newest first, those from the first that was told on; the newest alone while none was. */
const sinceFirst = (told: readonly string[], due: readonly string[]): string[] => {
  const first = [...told].sort()[0] ?? due[0];
  return due.filter((session) => first !== undefined && session >= first);
};

/** What a commit brought to readers: sessions of its files, and how long the slowest file took to get here, in seconds. */
export type Published = { sessions: number; tickers: number; latency: number | null };

export const publishedBy = (commit: Pick<Commit, "at" | "origins">, facts: readonly SessionFact[]): Published => {
  const brought = facts.filter((f) => f.origins.some(({ sha256 }) => commit.origins[sha256] !== undefined));
  const since = brought.flatMap((f) => f.origins.filter((o) => commit.origins[o.sha256]).map((o) => o.scrapedAt));
  const at = Date.parse(commit.at);
  return {
    sessions: brought.length,
    tickers: brought.reduce((most, f) => Math.max(most, f.tickers), 0),
    latency: since.length > 0 ? Math.max(0, Math.round((at - Math.min(...since)) / 1000)) : null,
  };
};
