import { z } from "zod";
import { damagedIn, type Finding, finding, holding, type Report, rowCounts } from "./report.ts";
import {
  byKey,
  ingestDate,
  nameOf,
  parseDocument,
  type RawObject,
  type Rejected,
  type Run,
  rawObject,
  rejected,
  type TableMap,
  tableMap,
} from "./run.ts";

/** A finding without its detail: what a person accepts. */
export type Held = RawObject & {
  units: string[];
  findings: { law: string; session: string | null; origin: string | null }[];
  /** The last commit that held it, alone; 0 in documents of before this was written down. */
  commit: number;
  /** A commit has touched one of its units since: it may come back when nothing else is pending. */
  back: boolean;
};

export type Failed = RawObject & {
  /** Failures that count; three reject it. */
  counts: number;
  /** The commit of the last one that counted. */
  counted: number;
  /** The commit, and the time (ISO 8601), of the last failure. */
  commit: number;
  at: string;
  reason: string;
};

/**
 * How a run ended and the complete state after it. A function of run n and commit n−1, both read by number, and of what
 * the attempts left; created once, never changed.
 */
export type Commit = {
  format: 1;
  dataset: string;
  commit: number;
  status: "published" | "failed" | "held";
  reason: string | null;
  at: string;
  recipe: string;
  rebuild: boolean;
  /** The attempt whose output was judged; null for a failure, and for a run of rejects only. */
  attempt: string | null;
  /** The newest commit so far with which a job's output was published; 0: none. */
  worked: number;
  tables: TableMap;
  /** Every raw object of an ingest date up to this one is settled, but for the late ones, which are in `recent`. */
  through: string | null;
  /** The other settled ones. */
  recent: RawObject[];
  /** After a run that was not published: the first half of its objects, which the next run takes. */
  next: RawObject[];
  /** Late objects known and not settled, which no listing will find. */
  late: RawObject[];
  held: Held[];
  failed: Failed[];
  /** Settled by this commit without being read: their dead letters were sent before it. */
  rejected: Rejected[];
  rows: Report["rows"] | null;
  /** Distinct events per origin in this run's objects. */
  origins: Report["origins"];
  audit: Finding[];
};

const commit = z.object({
  format: z.literal(1),
  dataset: z.string().min(1).max(64),
  commit: z.int().min(1),
  status: z.enum(["published", "failed", "held"]),
  reason: z.string().max(4000).nullable(),
  at: z.iso.datetime(),
  recipe: z.string().min(1).max(128),
  rebuild: z.boolean(),
  attempt: z.string().max(256).nullable(),
  worked: z.int().min(0),
  tables: tableMap,
  through: z.iso.date().nullable(),
  recent: z.array(rawObject).max(5_000_000),
  next: z.array(rawObject).max(100_000),
  late: z.array(rawObject).max(1_000_000),
  held: z
    .array(
      rawObject.extend({
        units: z.array(z.string().max(256)).max(10_000),
        findings: z.array(finding.pick({ law: true, session: true, origin: true })).max(1000),
        commit: z.int().min(0).default(0),
        back: z.boolean(),
      }),
    )
    .max(1_000_000),
  failed: z
    .array(
      rawObject.extend({
        counts: z.int().min(0),
        counted: z.int().min(0),
        commit: z.int().min(1),
        at: z.iso.datetime(),
        reason: z.string().max(2000),
      }),
    )
    .max(1_000_000),
  rejected: z.array(rejected).max(200_000),
  rows: rowCounts.nullable(),
  origins: z.record(z.string().max(256), z.object({ events: z.int().min(0) })),
  audit: z.array(finding).max(1000),
});

export const parseCommit = (value: unknown, key: string): Commit =>
  parseDocument(commit as z.ZodType<Commit>, value, key);

/** A good object must survive two of other people's outages: three failures, each after another run was published. */
const FAILURES = 3;
/** What a commit keeps of an audit; the report has all of it. */
const AUDIT_FINDINGS = 1000;
const DETAIL_CHARACTERS = 500;
const HELD_FINDINGS = 100;
const REASON_CHARACTERS = 2000;

/** The names of the objects that a commit settles one by one; {@link isSettled} also knows those it settles by date. */
export const recentNames = (commit: Commit | null): ReadonlySet<string> => new Set(commit?.recent.map(nameOf));

/** Settled: refined, superseded or rejected, for good. `names` are the commit's {@link recentNames}. */
export const isSettled = (commit: Commit | null, object: RawObject, names = recentNames(commit)): boolean => {
  if (names.has(nameOf(object))) return true;
  const date = ingestDate(object.key);
  return !object.late && date !== null && commit?.through != null && date <= commit.through;
};

/** How a run's attempts ended. `nothing`: it had only rejects, no job was needed. */
export type Ending = { is: "report"; report: Report } | { is: "failed"; reason: string } | { is: "nothing" };

/**
 * Commit n. `base` is commit n−1, read by number, null before the first.
 *
 * Published: every object of the run is settled, the run's partitions are replaced as a whole, `through` moves. Not
 * published: nothing of it is settled but its rejects; it is halved (`next`), or, alone, waits as held or failed. A
 * rebuild settles nothing either way: its objects were settled before, so what waits goes on waiting.
 */
