import { describe, expect, test } from "vitest";
import type { Commit } from "../../packages/core/commit.ts";
import { isSettled, outcome } from "../../packages/core/commit.ts";
import { failed, held, lateObject, NOW, object, published, reportOf, runAfter } from "./documents.ts";

// What a commit says of the objects that are not settled yet: nothing that waits is forgotten, and nothing waits for nothing.

const names = (objects: { etag: string }[]) => objects.map((o) => o.etag);

test("the first commit leaves nothing waiting", () => {
  expect(published(null, [object("a")])).toMatchObject({
    status: "published",
    reason: null,
    worked: 1,
    recent: [object("a")],
    next: [],
    late: [],
    held: [],
    failed: [],
    rejected: [],
    rows: { read: 3, new: 1, superseded: 1, duplicate: 1 },
  });
  expect(failed(null, [object("a"), object("b")])).toMatchObject({
    worked: 0,
    recent: [],
    next: [object("a")],
    late: [],
    held: [],
    failed: [],
    rows: null,
  });
});

test("a run can stand on no other commit than the one before it", () => {
  const base = published(null, [object("a")]);
  const run = { ...runAfter(base, [object("b")]), run: 3 };
  expect(() => outcome(run, base, { is: "failed", reason: "" }, NOW)).toThrow("run 3 stands on commit 1");
});

describe("a run of several that is not published", () => {
  const waiting = failed(held(null, [object("h")]), [object("f")]);

  test("leaves what of it was held or failed before as it was", () => {
    const after = failed(waiting, [object("h"), object("f"), object("x")]);
    expect(after.held).toEqual(waiting.held);
    expect(after.failed).toEqual(waiting.failed);
    expect(held(waiting, [object("h"), object("f")])).toMatchObject({ held: waiting.held, failed: waiting.failed });
  });

  test("brings nothing back that is held: its unit is as it was", () => {
    for (const after of [
      failed(waiting, [object("x"), object("y")]),
      held(waiting, [object("x")]),
      published(waiting, [object("x")], { units: ["2023"] }),
    ])
      expect(after.held[0]).toMatchObject({ etag: "eh", back: false });
  });

  test("remembers of it by name what no listing finds, and that alone", () => {
    const first = failed(null, [object("a"), lateObject("l"), object("b"), lateObject("k")]);
    expect(names(first.late)).toEqual(["el", "ek"]);
    expect(names(failed(first, [lateObject("l"), object("z")]).late)).toEqual(["ek", "el"]);
    expect(names(published(first, [lateObject("l"), object("z")]).late)).toEqual(["ek"]);
  });
});

test("what is held of several units comes back when any of them was touched", () => {
  const waiting = held(null, [object("h")], { units: ["2023", "2024"] });
  expect(published(waiting, [object("x")]).held).toMatchObject([{ etag: "eh", back: true }]);
});

test("that the job works is known of its last success, however often it failed since", () => {
  const once = published(null, [object("a")]);
  const after = failed(failed(once, [object("b")]), [object("c")]);
  expect([once.worked, after.worked, published(after, [object("d")]).worked]).toEqual([1, 1, 4]);
});

test("an object's failures are its own: a neighbour's do not count for it", () => {
  let commit: Commit = failed(null, [object("a")]);
  for (const name of ["b", "c", "d"]) {
    commit = published(commit, [object(`x${name}`)]);
    commit = failed(commit, [object(name)]);
  }
  expect(commit.rejected).toEqual([]);
  expect(commit.failed.map((f) => [f.etag, f.counts])).toEqual([
    ["ea", 1],
    ["eb", 1],
    ["ec", 1],
    ["ed", 1],
  ]);
});

describe("the closed date", () => {
  const closed = (base: string | null, run: string | null) => {
    const before = { ...published(null, [object("a")]), through: base };
    return published(before, [object("b")], { through: run }).through;
  };

  test("moves on with a published run, and never back", () => {
    expect(closed("2025-01-07", "2025-01-09")).toBe("2025-01-09");
    expect(closed("2025-01-09", "2025-01-07")).toBe("2025-01-09");
    expect(closed("2025-01-09", null)).toBe("2025-01-09");
    expect(closed(null, "2025-01-09")).toBe("2025-01-09");
    expect(closed(null, null)).toBeNull();
  });

  test("stays where it is when the run is not published", () => {
    expect(failed(null, [object("a")], { through: "2025-01-07" }).through).toBeNull();
  });

  test("says nothing of an object whose key names no date: it is remembered by name", () => {
    const nameless = { key: "raw/d/a.parquet", etag: "1", size: 1 };
    const before = { ...published(null, [object("a")]), through: "2025-01-20" };
    const after = published(before, [nameless], { through: "2025-01-20" });
    expect(after.recent).toEqual([nameless]);
    expect(isSettled(before, nameless)).toBe(false);
    expect(isSettled(after, nameless)).toBe(true);
  });
});

test("a run of rejects alone leaves what is held and failed where it is", () => {
  const waiting = failed(held(null, [object("h")]), [object("f")]);
  const run = runAfter(waiting, [], { rejects: [{ ...object("j"), reason: "columns", message: "" }] });
  expect(outcome(run, waiting, { is: "nothing" }, NOW)).toMatchObject({
    status: "published",
    attempt: null,
    worked: 0,
    held: waiting.held,
    failed: waiting.failed,
    tables: waiting.tables,
    rows: null,
  });
});

test("a rebuild keeps what the next run is to take", () => {
  expect(published(null, [], { rebuild: true, units: [""] }).next).toEqual([]);
  const before = failed(published(null, [object("a")]), [object("n"), object("o")]);
  const run = runAfter(before, [object("a")], { rebuild: true });
  expect(outcome(run, before, { is: "report", report: reportOf(run) }, NOW).next).toEqual([object("n")]);
});

test("what waited and is rejected now waits no more, also when the run's other objects are not published", () => {
  const waiting = failed(held(null, [object("h")]), [object("f")]);
  const rejects = ["h", "f"].map((name) => ({ ...object(name), reason: "gone", message: "" }));
  for (const after of [
    failed(waiting, [object("x"), object("y")], { rejects }),
    failed(waiting, [object("x")], { rejects }),
    published(waiting, [object("x")], { rejects }),
  ])
    expect([...names(after.held), ...names(after.failed)].filter((name) => name !== "ex")).toEqual([]);
});
