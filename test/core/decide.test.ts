import { describe, expect, test } from "vitest";
import { decide, RETRY_AFTER_MS, RUN_BYTES, RUN_OBJECTS } from "../../packages/core/advance.ts";
import { type Commit, outcome } from "../../packages/core/commit.ts";
import type { Facts, Wish } from "../../packages/core/facts.ts";
import {
  broken,
  catalogOf,
  facts,
  failed,
  held,
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

/** What the next run takes when no catalog stands in the way. */
const taken = (more: Partial<Facts>, wish: Wish = {}): string[] | string => {
  const action = decide(facts(more), { ...shape, tables: [] }, wish);
  return action.do === "open" ? action.objects.map((o) => o.etag) : action.do;
};

test("a run whose attempts all ended says of each why", () => {
  const run = runAfter(null, [object("a")]);
  const attempts = [
    { id: "j1", ended: true, reason: "out of memory" },
    { id: "j2", ended: true, reason: null },
  ];
  expect(decide(facts({ run, attempts }), shape)).toMatchObject({
    document: { status: "failed", reason: "j1: out of memory; j2: it ended without a report" },
  });
});

test("what is held comes back when every law that held it is accepted: one of two is not enough", () => {
  const commit = held(null, [object("a")], {}, [broken("rows"), broken("unique")]);
  const accepted = ["rows", "unique"].map((law) => ({ law, session: null, origin: null }));
  const raw = [listed("a")];
  expect(taken({ commit, raw, accepted: accepted.slice(0, 1) })).toBe("rest");
  expect(taken({ commit, raw, accepted: accepted.slice(1) })).toBe("rest");
  expect(taken({ commit, raw, accepted })).toEqual(["ea"]);
});

describe("a run's bytes are bounded", () => {
  const sizes = (...of: number[]) => taken({ raw: of.map((size, n) => ({ ...listed(`${n}`), size })) });

  test("to the byte", () => {
    expect(sizes(RUN_BYTES - 1, 1, 1)).toEqual(["e0", "e1"]);
    expect(sizes(RUN_BYTES - 1, 2, 1)).toEqual(["e0"]);
  });
  test("and an object that is larger alone is taken alone: it would never be read", () => {
    expect(sizes(RUN_BYTES + 1, 1)).toEqual(["e0"]);
  });
});

describe("a dataset of its recipe alone", () => {
  const run = runAfter(null, [], { rebuild: true, units: [""] });
  const made = (audit = [broken()]): Commit =>
    outcome(run, null, { is: "report", report: reportOf(run, { tables: {}, audit }) }, NOW);
  const next = (commit: Commit, more: Partial<Facts> = {}) => decide(facts({ commit, run, ...more }), ofRecipe).do;
  const later = { now: NOW + RETRY_AFTER_MS };
  const accepted = (law: string) => [{ law, session: null, origin: null }];

  test("published, is not made again for the time that passes", () => {
    expect(next(made([]), later)).toBe("rest");
    expect(next(made([{ ...broken(), severity: "warn" }]), { ...later, accepted: accepted("rows") })).toBe("rest");
  });

  test("held, waits for a person who accepts every law that holds it, and for nothing else", () => {
    const commit = made([broken("rows"), broken("unique"), { ...broken("near"), severity: "warn" }]);
    expect(commit.status).toBe("held");
    expect(next(commit, later)).toBe("rest");
    expect(next(commit, { accepted: accepted("rows") })).toBe("rest");
    expect(next(commit, { accepted: accepted("near") })).toBe("rest");
    expect(next(commit, { accepted: [...accepted("rows"), ...accepted("unique")] })).toBe("open");
  });
});

test("nothing pending, nothing held that may come back: nothing is opened", () => {
  const waiting = failed(held(published(null, [object("a")]), [object("h")]), [object("f")]);
  expect(taken({ commit: waiting, raw: ["a", "h", "f"].map((name) => listed(name)) })).toBe("rest");
});

test("of what waited and is there no more, a run says as much as it may name", () => {
  const many = Array.from({ length: RUN_OBJECTS + 5 }, (_, n) => lateObject(String(n).padStart(5, "0")));
  const commit = failed(null, many);
  expect(taken({ commit, listed: 1, raw: [] })).toHaveLength(RUN_OBJECTS);
});

test("a catalog is put right for one partition that differs, though all others agree", () => {
  const commit = published(null, [object("a")], { units: ["2023", "2024"] });
  const catalog = catalogOf(commit)!;
  expect(decide(facts({ commit, catalog }), shape).do).toBe("rest");
  for (const table of ["t", "m"]) {
    const behind = { ...catalog, [table]: { ...catalog[table], "year=2023": "refined/old/" } };
    expect(decide(facts({ commit, catalog: behind }), shape).do).toBe("apply");
  }
});
