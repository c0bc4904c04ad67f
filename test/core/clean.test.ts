import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KEPT_MS, ruleOf, type Traces, weekOld } from "../../packages/core/clean.ts";
import type { Commit } from "../../packages/core/commit.ts";
import type { Run, TableMap } from "../../packages/core/run.ts";

const DAY = 86_400_000;
const NOW = Date.parse("2025-06-01T07:00:00Z");

const map = (...folders: string[]): TableMap => ({
  t: Object.fromEntries(folders.map((folder, i) => [`u=${i}`, { folder, files: [], recipe: "r" }])),
});
const commit = (n: number, ...folders: string[]) => ({ commit: n, tables: map(...folders) }) as Commit;
const run = (n: number, ...folders: string[]) => ({ run: n, tables: map(...folders) }) as Run;
const none: Traces = { old: null, newest: null, run: null, catalog: {} };

/** The commit that a listing leads to; `days` ago, of commits 1, 2, …. */
const found = (...days: number[]) =>
  days.reduceRight((old, ago, index) => weekOld(old, { commit: index + 1, modified: NOW - ago * DAY }, NOW), 0);

describe("the commit that was the newest when the last 7 days began", () => {
  test.each([
    ["none at all", [], 0],
    ["none is so old", [6, 5, 1], 0],
    ["the newest, after 8 quiet days", [20, 9, 8], 3],
    ["the last one before them, not the first within them", [20, 9, 6, 1], 2],
    ["made 7 days ago to the millisecond", [9, 7, 1], 2],
    ["one of a clock that was behind, among younger ones: it is not older than they are", [20, 5, 400, 3], 1],
    ["one of a clock that was ahead, since when others have grown old", [20, -3, 10, 1], 3],
    ["one of a clock that was ahead, and none since: it may be of this morning", [20, 10, -400], 2],
    ["all of a clock that was ahead", [-1, -2, -3], 0],
    ["clocks a little apart", [20, 10, -0.01], 2],
    ["one of this hour, and after it one of a clock that was behind", [20, 0.01, 10], 1],
    [
      "one an hour ahead to the millisecond, of this hour still, and after it one of a clock that was behind",
      [20, -1 / 24, 10],
      1,
    ],
  ])("%s", (_, days, old) => {
    expect(found(...days)).toBe(old);
  });

  test("clocks that were right or ahead never make it too young, and right ones find it", () => {
    const history = fc.array(
      fc.record({ after: fc.integer({ min: 0, max: 10 }), ahead: fc.constantFrom(0, 0, 1, 6, 30, 400) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(history, fc.integer({ min: 0, max: 20 }), (commits, last) => {
        let left = last + commits.reduce((sum, c) => sum + c.after, 0);
        const ages = commits.map(({ after }) => {
          left -= after;
          return left;
        });
        const truly = ages.findLastIndex((age) => age >= 7) + 1;
        const old = found(...ages.map((age, i) => age - commits[i]!.ahead));
        expect(old).toBeLessThanOrEqual(truly);
        expect(found(...ages)).toBe(truly);
      }),
      { numRuns: 2000 },
    );
  });

  test("7 days are 7 days", () => {
    expect(KEPT_MS).toBe(7 * DAY);
  });
});

describe("what may go", () => {
  const at = (n: number, attempt = "a") => `refined/t/run=${n}-${attempt}/`;
  const traces: Traces = {
    ...none,
    old: commit(3, `${at(1)}u=0/`, `${at(3)}u=1/`),
    newest: commit(5, `${at(1)}u=0/`, `${at(5)}u=1/`),
    run: run(6, `${at(2)}u=1/`),
    catalog: { t: { "u=0": `${at(2)}u=0/` } },
  };
  const rule = ruleOf(traces);

  test("runs up to the old commit, their failed attempts too; none after it", () => {
    for (const n of [1, 2, 3]) expect(rule.attempt("t", at(n, "jr_0af3"))).toMatchObject({ goes: true });
    for (const n of [4, 5, 6, 7]) expect(rule.attempt("t", at(n))).toMatchObject({ goes: false });
    expect(rule.attempt("t", at(4)).why).toBe("run 4 is younger than commit 3");
    expect(rule.attempt("t", at(2)).why).toBe("run 2 had ended when commit 3 was the newest, 7 days ago");
  });

  test.each([
    ["named by the old commit", `${at(3)}u=1/f`, "commit 3 names it, the newest of 7 days ago"],
    ["named by the newest commit", `${at(1)}u=0/f`, "commit 5 names it, the newest"],
    ["read by the open run", `${at(2)}u=1/f`, "run 6 reads it"],
    ["shown by a catalog that is behind", `${at(2)}u=0/f`, "the catalog names it"],
    ["below what is named", `${at(1)}u=0/v=1/f`, "commit 5 names it, the newest"],
  ])("not what is %s", (_, key, why) => {
    expect(rule.file(key)).toEqual({ goes: false, why });
  });

  test("what nobody names goes, also beside what is named, and whatever its name begins with", () => {
    for (const key of [`${at(1)}u=1/f`, `${at(2)}u=2/f`, `${at(3)}f`, `${at(1)}u=00/f`, `${at(1, "b")}u=0/f`])
      expect(rule.file(key)).toEqual({ goes: true, why: "nobody names its folder" });
  });

  test("runs are told apart by their numbers, however long", () => {
    const { attempt } = ruleOf({ ...none, old: commit(1204) });
    expect(attempt("t", at(1204)).goes).toBe(true);
    expect(attempt("t", at(1205)).goes).toBe(false);
  });

  test("a run that is closed keeps nothing: what it read would never go", () => {
    expect(ruleOf({ ...traces, run: run(5, `${at(2)}u=1/`) }).file(`${at(2)}u=1/f`).goes).toBe(true);
  });

  test("before a commit is 7 days old, nothing", () => {
    for (const of of [none, { ...none, newest: commit(2, `${at(2)}u=0/`) }, { ...none, run: run(1) }])
      expect(ruleOf(of).attempt("t", at(1))).toEqual({ goes: false, why: "no commit is 7 days old" });
  });

  test("a catalog that shows a whole table keeps all of it", () => {
    expect(ruleOf({ ...traces, catalog: { t: { "": "refined/t/" } } }).file(`${at(2)}u=2/f`).goes).toBe(false);
  });

  test.each([
    "refined/t/",
    "refined/t/mine/",
    "refined/t/run=1/",
    "refined/t/run=1-/",
    "refined/t/run=-a/",
    "refined/t/run=0-a/",
    "refined/t/run=01-a/",
    "refined/t/run=1.5-a/",
    "refined/t/run=1e0-a/",
    "refined/t/run=1-a",
    "refined/t/run=1-a/u=0/",
    "refined/t/xrun=1-a/",
    "refined/t/run=12345678901-a/",
    "refined/other/run=1-a/",
    "refined/u/run=1-a/",
    "refined/run=1-a/",
    "raw/t/run=1-a/",
    "",
  ])("never what we did not make: %s", (folder) => {
    expect(rule.attempt("t", folder)).toEqual({ goes: false, why: "its name is not that of an attempt" });
  });
});
