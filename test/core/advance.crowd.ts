import { nameOf } from "../../packages/core/run.ts";
import { done, work } from "./advance.job.ts";
import { arriving, begin, land, order, stall } from "./advance.steps.ts";
import { type Caller, killed, type Order, type Rules, type Scenario, type World } from "./advance.world.ts";

/** Any number of callers over one world, each of which stalls between any two of its readings and writes. */
export const crowd = (scenario: Scenario, law: Rules) => {
  let world = begin(scenario, law);
  let callers: Caller[] = [];

  /** The caller does its next step; it is gone once it has come to rest. */
  const step = (n: number): boolean => {
    const caller = callers[n];
    if (!caller) return false;
    const { staller, ...after } = stall({ ...world, staller: null }, scenario, law, caller);
    world = { ...after, staller: null };
    callers = staller ? callers.with(n, staller) : callers.toSpliced(n, 1);
    return staller !== null;
  };
  const at = (n: number) => n % Math.max(1, callers.length);

  return {
    get world(): World {
      return world;
    },
    callers: () => callers.length,
    call: (wish: string[]) => {
      callers = [...callers, arriving(world, { rebuild: wish })];
    },
    go: (who: number, steps: number) => {
      const n = at(who);
      for (let left = steps; left > 0 && step(n); left--);
    },
    cut: (who: number) => {
      callers = callers.filter((_, n) => n !== at(who));
    },
    /** A request that is sent twice: what was read and decided is done by two. */
    repeat: (who: number) => {
      const caller = callers[at(who)];
      if (caller) callers = [...callers, caller];
    },
    /** What one call writes into the catalog comes in another order. */
    reorder: (who: number) => {
      const n = at(who);
      const caller = callers[n];
      if (caller?.todo.every((t) => t.do === "set" || t.do === "mark")) {
        const sets = caller.todo.filter((t) => t.do === "set").reverse();
        callers = callers.with(n, { ...caller, todo: [...sets, ...caller.todo.filter((t) => t.do === "mark")] });
      }
    },
    land: () => {
      if (world.landed < scenario.specs.length) world = land(world, scenario);
    },
    ring: (n: number) => {
      const spec = scenario.specs[n];
      if (spec && n < world.landed) world = { ...world, bells: [...new Set([...world.bells, nameOf(spec)])].sort() };
    },
    say: (said: Order) => {
      world = order(world, said);
    },
    tick: (ms: number) => {
      world = { ...world, now: world.now + ms };
    },
    work: (steps: number) => {
      const job = world.jobs.find((j) => j.at !== "ended");
      if (job && steps > 2) world = done(world, scenario, law, job);
      else if (job) world = work(world, scenario, law, job);
    },
    kill: () => {
      world = killed(world);
    },
    drain: () => {
      for (let n = 0; callers.length > 0; n++) step(at(n));
    },
  };
};
