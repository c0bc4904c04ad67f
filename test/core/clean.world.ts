import { ruleOf, weekOld } from "../../packages/core/clean.ts";
import type { Commit } from "../../packages/core/commit.ts";
import type { Catalog } from "../../packages/core/facts.ts";
import { attemptFolder, type Run } from "../../packages/core/run.ts";
import { work } from "./advance.job.ts";
import { begin, land, round, successors } from "./advance.steps.ts";
import { DAY, rules, type Scenario, shapeFor, sin, type World } from "./advance.world.ts";

/** A world of `advance` with cleaners in it. Its clocks are right; a commit's own `at` may be a stalled caller's. */
export type CleanWorld = {
  world: World;
  /** When the store made each commit. */
  created: number[];
  /** Each may stall between any two of its readings and deletes. */
  cleaners: Cleaner[];
  left: { cleans: number; zombies: number };
};

export type Cleaning = {
  name: string;
  scenario: Scenario;
  /** Calls of a cleaner, of which so many at once may stall. */
  cleans: number;
  stalling: number;
  /** Objects that are published at the start, each by a run of its own. */
  published?: number;
  /** Attempts that were given up and write all the same. */
  zombies?: number;
};

/** What a cleaner has read, in this order. */
export type Seen = {
  now: number;
  created: number[];
  commits: Commit[];
  run: Run | null;
  catalog: Catalog;
  files: string[];
};

export type Cleaner = { pc: number; seen: Seen; todo: string[] };

/** Which files may go. */
export type CleanLaw = (seen: Seen, scenario: Scenario) => string[];

export const cleanLaw: CleanLaw = ({ now, created, commits, run, catalog, files }, scenario) => {
  let old = 0;
  for (let commit = commits.length; commit > 0; commit--)
    old = weekOld(old, { commit, modified: created[commit - 1]! }, now);
  const rule = ruleOf({ old: commits[old - 1] ?? null, newest: commits.at(-1) ?? null, run, catalog });
  return files.filter((key) =>
    shapeFor(scenario).tables.some((t) => rule.attempt(t, attemptOf(key)).goes && rule.file(key).goes),
  );
};

export const attemptOf = (key: string): string => key.split("/").slice(0, 3).join("/").concat("/");

const looks: ((at: CleanWorld) => Partial<Seen>)[] = [
  ({ world, created }) => ({ now: world.now, created, commits: world.commits }),
  ({ world }) => ({ run: world.runs.at(-1) ?? null }),
  ({ world }) => ({ catalog: world.catalog }),
  ({ world }) => ({ files: Object.keys(world.lake).sort() }),
];

const fresh: Cleaner = {
  pc: 0,
  seen: { now: 0, created: [], commits: [], run: null, catalog: {}, files: [] },
  todo: [],
};

/** A cleaner's next step: a reading (the last one decides) or a delete; null when it has ended. */
const step = (
  at: CleanWorld,
  scenario: Scenario,
  law: CleanLaw,
  cleaner: Cleaner,
): { at: CleanWorld; cleaner: Cleaner | null } => {
  const look = looks[cleaner.pc];
  if (look) {
    const seen = { ...cleaner.seen, ...look(at) };
    const pc = cleaner.pc + 1;
    const todo = pc === looks.length ? law(seen, scenario) : [];
    return { at, cleaner: pc === looks.length && todo.length === 0 ? null : { pc, seen, todo } };
  }
  const [key = "", ...todo] = cleaner.todo;
  const { [key]: _, ...lake } = at.world.lake;
  return { at: { ...at, world: { ...at.world, lake } }, cleaner: todo.length > 0 ? { ...cleaner, todo } : null };
};

/** A whole call that nobody disturbs: it leaves readers what the catalog shows them. */
export const cleanWhole = (at: CleanWorld, scenario: Scenario, law: CleanLaw): CleanWorld => {
  let now: { at: CleanWorld; cleaner: Cleaner | null } = { at, cleaner: fresh };
  while (now.cleaner) now = step(now.at, scenario, law, now.cleaner);
  const shown = Object.values(at.world.catalog).flatMap((partitions) => Object.values(partitions));
  for (const key of Object.keys(at.world.lake))
    if (!(key in now.at.world.lake) && shown.some((folder) => key.startsWith(folder)))
      sin(`${key} is in the catalog, and gone`);
  return now.at;
};

