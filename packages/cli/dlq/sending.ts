import { randomBytes } from "node:crypto";
import { type Letter, takeLetters } from "../../aws/letters.ts";
import { send } from "../../aws/queues.ts";
import { record, restore, withdrawnOf } from "../../aws/replays.ts";
import { copy } from "../../aws/store.ts";
import type { Dataset } from "../../core/dataset.ts";
import {
  type Ended,
  type Outcome,
  outcomeKey,
  type Part,
  partKey,
  passedOf,
  type Replay,
  replayKey,
  replayName,
} from "../../core/replay.ts";
import { beforeEnd } from "../door.ts";
import type { Place } from "../place.ts";
import { audit, whoami } from "./audit.ts";
import { type DlqOptions, type Letterbox, PATIENCE_MS } from "./choice.ts";
import type { Survey } from "./survey.ts";
import type { Tried, Try } from "./trial.ts";
import { mendCut, restoredBy, withdrawAgain } from "./withdrawals.ts";

/** For how long this command tries to send some letters again. */
const SEND_MS = 60_000;
/** Letters judged at once: of `landed`, footers read. */
const TRIALS = 16;

/** `sent`: letters that were accepted; `missing`: that were not there, or in other hands; `why` one was not accepted. */
export type CarriedOut = { id: string; sent: number; missing: number; why: string };

/**
 * Sends exactly the letters of the survey, wherever they are now. The order of each part: what is to be sent and what of
 * it passes is written down, its withdrawals are lifted, it is sent, the withdrawals of what was not accepted are made
 * again, how it ended is written down, what was accepted is deleted. Cut anywhere, a letter is sent twice at most, which
 * gives the same rows, and what it left lifted is seen to by {@link mendCut}.
 */
export const carryOut = async (
  place: Place,
  box: Letterbox,
  options: DlqOptions,
  trying: Try,
  asked: Survey,
): Promise<CarriedOut> => {
  const { aws } = place;
  const at = new Date().toISOString();
  const id = replayName(at, randomBytes(3).toString("hex"));
  const { yes: _, dryRun: __, reason, ticker, limit, patch, again, olderThan, since } = options;
  const header: Replay = {
    ...{ format: 1, replay: id, dataset: box.name, at, by: whoami() },
    options: { reason, ticker, olderThan, since, limit, patch, again },
    ...asked.going,
  };
  if (box.raw) await mendCut(place, box);
  await record(aws, replayKey(box.name, id, "replay"), header);
  const withdrawn = box.raw ? await withdrawnOf(aws, box.name) : new Set<string>();
  let parts = 0;
  let sent = 0;
  let why = "";
  const act = async (hand: readonly Letter[]): Promise<ReadonlySet<string>> => {
    const tried: (Tried & { letter: Letter })[] = [];
    for (let at = 0; at < hand.length; at += TRIALS)
      tried.push(
        ...(await Promise.all(
          hand.slice(at, at + TRIALS).map(async (letter) => ({ letter, ...(await trying(letter)) })),
        )),
      );
    const letters = tried.map((one) => partLetter(box, one, withdrawn));
    const key = partKey(box.name, id, ++parts);
    await record(aws, key, { format: 1, letters });
    await restore(aws, box.name, restoredBy(letters));
    const ends = await sendAgain(place, box, tried);
    const accepted = new Set(letters.filter((_, i) => ends[i] === null).map((letter) => letter.name));
    await withdrawAgain(place, box, letters, accepted, id);
    const outcome: Outcome = {
      ...{ format: 1, at: new Date().toISOString(), accepted: accepted.size },
      not: letters.flatMap(({ name }, i) => (ends[i] ? [{ name, ...ends[i] }] : [])),
    };
    why ||= outcome.not[0]?.why ?? "";
    await record(aws, outcomeKey(key), outcome);
    // They count from now on, whatever becomes of another letter with the same record.
    for (const event of restoredBy(letters.filter(({ name }) => accepted.has(name)))) withdrawn.delete(event);
    sent += accepted.size;
    return accepted;
  };
  const missing = await takeLetters(aws, box.name, new Set(asked.names), act, { patience: PATIENCE_MS, beforeEnd });
  const ended: Ended = { format: 1, at: new Date().toISOString(), sent };
  await record(aws, replayKey(box.name, id, "ended"), ended);
  audit("dead letters sent again", {
    ...{ dataset: box.name, replay: id, by: header.by },
    ...{ letters: asked.names.length, sent, missing },
  });
  return { id, sent, missing, why };
};

const partLetter = (
  box: Letterbox,
  { letter, sending, judged }: Tried & { letter: Letter },
  withdrawn: ReadonlySet<string>,
): Part["letters"][number] => {
  const { name, id, reason, ticker, seen, attempts, body } = letter;
  const passed = "body" in sending && judged ? passedOf(box as Dataset, sending.body, judged) : null;
  return {
    ...{ name, id, reason, ticker, seen, attempts, body },
    sent: "to" in sending ? sending.to : sending.body === body ? null : sending.body,
    ...(passed ? { passed } : {}),
    restored: passed?.events.filter((event) => withdrawn.has(event)) ?? [],
  };
};

type NotSent = Omit<Outcome["not"][number], "name">;

/** Null: it was accepted. */
const sendAgain = async (
  place: Place,
  box: Letterbox,
  tried: readonly (Pick<Tried, "sending"> & { letter: Letter })[],
): Promise<(NotSent | null)[]> => {
  const ends: (NotSent | null)[] = tried.map(() => null);
  const messages = tried.flatMap(({ letter, sending }, index) =>
    "body" in sending ? [{ letter, sending, index }] : [],
  );
  const outgoing = messages.map(({ letter, sending }) => ({
    id: letter.id,
    group: letter.ticker || "unreadable",
    body: sending.body,
  }));
  const sent = await send(place.aws, box.name, outgoing, { until: Date.now() + SEND_MS });
  messages.forEach(({ index }, i) => {
    const { outcome = "unknown", reason = "no answer" } = sent[i] ?? {};
    if (outcome !== "accepted") ends[index] = { outcome, why: reason.slice(0, 1000) };
  });
  for (const [index, { sending }] of tried.entries())
    if ("object" in sending && !(await copy(place.aws, "lake", sending.object, sending.to)))
      ends[index] = { outcome: "refused", why: `${sending.object.key} is not there any more, or is another version` };
  return ends;
};
