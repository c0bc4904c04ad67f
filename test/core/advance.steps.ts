import type { Action } from "../../packages/core/advance.ts";
import type { Commit } from "../../packages/core/commit.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { type Facts, nothing, type Wish } from "../../packages/core/facts.ts";
import type { Inspected } from "../../packages/core/plan.ts";
import type { Recalled } from "../../packages/core/rebuild.ts";
import { nameOf, type RawObject } from "../../packages/core/run.ts";
import { done, work } from "./advance.job.ts";
import { judgeCatalog, judgeCommit } from "./advance.judge.ts";
import {
  type Caller,
  empty,
  type Job,
  killed,
  look,
  type Order,
  type Rules,
  type Scenario,
  shapeFor,
  sin,
  specOf,
  type Todo,
  type World,
} from "./advance.world.ts";

// What callers, the job and people do in a world, step by step; each gives a new world.

export const begin = (scenario: Scenario, law: Rules): World => {
  let world = empty(scenario);
  for (let n = 0; n < (scenario.first ?? 0); n++) world = land(world, scenario);
  for (const event of scenario.prelude ?? []) {
    if (event === "land") world = land(world, scenario);
    else if (event === "round") world = round(world, scenario, law).world;
    else if (event === "stall") world = stall(world, scenario, law, arriving(world));
    else if (typeof event === "object") world = order(world, event);
    else if (event === "kill") world = killed(world);
    else if (event === "rest") {
      for (let at = { world, rested: false }; !at.rested; world = at.world) {
        at = round(at.world, scenario, law);
        const job = at.world.jobs.find((j) => j.at !== "ended");
        if (job) at = { world: done(at.world, scenario, law, job), rested: false };
      }
    } else world = { ...world, now: world.now + event };
  }
  return world;
};

/** The writes that an action comes to; null at rest. */
export const toDo = (action: Action, facts: Facts): Todo[] | null => {
  switch (action.do) {
    case "rest":
      return null;
    case "apply": {
      const { tables, commit } = action.commit;
      const writes: Todo[] = Object.entries(tables).flatMap(([table, partitions]) =>
        Object.entries(partitions)
          .filter(([partition, entry]) => facts.catalog[table]?.[partition] !== entry.folder)
          .map(([partition, { folder }]): Todo => ({ do: "set", table, partition, folder })),
      );
      const extra = Object.entries(facts.catalog).flatMap(([table, partitions]) =>
        Object.keys(partitions)
          .filter((partition) => !tables[table]?.[partition])
          .map((partition): Todo => ({ do: "set", table, partition, folder: null })),
      );
      return [...writes, ...extra, { do: "mark", commit }];
    }
    case "commit":
      return [
        { do: "letters", document: action.document },
        { do: "commit", document: action.document },
      ];
    case "start":
      return [{ do: "start", run: action.run }];
    case "open":
      return action.rebuild
        ? action.rebuild.map((unit) => ({ do: "recall", unit }))
        : [{ do: "inspect", objects: action.objects }];
  }
};

/** What runs and commits up to this one say, and what lies in raw now. */
export const recallIn = (world: World, law: Rules, commit: Commit | null): Recalled => ({
  past: world.commits.slice(0, commit?.commit ?? 0).map((c, n) => law.pastOf(world.runs[n]!, c)),
  there: new Map(Object.entries(world.raw).map(([key, { etag }]) => [key, etag])),
});

