import { readBell } from "../../functions/advance.ts";
import { datasetNamed, digest } from "../../functions/river.ts";
import type { Letter } from "../aws/letters.ts";
import { inspect } from "../aws/parquet.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { judgeOf } from "../core/judge.ts";
import { copyKey, patched, refusedObject, unwrap } from "../core/reject.ts";
import { type Trial, trialOf } from "../core/replay.ts";
import type { Letterbox } from "./dlq-choice.ts";
import type { Place } from "./place.ts";

/** What sending a letter again means: a message to the queue, or a copy of a refused raw object under a new key. */
export type Sending = { body: string } | { object: { key: string; etag: string; size: number }; to: string };
/** `rows`: those that would pass, as the consumer would give them on. */
export type Tried = { sending: Sending; trial: Trial; rows: string[] };

/** What today's judge says of a letter, with fields of its records put right. @throws PregaoError `patch`. */
export type Try = (letter: Letter) => Promise<Tried> | Tried;

export const tryOf = (place: Place, box: Letterbox, fields: Readonly<Record<string, unknown>>): Try => {
  if (!box.raw) return tryLanded(place);
  const judge = judgeOf(box as Dataset, digest);
  return (letter) => {
    const body = mended(letter, fields);
    const judged = judge({ receipt: "", body, sentAt: Date.parse(letter.sentAt) });
    return { sending: { body }, trial: trialOf(judged), rows: judged.rows };
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

/** Bells are read, raw objects are looked at; nothing is moved. */
const tryLanded =
  (place: Place): Try =>
  async (letter) => {
    const object = refusedObject(letter.body);
    if (!object) {
      const body = bellOf(letter.body);
      const { problem } = readBell(place.stage, place.datasets, body);
      return { sending: { body }, trial: problem === null ? passes : refused("no_bell", problem), rows: [] };
    }
    const { dataset, ...version } = object;
    const to = copyKey(letter, new Date().toISOString().slice(0, 10), digest);
    const seen = await inspect(place.aws, datasetNamed(place.datasets, dataset), version, to);
    const trial =
      seen.is === "sound"
        ? passes
        : seen.is === "rejected"
          ? refused(seen.reason, seen.message)
          : seen.is === "gone"
            ? refused("gone", `${version.key} is not there any more, or is another version: nothing is left to copy`)
            : refused("unread", `${version.key} could not be looked at: ${String(seen.error)}`);
    return { sending: { object: version, to }, trial, rows: [] };
  };

/** What came to the queue `landed`, as it came. */
const bellOf = (body: string): string => {
  try {
    return unwrap(JSON.parse(body))?.body ?? body;
  } catch {
    return body;
  }
};
