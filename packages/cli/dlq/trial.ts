import { bellIn, readBell } from "../../../functions/advance.ts";
import { datasetNamed, digest } from "../../../functions/river.ts";
import type { Letter } from "../../aws/letters.ts";
import { inspect } from "../../aws/parquet.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { type Judged, judgeOf } from "../../core/judge.ts";
import type { Inspected } from "../../core/plan.ts";
import { copyKey, patched, refusedObject } from "../../core/reject.ts";
import { type Trial, trialOf } from "../../core/replay.ts";
import type { RawObject } from "../../core/run.ts";
import type { Place } from "../place.ts";
import type { Letterbox } from "./choice.ts";

/** What sending a letter again means: a message to the queue, or a copy of a refused raw object under a new key. */
export type Sending = { body: string } | { object: { key: string; etag: string; size: number }; to: string };
/** `judged`: the judge's word on a message with records; null for what has none. */
export type Tried = { sending: Sending; trial: Trial; judged: Pick<Judged, "rows" | "rejects"> | null };

/** What today's judge says of a letter, with fields of its records put right. @throws PregaoError `patch`. */
export type Try = (letter: Letter) => Promise<Tried> | Tried;

export const tryOf = (place: Place, box: Letterbox, fields: Readonly<Record<string, unknown>>): Try => {
  if (!box.raw) return tryLanded(place);
  const judge = judgeOf(box as Dataset, digest);
  return (letter) => {
    const body = mended(letter, fields);
    const judged = judge({ receipt: "", body, sentAt: Date.parse(letter.sentAt) });
    return { sending: { body }, trial: trialOf(judged), judged };
  };
};

/** A letter's body with fields put right. */
const mended = (letter: Letter, fields: Readonly<Record<string, unknown>>): string => {
  try {
    return patched(letter.body, fields);
  } catch {
    throw new PregaoError(
      "patch",
      `dead letter ${letter.id} (${letter.reason}) is no message with records, so no field of it can be patched; nothing was sent. Choose others with --reason or --ticker`,
    );
  }
};

const passes: Trial = { passes: 1, refused: [] };
const refused = (reason: string, message: string): Trial => ({ passes: 0, refused: [{ reason, message, records: 1 }] });

/** Bells are read, raw objects are looked at; nothing is moved. A letter of a bell goes as it is: it has its history. */
const tryLanded =
  (place: Place): Try =>
  async (letter) => {
    const object = refusedObject(letter.body);
    if (!object) {
      const { problem } = readBell(place.stage, place.datasets, bellIn(letter.body).body);
      const trial = problem === null ? passes : refused("no_bell", problem);
      return { sending: { body: letter.body }, trial, judged: null };
    }
    const { dataset, ...version } = object;
    const to = copyKey(letter, new Date().toISOString().slice(0, 10), digest);
    const trial = trialOfObject(await looked(place, dataset, version, to));
    return { sending: { object: version, to }, trial, judged: null };
  };

/** What the store does not give says nothing of the object, nor of the others. */
const looked = async (place: Place, dataset: string, object: RawObject, to: string): Promise<Inspected> => {
  try {
    return await inspect(place.aws, datasetNamed(place.datasets, dataset), object, to);
  } catch (error) {
    return { object, is: "unread", error };
  }
};

const trialOfObject = (seen: Inspected): Trial => {
  const { key } = seen.object;
  if (seen.is === "sound") return passes;
  if (seen.is === "rejected") return refused(seen.reason, seen.message);
  if (seen.is === "gone")
    return refused("gone", `${key} is not there any more, or is another version: nothing is left to copy`);
  return refused("unread", `${key} could not be looked at: ${String(seen.error)}`);
};
