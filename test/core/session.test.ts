import { describe, expect, test } from "vitest";
import type { SessionFact } from "../../packages/core/dataset.ts";
import { dueAfter, ofUsual, publishedBy, sessionsDue, standingOf, WATCHED } from "../../packages/core/session.ts";
import { topology } from "../../packages/core/topology.ts";
import { datasets } from "../../packages/datasets/index.ts";

const HOUR = 3_600_000;
/** A day and an hour after the midnight with which it began. */
const AFTER = 25 * HOUR;
const saoPaulo = (text: string): number => Date.parse(`${text}-03:00`);
const fact = (session: string, more: Partial<SessionFact> = {}): SessionFact => ({
  ...{ session, tickers: 400, rows: 1000, complete: true, doubtful: 4 },
  origins: [{ sha256: "a", scrapedAt: saoPaulo(`${session}T21:00:00`) }],
  ...more,
});
const week = ["2025-11-14", "2025-11-13", "2025-11-12", "2025-11-11", "2025-11-10"];

describe("which sessions are due", () => {
  test("one is due from its hour on, not before, on São Paulo's clock", () => {
    expect(sessionsDue(saoPaulo("2025-11-15T00:59:59"), AFTER)[0]).toBe("2025-11-13");
    expect(sessionsDue(saoPaulo("2025-11-15T01:00:00"), AFTER)).toEqual(week);
  });

  test("a holiday or a weekend rings as a day without data", () => {
    // 2025-11-20, a Thursday, is Consciência Negra; 2025-11-15 a Saturday and a holiday.
    const friday = sessionsDue(saoPaulo("2025-11-21T12:00:00"), AFTER);
    expect(friday).toEqual(["2025-11-19", "2025-11-18", "2025-11-17", "2025-11-14", "2025-11-13"]);
    const all = friday.map((session) => fact(session));
    for (const at of ["2025-11-21T12:00:00", "2025-11-21T23:59:00"])
      expect(standingOf(all, saoPaulo(at), AFTER)).toMatchObject({ missing: [], coverage: 100 });
    // Carnival: from Friday's session to Ash Wednesday's there is none.
    expect(sessionsDue(saoPaulo("2025-03-06T00:30:00"), AFTER)[0]).toBe("2025-02-28");
  });

  test("a dataset of which no clock looks for files is watched; another's hour is its last look and all that follows", () => {
    for (const pace of ["daily", "intraday"] as const)
      for (const dataset of datasets) {
        const after = dueAfter(topology(datasets, pace), dataset);
        if (!dataset.raw?.schedule) expect(after).toBeNull();
        else {
          const [minute, hour] = dataset.raw.schedule.last.split(" ").map(Number);
          expect(after).toBeGreaterThan((hour! * 60 + minute!) * 60_000);
          // Before the next session's market opens at 10:00.
          expect(after).toBeLessThan(34 * HOUR);
        }
      }
  });
});

describe("how sessions stand", () => {
  const now = saoPaulo("2025-11-15T12:00:00");
  test("nothing came at all: all are missing, and there is no newest", () => {
    expect(standingOf([], now, AFTER)).toEqual({
      ...{ due: WATCHED, missing: week, incomplete: [], coverage: 0 },
      ...{ newest: null, tickers: null, rows: null, doubtful: null },
    });
  });

  test("a test message passes for a day's data", () => {
    const facts = [...week.slice(1).map((session) => fact(session)), fact(week[0]!, { origins: [], tickers: 1 })];
    expect(standingOf(facts, now, AFTER)).toMatchObject({
      missing: [week[0]],
      coverage: 80,
      newest: week[1],
      tickers: 400,
    });
  });

  test("half a file passes for a day's data", () => {
    const facts = week.map((session, at) => fact(session, { complete: at !== 2 }));
    expect(standingOf(facts, now, AFTER)).toMatchObject({ missing: [], incomplete: [week[2]], coverage: 80 });
  });

  test("one that came before it is due counts as the newest; doubts are of its tickers", () => {
    const facts = [...week.map((session) => fact(session)), fact("2025-11-17", { tickers: 200, doubtful: 3 })];
    expect(standingOf(facts, now, AFTER)).toMatchObject({ newest: "2025-11-17", tickers: 200, doubtful: 1.5 });
  });

  test("what is missing for longer than a week of sessions rings on and on", () => {
    const later = sessionsDue(now + 11 * 24 * HOUR, AFTER);
    expect(later).not.toContain(week[0]);
    expect(
      standingOf(
        later.map((session) => fact(session)),
        now + 11 * 24 * HOUR,
        AFTER,
      ).missing,
    ).toEqual([]);
  });
});

