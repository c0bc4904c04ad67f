import { advance } from "../../functions/advance.ts";
import { pausedSince } from "../aws/documents.ts";
import { create, put, remove } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { type Paused, pausedKey } from "../core/run.ts";
import { ago, printable } from "./output.ts";
import type { Place } from "./place.ts";

export type PauseOptions = { why?: string };

/** What a document may hold (core/run.ts). */
const WHY_CHARACTERS = 1000;

/** @throws PregaoError for a reason that is too long, before a river is started. */
export const check = ({ why = "" }: PauseOptions): void => {
  if (why.length > WHY_CHARACTERS)
    throw new PregaoError("usage", `expected --why with at most ${WHY_CHARACTERS} characters, came ${why.length}`);
};

/**
 * `pregao pause`: no new run is opened, but a rebuild that a person asks for. What is under way ends, and raw objects go on
 * landing: nothing is lost.
 */
export const pause = async (place: Place, dataset: Dataset, options: PauseOptions): Promise<void> => {
  const { name } = dataset;
  const wanted: Paused = { at: new Date().toISOString(), why: options.why ?? "" };
  const made = await create(place.aws, "state", pausedKey(name), JSON.stringify(wanted));
  const there = made === "created" ? wanted : ((await pausedSince(place.aws, name)) ?? wanted);
  const paused = options.why === undefined ? there : { ...there, why: options.why };
  // Paused twice, the first says since when, the last says why.
  if (paused.why !== there.why) await put(place.aws, "state", pausedKey(name), JSON.stringify(paused));
  place.output.result({ dataset: name, ...paused, before: made === "exists" }, () =>
    [
      made === "created"
        ? `${name} is paused: no new run is opened, what is under way ends, what arrives waits in raw.`
        : `${name} was paused ${ago(paused.at)} and stays so${paused.why ? `: ${printable(paused.why)}` : ""}.`,
      "",
      `Next: pregao resume ${name}`,
      "",
    ].join("\n"),
  );
};

/** `pregao resume`: runs are opened again, the next one at once. */
export const resume = async (place: Place, dataset: Dataset): Promise<void> => {
  const { name } = dataset;
  const paused = await pausedSince(place.aws, name);
  await remove(place.aws, "state", pausedKey(name));
  const { open, newest, why } = await advance(place.aws, dataset);
  place.output.result({ dataset: name, paused, run: open, commit: newest, why }, () =>
    [
      paused
        ? `${name} goes on; it was paused ${ago(paused.at)}${paused.why ? `: ${printable(paused.why)}` : ""}.`
        : `${name} was not paused.`,
      open === null
        ? `${newest ? `Commit ${newest} stands` : "Nothing is published yet"}: ${why}.`
        : `Run ${open} is under way: ${why}.`,
      "",
      open === null ? "Next: pregao status" : `Next: pregao refine ${name}`,
      "",
    ].join("\n"),
  );
};
