import {
  type Action,
  type Catalog,
  decide,
  type Facts,
  type Inspected,
  nothing,
  owed,
  plan,
  type Reading,
  readings,
  type Shape,
  watched,
} from "../../packages/core/advance.ts";
import { type Commit, isSettled } from "../../packages/core/commit.ts";
import type { Report } from "../../packages/core/report.ts";
import {
  attemptFolder,
  ingestDate,
  type ListedObject,
  nameObject,
  nameOf,
  type RawObject,
  type Run,
  type TableMap,
} from "../../packages/core/run.ts";

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
  /** The job works in one step. */
  swift?: true;
  /** The readings after which a stalling caller may stall; all if absent. It may always stall before a write. */
  stops?: Reading[];
  /** Steps of time, in ms, in order. */
  ticks: number[];
  /** How often the job may be killed, and how long an outage lasts: the first N attempts fail. */
  kills: number;
  outage?: number;
  /** How many stalling calls there are. */
  stalls: number;
  tables?: string[];
  /** A person accepts law `law` from the start. */
  accepted?: true;
};

type Job = { id: string; run: number; at: "started" | "written" | "reported" | "ended"; reason: string | null };

export type Todo =
  | { do: "set"; table: string; partition: string; folder: string | null }
  | { do: "mark"; commit: number }
  | { do: "inspect"; objects: RawObject[] }
  | { do: "open"; run: Run }
  | { do: "start"; run: Run }
  | { do: "letters"; document: Commit }
  | { do: "commit"; document: Commit };

/** `bells`: the notifications it was called with, and may acknowledge. */
type Caller = { pc: number; facts: Facts; todo: Todo[]; bells: string[] };

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
  staller: Caller | null;
  left: { stalls: number; kills: number; ticks: number; outage: number };
};

/** What a mutant changes. */
export type Rules = {
  order: readonly Reading[];
  decide: typeof decide;
  plan: typeof plan;
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
};

export const rules: Rules = {
  order: readings,
  decide,
  plan,
  catalog: (world) => world.catalog,
  base: (world, { run }) => (run && run.base > 0 ? (world.commits[run.base - 1] ?? null) : null),
  byEtag: true,
  looksFirst: true,
  conditional: true,
  watched,
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
  return { dataset: "d", tables, partitioned: Object.fromEntries(tables.map((t) => [t, true])), unit: "u", recipe: "r1", raw: true };
};

export const begin = (scenario: Scenario): World => {
  let world = empty(scenario);
  for (let n = 0; n < (scenario.first ?? 0); n++) world = land(world, scenario);
  return world;
};

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
  staller: null,
  left: { stalls: scenario.stalls, kills: scenario.kills, ticks: scenario.ticks.length, outage: scenario.outage ?? 0 },
});

const specOf = (scenario: Scenario, object: { key: string; etag: string }): Spec => {
  const spec = scenario.specs.find((s) => s.key === object.key && s.etag === object.etag);
  return spec ?? sin(`an object that never was: ${nameOf(object)}`);
};

const listed = (world: World, key: string): ListedObject => ({ key, size: 1, ...world.raw[key]! });

