import { hash } from "node:crypto";
import { isQuiet, settle } from "./advance.judge.ts";
import { begin, successors } from "./advance.steps.ts";
import { type Rules, type Scenario, Sin, type World } from "./advance.world.ts";

/** Documents are the same object wherever they are; a number for each keeps a world's name short. */
const numbers = new WeakMap<object, number>();
const texts = new Map<string, number>();
const numberFor = (document: object | null): number => {
  if (document === null) return -1;
  const known = numbers.get(document);
  if (known !== undefined) return known;
  const text = JSON.stringify(document);
  const number = texts.get(text) ?? texts.size;
  texts.set(text, number);
  numbers.set(document, number);
  return number;
};

/** Two worlds of the same name have the same future. */
export const nameOfWorld = (world: World): string => {
  const { runs, commits, reports, lake, staller, ...others } = world;
  const facts = staller?.facts;
  return hash(
    "sha1",
    JSON.stringify([
      others,
      runs.map(numberFor),
      commits.map(numberFor),
      Object.values(reports).map(numberFor),
      numberFor(lake),
      staller && [
        staller.pc,
        staller.bells,
        staller.wish,
        staller.todo.map((t) =>
          "document" in t ? [t.do, numberFor(t.document)] : "run" in t ? [t.do, numberFor(t.run)] : t,
        ),
        facts && [
          facts.now,
          facts.raw,
          facts.listed,
          facts.paused,
          facts.withdrawn,
          facts.catalog,
          numberFor(facts.run),
          numberFor(facts.commit),
          numberFor(facts.base),
          facts.attempts,
          facts.submissions.map((s) => s.attempt),
        ],
      ],
    ]),
    "base64",
  );
};

export type Found = { worlds: number; settled: number; sin: string | null; whole: boolean };

/** Every world that a scenario can come to, depth first, up to `limit`; stops at the first sin. */
export const search = (scenario: Scenario, law: Rules, limit = 1_000_000): Found => {
  const seen = new Set<string>();
  const stack: World[] = [begin(scenario, law)];
  let settled = 0;
  try {
    while (stack.length > 0) {
      if (seen.size >= limit) return { worlds: seen.size, settled, sin: null, whole: false };
      const world = stack.pop()!;
      const name = nameOfWorld(world);
      if (seen.has(name)) continue;
      seen.add(name);
      // Not every world can be lived to its end: those where nothing is left to happen are, and every 100th.
      if (seen.size % 100 === 0 || isQuiet(world, scenario, law)) {
        settled++;
        settle(world, scenario, law);
      }
      stack.push(...successors(world, scenario, law));
    }
  } catch (error) {
    if (error instanceof Sin) return { worlds: seen.size, settled, sin: error.message, whole: false };
    throw error;
  }
  return { worlds: seen.size, settled, sin: null, whole: true };
};
