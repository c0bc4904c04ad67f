import { describe, expect, test } from "vitest";
import { type Commit, isSettled, outcome, parseCommit } from "../../packages/core/commit.ts";
import { accepts, disagreement, parseReport, type Report, type Submission } from "../../packages/core/report.ts";
import {
  commitKey,
  ingestDate,
  lastClosed,
  nameObject,
  numberOf,
  parseRun,
  type Run,
  reportKey,
  runKey,
} from "../../packages/core/run.ts";

const NOW = Date.parse("2025-01-10T12:00:00Z");
const key = (name: string, date = "2025-01-10") => `raw/d/ingest_date=${date}/${name}.parquet`;
const run: Run = {
  format: 1,
  dataset: "d",
  run: 2,
  base: 1,
  opened_at: "2025-01-10T12:00:00.000Z",
  recipe: "r1",
  objects: [
    { key: key("a"), etag: "1", size: 1 },
    { key: key("b", "2025-01-05"), etag: "1", size: 1 },
  ],
  units: ["2024"],
  tables: {
    t: {
      "year=2024": { folder: "refined/t/run=1-x/year=2024/", files: [{ name: "f", bytes: 1, rows: 1 }], recipe: "r0" },
    },
  },
  through: "2025-01-07",
  rejects: [{ key: key("j"), etag: "1", size: 1, reason: "not_parquet", message: "no" }],
  accepted: [],
  rebuild: false,
  withdrawn: [],
};
const report: Report = {
  dataset: "d",
  run: 2,
  attempt: "j1",
  recipe: "r1",
  engine: "test",
  rows: { read: 3, new: 1, superseded: 1, duplicate: 1 },
  tables: {
    t: {
      "year=2024": { folder: "refined/t/run=2-j1/year=2024/", files: [{ name: "f", bytes: 7, rows: 2 }], recipe: "r1" },
    },
  },
  origins: { o: { events: 3 } },
  audit: [],
  seconds: 1,
};
const base: Commit = {
  ...outcome(
    {
      ...run,
      run: 1,
      base: 0,
      objects: [{ key: key("z", "2025-01-06"), etag: "1", size: 1 }],
      rejects: [],
      through: null,
    },
    null,
    { is: "failed", reason: "x" },
    NOW,
  ),
  tables: { ...run.tables, other: { "year=1999": run.tables.t!["year=2024"]! } },
  recent: [{ key: key("y", "2025-01-07"), etag: "1", size: 1 }],
  failed: [],
};
const published = outcome(run, base, { is: "report", report }, NOW);

describe("a commit", () => {
  test("published: replaces the run's partitions, keeps all others, settles objects and rejects, moves through", () => {
    expect(published.tables.t?.["year=2024"]).toMatchObject({ folder: "refined/t/run=2-j1/year=2024/", recipe: "r0" });
    expect(published.tables.other).toEqual(base.tables.other);
    expect(published).toMatchObject({
      commit: 2,
      status: "published",
      worked: 2,
      through: "2025-01-07",
      origins: { o: { events: 3 } },
      next: [],
    });
    expect(published.recent.map((o) => o.key)).toEqual([key("a"), key("j")]);
    for (const o of [...run.objects, ...run.rejects, ...base.recent]) expect(isSettled(published, o)).toBe(true);
  });

  test("not published: the map, through and the objects are as before; its rejects are settled all the same", () => {
    const failed = outcome(run, base, { is: "failed", reason: "boom" }, NOW);
    expect(failed).toMatchObject({
      status: "failed",
      reason: "boom",
      tables: base.tables,
      through: null,
      attempt: null,
    });
    expect(failed.next.map((o) => o.key)).toEqual([key("b", "2025-01-05")]);
    expect(isSettled(failed, run.objects[0]!)).toBe(false);
    expect(isSettled(failed, run.rejects[0]!)).toBe(true);
  });

  test("is computed from commit n-1 and no other: a stalled caller's commit 2 was based on 0", () => {
    expect(() => outcome(run, null, { is: "report", report }, NOW)).toThrow("run 2 stands on commit 1");
    expect(() => outcome(run, { ...base, commit: 3 }, { is: "report", report }, NOW)).toThrow("came commit 3");
  });

  test("forgets older versions of an object that were waiting", () => {
    const waiting = {
      key: key("a"),
      etag: "0",
      size: 1,
      counts: 1,
      counted: 1,
      commit: 1,
      at: "2025-01-10T00:00:00.000Z",
      reason: "",
    };
    expect(outcome(run, { ...base, failed: [waiting] }, { is: "report", report }, NOW).failed).toEqual([]);
  });

  test("goes through JSON unchanged, and one of another format is refused by name", () => {
    const key = commitKey("d", 2);
    expect(parseCommit(JSON.parse(JSON.stringify(published)), key)).toEqual(published);
    expect(parseRun(JSON.parse(JSON.stringify(run)), runKey("d", 2))).toEqual(run);
    expect(parseReport(JSON.parse(JSON.stringify(report)), "k")).toEqual(report);
    expect(() => parseCommit({ ...published, format: 2 }, key)).toThrow(
      `${key}: expected a document of format 1, format`,
    );
    expect(() => parseCommit({ ...published, through: "2025-02-31" }, key)).toThrow("through");
  });
});

