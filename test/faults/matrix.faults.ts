import "./functions/impatient.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cellsOf, nameOf, openMatrix, play } from "./matrix.ts";
import { advancing } from "./steps.ts";
import type { World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openMatrix();
});
afterAll(() => world.close());

describe("advance", () => {
  test.each(cellsOf(advancing).map((cell, n) => [nameOf(cell), cell, n] as const))("%s", async (_name, cell, n) => {
    const { ended, seen, is, must } = await play(world, advancing, cell, n);
    expect(seen, "the fault did happen").toBeGreaterThan(0);
    expect(is).toEqual(must);
    expect(ended).toBe(cell.expected);
  });
});
