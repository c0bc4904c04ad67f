import fc from "fast-check";
import { expect, test } from "vitest";
import { advance, type Eyes, type Hands, nothing } from "../../packages/core/advance.ts";
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
    { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.constantFrom(HOUR, DAY, 4 * DAY) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  ),
  { maxLength: 80 },
);

test("four calls at once, cut anywhere, with jobs that die: every good row is published, once all is quiet", async () => {
  await fc.assert(
    fc.asyncProperty(specs, moves, fc.constantFrom<string[]>(["t"], ["t", "m"]), async (list, script, tables) => {
      const scenario: Scenario = { name: "random", specs: list, ticks: [], kills: 0, stalls: 0, tables };
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
        else if (next.do === "kill") stage.kill();
        else if (alive.length < 4) stage.call();
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
