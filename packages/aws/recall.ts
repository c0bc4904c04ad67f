import PQueue from "p-queue";
import type { Commit } from "../core/commit.ts";
import type { Digest } from "../core/message.ts";
import { goneFrom, type Past, pastOf, type Recalled } from "../core/rebuild.ts";
import { type Lost, lostKey, nameOf, parseLost, type RawObject } from "../core/run.ts";
import { commitNumber, newestCommit, runNumber } from "./documents.ts";
import type { Aws } from "./index.ts";
import { getJson, list, put } from "./store.ts";

// What a rebuild must know: what every run refined, what of it is in raw, and what of it may be gone.

/** Documents read, or written, at once. */
const AT_ONCE = 16;

/** What runs and commits up to this one say, and then a listing of all of raw. Slow, and rare. */
export const recall = async (aws: Aws, dataset: string, upTo: Commit | null): Promise<Recalled> => {
  const numbers = Array.from({ length: upTo?.commit ?? 0 }, (_, n) => n + 1);
  const past = await new PQueue({ concurrency: AT_ONCE }).addAll(
    numbers.map((n) => async (): Promise<Past> => {
      const [run, commit] = await Promise.all([runNumber(aws, dataset, n), commitNumber(aws, dataset, n)]);
      return pastOf(run, commit);
    }),
  );
  const lost = await lostObjects(aws, dataset);
  const there = new Map<string, string>();
  for await (const { key, etag } of list(aws, "lake", `raw/${dataset}/`)) there.set(key, etag);
  return { past, there, lost };
};

/** Names of the objects that a rebuild may leave out once they are gone. A person may have written one by hand. */
const lostObjects = async (aws: Aws, dataset: string): Promise<ReadonlySet<string>> => {
  const keys: string[] = [];
  for await (const { key } of list(aws, "state", lostKey(dataset, "").replace(/\.json$/, ""))) keys.push(key);
  const lost = await new PQueue({ concurrency: AT_ONCE }).addAll(
    keys.map((key) => async () => parseLost(await getJson(aws, "state", key), key)),
  );
  return new Set(lost.map(nameOf));
};

/** The raw objects that were refined, are gone, and stop the rebuild of their units. */
export const goneObjects = async (aws: Aws, dataset: string): Promise<RawObject[]> =>
  goneFrom(await recall(aws, dataset, await newestCommit(aws, dataset)));

/**
 * Lets rebuilds leave these out. Only for whoever has seen, after they were gone, that every row of theirs is in raw
 * objects that were refined: what is in the tables only is lost with the next rebuild otherwise.
 */
export const declareLost = async (
  aws: Aws,
  dataset: string,
  objects: readonly RawObject[],
  why: string,
  digest: Digest,
): Promise<void> => {
  const at = new Date().toISOString();
  await new PQueue({ concurrency: AT_ONCE }).addAll(
    objects.map(({ key, etag }) => async () => {
      const lost: Lost = { key, etag, at, why };
      await put(aws, "state", lostKey(dataset, digest(nameOf(lost))), JSON.stringify(lost));
    }),
  );
};
