import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  instead,
  missingOf,
  type Note,
  parseNote,
  sessionsBetween,
  sessionsUpTo,
  wanted,
} from "../../packages/core/backfill.ts";
import type { Download, Publication, SessionFact } from "../../packages/core/dataset.ts";
import { publication } from "../../packages/datasets/bovespa/publication.ts";

const year = sessionsBetween("2024-01-01", "2024-12-31");
const some = fc.subarray(year.slice(0, 80), { minLength: 1 });
const names = (downloads: readonly Download[]) => downloads.map(({ name }) => name);
const note = (sessions: readonly string[], at = "2024-06-01T00:00:00.000Z"): Note => ({
  url: "https://origin.example/file",
  etag: '"1"',
  ...{ sha256: "0".repeat(64), version: "1", scraped_at: "2024-06-01 00:00:00.000" },
  rows: sessions.length,
  sessions: Object.fromEntries(sessions.map((session) => [session, 1])),
  at,
});
const fact = (session: string, change: Partial<SessionFact> = {}): SessionFact => ({
  ...{ session, tickers: 1, rows: 1, complete: true, doubtful: 0 },
  origins: [{ sha256: "0".repeat(64), scrapedAt: 0 }],
  ...change,
});
const nothing = { notes: new Map<string, Note>(), published: [] };
const long = Date.parse("2026-01-01T12:00:00Z");
const plan = (
  sessions: readonly string[],
  more: Partial<Parameters<typeof wanted>[2]> = {},
  of: Publication = publication,
) => wanted(of, sessions, { ...nothing, parts: [], now: long, ...more });

describe("sessions", () => {
  test("between two days are the calendar's, both ends among them", () => {
    expect(sessionsBetween("2024-02-09", "2024-02-15")).toEqual(["2024-02-09", "2024-02-14", "2024-02-15"]);
    expect(sessionsBetween("2024-02-12", "2024-02-13")).toEqual([]);
  });
  test("up to a day are the last ones, the day's own if it has one", () => {
    expect(sessionsUpTo("2024-02-13", 2)).toEqual(["2024-02-08", "2024-02-09"]);
    expect(sessionsUpTo("2024-02-14", 2)).toEqual(["2024-02-09", "2024-02-14"]);
    expect(sessionsUpTo("2024-02-14", 20)).toHaveLength(20);
  });
});

