import { expect, test } from "vitest";
import { larger, slower } from "./advance.scenarios.ts";
import { search } from "./advance.search.ts";
import { rules } from "./advance.world.ts";

/** As many worlds as memory bears; each scenario is whole below it. */
const WORLDS = 2_000_000;

for (const scenario of [...slower, ...Object.values(larger)])
  test(`no order of steps loses, doubles or blocks anything: ${scenario.name}`, () => {
    const found = search(scenario, rules, WORLDS);
    console.log(`${scenario.name}: ${found.worlds} worlds, ${found.settled} lived to their end`);
    expect(found.sin).toBeNull();
    expect(found.whole).toBe(true);
  });
