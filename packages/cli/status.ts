import { standing } from "../../functions/advance.ts";
import { attempts } from "../aws/jobs.ts";
import { type Measured, measure } from "../aws/metrics.ts";
import { all } from "../aws/queries.ts";
import { type Depth, depth, walk } from "../aws/queues.ts";
import { getJson, list } from "../aws/store.ts";
import { dayNumber, dayOf, isSession, saoPauloDay } from "../core/calendar.ts";
import { type Commit, parseCommit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { unsettled } from "../core/plan.ts";
import { readDeadLetter } from "../core/reject.ts";
import { archivedKey } from "../core/replay.ts";
import { holding } from "../core/report.ts";
import { commitKey, type ListedObject, numberOf, type Paused, parsePaused, parseRun, pausedKey } from "../core/run.ts";
import { topology } from "../core/topology.ts";
import { beforeEnd } from "./door.ts";
import { isApplied } from "./lake.ts";
import type { Place } from "./place.ts";
import { screenOf } from "./status-screen.ts";
import { type Limits, limitsOf, type Stuck, stuckIn } from "./stuck.ts";

/** Instants are ISO 8601, UTC. */
export type Status = {
  stage: string;
  state: string;
  /** Of the river that runs; null if none does. */
  endpoint: string | null;
  /** Whether something goes on by itself: on a laptop, whether a river runs on the state directory. */
  running: boolean;
  datasets: DatasetStatus[];
  landed: { queue: Queue; deadLetters: DeadLetters };
  functions: FunctionStatus[];
  stuck: Stuck[];
};

/** Messages, those in flight included in the age of the oldest, in seconds; null: not measured lately. */
export type Queue = Depth & { oldestSeconds: number | null };

export type FunctionStatus = {
  name: string;
  /** Asynchronous events given up in the last `windowSeconds`. */
  dropped: number;
  windowSeconds: number;
};

export type DeadLetters = {
  /** In the queue; one that is there twice counts once among those that were looked at. */
  letters: number;
  /** Of so many the reasons were read, the records counted. */
  looked: number;
  records: number;
  /** In the hands of another command, so that their reasons could not be read. */
  hidden: number;
  /** When the oldest was first seen. */
  oldest: string | null;
  /** Records by reason. */
  reasons: Record<string, number>;
  /** Those archived in the lake, where `dlq` finds them. */
  archived: number;
};

export type DatasetStatus = {
  dataset: string;
  /** The last session published, its age in days, and how many sessions before today's are newer; in São Paulo. */
  session: { last: string; days: number; behind: number } | null;
  /** The newest commit; `applied`: whether queries see it. */
  commit: {
    number: number;
    status: Commit["status"];
    at: string;
    reason: string | null;
    applied: boolean;
  } | null;
  paused: Paused | null;
  /** The open run: since when, how many jobs were started for it, and how the newest stands. */
  run: {
    number: number;
    opened: string;
    rebuild: boolean;
    objects: number;
    attempts: number;
    job: string;
    reason: string | null;
  } | null;
  queue: Queue | null;
  /** What Firehose took and has not delivered: the age of its oldest record; null: nothing waits there. */
  firehose: { oldestSeconds: number | null } | null;
  /** Raw objects that no run has settled or holds and that have not failed. */
  pending: { objects: number; bytes: number; oldest: string } | null;
  /** What laws hold: raw objects, or of a dataset that has none its whole run (`key` null). */
  held: { key: string | null; findings: Commit["held"][number]["findings"] }[];
  failed: { key: string; at: string; reason: string }[];
  /** Every run fails: how many in a row, nothing published or held in between. */
  broken: { runs: number; reason: string } | null;
  /** Partitions that another recipe than today's made; `rebuilds`: only a person's word makes them anew. */
  behind: { table: string; partition: string }[];
  rebuilds: boolean;
  /** Files of which not every row of a session came. */
  partial: { session: string; origin: string; expected: number; seen: number; since: string }[];
  deadLetters: DeadLetters | null;
};

/** `pregao status`: what is published, what is under way, what is stuck. Exit status 1 if anything is. */
export const status = async (place: Place, now = Date.now()): Promise<void> => {
  const built = topology(place.datasets, place.stage.pace);
  const limits = limitsOf(built);
  const queued = place.datasets.filter((d) => d.raw).map((d) => d.name);
  const since = (name: string) => now - (limits.dropped[name] ?? 0);
  const measured = await measure(
    place.aws,
    {
      queues: [...queued, "landed"],
      streams: queued,
      functions: Object.fromEntries(built.functions.map(({ name }) => [name, since(name)])),
    },
    now,
  );
  const [datasets, queue, deadLetters] = await Promise.all([
    Promise.all(place.datasets.map((d) => statusOf(place, d, measured, now))),
    queueOf(place, "landed", measured),
    deadLettersOf(place, "landed"),
  ]);
  const found = {
    stage: place.stage.name,
    state: place.dir,
    endpoint: place.stack ? null : (place.aws.endpoint ?? null),
    running: !place.stack,
    datasets,
    landed: { queue, deadLetters },
    functions: functionsOf(measured, limits),
  };
  const whole: Status = { ...found, stuck: stuckIn(found, limits, now) };
  place.output.result(whole, () => screenOf(whole, now));
  if (whole.stuck.length) process.exitCode = 1;
};

const functionsOf = ({ dropped }: Measured, limits: Limits): FunctionStatus[] =>
  Object.entries(dropped).map(([name, n]) => ({
    name,
    dropped: n,
    windowSeconds: Math.round((limits.dropped[name] ?? 0) / 1000),
  }));

const statusOf = async (place: Place, dataset: Dataset, measured: Measured, now: number): Promise<DatasetStatus> => {
  const { name } = dataset;
  const { commit, behind } = await standing(place.aws, dataset);
  const [applied, session, partial, run, queue, deadLetters, paused, pending, broken] = await Promise.all([
    isApplied(place, dataset, commit),
    commit ? lastSession(place, dataset, now) : null,
    commit ? partialOrigins(place, dataset) : [],
    openRun(place, dataset, commit?.commit ?? 0),
    dataset.raw ? queueOf(place, name, measured) : null,
    dataset.raw ? deadLettersOf(place, name) : null,
    pauseOf(place, name),
    dataset.raw ? pendingOf(place, name, commit) : null,
    commit ? brokenOf(place, dataset, commit) : null,
  ]);
  return {
    dataset: name,
    session,
    commit: commit
      ? { number: commit.commit, status: commit.status, at: commit.at, reason: commit.reason, applied }
      : null,
    paused,
    run,
    queue,
    firehose: dataset.raw ? { oldestSeconds: measured.oldestRecord[name] ?? null } : null,
    pending,
    held: heldOf(dataset, commit),
    failed: (commit?.failed ?? []).map(({ key, at, reason }) => ({ key, at, reason })),
    broken,
    behind,
    rebuilds: dataset.raw !== undefined,
    partial,
    deadLetters,
  };
};

const heldOf = (dataset: Dataset, commit: Commit | null): DatasetStatus["held"] => {
  if (dataset.raw) return (commit?.held ?? []).map(({ key, findings }) => ({ key, findings }));
  const findings = commit?.status === "held" ? holding(commit.audit, []) : [];
  return findings.length
    ? [{ key: null, findings: findings.map(({ law, session, origin }) => ({ law, session, origin })) }]
    : [];
};

const queueOf = async (place: Place, name: string, { oldestMessage }: Measured): Promise<Queue> => ({
  ...(await depth(place.aws, name)),
  oldestSeconds: oldestMessage[name] ?? null,
});

const pauseOf = async (place: Place, dataset: string): Promise<Paused | null> => {
  const key = pausedKey(dataset);
  const document = await getJson(place.aws, "state", key);
  return document === null ? null : parsePaused(document, key);
};

const openRun = async (place: Place, dataset: Dataset, committed: number): Promise<DatasetStatus["run"]> => {
  for await (const { key } of list(place.aws, "state", `runs/${dataset.name}/`, { limit: 1 })) {
    const number = numberOf(key);
    if (number <= committed) return null;
    const { opened_at, rebuild, objects } = parseRun(await getJson(place.aws, "state", key), key);
    const jobs = await attempts(place.aws, dataset.name, number, Date.parse(opened_at));
    return {
      number,
      opened: opened_at,
      rebuild,
      objects: objects.length,
      attempts: jobs.length,
      job: jobs[0]?.state ?? "not started",
      reason: jobs[0]?.reason ?? null,
    };
  }
  return null;
};

/** What lies under dates that are open: a listing from the newest closed one on. */
const pendingOf = async (place: Place, dataset: string, commit: Commit | null): Promise<DatasetStatus["pending"]> => {
  const prefix = `raw/${dataset}/`;
  // "0" is the character after "/": the listing starts behind that date's folder.
  const after = commit?.through ? `${prefix}ingest_date=${commit.through}0` : undefined;
  const raw: ListedObject[] = [];
  for await (const { modified, ...object } of list(place.aws, "lake", prefix, after ? { after } : {}))
    raw.push({ ...object, modified: modified.getTime() });
  const known = new Set([...(commit?.held ?? []), ...(commit?.failed ?? [])].map(({ key }) => key));
  const waiting = new Set(unsettled({ raw, commit }).map(({ key }) => key));
  const objects = raw.filter(({ key }) => waiting.has(key) && !known.has(key));
  if (objects.length === 0) return null;
  return {
    objects: objects.length,
    bytes: objects.reduce((sum, { size }) => sum + size, 0),
    oldest: new Date(objects.reduce((least, o) => Math.min(least, o.modified), Number.POSITIVE_INFINITY)).toISOString(),
  };
};

/** So many failures in a row, two of them alone with one object, are not the objects'. */
const FAILURES_READ = 20;

/**
 * The job is broken when all runs fail: those in a row, halving done with, are more than one. Of a dataset without
 * objects the first says it. Rebuilds that failed say nothing: they are nobody's but the person's who asked.
 */
const brokenOf = async (place: Place, dataset: Dataset, newest: Commit): Promise<DatasetStatus["broken"]> => {
  if (newest.status !== "failed" || newest.next.length > 0) return null;
  let runs = 0;
  let reason = "";
  for (let n = newest.commit; n > newest.worked && n > newest.commit - FAILURES_READ; n--) {
    const key = commitKey(dataset.name, n);
    const commit = n === newest.commit ? newest : parseCommit(await getJson(place.aws, "state", key), key);
    if (commit.status !== "failed") break;
    if (commit.rebuild && dataset.raw) continue;
    runs += 1;
    reason ||= commit.reason ?? "";
  }
  return runs > (dataset.raw ? 1 : 0) ? { runs, reason } : null;
};

const lastSession = async (place: Place, dataset: Dataset, now: number): Promise<DatasetStatus["session"]> => {
  if (!dataset.sessions) return null;
  const { table, column } = dataset.sessions;
  const [row] = await all(place.aws, `SELECT max(${column}) AS last FROM ${table}`, dataset.database);
  if (!row?.last) return null;
  const [last, today] = [dayNumber(row.last), dayNumber(saoPauloDay(now))];
  let behind = 0;
  // Today's is published in the evening: nobody is behind for want of it.
  for (let day = last + 1; day < today; day++) if (isSession(dayOf(day))) behind += 1;
  return { last: row.last, days: today - last, behind };
};

const partialOrigins = async (place: Place, dataset: Dataset): Promise<DatasetStatus["partial"]> => {
  if (!dataset.sessions?.partial) return [];
  const rows = await all(place.aws, dataset.sessions.partial, dataset.database);
  return rows.map(({ session, origin, since, expected, seen }) => ({
    session: session ?? "",
    origin: origin ?? "",
    expected: Number(expected),
    seen: Number(seen),
    since: new Date(`${since?.replace(" ", "T")}Z`).toISOString(),
  }));
};

/** Of so many dead letters the reasons are read: a look must be quick, and hides what it looks at while it lasts. */
const LOOKED = 1000;

const deadLettersOf = async (place: Place, name: string): Promise<DeadLetters> => {
  const queue = `${name}-dlq`;
  const [{ visible, inFlight }, archived] = await Promise.all([depth(place.aws, queue), archivedOf(place, name)]);
  const found = { records: 0, oldest: null as string | null, reasons: {} as Record<string, number> };
  const ids = new Set<string>();
  const none = { letters: inFlight, looked: 0, hidden: inFlight, ...found, archived };
  if (visible === 0) return none;
  const { seen, hidden, whole } = await walk(
    place.aws,
    queue,
    (messages) => {
      for (const message of messages) {
        const { id, reason, records, seen } = readDeadLetter(message.body, message);
        if (ids.has(id)) continue;
        ids.add(id);
        found.records += records.length;
        found.reasons[reason] = (found.reasons[reason] ?? 0) + records.length;
        if (found.oldest === null || seen < found.oldest) found.oldest = seen;
      }
      return ids.size >= LOOKED ? "stop" : undefined;
    },
    { beforeEnd },
  );
  const letters = whole ? ids.size + hidden : Math.max(visible + inFlight, seen);
  return { ...none, ...found, letters, looked: ids.size, hidden };
};

const archivedOf = async (place: Place, name: string): Promise<number> => {
  let letters = 0;
  for await (const _ of list(place.aws, "lake", archivedKey(name, ""))) letters += 1;
  return letters;
};
