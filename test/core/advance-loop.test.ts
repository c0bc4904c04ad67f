import fc from "fast-check";
import { expect, test } from "vitest";
import { advance, type Eyes, type Hands } from "../../packages/core/advance.ts";
import type { Commit } from "../../packages/core/commit.ts";
import { type Facts, nothing } from "../../packages/core/facts.ts";
import type { Run } from "../../packages/core/run.ts";
import { theatre } from "./advance.actors.ts";
import { settle } from "./advance.judge.ts";
import { object, rawKey } from "./advance.scenarios.ts";
import { DAY, HOUR, rules, type Scenario, shapeFor } from "./advance.world.ts";

const specs = fc
  .array(
    fc.record({
      kind: fc.constantFrom("good", "good", "good", "poison", "bad", "junk") as fc.Arbitrary<
        "good" | "poison" | "bad" | "junk"
      >,
      units: fc.subarray(["x", "y"], { minLength: 1 }),
      day: fc.constantFrom("2025-01-09", "2025-01-10", "2025-01-14"),
      again: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((list) =>
    list.flatMap(({ kind, units, day, again }, n) => {
      const first = object(`o${n}`, kind, units, { key: rawKey(`o${n}`, day) });
      // Firehose writes a key again with the rows it had, and more, perhaps of another unit.
      const more = { ...first, etag: "2", rows: { ...first.rows, y: [...(first.rows.y ?? []), `o${n}.more`] } };
      return again && kind === "good" ? [first, more] : [first];
    }),
  );

/** One caller is often left where it is for long, while the others go on. */
const moves = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant("go" as const), who: fc.nat(3), steps: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("work" as const), steps: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("call" as const, "land" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const), who: fc.nat(3) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.constantFrom(HOUR, DAY, 4 * DAY, -5 * DAY) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("ring" as const), who: fc.nat(4) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom<"kill" | "pause" | "resume">("kill", "pause", "resume", "resume") }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("withdraw" as const), row: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("wish" as const), unit: fc.constantFrom("x", "y") }) },
  ),
  { maxLength: 80 },
);

test("four calls at once, cut anywhere, with jobs that die, rebuilds, pauses and rows withdrawn: every good row is published, once all is quiet", async () => {
  await fc.assert(
    fc.asyncProperty(specs, moves, fc.constantFrom<string[]>(["t"], ["t", "m"]), async (list, script, tables) => {
      const clocksErr = script.some((next) => next.do === "tick" && next.ms < 0);
      const scenario: Scenario = {
        name: "random",
        specs: list,
        ticks: [],
        kills: 0,
        stalls: 0,
        tables,
        orders: [],
        ...(clocksErr ? { clocksErr } : {}),
      };
      const stage = theatre(scenario, rules);
      stage.land();
      for (let n = 0; n < 4; n++) stage.call();
      for (const next of script) {
        const alive = stage.alive();
        if (next.do === "go") {
          const actor = alive[next.who % Math.max(1, alive.length)];
          for (let n = 0; actor && n < next.steps; n++) await stage.move(actor, "go");
        } else if (next.do === "die") {
          const actor = alive[next.who];
          if (actor) await stage.move(actor, "die");
        } else if (next.do === "work") for (let n = 0; n < next.steps; n++) stage.work();
        else if (next.do === "land") stage.land();
        else if (next.do === "tick") stage.tick(next.ms);
        else if (next.do === "ring") stage.ring(next.who);
        else if (next.do === "kill") stage.kill();
        else if (next.do === "pause" || next.do === "resume") stage.order(next.do);
        else if (next.do === "withdraw") stage.order({ withdraw: `o${next.row}.x` });
        else if (next.do === "wish") {
          if (alive.length < 4) stage.call([next.unit]);
        } else if (alive.length < 4) stage.call();
      }
      await stage.drain();
      settle(stage.world, scenario, rules);
    }),
    { numRuns: 1500, seed: 20_241_108 },
  );
});

test("a refused start is rest: taken for an action, advance spun", async () => {
  const scenario: Scenario = { name: "busy", specs: [object("a")], ticks: [], kills: 0, stalls: 0 };
  const run = {
    format: 1,
    dataset: "d",
    run: 1,
    base: 0,
    opened_at: "2025-01-10T00:00:00Z",
    recipe: "r1",
    objects: [{ key: rawKey("a"), etag: "1", size: 1 }],
    units: ["x"],
    tables: {},
    through: null,
    rejects: [],
    accepted: [],
    rebuild: false,
    withdrawn: [],
  } as const;
  const eyes = Object.fromEntries(rules.order.map((r) => [r, () => (r === "run" ? { run } : {})])) as unknown as Eyes;
  const call = (start: Hands["start"]) =>
    advance(eyes, { start } as Hands, shapeFor(scenario), {
      until: Number.POSITIVE_INFINITY,
      now: () => 0,
      note: () => {},
    });
  expect(await call(() => "refused")).toMatchObject({ rested: true, rounds: 1 });
  expect(await call(() => "started")).toMatchObject({ rested: false, rounds: 200 });
});

