import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sessionsBetween } from "../../packages/core/backfill.ts";
import { dayNumber, dayOf, isSession } from "../../packages/core/calendar.ts";
import type { SessionFact } from "../../packages/core/dataset.ts";
import {
  absentOf,
  figuresOf,
  gapsOf,
  known,
  LATELY,
  lately,
  percent,
  stretches,
  tickerGaps,
} from "../../packages/core/gaps.ts";

const HOUR = 3_600_000;
const NOVEMBER = { from: "2024-11-01", to: "2024-11-29" };
/** 15 November, a Friday, and 20 November were holidays. */
const november = "01 04 05 06 07 08 11 12 13 14 18 19 21 22 25 26 27 28 29".split(" ").map((day) => `2024-11-${day}`);
const whole = (sessions: readonly string[]) => sessions.map((session) => ({ session, complete: true }));
const without = (...days: string[]) => november.filter((day) => !days.includes(day));

describe("the calendar against what is there", () => {
  test("a holiday or a weekend passes for a gap", () => {
    expect(sessionsBetween(NOVEMBER.from, NOVEMBER.to)).toEqual(november);
    expect(gapsOf(whole(november), NOVEMBER)).toEqual({
      ...NOVEMBER,
      ...{ expected: 19, missing: [], incomplete: [], unexpected: [], completeness: 100 },
    });
  });

  test("a missing session passes for a holiday, and half a file for a session", () => {
    const there = [
      ...whole(without("2024-11-14", "2024-11-21", "2024-11-08")),
      { session: "2024-11-08", complete: false },
    ];
    expect(gapsOf(there, NOVEMBER)).toMatchObject({
      ...{ expected: 19, missing: ["2024-11-14", "2024-11-21"], incomplete: ["2024-11-08"], unexpected: [] },
      completeness: 84.21,
    });
  });

  test("rows of a day without a session fill a gap, or are not told of", () => {
    const there = whole([...without("2024-11-14"), "2024-11-15"]);
    expect(gapsOf(there, NOVEMBER)).toMatchObject({ missing: ["2024-11-14"], unexpected: ["2024-11-15"] });
  });

  test("what is out of the span counts, or is missed", () => {
    const span = { from: "2024-11-15", to: "2024-11-17" };
    expect(gapsOf(whole(november), span)).toMatchObject({ expected: 0, missing: [], completeness: null });
    expect(gapsOf([], { from: "2024-11-14", to: "2024-11-18" }).missing).toEqual(["2024-11-14", "2024-11-18"]);
  });

  test("every session of any span is whole, incomplete or missing, and only one of them", () => {
    const day = fc.integer({ min: dayNumber("1990-01-01"), max: dayNumber("2040-12-31") }).map(dayOf);
    const span = fc.tuple(day, fc.integer({ min: 0, max: 400 })).map(([from, days]) => ({
      ...{ from, to: dayOf(dayNumber(from) + days) },
    }));
    fc.assert(
      fc.property(span, fc.array(fc.tuple(fc.integer({ min: -10, max: 410 }), fc.boolean())), (of, marks) => {
        const there = new Map(marks.map(([at, complete]) => [dayOf(dayNumber(of.from) + at), complete]));
        const found = gapsOf(
          [...there].map(([session, complete]) => ({ session, complete })),
          of,
        );
        const days = Array.from({ length: dayNumber(of.to) - dayNumber(of.from) + 1 }, (_, i) =>
          dayOf(dayNumber(of.from) + i),
        );
        const sessions = days.filter(isSession);
        expect(found.expected).toBe(sessions.length);
        expect(found.missing).toEqual(sessions.filter((session) => !there.has(session)));
        expect(found.incomplete).toEqual(sessions.filter((session) => there.get(session) === false));
        expect(found.unexpected).toEqual(days.filter((d) => there.has(d) && !isSession(d)));
        expect(found.completeness === 100).toBe(
          sessions.length > 0 && found.missing.length + found.incomplete.length === 0,
        );
        // As stretches they are the same days.
        expect(stretches(found.missing).flatMap(({ from, to }) => sessionsBetween(from, to))).toEqual(found.missing);
      }),
      { numRuns: 200 },
    );
  });

  test("days before the calendar's first are judged by rules of a later time", () => {
    expect(known({ from: "1986-01-02", to: "1991-06-28" })).toEqual({ from: "1990-01-01", to: "1991-06-28" });
    expect(known({ from: "1986-01-02", to: "1989-12-28" })).toBeNull();
    expect(known({ from: "1986-01-02", to: "1990-01-01" })).toEqual({ from: "1990-01-01", to: "1990-01-01" });
    expect(known({ from: "2039-01-01", to: "2050-01-01" })).toEqual({ from: "2039-01-01", to: "2040-12-31" });
  });

  test("one session of thousands that is missing is rounded away", () => {
    expect([percent(9999, 10_000), percent(99_999, 100_000), percent(1, 3), percent(7, 7), percent(0, 0)]).toEqual([
      ...[99.99, 99.99, 33.33, 100, null],
    ]);
  });
});

