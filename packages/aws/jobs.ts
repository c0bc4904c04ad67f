import { GetJobRunsCommand, StartJobRunCommand } from "@aws-sdk/client-glue";
import type { Attempt } from "../core/facts.ts";
import type { Run } from "../core/run.ts";
import { bucket, resource } from "../core/stage.ts";
import type { Aws } from "./index.ts";

/** GetJobRuns: at most 200 a page (API reference), the newest first. */
const PAGE = 200;
/** Glue's clock and ours may differ by this much. */
const SKEW_MS = 3_600_000;
/** What a job run ends in; the other states go on by themselves. */
const ENDED = new Set(["STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"]);

export const jobName = (aws: Aws, dataset: string): string => resource(aws.stage, `refine-${dataset}`);

/**
 * Starts the job for a run. "refused": one is running, and its end will ring. Any other failure is thrown; after a
 * timeout a run of the job may be there all the same.
 */
export const startJob = async (aws: Aws, run: Run): Promise<"started" | "refused"> => {
  try {
    await aws.glue.send(
      new StartJobRunCommand({
        JobName: jobName(aws, run.dataset),
        Arguments: {
          "--dataset": run.dataset,
          "--run": String(run.run),
          "--state": bucket(aws.stage, "state"),
          "--lake": bucket(aws.stage, "lake"),
        },
      }),
    );
    return "started";
  } catch (error) {
    if ((error as Error).name === "ConcurrentRunsExceededException") return "refused";
    throw error;
  }
};

/**
 * `seconds`: how long it ran; `dpuSeconds`: what it is billed for, which Glue tells of jobs with auto scaling, and is
 * the capacity for all that time otherwise (JobRun: DPUSeconds, MaxCapacity).
 */
export type JobRun = { id: string; state: string; reason: string | null; seconds: number; dpuSeconds: number };

/**
 * The job runs whose arguments name a run, the newest first. None is older than its run: `since` (ms since 1970) is when
 * that was opened, and saves reading further back.
 */
export const attempts = async (aws: Aws, dataset: string, run: number, since = 0): Promise<JobRun[]> => {
  const found: JobRun[] = [];
  let token: string | undefined;
  do {
    const page = await aws.glue.send(
      new GetJobRunsCommand({ JobName: jobName(aws, dataset), MaxResults: PAGE, NextToken: token }),
    );
    token = page.NextToken;
    for (const job of page.JobRuns ?? []) {
      if (job.StartedOn && job.StartedOn.getTime() < since - SKEW_MS) token = undefined;
      if (job.Arguments?.["--run"] !== String(run) || job.Arguments["--dataset"] !== dataset) continue;
      const seconds = job.ExecutionTime ?? 0;
      const dpuSeconds = job.DPUSeconds ?? seconds * (job.MaxCapacity ?? job.NumberOfWorkers ?? 0);
      const reason = job.ErrorMessage?.slice(0, 1000) ?? null;
      found.push({ id: job.Id ?? "", state: job.JobRunState ?? "", reason, seconds, dpuSeconds });
    }
  } while (token);
  return found;
};

/**
 * What a run of the job took on average, in DPU-seconds, as Glue told of the last 200 that succeeded; null if it told of
 * none. Glue tells it of jobs with auto scaling; a laptop's does not.
 */
export const meanDpuSeconds = async (aws: Aws, dataset: string): Promise<number | null> => {
  const page = await aws.glue.send(new GetJobRunsCommand({ JobName: jobName(aws, dataset), MaxResults: PAGE }));
  const told = (page.JobRuns ?? []).flatMap(({ JobRunState, DPUSeconds }) =>
    JobRunState === "SUCCEEDED" && DPUSeconds ? [DPUSeconds] : [],
  );
  return told.length > 0 ? Math.ceil(told.reduce((sum, n) => sum + n, 0) / told.length) : null;
};

/** The attempts at a run, the oldest first. */
export const readAttempts = async (aws: Aws, run: Run): Promise<Attempt[]> =>
  (await attempts(aws, run.dataset, run.run, Date.parse(run.opened_at)))
    .map(({ id, state, reason, seconds, dpuSeconds }) => ({
      id,
      seconds,
      dpuSeconds,
      ended: ENDED.has(state),
      reason: ENDED.has(state) && state !== "SUCCEEDED" ? `${state}${reason ? ` ${reason}` : ""}` : null,
    }))
    .reverse();
