import { expect } from "vitest";
import { tally } from "./seeds.ts";
import { seedsSuite } from "./suite.ts";

/** The first 20 are in `npm test`. */
seedsSuite(1, 200, (outcomes) => {
  for (const [fault, { one, many }] of Object.entries(tally(outcomes)))
    expect(one > 0 && many > 0, `${fault}: seen ${one} times alone, ${many} times in a burst`).toBe(true);
});
