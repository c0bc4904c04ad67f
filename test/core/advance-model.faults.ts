import fc from "fast-check";
import { test } from "vitest";
import { property } from "./advance.commands.ts";
import { rules } from "./advance.world.ts";

for (const seed of [1, 2, 3])
  test(`long scripts of commands over larger worlds: nothing is lost, doubled or stuck (${seed})`, () => {
    fc.assert(property(rules, { objects: 12, commands: 300 }), { numRuns: 400, seed });
  });
