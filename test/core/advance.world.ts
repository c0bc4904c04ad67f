import { type Action, decide, type Reading, readings } from "../../packages/core/advance.ts";
import type { Commit } from "../../packages/core/commit.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { type Catalog, type Facts, nothing, type Shape, type Wish } from "../../packages/core/facts.ts";
import { type Inspected, owed, plan, watched } from "../../packages/core/plan.ts";
import { pastOf, planRebuild, type Recalled } from "../../packages/core/rebuild.ts";
import type { Report } from "../../packages/core/report.ts";
import {
  attemptFolder,
  ingestDate,
  type ListedObject,
  nameOf,
  type RawObject,
  type Run,
} from "../../packages/core/run.ts";
import { done, work } from "./advance.job.ts";
import { judgeCatalog, judgeCommit } from "./advance.judge.ts";

/**
 * A world in memory for the real `decide`, `plan` and `outcome`: stores, a job, a catalog and callers as plain data, so
 * that it can be copied, compared and searched. Every step gives a new world and leaves the old one as it was.
 *
 * One caller may stall between any two of its readings and writes, and may crash; the others act round by round.
 */
export type Spec = {
  key: string;
  etag: string;
  /** Rows per unit. A rewritten object (same key, other ETag) has those of its predecessor and more. */
  rows: Record<string, string[]>;
  /** poison: the job fails on it. bad: the audit holds it. junk: no Parquet. */
  kind: "good" | "poison" | "bad" | "junk";
  /** Its notification never comes. */
  silent?: true;
};

export type Scenario = {
  name: string;
  /** In the order in which they land; the first `first` are there from the start. */
  specs: Spec[];
  first?: number;
  /**
   * What has happened already: an object landed, a caller did one thing, another stalled, the job was killed, all came to rest,
   * a person said something, time went on by so many ms.
   */
  prelude?: ("land" | "round" | "stall" | "kill" | "rest" | { rebuild: string } | { withdraw: string } | number)[];
  /** The job works in one step. */
  swift?: true;
  /** The readings after which a stalling caller may stall; all if absent. It may always stall before a write. */
  stops?: Reading[];
  /** Steps of time, in ms, in order. */
  ticks: number[];
  /** Clocks are wrong at times: an object may then lie under a closed date until its bell, or a full listing, is heard. */
  clocksErr?: true;
  /** How often the job may be killed, and how long an outage lasts: the first N attempts fail. */
  kills: number;
  outage?: number;
  /** How many stalling calls there are. */
  stalls: number;
  tables?: string[];
  /** A person accepts law `law` from the start. */
  accepted?: true;
  /** What people say, in this order, each at any moment. */
  orders?: Order[];
  /** A rebuild may be refused for good: an object lies in raw no more as it was refined. */
  blocked?: true;
  /** A rebuild of what is paused must be published all the same. */
  insists?: true;
};

/**
 * A unit to make anew, a row to withdraw, no new runs for a while, or another try of what is held. `mend`: the audit holds
 * this key no more. `damage`: what is published of a unit cannot be read any more. `delete`: somebody removes a raw object.
 */
export type Order =
  | { rebuild: string }
  | { withdraw: string }
  | { mend: string }
  | { damage: string }
  | { delete: string }
  | "pause"
  | "resume"
  | "retry";

export type Job = { id: string; run: number; at: "started" | "written" | "reported" | "ended"; reason: string | null };

export type Todo =
  | { do: "set"; table: string; partition: string; folder: string | null }
  | { do: "mark"; commit: number }
  | { do: "inspect"; objects: RawObject[] }
  | { do: "recall"; unit: string }
  | { do: "open"; run: Run }
  | { do: "start"; run: Run }
  | { do: "letters"; document: Commit }
  | { do: "commit"; document: Commit };

/** `bells`: the notifications it was called with, and may acknowledge. `wish`: what a person asked it for. */
export type Caller = { pc: number; facts: Facts; todo: Todo[]; bells: string[]; wish: Wish };

export type World = {
  now: number;
  landed: number;
  raw: Record<string, { etag: string; modified: number }>;
  runs: Run[];
  commits: Commit[];
  /** attempt → its report. */
  reports: Record<string, Report>;
  /** file → its rows. */
  lake: Record<string, string[]>;
  catalog: Catalog;
  /** The commit last said to be applied; only a mutant believes it. */
  marker: number;
  jobs: Job[];
  letters: string[];
  /** Objects (ETag, key) whose notification nobody has acknowledged yet. */
  bells: string[];
  /** What a person still asks for. */
  wish: Wish;
  paused: boolean;
  /** Rows that were withdrawn; a row is its own event. */
  withdrawn: string[];
  /** Keys that were held by an audit that was wrong, and no longer is. */
  mended: string[];
  /** Published files that nobody can read any more. */
  damaged: string[];
  staller: Caller | null;
  left: { stalls: number; kills: number; ticks: number; outage: number; orders: number };
};

