import { readFile } from "node:fs/promises";
import type { Recipe } from "../../core/recipe.ts";
import { commitKey, parseRun, recipeKey, runKey } from "../../core/run.ts";
import type { Store } from "../store.ts";
import { refine } from "./refine.ts";

/** What a job run is given: Glue's arguments, its own id, and the stores. */
export type Job = { arguments: Record<string, string>; jobRunId: string; signal: AbortSignal; store: Store };

/**
 * The embedded counterpart of `spark/refine.py`: reads the run and its recipe, refines, and leaves a report. It ends at
 * once, without one, if the run has its commit already.
 */
export const refineJob = async ({ arguments: given, jobRunId, signal, store }: Job): Promise<void> => {
  const dataset = argument(given, "--dataset");
  const number = Number(argument(given, "--run"));
  if ((await store.list("state", commitKey(dataset, number))).length > 0) return;
  const document = async <T>(key: string) =>
    JSON.parse(await readFile((await store.read("state", key)).path, "utf8")) as T;
  const run = parseRun(await document(runKey(dataset, number)), runKey(dataset, number));
  const recipe = await document<Recipe>(recipeKey(dataset, run.recipe));
  await refine({ run, recipe, attempt: jobRunId, store, signal });
};

const argument = (given: Record<string, string>, name: string): string => {
  const value = given[name];
  if (value === undefined)
    throw new Error(`the refine job expects ${name}, came ${Object.keys(given).join(" ") || "nothing"}`);
  return value;
};
