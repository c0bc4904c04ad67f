import { decide, type Reading, readings } from "../../packages/core/advance.ts";
import type { Commit } from "../../packages/core/commit.ts";
import type { Catalog, Facts, Shape, Wish } from "../../packages/core/facts.ts";
import { owed, plan, watched } from "../../packages/core/plan.ts";
import { pastOf, planRebuild } from "../../packages/core/rebuild.ts";
import type { Report } from "../../packages/core/report.ts";
import {
  attemptFolder,
  ingestDate,
  type ListedObject,
  nameOf,
  type RawObject,
  type Run,
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

export const killed = (world: World): World => ({
  ...world,
  jobs: world.jobs.map((j) => (j.at === "ended" ? j : { ...j, at: "ended", reason: "killed" })),
});

export const empty = (scenario: Scenario): World => ({
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
