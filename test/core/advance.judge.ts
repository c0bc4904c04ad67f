import { type Commit, isSettled, recentNames } from "../../packages/core/commit.ts";
import type { Wish } from "../../packages/core/facts.ts";
import { nameObject, nameOf, type RawObject, type Run } from "../../packages/core/run.ts";
import { work } from "./advance.job.ts";
import { isWish, land, order, round, sorted } from "./advance.steps.ts";
import { HOUR, type Rules, type Scenario, shapeFor, sin, specOf, type World } from "./advance.world.ts";

/** What is in raw no more waits for nobody, and of what had waited once nothing vanished without a word. */
const judgeGone = (world: World, scenario: Scenario): void => {
  const waiting = (c: Commit | undefined): RawObject[] => (c ? [...c.held, ...c.failed, ...c.late, ...c.next] : []);
  for (const o of waiting(world.commits.at(-1)))
    if (world.raw[o.key]?.etag !== o.etag) sin(`${nameOf(o)} is there no more, and waits for ever`);
  const published = new Set(
    world.runs.flatMap((r, n) => (world.commits[n]?.status === "published" ? r.objects.map((o) => o.key) : [])),
  );
  for (const o of world.commits.flatMap((c) => [...c.held, ...c.failed]))
    if (!world.raw[o.key] && !published.has(o.key) && !world.letters.includes(nameOf(o)))
      sin(`${nameOf(o)} waited, is gone, and has no dead letter: ${specOf(scenario, o).kind}`);
};

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
    const there = world.raw[r.key]?.etag === r.etag;
    if ((kind === "good" || kind === "bad") && there) sin(`a good object was rejected: ${nameOf(r)}`);
    if (r.reason === "gone" && there) sin(`an object that is there is said to be gone: ${nameOf(r)}`);
  }
  const run = world.runs[commit.commit - 1]!;
  if (run.rebuild) judgeRebuild(world, scenario, commit, run);
  judgeWithdrawn(world, scenario, commit);
  const withdrawn = new Set(world.withdrawn);
  const rejected = new Set(world.commits.flatMap((c) => c.rejected.map(nameOf)));
  for (const table of shapeFor(scenario).tables) {
    const there = rowsAt(world, commit, table);
    for (const [key, { etag, modified }] of Object.entries(world.raw)) {
      const object = nameObject({ key, etag, modified, size: 1 });
      if (!isSettled(commit, object) || rejected.has(nameOf(object))) continue;
      if (scenario.clocksErr && isAwaited(world, scenario, commit, object)) continue;
      for (const row of Object.values(specOf(scenario, object).rows).flat())
        if (!there.has(row) && !withdrawn.has(row))
          sin(`commit ${commit.commit}: ${row} of ${nameOf(object)} counts as settled and is not in ${table}`);
    }
    const before = world.commits[commit.commit - 2]?.tables[table] ?? {};
    for (const entry of Object.values(before))
      for (const row of entry.files.flatMap((f) => world.lake[entry.folder + f.name] ?? []))
        if (!there.has(row) && !(run.rebuild && run.withdrawn.includes(row)))
          sin(`commit ${commit.commit}: ${row} was published and is gone from ${table}`);
  }
};

/**
 * A rebuild changes nothing but its unit's rows, and these are the ones of every object refined before it and of no other,
 * without those that its run says are withdrawn.
 */
const judgeRebuild = (world: World, scenario: Scenario, commit: Commit, run: Run): void => {
  const n = commit.commit;
  const base = world.commits[n - 2];
  const state = (c: Commit | undefined) =>
    JSON.stringify([c?.through, c?.recent, c?.next, c?.late, c?.failed, c?.held.map(({ back: _, ...h }) => h)]);
  if (state(commit) !== state(base)) sin(`rebuild ${n} settled something, or forgot what waits`);
  if (commit.rejected.length > 0) sin(`rebuild ${n} rejected something`);
  if (commit.status !== "published") {
    if (JSON.stringify(commit.tables) !== JSON.stringify(base?.tables)) sin(`rebuild ${n} changed tables, unpublished`);
    return;
  }
  const before = world.runs.slice(0, n - 1).filter((r, i) => !r.rebuild && world.commits[i]?.status === "published");
  for (const unit of run.units) {
    const rows = before.flatMap((r) => r.objects.flatMap((o) => specOf(scenario, o).rows[unit] ?? []));
    const wanted = [...new Set(rows)].filter((row) => !run.withdrawn.includes(row)).sort();
    for (const table of shapeFor(scenario).tables) {
      const entry = commit.tables[table]?.[`u=${unit}`];
      const found = entry?.files.flatMap((f) => world.lake[entry.folder + f.name] ?? []) ?? [];
      if (JSON.stringify(wanted) !== JSON.stringify(found))
        sin(`rebuild ${n}: ${table} ${unit} should be ${wanted.join(", ")}, is ${found.join(", ")}`);
    }
  }
};