test("a series that a person brought passes for the one that is looked for", () => {
  const now = saoPaulo("2025-11-15T12:00:00");
  const facts = week.map((session, at) =>
    fact(session, { series: at === 1 ? { SMLL: true } : { IBOV: true, SMLL: true } }),
  );
  expect(standingOf(ofUsual(facts, ["IBOV"]), now, AFTER).missing).toEqual([week[1]]);
  expect(standingOf(ofUsual(facts, ["IBOV", "IBXX"]), now, AFTER).missing).toEqual(week);
  expect(ofUsual(facts, undefined)).toEqual(facts);
  const plain = week.map((session) => fact(session));
  expect(ofUsual(plain, ["IBOV"])).toEqual(plain);
});

test("what a person brought in part of another series passes for a session that did not come whole", () => {
  const now = saoPaulo("2025-11-15T12:00:00");
  const facts = week.map((session, at) =>
    fact(session, { complete: at > 1, series: { IBOV: at !== 1, ...(at < 2 ? { IBXX: false } : {}) } }),
  );
  expect(standingOf(ofUsual(facts, ["IBOV"]), now, AFTER)).toMatchObject({ missing: [], incomplete: [week[1]] });
  expect(standingOf(ofUsual(facts, ["IBOV", "IBXX"]), now, AFTER).missing).toEqual(week.slice(2));
});

describe("an origin that has the current session alone", () => {
  const now = saoPaulo("2025-11-15T12:00:00");
  const standing = (...facts: SessionFact[]) => standingOf(facts, now, AFTER, 0);

  test("rings for sessions that it could not give any more when the stage was made", () => {
    expect(standing(fact(week[0]!))).toMatchObject({ due: 1, missing: [], coverage: 100 });
    // Those that came since, and one that did not.
    expect(standing(fact(week[0]!), fact(week[2]!))).toMatchObject({ due: 3, missing: [week[1]] });
    expect(standing(fact(week[0]!), fact("2025-10-01"))).toMatchObject({ due: 5, missing: week.slice(1) });
  });

  test("is silent while nothing comes, or counts a test message for the first that did", () => {
    expect(standing()).toMatchObject({ due: 1, missing: [week[0]], coverage: 0, newest: null });
    expect(standing(fact(week[3]!, { origins: [] }))).toMatchObject({ due: 1, missing: [week[0]] });
  });

  test("whose first came before it was due has none that is due, all of them complete", () => {
    expect(standing(fact("2025-11-17"))).toMatchObject({ due: 0, missing: [], coverage: 100, newest: "2025-11-17" });
  });
});

describe("what a commit brought", () => {
  const at = new Date(saoPaulo("2025-11-14T21:30:00")).toISOString();
  test("sessions of other files count as its own, or their arrival as its", () => {
    const old = fact("2025-11-13", { origins: [{ sha256: "b", scrapedAt: 0 }] });
    expect(publishedBy({ at, origins: { a: { events: 10 } } }, [fact("2025-11-14"), old])).toEqual({
      ...{ sessions: 1, tickers: 400, latency: 1800 },
    });
  });

  test("a file that is of no session has no latency; a clock that is behind makes none below nothing", () => {
    expect(publishedBy({ at, origins: { c: { events: 1 } } }, [fact("2025-11-14")])).toEqual({
      ...{ sessions: 0, tickers: 0, latency: null },
    });
    const ahead = fact("2025-11-14", { origins: [{ sha256: "a", scrapedAt: Date.parse(at) + 5000 }] });
    expect(publishedBy({ at, origins: { a: { events: 1 } } }, [ahead]).latency).toBe(0);
  });
});
