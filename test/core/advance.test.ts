import { describe, expect, test } from "vitest";
import { decide, differs, RUN_BYTES, RUN_OBJECTS } from "../../packages/core/advance.ts";
import { type Commit, outcome } from "../../packages/core/commit.ts";
import type { Facts } from "../../packages/core/facts.ts";
import { owed, plan, watched } from "../../packages/core/plan.ts";
import { damage, type Report, type Submission } from "../../packages/core/report.ts";
import { attemptFolder, type ListedObject, nameObject, type RawObject, type Run } from "../../packages/core/run.ts";
import { catalogOf, facts, key, listed, NOW, object, ofRecipe, shape } from "./documents.ts";

const HOUR = 3_600_000;
const sound = (o: RawObject, ...units: string[]) => ({ object: o, is: "sound" as const, units });
const runOf = (names: string[], more: Partial<Run> = {}): Run => ({
  ...plan(
    facts({ raw: names.map((n) => listed(n)) }),
    names.map((n) => sound(object(n), "2024")),
    shape,
    null,
  )!,
  ...more,
});
const reportOf = (run: Run, attempt = "j1", more: Partial<Report> = {}): Report => ({
  dataset: "d",
  run: run.run,
  attempt,
  recipe: run.recipe,
  engine: "test",
  rows: { read: 1, new: 1, superseded: 0, duplicate: 0 },
  tables: Object.fromEntries(
    shape.tables.map((t) => [
      t,
      {
        "year=2024": {
          folder: `${attemptFolder(t, run.run, attempt)}year=2024/`,
          files: [{ name: "f", bytes: 5, rows: 1 }],
          recipe: run.recipe,
        },
      },
    ]),
  ),
  origins: {},
  audit: [],
  seconds: 1,
  ...more,
});
const submit = (report: Report): Submission => ({
  attempt: report.attempt,
  report,
  files: Object.fromEntries(
    Object.values(report.tables).flatMap((p) =>
      Object.values(p).flatMap((e) => e.files.map((f) => [e.folder + f.name, f.bytes])),
    ),
  ),
});
const published = (run: Run, base: Commit | null = null): Commit =>
  outcome(run, base, { is: "report", report: reportOf(run) }, NOW);
const held = { law: "rows", severity: "hold" as const, session: "2024-11-08", origin: "o", detail: "too few" };

