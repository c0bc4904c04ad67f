import { digest } from "../../../functions/river.ts";
import { declareLost, goneObjects } from "../../aws/recall.ts";
import type { Dataset } from "../../core/dataset.ts";
import type { RawObject } from "../../core/run.ts";
import { plural, printable } from "../output.ts";
import type { Place } from "../place.ts";
import { factsOf, type Verified } from "./look.ts";
import type { VerifyOptions } from "./verify.ts";

/** The raw objects that were refined and are gone, if a repair of all there is may let go of them. To be read before it looks. */
export const goneBefore = async (
  { aws }: Place,
  dataset: Dataset,
  { repair, origin, session }: VerifyOptions,
): Promise<RawObject[]> =>
  repair && origin === undefined && session === undefined ? goneObjects(aws, dataset.name) : [];

/**
 * Lets rebuilds leave out what was gone before `verified` was looked at. Proven is then that each row of every file, and
 * each that is in a table, is in raw; and that it is in what a rebuild reads, if no object is open, held, failed or refused
 * but such as hold no rows. Says what became of them. @returns the keys; none if it is not proven.
 */
export const letGo = async (
  place: Place,
  dataset: Dataset,
  objects: readonly RawObject[],
  verified: Verified,
  patience: number,
): Promise<string[]> => {
  if (objects.length === 0) return [];
  const them = `${plural(objects.length, "raw object")} that ${objects.length === 1 ? "is" : "are"} gone, ${printable(objects[0]!.key)}${objects.length > 1 ? " the first" : ""}`;
  const kept = (why: string): string[] => {
    place.output.say(`still in the way of a rebuild: ${them}; ${why}`);
    return [];
  };
  if (!verified.whole) return kept("rows are amiss");
  if (verified.unseen) return kept(verified.unseen);
  const { open, quiet } = await factsOf(place, dataset, patience);
  if (!quiet || !verified.quiet || verified.accounts.some((a) => a.inFlight + a.made.inFlight > 0))
    return kept("rows are on their way");
  const unread = [...open].find(([key]) => !verified.unreadable.includes(key));
  if (unread) return kept(`${unread[0]} is ${unread[1]}: what is in it, no rebuild reads`);
  await declareLost(place.aws, dataset.name, objects, "verify --repair found every row in other objects", digest);
  place.output.say(`every row is in others, so a rebuild leaves it out from now on: ${them}`);
  return objects.map(({ key }) => key);
};
