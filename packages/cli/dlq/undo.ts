import { mustRebuild } from "../../../functions/advance.ts";
import { digest } from "../../../functions/river.ts";
import { eachLetter, nameOfLetter } from "../../aws/letters.ts";
import { type Outgoing, send } from "../../aws/queues.ts";
import {
  lastReplay,
  type ReplayState,
  readPart,
  record,
  replayNamed,
  withdraw,
  withdrawnOf,
} from "../../aws/replays.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { judgeOf } from "../../core/judge.ts";
import { bodyOf, type Part, passedOf, replayKey, type Undone } from "../../core/replay.ts";
import { RUN_NAMES } from "../../core/run.ts";
import { confirmed } from "../confirm.ts";
import { beforeEnd } from "../door.ts";
import { ago, count, plural } from "../output.ts";
import type { Place } from "../place.ts";
import { audit, whoami } from "./audit.ts";
import { type Letterbox, PATIENCE_MS } from "./choice.ts";
import { rebuilt } from "./rebuilt.ts";
import { mendCut } from "./withdrawals.ts";

/** For how long this command tries to give some letters back. */
const SEND_MS = 60_000;

/** What a replay brought: letters with the records that passed, their events, and the units these are in. */
type Brought = { letters: number; events: Set<string>; units: Set<string> };

/**
 * `dlq undo`: takes a replay back. What of it passed is a dead letter again and counts as never arrived. The order:
 * letters back, events withdrawn, marked, units made anew. So a record is always in the queue or in the tables, for a
 * while in both; cut anywhere, the same command goes on: a letter that is given back twice is one, by its content.
 * Before any of it: whether these units can be made anew.
 */
export const undo = async (
  place: Place,
  box: Letterbox,
  id: string | undefined,
  options: { yes?: boolean },
): Promise<void> => {
  const dataset = undoable(box, id);
  const found = await (id === undefined ? lastReplay(place.aws, box.name) : replayNamed(place.aws, box.name, id));
  if (!found)
    throw new PregaoError(
      "no_replay",
      `expected ${id === undefined ? "a replay" : `the replay ${id}`} of ${box.name}, there is none; see: pregao dlq replays ${box.name}`,
    );
  const { replay } = found;
  if (found.underWay && !found.undone)
    throw new PregaoError(
      "under_way",
      `replay ${replay.replay} of ${box.name} is still under way, or was cut within the last two minutes: expected one that is over. Run the same command again then`,
    );
  const done = found.undone ?? (await takeBack(place, dataset, found, options));
  const waits = found.rebuilt ? null : await rebuilt(place, dataset, replay.replay, done.units);
  const document = {
    ...{ dataset: box.name, replay: replay.replay, letters: done.letters, events: done.events, units: done.units },
    rebuilt: waits === null,
    before: found.undone !== null,
  };
  if (waits !== null)
    throw new PregaoError(
      "not_rebuilt",
      `replay ${replay.replay} is undone, with ${plural(done.letters, "letter")} back. Its rows are still in the tables until ${done.units.join(", ")} can be made anew (${waits}). Run the same command again then`,
      document,
    );
  place.output.result(document, () =>
    [
      `Replay ${replay.replay} ${found.undone ? `was undone ${ago(found.undone.at)}` : "is undone"}: ${plural(done.letters, "dead letter")} back, ${plural(done.events, "record")} withdrawn.`,
      ...(done.units.length ? [`  made anew: ${done.units.join(", ")}`] : []),
      "",
      `Next: pregao dlq list ${box.name}\n`,
    ].join("\n"),
  );
};

/** What can be undone at all. @throws PregaoError `usage`. */
export const undoable = (box: Letterbox, id?: string): Dataset => {
  if (id !== undefined && !/^[\w-]+$/.test(id))
    throw new PregaoError(
      "usage",
      `expected the name of a replay, or none for the last one, came ${JSON.stringify(id)}`,
    );
  if (!box.raw)
    throw new PregaoError(
      "usage",
      `a replay of ${box.name} cannot be undone: a bell that was rung has been heard, and what an object brought is settled. Expected a dataset`,
    );
  return box as Dataset;
};