describe("the decision table, line by line", () => {
  const first = runOf(["a"]);
  const commit = published(first);
  const quiet = { commit, run: first, catalog: catalogOf(commit) };
  const second: Run = { ...runOf(["b"]), run: 2, base: 1, tables: commit.tables };

  test("a catalog that differs is put right first, also while a run is open and its report is there", () => {
    const open = { ...quiet, catalog: {}, run: second, base: commit, submissions: [submit(reportOf(second))] };
    expect(decide(facts(open), shape)).toEqual({ do: "apply", commit });
  });

  test("an agreeing report is published, although its attempt has not ended", () => {
    const open = {
      run: first,
      attempts: [{ id: "j1", ended: false, reason: null }],
      submissions: [submit(reportOf(first))],
    };
    expect(decide(facts(open), shape)).toMatchObject({
      do: "commit",
      document: { commit: 1, status: "published", attempt: "j1" },
    });
  });

  test("a report with a broken law that nobody accepted is held", () => {
    const report = reportOf(first, "j1", { audit: [held] });
    expect(decide(facts({ run: first, submissions: [submit(report)] }), shape)).toMatchObject({
      document: { status: "held" },
    });
    const accepting = { ...first, accepted: [{ law: "rows", session: "2024-11-08", origin: null }] };
    expect(decide(facts({ run: accepting, submissions: [submit(report)] }), shape)).toMatchObject({
      document: { status: "published" },
    });
  });

  test("the report of the attempt that agrees counts, whatever the others left", () => {
    const bad = { ...submit(reportOf(first, "j0")), files: {} };
    const open = {
      run: first,
      attempts: [{ id: "j0", ended: true, reason: null }],
      submissions: [bad, submit(reportOf(first))],
    };
    expect(decide(facts(open), shape)).toMatchObject({ document: { status: "published", attempt: "j1" } });
  });

  test("SUCCEEDED without an agreeing report is a failure that says why", () => {
    const attempts = [{ id: "j1", ended: true, reason: null }];
    const torn = { ...submit(reportOf(first)), files: {} };
    expect(decide(facts({ run: first, attempts, submissions: [torn] }), shape)).toMatchObject({
      document: { status: "failed", reason: expect.stringContaining("expected 5 bytes, found no file") },
    });
    expect(decide(facts({ run: first, attempts }), shape)).toMatchObject({
      document: { status: "failed", reason: "j1: it ended without a report" },
    });
  });

  test("no attempt: the job is started; one that runs: rest, though another one ended", () => {
    expect(decide(facts({ run: first }), shape)).toEqual({ do: "start", run: first });
    const attempts = [
      { id: "j1", ended: true, reason: "FAILED" },
      { id: "j2", ended: false, reason: null },
    ];
    expect(decide(facts({ run: first, attempts }), shape)).toEqual({ do: "rest", why: "the job is running" });
  });

  test("a run of rejects only needs no job", () => {
    const run: Run = { ...first, objects: [], rejects: [{ ...object("a"), reason: "not_parquet", message: "" }] };
    expect(decide(facts({ run }), shape)).toMatchObject({
      do: "commit",
      document: { status: "published", attempt: null, rejected: run.rejects },
    });
  });

  test("what is pending opens a run only when none is open", () => {
    const raw = [listed("a"), listed("b")];
    expect(decide(facts({ ...quiet, raw }), shape)).toEqual({ do: "open", objects: [object("b")], rebuild: null });
    expect(
      decide(
        facts({
          ...quiet,
          run: second,
          base: commit,
          raw: [...raw, listed("c")],
          attempts: [{ id: "j", ended: false, reason: null }],
        }),
        shape,
      ),
    ).toMatchObject({ do: "rest" });
    expect(decide(facts({ ...quiet, raw: [listed("a")] }), shape)).toEqual({ do: "rest", why: "nothing is pending" });
  });

  test("a rewritten object is another object", () => {
    const again = { ...listed("a"), etag: "e2" };
    expect(decide(facts({ ...quiet, raw: [again] }), shape)).toMatchObject({
      do: "open",
      objects: [{ key: again.key, etag: "e2" }],
    });
  });

  test("a run that stands on another commit than the one read by number is a bug, not a commit", () => {
    expect(() =>
      decide(facts({ ...quiet, run: second, base: null, submissions: [submit(reportOf(second))] }), shape),
    ).toThrow("stands on commit 1");
  });
});

describe("a pause", () => {
  const first = runOf(["a"]);
  const commit = published(first);
  const paused = { at: "2025-01-10T11:00:00Z", why: "we look at the disk" };
  const why = `paused since ${paused.at}: ${paused.why}`;

  test("opens no run, neither for what is pending nor for what is held, and says why", () => {
    const held = { ...object("a"), units: ["2024"], findings: [], commit: 1, back: true };
    for (const more of [
      { raw: [listed("a")] },
      {},
      { raw: [listed("a")], commit: { ...commit, recent: [], held: [held] } },
    ])
      expect(decide(facts({ paused, ...more }), { ...shape, tables: [] }, { retryHeld: 9 })).toEqual({
        do: "rest",
        why,
      });
    expect(decide(facts({ paused }), { ...shape, raw: false })).toEqual({ do: "rest", why });
  });

  test("opens the rebuild that a person asks for, whatever is pending: on a feed that never rests it is how one makes room", () => {
    const quiet = { paused, commit, run: first, catalog: catalogOf(commit), raw: [listed("b")] };
    const wish = { rebuild: ["2024"] };
    expect(decide(facts(quiet), shape, wish)).toEqual({ do: "open", objects: [], rebuild: ["2024"] });
    expect(decide(facts({ ...quiet, paused: null }), shape, wish)).toMatchObject({ objects: [object("b")] });
  });

  test("lets the open run go on to its commit, and the commit to the catalog", () => {
    expect(decide(facts({ paused, run: first }), shape)).toEqual({ do: "start", run: first });
    const ended = { paused, run: first, attempts: [{ id: "j1", ended: true, reason: null }] };
    expect(decide(facts(ended), shape)).toMatchObject({ do: "commit", document: { status: "failed" } });
    expect(decide(facts({ paused, run: first, submissions: [submit(reportOf(first))] }), shape)).toMatchObject({
      do: "commit",
      document: { status: "published" },
    });
    expect(decide(facts({ paused, run: first, commit }), shape)).toEqual({ do: "apply", commit });
  });
});

