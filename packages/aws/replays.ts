import PQueue from "p-queue";
import {
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

/** `accepted`: letters of which it is known; `cut`: parts that have no outcome, of which anything may have been sent. */
export type ReplayState = {
  replay: Replay;
  parts: number;
  accepted: number;
  cut: number;
  undone: Undone | null;
  rebuilt: boolean;
};

/** The replays of a box, in order of time. */
export async function* replays(aws: Aws, box: string): AsyncGenerator<ReplayState> {
  let keys: string[] = [];
  const folder = (key: string) => key.split("/")[2];
  for await (const { key } of list(aws, "state", replayKey(box, ""))) {
    if (keys[0] && folder(keys[0]) !== folder(key)) {
      const state = await stateOf(aws, box, keys);
      if (state) yield state;
      keys = [];
    }
    keys.push(key);
  }
  const state = keys.length > 0 ? await stateOf(aws, box, keys) : null;
  if (state) yield state;
}

/** One replay, or null if there is none of that name. */
export const replayNamed = async (aws: Aws, box: string, id: string): Promise<ReplayState | null> => {
  const keys: string[] = [];
  for await (const { key } of list(aws, "state", replayKey(box, id))) keys.push(key);
  return keys.length > 0 ? stateOf(aws, box, keys) : null;
};

/** The newest replay of a box, or null. */
export const lastReplay = async (aws: Aws, box: string): Promise<ReplayState | null> => {
  let id = "";
  for await (const { key } of list(aws, "state", replayKey(box, ""))) id = key.split("/")[2]!;
  return id ? replayNamed(aws, box, id) : null;
};

const stateOf = async (aws: Aws, box: string, keys: readonly string[]): Promise<ReplayState | null> => {
  const id = keys[0]!.split("/")[2]!;
  const read = async <T>(key: string, parse: (value: unknown, key: string) => T): Promise<T | null> =>
    keys.includes(key) ? parse(await getJson(aws, "state", key), key) : null;
  const replay = await read(replayKey(box, id, "replay"), parseReplay);
  if (!replay) return null;
  const parts = keys.filter((key) => /part-\d+\.json$/.test(key)).length;
  const outcomes = keys.filter((key) => key.endsWith(".sent.json"));
  let accepted = 0;
  for (const key of outcomes) accepted += parseOutcome(await getJson(aws, "state", key), key).accepted;
  return {
    replay,
    parts,
    accepted,
    cut: parts - outcomes.length,
    undone: await read(replayKey(box, id, "undone"), parseUndone),
    rebuilt: keys.includes(replayKey(box, id, "rebuilt")),
  };
};

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
  document: Replay | Part | Outcome | Undone | object,
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