/** One reading, as the real stores would answer it now. */
export const look = (world: World, scenario: Scenario, law: Rules, reading: Reading, before: Facts, named: readonly string[], full = false): Partial<Facts> => {
  const newest = world.commits.at(-1) ?? null;
  switch (reading) {
    case "clock":
      return { now: world.now };
    case "raw": {
      const byName = new Set([...named, ...law.watched(newest)]);
      const keys = Object.keys(world.raw).filter((key) => full || !newest?.through || (ingestDate(key) ?? "") > newest.through || byName.has(key));
      return { raw: keys.map((key) => listed(world, key)), accepted: scenario.accepted ? [{ law: "law", session: null, origin: null }] : [] };
    }
    case "catalog":
      return { catalog: law.catalog(world) };
    case "run":
      return { run: world.runs.at(-1) ?? null };
    case "attempts":
      return {
        attempts: world.jobs.filter((j) => j.run === world.runs.length).map((j) => ({ id: j.id, ended: j.at === "ended", reason: j.reason })),
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
      return [{ do: "letters", document: action.document }, { do: "commit", document: action.document }];
    case "start":
      return [{ do: "start", run: action.run }];
    case "open":
      return [{ do: "inspect", objects: action.objects }];
  }
};

/** One write. `refused`: the job is busy, and the caller rests. */
export const write = (world: World, scenario: Scenario, law: Rules, todo: Todo, facts: Facts): { world: World; todo: Todo[]; refused?: true } => {
  switch (todo.do) {
    case "set": {
      const { [todo.partition]: _, ...others } = world.catalog[todo.table] ?? {};
      const partitions = todo.folder === null ? others : { ...others, [todo.partition]: todo.folder };
      return { world: { ...world, catalog: { ...world.catalog, [todo.table]: sorted(partitions) } }, todo: [] };
    }
    case "mark":
      return { world: { ...world, marker: todo.commit }, todo: [] };
    case "inspect": {
      const run = law.plan(facts, todo.objects.map((o) => inspectIn(world, scenario, o)), shapeFor(scenario), null);
      return { world, todo: run ? [{ do: "open", run }] : [] };
    }
    case "open": {
      const { run } = todo;
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
      if (document.status === "failed" && attempts.every((j) => world.reports[j.id])) sin(`run ${document.commit} was done and is called failed`);
      judgeCommit(after, scenario, document);
      return { world: after, todo: [] };
    }
  }
};

const sorted = (record: Record<string, string>) => Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

export const inspectIn = (world: World, scenario: Scenario, object: RawObject): Inspected => {
  if (world.raw[object.key]?.etag !== object.etag) return { object, is: "gone" };
  const spec = specOf(scenario, object);
  if (spec.kind === "junk") return { object, is: "rejected", reason: "not_parquet", message: "junk" };
  return { object, is: "sound", units: Object.keys(spec.rows) };
};

/** A step of the job. */
export const work = (world: World, scenario: Scenario, law: Rules, job: Job): World => {
  const to = (at: Job["at"], reason: string | null = null, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    jobs: world.jobs.map((j) => (j.id === job.id ? { ...j, at, reason } : j)),
  });
  const run = world.runs[job.run - 1]!;
  if (job.at === "written") return to("reported", null, { reports: { ...world.reports, [job.id]: reportOf(world, scenario, run, job.id) } });
  if (job.at === "reported") return to("ended");
  if (law.looksFirst && world.commits.length >= job.run) return to("ended");
  if (world.left.outage > 0) return to("ended", "outage", { left: { ...world.left, outage: world.left.outage - 1 } });
  const read = run.objects.map((o) => {
    const etag = world.raw[o.key]?.etag;
    return etag !== undefined && (etag === o.etag || !law.byEtag) ? specOf(scenario, { key: o.key, etag }) : null;
  });
  if (read.includes(null)) return to("ended", "an object changed");
  if (read.some((spec) => spec?.kind === "poison")) return to("ended", "poison");
  const rows: Record<string, Set<string>> = Object.fromEntries(run.units.map((u) => [u, new Set<string>()]));
  for (const spec of read) for (const [unit, more] of Object.entries(spec?.rows ?? {})) rows[unit] = new Set([...(rows[unit] ?? []), ...more]);
  const lake = { ...world.lake };
  for (const table of shapeFor(scenario).tables)
    for (const [unit, added] of Object.entries(rows)) {
      const base = run.tables[table]?.[`u=${unit}`];
      const kept = base ? base.files.flatMap((f) => world.lake[base.folder + f.name] ?? sin(`${base.folder} is gone`)) : [];
      lake[`${attemptFolder(table, job.run, job.id)}u=${unit}/f`] = [...new Set([...kept, ...added])].sort();
    }
  return to("written", null, { lake });
};

/** The job's steps in one. */
const done = (world: World, scenario: Scenario, law: Rules, { id }: Job): World => {
  let at = world;
  for (;;) {
    const job = at.jobs.find((j) => j.id === id)!;
    if (job.at === "ended") return at;
    at = work(at, scenario, law, job);
  }
};

