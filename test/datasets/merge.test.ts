import { describe, expect, test } from "vitest";
import { carry, small, wrong } from "./merge.carry.ts";
import { comebacks, exhaustive, sampled } from "./merge.worlds.ts";

/** That these notice what is wrong is shown in merge-mutants.faults.ts. */
describe("merging", () => {
  test("a row that comes back from waiting comes back to its own table", async () => {
    expect(await wrong(small(), comebacks())).toEqual([]);
  }, 60_000);

  test("five rows in two runs: in all 1,024 ways the result is that of the set that arrived", async () => {
    expect(await wrong(small(), exhaustive())).toEqual([]);
  }, 60_000);

  for (const seed of [1, 2, 3])
    test(`random origins, splits and repetitions over four runs: the result is that of the set that arrived (${seed})`, async () => {
      expect((await wrong(small(), sampled(seed))).slice(0, 3)).toEqual([]);
    }, 60_000);

  test("whole rows are the same, in every column, whatever way they came", async () => {
    const worlds = sampled(4, 200);
    const text = (rows: Map<string, Record<string, unknown>[]>) =>
      [...rows].map(([session, of]) => [session, of.map((row) => JSON.stringify(row)).sort()]).sort();
    const chained = text(await carry(small(), worlds));
    const once = text(
      await carry(
        small(),
        worlds.map((w) => ({ ...w, runs: [w.runs.flat()] })),
      ),
    );
    const reversed = text(
      await carry(
        small(),
        worlds.map((w) => ({ ...w, runs: w.runs.toReversed() })),
      ),
    );
    expect(once).toEqual(chained);
    expect(reversed).toEqual(chained);
  }, 60_000);
});