/** A world of one landed object, by hand; `seen` is told what the call reads and does, and what it notes. */
const called = async (facts: Partial<Facts>, hands: Partial<Hands>, now = 0) => {
  const seen: string[] = [];
  const told =
    <A extends unknown[], R>(name: string, does: (...args: A) => R) =>
    (...args: A): R => {
      seen.push(name);
      return does(...args);
    };
  const eyes = Object.fromEntries(
    rules.order.map((r) => [r, told(r, () => (r === "commit" ? { ...facts, now } : {}))]),
  ) as unknown as Eyes;
  const scenario: Scenario = { name: "one", specs: [object("a")], ticks: [], kills: 0, stalls: 0 };
  const rested = await advance(
    eyes,
    Object.fromEntries(
      Object.entries(hands).map(([name, does]) => [name, told(name, does as () => unknown)]),
    ) as unknown as Hands,
    shapeFor(scenario),
    { until: Number.POSITIVE_INFINITY, now: () => 0, note: (level, message) => seen.push(`${level} ${message}`) },
  ).catch((error: Error) => error);
  return { rested, seen };
};
const raw = [{ key: rawKey("a"), etag: "1", size: 1, modified: 0 }];

test("gathering decides nothing: all is read afresh after it, and what it was for may be gone", async () => {
  let facts: Partial<Facts> = { raw };
  const opened: Run[] = [];
  const hands: Partial<Hands> = {
    gather: (objects) => {
      expect(objects.map((o) => o.key)).toEqual([rawKey("a")]);
      facts.raw = [...raw, { ...raw[0]!, key: rawKey("b") }];
    },
    inspect: (objects) => objects.map((o) => ({ object: o, is: "sound", units: ["x"] })),
    open: (run) => {
      opened.push(run);
      facts.raw = [];
      return "created";
    },
  };
  const { seen } = await called(facts, hands);
  const once = [...rules.order];
  expect(seen.filter((s) => !s.startsWith("INFO"))).toEqual([...once, "gather", ...once, "inspect", "open", ...once]);
  expect(opened[0]?.objects.map((o) => o.key)).toEqual([rawKey("a"), rawKey("b")]);

  facts = { raw };
  const taken = () => {
    facts.raw = [];
  };
  const lost = await called(facts, { ...hands, gather: taken });
  expect(lost.seen).toEqual([...once, "gather", ...once]);
  expect(lost.rested).toMatchObject({ rested: true, why: "nothing is pending" });
});

test("an object that nobody could look at is no verdict: its neighbours go on, it stays pending, and the call fails", async () => {
  const both = [...raw, { ...raw[0]!, key: rawKey("b") }];
  const facts: Partial<Facts> = { raw: both };
  const opened: Run[] = [];
  const broken = new RangeError("Array buffer allocation failed");
  const hands: Partial<Hands> = {
    inspect: (objects) =>
      objects.map((o) =>
        o.key === rawKey("a") ? { object: o, is: "unread", error: broken } : { object: o, is: "sound", units: ["x"] },
      ),
    open: (run) => {
      opened.push(run);
      facts.raw = raw;
      return "created";
    },
  };
  const { rested, seen } = await called(facts, hands, Date.parse("2025-03-01"));
  expect(opened).toMatchObject([{ objects: [{ key: rawKey("b") }], rejects: [], through: "2025-01-09" }]);
  expect(seen).toContainEqual("ERROR an object could not be looked at; it stays pending");
  expect(rested).toBe(broken);
});

test("a commit that closed dates which this clock would not is an error in the log, once a call", async () => {
  const closing = {
    commit: 1,
    through: "2025-01-08",
    tables: {},
    recent: [],
    next: [],
    late: [],
    held: [],
    failed: [],
  };
  const noted = async (now: string) =>
    (await called({ commit: closing as unknown as Commit }, {}, Date.parse(now))).seen.filter((s) =>
      s.startsWith("ERROR"),
    );
  expect(await noted("2025-01-10T12:00:00Z")).toEqual([expect.stringContaining("a clock is wrong, or was")]);
  expect(await noted("2025-01-10T23:30:00Z")).toEqual([]);
});

test("a call without time left says so, and does nothing more", async () => {
  const scenario: Scenario = { name: "late", specs: [object("a")], ticks: [], kills: 0, stalls: 0 };
  const eyes = Object.fromEntries(
    rules.order.map((r) => [
      r,
      () => (r === "raw" ? { raw: [{ key: rawKey("a"), etag: "1", size: 1, modified: 0 }] } : {}),
    ]),
  ) as unknown as Eyes;
  const rested = await advance(eyes, {} as Hands, shapeFor(scenario), { until: 5, now: () => 5, note: () => {} });
  expect(rested).toMatchObject({ rested: false, why: "there was no time left to open" });
  expect(nothing.raw).toEqual([]);
});