describe("what was not published", () => {
  const four = runOf(["a", "b", "c", "d"]);
  const raw = ["a", "b", "c", "d", "e"].map((n) => listed(n));
  const failedOn = (run: Run, base: Commit | null, now = NOW) =>
    outcome(run, base, { is: "failed", reason: "boom" }, now);
  const chosen = (commit: Commit, more: Partial<Facts> = {}) => {
    const action = decide(facts({ commit, raw, ...more }), { ...shape, tables: [], partitioned: {} });
    return action.do === "open" ? action.objects.map((o) => o.etag) : action.do;
  };

  test("is halved until it is published, or alone", () => {
    const whole = failedOn(four, null);
    expect(chosen(whole)).toEqual(["ea", "eb"]);
    const half = failedOn({ ...runOf(["a", "b"]), run: 2, base: 1 }, whole);
    expect(chosen(half)).toEqual(["ea"]);
  });

  test("a half that is listed no more cannot be read: the others are taken", () => {
    expect(chosen(failedOn(four, null), { raw: [listed("c"), listed("e")] })).toEqual(["ec", "ee"]);
  });

  test("alone and failed waits until another run was published, or an hour", () => {
    const alone = failedOn(runOf(["a"]), null);
    expect(alone.failed).toMatchObject([{ counts: 1, counted: 1, commit: 1 }]);
    expect(chosen(alone, { raw: [listed("a")] })).toBe("rest");
    expect(chosen(alone, { raw: [listed("a")], now: NOW + HOUR - 1 })).toBe("rest");
    expect(chosen(alone, { raw: [listed("a")], now: NOW + HOUR })).toEqual(["ea"]);
    const other = published({ ...runOf(["b"]), run: 2, base: 1 }, alone);
    expect(chosen(other, { raw: [listed("a"), listed("b")] })).toEqual(["ea"]);
  });

  test("what failed under a clock that was fast does not wait for that hour to come", () => {
    const alone = failedOn(runOf(["a"]), null, NOW + 400 * 24 * HOUR);
    expect(chosen(alone, { raw: [listed("a")] })).toEqual(["ea"]);
  });

  test("a failure counts only after another run was published; the third that counts rejects", () => {
    let commit = failedOn(runOf(["a"]), null);
    for (let n = 2; n <= 5; n++) commit = failedOn({ ...runOf(["a"]), run: n, base: n - 1 }, commit, NOW + n * HOUR);
    expect(commit.failed).toMatchObject([{ counts: 1, counted: 1, commit: 5 }]);
    for (const n of [6, 8]) {
      commit = published({ ...runOf([`x${n}`]), run: n, base: n - 1 }, commit);
      commit = failedOn({ ...runOf(["a"]), run: n + 1, base: n }, commit);
    }
    expect(commit).toMatchObject({ status: "failed", failed: [], rejected: [{ etag: "ea", reason: "failed" }] });
    expect(chosen(commit, { raw: [listed("a")] })).toBe("rest");
  });

  test("a run of rejects only is no proof that the job works", () => {
    const alone = failedOn(runOf(["a"]), null);
    const rejects: Run = {
      ...runOf(["b"]),
      run: 2,
      base: 1,
      objects: [],
      rejects: [{ ...object("b"), reason: "columns", message: "" }],
    };
    const after = outcome(rejects, alone, { is: "nothing" }, NOW);
    expect(chosen(after, { raw: [listed("a"), listed("b")] })).toBe("rest");
  });

  const holding = outcome(
    runOf(["a"]),
    null,
    { is: "report", report: reportOf(runOf(["a"]), "j1", { audit: [held] }) },
    NOW,
  );

  test("alone and held is out of the way; it comes back after its unit was touched, when nothing else is pending", () => {
    expect(chosen(holding, { raw: [listed("a")] })).toBe("rest");
    expect(chosen(holding, { raw: [listed("a"), listed("b")] })).toEqual(["eb"]);
    const elsewhere = published({ ...runOf(["b"]), run: 2, base: 1, units: ["2023"] }, holding);
    expect(chosen(elsewhere, { raw: [listed("a"), listed("b")] })).toBe("rest");
    const same = published({ ...runOf(["b"]), run: 2, base: 1 }, holding);
    expect(chosen(same, { raw: [listed("a"), listed("b"), listed("c")] })).toEqual(["ec"]);
    expect(chosen(same, { raw: [listed("a"), listed("b")] })).toEqual(["ea"]);
  });

  test("it comes back when a person accepts every law that held it, and not for another one", () => {
    const accepted = [{ law: "rows", session: null, origin: null }];
    expect(chosen(holding, { raw: [listed("a")], accepted })).toEqual(["ea"]);
    expect(chosen(holding, { raw: [listed("a")], accepted: [{ ...accepted[0]!, session: "2024-11-09" }] })).toBe(
      "rest",
    );
    const wished = decide(
      facts({ commit: holding, raw: [listed("a")] }),
      { ...shape, tables: [], partitioned: {} },
      { retryHeld: 1 },
    );
    expect(wished).toMatchObject({ do: "open" });
  });

  test("asked for again, each of what is held is tried until it was published, or held alone: the good ones got stuck behind a bad one", () => {
    const names = ["a", "b", "c", "d"];
    let commit: Commit = {
      ...holding,
      held: names.map((n) => ({ ...object(n), units: ["2024"], findings: [], commit: 1, back: false })),
    };
    const tried: string[] = [];
    for (let n = 2; n < 20; n++) {
      const action = decide(
        facts({ commit, raw: names.map((o) => listed(o)) }),
        { ...shape, tables: [] },
        { retryHeld: 1 },
      );
      if (action.do !== "open") break;
      const taken = action.objects.map((o) => o.etag.slice(1));
      const run = { ...runOf(taken), run: n, base: n - 1 };
      const audit = taken.includes("a") ? [held] : [];
      commit = outcome(run, commit, { is: "report", report: reportOf(run, "j1", { audit }) }, NOW);
      tried.push(`${taken.join("")} ${commit.status}`);
    }
    // The last one because its unit was touched.
    expect(tried).toEqual(["abcd held", "ab held", "a held", "bcd published", "a held"]);
    expect(commit.held).toMatchObject([{ etag: "ea", commit: 6, back: false }]);
  });

  test("what cannot be read of its base is no object's failure, as often as it comes", () => {
    const file = { name: "f", bytes: 1, rows: 1 };
    const tables = { t: { "year=2024": { folder: "refined/t/run=1-j/year=2024/", files: [file], recipe: "r" } } };
    const run = { ...runOf(["a"]), tables };
    const told = (reason: string, of: Run = run) =>
      outcome(of, null, { is: "failed", reason }, NOW).failed.map((f) => f.counts);
    const damaged = damage("refined/t/run=1-j/year=2024/f", "expected 1 byte");
    expect(told(`jr_1: FAILED PregaoError: ${damaged}`)).toEqual([0]);
    expect(told("jr_1: FAILED boom")).toEqual([1]);
    // Only a file of the run's own base is believed, and a row may say what it likes.
    expect(told(damage("refined/t/run=1-j/year=2023/f", "expected 1 byte"))).toEqual([1]);
    expect(told("could not convert '[base] f: ' to INT")).toEqual([1]);
    expect(told(damaged, { ...run, tables: {} })).toEqual([1]);
  });
});