describe("a report agrees", () => {
  const submission: Submission = { attempt: "j1", report, files: { "refined/t/run=2-j1/year=2024/f": 7 } };
  const says = (change: Partial<Report>, files = submission.files, attempt = "j1") =>
    disagreement(run, { attempt, report: { ...report, ...change }, files }, ["t", "m"], "year");
  const entry = report.tables.t!["year=2024"]!;

  test("when run, report and listing say the same", () => {
    expect(disagreement(run, submission, ["t", "m"], "year")).toBeNull();
  });
  test("not with another run, attempt or recipe", () => {
    expect(says({ run: 1 })).toContain("run 2");
    expect(says({}, submission.files, "j2")).toContain("attempt j2");
    expect(says({ recipe: "r9" })).toContain("recipe r1");
  });
  test("not with rows unaccounted for", () => {
    expect(says({ rows: { read: 4, new: 1, superseded: 1, duplicate: 1 } })).toContain("do not account for all");
  });
  test("not with a file missing, torn, or written and not named", () => {
    expect(says({}, {})).toContain("no file");
    expect(says({}, { "refined/t/run=2-j1/year=2024/f": 6 })).toContain("expected 7 bytes, found 6");
    expect(says({}, { ...submission.files, "refined/t/run=2-j1/year=2024/g": 1 })).toContain("not reported");
  });
  test("not with a partition of another unit, table or attempt", () => {
    expect(says({ tables: { t: { "year=2024": entry, "year=2023": entry } } })).toContain("of no unit");
    expect(says({ tables: { t: { "year=2024": entry }, q: {} } })).toContain("came q");
    expect(says({ tables: { t: { "year=2024": { ...entry, folder: "refined/t/run=1-x/year=2024/" } } } })).toContain(
      "not in the attempt's folder",
    );
  });
  test("not without a partition of the base: its rows would vanish", () => {
    expect(says({ tables: {} }, {})).toContain("year=2024 of the base is missing");
    expect(says({ tables: { t: { "year=2024": { ...entry, files: [] } } } }, {})).toContain("has no file");
  });
});

test("a person accepts a law, for a session and an origin or for any", () => {
  const finding = { law: "rows", session: "s", origin: "o" };
  expect(accepts([{ law: "rows", session: null, origin: "o" }], finding)).toBe(true);
  expect(accepts([{ law: "rows", session: "other", origin: null }], finding)).toBe(false);
  expect(accepts([{ law: "unique", session: null, origin: null }], finding)).toBe(false);
});

describe("names", () => {
  test("keys count down, so that the newest is listed first", () => {
    expect(runKey("d", 10) < runKey("d", 9)).toBe(true);
    for (const n of [1, 7, 1_000_000]) {
      expect(numberOf(commitKey("d", n))).toBe(n);
      expect(numberOf(reportKey("d", n, "jr_1"))).toBe(n);
    }
  });

  test("an ingest date is one that exists", () => {
    expect(ingestDate(key("a", "2025-02-28"))).toBe("2025-02-28");
    expect(ingestDate(key("a", "2025-02-29"))).toBeNull();
    expect(ingestDate("raw/d/a.parquet")).toBeNull();
    expect(lastClosed(Date.parse("2025-01-13T00:00:00Z"))).toBe("2025-01-10");
    expect(lastClosed(Date.parse("2025-01-12T23:59:59.999Z"))).toBe("2025-01-09");
  });

  test("an object is late when its date could have been closed as it landed, clocks differing by an hour", () => {
    const at = (time: string) =>
      nameObject({ key: key("a", "2025-01-10"), etag: "1", size: 1, modified: Date.parse(time) }).late;
    expect(at("2025-01-12T22:59:59Z")).toBeUndefined();
    expect(at("2025-01-12T23:00:00Z")).toBe(true);
    expect(nameObject({ key: "raw/d/a.parquet", etag: "1", size: 1, modified: 0 }).late).toBe(true);
  });
});