describe("the fewest downloads", () => {
  test.each([
    [["2024-11-08"], ["D08112024"]],
    [["2024-11-07", "2024-11-08"], ["M112024"]],
    [["2024-10-31", "2024-11-08"], ["A2024"]],
    [
      ["2023-12-28", "2024-01-02"],
      ["D28122023", "D02012024"],
    ],
    [
      ["2023-12-27", "2023-12-28", "2024-01-02"],
      ["M122023", "D02012024"],
    ],
    [
      ["2022-01-03", "2022-02-01", "2023-05-02", "2024-01-02", "2024-01-03"],
      ["A2022", "D02052023", "M012024"],
    ],
  ])("for %j are %j", (sessions, files) => {
    expect(names(publication.downloads(sessions, []))).toEqual(files);
  });

  test("hold every session once, in order, and so does what is tried instead, down to the sessions' own files", () => {
    const holds = (downloads: readonly Download[], sessions: readonly string[]): void => {
      expect(downloads.flatMap((one) => one.sessions)).toEqual(sessions);
      for (const one of downloads)
        if (one.otherwise.length > 0) holds(one.otherwise, one.sessions);
        else expect([one.name[0], one.sessions.length]).toEqual(["D", 1]);
    };
    fc.assert(
      fc.property(fc.subarray([...year, ...sessionsBetween("2025-01-01", "2025-03-01")]), (sessions) =>
        holds(publication.downloads(sessions, []), sessions),
      ),
    );
  });

  test("bear names of their own", () => {
    fc.assert(
      fc.property(some, (sessions) => {
        const all = (downloads: readonly Download[]): string[] =>
          downloads.flatMap((d) => [d.name, ...all(d.otherwise)]);
        const found = all(publication.downloads(sessions, []));
        expect(new Set(found).size).toBe(found.length);
        for (const name of found) expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });
});

describe("what is there", () => {
  const [a, b, c, d] = year as [string, string, string, string];
  test("is what a note has, and what the tables have of a whole file", () => {
    const known = { notes: new Map([["M012024", note([a])]]), published: [fact(b)] };
    expect(missingOf([a, b, c], known)).toEqual([c]);
  });
  test("is no session of which rows are missing, nor one of test messages", () => {
    const published = [fact(a, { complete: false }), fact(b, { origins: [] })];
    expect(missingOf([a, b], { notes: new Map(), published })).toEqual([a, b]);
  });
  test("is not asked for, and the rest is asked for by the fewest downloads", () => {
    expect(names(plan([a, b, c, d]))).toEqual(["M012024"]);
    expect(names(plan([a, b, c, d], { published: [a, b, c].map((s) => fact(s)) }))).toEqual([`D${d.slice(8)}012024`]);
    expect(plan([a, b], { notes: new Map([["M012024", note([a, b])]]) })).toEqual([]);
  });
  test("is asked for all the same if a person says so", () => {
    expect(names(plan([a, b], { notes: new Map([["M012024", note([a, b])]]), again: true }))).toEqual(["M012024"]);
  });
});

describe("a session that may have no file of its own", () => {
  const chains = (downloads: readonly Download[]): string[] =>
    downloads.flatMap(({ name, otherwise }) =>
      otherwise.length ? chains(otherwise).map((c) => `${name} ${c}`) : [name],
    );
  test.each([
    [["2024-11-08"], ["D08112024 M112024 A2024"]],
    [
      ["2024-11-07", "2024-11-08"],
      ["M112024 D07112024 M112024 A2024", "M112024 D08112024 M112024 A2024"],
    ],
    [
      ["2024-10-31", "2024-11-08"],
      ["A2024 D31102024 M102024 A2024", "A2024 D08112024 M112024 A2024"],
    ],
    [
      ["2024-10-31", "2024-11-07", "2024-11-08"],
      ["A2024 D31102024 M102024 A2024", ...["07", "08"].map((d) => `A2024 M112024 D${d}112024 M112024 A2024`)],
    ],
  ])("as of %j: %j, down to its own file, then the larger ones", (sessions, expected) => {
    expect(chains(plan(sessions))).toEqual(expected);
    expect(chains(plan(sessions, { again: true }))).toEqual(expected);
  });

  test("yet, as it is of late, is not looked for in a month's or a year's", () => {
    const now = Date.parse("2024-11-08T23:00:00-03:00");
    const [newest, oldest] = ["2024-11-08", sessionsUpTo("2024-11-08", 20)[0]!];
    expect(chains(plan([newest], { now }))).toEqual(["D08112024"]);
    expect(chains(plan([oldest], { now }))).toHaveLength(1);
    expect(chains(plan(sessionsUpTo(oldest, 2).slice(0, 1), { now }))[0]).toMatch(/^D\w+ M\w+ A2024$/);
  });
});

describe("what came of late", () => {
  const now = Date.parse("2024-03-01T12:00:00-03:00");
  const february = sessionsBetween("2024-02-01", "2024-02-29");
  const last = february.at(-1)!;
  const night = "2024-03-01T01:00:00.000Z";

  test("in a file of its own is asked for on condition", () => {
    const notes = new Map([
      ["D28022024", note(["2024-02-28"])],
      ["D29022024", note([last], night)],
    ]);
    expect(plan([...february.slice(-2), "2024-03-01"], { now, notes })).toEqual([
      { name: "D01032024", sessions: ["2024-03-01"], otherwise: [] },
      { name: "D28022024", sessions: ["2024-02-28"], otherwise: [] },
      { name: "D29022024", sessions: [last], otherwise: [] },
    ]);
  });

  test("in a file that grows is not asked for by it: it is another file every day, for other reasons", () => {
    expect(plan(february, { now, notes: new Map([["M022024", note(february, "2024-03-01T15:00:00.000Z")]]) })).toEqual(
      [],
    );
  });

  test("in a file that grows, the same night, is asked for as a file of its own, once", () => {
    const notes = new Map([["M022024", note(february, night)]]);
    const own = [{ name: "D29022024", sessions: [last], otherwise: [] }];
    expect(plan(february, { now, notes })).toEqual(own);
    notes.set("D29022024", note([last]));
    expect(plan(february, { now, notes })).toEqual(own);
    // At two in the morning it is still that night, at noon no more.
    for (const [at, early] of [
      ["05:00", own],
      ["15:00", []],
    ] as const)
      expect(
        plan(february, { now, notes: new Map([["M022024", note(february, `2024-03-01T${at}:00.000Z`)]]) }),
      ).toEqual(early);
  });

  test("on a month's second evening is not in the month's own file for that: it grows", () => {
    const second = sessionsBetween("2024-02-01", "2024-02-02");
    const notes = new Map([["M022024", note(second.slice(0, 1), "2024-02-02T15:30:00.000Z")]]);
    const now = Date.parse("2024-02-05T12:00:00-03:00");
    expect(names(plan(second, { now, notes, published: [fact(second[1]!)] }))).toEqual([]);
  });

  test("is left alone if a person's file brought it: there is nothing to ask on condition of", () => {
    expect(plan(february, { now, published: february.map((s) => fact(s)) })).toEqual([]);
  });

  test("is not what came before the last sessions of the origin's history", () => {
    expect(plan(["2024-01-26"], { now, notes: new Map([["D26012024", note(["2024-01-26"])]]) })).toEqual([]);
  });
});

test("of an origin that has the current one alone, that one is asked for, whatever is there", () => {
  const current: Publication = {
    ...publication,
    history: 0,
    downloads: (sessions, parts) => parts.map((name) => ({ name, sessions, otherwise: [] })),
  };
  expect(plan(["2024-01-02"], { parts: ["IBOV"] }, current)).toEqual([{ name: "IBOV", sessions: [], otherwise: [] }]);
});

describe("instead of a download", () => {
  const [a, b, c] = sessionsBetween("2024-01-02", "2024-01-04") as [string, string, string];
  const feb = "2024-02-01";
  const [whole] = publication.downloads([a, b, c, feb], []);

  test("that is not there, what holds the same is tried", () => {
    expect(names(instead(whole!, whole!.sessions))).toEqual(["M012024", "D01022024"]);
  });
  test("that has not all, only what is missing is tried, by the fewest", () => {
    expect(instead(whole!, [b])).toEqual([{ name: `D${b.slice(8)}012024`, sessions: [b], otherwise: [] }]);
    expect(instead(whole!, [a, c])).toMatchObject([{ name: "M012024", sessions: [a, c] }]);
    expect(names(instead(whole!, [feb]))).toEqual(["D01022024"]);
  });
  test("that has everything, nothing is", () => {
    expect(instead(whole!, [])).toEqual([]);
  });
  test("whatever is missing, it is tried once, down to its own file", () => {
    const ends = (downloads: readonly Download[]): string[] =>
      downloads.flatMap((one) => (one.otherwise.length > 0 ? ends(instead(one, one.sessions)) : one.sessions));
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.boolean()), (sessions, coins) => {
        const missing = sessions.filter(() => coins.next().value);
        const [first] = publication.downloads(sessions, []);
        if (first!.otherwise.length > 0) expect(ends(instead(first!, missing)).sort()).toEqual(missing);
      }),
    );
  });
});

describe("a note", () => {
  test("is read back as it was written", () => {
    const written = note(["2024-01-02"]);
    expect(parseNote(JSON.parse(JSON.stringify(written)))).toEqual(written);
  });
  test.each([
    ["nothing", null],
    ["that of an earlier version", { url: "https://x", sha256: "0".repeat(64), rows: 1 }],
    ["one damaged by hand", { ...note(["2024-01-02"]), sha256: "?" }],
  ])("that is %s says nothing", (_, value) => {
    expect(parseNote(value)).toBeNull();
  });
});
