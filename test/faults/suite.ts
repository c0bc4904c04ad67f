import PQueue from "p-queue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, replay, runSeed, summary } from "./seeds.ts";
import { template, temporary } from "./world.ts";

/** Rivers of their own; most of a seed is waiting, and each has three worker threads. */
const AT_ONCE = 3;
/** Of all seeds together: a test's clock runs while its seed still waits for its turn. */
const PATIENCE_MS = 1_800_000;

/** Each seed is a test. `PREGAO_SEED=7,8` plays these again, and no other. */
export const seedsSuite = (
  first: number,
  count: number,
  over: (outcomes: readonly Outcome[]) => void = () => {},
): void => {
  const only = process.env.PREGAO_SEED;
  const seeds = only ? only.split(",").map(Number) : Array.from({ length: count }, (_, i) => first + i);

  describe("random faults", () => {
    const place = temporary("template");
    const pool = new PQueue({ concurrency: AT_ONCE });
    const outcomes = new Map<number, Promise<Outcome>>();
    beforeAll(async () => {
      await template(place.dir);
      for (const seed of seeds) {
        const outcome = pool.add(() => runSeed(seed, place.dir));
        // Its own test awaits it, later.
        outcome.catch(() => undefined);
        outcomes.set(seed, outcome);
      }
    });
    afterAll(async () => {
      pool.clear();
      await pool.onIdle();
      place.remove();
    }, PATIENCE_MS);

    test.each(seeds)(
      "seed %i: nothing lost, nothing doubled, nothing invented",
      { timeout: PATIENCE_MS },
      async (seed) => {
        const outcome = await outcomes.get(seed)!;
        expect([...outcome.differences, ...outcome.problems].length === 0, replay(outcome)).toBe(true);
      },
    );

    test("how often each fault was seen", { timeout: PATIENCE_MS }, async () => {
      const ended = await Promise.allSettled(outcomes.values());
      const all = ended.flatMap((e) => (e.status === "fulfilled" ? [e.value] : []));
      console.log(summary(all));
      if (!only) over(all);
    });
  });
};
