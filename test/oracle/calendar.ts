import { readFileSync } from "node:fs";

/** The oracle's own calendar: B3's published list up to 2025, the days announced for 2026, then today's law. */

const listed = (
  JSON.parse(readFileSync(new URL("../fixtures/calendar/Brazil_B3.json", import.meta.url), "utf8")) as {
    holidays: string[];
  }
).holidays;

const LAST_LISTED = 2026;
const announced2026 = "01-01 02-16 02-17 04-03 04-21 05-01 06-04 09-07 10-12 11-02 11-20 12-24 12-25 12-31"
  .split(" ")
  .map((day) => `2026-${day}`);

const closed = new Set([...listed, ...announced2026]);

/** Milliseconds of a day's start in UTC. */
const at = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const DAY = 24 * 3600 * 1000;
const spelled = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Easter Sunday by Gauss' rule with its two exceptions, in ms since 1970; good for 1900–2099. */
export const easter = (year: number): number => {
  const d = (19 * (year % 19) + 24) % 30;
  const e = (2 * (year % 4) + 4 * (year % 7) + 6 * d + 5) % 7;
  let day = 22 + d + e;
  if (d === 29 && e === 6) day -= 7;
  if (d === 28 && e === 6 && year % 19 > 10) day -= 7;
  return Date.UTC(year, 2, day);
};

/** The holidays of a year as the law stands since 2024. */
export const lawfulHolidays = (year: number): string[] => {
  const sunday = easter(year);
  let last = Date.UTC(year, 11, 31);
  while ([0, 6].includes(new Date(last).getUTCDay())) last -= DAY;
  return [
    ...["01-01", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "11-20", "12-24", "12-25"].map(
      (day) => `${year}-${day}`,
    ),
    ...[-48, -47, -2, 60].map((days) => spelled(sunday + days * DAY)),
    spelled(last),
  ];
};

/** The days the product's calendar covers; outside, what a calendar says is NULL. */
const FIRST = at("1990-01-01");
const LAST = at("2040-12-31");

/** 1 Monday … 7 Sunday; null outside 1990–2040. */
export const weekdayOf = (day: string): number | null =>
  at(day) < FIRST || at(day) > LAST ? null : new Date(at(day)).getUTCDay() || 7;

/** Sessions from 1990-01-01 up to and including each day. */
const sessionsUpTo = new Map<string, { count: number; session: boolean }>();
{
  let count = 0;
  let year = 0;
  let lawful = new Set<string>();
  for (let ms = FIRST; ms <= LAST; ms += DAY) {
    const day = spelled(ms);
    const of = Number(day.slice(0, 4));
    if (of !== year) {
      year = of;
      lawful = new Set(of > LAST_LISTED ? lawfulHolidays(of) : []);
    }
    const weekend = [0, 6].includes(new Date(ms).getUTCDay());
    const session = !weekend && !closed.has(day) && !lawful.has(day);
    if (session) count++;
    sessionsUpTo.set(day, { count, session });
  }
}

/** Whether there is a session on a day; null outside 1990–2040. */
export const hasSession = (day: string): boolean | null => sessionsUpTo.get(day)?.session ?? null;

/** Days and sessions from one day to another; null if one of them is outside 1990–2040. */
export const between = (from: string, to: string): { days: number; sessions: number } | null => {
  const [a, b] = [sessionsUpTo.get(from), sessionsUpTo.get(to)];
  return a && b ? { days: Math.round((at(to) - at(from)) / DAY), sessions: b.count - a.count } : null;
};

const zone = new Intl.DateTimeFormat("sv-SE", { timeZone: "America/Sao_Paulo", dateStyle: "short" });
const dates = new Map<string, string>();

/** São Paulo's date of a UTC instant `yyyy-MM-dd HH:mm:ss.SSS`. */
export const saoPauloDate = (instant: string): string => {
  if (!dates.has(instant)) dates.set(instant, zone.format(Date.parse(`${instant.replace(" ", "T")}Z`)));
  return dates.get(instant)!;
};
