import { digest } from "../../../functions/river.ts";
import { eachLetter, type Letter } from "../../aws/letters.ts";
import type { Outgoing } from "../../aws/queues.ts";
import { readPart, replays } from "../../aws/replays.ts";
import type { Dataset } from "../../core/dataset.ts";
import { judgeOf } from "../../core/judge.ts";
import { bodyOf, type Part, type Passed } from "../../core/replay.ts";
import { PATIENCE_MS, unseen } from "../dlq/choice.ts";
import { beforeEnd } from "../door.ts";
import type { Place } from "../place.ts";
import { attribute, carried, recordId } from "./expected.ts";

/** A name of a record or an event, and the session that it is of; null: one of several. */
export type Dated = { id: string; session: string | null };

/** A dead letter, as far as an account needs it. `events`: rows that it would become if it were sent again today. */
export type Refused = { id: string; reason: string; message: string; records: Dated[]; events: Dated[] };

/**
 * A dead letter that was sent again, perhaps with fields put right: `records` left the dead letters and came back as
 * `events` and, refused again, as `refused`. `certain`: the queue took it.
 */
export type Replayed = { records: Dated[]; events: Dated[]; refused: Dated[]; certain: boolean };

/** What the dead letters of a dataset say about its origins, by the origin's digest. */
export type Letters = {
  /** With a session, what of them may be of it. */
  of: (sha256: string, session?: string) => { refused: readonly Refused[]; replayed: readonly Replayed[] };
  /** The origins that any of them names. */
  origins: ReadonlySet<string>;
  /** Letters that name no origin, and so are in no account. */
  nameless: number;
  /** Why not all of them were seen, in a sentence; null: all were. What has no letter may have one of those. */
  unseen: string | null;
};

/** Reads every dead letter, queued or archived, and every replay. What is of no origin is counted, and of no account. */
export const readLetters = async (place: Place, dataset: Dataset): Promise<Letters> => {
  const judge = judgeOf(dataset, digest);
  const column = dataset.raw!.session;
  const dated = (record: unknown): Dated => ({
    id: recordId(record),
    session: sessionOf(record, column),
  });
  const judged = (body: string): Pick<Replayed, "events" | "refused"> => {
    const { rows, rejects } = judge({ receipt: "", body, sentAt: 0 });
    return {
      events: rows.map((row) => ({ id: attribute(row, "event_id"), session: attribute(row, column) })),
      refused: rejects.flatMap((reject) => (carried(reject.body)?.records ?? []).map(dated)),
    };
  };
  const became = ({ body, sent, passed }: Part["letters"][number]) =>
    passed ? passedBy(passed, (carried(sent ?? body)?.records ?? []).map(dated)) : judged(sent ?? body);
  const refused = new Map<string, Refused[]>();
  let nameless = 0;
  const visit = ({ id, reason, message, body }: Letter): void => {
    const of = carried(body);
    if (!of || !/^[0-9a-f]{64}$/.test(of.sha256)) nameless++;
    else
      append(refused, of.sha256, { id, reason, message, records: of.records.map(dated), events: judged(body).events });
  };
  const { hidden, whole } = await eachLetter(place.aws, dataset.name, visit, { patience: PATIENCE_MS, beforeEnd });
  const replayed = new Map<string, Replayed[]>();
  for await (const { replay, parts } of replays(place.aws, dataset.name))
    for (let n = 1; n <= parts; n++) {
      const { part, outcome } = await readPart(place.aws, dataset.name, replay.replay, n);
      const not = new Map(outcome?.not.map((one) => [one.name, one.outcome]));
      for (const letter of part.letters) {
        const of = carried(letter.body);
        if (!of || not.get(letter.name) === "refused") continue;
        const certain = !!outcome && !not.has(letter.name);
        append(replayed, of.sha256, { records: of.records.map(dated), ...became(letter), certain });
      }
    }
  return {
    of: (sha256, session) => ({
      refused: (refused.get(sha256) ?? []).map((one) => ({
        ...one,
        records: within(one.records, session),
        events: within(one.events, session),
      })),
      replayed: (replayed.get(sha256) ?? []).map((one) => ({
        ...one,
        records: within(one.records, session),
        events: within(one.events, session),
        refused: within(one.refused, session),
      })),
    }),
    origins: new Set([...refused.keys(), ...replayed.keys()]),
    nameless,
    unseen: unseen(hidden, whole),
  };
};

/** Of replays what brought any of these events, as it was sent, without the records that did not pass. */
export async function* sentFor(
  place: Place,
  dataset: Dataset,
  events: ReadonlySet<string>,
): AsyncGenerator<{ message: Outgoing; events: number }> {
  for await (const { replay, parts } of replays(place.aws, dataset.name))
    for (let n = 1; n <= parts; n++) {
      const { part } = await readPart(place.aws, dataset.name, replay.replay, n);
      for (const { id, ticker, body, sent, passed } of part.letters) {
        const found = passed?.events.filter((event) => events.has(event)).length ?? 0;
        const again = found > 0 ? bodyOf(sent ?? body, passed!.records) : null;
        if (again) yield { message: { id, group: ticker || "unreadable", body: again }, events: found };
      }
    }
}

/** What a letter became by the word of the day on which it was sent: rules may be others today. */
const passedBy = (passed: Passed, sent: readonly Dated[]): Pick<Replayed, "events" | "refused"> => {
  const took = new Set(passed.records);
  const days = passed.records.map((index) => sent[index]?.session ?? null);
  // Equal records are one event: which is whose is then not said.
  const day = (n: number) =>
    days.length === passed.events.length ? days[n]! : new Set(days).size === 1 ? days[0]! : null;
  return {
    events: passed.events.map((id, n) => ({ id, session: day(n) })),
    refused: sent.filter((_, index) => !took.has(index)),
  };
};

const within = (all: readonly Dated[], session: string | undefined): Dated[] =>
  all.filter((one) => session === undefined || one.session === null || one.session === session);

const sessionOf = (record: unknown, column: string): string | null => {
  const day = (record as Record<string, unknown> | null)?.[column];
  return typeof day === "string" ? day : null;
};

const append = <T>(to: Map<string, T[]>, key: string, value: T): void => {
  const list = to.get(key);
  if (list) list.push(value);
  else to.set(key, [value]);
};
