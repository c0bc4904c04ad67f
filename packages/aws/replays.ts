import PQueue from "p-queue";
import {
  type Ended,
  type Outcome,
  outcomeKey,
  type Part,
  parseOutcome,
  parsePart,
  parseReplay,
  parseUndone,
  partKey,
  type Replay,
  replayKey,
  type Undone,
} from "../core/replay.ts";
import { withdrawnKey } from "../core/run.ts";
import type { Aws } from "./index.ts";
import { create, getJson, list, remove } from "./store.ts";

/** Small objects made or deleted at once. */
const WRITES = 32;

/**
 * `accepted`: letters of which it is known; `cut`: parts that have no outcome, of which anything may have been sent.
 * `underWay`: it has not said that it is over, and wrote something a short while ago.
 */
export type ReplayState = {
  replay: Replay;
  parts: number;
  accepted: number;
  cut: number;
  underWay: boolean;
  undone: Undone | null;
  rebuilt: boolean;
};

/** A replay that has written nothing for so long was cut: one part takes a minute at most. */
const UNDER_WAY_MS = 2 * 60_000;

type Listed = { key: string; modified: Date };

/** The documents of each replay of a box, in order of time. */
async function* folders(aws: Aws, box: string): AsyncGenerator<{ id: string; documents: Listed[] }> {
  let documents: Listed[] = [];
  let id = "";
  for await (const { key, modified } of list(aws, "state", replayKey(box, ""))) {
    const folder = key.split("/")[2]!;
    if (folder !== id && documents.length > 0) yield { id, documents };
    if (folder !== id) documents = [];
    id = folder;
    documents.push({ key, modified });
  }
  if (documents.length > 0) yield { id, documents };
}

/** The replays of a box, in order of time. */
export async function* replays(aws: Aws, box: string): AsyncGenerator<ReplayState> {
  for await (const { id, documents } of folders(aws, box)) {
    const state = await stateOf(aws, box, id, documents);
    if (state) yield state;
  }
}

/** One replay, or null if there is none of that name. */
export const replayNamed = async (aws: Aws, box: string, id: string): Promise<ReplayState | null> => {
  const documents: Listed[] = [];
  for await (const { key, modified } of list(aws, "state", replayKey(box, id))) documents.push({ key, modified });
  return stateOf(aws, box, id, documents);
};

/** Whether there is something of it to take back: it is not undone, or its undo is not finished. */
export const isOpen = ({ undone, rebuilt }: ReplayState): boolean => undone === null || !rebuilt;

/** The newest replay of a box that is open; of none that is, the newest; null if there is none at all. */
export const lastReplay = async (aws: Aws, box: string): Promise<ReplayState | null> => {
  let last: ReplayState | null = null;
  for await (const state of replays(aws, box)) if (isOpen(state) || last === null || !isOpen(last)) last = state;
  return last;
};

const isUnderWay = (box: string, id: string, documents: readonly Listed[]): boolean =>
  !documents.some(({ key }) => key === replayKey(box, id, "ended")) &&
  documents.some(({ modified }) => Date.now() - modified.getTime() < UNDER_WAY_MS);

const isPart = ({ key }: Listed): boolean => /\/part-\d+\.json$/.test(key);

const stateOf = async (
  aws: Aws,
  box: string,
  id: string,
  documents: readonly Listed[],
): Promise<ReplayState | null> => {
  const keys = documents.map(({ key }) => key);
  const read = async <T>(key: string, parse: (value: unknown, key: string) => T): Promise<T | null> =>
    keys.includes(key) ? parse(await getJson(aws, "state", key), key) : null;
  const replay = await read(replayKey(box, id, "replay"), parseReplay);
  if (!replay) return null;
  const parts = documents.filter(isPart).length;
  const outcomes = keys.filter((key) => key.endsWith(".sent.json"));
  let accepted = 0;
  for (const key of outcomes) accepted += parseOutcome(await getJson(aws, "state", key), key).accepted;
  return {
    replay,
    parts,
    accepted,
    cut: parts - outcomes.length,
    underWay: isUnderWay(box, id, documents),
    undone: await read(replayKey(box, id, "undone"), parseUndone),
    rebuilt: keys.includes(replayKey(box, id, "rebuilt")),
  };
};

/** `key`: the part's. */
export type CutPart = { replay: string; key: string; letters: Pick<Part["letters"][number], "name" | "restored">[] };

/**
 * The parts that have no outcome, of replays that are not under way and not undone, and that had restored events: whoever
 * cut them left letters that wait while their events count.
 */
export async function* cutParts(aws: Aws, box: string): AsyncGenerator<CutPart> {
  for await (const { id, documents } of folders(aws, box)) {
    const keys = new Set(documents.map(({ key }) => key));
    if (keys.has(replayKey(box, id, "undone")) || isUnderWay(box, id, documents)) continue;
    for (const { key } of documents.filter(isPart)) {
      if (keys.has(outcomeKey(key))) continue;
      const { letters } = parsePart(await getJson(aws, "state", key), key);
      if (letters.every(({ restored }) => restored.length === 0)) continue;
      yield { replay: id, key, letters: letters.map(({ name, restored }) => ({ name, restored })) };
    }
  }
}

/** Part `n` (from 1) of a replay, and how it ended; `outcome` null: it was cut, anything of it may have been sent. */
export const readPart = async (
  aws: Aws,
  box: string,
  id: string,
  n: number,
): Promise<{ part: Part; outcome: Outcome | null }> => {
  const key = partKey(box, id, n);
  const part = parsePart(await getJson(aws, "state", key), key);
  const ended = await getJson(aws, "state", outcomeKey(key));
  return { part, outcome: ended === null ? null : parseOutcome(ended, outcomeKey(key)) };
};

/** Writes a document of a replay, once. */
export const record = async (
  aws: Aws,
  key: string,
  document: Replay | Part | Outcome | Ended | Undone | object,
): Promise<void> => {
  await create(aws, "state", key, JSON.stringify(document));
};

/** Events of a dataset that are withdrawn. */
export const withdrawnOf = async (aws: Aws, dataset: string): Promise<Set<string>> => {
  const events = new Set<string>();
  const prefix = withdrawnKey(dataset, "");
  for await (const { key } of list(aws, "state", prefix)) events.add(key.slice(prefix.length));
  return events;
};

/** Withdraws events: rows of them are treated as if they had never arrived. Doing so again changes nothing. */
export const withdraw = (aws: Aws, dataset: string, events: readonly string[], why: { at: string; replay: string }) =>
  each(events, async (event) => {
    await create(aws, "state", withdrawnKey(dataset, event), JSON.stringify(why));
  });

/** Takes withdrawals back: the next arrival of these events counts again. */
export const restore = (aws: Aws, dataset: string, events: readonly string[]): Promise<void> =>
  each(events, (event) => remove(aws, "state", withdrawnKey(dataset, event)));

const each = async (events: readonly string[], write: (event: string) => Promise<void>): Promise<void> => {
  await new PQueue({ concurrency: WRITES }).addAll(events.map((event) => () => write(event)));
};
