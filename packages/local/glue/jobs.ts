import { z } from "zod";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { type JobDeps, type Jobs, jobRuns } from "./job-runs.ts";
import { epoch, type JobInput, jobInput, keyOf, missing, nameText, pageSize, read, tokenAfter } from "./shapes.ts";

/** AWS's default of a job's timeout, in minutes. */
const DEFAULT_TIMEOUT_MINUTES = 480;
/** Names of ListJobs and runs of GetJobRuns in one answer (API model). */
const MAX_JOBS = 1000;
const MAX_PAGE = 200;
/** BatchStopJobRun takes at most so many (API model). */
const MAX_STOPS = 25;
const jobRef = z.looseObject({ JobName: nameText });
/** Both are kept without effect; AWS makes no job without them. */
const newJob = jobInput.extend({ Name: nameText, Role: z.string(), Command: z.looseObject({}) });
const paged = z.looseObject({ NextToken: z.string().optional(), MaxResults: z.int().optional() });

/** Jobs, and what is asked of their runs. */
export const jobOperations = (state: State, deps: JobDeps) => {
  state.db.exec("CREATE TABLE IF NOT EXISTS glue_jobs (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT");
  const bodyOf = state.db.prepare("SELECT body FROM glue_jobs WHERE name = ?");
  const find = (name: string): JobInput | null => {
    const row = bodyOf.get(name);
    return row ? (JSON.parse(row.body as string) as JobInput) : null;
  };
  const jobs: Jobs = { find, require: (name) => find(name) ?? missing(`Job ${name}`) };
  const runs = jobRuns(state, jobs, deps);

  const putJob = (name: string, job: JobInput, created: number | null) => {
    const now = epoch(deps.now());
    const body = {
      MaxRetries: 0,
      ...job,
      Name: name,
      ExecutionProperty: { MaxConcurrentRuns: 1, ...job.ExecutionProperty },
      Timeout: job.Timeout ?? DEFAULT_TIMEOUT_MINUTES,
      CreatedOn: created ?? now,
      LastModifiedOn: now,
    };
    state.db
      .prepare("INSERT INTO glue_jobs (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body")
      .run(name, JSON.stringify(body));
  };

  const operations = {
    CreateJob: (input: unknown) => {
      const job = read(newJob, input);
      state.transaction(() => {
        if (jobs.find(job.Name)) throw new AwsError("AlreadyExistsException", `Job ${job.Name} already exists.`);
        putJob(job.Name, job, null);
      });
      return { Name: job.Name };
    },
    GetJob: (input: unknown) => ({ Job: jobs.require(read(jobRef, input).JobName) }),
    UpdateJob: (input: unknown) => {
      const { JobName, JobUpdate } = read(jobRef.extend({ JobUpdate: jobInput }), input);
      state.transaction(() => {
        const before = jobs.require(JobName);
        putJob(JobName, JobUpdate, before.CreatedOn as number);
      });
      return { JobName };
    },
    ListJobs: (input: unknown) => {
      const asked = read(paged, input);
      const size = pageSize(asked.MaxResults, MAX_JOBS);
      const rows = state.db
        .prepare("SELECT name FROM glue_jobs WHERE name > ? ORDER BY name LIMIT ?")
        .all(keyOf(asked.NextToken) ?? "", size + 1);
      const names = rows.slice(0, size).map((row) => row.name as string);
      return { JobNames: names, ...(rows.length > size ? { NextToken: tokenAfter(names.at(-1)!) } : {}) };
    },
    StartJobRun: (input: unknown) => {
      const asked = read(
        jobRef.extend({
          JobRunId: nameText.optional(),
          Arguments: z.record(z.string(), z.string()).optional(),
          Timeout: z.int().min(1).optional(),
        }),
        input,
      );
      const timeout = asked.Timeout ?? jobs.require(asked.JobName).Timeout ?? DEFAULT_TIMEOUT_MINUTES;
      return { JobRunId: runs.start(asked.JobName, asked.Arguments ?? {}, timeout, asked.JobRunId) };
    },
    GetJobRun: (input: unknown) => {
      const asked = read(jobRef.extend({ RunId: nameText }), input);
      const run = runs.find(asked.RunId);
      if (!run || run.job !== asked.JobName) return missing(`Job run ${asked.RunId}`);
      return { JobRun: run.body };
    },
    GetJobRuns: (input: unknown) => {
      const asked = read(paged.extend({ JobName: nameText }), input);
      jobs.require(asked.JobName);
      const size = pageSize(asked.MaxResults, MAX_PAGE);
      const before = Number(keyOf(asked.NextToken) ?? Number.MAX_SAFE_INTEGER);
      const found = runs.list(asked.JobName, before, size + 1);
      const page = found.slice(0, size);
      return {
        JobRuns: page.map(({ body }) => body),
        ...(found.length > size ? { NextToken: tokenAfter(String(page.at(-1)!.sequence)) } : {}),
      };
    },
    BatchStopJobRun: (input: unknown) => {
      const asked = read(jobRef.extend({ JobRunIds: z.array(z.string()).min(1).max(MAX_STOPS) }), input);
      return state.transaction(() => {
        const failed = asked.JobRunIds.map((id) => ({ id, error: runs.stop(asked.JobName, id) }));
        return {
          SuccessfulSubmissions: failed
            .filter((one) => !one.error)
            .map((one) => ({ JobName: asked.JobName, JobRunId: one.id })),
          Errors: failed
            .filter((one) => one.error)
            .map((one) => ({
              JobName: asked.JobName,
              JobRunId: one.id,
              ErrorDetail: { ErrorCode: one.error!.code, ErrorMessage: one.error!.message },
            })),
        };
      });
    },
  };
  return {
    operations,
    resume: runs.resume,
    busy: runs.busy,
    close: runs.close,
    putJob,
    createdOn: (name: string) => (find(name)?.CreatedOn as number | undefined) ?? null,
  };
};
