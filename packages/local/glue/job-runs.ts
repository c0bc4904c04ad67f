import { randomBytes, randomUUID } from "node:crypto";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { epoch, type JobInput } from "./shapes.ts";

/** What a job's engine is given. `arguments` are the job's defaults with the run's over them, names with their `--`. */
export type JobCall = { name: string; arguments: Record<string, string>; jobRunId: string; signal: AbortSignal };

/** EventBridge's event, as rules and their targets get it. AWS sends it for ends only, and so do we. */
export type JobEvent = {
  version: "0";
  id: string;
  "detail-type": "Glue Job State Change";
  source: "aws.glue";
  account: string;
  time: string;
  region: string;
  resources: [];
  detail: { jobName: string; severity: "INFO" | "WARN" | "ERROR"; state: JobEnd; jobRunId: string; message: string };
};

export type JobEnd = "SUCCEEDED" | "FAILED" | "STOPPED" | "TIMEOUT";
export type JobState = "STARTING" | "RUNNING" | "STOPPING" | JobEnd;

export type JobDeps = {
  account: string;
  region: string;
  now: () => number;
  /** Carries out a run. It resolves: SUCCEEDED; it rejects: FAILED, with the error's message. */
  run: (job: JobCall) => Promise<void>;
  /** Called inside the transaction of the run's last state change: the event exists if and only if the end does. */
  onJobEvent: (event: JobEvent) => void;
  /** How long a stopped or timed-out run may take to let go, in milliseconds, before it is given up. */
  graceMs?: number;
};

const GRACE_MS = 30_000;
/** A run that ends with its process is begun again, unless it has ended so many times: it may be what ends the process. */
const LOST_ATTEMPTS = 3;
/** Between attempts to write down a run's end. */
const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 5_000;

const severities = { SUCCEEDED: "INFO", STOPPED: "INFO", TIMEOUT: "WARN", FAILED: "ERROR" } as const;
const messages = {
  SUCCEEDED: "Job run succeeded",
  STOPPED: "Job run stopped",
  TIMEOUT: "Job run timed out",
  FAILED: "Job run failed",
} as const;

type Body = Record<string, unknown>;
type Run = { id: string; job: string; state: JobState; body: Body };

/** The jobs that there are: null for one that is not; what is required and is not throws. */
export type Jobs = { find: (name: string) => JobInput | null; require: (name: string) => JobInput };

/**
 * The runs of jobs. A run is a row before it is acknowledged; its end and the end's event are one transaction. A
 * run that was under way when the process died is FAILED at the next start, with its event: its outcome is unknown,
 * and unknown is not done. On AWS nothing of ours ends a run, so here another takes its place in the same transaction,
 * as Glue does for a job with `MaxRetries`: who waits for the first never sees that none is under way.
 */
