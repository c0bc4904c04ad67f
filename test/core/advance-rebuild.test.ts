import { describe, expect, test } from "vitest";
import { advance, decide, type Eyes, type Hands } from "../../packages/core/advance.ts";
import { type Commit, outcome } from "../../packages/core/commit.ts";
import { type Facts, nothing, type Shape } from "../../packages/core/facts.ts";
import { plan } from "../../packages/core/plan.ts";
import {
  behind,
  goneFrom,
  type Past,
  pastOf,
  planRebuild,
  type Recalled,
  unitsOf,
} from "../../packages/core/rebuild.ts";
import type { Report } from "../../packages/core/report.ts";
import { attemptFolder, nameOf, type RawObject, RUN_NAMES, type Run } from "../../packages/core/run.ts";
import { catalogOf } from "./documents.ts";

const NOW = Date.parse("2025-01-10T12:00:00Z");
const shape: Shape = {
  dataset: "d",
  tables: ["t", "m"],
  partitioned: { t: true, m: true },
  unit: "year",
  recipe: "r2",
  raw: true,
};
const key = (name: string, date = "2025-01-10") => `raw/d/ingest_date=${date}/${name}.parquet`;
const object = (name: string, etag = "1"): RawObject => ({ key: key(name), etag, size: 10 });
const facts = (more: Partial<Facts>): Facts => ({ ...nothing, now: NOW, ...more });
const reportOf = (run: Run, audit: Report["audit"] = []): Report => ({
  dataset: "d",
  run: run.run,
  attempt: "j",
  recipe: run.recipe,
  engine: "test",
  rows: { read: 1, new: 1, superseded: 0, duplicate: 0 },
  tables: Object.fromEntries(
    shape.tables.map((t) => [
      t,
      Object.fromEntries(
        run.units.map((u) => [
          `year=${u}`,
          {
            folder: `${attemptFolder(t, run.run, "j")}year=${u}/`,
            files: [{ name: "f", bytes: 5, rows: 1 }],
            recipe: run.recipe,
          },
        ]),
      ),
    ]),
  ),
  origins: { o: { events: 1 } },
  audit,
  seconds: 1,
});
const held = { law: "rows", severity: "hold" as const, session: null, origin: null, detail: "too few" };

/** What happened, run after run: its units, its objects, and how it ended. */
type Event = { objects: RawObject[]; units?: string[]; ends?: "published" | "failed" | "held"; rejects?: RawObject[] };
const history = (events: readonly Event[]): { commit: Commit | null; past: Past[]; runs: Run[] } => {
  let commit: Commit | null = null;
  const past: Past[] = [];
  const runs: Run[] = [];
  for (const { objects, units = ["2024"], ends = "published", rejects = [] } of events) {
    const planned = plan(
      facts({ commit }),
      [
        ...objects.map((o) => ({ object: o, is: "sound" as const, units })),
        ...rejects.map((o) => ({ object: o, is: "rejected" as const, reason: "not_parquet", message: "" })),
      ],
      { ...shape, recipe: "r1" },
      null,
    )!;
    const report = reportOf(planned, ends === "held" ? [held] : []);
    const made: Commit = outcome(
      planned,
      commit,
      ends === "failed" ? { is: "failed", reason: "boom" } : { is: "report", report },
      NOW,
    );
    past.push(pastOf(planned, made));
    runs.push(planned);
    commit = made;
  }
  return { commit, past, runs };
};
const recalled = (past: readonly Past[], there: readonly RawObject[], lost: readonly RawObject[] = []): Recalled => ({
  past,
  lost: new Set(lost.map(nameOf)),
  there: new Map(there.map((o) => [o.key, o.etag])),
});
const planned = (events: readonly Event[], there: readonly RawObject[], unit = "2024", more: Partial<Facts> = {}) => {
  const { commit, past } = history(events);
  return planRebuild(facts({ commit, ...more }), recalled(past, there), shape, unit);
};
const taken = (...args: Parameters<typeof planned>) => {
  const made = planned(...args);
  return made.is === "run" ? made.run.objects : made.why;
};