const reportOf = (world: World, scenario: Scenario, run: Run, attempt: string): Report => {
  const tables: TableMap = {};
  for (const table of shapeFor(scenario).tables) {
    const folder = attemptFolder(table, run.run, attempt);
    tables[table] = Object.fromEntries(
      Object.entries(world.lake)
        .filter(([key]) => key.startsWith(folder))
        .map(([key, rows]) => {
          const partition = key.slice(folder.length, -2);
          return [partition, { folder: `${folder}${partition}/`, files: [{ name: "f", bytes: rows.length, rows: rows.length }], recipe: run.recipe }];
        }),
    );
  }
  const bad = run.objects.filter((o) => scenario.specs.some((s) => s.key === o.key && s.etag === o.etag && s.kind === "bad"));
  return {
    dataset: "d",
    run: run.run,
    attempt,
    recipe: run.recipe,
    engine: "world",
    rows: { read: 0, new: 0, superseded: 0, duplicate: 0 },
    tables,
    origins: {},
    audit: bad.map((o) => ({ law: "law", severity: "hold", session: o.key, origin: null, detail: "" })),
    seconds: 0,
  };
};

/** What a commit says must be so. */
const judgeCommit = (world: World, scenario: Scenario, commit: Commit): void => {
  for (const r of commit.rejected) {
    const { kind } = specOf(scenario, r);
    if (!world.letters.includes(nameOf(r))) sin(`${nameOf(r)} rejected without a dead letter`);
    if (kind === "good" || kind === "bad") sin(`a good object was rejected: ${nameOf(r)}`);
  }
  const rejected = new Set(world.commits.flatMap((c) => c.rejected.map(nameOf)));
  for (const table of shapeFor(scenario).tables) {
    const there = new Set(Object.values(commit.tables[table] ?? {}).flatMap((e) => e.files.flatMap((f) => world.lake[e.folder + f.name] ?? sin(`${e.folder} is named, and gone`))));
    for (const [key, { etag, modified }] of Object.entries(world.raw)) {
      const object = nameObject({ key, etag, modified, size: 1 });
      if (!isSettled(commit, object) || rejected.has(nameOf(object))) continue;
      for (const row of Object.values(specOf(scenario, object).rows).flat())
        if (!there.has(row)) sin(`commit ${commit.commit}: ${row} of ${nameOf(object)} counts as settled and is not in ${table}`);
    }
    const before = world.commits[commit.commit - 2]?.tables[table] ?? {};
    for (const entry of Object.values(before))
      for (const row of entry.files.flatMap((f) => world.lake[entry.folder + f.name] ?? []))
        if (!there.has(row)) sin(`commit ${commit.commit}: ${row} was published and is gone from ${table}`);
  }
};

/** A caller's next step: a reading, the decision, or a write. Null when it has come to rest. */
const step = (world: World, scenario: Scenario, law: Rules, caller: Caller, full = false): { world: World; caller: Caller | null } => {
  const reading = law.order[caller.pc];
  if (reading) {
    const facts = { ...caller.facts, ...look(world, scenario, law, reading, caller.facts, keysOf(caller.bells), full) };
    if (caller.pc + 1 < law.order.length) return { world, caller: { ...caller, pc: caller.pc + 1, facts } };
    // Deciding is part of the last reading: nothing happens between them that the decision could see.
    const todo = toDo(law.decide(facts, shapeFor(scenario)), facts);
    if (todo) return { world, caller: { ...caller, pc: caller.pc + 1, facts, todo } };
    return { world: acknowledge(world, caller, facts), caller: null };
  }
  const [todo, ...others] = caller.todo;
  if (!todo) return { world, caller: again(caller) };
  const done = write(world, scenario, law, todo, caller.facts);
  if (done.refused) return { world: acknowledge(done.world, caller, caller.facts), caller: null };
  const rest = [...done.todo, ...others];
  return { world: done.world, caller: rest.length > 0 ? { ...caller, todo: rest } : again(caller) };
};

