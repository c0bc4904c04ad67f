import "./functions/impatient.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cellsOf, nameOf, openMatrix, play } from "./matrix.ts";
import { backfilling, consuming, querying, salvagingByClock, salvagingByEvent, scraping } from "./steps.ts";
import type { World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openMatrix();
});
afterAll(() => world.close());

/** `advance` has a suite of its own, which takes minutes: matrix.faults.ts. */
const steps = {
  scrape: scraping,
  backfill: backfilling,
  consume: consuming,
  "salvage, rung": salvagingByEvent,
  "salvage, by the clock": salvagingByClock,
  query: querying,
};

describe.each(Object.entries(steps))("%s", (_, step) => {
  test.each(cellsOf(step).map((cell, n) => [nameOf(cell), cell, n] as const))("%s", async (_name, cell, n) => {
    const { ended, seen, is, must } = await play(world, step, cell, n);
    expect(seen, "the fault did happen").toBeGreaterThan(0);
    expect(is).toEqual(must);
    expect(ended).toBe(cell.expected);
  });
});