describe("a rebuild names", () => {
  test("every object that was refined into its unit, by any run, however long ago, and no other", () => {
    const events = [
      { objects: [object("c"), object("a")] },
      { objects: [object("b")], units: ["2023"] },
      { objects: [object("d")], units: ["2023", "2024"] },
    ];
    const there = ["a", "b", "c", "d", "landing"].map((n) => object(n));
    expect(taken(events, there)).toEqual([object("a"), object("c"), object("d")]);
    expect(taken(events, there, "2023")).toEqual([object("b"), object("d")]);
  });

  test("nothing that was rejected, held, failed or is in no run", () => {
    const events: Event[] = [
      { objects: [object("a")], rejects: [object("junk")] },
      { objects: [object("held")], ends: "held" },
      { objects: [object("failed")], ends: "failed" },
    ];
    expect(
      taken(
        events,
        ["a", "junk", "held", "failed", "new"].map((n) => object(n)),
      ),
    ).toEqual([object("a")]);
  });

  test("an object that failed three times and was rejected neither: it was read again and again", () => {
    const events: Event[] = [{ objects: [object("a")] }];
    for (const n of [1, 2, 3]) events.push({ objects: [object("p")], ends: "failed" }, { objects: [object(`x${n}`)] });
    expect(history(events).past.flatMap((p) => p.rejected)).toMatchObject([{ key: key("p"), reason: "failed" }]);
    const there = ["a", "p", "x1", "x2", "x3"].map((n) => object(n));
    expect(taken(events, there)).toEqual(["a", "x1", "x2", "x3"].map((n) => object(n)));
  });

  test("each object once, in the version that was refined last, as no late one", () => {
    const events = [
      { objects: [{ ...object("a"), late: true as const }] },
      { objects: [{ ...object("a", "2"), late: true as const }] },
    ];
    expect(taken(events, [object("a", "2")])).toEqual([object("a", "2")]);
  });

  test("not what only a rebuild before it named", () => {
    const { past, runs, commit } = history([{ objects: [object("a")] }]);
    const again = pastOf({ ...runs[0]!, rebuild: true, objects: [object("a"), object("b")] }, commit!);
    const made = planRebuild(facts({ commit }), recalled([...past, again], [object("a"), object("b")]), shape, "2024");
    expect(made).toMatchObject({ is: "run", run: { objects: [object("a")] } });
  });

  test("its unit's partitions, today's recipe, what is accepted and withdrawn; it moves no date", () => {
    const accepted = [{ law: "rows", session: null, origin: null }];
    const made = planned([{ objects: [object("a")], units: ["2023", "2024"] }], [object("a")], "2024", {
      now: NOW + 30 * 86_400_000,
      accepted,
      withdrawn: ["b", "a"],
    });
    expect(made).toMatchObject({
      is: "run",
      run: {
        run: 2,
        base: 1,
        units: ["2024"],
        recipe: "r2",
        rebuild: true,
        accepted,
        rejects: [],
        withdrawn: ["a", "b"],
        through: history([{ objects: [object("a")] }]).commit!.through,
      },
    });
    expect(made.is === "run" && Object.keys(made.run.tables.t!)).toEqual(["year=2024"]);
  });
});

describe("a rebuild that cannot read what was refined loses nothing:", () => {
  const events: Event[] = [{ objects: [object("a"), object("b")] }];

  test("it waits for a newer version that is not refined yet, or failed and is tried again", () => {
    expect(taken(events, [object("a", "2"), object("b")])).toBe(
      `the rebuild of d 2024 waits: expected ${key("a")} under the ETag 1 that was refined, came 2, which is not refined yet`,
    );
    expect(
      taken([...events, { objects: [object("a", "2")], ends: "failed" }], [object("a", "2"), object("b")]),
    ).toContain("failed and is tried again");
  });

  test.each([
    [
      "is gone",
      [],
      [object("b")],
      "came no object. Its rows may be in the tables only. Restore it, send them again from the archive (pregao verify d --repair)",
    ],
    [
      "has a newer version that is held",
      [{ objects: [object("a", "2")], ends: "held" as const }],
      [object("a", "2"), object("b")],
      "came 2, which is held",
    ],
    [
      "has a newer version that was rejected",
      [{ objects: [], rejects: [object("a", "2")] }],
      [object("a", "2"), object("b")],
      "came 2, which was rejected",
    ],
    [
      "was put back to an older version",
      [{ objects: [object("a", "2")] }],
      [object("a"), object("b")],
      "came 1, which is an older version",
    ],
  ])("it says so when an object %s", (_, more, there, message) => {
    expect(() => planned([...events, ...more], there)).toThrow(message);
  });

  describe("what is gone and known to be lost", () => {
    const { commit, past } = history([
      ...events,
      { objects: [object("again")] },
      { objects: [object("c")], units: ["2023"] },
    ]);
    const there = [object("b"), object("again"), object("c")];
    const made = (lost: RawObject[], found = there, unit = "2024") => {
      const built = planRebuild(facts({ commit }), recalled(past, found, lost), shape, unit);
      return built.is === "run" ? built.run.objects : built.why;
    };

    test("is left out, and nothing else is", () => {
      expect(made([object("a")])).toEqual([object("again"), object("b")]);
      expect(() => made([object("b")])).toThrow(`expected ${key("a")}`);
      expect(() => made([object("a", "0")])).toThrow(`expected ${key("a")}`);
      expect(() => made([object("a")], [object("again"), object("c")])).toThrow(`expected ${key("b")}`);
    });

    test("is read again once it is restored, and a newer version of it is not left out", () => {
      expect(made([object("a")], [...there, object("a")])).toEqual([object("a"), object("again"), object("b")]);
      expect(made([object("a")], [...there, object("a", "2")])).toContain("came 2, which is not refined yet");
    });

    test("leaves no unit without any object", () => {
      expect(() => made([object("c")], [object("a"), object("b")], "2023")).toThrow("came none");
    });

    test("is told from what is there, was written again, or is gone and not known", () => {
      expect(goneFrom(recalled(past, there))).toEqual([object("a")]);
      expect(goneFrom(recalled(past, there, [object("a")]))).toEqual([]);
      expect(goneFrom(recalled(past, [object("a", "2"), object("b")], [object("again")]))).toEqual([object("c")]);
    });
  });

  test("it says how many more", () => {
    expect(() => planned(events, [])).toThrow("; and 1 more objects");
  });
});

