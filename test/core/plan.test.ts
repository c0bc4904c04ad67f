import { describe, expect, test } from "vitest";
import type { Facts, Shape } from "../../packages/core/facts.ts";
import { owed, plan, unsettled, vanished, watched } from "../../packages/core/plan.ts";
import { type RawObject, RUN_NAMES, type Run } from "../../packages/core/run.ts";
import {
  facts,
  failed,
  held,
  key,
  lateObject,
  listed,
  NOW,
  object,
  ofRecipe,
  published,
  runAfter,
  shape,
} from "./documents.ts";

const DAY = 86_400_000;
const planned = (more: Partial<Facts>, names: string[] = ["b"], of: Shape = shape): Run =>
  plan(
    facts(more),
    names.map((name) => ({ object: object(name), is: "sound", units: ["2024"] })),
    of,
    null,
  )!;

describe("what is not settled", () => {
  test("is in order of ingest date and key, however it was listed", () => {
    const raw = [listed("b"), listed("c", "2025-01-09"), listed("a")];
    expect(unsettled({ raw, commit: null }).map((o) => o.key)).toEqual([key("c", "2025-01-09"), key("a"), key("b")]);
  });

  test("is an object that waits by its name, though its date was closed too early and no bell rings for it any more", () => {
    const waits = lateObject("w", "2025-01-10");
    const closed = { through: "2025-01-20" };
    const raw = [listed("w"), listed("other")];
    for (const commit of [
      { ...failed(null, [waits]), ...closed },
      { ...held(null, [waits]), ...closed },
      { ...failed(null, [waits, object("x")]), ...closed },
    ])
      expect(unsettled({ raw, commit })).toEqual([waits]);
  });
});

test("only what no listing shows is looked up by its name", () => {
  const commit = failed(held(failed(null, [object("f"), lateObject("l")]), [lateObject("h")]), [object("g")]);
  expect(watched(commit)).toEqual([key("l"), key("h")]);
  expect(watched(null)).toEqual([]);
});

describe("the date that a run closes", () => {
  test("never goes back, also when what landed before it is in no run", () => {
    const commit = { ...published(null, [object("a")]), through: "2025-01-20" };
    expect(planned({ commit, listed: 1 }).through).toBe("2025-01-20");
    const late = { ...listed("l", "2025-01-09"), named: true as const };
    expect(planned({ commit, listed: 1, raw: [late] }).through).toBe("2025-01-20");
  });

  test("moves on with the clock, and is never one that could still get an object, whatever is pending", () => {
    const commit = { ...published(null, [object("a")]), through: "2025-01-01" };
    const through = (now: number, raw: Facts["raw"]) => planned({ commit, listed: 1, now, raw }).through;
    expect(through(NOW, [])).toBe("2025-01-07");
    expect(through(NOW, [listed("today"), listed("b")])).toBe("2025-01-07");
    expect(through(NOW, [listed("early", "2025-01-05")])).toBe("2025-01-04");
    expect(through(NOW + 10 * DAY, [listed("b")])).toBe("2025-01-17");
  });
});

describe("a bell", () => {
  const waits = listed("b", "2025-01-10");

  test("need not ring again for what a listing will show, when no run is open that closes its date", () => {
    expect(owed(facts({ raw: [waits] }), [waits.key])).toEqual([]);
    const run = runAfter(null, [object("a"), object("c")], { through: "2025-01-12" });
    const commit = failed(null, run.objects, { through: "2025-01-12" });
    expect(owed(facts({ raw: [waits], run, commit }), [waits.key])).toEqual([]);
  });

  test("rings again for an object of the very date that the open run closes", () => {
    const open = (through: string) => facts({ raw: [waits], run: runAfter(null, [object("a")], { through }) });
    expect(owed(open("2025-01-10"), [waits.key])).toEqual([waits.key]);
    expect(owed(open("2025-01-09"), [waits.key])).toEqual([]);
  });

  test("is answered once the open run names the object, or the newest commit says that it waits", () => {
    const late = { ...listed("l", "2025-01-01"), modified: NOW };
    const named = lateObject("l", "2025-01-01");
    const reject = { ...named, reason: "columns", message: "" };
    const commit = failed(null, [object("a")]);
    const rings = (more: Partial<Facts>) => owed(facts({ raw: [late], ...more }), [late.key]);
    expect(rings({})).toEqual([late.key]);
    expect(rings({ commit })).toEqual([late.key]);
    expect(rings({ run: runAfter(null, [named]) })).toEqual([]);
    expect(rings({ run: runAfter(null, [], { rejects: [reject] }) })).toEqual([]);
    expect(rings({ commit: failed(null, [named]) })).toEqual([]);
    expect(rings({ commit: held(null, [named]) })).toEqual([]);
    expect(rings({ commit: failed(null, [object("a"), named]) })).toEqual([]);
    expect(owed(facts({ raw: [late] }), [])).toEqual([]);
  });
});