/** One write. `refused`: the job is busy, or a rebuild must wait or cannot be, and the caller rests. */
export const write = (
  world: World,
  scenario: Scenario,
  law: Rules,
  todo: Todo,
  facts: Facts,
): { world: World; todo: Todo[]; refused?: true } => {
  switch (todo.do) {
    case "set": {
      const { [todo.partition]: _, ...others } = world.catalog[todo.table] ?? {};
      const partitions = todo.folder === null ? others : { ...others, [todo.partition]: todo.folder };
      return { world: { ...world, catalog: { ...world.catalog, [todo.table]: sorted(partitions) } }, todo: [] };
    }
    case "mark":
      return { world: { ...world, marker: todo.commit }, todo: [] };
    case "inspect": {
      const run = law.plan(
        facts,
        todo.objects.map((o) => inspectIn(world, scenario, o)),
        shapeFor(scenario),
        null,
      );
      return { world, todo: run ? [{ do: "open", run }] : [] };
    }
    case "recall": {
      try {
        const planned = law.planRebuild(facts, recallIn(world, law, facts.commit), shapeFor(scenario), todo.unit);
        if (planned.is === "run") return { world, todo: [{ do: "open", run: planned.run }] };
        return { world, todo: [], refused: true };
      } catch (error) {
        if (!(error instanceof PregaoError)) throw error;
        // Asked for before anything was refined into the unit, it is answered so.
        if (!scenario.blocked && !error.message.includes("came none")) sin(error.message);
        return { world, todo: [], refused: true };
      }
    }
    case "open": {
      const { run } = todo;
      if (facts.paused && !run.rebuild) sin(`run ${run.run} was opened by one who knew of the pause`);
      const there = world.runs[run.run - 1];
      if (there && law.conditional) return { world, todo: [] };
      if (there && JSON.stringify(there) !== JSON.stringify(run)) sin(`run ${run.run} was changed`);
      if (world.commits.length < run.base) sin(`run ${run.run} opened without commit ${run.base}`);
      const runs = [...world.runs];
      runs[run.run - 1] = run;
      return { world: { ...world, runs }, todo: [] };
    }
    case "start": {
      if (world.jobs.some((j) => j.at !== "ended")) return { world, todo: [], refused: true };
      const job: Job = { id: `a${world.jobs.length + 1}`, run: todo.run.run, at: "started", reason: null };
      return { world: { ...world, jobs: [...world.jobs, job] }, todo: [] };
    }
    case "letters": {
      const letters = [...new Set([...world.letters, ...todo.document.rejected.map(nameOf)])].sort();
      return { world: { ...world, letters }, todo: [] };
    }
    case "commit": {
      const { document } = todo;
      const there = world.commits[document.commit - 1];
      if (there && law.conditional) return { world, todo: [] };
      if (there && JSON.stringify(there) !== JSON.stringify(document)) sin(`commit ${document.commit} was changed`);
      if (world.runs.length < document.commit) sin(`commit ${document.commit} without its run`);
      const commits = [...world.commits];
      commits[document.commit - 1] = document;
      const after = { ...world, commits };
      const attempts = world.jobs.filter((j) => j.run === document.commit);
      if (document.status === "failed" && attempts.every((j) => world.reports[j.id]))
        sin(`run ${document.commit} was done and is called failed`);
      judgeCommit(after, scenario, document);
      return { world: after, todo: [] };
    }
  }
};

export const sorted = (record: Record<string, string>) =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

export const inspectIn = (world: World, scenario: Scenario, object: RawObject): Inspected => {
  if (world.raw[object.key]?.etag !== object.etag) return { object, is: "gone" };
  const spec = specOf(scenario, object);
  if (spec.kind === "junk") return { object, is: "rejected", reason: "not_parquet", message: "junk" };
  return { object, is: "sound", units: Object.keys(spec.rows) };
};

/** A caller's next step: a reading, the decision, or a write. Null when it has come to rest. */
const step = (
  world: World,
  scenario: Scenario,
  law: Rules,
  caller: Caller,
  full = false,
): { world: World; caller: Caller | null } => {
  const reading = law.order[caller.pc];
  if (reading) {
    const facts = { ...caller.facts, ...look(world, scenario, law, reading, caller.facts, keysOf(caller.bells), full) };
    if (caller.pc + 1 < law.order.length) return { world, caller: { ...caller, pc: caller.pc + 1, facts } };
    // Deciding is part of the last reading: nothing happens between them that the decision could see.
    const todo = toDo(law.decide(facts, shapeFor(scenario), caller.wish), facts);
    if (todo) return { world, caller: { ...caller, pc: caller.pc + 1, facts, todo } };
    return { world: acknowledge(world, law, caller, facts), caller: null };
  }
  const [todo, ...others] = caller.todo;
  if (!todo) return { world, caller: again(caller) };
  const done = write(world, scenario, law, todo, caller.facts);
  if (done.refused) return { world: acknowledge(done.world, law, caller, caller.facts), caller: null };
  const rest = [...done.todo, ...others];
  const granted = todo.do === "open" && todo.run.rebuild && done.world !== world;
  const next = granted ? { ...caller, wish: { ...caller.wish, rebuild: caller.wish.rebuild?.slice(1) ?? [] } } : caller;
  return { world: done.world, caller: rest.length > 0 ? { ...next, todo: rest } : again(next) };
};

export const isWish = ({ rebuild = [], retryHeld }: Wish): boolean => rebuild.length > 0 || retryHeld !== undefined;

export const arriving = (world: World, wish: Wish = {}): Caller => ({
  pc: 0,
  facts: nothing,
  todo: [],
  bells: world.bells,
  wish,
});
const again = (caller: Caller): Caller => ({ ...caller, pc: 0, facts: nothing, todo: [] });

const keysOf = (bells: readonly string[]): string[] => bells.map((bell) => bell.slice(bell.indexOf(" ") + 1));

const acknowledge = (world: World, law: Rules, caller: Caller, facts: Facts): World => {
  const still = law.owed(facts, keysOf(caller.bells));
  const heard = caller.bells.filter((bell) => !still.some((key) => bell.endsWith(` ${key}`)));
  return heard.length > 0 ? { ...world, bells: world.bells.filter((bell) => !heard.includes(bell)) } : world;
};