describe("a rebuild is refused", () => {
  test("of a unit into which nothing was refined, with the units there are", () => {
    expect(() => planned([{ objects: [object("a")], units: ["2023"] }], [object("a")])).toThrow(
      "the rebuild of d 2024: expected raw objects that were refined into it, came none. Units of d: 2023",
    );
    expect(() => planned([], [])).toThrow("Units of d: none yet");
  });

  test("of more objects than a run can name", () => {
    const { commit } = history([{ objects: [object("a")] }]);
    const refined = Array.from({ length: RUN_NAMES + 1 }, (_, n) => object(String(n)));
    const past = [{ units: ["2024"], refined, rejected: [] }];
    expect(() => planRebuild(facts({ commit }), recalled(past, refined), shape, "2024")).toThrow(
      "expected at most 100000 raw objects, came 100001",
    );
  });
});

describe("the commit of a rebuild", () => {
  const late = { ...object("l"), late: true as const };
  const before = history([
    { objects: [object("a"), object("b")], units: ["2023", "2024"] },
    { objects: [object("h")], ends: "held" },
    { objects: [object("f")], ends: "failed" },
    { objects: [object("n1"), object("n2"), late], ends: "failed" },
  ]);
  const base = before.commit!;
  const there = [object("a"), object("b")];
  const made = planRebuild(facts({ commit: base }), recalled(before.past, there), shape, "2024");
  const run = made.is === "run" ? made.run : null!;
  const waiting = ({ recent, through, next, late, failed }: Commit) => ({ recent, through, next, late, failed });

  test("published: replaces its unit, by today's recipe, and settles nothing; the others and what waits stay", () => {
    const commit = outcome(run, base, { is: "report", report: reportOf(run) }, NOW);
    expect(commit).toMatchObject({ status: "published", rebuild: true, worked: 5, rejected: [] });
    expect(waiting(commit)).toEqual(waiting(base));
    expect(base.next).toHaveLength(1);
    expect(commit.tables.t?.["year=2024"]).toMatchObject({ recipe: "r2", folder: "refined/t/run=5-j/year=2024/" });
    expect(commit.tables.t?.["year=2023"]).toEqual(base.tables.t?.["year=2023"]);
    expect(commit.held).toEqual(base.held.map((h) => ({ ...h, back: true })));
    expect(behind(base, "r2")).toHaveLength(4);
    expect(behind(commit, "r2")).toEqual([
      { table: "t", partition: "year=2023" },
      { table: "m", partition: "year=2023" },
    ]);
    expect(unitsOf(commit, "year")).toEqual(["2023", "2024"]);
  });

  test.each([
    ["failed", { is: "failed" as const, reason: "boom" }, "boom"],
    ["held", { is: "report" as const, report: reportOf(run, [held]) }, "rows: too few"],
  ])("%s: all is as it was, nothing is halved, held or counted, and it says why", (status, ending, reason) => {
    for (const objects of [run.objects, run.objects.slice(0, 1)]) {
      const commit = outcome({ ...run, objects }, base, ending, NOW);
      expect(commit).toMatchObject({ status, reason, rebuild: true, rejected: [], held: base.held });
      expect(waiting(commit)).toEqual(waiting(base));
      expect(commit.tables).toEqual(base.tables);
    }
  });
});

