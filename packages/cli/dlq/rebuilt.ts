import { standing } from "../../../functions/advance.ts";
import { record, withdrawnOf } from "../../aws/replays.ts";
import { getJson } from "../../aws/store.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { replayKey } from "../../core/replay.ts";
import { parseRun, runKey } from "../../core/run.ts";
import { printable } from "../output.ts";
import type { Place } from "../place.ts";
import { follow } from "../refine.ts";

/** How long an undo waits until the units are made anew: for jobs that run, and for what came before. */
const REBUILD_MS = 10 * 60_000;

/**
 * The second half of an undo: until the units that a replay touched are made anew, as far as they are published. First
 * ends what was planned before the withdrawal, which may bring a unit that was not there; no later run can.
 * @returns null once each is published without what is withdrawn, which is written down; else why it is not
 */
export const rebuilt = async (
  place: Place,
  dataset: Dataset,
  replay: string,
  units: readonly string[],
): Promise<string | null> => {
  const until = Date.now() + REBUILD_MS;
  const withdrawn = await withdrawnOf(place.aws, dataset.name);
  try {
    const { why } = await follow(place, dataset, {}, until);
    if (Date.now() >= until) return why;
    for (const unit of units) {
      const waits = await makeAnew(place, dataset, unit, withdrawn, until);
      if (waits !== null) return waits;
    }
  } catch (error) {
    // What a person must put right, such as raw objects that are gone: the letters are back all the same.
    if (error instanceof PregaoError) return error.message;
    throw error;
  }
  await record(place.aws, replayKey(dataset.name, replay, "rebuilt"), { format: 1, at: new Date().toISOString() });
  return null;
};

const makeAnew = async (
  place: Place,
  dataset: Dataset,
  unit: string,
  withdrawn: ReadonlySet<string>,
  until: number,
): Promise<string | null> => {
  for (;;) {
    const { units } = await standing(place.aws, dataset);
    // Nothing of it is published.
    if (!units.includes(unit)) return null;
    const { passed, why } = await follow(place, dataset, { rebuild: [unit] }, until);
    const made = passed.findLast((run) => run.rebuild && run.units.includes(unit));
    if (!made) return why;
    if (made.status !== "published")
      return `run ${made.run} is ${made.status}: ${printable(made.reason ?? "no reason given")}`;
    if (await leavesOut(place, dataset, made.run, withdrawn)) return null;
    // It was another's, planned before the withdrawal.
    if (Date.now() >= until) return why;
  }
};

/** Whether a run left out these events, but for those that another replay lets count again. */
const leavesOut = async (
  place: Place,
  dataset: Dataset,
  n: number,
  withdrawn: ReadonlySet<string>,
): Promise<boolean> => {
  const key = runKey(dataset.name, n);
  const left = new Set(parseRun(await getJson(place.aws, "state", key), key).withdrawn);
  const still = await withdrawnOf(place.aws, dataset.name);
  return [...withdrawn].every((event) => left.has(event) || !still.has(event));
};
