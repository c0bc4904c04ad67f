import { standing } from "../../../functions/advance.ts";
import { standingAt } from "../../../functions/sessions.ts";
import { commitNumber, newestRun, pausedSince } from "../../aws/documents.ts";
import { attempts } from "../../aws/jobs.ts";
import type { Measured } from "../../aws/metrics.ts";
import { all } from "../../aws/queries.ts";
import { depth } from "../../aws/queues.ts";
import { dayNumber, dayOf, isSession, saoPauloDay } from "../../core/calendar.ts";
import type { Commit } from "../../core/commit.ts";
import type { Dataset } from "../../core/dataset.ts";
import { dueAfter } from "../../core/session.ts";
import type { Topology } from "../../core/topology.ts";
import { nextTick } from "../../local/clock.ts";
import { heldOf } from "../held.ts";
import { inList, isApplied, openRaw } from "../lake.ts";
import type { Place } from "../place.ts";
import { deadLettersOf } from "./letters.ts";
import type { DatasetStatus, Queue } from "./status.ts";

export const statusOf = async (
  place: Place,
  dataset: Dataset,
  measured: Measured,
  built: Topology,
  now: number,
): Promise<DatasetStatus> => {
  const { name } = dataset;
  const { commit, behind } = await standing(place.aws, dataset);
  const [applied, session, looks, partial, run, queue, deadLetters, paused, pending, broken] = await Promise.all([
    isApplied(place, dataset, commit),
    commit ? lastSession(place, dataset, now) : null,
    looksOf(place, dataset, commit, built, now),
    commit ? partialOrigins(place, dataset) : [],
    openRun(place, dataset, commit?.commit ?? 0),
    dataset.raw ? queueOf(place, name, measured) : null,
    dataset.raw ? deadLettersOf(place, name) : null,
    pausedSince(place.aws, name),
    dataset.raw ? pendingOf(place, dataset, commit) : null,
    commit ? brokenOf(place, dataset, commit) : null,
  ]);
  return {
    dataset: name,
    session,
    looks,
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

export const queueOf = async (place: Place, name: string, { oldestMessage }: Measured): Promise<Queue> => ({
  ...(await depth(place.aws, name)),
  oldestSeconds: oldestMessage[name] ?? null,
});

const openRun = async (place: Place, dataset: Dataset, committed: number): Promise<DatasetStatus["run"]> => {
  const run = await newestRun(place.aws, dataset.name);
  if (!run || run.run <= committed) return null;
  const jobs = await attempts(place.aws, dataset.name, run.run, Date.parse(run.opened_at));
  return {
    number: run.run,
    opened: run.opened_at,
    rebuild: run.rebuild,
    objects: run.objects.length,
    attempts: jobs.length,
    job: jobs[0]?.state ?? "not started",
    reason: jobs[0]?.reason ?? null,
  };
};

/** What no commit has settled, holds or saw fail. */
const pendingOf = async (place: Place, dataset: Dataset, commit: Commit | null): Promise<DatasetStatus["pending"]> => {
  const pending = { objects: 0, bytes: 0 };
  let oldest = Number.POSITIVE_INFINITY;
  for await (const { is, size, modified } of openRaw(place, dataset, commit, true)) {
    if (is !== "pending") continue;
    pending.objects += 1;
    pending.bytes += size;
    oldest = Math.min(oldest, modified);
  }
  return pending.objects ? { ...pending, oldest: new Date(oldest).toISOString() } : null;
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
    const commit = n === newest.commit ? newest : await commitNumber(place.aws, dataset.name, n);
    if (commit.status !== "failed") break;
    if (commit.rebuild && dataset.raw) continue;
    runs += 1;
    reason ||= commit.reason ?? "";
  }
  return runs > (dataset.raw ? 1 : 0) ? { runs, reason } : null;
};

const lastSession = async (place: Place, dataset: Dataset, now: number): Promise<DatasetStatus["session"]> => {
  if (!dataset.sessions) return null;
  const { table, column, series } = dataset.sessions;
  const usual = dataset.raw?.publication?.parts?.usual;
  // What no file brought, as a test message, is no session. What a person brought of another series is nothing to those
  // that a clock looks for.
  const looked = series && usual ? ` AND ${series} IN ${inList(usual)}` : "";
  const statement = `SELECT max(${column}) AS last FROM ${table} WHERE origin_rows IS NOT NULL${looked}`;
  const [row] = await all(place.aws, statement, dataset.database);
  if (!row?.last) return null;
  const [last, today] = [dayNumber(row.last), dayNumber(saoPauloDay(now))];
  let behind = 0;
  // Today's is published in the evening: nobody is behind for want of it.
  for (let day = last + 1; day < today; day++) if (isSession(dayOf(day))) behind += 1;
  return { last: row.last, days: today - last, behind };
};

const looksOf = async (
  place: Place,
  dataset: Dataset,
  commit: Commit | null,
  built: Topology,
  now: number,
): Promise<DatasetStatus["looks"]> => {
  const after = dueAfter(built, dataset);
  const clocks = built.clocks.filter(
    ({ web, input }) => web && (input as { dataset: string }).dataset === dataset.name,
  );
  const next = Math.min(...clocks.map((clock) => nextTick(clock, now) ?? Number.POSITIVE_INFINITY));
  if (after === null || !Number.isFinite(next)) return null;
  const { missing } = dataset.sessions?.facts
    ? await standingAt(place.aws, dataset, commit, after, now)
    : { missing: [] };
  return {
    next: new Date(next).toISOString(),
    missing: missing.toReversed(),
    fill: fillOf(dataset, missing.toReversed()),
  };
};

/** The command that brings these sessions, ascending; null: there are none, or the origin has them no more. */
const fillOf = ({ name, raw }: Dataset, missing: readonly string[]): string | null => {
  const [first, last] = [missing[0], missing.at(-1)];
  if (first === undefined || !raw?.publication?.history) return null;
  return `pregao ingest ${name} ${first === last ? `--session ${first}` : `--from ${first} --to ${last}`} --wait`;
};

const partialOrigins = async (place: Place, dataset: Dataset): Promise<DatasetStatus["partial"]> => {
  if (!dataset.sessions?.partial) return [];
  const rows = await all(place.aws, dataset.sessions.partial, dataset.database);
  return rows.map(({ session, origin, part, since, expected, seen }) => ({
    session: session ?? "",
    origin: origin ?? "",
    part: part ?? null,
    expected: Number(expected),
    seen: Number(seen),
    since: new Date(`${since?.replace(" ", "T")}Z`).toISOString(),
  }));
};
