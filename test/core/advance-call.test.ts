import { describe, expect, test } from "vitest";
import { advance, type Eyes, type Hands, readings } from "../../packages/core/advance.ts";
import { type Commit, outcome } from "../../packages/core/commit.ts";
import type { Facts, Shape, Wish } from "../../packages/core/facts.ts";
import type { Run } from "../../packages/core/run.ts";
import {
  catalogOf,
  facts,
  failed,
  key,
  lateObject,
  listed,
  NOW,
  object,
  ofRecipe,
  published,
  reportOf,
  runAfter,
  shape,
} from "./documents.ts";

// One call of advance, alone in the world: what it does, in which order, what it tells the log and who called it.

/** A store: what is opened is published at once, and what is published is what the catalog shows. */
const world = (start: Partial<Facts>, of: Shape = shape) => {
  let at = facts(start);
  const did: string[] = [];
  const log: { level: string; message: string; metadata: Record<string, unknown> }[] = [];
  const eyes = Object.fromEntries(readings.map((r) => [r, () => (r === "orders" ? at : {})])) as unknown as Eyes;
  const show = (commit: Commit) => {
    at = { ...at, commit, catalog: catalogOf(commit) };
  };
  if (start.commit) show(start.commit);
  const hands: Hands = {
    apply: (commit) => {
      did.push(`apply ${commit.commit}`);
      show(commit);
    },
    inspect: (objects) => {
      did.push(`inspect ${objects.length}`);
      return objects.map((o) => ({ object: o, is: "sound", units: ["2024"] }));
    },
    recall: () => ({ past: [], there: new Map() }),
    open: (run) => {
      did.push(`open ${run.run}`);
      at = { ...at, run, base: at.commit };
      return "created";
    },
    start: (run) => {
      did.push(`start ${run.run}`);
      const report = reportOf(run, { tables: of.raw ? reportOf(run).tables : {} });
      const files = Object.fromEntries(
        Object.values(report.tables).flatMap((p) =>
          Object.values(p).flatMap((e) => e.files.map((f) => [e.folder + f.name, f.bytes])),
        ),
      );
      at = { ...at, submissions: [{ attempt: "j", report, files }] };
      return "started";
    },
    commit: (document) => {
      did.push(`commit ${document.commit}`);
      at = { ...at, commit: document, submissions: [] };
      return "created";
    },
  };
  const call = (more: Partial<Hands> = {}, options: { wish?: Wish; named?: string[]; until?: number } = {}) =>
    advance(eyes, { ...hands, ...more }, of, {
      until: 1,
      now: () => 0,
      note: (level, message, metadata) => log.push({ level, message, metadata }),
      ...options,
    });
  const set = (more: Partial<Facts>) => {
    at = { ...at, ...more };
  };
  return { call, set, did, log, hands };
};

const quiet = published(null, [object("a")]);

test("what landed is opened, started, committed and shown, in this order, and the log says so", async () => {
  const made = world({ raw: [listed("a")] });
  expect(await made.call()).toEqual({
    rested: true,
    why: "nothing is pending",
    rounds: 5,
    owed: [],
    newest: 1,
    open: null,
    wish: {},
  });
  expect(made.did).toEqual(["inspect 1", "open 1", "start 1", "commit 1", "apply 1"]);
  expect(made.log.map(({ level, message, metadata }) => [level, message, metadata.dataset])).toEqual([
    ["INFO", "run opened", "d"],
    ["INFO", "job started", "d"],
    ["INFO", "run published", "d"],
    ["INFO", "catalog applied", "d"],
  ]);
  expect(made.log[1]?.metadata).toEqual({ dataset: "d", run: 1 });
  expect(made.log[3]?.metadata).toEqual({ dataset: "d", commit: 1 });
});

