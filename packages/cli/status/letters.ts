import { eachLetter, type Letter } from "../../aws/letters.ts";
import { depth } from "../../aws/queues.ts";
import { list } from "../../aws/store.ts";
import { archivedKey } from "../../core/replay.ts";
import { beforeEnd } from "../door.ts";
import type { Place } from "../place.ts";
import type { DeadLetters } from "./status.ts";

/** Of so many dead letters the reasons are read: a look must be quick, and hides what it looks at while it lasts. */
const LOOKED = 1000;

export const none: DeadLetters = {
  ...{ letters: 0, looked: 0, records: 0, hidden: 0 },
  ...{ oldest: null, reasons: {}, archived: 0 },
};

/** The dead letters of a box by reason; of those in the archive the number. */
export const deadLettersOf = async (place: Place, name: string): Promise<DeadLetters> => {
  const [{ visible, inFlight }, archived] = await Promise.all([
    depth(place.aws, `${name}-dlq`),
    archivedOf(place, name),
  ]);
  if (visible === 0) return { ...none, letters: inFlight, hidden: inFlight, archived };
  const found = { looked: 0, records: 0, oldest: null as string | null, reasons: {} as Record<string, number> };
  const visit = ({ at, reason, records, seen }: Letter) => {
    if (at === "archive") return "stop";
    found.looked += 1;
    found.records += records.length;
    found.reasons[reason] = (found.reasons[reason] ?? 0) + records.length;
    if (found.oldest === null || seen < found.oldest) found.oldest = seen;
    return found.looked >= LOOKED ? "stop" : undefined;
  };
  const { hidden, whole } = await eachLetter(place.aws, name, visit, { beforeEnd });
  const letters = whole ? found.looked + hidden : Math.max(visible + inFlight, found.looked);
  return { ...found, letters, hidden, archived };
};

const archivedOf = async (place: Place, name: string): Promise<number> => {
  let letters = 0;
  for await (const _ of list(place.aws, "lake", archivedKey(name, ""))) letters += 1;
  return letters;
};