export const beginClean = ({ scenario, cleans, published = 0, zombies = 0 }: Cleaning): CleanWorld => {
  let world = begin(scenario, rules);
  for (let n = 0; n < published; n++) world = quiet(land(world, scenario), scenario);
  return { world, created: world.commits.map(() => world.now), cleaners: [], left: { cleans, zombies } };
};

/** Until nothing happens any more. */
const quiet = (at: World, scenario: Scenario): World => {
  let world: World = { ...at, staller: null };
  for (let rounds = 0; rounds < 1000; rounds++) {
    const done = round(world, scenario, rules);
    world = done.world;
    const job = world.jobs.find((j) => j.at !== "ended");
    if (job) world = work(world, scenario, rules, job);
    else if (done.rested) return world;
  }
  return sin("no rest after 1000 rounds");
};

/** What `advance`, the job and the hours make of it. */
const went = (at: CleanWorld, world: World): CleanWorld => ({
  ...at,
  world,
  created: [...at.created, ...world.commits.slice(at.created.length).map(() => world.now)],
});

export const cleanSuccessors = (at: CleanWorld, { scenario, stalling }: Cleaning, law: CleanLaw): CleanWorld[] => {
  const next = successors(at.world, scenario, rules).map((world) => went(at, world));
  if (at.left.cleans > 0) {
    const left = { ...at.left, cleans: at.left.cleans - 1 };
    next.push(cleanWhole({ ...at, left }, scenario, law));
    if (at.cleaners.length < stalling) {
      const first = step({ ...at, left }, scenario, law, fresh);
      next.push({ ...first.at, cleaners: [...at.cleaners, first.cleaner!] });
    }
  }
  at.cleaners.forEach((cleaner, index) => {
    const done = step(at, scenario, law, cleaner);
    const others = at.cleaners.toSpliced(index, 1);
    next.push({ ...done.at, cleaners: done.cleaner ? [...others, done.cleaner] : others });
    // Its time ran out, or its delete failed half way.
    if (cleaner.todo.length > 0) next.push({ ...at, cleaners: others });
  });
  // An attempt that was given up goes on writing, where and when it likes; of a report there is no more.
  if (at.left.zombies > 0)
    for (const job of at.world.jobs)
      if (job.reason === "killed" && !at.world.reports[job.id]) {
        const left = { ...at.left, zombies: at.left.zombies - 1 };
        const written = shapeFor(scenario).tables.flatMap((table) =>
          at.world.runs[job.run - 1]!.units.map((unit) => [
            `${attemptFolder(table, job.run, job.id)}u=${unit}/f`,
            ["zombie"],
          ]),
        );
        next.push({ ...at, left, world: { ...at.world, lake: { ...at.world.lake, ...Object.fromEntries(written) } } });
      }
  return next;
};

const filesOf = (commit: Commit): string[] =>
  Object.values(commit.tables).flatMap((partitions) =>
    Object.values(partitions).flatMap((entry) => entry.files.map((file) => entry.folder + file.name)),
  );

/** What every commit names that was the newest at any moment of the last 7 days is there. */
export const judgeLake = ({ world, created }: CleanWorld): void => {
  for (const [index, commit] of world.commits.entries()) {
    const until = created[index + 1] ?? world.now;
    if (until < world.now - 7 * DAY) continue;
    for (const key of filesOf(commit))
      if (!world.lake[key]) sin(`commit ${commit.commit} names ${key}, and it is gone`);
  }
};

/** Once nothing more happens and 8 days have passed, the lake holds what the newest commit names, and nothing else. */
export const judgeRest = (at: CleanWorld, scenario: Scenario, law: CleanLaw): void => {
  const world = quiet(at.world, scenario);
  const rested = went({ ...at, cleaners: [] }, world);
  const end = cleanWhole({ ...rested, world: { ...world, now: world.now + 8 * DAY } }, scenario, law);
  const newest = end.world.commits.at(-1);
  const wanted = newest ? filesOf(newest).sort() : [];
  const found = Object.keys(end.world.lake).sort();
  if (newest && JSON.stringify(found) !== JSON.stringify(wanted))
    sin(`after 8 quiet days: expected ${wanted.join(" ")}, found ${found.join(" ")}`);
};