describe("planning", () => {
  const commit = published(runOf(["a"]));

  test("a run names the units that footers say, and their partitions in every table", () => {
    const run = plan(facts({ commit, raw: [listed("b")] }), [sound(object("b"), "2024", "2023")], shape, null);
    expect(run).toMatchObject({ run: 2, base: 1, units: ["2023", "2024"], tables: commit.tables });
    expect(plan(facts({ commit, raw: [listed("b")] }), [sound(object("b"), "2023")], shape, null)?.tables).toEqual({
      t: {},
      m: {},
    });
  });

  test("an object that changed meanwhile is left for the next reading; with nothing left there is no run", () => {
    const gone = { object: object("b"), is: "gone" as const };
    expect(plan(facts({ commit, raw: [listed("b")] }), [gone], shape, null)).toBeNull();
    expect(
      plan(facts({ commit, raw: [listed("b"), listed("c")] }), [gone, sound(object("c"), "2024")], shape, null)
        ?.objects,
    ).toEqual([object("c")]);
  });

  test("a date closes 48 hours after its end, never with an object that is neither settled nor in the run", () => {
    const at = (time: string, taken: string[]) =>
      plan(
        facts({ now: Date.parse(time), raw: [listed("b", "2025-01-09"), listed("c", "2025-01-10")] }),
        taken.map((n) => sound(object(n, n === "b" ? "2025-01-09" : "2025-01-10"), "2024")),
        shape,
        null,
      )?.through;
    expect(at("2025-01-12T23:59:59Z", ["b", "c"])).toBe("2025-01-09");
    expect(at("2025-01-13T00:00:00Z", ["b", "c"])).toBe("2025-01-10");
    expect(at("2025-01-13T00:00:00Z", ["b"])).toBe("2025-01-09");
    expect(at("2025-02-01T00:00:00Z", ["c"])).toBe("2025-01-08");
  });

  test("through never goes back", () => {
    const later = { ...commit, through: "2025-01-20" };
    expect(plan(facts({ commit: later, raw: [] }), [sound(object("z"), "2024")], shape, null)?.through).toBe(
      "2025-01-20",
    );
  });

  test("what lands under a closed date is taken by name, and stays remembered by name", () => {
    const closed = { ...commit, through: "2025-01-10", recent: [] };
    const onTime = listed("b", "2025-01-09");
    const late = listed("l", "2025-01-09", Date.parse("2025-01-12T00:00:00Z"));
    expect(decide(facts({ commit: closed, catalog: catalogOf(commit), raw: [onTime, late] }), shape)).toMatchObject({
      objects: [{ etag: "el", late: true }],
    });
    const run = plan(facts({ commit: closed, raw: [late] }), [sound(nameObject(late), "2024")], shape, null)!;
    const after = published(run, closed);
    expect(after.recent).toEqual([nameObject(late)]);
    expect(decide(facts({ commit: after, catalog: catalogOf(after), raw: [onTime, late] }), shape)).toMatchObject({
      do: "rest",
    });
  });

  test("a bell for a late object rings until somebody has taken note of it", () => {
    const closed = { ...commit, through: "2025-01-10" };
    const late = listed("l", "2025-01-09", Date.parse("2025-01-12T00:00:00Z"));
    const seen = facts({ commit: closed, raw: [late], run: { ...runOf(["c"]), run: 2, base: 1 } });
    expect(owed(seen, [late.key])).toEqual([late.key]);
    expect(owed({ ...seen, run: { ...runOf(["c"]), run: 2, objects: [nameObject(late)] } }, [late.key])).toEqual([]);
    expect(owed(facts({ commit: closed, raw: [listed("b", "2025-01-09")] }), [key("b", "2025-01-09")])).toEqual([]);
    const failed = outcome(
      { ...runOf(["c"]), run: 2, base: 1, objects: [object("c"), nameObject(late)] },
      closed,
      { is: "failed", reason: "" },
      NOW,
    );
    expect(watched(failed)).toContain(late.key);
  });

  test("a clock that was wrong closed a date too early: what a bell names under it is taken, once, however often it rings", () => {
    const closed = { ...commit, through: "2025-01-20", recent: [] };
    const quiet = { commit: closed, catalog: catalogOf(commit) };
    const unread = listed("b", "2025-01-10");
    expect(decide(facts({ ...quiet, raw: [unread] }), shape)).toMatchObject({ do: "rest" });
    const named = { ...unread, named: true as const };
    expect(decide(facts({ ...quiet, raw: [named] }), shape)).toMatchObject({ objects: [{ etag: "eb", late: true }] });
    expect(owed(facts({ ...quiet, raw: [named], run: runOf(["c"]) }), [named.key])).toEqual([named.key]);
    const run = plan(facts({ ...quiet, raw: [named] }), [sound({ ...object("b"), late: true }, "2024")], shape, null)!;
    const after = published(run, closed);
    expect(after.recent).toEqual([{ ...object("b"), late: true }]);
    const again = facts({ commit: after, catalog: catalogOf(after), raw: [named] });
    expect(decide(again, shape)).toMatchObject({ do: "rest" });
    expect(owed(again, [named.key])).toEqual([]);
  });

  test("a bell rings again while the open run is about to close its object's date without it", () => {
    const open = { ...runOf(["a"]), through: "2025-01-12" };
    const seen = facts({ run: open, raw: [listed("a"), listed("b")] });
    expect(owed(seen, [key("a"), key("b")])).toEqual([key("b")]);
    expect(owed({ ...seen, run: { ...open, through: "2025-01-09" } }, [key("b")])).toEqual([]);
  });

  test("through stays where it is when the base was made after the listing", () => {
    const later = { now: NOW + 30 * 24 * HOUR, commit, raw: [listed("b")] };
    const through = (listed: number) =>
      plan(facts({ ...later, listed }), [sound(object("b"), "2024")], shape, null)?.through;
    expect(through(0)).toBe(commit.through);
    expect(through(1)).toBe("2025-02-06");
  });

  test("a run is bounded in objects and bytes, and never empty", () => {
    const many = Array.from({ length: RUN_OBJECTS + 5 }, (_, n) => listed(String(n).padStart(5, "0")));
    const size = (raw: ListedObject[]) => {
      const action = decide(facts({ raw }), shape);
      return action.do === "open" ? action.objects.length : 0;
    };
    expect(size(many)).toBe(RUN_OBJECTS);
    const huge = many.slice(0, 3).map((o) => ({ ...o, size: RUN_BYTES }));
    expect(size(huge)).toBe(1);
  });

  test("a run names what is withdrawn, in order, and no more than a document holds", () => {
    const run = plan(facts({ raw: [listed("a")], withdrawn: ["b", "a"] }), [sound(object("a"), "2024")], shape, null);
    expect(run?.withdrawn).toEqual(["a", "b"]);
    const many = Array.from({ length: 100_001 }, (_, n) => String(n));
    expect(() =>
      plan(facts({ raw: [listed("a")], withdrawn: many }), [sound(object("a"), "2024")], shape, null),
    ).toThrow("expected at most 100000 withdrawn events of d, came more");
  });
});