const takeBack = async (
  place: Place,
  dataset: Dataset,
  found: ReplayState,
  options: { yes?: boolean },
): Promise<Undone> => {
  const { aws } = place;
  const { replay, at } = found.replay;
  const brought: Brought = { letters: 0, events: new Set(), units: new Set() };
  for await (const { part } of passedParts(place, dataset, found)) {
    brought.letters += part.length;
    for (const { events, units } of part) {
      for (const event of events) brought.events.add(event);
      for (const unit of units) brought.units.add(unit);
    }
  }
  const withdrawn = new Set([...(await withdrawnOf(aws, dataset.name)), ...brought.events]).size;
  if (withdrawn > RUN_NAMES)
    throw new PregaoError(
      "withdrawn",
      `expected at most ${count(RUN_NAMES)} withdrawn records of ${dataset.name}, these would be ${count(withdrawn)}: correct the origin instead, its newer version replaces whole sessions`,
    );
  try {
    await mustRebuild(aws, dataset, [...brought.units]);
  } catch (error) {
    if (!(error instanceof PregaoError)) throw error;
    throw new PregaoError(error.code, `nothing of the replay ${replay} was undone: ${error.message}`, error.details);
  }
  await confirmed(
    `Undo the replay ${replay} of ${dataset.name} (${ago(at)})? ${plural(brought.events.size, "record")} of ${plural(brought.letters, "dead letter")} become dead letters again and leave the tables.`,
    options.yes,
  );
  await mendCut(place, dataset);
  const waiting = await uncertain(place, dataset, found);
  for await (const { part } of passedParts(place, dataset, found)) {
    const letters = part.filter((letter) => !waiting.has(letter.name)).map((letter) => letter.back);
    const sent = await send(aws, `${dataset.name}-dlq`, letters, { until: Date.now() + SEND_MS });
    const lost = sent.filter((s) => s.outcome !== "accepted");
    if (lost.length > 0)
      throw new PregaoError(
        "not_accepted",
        `${plural(lost.length, "dead letter")} of replay ${replay} not accepted by the queue (${lost[0]!.reason}); nothing of them was withdrawn. Run the same command again`,
      );
    const why = { at: new Date().toISOString(), replay };
    await withdraw(
      aws,
      dataset.name,
      part.flatMap(({ events }) => events),
      why,
    );
  }
  const by = whoami();
  const undone: Undone = {
    ...{ format: 1, at: new Date().toISOString(), by, letters: brought.letters },
    ...{ events: brought.events.size, units: [...brought.units].sort() },
  };
  await record(aws, replayKey(dataset.name, replay, "undone"), undone);
  const { letters, events, units } = undone;
  audit("a replay was undone", { dataset: dataset.name, replay, by, letters, events, units });
  return undone;
};

/** A letter of which something passed: as it goes back, and what it had brought. */
type Back = { name: string; back: Outgoing; events: string[]; units: string[] };

/** Part by part, the letters of a replay of which something may have passed, as they go back into the queue. */
async function* passedParts(place: Place, dataset: Dataset, found: ReplayState): AsyncGenerator<{ part: Back[] }> {
  const judge = judgeOf(dataset, digest);
  /** What passed stands in the part; documents of before do not have it: then today's judge must say. */
  const passedAt = ({ body, sent, passed }: Part["letters"][number]) =>
    passed ?? passedOf(dataset, sent ?? body, judge({ receipt: "", body: sent ?? body, sentAt: 0 }));
  for (let n = 1; n <= found.parts; n++) {
    const { part, outcome } = await readPart(place.aws, dataset.name, found.replay.replay, n);
    // An unknown outcome may have been an acceptance.
    const not = new Set(outcome?.not.filter((o) => o.outcome === "refused").map((o) => o.name));
    const back = part.letters.flatMap((letter) => {
      if (not.has(letter.name)) return [];
      const { records, events, units } = passedAt(letter);
      const body = bodyOf(letter.body, records);
      const outgoing = { id: letter.id, group: letter.ticker || "unreadable" };
      return body === null ? [] : [{ name: letter.name, back: { ...outgoing, body }, events, units }];
    });
    yield { part: back };
  }
}

/** Letters whose sending was cut, and that are in queue or archive still: they need not be given back. */
const uncertain = async (place: Place, dataset: Dataset, found: ReplayState): Promise<ReadonlySet<string>> => {
  const names = new Set<string>();
  for (let n = 1; n <= found.parts; n++) {
    const { part, outcome } = await readPart(place.aws, dataset.name, found.replay.replay, n);
    const known = outcome?.not.filter((o) => o.outcome === "unknown").map((o) => o.name);
    for (const name of known ?? part.letters.map((l) => nameOfLetter(l.body))) names.add(name);
  }
  const there = new Set<string>();
  if (names.size === 0) return there;
  const look = ({ name }: { name: string }) => {
    if (names.has(name)) there.add(name);
  };
  await eachLetter(place.aws, dataset.name, look, { patience: PATIENCE_MS, beforeEnd });
  return there;
};
