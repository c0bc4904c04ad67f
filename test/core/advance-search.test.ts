import { describe, expect, test } from "vitest";
import { mutants, mutated } from "./advance.mutants.ts";
import { scenarios, slower } from "./advance.scenarios.ts";
import { search } from "./advance.search.ts";
import { rules } from "./advance.world.ts";

describe("no order of steps, stalls, crashes and kills loses, doubles or blocks anything", () => {
  for (const scenario of Object.values(scenarios).filter((one) => !slower.includes(one)))
    test(scenario.name, () => {
      const found = search(scenario, rules);
      expect(found.sin).toBeNull();
      expect(found.whole).toBe(true);
      expect(found.settled).toBeGreaterThan(3);
    });
});

describe("the search finds what was once wrong", () => {
  for (const { name, scenario, law } of mutants)
    test(name, () => {
      expect(search(scenario, mutated(law)).sin).not.toBeNull();
    });
});
