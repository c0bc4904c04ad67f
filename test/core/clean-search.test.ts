import { describe, expect, test } from "vitest";
import { cleanings, cleanMutants } from "./clean.mutants.ts";
import { searchClean } from "./clean.search.ts";
import { cleanLaw } from "./clean.world.ts";

describe("what goes is needed by nobody ever after, and all that is superseded goes", () => {
  for (const cleaning of Object.values(cleanings))
    test(cleaning.name, () => {
      const found = searchClean(cleaning, cleanLaw);
      expect(found.sin).toBeNull();
      expect(found.whole).toBe(true);
      expect(found.settled).toBeGreaterThan(100);
    });
});

describe("the search finds a cleaner that is wrong", () => {
  for (const { name, cleaning, law } of cleanMutants)
    test(name, () => {
      expect(searchClean(cleaning, law).sin).not.toBeNull();
    });
});