/** What a mutant changes. */
export type Rules = {
  order: readonly Reading[];
  decide: typeof decide;
  plan: typeof plan;
  planRebuild: typeof planRebuild;
  pastOf: typeof pastOf;
  /** Whether the job leaves the base of a rebuild alone. */
  fromRaw: boolean;
  /** What the catalog is said to be. */
  catalog: (world: World) => Catalog;
  /** The base that a commit stands on. */
  base: (world: World, facts: Readonly<Facts>) => Commit | null;
  /** Whether the job reads an object under the run's ETag, or whatever is there. */
  byEtag: boolean;
  /** Whether an attempt looks for its commit before it works. */
  looksFirst: boolean;
  /** Whether a document that exists is left as it is. */
  conditional: boolean;
  watched: typeof watched;
  owed: typeof owed;
};

export const rules: Rules = {
  order: readings,
  decide,
  plan,
  planRebuild,
  pastOf,
  fromRaw: true,
  catalog: (world) => world.catalog,
  base: (world, { run }) => (run && run.base > 0 ? (world.commits[run.base - 1] ?? null) : null),
  byEtag: true,
  looksFirst: true,
  conditional: true,
  watched,
  owed,
};

export const START = Date.parse("2025-01-10T12:00:00Z");
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export class Sin extends Error {}
export const sin = (text: string): never => {
  throw new Sin(text);
};

export const shapeFor = (scenario: Scenario): Shape => {
  const tables = scenario.tables ?? ["t"];
  return {
    dataset: "d",
    tables,
    partitioned: Object.fromEntries(tables.map((t) => [t, true])),
    unit: "u",
    recipe: "r1",
    raw: true,
  };
};

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

export const killed = (world: World): World => ({
  ...world,
  jobs: world.jobs.map((j) => (j.at === "ended" ? j : { ...j, at: "ended", reason: "killed" })),
});

const empty = (scenario: Scenario): World => ({
  now: START,
  landed: 0,
  raw: {},
  runs: [],
  commits: [],
  reports: {},
  lake: {},
  catalog: Object.fromEntries((scenario.tables ?? ["t"]).map((t) => [t, {}])),
  marker: 0,
  jobs: [],
  letters: [],
  bells: [],
  wish: {},
  paused: false,
  withdrawn: [],
  mended: [],
  damaged: [],
  staller: null,
  left: {
    stalls: scenario.stalls,
    kills: scenario.kills,
    ticks: scenario.ticks.length,
    outage: scenario.outage ?? 0,
    orders: scenario.orders?.length ?? 0,
  },
});

export const specOf = (scenario: Scenario, object: { key: string; etag: string }): Spec => {
  const spec = scenario.specs.find((s) => s.key === object.key && s.etag === object.etag);
  return spec ?? sin(`an object that never was: ${nameOf(object)}`);
};

const listed = (world: World, key: string): ListedObject => ({ key, size: 1, ...world.raw[key]! });

const PAUSED = { at: "2025-01-10T12:00:00Z", why: "a person says so" };

/** One reading, as the real stores would answer it now. */
export const look = (
  world: World,
  scenario: Scenario,
  law: Rules,
  reading: Reading,
  before: Facts,
  named: readonly string[],
  full = false,
): Partial<Facts> => {
  const newest = world.commits.at(-1) ?? null;
  switch (reading) {
    case "clock":
      return { now: world.now };
    case "raw": {
      const byName = new Set([...named, ...law.watched(newest)]);
      const inRuns = new Set(world.runs.flatMap((run) => [...run.objects, ...run.rejects].map(nameOf)));
      const objects = Object.keys(world.raw)
        .filter((key) => full || !newest?.through || (ingestDate(key) ?? "") > newest.through || byName.has(key))
        .map((key) => listed(world, key));
      return {
        raw: objects.map((o) => (byName.has(o.key) || (full && !inRuns.has(nameOf(o))) ? { ...o, named: true } : o)),
        listed: world.commits.length,
        accepted: scenario.accepted ? [{ law: "law", session: null, origin: null }] : [],
      };
    }
    case "catalog":
      return { catalog: law.catalog(world) };
    case "run":
      return { run: world.runs.at(-1) ?? null };
    case "attempts":
      return {
        attempts: world.jobs
          .filter((j) => j.run === world.runs.length)
          .map((j) => ({ id: j.id, ended: j.at === "ended", reason: j.reason })),
      };
    case "submissions": {
      const n = world.runs.length;
      return {
        submissions: Object.entries(world.reports)
          .filter(([, report]) => report.run === n)
          .map(([attempt, report]) => ({ attempt, report, files: filesOf(world, scenario, n, attempt) })),
      };
    }
    case "commit": {
      const facts = { ...before, commit: newest };
      return { commit: newest, base: law.base(world, facts) };
    }
    case "orders":
      return { paused: world.paused ? PAUSED : null, withdrawn: world.withdrawn };
  }
};

const filesOf = (world: World, scenario: Scenario, run: number, attempt: string): Record<string, number> =>
  Object.fromEntries(
    shapeFor(scenario).tables.flatMap((table) =>
      Object.entries(world.lake)
        .filter(([key]) => key.startsWith(attemptFolder(table, run, attempt)))
        .map(([key, rows]) => [key, rows.length]),
    ),
  );

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