export const jobRuns = (state: State, jobs: Jobs, deps: JobDeps) => {
  state.db.exec(`
    CREATE TABLE IF NOT EXISTS glue_runs (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS glue_runs_by_job ON glue_runs (job, sequence);
    CREATE INDEX IF NOT EXISTS glue_runs_under_way ON glue_runs (state) WHERE state IN ('STARTING', 'RUNNING', 'STOPPING');
  `);
  const underWay = "state IN ('STARTING', 'RUNNING', 'STOPPING')";
  const sql = {
    run: state.db.prepare("SELECT id, job, state, body FROM glue_runs WHERE id = ?"),
    pending: state.db.prepare(`SELECT id, job, state, body FROM glue_runs WHERE ${underWay} ORDER BY sequence`),
    count: state.db.prepare(`SELECT count(*) AS n FROM glue_runs WHERE job = ? AND ${underWay}`),
    update: state.db.prepare("UPDATE glue_runs SET state = ?, body = ? WHERE id = ?"),
    insert: state.db.prepare("INSERT INTO glue_runs (id, job, state, body) VALUES (?, ?, 'STARTING', ?)"),
  };
  const page = state.db.prepare(
    "SELECT sequence, body FROM glue_runs WHERE job = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
  );
  const runOf = (row: Record<string, unknown> | undefined): Run | null =>
    row
      ? {
          id: row.id as string,
          job: row.job as string,
          state: row.state as JobState,
          body: JSON.parse(row.body as string) as Body,
        }
      : null;
  const isEnd = (value: JobState): value is JobEnd => value in severities;
  /** Runs of this process, and what they were told: why they have to end. */
  const live = new Map<string, { abort: AbortController; why: "STOPPED" | "TIMEOUT" | null; done: Promise<void> }>();
  let closed = false;
  const closing = new AbortController();

  /** Moves a run on, in a transaction; an end is final, and its event is part of it. */
  const move = (id: string, to: JobState, reason?: string) => {
    if (closed) return;
    state.transaction(() => {
      const run = runOf(sql.run.get(id));
      if (!run || isEnd(run.state)) return;
      const now = deps.now();
      const body: Body = { ...run.body, JobRunState: to, LastModifiedOn: epoch(now) };
      if (reason !== undefined) body.ErrorMessage = reason;
      if (isEnd(to)) {
        body.CompletedOn = epoch(now);
        body.ExecutionTime = Math.max(0, Math.round(epoch(now) - (run.body.StartedOn as number)));
      }
      sql.update.run(to, JSON.stringify(body), id);
      if (isEnd(to))
        deps.onJobEvent({
          version: "0",
          id: randomUUID(),
          "detail-type": "Glue Job State Change",
          source: "aws.glue",
          account: deps.account,
          time: `${new Date(now).toISOString().slice(0, 19)}Z`,
          region: deps.region,
          resources: [],
          detail: {
            jobName: run.job,
            severity: severities[to],
            state: to,
            jobRunId: id,
            message: reason ?? messages[to],
          },
        });
      state.afterCommit(state.touch);
    });
  };

  /** Ends a run, however long it takes to write that down: an end without its event would leave its readers waiting. */
  const settle = async (id: string, end: JobEnd, reason?: string) => {
    for (let pause = FIRST_RETRY_MS; !closed; pause = Math.min(2 * pause, LAST_RETRY_MS))
      try {
        return move(id, end, reason);
      } catch {
        await wait(pause, undefined, { signal: closing.signal }).catch(() => {});
      }
  };

  const begin = (run: Run, call: Omit<JobCall, "signal">, timeoutMinutes: number) => {
    const abort = new AbortController();
    const entry = { abort, why: null as "STOPPED" | "TIMEOUT" | null, done: Promise.resolve() };
    live.set(run.id, entry);
    const work = async () => {
      let grace: NodeJS.Timeout | undefined;
      const timeout = setTimeout(() => {
        entry.why ??= "TIMEOUT";
        abort.abort(new Error(`the job ran longer than its timeout of ${timeoutMinutes} minutes`));
      }, timeoutMinutes * 60_000);
      // A run that does not let go must not block its job for ever.
      const abandoned = new Promise<"abandoned">((resolve) => {
        abort.signal.addEventListener("abort", () => {
          grace = setTimeout(() => resolve("abandoned"), deps.graceMs ?? GRACE_MS);
        });
      });
      let failure: string | null = null;
      // The answer to StartJobRun goes out first.
      await setImmediate();
      try {
        // It may have been stopped before it began.
        if (!abort.signal.aborted) {
          move(run.id, "RUNNING");
          await Promise.race([deps.run({ ...call, signal: abort.signal }), abandoned]);
        }
      } catch (error) {
        failure = error instanceof Error ? error.message : String(error);
      } finally {
        clearTimeout(timeout);
        clearTimeout(grace);
        live.delete(run.id);
      }
      if (entry.why === "TIMEOUT")
        await settle(run.id, "TIMEOUT", `Job run exceeded its timeout of ${timeoutMinutes} minutes`);
      else if (entry.why === "STOPPED") await settle(run.id, "STOPPED");
      else if (failure !== null) await settle(run.id, "FAILED", failure.slice(0, 10_000));
      else await settle(run.id, "SUCCEEDED");
      // `busy` may have been true for this run alone.
      if (!closed) state.touch();
    };
    entry.done = work();
  };

  let resumed = false;
  /** Ends what an earlier process left under way, and begins it again. Call it once everything that `onJobEvent` needs is wired. */
  const resume = () => {
    if (resumed || closed) return;
    resumed = true;
    for (const row of sql.pending.all())
      state.transaction(() => {
        const run = runOf(row)!;
        move(run.id, "FAILED", "The process that ran this job ended before the job did: its outcome is unknown.");
        const attempt = Number(run.body.Attempt) + 1;
        if (run.state === "STOPPING" || attempt >= LOST_ATTEMPTS || !jobs.find(run.job)) return;
        const { Arguments, Timeout } = run.body as { Arguments: Record<string, string>; Timeout: number };
        open(run.job, Arguments, Timeout, { id: run.id, attempt });
      });
  };

  /** A new run, in the open transaction; `before` is the one whose place it takes. Returns its id. */
  const open = (
    name: string,
    given: Record<string, string>,
    timeout: number,
    before: { id: string; attempt: number } | null,
    previous?: string,
  ): string => {
    const job = jobs.require(name);
    const id = before
      ? `${before.id.replace(/_attempt_\d+$/, "")}_attempt_${before.attempt}`
      : `jr_${randomBytes(32).toString("hex")}`;
    const now = epoch(deps.now());
    const body: Body = {
      Id: id,
      Attempt: before?.attempt ?? 0,
      ...((before?.id ?? previous) ? { PreviousRunId: before?.id ?? previous } : {}),
      JobName: name,
      JobRunState: "STARTING",
      StartedOn: now,
      LastModifiedOn: now,
      Arguments: given,
      PredecessorRuns: [],
      ExecutionTime: 0,
      Timeout: timeout,
    };
    sql.insert.run(id, name, JSON.stringify(body));
    const call = { name, arguments: { ...job.DefaultArguments, ...given }, jobRunId: id };
    // After the commit: nothing runs that a crash would not know of.
    state.afterCommit(() => {
      begin({ id, job: name, state: "STARTING", body }, call, timeout);
      state.touch();
    });
    return id;
  };

  /** A new run. @throws AwsError where as many are under way as the job allows. */
  const start = (name: string, given: Record<string, string>, timeout: number, previous?: string): string =>
    state.transaction(() => {
      const concurrent = jobs.require(name).ExecutionProperty?.MaxConcurrentRuns ?? 1;
      if (Number(sql.count.get(name)!.n) >= concurrent)
        throw new AwsError("ConcurrentRunsExceededException", `Concurrent runs exceeded for ${name}`);
      return open(name, given, timeout, null, previous);
    });

  /** In the open transaction. @returns why it cannot be stopped. */
  const stop = (job: string, id: string): AwsError | null => {
    const run = runOf(sql.run.get(id));
    if (!run || run.job !== job) return new AwsError("EntityNotFoundException", `JobRun ${id} not found.`);
    if (isEnd(run.state))
      return new AwsError("InvalidInputException", `JobRun ${id} is ${run.state} and cannot be stopped.`);
    move(id, "STOPPING");
    state.afterCommit(() => {
      const entry = live.get(id);
      if (!entry) return;
      entry.why ??= "STOPPED";
      entry.abort.abort(new Error("the job run was stopped"));
    });
    return null;
  };

  return {
    start,
    stop,
    resume,
    find: (id: string): Run | null => runOf(sql.run.get(id)),
    /** Runs of a job before a place in its history, the newest first, each with its place. */
    list: (job: string, before: number, most: number): { sequence: number; body: Body }[] =>
      page
        .all(job, before, most)
        .map((row) => ({ sequence: row.sequence as number, body: JSON.parse(row.body as string) as Body })),
    /** Runs under way, those of an earlier process that are not yet ended included. */
    busy: () => !closed && sql.pending.get() !== undefined,
    /** Lets go of runs without ending them: the next start will. Resolves when none is running. */
    close: async () => {
      closed = true;
      closing.abort();
      const running = [...live.values()];
      for (const entry of running) entry.abort.abort(new Error("the process is stopping"));
      await Promise.all(running.map((entry) => entry.done));
    },
  };
};
