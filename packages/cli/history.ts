import { getJson, list } from "../aws/store.ts";
import { dayBefore, ingestDate, numberOf, parseRun, type Run, runKey } from "../core/run.ts";
import { commitNumber, newestCommit } from "./lake.ts";
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

/**
 * Of each of these raw objects the runs that took it, in their order, rebuilds left out. The first that could have is
 * found by halves, since runs are opened in the order of their numbers; from it on they are read until each object is
 * settled, {@link RUNS} at most.
 */
export const runsOf = async (
  place: Place,
  dataset: string,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Taken[]>> => {
  const taken = new Map<string, Taken[]>([...keys].map((key) => [key, []]));
  const newest = await newestRun(place, dataset);
  const dates = [...keys].map((key) => ingestDate(key) ?? "").sort();
  if (!newest || dates[0] === undefined) return taken;
  // Its date is of the record that came first, by Firehose's clock.
  const since = dates[0] ? dayBefore(dates[0]) : "";
  let [low, high] = [1, newest];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await runNumber(place, dataset, middle)).opened_at < since) low = middle + 1;
    else high = middle;
  }
  const last = (await newestCommit(place, dataset))?.commit ?? 0;
  const left = new Set(keys);
  for (let n = low; n <= newest && n < low + RUNS && left.size > 0; n++) {
    const run = await runNumber(place, dataset, n);
    if (run.rebuild) continue;
    const named = run.objects.filter(({ key }) => left.has(key)).map(({ key }) => key);
    const refused = run.rejects.filter(({ key }) => left.has(key)).map(({ key }) => key);
    if (named.length + refused.length === 0) continue;
    const commit = n <= last ? await commitNumber(place, dataset, n) : null;
    const note = (key: string, status: NonNullable<Taken["commit"]>["status"] | undefined) => {
      const { commit: number = n, at = "", reason = null } = commit ?? {};
      const ended = commit ? { number, status: status ?? commit.status, at, reason } : null;
      taken.get(key)!.push({ run: n, opened_at: run.opened_at, commit: ended });
      if (ended && ended.status !== "failed" && ended.status !== "held") left.delete(key);
    };
    for (const key of named) note(key, commit?.rejected.some((r) => r.key === key) ? "rejected" : undefined);
    for (const key of refused) note(key, "rejected");
  }
  return taken;
};

const newestRun = async (place: Place, dataset: string): Promise<number> => {
  for await (const { key } of list(place.aws, "state", `runs/${dataset}/`, { limit: 1 })) return numberOf(key);
  return 0;
};

const runNumber = async (place: Place, dataset: string, n: number): Promise<Run> => {
  const key = runKey(dataset, n);
  return parseRun(await getJson(place.aws, "state", key), key);
};
