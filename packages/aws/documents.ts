import { type Commit, parseCommit } from "../core/commit.ts";
import { PregaoError } from "../core/errors.ts";
import { commitKey, numberOf, type Paused, parsePaused, parseRun, pausedKey, type Run, runKey } from "../core/run.ts";
import { bucket } from "../core/stage.ts";
import type { Aws } from "./index.ts";
import { getJson, list } from "./store.ts";

// The documents of a dataset in the bucket `state`: the numbered series of runs and commits, and what pauses it.

/** A document larger than this is no document of ours: it would not fit a function's memory. Bytes of JSON. */
export const DOCUMENT_BYTES = 64 * 1024 ** 2;

export type Series = "runs" | "commits";

/** The key of the newest document of a series, or null before the first. @throws PregaoError `document` for what is none. */
export const newestKey = async (aws: Aws, series: Series, dataset: string): Promise<string | null> => {
  for await (const { key, size } of list(aws, "state", `${series}/${dataset}/`, { limit: 1 })) {
    if (!Number.isSafeInteger(numberOf(key)) || size > DOCUMENT_BYTES)
      throw new PregaoError(
        "document",
        `expected a numbered document of at most ${DOCUMENT_BYTES} bytes in ${bucket(aws.stage, "state")}, came ${key} of ${size}: remove what is not ours`,
      );
    return key;
  }
  return null;
};

/** The number of the newest run, 0 before the first. */
export const newestRunNumber = async (aws: Aws, dataset: string): Promise<number> => {
  const key = await newestKey(aws, "runs", dataset);
  return key === null ? 0 : numberOf(key);
};

/** The newest run of a dataset, or null before the first. */
export const newestRun = async (aws: Aws, dataset: string): Promise<Run | null> => {
  const key = await newestKey(aws, "runs", dataset);
  return key === null ? null : parseRun(await getJson(aws, "state", key), key);
};

/** The newest commit of a dataset, or null before the first. */
export const newestCommit = async (aws: Aws, dataset: string): Promise<Commit | null> => {
  const key = await newestKey(aws, "commits", dataset);
  return key === null ? null : parseCommit(await getJson(aws, "state", key), key);
};

/** Run `n`. @throws PregaoError `document` if there is none. */
export const runNumber = async (aws: Aws, dataset: string, n: number): Promise<Run> => {
  const key = runKey(dataset, n);
  return parseRun(await getJson(aws, "state", key), key);
};

/** Commit `n`. @throws PregaoError `document` if there is none. */
export const commitNumber = async (aws: Aws, dataset: string, n: number): Promise<Commit> => {
  const key = commitKey(dataset, n);
  return parseCommit(await getJson(aws, "state", key), key);
};

/** Since when and why a dataset is paused; null if it is not. */
export const pausedSince = async (aws: Aws, dataset: string): Promise<Paused | null> => {
  const key = pausedKey(dataset);
  const document = await getJson(aws, "state", key);
  return document === null ? null : parsePaused(document, key);
};