const arriving = (world: World): Caller => ({ pc: 0, facts: nothing, todo: [], bells: world.bells });
const again = (caller: Caller): Caller => ({ ...caller, pc: 0, facts: nothing, todo: [] });

const keysOf = (bells: readonly string[]): string[] => bells.map((bell) => bell.slice(bell.indexOf(" ") + 1));

const acknowledge = (world: World, caller: Caller, facts: Facts): World => {
  const still = owed(facts, keysOf(caller.bells));
  const heard = caller.bells.filter((bell) => !still.some((key) => bell.endsWith(` ${key}`)));
  return heard.length > 0 ? { ...world, bells: world.bells.filter((bell) => !heard.includes(bell)) } : world;
};

/** A whole round of another caller: readings, decision and writes without a stop. */
export const round = (world: World, scenario: Scenario, law: Rules, full = false): { world: World; rested: boolean } => {
  let at: { world: World; caller: Caller | null } = { world, caller: arriving(world) };
  do {
    at = step(at.world, scenario, law, at.caller!, full);
  } while (at.caller && !(at.caller.pc === 0 && at.caller.todo.length === 0));
  if (at.caller) return { world: at.world, rested: false };
  judgeCatalog(at.world, scenario);
  return { world: at.world, rested: true };
};

/** A caller that nobody disturbed has come to rest: readers see the newest commit. */
const judgeCatalog = (world: World, scenario: Scenario): void => {
  const newest = world.commits.at(-1);
  if (!newest) return;
  for (const table of shapeFor(scenario).tables) {
    const wanted = sorted(Object.fromEntries(Object.entries(newest.tables[table] ?? {}).map(([p, e]) => [p, e.folder])));
    if (JSON.stringify(wanted) !== JSON.stringify(world.catalog[table])) sin(`at rest, and the catalog of ${table} is not at commit ${newest.commit}`);
  }
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

/** The stalling caller goes on to where it may stall next. */
const stall = (world: World, scenario: Scenario, law: Rules, caller: Caller): World => {
  let at: { world: World; caller: Caller | null } = { world, caller };
  do {
    at = step(at.world, scenario, law, at.caller!);
  } while (at.caller && scenario.stops && at.caller.pc < law.order.length && !scenario.stops.includes(law.order[at.caller.pc - 1]!));
  return { ...at.world, staller: at.caller };
};

/** Everything that can happen now. */
export const successors = (world: World, scenario: Scenario, law: Rules): World[] => {
  const next: World[] = [];
  const { left, staller } = world;
  next.push(round(world, scenario, law).world);
  if (staller) {
    next.push(stall(world, scenario, law, staller));
    // A crash matters only between writes: before the first, it is a caller that never was.
    if (staller.todo.length > 0) next.push({ ...world, staller: null });
  } else if (left.stalls > 0) {
    next.push(stall({ ...world, left: { ...left, stalls: left.stalls - 1 } }, scenario, law, arriving(world)));
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
  if (left.ticks > 0) next.push({ ...world, now: world.now + scenario.ticks[scenario.ticks.length - left.ticks]!, left: { ...left, ticks: left.ticks - 1 } });
  return next;
};

/** Whether nothing can happen any more but time. */
export const isQuiet = (world: World, scenario: Scenario, law: Rules): boolean =>
  world.landed === scenario.specs.length && !world.staller && world.jobs.every((j) => j.at === "ended") && round(world, scenario, law).rested;

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
    if (kind === "junk" && !at.letters.includes(nameOf(object))) sin(`${nameOf(object)} has no dead letter`);
    if (kind === "bad" && settled !== Boolean(scenario.accepted)) sin(`${nameOf(object)} is ${settled ? "" : "not "}settled`);
    if (kind === "bad" && !settled && !waits(last?.held)) sin(`${nameOf(object)} is not held`);
    if (kind === "poison" && !settled && !waits(last?.failed)) sin(`${nameOf(object)} waits nowhere`);
  }
};
