import { digest } from "../../../functions/river.ts";
import { eachLetter, type Letter } from "../../aws/letters.ts";
import { readPart, replays } from "../../aws/replays.ts";
import type { Dataset } from "../../core/dataset.ts";
import { judgeOf } from "../../core/judge.ts";
import { PATIENCE_MS, unseen } from "../dlq/choice.ts";
import { beforeEnd } from "../door.ts";
import type { Place } from "../place.ts";
import { attribute, carried, recordId } from "./expected.ts";

/** A dead letter, as far as an account needs it. `events`: rows that it would become if it were sent again today. */
export type Refused = { id: string; reason: string; message: string; records: string[]; events: string[] };

/**
 * A dead letter that was sent again, perhaps with fields put right: `records` left the dead letters and came back as
 * `events` and, refused again, as `refused`. `certain`: the queue took it.
 */
export type Replayed = {
  records: string[];
  events: { id: string; session: string }[];
  refused: string[];
  certain: boolean;
};

/** What the dead letters of a dataset say about its origins, by the origin's digest. */
export type Letters = {
  of: (sha256: string) => { refused: readonly Refused[]; replayed: readonly Replayed[] };
  /** Why not all of them were seen, in a sentence; null: all were. What has no letter may have one of those. */
  unseen: string | null;
};

/** Reads every dead letter, queued or archived, and every replay. What is of no origin is of no account. */
export const readLetters = async (place: Place, dataset: Dataset): Promise<Letters> => {
  const judge = judgeOf(dataset, digest);
  const column = dataset.raw!.session;
  const judged = (body: string) => {
    const { rows, rejects } = judge({ receipt: "", body, sentAt: 0 });
    return {
      events: rows.map((row) => ({ id: attribute(row, "event_id"), session: attribute(row, column) })),
      refused: rejects.flatMap((reject) => (carried(reject.body)?.records ?? []).map(recordId)),
    };
  };
  const refused = new Map<string, Refused[]>();
  const visit = ({ id, reason, message, body }: Letter): void => {
    const of = carried(body);
    if (!of) return;
    const letter = {
      id,
      reason,
      message,
      records: of.records.map(recordId),
      events: judged(body).events.map((e) => e.id),
    };
    append(refused, of.sha256, letter);
  };
  const { hidden, whole } = await eachLetter(place.aws, dataset.name, visit, { patience: PATIENCE_MS, beforeEnd });
  const replayed = new Map<string, Replayed[]>();
  for await (const { replay, parts } of replays(place.aws, dataset.name))
    for (let n = 1; n <= parts; n++) {
      const { part, outcome } = await readPart(place.aws, dataset.name, replay.replay, n);
      const not = new Map(outcome?.not.map((one) => [one.name, one.outcome]));
      for (const { name, body, sent } of part.letters) {
        const of = carried(body);
        if (!of || not.get(name) === "refused") continue;
        const one = {
          records: of.records.map(recordId),
          ...judged(sent ?? body),
          certain: !!outcome && !not.has(name),
        };
        append(replayed, of.sha256, one);
      }
    }
  return {
    of: (sha256) => ({ refused: refused.get(sha256) ?? [], replayed: replayed.get(sha256) ?? [] }),
    unseen: unseen(hidden, whole),
  };
};

const append = <T>(to: Map<string, T[]>, key: string, value: T): void => {
  const list = to.get(key);
  if (list) list.push(value);
  else to.set(key, [value]);
};
