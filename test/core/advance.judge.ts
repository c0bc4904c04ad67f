import { type Commit, isSettled, recentNames } from "../../packages/core/commit.ts";
import { nameObject, nameOf, type RawObject } from "../../packages/core/run.ts";
import { work } from "./advance.job.ts";
import {
  HOUR,
  land,
  type Rules,
  round,
  type Scenario,
  shapeFor,
  sin,
  sorted,
  specOf,
  type World,
} from "./advance.world.ts";

/** The rows of a table at a commit. */
const rowsAt = (world: World, commit: Commit, table: string): Set<string> =>
  new Set(
    Object.values(commit.tables[table] ?? {}).flatMap((e) =>
      e.files.flatMap((f) => world.lake[e.folder + f.name] ?? sin(`${e.folder} is named, and gone`)),
    ),
  );

/**
 * Whether somebody will still look at an object whose date is closed: a bell rings for it, the commit has it waiting by
 * name, or its bell was lost and a full listing is to find it.
 */
const isAwaited = (world: World, scenario: Scenario, commit: Commit, object: RawObject): boolean => {
  const name = nameOf(object);
  if (recentNames(commit).has(name)) return false;
  const waiting = [...commit.late, ...commit.held, ...commit.failed, ...commit.next].filter((o) => o.late);
  return (
    world.bells.includes(name) || waiting.some((o) => nameOf(o) === name) || Boolean(specOf(scenario, object).silent)
  );
};

/** What a commit says must be so. */
export const judgeCommit = (world: World, scenario: Scenario, commit: Commit): void => {
  for (const r of commit.rejected) {
    const { kind } = specOf(scenario, r);
    if (!world.letters.includes(nameOf(r))) sin(`${nameOf(r)} rejected without a dead letter`);
    if (kind === "good" || kind === "bad") sin(`a good object was rejected: ${nameOf(r)}`);
  }
  const rejected = new Set(world.commits.flatMap((c) => c.rejected.map(nameOf)));
  for (const table of shapeFor(scenario).tables) {
    const there = rowsAt(world, commit, table);
    for (const [key, { etag, modified }] of Object.entries(world.raw)) {
      const object = nameObject({ key, etag, modified, size: 1 });
      if (!isSettled(commit, object) || rejected.has(nameOf(object))) continue;
      if (scenario.clocksErr && isAwaited(world, scenario, commit, object)) continue;
      for (const row of Object.values(specOf(scenario, object).rows).flat())
        if (!there.has(row))
          sin(`commit ${commit.commit}: ${row} of ${nameOf(object)} counts as settled and is not in ${table}`);
    }
    const before = world.commits[commit.commit - 2]?.tables[table] ?? {};
    for (const entry of Object.values(before))
      for (const row of entry.files.flatMap((f) => world.lake[entry.folder + f.name] ?? []))
        if (!there.has(row)) sin(`commit ${commit.commit}: ${row} was published and is gone from ${table}`);
  }
};

/** A caller that nobody disturbed has come to rest: readers see the newest commit. */
export const judgeCatalog = (world: World, scenario: Scenario): void => {
  const newest = world.commits.at(-1);
  if (!newest) return;
  for (const table of shapeFor(scenario).tables) {
    const wanted = sorted(
      Object.fromEntries(Object.entries(newest.tables[table] ?? {}).map(([p, e]) => [p, e.folder])),
    );
    if (JSON.stringify(wanted) !== JSON.stringify(world.catalog[table]))
      sin(`at rest, and the catalog of ${table} is not at commit ${newest.commit}`);
  }
};

/** Whether nothing can happen any more but time. */
export const isQuiet = (world: World, scenario: Scenario, law: Rules): boolean =>
  world.landed === scenario.specs.length &&
  !world.staller &&
  world.jobs.every((j) => j.at === "ended") &&
  round(world, scenario, law).rested;

/** More runs than any scenario here needs, at one hour, when each is opened for a reason. */
const RUNS = 40;

/**
 * Lets everything come to its end with one undisturbed caller, time going on, and then says what must be so: every good
 * row is published, every bad object is where a person finds it, and no run follows the last.
 */
export const settle = (world: World, scenario: Scenario, law: Rules): void => {
  let at: World = { ...world, staller: null };
  while (at.landed < scenario.specs.length) at = land(at, scenario);
  const silent = scenario.specs.some((s) => s.silent);
  const quiet = () => {
    const before = at.runs.length;
    for (let rounds = 0; ; rounds++) {
      const done = round(at, scenario, law, silent);
      at = done.world;
      const job = at.jobs.find((j) => j.at !== "ended");
      if (job) at = work(at, scenario, law, job);
      else if (done.rested) return;
      if (rounds > 1000) sin("no rest after 1000 rounds");
      if (at.runs.length - before > RUNS) sin(`run after run without end: ${at.runs.length - before}`);
    }
  };
  quiet();
  for (let hours = 0; hours < 12; hours++) {
    at = { ...at, now: at.now + HOUR };
    quiet();
  }
  const last = at.commits.at(-1);
  for (const [key, { etag, modified }] of Object.entries(at.raw)) {
    const object = nameObject({ key, etag, modified, size: 1 });
    const { kind } = specOf(scenario, object);
    const settled = isSettled(last ?? null, object);
    const waits = (list: RawObject[] | undefined) => list?.some((o) => nameOf(o) === nameOf(object)) ?? false;
    if (kind === "good" && !settled) sin(`${nameOf(object)} was never published`);
    if (kind === "good")
      for (const table of shapeFor(scenario).tables)
        for (const row of Object.values(specOf(scenario, object).rows).flat())
          if (!last || !rowsAt(at, last, table).has(row)) sin(`${row} of ${nameOf(object)} never came to ${table}`);
    if (kind === "junk" && !at.letters.includes(nameOf(object))) sin(`${nameOf(object)} has no dead letter`);
    if (kind === "bad" && settled !== Boolean(scenario.accepted))
      sin(`${nameOf(object)} is ${settled ? "" : "not "}settled`);
    if (kind === "bad" && !settled && !waits(last?.held)) sin(`${nameOf(object)} is not held`);
    if (kind === "poison" && !settled && !waits(last?.failed)) sin(`${nameOf(object)} waits nowhere`);
  }
  if (at.bells.length > 0) sin(`bells ring for ever: ${at.bells.join(", ")}`);
};