export const outcome = (run: Run, base: Commit | null, ending: Ending, now: number): Commit => {
  if ((base?.commit ?? 0) !== run.base || run.base !== run.run - 1)
    throw new Error(`run ${run.run} stands on commit ${run.base}, came commit ${base?.commit ?? 0}`);
  const report = ending.is === "report" ? ending.report : null;
  const holds = report ? holding(report.audit, run.accepted) : [];
  const status = ending.is === "failed" ? "failed" : holds.length > 0 ? "held" : "published";
  const published = status === "published";
  const worked = published && report ? run.run : (base?.worked ?? 0);
  const reason =
    ending.is === "failed"
      ? ending.reason
      : holds.length > 0
        ? holds
            .slice(0, 3)
            .map((f) => `${f.law}: ${f.detail}`)
            .join("; ")
        : null;
  const settles = run.rebuild ? [] : run.objects;
  const taken = new Set(settles.map(nameOf));
  const refused = new Set(run.rejects.map(nameOf));
  // Published under a newer ETag, an object's older versions have nothing left to wait for.
  const gone = new Set(published ? settles.map((o) => o.key) : []);
  const left = <T extends RawObject>(objects: readonly T[] = []): T[] => objects.filter((o) => !refused.has(nameOf(o)));
  const others = <T extends RawObject>(objects: readonly T[] = []): T[] =>
    left(objects).filter((o) => !taken.has(nameOf(o)) && !gone.has(o.key));
  const alone = settles.length === 1 ? settles[0] : undefined;

  const touched = worked === run.run;
  const held = (base?.held ?? []).map((h) =>
    touched && h.units.some((u) => run.units.includes(u)) ? { ...h, back: true } : h,
  );
  const state = {
    held: published || alone ? others(held) : left(held),
    failed: published || alone ? others(base?.failed) : left(base?.failed),
    late: others(base?.late),
    next: run.rebuild ? [...(base?.next ?? [])] : [],
    rejected: [...run.rejects],
  };
  if (!published && alone && status === "held") {
    const findings = distinct(holds.map(({ law, session, origin }) => ({ law, session, origin }))).slice(
      0,
      HELD_FINDINGS,
    );
    state.held.push({ ...alone, units: run.units, findings, commit: run.run, back: false });
  } else if (!published && alone) {
    const failure = failureOf(alone, base, run, now, reason ?? "");
    if (failure.counts < FAILURES) state.failed.push(failure);
    else
      state.rejected.push({
        ...alone,
        reason: "failed",
        message: `the job failed on it ${FAILURES} times while it succeeded on others; last: ${failure.reason}`.slice(
          0,
          REASON_CHARACTERS,
        ),
      });
  } else if (!published && !run.rebuild) {
    state.next = [...settles].sort(byKey).slice(0, Math.floor(settles.length / 2));
    state.late.push(...settles.filter((o) => o.late));
  }
  const through = published && !run.rebuild ? latest(run.through, base?.through ?? null) : (base?.through ?? null);
  return {
    format: 1,
    dataset: run.dataset,
    commit: run.run,
    status,
    reason: reason?.slice(0, REASON_CHARACTERS) ?? null,
    at: new Date(now).toISOString(),
    recipe: run.recipe,
    rebuild: run.rebuild,
    attempt: report?.attempt ?? null,
    worked,
    tables: published && report ? replaced(run, base?.tables ?? {}, report.tables) : (base?.tables ?? {}),
    through,
    recent: remembered([...(base?.recent ?? []), ...(published ? settles : []), ...state.rejected], through),
    ...state,
    rows: report?.rows ?? null,
    origins: report?.origins ?? {},
    audit: (report?.audit ?? [])
      .slice(0, AUDIT_FINDINGS)
      .map((f) => ({ ...f, detail: f.detail.slice(0, DETAIL_CHARACTERS) })),
  };
};

/**
 * A failure counts only if a run was published since the last that counted: an outage must not reject good objects. Nor
 * must what was published and cannot be read any more.
 */
const failureOf = (object: RawObject, base: Commit | null, run: Run, now: number, reason: string): Failed => {
  const before = base?.failed.find((f) => nameOf(f) === nameOf(object));
  const counts = damagedIn(run, reason) === null && (!before || (base?.worked ?? 0) > before.counted);
  return {
    ...object,
    counts: (before?.counts ?? 0) + (counts ? 1 : 0),
    counted: counts ? run.run : (before?.counted ?? 0),
    commit: run.run,
    at: new Date(now).toISOString(),
    reason: reason.slice(0, REASON_CHARACTERS / 2),
  };
};

/** The base's map with the run's partitions replaced. Only a rebuild changes the recipe a partition is said to be of. */
const replaced = (run: Run, base: TableMap, made: TableMap): TableMap => {
  const map: TableMap = {};
  for (const table of new Set([...Object.keys(base), ...Object.keys(made)])) {
    const partitions = { ...base[table] };
    for (const partition of Object.keys(run.tables[table] ?? {})) delete partitions[partition];
    for (const [partition, entry] of Object.entries(made[table] ?? {})) {
      const before = run.tables[table]?.[partition];
      partitions[partition] = { ...entry, recipe: before && !run.rebuild ? before.recipe : run.recipe };
    }
    map[table] = partitions;
  }
  return map;
};

/** What `through` does not say: objects of later dates, and the late ones. Each once. */
const remembered = (objects: readonly RawObject[], through: string | null): RawObject[] => {
  const kept = new Map<string, RawObject>();
  for (const { key, etag, size, late } of objects) {
    const date = ingestDate(key);
    if (late || date === null || through === null || date > through)
      kept.set(nameOf({ key, etag }), late ? { key, etag, size, late } : { key, etag, size });
  }
  return [...kept.values()];
};

const latest = (a: string | null, b: string | null): string | null => (a === null ? b : b === null || a > b ? a : b);

const distinct = <T>(values: readonly T[]): T[] => [...new Map(values.map((v) => [JSON.stringify(v), v])).values()];
