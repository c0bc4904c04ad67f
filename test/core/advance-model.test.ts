import fc from "fast-check";
import { expect, test } from "vitest";
import { property } from "./advance.commands.ts";
import { mutants, mutated } from "./advance.mutants.ts";
import { rules } from "./advance.world.ts";

const size = { objects: 6, commands: 120 };

test("commands in any order, by five callers at once, cut, stale and repeated: nothing is lost, doubled or stuck", () => {
  fc.assert(property(rules, size), { numRuns: 250, seed: 20_241_108 });
});

/** The sins that random commands find soon; those that need one rare stall are the search's to find. */
const soon = [
  "reports read before attempts",
  "through moved on without waiting for late objects",
  "settled objects remembered by key",
  "the catalog looked at after the open run",
  "a held object is pending",
  "held objects stay in every later run",
  "a document written over the one that is there",
  "a rebuild reads the base",
  "a rebuild is halved",
  "a rebuild takes an object that was rejected",
  "a rebuild takes the objects that the newest commit remembers",
  "a pause leaves the open run where it is",
];
test.each(soon)("random commands find what was once wrong: %s", (name) => {
  const { law } = mutants.find((m) => m.name === name)!;
  expect(fc.check(property(mutated(law), size), { numRuns: 300, seed: 7, endOnFailure: true }).failed).toBe(true);
});
