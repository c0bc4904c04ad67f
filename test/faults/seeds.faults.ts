import { expect } from "vitest";
import { tally } from "./seeds.ts";
import { seedsSuite } from "./suite.ts";

/** The first 10 are in `npm test`: two hundred in all. */
seedsSuite(11, 190, (outcomes) => {
  for (const [fault, { one, many }] of Object.entries(tally(outcomes)))
    expect(one > 0 && many > 0, `${fault}: seen ${one} times alone, ${many} times in a burst`).toBe(true);
});