describe("a dataset of its recipe alone", () => {
  const run = plan(facts({}), [], ofRecipe, [""])!;
  const made = (now = NOW) => ({
    ...outcome(run, null, { is: "report", report: { ...reportOf(run), tables: {} } }, now),
  });

  test("is made when there is none, and when the recipe is another", () => {
    expect(decide(facts({}), ofRecipe)).toEqual({ do: "open", objects: [], rebuild: [""] });
    expect(run).toMatchObject({ units: [""], through: null, rebuild: true });
    expect(decide(facts({ commit: made(), run }), ofRecipe)).toMatchObject({ do: "rest" });
    expect(decide(facts({ commit: made(), run }), { ...ofRecipe, recipe: "r2" })).toMatchObject({ do: "open" });
  });

  test("after a failure it waits an hour: it was run after run", () => {
    const commit = outcome(run, null, { is: "failed", reason: "x" }, NOW);
    expect(decide(facts({ commit, run }), ofRecipe)).toMatchObject({ do: "rest" });
    expect(decide(facts({ commit, run, now: NOW + HOUR }), ofRecipe)).toMatchObject({ do: "open" });
  });
});

describe("the catalog at a commit", () => {
  const map = published(runOf(["a"])).tables;
  const equal = catalogOf(published(runOf(["a"])));

  test("is every partition and location, none missing, none more", () => {
    expect(differs(equal, map, shape)).toBe(false);
    expect(differs({ ...equal, m: {} }, map, shape)).toBe(true);
    expect(differs({ ...equal, m: { "year=2024": "refined/m/run=0/" } }, map, shape)).toBe(true);
    expect(differs({ ...equal, t: { ...equal.t, "year=1999": "x/" } }, map, shape)).toBe(true);
  });

  test("is the location of a table without partitions, once a commit gave it one", () => {
    const own = { tables: ["c"], partitioned: { c: false } };
    expect(differs({ c: { "": "refined/c/" } }, {}, own)).toBe(false);
    const entry = { folder: "refined/c/run=1-a/", files: [], recipe: "r" };
    expect(differs({ c: { "": "refined/c/" } }, { c: { "": entry } }, own)).toBe(true);
    expect(differs({ c: { "": entry.folder } }, { c: { "": entry } }, own)).toBe(false);
  });
});