describe("who called is told", () => {
  test("which run is open, and that the job is busy with another", async () => {
    const run = runAfter(quiet, [object("b")]);
    expect(await world({ commit: quiet, run }).call({ start: () => "refused" })).toMatchObject({
      rested: true,
      why: "another run of the job has not ended yet",
      newest: 1,
      open: 2,
    });
    const first = runAfter(null, [object("a")]);
    expect(await world({ run: first, attempts: [{ id: "j", ended: false, reason: null }] }).call()).toMatchObject({
      why: "the job is running",
      newest: 0,
      open: 1,
    });
    expect(await world({ commit: quiet, run: first }).call()).toMatchObject({ newest: 1, open: null });
  });

  test("which of the objects it named must be named again", async () => {
    const late = { ...listed("l", "2025-01-01"), modified: NOW };
    const attempts = [{ id: "j", ended: false, reason: null }];
    const more = { commit: quiet, run: runAfter(quiet, [object("b")]), attempts, raw: [late] };
    expect((await world(more).call({}, { named: [late.key] })).owed).toEqual([key("l", "2025-01-01")]);
    expect((await world(more).call()).owed).toEqual([]);
    const known = { ...more, run: runAfter(quiet, [lateObject("l", "2025-01-01")]) };
    expect((await world(known).call({}, { named: [late.key] })).owed).toEqual([]);
  });
});

test("a run or a commit that another caller made first is none of this call's to tell", async () => {
  const run = runAfter(quiet, [object("b")]);
  const made = world({ commit: quiet, base: quiet, run, raw: [listed("b")] });
  const commit = failed(quiet, [object("b")]);
  await made.call({
    start: () => {
      made.set({ attempts: [{ id: "j", ended: true, reason: "boom" }] });
      return "started";
    },
    commit: () => {
      made.set({ commit, run, attempts: [] });
      return "lost";
    },
  });
  expect(made.log.map((l) => l.message)).toEqual(["job started"]);
  const other = world({ raw: [listed("a")] });
  await other.call({
    open: () => {
      other.set({ raw: [] });
      return "lost";
    },
  });
  expect(other.log).toEqual([]);
});

test("each run is gathered for before it is planned, once", async () => {
  const made = world({ raw: [listed("a")] });
  let landed = 0;
  const gather = () => {
    made.did.push("gather");
  };
  const apply = (commit: Commit) => {
    if (landed++ === 0) made.set({ raw: [listed("a"), listed("b")] });
    return made.hands.apply(commit);
  };
  await made.call({ gather, apply });
  expect(made.did.map((d) => d.replace(/ \d$/, ""))).toEqual([
    ...["gather", "inspect", "open", "start", "commit", "apply"],
    ...["gather", "inspect", "open", "start", "commit", "apply"],
  ]);
});

test("nothing is gathered for a rebuild: it reads what was refined before", async () => {
  const made = world({ commit: quiet });
  const recall = () => ({
    past: [{ units: ["2024"], refined: [object("a")], rejected: [] }],
    there: new Map([[key("a"), "ea"]]),
  });
  const gather = () => {
    made.did.push("gather");
  };
  expect(await made.call({ recall, gather }, { wish: { rebuild: ["2024"] } })).toMatchObject({
    wish: { rebuild: [] },
    newest: 2,
  });
  expect(made.did).toEqual(["open 2", "start 2", "commit 2", "apply 2"]);
  expect(made.log.map((l) => l.message)).toContain("rebuild opened");
});

test("a rebuild that must wait while the dataset is paused says both", async () => {
  const paused = { at: "2025-01-10T11:00:00Z", why: "we look at the disk" };
  const recall = () => ({
    past: [{ units: ["2024"], refined: [object("a")], rejected: [] }],
    there: new Map([[key("a"), "newer"]]),
  });
  const { why } = await world({ commit: quiet, paused }).call({ recall }, { wish: { rebuild: ["2024"] } });
  expect(why).toMatch(/^the rebuild of d 2024 waits: .*; paused since 2025-01-10T11:00:00Z: we look at the disk$/);
});