/** A whole round of another caller: readings, decision and writes without a stop. `wish`: it is a person's. */
export const round = (
  world: World,
  scenario: Scenario,
  law: Rules,
  full = false,
  wish: Wish = {},
): { world: World; rested: boolean } => {
  let at: { world: World; caller: Caller | null } = { world, caller: arriving(world, wish) };
  do {
    at = step(at.world, scenario, law, at.caller!, full);
  } while (at.caller && !(at.caller.pc === 0 && at.caller.todo.length === 0));
  if (at.caller && isWish(wish)) at = { ...at, world: { ...at.world, wish: at.caller.wish } };
  if (at.caller) return { world: at.world, rested: false };
  // With nothing left to do, it was tried again.
  if (wish.retryHeld !== undefined && at.world.runs.length === at.world.commits.length) {
    const { retryHeld: _, ...others } = at.world.wish;
    at = { ...at, world: { ...at.world, wish: others } };
  }
  judgeCatalog(at.world, scenario);
  return { world: at.world, rested: true };
};

export const land = (world: World, scenario: Scenario): World => {
  const spec = scenario.specs[world.landed]!;
  return {
    ...world,
    landed: world.landed + 1,
    raw: { ...world.raw, [spec.key]: { etag: spec.etag, modified: world.now } },
    bells: spec.silent ? world.bells : [...world.bells, nameOf(spec)].sort(),
  };
};

const filesOfUnit = (world: World, unit: string): string[] =>
  Object.values(world.commits.at(-1)?.tables ?? {}).flatMap((partitions) =>
    (partitions[`u=${unit}`]?.files ?? []).map(({ name }) => partitions[`u=${unit}`]!.folder + name),
  );

export const order = (world: World, said: Order): World => {
  if (said === "pause" || said === "resume") return { ...world, paused: said === "pause" };
  if (said === "retry") return { ...world, wish: { ...world.wish, retryHeld: world.commits.length } };
  if ("mend" in said) return { ...world, mended: [...world.mended, said.mend] };
  if ("damage" in said) return { ...world, damaged: [...world.damaged, ...filesOfUnit(world, said.damage)] };
  if ("delete" in said) {
    const { [said.delete]: _, ...raw } = world.raw;
    return { ...world, raw };
  }
  if ("rebuild" in said)
    return { ...world, wish: { ...world.wish, rebuild: [...(world.wish.rebuild ?? []), said.rebuild] } };
  return { ...world, withdrawn: [...new Set([...world.withdrawn, said.withdraw])].sort() };
};

/** The stalling caller goes on to where it may stall next. */
export const stall = (world: World, scenario: Scenario, law: Rules, caller: Caller): World => {
  let at: { world: World; caller: Caller | null } = { world, caller };
  do {
    at = step(at.world, scenario, law, at.caller!);
  } while (
    at.caller &&
    at.caller.pc < law.order.length &&
    // Where nobody orders anything, that reading tells nothing.
    ((law.order[at.caller.pc] === "orders" && !scenario.orders) ||
      (scenario.stops && !scenario.stops.includes(law.order[at.caller.pc - 1]!)))
  );
  return { ...at.world, staller: at.caller };
};

/** Everything that can happen now. */
export const successors = (world: World, scenario: Scenario, law: Rules): World[] => {
  const next: World[] = [];
  const { left, staller } = world;
  next.push(round(world, scenario, law).world);
  if (isWish(world.wish)) next.push(round(world, scenario, law, false, world.wish).world);
  if (staller) {
    next.push(stall(world, scenario, law, staller));
    // A crash matters only between writes: before the first, it is a caller that never was.
    if (staller.todo.length > 0) next.push({ ...world, staller: null });
  } else if (left.stalls > 0) {
    next.push(
      stall({ ...world, left: { ...left, stalls: left.stalls - 1 } }, scenario, law, arriving(world, world.wish)),
    );
  }
  for (const job of world.jobs) {
    if (job.at === "ended") continue;
    next.push(scenario.swift ? done(world, scenario, law, job) : work(world, scenario, law, job));
    if (left.kills > 0)
      next.push({
        ...world,
        left: { ...left, kills: left.kills - 1 },
        jobs: world.jobs.map((j) => (j.id === job.id ? { ...j, at: "ended", reason: "killed" } : j)),
      });
  }
  if (world.landed < scenario.specs.length) next.push(land(world, scenario));
  const said = scenario.orders?.at(-left.orders);
  if (left.orders > 0 && said) next.push(order({ ...world, left: { ...left, orders: left.orders - 1 } }, said));
  if (left.ticks > 0)
    next.push({
      ...world,
      now: world.now + scenario.ticks[scenario.ticks.length - left.ticks]!,
      left: { ...left, ticks: left.ticks - 1 },
    });
  return next;
};