describe("a run", () => {
  test("keeps the beginning of what is said of a rejected object", () => {
    const rejected = { object: object("j"), is: "rejected" as const, reason: "columns", message: "x".repeat(5000) };
    expect(plan(facts({}), [rejected], shape, null)?.rejects).toEqual([
      { ...object("j"), reason: "columns", message: "x".repeat(1000) },
    ]);
  });

  test("names as many withdrawn events as a document holds, and not one more: it says what to do", () => {
    const many = (n: number) => Array.from({ length: n }, (_, i) => String(i));
    expect(planned({ withdrawn: many(RUN_NAMES) }).withdrawn).toHaveLength(RUN_NAMES);
    expect(() => planned({ withdrawn: many(RUN_NAMES + 1) })).toThrow(
      expect.objectContaining({ code: "withdrawn", message: expect.stringContaining("withdrawn/d/") }),
    );
  });

  test("of a dataset of its recipe alone names no object, no date and no event, and all partitions there are", () => {
    const commit = published(null, [], { units: [""] });
    const run = plan(facts({ commit, withdrawn: ["e"] }), [], ofRecipe, [""]);
    expect(run).toMatchObject({ objects: [], units: [""], through: null, withdrawn: [], rebuild: true });
    expect(run?.tables).toEqual(commit.tables);
  });
});

describe("what waits by name and is there no more", () => {
  const commit = failed(failed(held(null, [object("h")]), [object("f")]), [object("b"), object("c"), lateObject("a")]);
  const gone = (more: Partial<Facts>, pending: RawObject[] = []) =>
    vanished(facts({ commit, listed: commit.commit, ...more }), pending);

  test("is told each once, in order, as runs name it: held, failed, halved or late", () => {
    expect(gone({})).toEqual([lateObject("a"), object("f"), object("h")]);
    expect(gone({ raw: [listed("f")] })).toEqual([lateObject("a"), object("h")]);
    expect(gone({ commit: null })).toEqual([]);
  });

  test("is not told by a listing that is older than the commit: it may have been looked up since", () => {
    expect(gone({ listed: commit.commit - 1 })).toEqual([]);
  });

  test("is not gone while a newer version of it is pending, which takes its place", () => {
    const newer = { ...listed("f"), etag: "e2" };
    expect(gone({ raw: [newer] }, [{ ...object("f"), etag: "e2" }])).toEqual([lateObject("a"), object("h")]);
    expect(gone({ raw: [newer] })).toEqual([lateObject("a"), object("f"), object("h")]);
  });

  test("is rejected and says so; what waits nowhere is left out without a word", () => {
    const looked = (name: string) => [{ object: object(name), is: "gone" as const }];
    expect(plan(facts({ commit }), looked("h"), shape, null)?.rejects).toEqual([
      { ...object("h"), reason: "gone", message: expect.stringContaining("is there no more") },
    ]);
    expect(plan(facts({ commit }), looked("unknown"), shape, null)).toBeNull();
  });

  test("is looked up by name once its date is closed, on the very day too: no listing shows it", () => {
    const closed = (through: string) => watched({ ...held(null, [object("h", "2025-01-09")]), through });
    expect(closed("2025-01-09")).toEqual([key("h", "2025-01-09")]);
    expect(closed("2025-01-10")).toEqual([key("h", "2025-01-09")]);
    expect(closed("2025-01-08")).toEqual([]);
  });
});