describe("advance with a wish", () => {
  /** A world of documents: what is opened is published at once. */
  const world = (events: readonly Event[]) => {
    const { commit, past, runs } = history(events);
    const at = { commit, past, runs, there: runs.flatMap((r) => r.objects), opened: [] as Run[], seen: [] as string[] };
    const more: Partial<Facts> = {};
    const eyes = {
      ...(Object.fromEntries(
        ["clock", "raw", "catalog", "run", "attempts", "submissions", "commit"].map((r) => [r, () => ({})]),
      ) as unknown as Eyes),
      orders: () => ({
        ...facts({
          commit: at.commit,
          run: at.runs.at(-1) ?? null,
          catalog: at.commit ? catalogOf(at.commit) : {},
        }),
        ...more,
      }),
    };
    const hands = {
      recall: (upTo: Commit | null) => {
        at.seen.push(`recall ${upTo?.commit}`);
        return recalled(at.past, at.there);
      },
      inspect: (objects: RawObject[]) => objects.map((o) => ({ object: o, is: "sound" as const, units: ["2024"] })),
      open: (run: Run) => {
        at.opened.push(run);
        at.there.push(...run.objects);
        at.runs.push(run);
        at.commit = outcome(run, at.commit, { is: "report", report: reportOf(run) }, NOW);
        at.past.push(pastOf(run, at.commit));
        more.raw = [];
        return "created" as const;
      },
      apply: () => {},
    } satisfies Partial<Hands>;
    return { at, more, eyes, hands: hands as unknown as Hands };
  };
  const call = async (made: ReturnType<typeof world>, rebuild: string[], hands: Partial<Hands> = {}) =>
    advance(made.eyes, { ...made.hands, ...hands }, shape, {
      until: Number.POSITIVE_INFINITY,
      now: () => 0,
      note: (level, message) => made.at.seen.push(`${level} ${message}`),
      wish: { rebuild },
    });
  const two: Event[] = [{ objects: [object("a")], units: ["2023", "2024"] }];

  test("makes one run per unit, in its order, each on what the one before it left", async () => {
    const made = world(two);
    expect(await call(made, ["2024", "2023"])).toMatchObject({ rested: true, wish: { rebuild: [] }, newest: 3 });
    expect(made.at.opened.map((r) => [r.run, r.base, r.units, r.objects])).toEqual([
      [2, 1, ["2024"], [object("a")]],
      [3, 2, ["2023"], [object("a")]],
    ]);
    expect(made.at.seen.filter((s) => s.startsWith("recall"))).toEqual(["recall 1", "recall 2"]);
  });

  test("what is pending comes first", async () => {
    const made = world(two);
    made.more.raw = [{ key: key("b"), etag: "1", size: 1, modified: Date.parse("2025-01-10") }];
    await call(made, ["2024"]);
    expect(made.at.opened.map((r) => [r.rebuild, r.objects.map((o) => o.key)])).toEqual([
      [false, [key("b")]],
      [true, [key("a"), key("b")]],
    ]);
  });

  test("a rebuild that another caller's run overtook is planned anew", async () => {
    const made = world(two);
    let lost = 0;
    const open = (run: Run) => (lost++ === 0 ? "lost" : made.hands.open(run));
    expect(await call(made, ["2024"], { open })).toMatchObject({ wish: { rebuild: [] } });
    expect(made.at.seen.filter((s) => s.startsWith("recall"))).toEqual(["recall 1", "recall 1"]);
  });

  test("one that must wait rests, says for what, and is left to be asked for again", async () => {
    const made = world(two);
    made.at.there = [object("a", "2")];
    expect(await call(made, ["2024"])).toMatchObject({
      rested: true,
      why: expect.stringContaining("waits: expected"),
      wish: { rebuild: ["2024"] },
    });
    made.at.there = [];
    await expect(call(made, ["2024"])).rejects.toMatchObject({ code: "rebuild" });
    expect(made.at.opened).toEqual([]);
  });

  test("the log says that a rebuild failed and that nobody will try it again", async () => {
    const made = world(two);
    const plannedRun = planRebuild(
      facts({ commit: made.at.commit }),
      recalled(made.at.past, made.at.there),
      shape,
      "2024",
    );
    const run = plannedRun.is === "run" ? plannedRun.run : null!;
    const open = { run, base: made.at.commit, attempts: [{ id: "j", ended: true, reason: "out of memory" }] };
    Object.assign(made.more, open);
    const commit = (document: Commit) => {
      Object.assign(made.more, { run, commit: document, attempts: [] });
      return "created" as const;
    };
    expect(decide({ ...facts({}), ...made.eyes.orders() }, shape)).toMatchObject({
      do: "commit",
      document: { status: "failed", rebuild: true, reason: "j: out of memory" },
    });
    expect(await call(made, [], { commit })).toMatchObject({ rested: true, newest: 2 });
    expect(made.at.seen).toContain("ERROR rebuild failed, the tables are as before");
  });
});