test("days that follow each other over a holiday are told one by one", () => {
  expect(stretches(["2024-11-13", "2024-11-14", "2024-11-18", "2024-11-19", "2024-11-22"])).toEqual([
    { from: "2024-11-13", to: "2024-11-19", sessions: 4 },
    { from: "2024-11-22", to: "2024-11-22", sessions: 1 },
  ]);
  expect(stretches([])).toEqual([]);
});

describe("papers", () => {
  const there = without("2024-11-12", "2024-11-25");
  test("a paper misses what came before its first session or after its last, or is blamed for what nobody has", () => {
    const listed = [
      { ticker: "TODO3", first: "2024-11-01", last: "2024-11-29", sessions: 17 },
      { ticker: "NOVO3", first: "2024-11-18", last: "2024-11-29", sessions: 7 },
      { ticker: "RARO3", first: "2024-11-04", last: "2024-11-22", sessions: 2 },
      { ticker: "DIA3", first: "2024-11-08", last: "2024-11-08", sessions: 1 },
    ];
    expect(tickerGaps(listed, there, NOVEMBER).map(({ first: _, last: __, ...one }) => one)).toEqual([
      { ticker: "TODO3", sessions: 17, expected: 19, absent: 0, missing: 2, completeness: 89.47 },
      { ticker: "NOVO3", sessions: 7, expected: 9, absent: 1, missing: 1, completeness: 77.78 },
      { ticker: "RARO3", sessions: 2, expected: 13, absent: 10, missing: 1, completeness: 15.38 },
      { ticker: "DIA3", sessions: 1, expected: 1, absent: 0, missing: 0, completeness: 100 },
    ]);
  });

  test("a day at the end of a span, or what is asked in another order, is left out", () => {
    const span = { from: "2024-11-05", to: "2024-11-08" };
    const backwards = [...there].reverse();
    expect(absentOf(["2024-11-06"], backwards, span)).toEqual(["2024-11-05", "2024-11-07", "2024-11-08"]);
    const listed = [{ ticker: "A", first: span.from, last: span.to, sessions: 1 }];
    expect(tickerGaps(listed, backwards, NOVEMBER)).toMatchObject([{ absent: 3, missing: 0 }]);
  });

  test("counted paper by paper and day by day it is the same", () => {
    fc.assert(
      fc.property(fc.subarray(there, { minLength: 1 }), (own) => {
        const span = { from: own[0]!, to: own.at(-1)! };
        const [one] = tickerGaps([{ ticker: "A", first: span.from, last: span.to, sessions: own.length }], there, span);
        expect(one!.absent).toBe(absentOf(own, there, span).length);
        expect(one!.missing).toBe(gapsOf(whole(there), span).missing.length);
        expect(one!.expected).toBe(sessionsBetween(span.from, span.to).length);
      }),
    );
  });
});

describe("the figures that are watched", () => {
  const now = Date.parse("2025-11-15T12:00:00-03:00");
  const span = lately(now, 25 * HOUR);
  const fact = (session: string, more: Partial<SessionFact> = {}): SessionFact => ({
    ...{ session, tickers: 400, rows: 1000, complete: true, doubtful: 4 },
    origins: [{ sha256: "a", scrapedAt: 0 }],
    ...more,
  });
  const all = sessionsBetween(span.from, span.to).map((session) => fact(session));

  test("they look at a year of sessions, up to the newest that is due", () => {
    expect(span.to).toBe("2025-11-14");
    expect(sessionsBetween(span.from, span.to)).toHaveLength(LATELY);
    expect(isSession(span.from)).toBe(true);
  });

  test("a gap that is older than a week is forgotten", () => {
    expect(figuresOf(all, span, true)).toEqual({ gaps: 0, completeness: 100 });
    const holed = all.filter((_, at) => at !== 3 && at !== 100);
    expect(figuresOf(holed, span, true)).toEqual({ gaps: 2, completeness: 99.21 });
    const half = all.map((one, at) => (at === 30 ? { ...one, complete: false } : one));
    expect(figuresOf(half, span, false)).toEqual({ gaps: 1, completeness: 99.6 });
  });

  test("a dataset that is new misses what came before it; one that is old does not", () => {
    const young = all.slice(200);
    expect(figuresOf(young, span, false)).toEqual({ gaps: 0, completeness: 100 });
    expect(figuresOf(young, span, true)).toEqual({ gaps: 200, completeness: 20.63 });
    expect(figuresOf([...young.slice(2).reverse(), young[0]!], span, false).gaps).toBe(1);
    expect(figuresOf([fact(span.to)], span, false)).toEqual({ gaps: 0, completeness: 100 });
    expect(figuresOf([], span, false)).toEqual({ gaps: 0, completeness: null });
    expect(figuresOf([], span, true)).toEqual({ gaps: LATELY, completeness: 0 });
  });

  test("a test message fills a gap, or makes a dataset older than it is", () => {
    const message = { origins: [], tickers: 1 };
    const holed = all.map((one, at) => (at === 3 ? { ...one, ...message } : one));
    expect(figuresOf(holed, span, true).gaps).toBe(1);
    expect(figuresOf([fact(span.from, message), ...all.slice(200)], span, false).gaps).toBe(0);
  });

  test("the session of today, which is not due yet, is expected or counted", () => {
    expect(figuresOf([fact("2025-11-17")], span, false)).toEqual({ gaps: 0, completeness: null });
  });
});