/** What a published rebuild left out never comes back: there is nobody here who takes a withdrawal back. */
const judgeWithdrawn = (world: World, scenario: Scenario, commit: Commit): void => {
  const left = world.runs
    .filter((r) => r.rebuild && world.commits[r.run - 1]?.status === "published" && r.run <= commit.commit)
    .flatMap((r) => r.withdrawn.filter((row) => r.units.some((unit) => row.includes(`.${unit}`))));
  for (const table of shapeFor(scenario).tables) {
    const there = left.length > 0 ? rowsAt(world, commit, table) : new Set();
    for (const row of left) if (there.has(row)) sin(`commit ${commit.commit}: ${row} was withdrawn and came back`);
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
  !isWish(world.wish) &&
  world.left.orders === 0 &&
  world.jobs.every((j) => j.at === "ended") &&
  round(world, scenario, law).rested;

/** More runs than a scenario needs, at one hour, when each is opened for a reason. */
const mostRuns = ({ specs }: Scenario): number => Math.max(40, 12 * specs.length);

/**
 * Lets everything come to its end with one undisturbed caller, time going on, and then says what must be so: every good
 * row is published, every bad object is where a person finds it, and no run follows the last.
 */
export const settle = (world: World, scenario: Scenario, law: Rules): void => {
  let at: World = { ...world, staller: null };
  while (at.landed < scenario.specs.length) at = land(at, scenario);
  const silent = scenario.specs.some((s) => s.silent);
  while (at.left.orders > 0) {
    const said = scenario.orders!.at(-at.left.orders)!;
    at = order({ ...at, left: { ...at.left, orders: at.left.orders - 1 } }, said);
  }
  const quiet = (wish: Wish = {}) => {
    at = { ...at, wish };
    const before = at.runs.length;
    for (let rounds = 0; ; rounds++) {
      const done = round(at, scenario, law, silent, at.wish);
      at = done.world;
      const job = at.jobs.find((j) => j.at !== "ended");
      if (job) at = work(at, scenario, law, job);
      else if (done.rested) return;
      if (rounds > 1000) sin("no rest after 1000 rounds");
      if (at.runs.length - before > mostRuns(scenario)) sin(`run after run without end: ${at.runs.length - before}`);
    }
  };
  /** Asked for when all is quiet, it is done, and of today's rows: it may have been asked for too early before. */
  const rebuilt = (unit: string) => {
    const before = at.commits.length;
    quiet({ rebuild: [unit] });
    const made = at.commits.slice(before).find((c) => c.rebuild && c.status === "published");
    if (!made && !scenario.blocked) sin(`the rebuild of ${unit} was never published`);
    if (made && at.runs[made.commit - 1]?.withdrawn.join() !== at.withdrawn.join())
      sin("a rebuild does not know what was withdrawn long before it");
  };
  const rebuilds = (scenario.orders ?? []).flatMap((said) =>
    said instanceof Object && "rebuild" in said ? [said] : [],
  );
  if (at.paused) {
    quiet();
    if (at.runs.length > at.commits.length) sin("at rest and paused, and a run is open");
    if (scenario.insists) for (const said of rebuilds) rebuilt(said.rebuild);
    at = { ...at, paused: false };
  }
  quiet();
  for (let hours = 0; hours < 12; hours++) {
    at = { ...at, now: at.now + HOUR };
    quiet();
  }
  for (const said of rebuilds) rebuilt(said.rebuild);
  if (scenario.orders?.includes("retry")) quiet({ retryHeld: at.commits.length });
  const last = at.commits.at(-1);
  const withdrawn = new Set(at.withdrawn);
  for (const [key, { etag, modified }] of Object.entries(at.raw)) {
    const object = nameObject({ key, etag, modified, size: 1 });
    const { kind: made } = specOf(scenario, object);
    const kind = at.mended.includes(key) ? "good" : made;
    const waits = (list: RawObject[] | undefined) => list?.some((o) => nameOf(o) === nameOf(object)) ?? false;
    // Under a date that was closed too early, it waits by its name all the same.
    const settled = isSettled(last ?? null, object) && !waits(last?.held) && !waits(last?.failed);
    if (kind === "good" && !settled) sin(`${nameOf(object)} was never published`);
    if (kind === "good")
      for (const table of shapeFor(scenario).tables)
        for (const row of Object.values(specOf(scenario, object).rows).flat())
          if (!withdrawn.has(row) && !(last && rowsAt(at, last, table).has(row)))
            sin(`${row} of ${nameOf(object)} never came to ${table}`);
    if (kind === "junk" && !at.letters.includes(nameOf(object))) sin(`${nameOf(object)} has no dead letter`);
    if (kind === "bad" && settled !== Boolean(scenario.accepted))
      sin(`${nameOf(object)} is ${settled ? "" : "not "}settled`);
    if (kind === "bad" && !settled && !waits(last?.held)) sin(`${nameOf(object)} is not held`);
    if (kind === "poison" && !settled && !waits(last?.failed)) sin(`${nameOf(object)} waits nowhere`);
  }
  judgeGone(at, scenario);
  if (at.bells.length > 0) sin(`bells ring for ever: ${at.bells.join(", ")}`);
};
