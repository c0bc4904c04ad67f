import { isQuiet, settle } from "./advance.judge.ts";
import { type Found, nameOfWorld } from "./advance.search.ts";
import { rules, Sin } from "./advance.world.ts";
import {
  beginClean,
  type Cleaning,
  type CleanLaw,
  type CleanWorld,
  cleanSuccessors,
  judgeLake,
  judgeRest,
} from "./clean.world.ts";

/** Two worlds of the same name have the same future. What was read by a number is named by it. */
const nameOf = ({ world, created, cleaners, left }: CleanWorld): string =>
  [
    nameOfWorld(world),
    ...created,
    ...cleaners
      .map(({ pc, seen, todo }) =>
        JSON.stringify(
          todo.length > 0 ? todo : [pc, seen.now, seen.created, seen.run?.run, pc > 2 ? seen.catalog : null],
        ),
      )
      .sort(),
    left.cleans,
    left.zombies,
  ].join(" ");

/** Every world that a scenario can come to, as `search` of advance does. */
export const searchClean = (cleaning: Cleaning, law: CleanLaw, limit = 1_000_000): Found => {
  const { scenario } = cleaning;
  const seen = new Set<string>();
  const stack = [beginClean(cleaning)];
  let settled = 0;
  try {
    while (stack.length > 0) {
      if (seen.size >= limit) return { worlds: seen.size, settled, sin: null, whole: false };
      const at = stack.pop()!;
      const name = nameOf(at);
      if (seen.has(name)) continue;
      seen.add(name);
      judgeLake(at);
      if (seen.size % 100 === 0 || isQuiet(at.world, scenario, rules)) {
        settled++;
        settle(at.world, scenario, rules);
        judgeRest(at, scenario, law);
      }
      stack.push(...cleanSuccessors(at, cleaning, law));
    }
  } catch (error) {
    if (error instanceof Sin) return { worlds: seen.size, settled, sin: error.message, whole: false };
    throw error;
  }
  return { worlds: seen.size, settled, sin: null, whole: true };
};
