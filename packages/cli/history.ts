import { commitNumber, newestCommit, newestRunNumber, runNumber } from "../aws/documents.ts";
import { dayBefore, ingestDate } from "../core/run.ts";
import type { Place } from "./place.ts";

/** A run that named a raw object, and how it ended: `commit` null while it is open. */
export type Taken = {
  run: number;
  opened_at: string;
  commit: {
    number: number;
    status: "published" | "failed" | "held" | "rejected";
    at: string;
    reason: string | null;
  } | null;
};

/** Runs read after the first that could have named an object: what fails again and again, or waits, is found by then. */
const RUNS = 1000;

/** `all`: later runs were looked at as well, or need not be; else a run further on may have taken it. */
export type History = { runs: Taken[]; all: boolean };

/**
 * Of each of these raw objects the runs that took it, in their order, rebuilds left out. The first that could have is
 * found by halves, since runs are opened in the order of their numbers; from it on they are read until each object is
 * settled, `most` at most.
 */
export const runsOf = async (
  { aws }: Pick<Place, "aws">,
  dataset: string,
  keys: ReadonlySet<string>,
  most = RUNS,
): Promise<ReadonlyMap<string, History>> => {
  const taken = new Map<string, Taken[]>([...keys].map((key) => [key, []]));
  const ended = (all: boolean) => new Map([...taken].map(([key, runs]) => [key, { runs, all: all || !left.has(key) }]));
  const left = new Set(keys);
  const newest = await newestRunNumber(aws, dataset);
  const dates = [...keys].map((key) => ingestDate(key) ?? "").sort();
  if (!newest || dates[0] === undefined) return ended(true);
  // Its date is of the record that came first, by Firehose's clock.
  const since = dates[0] ? dayBefore(dates[0]) : "";
  let [low, high] = [1, newest];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await runNumber(aws, dataset, middle)).opened_at < since) low = middle + 1;
    else high = middle;
  }
  const last = (await newestCommit(aws, dataset))?.commit ?? 0;
  for (let n = low; n <= newest && n < low + most && left.size > 0; n++) {
    const run = await runNumber(aws, dataset, n);
    if (run.rebuild) continue;
    const named = run.objects.filter(({ key }) => left.has(key)).map(({ key }) => key);
    const refused = run.rejects.filter(({ key }) => left.has(key)).map(({ key }) => key);
    if (named.length + refused.length === 0) continue;
    const commit = n <= last ? await commitNumber(aws, dataset, n) : null;
    const note = (key: string, status: NonNullable<Taken["commit"]>["status"] | undefined) => {
      const { commit: number = n, at = "", reason = null } = commit ?? {};
      const end = commit ? { number, status: status ?? commit.status, at, reason } : null;
      taken.get(key)!.push({ run: n, opened_at: run.opened_at, commit: end });
      if (end && end.status !== "failed" && end.status !== "held") left.delete(key);
    };
    for (const key of named) note(key, commit?.rejected.some((r) => r.key === key) ? "rejected" : undefined);
    for (const key of refused) note(key, "rejected");
  }
  return ended(low + most > newest);
};