test("that a clock is wrong is said once a call, however many rounds it takes", async () => {
  const made = world({ commit: { ...quiet, through: "2025-01-20" }, raw: [{ ...listed("b"), named: true }] });
  expect((await made.call()).rounds).toBeGreaterThan(3);
  expect(made.log.filter((l) => l.message.includes("a clock is wrong"))).toHaveLength(1);
});

describe("a dataset of its recipe alone", () => {
  test("is made without a look at any object", async () => {
    const made = world({}, ofRecipe);
    expect(await made.call()).toMatchObject({ rested: true, newest: 1, wish: {} });
    expect(made.did).toEqual(["open 1", "start 1", "commit 1"]);
  });

  test("is made anew as often as a person asks, and not once more", async () => {
    const run: Run = runAfter(null, [], { rebuild: true, units: [""] });
    const commit = outcome(run, null, { is: "report", report: reportOf(run, { tables: {} }) }, NOW);
    const made = world({ commit, run }, ofRecipe);
    expect(await made.call({}, { wish: { rebuild: ["", ""], retryHeld: 3 } })).toMatchObject({
      rested: true,
      newest: 3,
      wish: { rebuild: [], retryHeld: 3 },
    });
    expect(made.did).toEqual(["open 2", "start 2", "commit 2", "open 3", "start 3", "commit 3"]);
  });
});

describe("a call ends", () => {
  const run = runAfter(null, [object("a")]);

  test("when its time is over, and says what it would have done", async () => {
    const made = world({ raw: [listed("a")] });
    const over = { rested: false, why: "there was no time left to open", rounds: 1 };
    expect(await made.call({}, { until: 0 })).toMatchObject(over);
    expect(await made.call({}, { until: -1 })).toMatchObject(over);
    expect(made.did).toEqual([]);
    expect(await world({}).call({}, { until: 0 })).toMatchObject({ rested: true });
  });

  test("after 200 rounds of a fight that it cannot win", async () => {
    let starts = 0;
    const start = () => {
      starts++;
      return "started" as const;
    };
    expect(await world({ run }).call({ start })).toMatchObject({ rested: false, rounds: 200 });
    expect(starts).toBe(199);
  });
});

test("two runs without a gathering take no round more than their steps", async () => {
  const made = world({ raw: [listed("a")] });
  let landed = 0;
  const apply = (commit: Commit) => {
    if (landed++ === 0) made.set({ raw: [listed("a"), listed("b")] });
    return made.hands.apply(commit);
  };
  expect(await made.call({ apply })).toMatchObject({ rested: true, rounds: 9, newest: 2 });
});

test("an object that tells nothing is no verdict: its neighbours go on, and it alone makes the call fail", async () => {
  const error = new RangeError("Array buffer allocation failed");
  const made = world({ raw: [listed("a"), listed("b")] });
  const inspect: Hands["inspect"] = (objects) =>
    objects.map((o) =>
      o.key === key("a") ? { object: o, is: "unread", error } : { object: o, is: "sound", units: ["2024"] },
    );
  await expect(made.call({ inspect })).rejects.toBe(error);
  expect(made.did).toEqual(["open 1", "start 1", "commit 1", "apply 1"]);
  expect(made.log.filter((l) => l.level === "ERROR").map((l) => [l.metadata.key, l.metadata.error])).toEqual([
    [key("a"), String(error)],
    [key("a"), String(error)],
  ]);
});

test("objects that are gone leave nothing to open, and the next reading tells: no failure", async () => {
  const made = world({ raw: [listed("a")] });
  const inspect: Hands["inspect"] = (objects) => {
    made.set({ raw: [] });
    return objects.map((o) => ({ object: o, is: "gone" }));
  };
  expect(await made.call({ inspect })).toMatchObject({ rested: true, rounds: 2, newest: 0 });
});
