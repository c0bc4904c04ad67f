import { eachLetter } from "../../aws/letters.ts";
import { type CutPart, cutParts, record, withdraw } from "../../aws/replays.ts";
import { type Outcome, outcomeKey, type Part } from "../../core/replay.ts";
import { beforeEnd } from "../door.ts";
import type { Place } from "../place.ts";
import { type Letterbox, PATIENCE_MS } from "./choice.ts";

type Restoring = Pick<Part["letters"][number], "name" | "restored">;

/** The events of a part whose withdrawals were lifted. */
export const restoredBy = (letters: readonly Restoring[]): string[] => [...new Set(letters.flatMap((l) => l.restored))];

/** An event that was withdrawn stays so for as long as its letter waits, unless another letter brought it. */
export const withdrawAgain = async (
  { aws }: Place,
  box: Letterbox,
  letters: readonly Restoring[],
  accepted: ReadonlySet<string>,
  replay: string,
): Promise<void> => {
  const counts = new Set(restoredBy(letters.filter(({ name }) => accepted.has(name))));
  const events = restoredBy(letters).filter((event) => !counts.has(event));
  await withdraw(aws, box.name, events, { at: new Date().toISOString(), replay });
};

/**
 * Replays that were cut may have lifted withdrawals of events whose letters still wait: these are made again, and how the
 * cut parts ended is written down. A letter that is there was not settled; one that is not was accepted. Letters in other
 * hands may be either: then nothing of theirs is withdrawn, and the next replay or undo looks again.
 */
export const mendCut = async (place: Place, box: Letterbox): Promise<void> => {
  const { aws } = place;
  const parts: CutPart[] = [];
  for await (const part of cutParts(aws, box.name)) parts.push(part);
  if (parts.length === 0) return;
  const names = new Set(parts.flatMap(({ letters }) => letters.map((letter) => letter.name)));
  const there = new Set<string>();
  const look = ({ name }: { name: string }) => {
    if (names.has(name)) there.add(name);
  };
  const { hidden, whole } = await eachLetter(aws, box.name, look, { patience: PATIENCE_MS, beforeEnd });
  for (const { replay, key, letters } of parts) {
    const gone = new Set(letters.map((letter) => letter.name).filter((name) => !there.has(name)));
    await withdrawAgain(place, box, letters, gone, replay);
    const outcome: Outcome = {
      ...{ format: 1, at: new Date().toISOString(), accepted: gone.size },
      not: letters
        .filter(({ name }) => there.has(name))
        .map(({ name }) => ({ name, outcome: "unknown", why: "the replay was cut" })),
    };
    if (hidden === 0 && whole) await record(aws, outcomeKey(key), outcome);
  }
};
