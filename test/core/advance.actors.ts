import { advance, type Eyes, type Hands, type Rested } from "../../packages/core/advance.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import type { Facts } from "../../packages/core/facts.ts";
import { nameOf } from "../../packages/core/run.ts";
import { work } from "./advance.job.ts";
import { begin, inspectIn, land, order, recallIn, toDo, write } from "./advance.steps.ts";
import {
  killed,
  look,
  type Order,
  type Rules,
  type Scenario,
  shapeFor,
  sin,
  type Todo,
  type World,
} from "./advance.world.ts";

class Crash extends Error {}

type Actor = {
  bells: string[];
  /** What it waits at; null while it goes on. */
  gate: { go: () => void; die: () => void } | null;
  /** Called when it has come to its next gate, or to its end. */
  arrived: () => void;
  end: "rest" | "crash" | null;
};

/** More rounds than any call here needs when each does something. */
const ROUNDS = 60;

/**
 * The real `advance` over the world in memory: any number of calls at once, each of which waits before and after every
 * reading and every single write until it is told to go on, or dies there: an answer that never came.
 */
export const theatre = (scenario: Scenario, law: Rules) => {
  let world = begin(scenario, law);
  const actors: Actor[] = [];
  const shape = shapeFor(scenario);

  /** `wish`: units that this call is to have rebuilt. */
  const call = (wish: string[] = []): Actor => {
    const actor: Actor = { bells: world.bells, gate: null, arrived: () => {}, end: null };
    const wait = () =>
      new Promise<void>((resolve, reject) => {
        actor.gate = { go: resolve, die: () => reject(new Crash()) };
        actor.arrived();
      });
    const keys = actor.bells.map((bell) => bell.slice(bell.indexOf(" ") + 1));
    let facts: Facts | undefined;
    const eyes = Object.fromEntries(
      law.order.map((reading) => [
        reading,
        async (before: Facts) => {
          await wait();
          const seen = look(world, scenario, law, reading, before, keys);
          facts = { ...before, ...seen };
          return seen;
        },
      ]),
    ) as Eyes;
    const writing = async (todo: Todo): Promise<ReturnType<typeof write>> => {
      await wait();
      const done = write(world, scenario, law, todo, facts!);
      world = done.world;
      await wait();
      return done;
    };
    const hands: Hands = {
      apply: async (commit) => {
        for (const todo of toDo({ do: "apply", commit }, facts!) ?? []) await writing(todo);
      },
      gather: wait,
      inspect: async (objects) => {
        await wait();
        return objects.map((o) => inspectIn(world, scenario, o));
      },
      recall: async (commit) => {
        await wait();
        return recallIn(world, law, commit);
      },
      open: async (run) => {
        const mine = world.runs.length < run.run;
        await writing({ do: "open", run });
        return mine ? "created" : "lost";
      },
      start: async (run) => ((await writing({ do: "start", run })).refused ? "refused" : "started"),
      commit: async (document) => {
        await writing({ do: "letters", document });
        const mine = world.commits.length < document.commit;
        await writing({ do: "commit", document });
        return mine ? "created" : "lost";
      },
    };
    const ended = (end: Actor["end"]) => {
      actor.end = end;
      actor.arrived();
    };
    advance(eyes, hands, shape, {
      until: Number.POSITIVE_INFINITY,
      now: () => world.now,
      note: () => {},
      named: keys,
      wish: { rebuild: wish },
    }).then(
      (rested: Rested) => {
        if (!rested.rested || rested.rounds > ROUNDS) failure ??= new Error(`no rest after ${rested.rounds} rounds`);
        const heard = actor.bells.filter((bell) => !rested.owed.some((key) => bell.endsWith(` ${key}`)));
        world = { ...world, bells: world.bells.filter((bell) => !heard.includes(bell)) };
        ended("rest");
      },
      (error: unknown) => {
        // Asked for before anything was refined into its unit, or while it cannot be, a rebuild is answered so.
        const answered =
          error instanceof PregaoError &&
          error.code === "rebuild" &&
          (scenario.blocked || error.message.includes("came none"));
        if (!(error instanceof Crash || answered)) failure ??= error;
        ended("crash");
      },
    );
    actors.push(actor);
    return actor;
  };
  let failure: unknown;

  /** Lets an actor go on to its next gate. */
  const move = async (actor: Actor, how: "go" | "die"): Promise<void> => {
    const { gate } = actor;
    if (!gate || actor.end) return;
    actor.gate = null;
    const there = new Promise<void>((resolve) => {
      actor.arrived = resolve;
    });
    gate[how]();
    await there;
    if (failure) throw failure;
  };

  return {
    get world() {
      return world;
    },
    set world(next: World) {
      world = next;
    },
    alive: () => actors.filter((a) => !a.end),
    call,
    move,
    land: () => {
      if (world.landed < scenario.specs.length) world = land(world, scenario);
    },
    /** The bell of an object that has landed rings once more, however long ago it was settled. */
    ring: (n: number) => {
      const spec = scenario.specs[n];
      if (spec && n < world.landed) world = { ...world, bells: [...new Set([...world.bells, nameOf(spec)])].sort() };
    },
    order: (said: Order) => {
      world = order(world, said);
    },
    tick: (ms: number) => {
      world = { ...world, now: world.now + ms };
    },
    work: () => {
      const job = world.jobs.find((j) => j.at !== "ended");
      if (job) world = work(world, scenario, law, job);
    },
    kill: () => {
      world = killed(world);
    },
    /** Every call goes on to its end. */
    async drain() {
      for (let steps = 0; actors.some((a) => !a.end); steps++) {
        if (steps > 100_000) sin("a call does not come to its end");
        for (const actor of actors) await move(actor, "go");
      }
    },
  };
};
