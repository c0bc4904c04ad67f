import { sessionsBetween, sessionsUpTo } from "./backfill.ts";
import { CALENDAR_YEARS, dayNumber, dayOf, isSession } from "./calendar.ts";
import type { SessionFact } from "./dataset.ts";
import { newestDue } from "./session.ts";

/** Days, `YYYY-MM-DD`, both included. */
export type Span = { from: string; to: string };

/** What a table has of a session: some rows, or every row of its file. */
export type Presence = { session: string; complete: boolean };

/** The calendar's sessions against those that are there. Days ascend. */
export type Gaps = Span & {
  expected: number;
  /** Of which nothing is there. */
  missing: string[];
  /** Of which not every row is. */
  incomplete: string[];
  /** There, though the calendar has no session on that day: what is true of a past day, its file says. */
  unexpected: string[];
  /** The figure of quality: of the sessions expected those that are complete, in percent. Null: none is expected. */
  completeness: number | null;
};

const [FIRST_YEAR, LAST_YEAR] = CALENDAR_YEARS;
const CALENDAR: Span = { from: `${FIRST_YEAR}-01-01`, to: `${LAST_YEAR}-12-31` };

/** A span as far as the calendar is known; null: nothing of it is. */
export const known = ({ from, to }: Span): Span | null => {
  const within = { from: later(from, CALENDAR.from), to: earlier(to, CALENDAR.to) };
  return within.from <= within.to ? within : null;
};

const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a < b ? a : b);

/** What is missing of a span that the calendar knows. `there`: each session once, in any order; others are ignored. */
export const gapsOf = (there: readonly Presence[], span: Span): Gaps => {
  const within = there.filter(({ session }) => span.from <= session && session <= span.to);
  const found = new Map(within.map(({ session, complete }) => [session, complete]));
  const expected = sessionsBetween(span.from, span.to);
  const missing = expected.filter((session) => !found.has(session));
  const incomplete = expected.filter((session) => found.get(session) === false);
  return {
    ...span,
    expected: expected.length,
    missing,
    incomplete,
    unexpected: [...found.keys()].filter((session) => !isSession(session)).sort(),
    completeness: percent(expected.length - missing.length - incomplete.length, expected.length),
  };
};

/** One of many in percent, never 100 if it is not all: 9,999 of 10,000 sessions must not look whole. Null of none. */
export const percent = (part: number, whole: number): number | null =>
  whole === 0 ? null : part === whole ? 100 : Math.min(99.99, Math.round((10_000 * part) / whole) / 100);

/** Sessions that follow each other in the calendar, as one. */
export type Stretch = Span & { sessions: number };

/** Days, ascending, as stretches: a weekend or a holiday between two of them parts nothing. */
export const stretches = (days: readonly string[]): Stretch[] => {
  const found: Stretch[] = [];
  for (const day of days) {
    const last = found.at(-1);
    if (last && nothingBetween(last.to, day))
      found[found.length - 1] = { ...last, to: day, sessions: last.sessions + 1 };
    else found.push({ from: day, to: day, sessions: 1 });
  }
  return found;
};

const nothingBetween = (before: string, after: string): boolean => {
  for (let day = dayNumber(before) + 1; day < dayNumber(after); day++) if (isSession(dayOf(day))) return false;
  return true;
};

/** A paper's first and last session in a table, and in how many it is. */
export type Listed = { ticker: string; first: string; last: string; sessions: number };

/** A paper's sessions from its first to its last. */
export type TickerGaps = Listed & {
  /** Of the calendar and the table together: `sessions` + `absent` + `missing`. */
  expected: number;
  /** In which others are, and it is not: it did not trade, or its row is lost. */
  absent: number;
  /** Which the table does not have at all. */
  missing: number;
  /** Of those expected, the ones it is in, in percent. */
  completeness: number;
};

/** How the papers of a table stand, `there` being all its sessions, each once, in any order. Every paper is in one at least. */
export const tickerGaps = <T extends Listed>(
  listed: readonly T[],
  there: readonly string[],
  span: Span,
): (T & TickerGaps)[] => {
  const present = new Set(there);
  const has = counter(there);
  const lacks = counter(sessionsBetween(span.from, span.to).filter((session) => !present.has(session)));
  return listed.map((one) => {
    const absent = has(one.first, one.last) - one.sessions;
    const missing = lacks(one.first, one.last);
    const expected = one.sessions + absent + missing;
    return { ...one, expected, absent, missing, completeness: percent(one.sessions, expected) ?? 0 };
  });
};

/** How many of these days are from one to another, both included. */
const counter = (days: readonly string[]): ((from: string, to: string) => number) => {
  const sorted = [...days].sort();
  const before = (day: string): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < day) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (from, to) => before(dayOf(dayNumber(to) + 1)) - before(from);
};

/** The days of a span in which others are in the table, and a paper is not. `own`: its sessions, `there` the table's. */
export const absentOf = (own: readonly string[], there: readonly string[], { from, to }: Span): string[] => {
  const its = new Set(own);
  return there.filter((day) => from <= day && day <= to && !its.has(day)).sort();
};

/** About a year of sessions: a hole in what is older was seen by somebody, or is filled by nobody. */
export const LATELY = 252;

/** The span that is watched at an instant (ms since 1970), when a session is due so long after its midnight (session.ts). */
export const lately = (now: number, after: number): Span => {
  const to = newestDue(now, after);
  return { from: sessionsUpTo(to, LATELY)[0]!, to };
};

/** The numbers that an alarm and a dashboard have: gaps of that span, and its figure of quality; null: nothing came yet. */
export type Figures = { gaps: number; completeness: number | null };

/**
 * `facts`: of its sessions. `older`: the tables have others before them; if not, a dataset is no older than its first.
 */
export const figuresOf = (facts: readonly SessionFact[], span: Span, older: boolean): Figures => {
  const there = facts.filter(told).map(({ session, complete }) => ({ session, complete }));
  const first = there.reduce<string | null>((a, { session }) => (a === null || session < a ? session : a), null);
  if (first === null && !older) return { gaps: 0, completeness: null };
  const from = older || first === null ? span.from : later(span.from, first);
  const { missing, incomplete, completeness } = gapsOf(there, { ...span, from });
  return { gaps: missing.length + incomplete.length, completeness };
};

/** What no file says to be part of a session, as a test message, is none. */
export const told = ({ origins }: SessionFact): boolean => origins.length > 0;
