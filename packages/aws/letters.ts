import { hash } from "node:crypto";
import PQueue from "p-queue";
import { byteLength } from "../core/message.ts";
import { type DeadLetter, readDeadLetter } from "../core/reject.ts";
import { type Archived, archivedKey, parseArchived } from "../core/replay.ts";
import type { Aws } from "./index.ts";
import { type ReceivedMessage, type Walk, type Walked, type WalkOptions, walk } from "./queues.ts";
import { create, getBytes, list, remove } from "./store.ts";

/**
 * A dead letter and where it is. `name` is of its content: a reject that was sent twice, or archived and not yet deleted
 * from its queue, is one letter. One that was put right has the `id` it had before, and another name.
 */
export type Letter = DeadLetter & { name: string; at: "queue" | "archive"; sentAt: string };

/** A letter's name: one and the same for equal bodies. */
export const nameOfLetter = (body: string): string => hash("sha256", body, "hex").slice(0, 40);

/** Archived letters read at once: at most 16 MiB of bodies. */
const READS = 16;
/** Letters acted upon together. Memory: their bodies, twice. */
const BATCH_LETTERS = 1000;
const BATCH_BYTES = 8 * 1024 * 1024;

/**
 * How far a look went. `hidden`: letters of the queue in other hands, which were not seen; `whole` false: there are more
 * than one look can hold, or its time was up. What was not seen is not known to be absent.
 */
export type Looked = Pick<Walked, "hidden" | "whole">;

/**
 * Shows each dead letter of a box (a dataset's name, or `landed`) once: those in its queue, then those in the archive,
 * until `visit` (which may be asynchronous) answers "stop". Nothing is removed. Memory: a name a letter.
 */
export const eachLetter = async (
  aws: Aws,
  box: string,
  visit: (letter: Letter) => unknown,
  options: WalkOptions = {},
): Promise<Looked> => {
  const names = new Set<string>();
  let stopped = false;
  const each = async (letters: Iterable<Letter>) => {
    for (const letter of letters) {
      if (stopped || names.has(letter.name)) continue;
      names.add(letter.name);
      stopped = (await visit(letter)) === "stop";
    }
  };
  const { hidden, whole } = await walk(
    aws,
    `${box}-dlq`,
    async (messages) => {
      await each(messages.map(fromQueue));
      return stopped ? "stop" : undefined;
    },
    options,
  );
  let keys: string[] = [];
  const flush = async () => {
    const letters = await Promise.all(keys.map((key) => readArchived(aws, key)));
    keys = [];
    await each(letters.filter((letter) => letter !== null));
  };
  for await (const { key } of stopped ? [] : list(aws, "lake", archivedKey(box, ""))) {
    keys.push(key);
    if (keys.length === READS) await flush();
    if (stopped) break;
  }
  await flush();
  return { hidden, whole };
};

/**
 * Takes the letters of these names into the hand, some at a time, wherever they are now, and deletes those that `act`
 * says are settled, from queue and archive. @returns how many were not there: settled by others, or in other hands.
 */
export const takeLetters = async (
  aws: Aws,
  box: string,
  names: ReadonlySet<string>,
  act: (letters: readonly Letter[]) => Promise<ReadonlySet<string>>,
  options: WalkOptions = {},
): Promise<number> => {
  const found = new Set<string>();
  const settled = new Set<string>();
  let hand = new Map<string, { letter: Letter; messages: ReceivedMessage[] }>();
  let bytes = 0;
  const flush = async (queue: Walk | null) => {
    if (hand.size === 0) return;
    const full = hand;
    hand = new Map();
    bytes = 0;
    const done = await act([...full.values()].map((one) => one.letter));
    const gone = [...full.values()].filter((one) => done.has(one.letter.name));
    await queue?.remove(gone.flatMap((one) => one.messages));
    // Also of those from the queue: what archives may have been cut between the copy and the deletion, at any time.
    const keys = gone.map((one) => archivedKey(box, one.letter.name));
    await new PQueue({ concurrency: READS }).addAll(keys.map((key) => () => remove(aws, "lake", key)));
    for (const { letter } of gone) settled.add(letter.name);
  };
  const take = async (letter: Letter, queue: Walk | null, message?: ReceivedMessage) => {
    found.add(letter.name);
    const size = byteLength(letter.body);
    if (hand.size >= BATCH_LETTERS || bytes + size > BATCH_BYTES) await flush(queue);
    hand.set(letter.name, { letter, messages: message ? [message] : [] });
    bytes += size;
  };
  await walk(
    aws,
    `${box}-dlq`,
    async (messages, queue) => {
      const twins: ReceivedMessage[] = [];
      for (const message of messages) {
        const name = nameOfLetter(message.body);
        const same = hand.get(name);
        if (settled.has(name)) twins.push(message);
        else if (same) same.messages.push(message);
        else if (names.has(name) && !found.has(name)) await take(fromQueue(message), queue, message);
      }
      if (twins.length > 0) await queue.remove(twins);
      if (messages.length === 0) await flush(queue);
      return undefined;
    },
    options,
  );
  const others = [...names].filter((name) => !found.has(name));
  for (let at = 0; at < others.length; at += READS) {
    const keys = others.slice(at, at + READS).map((name) => archivedKey(box, name));
    for (const letter of await Promise.all(keys.map((key) => readArchived(aws, key)))) {
      if (letter) await take(letter, null);
    }
  }
  await flush(null);
  return names.size - found.size;
};

/**
 * Puts a letter from its queue into the archive, where the same verbs find it. It is created once under its name: doing
 * so again changes nothing.
 */
export const putAway = async (aws: Aws, box: string, message: ReceivedMessage): Promise<void> => {
  const document: Archived = {
    format: 1,
    message_id: message.messageId,
    sent_at: message.sentAt,
    body: message.body,
  };
  await create(aws, "lake", archivedKey(box, nameOfLetter(message.body)), JSON.stringify(document));
};

/**
 * Moves the letters of these names from their queue to the archive. Cut anywhere, a letter is in one of them or in both,
 * and is one. @returns how many were moved: the others were not there, or in other hands.
 */
export const archiveLetters = async (
  aws: Aws,
  box: string,
  names: ReadonlySet<string>,
  options: WalkOptions = {},
): Promise<number> => {
  const moved = new Set<string>();
  const visit = async (messages: readonly ReceivedMessage[], queue: Walk): Promise<undefined> => {
    const wanted = messages.filter((message) => names.has(nameOfLetter(message.body)));
    await Promise.all(wanted.map((message) => putAway(aws, box, message)));
    await queue.remove(wanted);
    for (const { body } of wanted) moved.add(nameOfLetter(body));
  };
  await walk(aws, `${box}-dlq`, visit, options);
  return moved.size;
};

const fromQueue = (message: ReceivedMessage): Letter => ({
  ...readDeadLetter(message.body, message),
  name: nameOfLetter(message.body),
  at: "queue",
  sentAt: message.sentAt,
});

/** Null: it is there no more. @throws PregaoError `document` if it is no letter. */
const readArchived = async (aws: Aws, key: string): Promise<Letter | null> => {
  const bytes = await getBytes(aws, "lake", key);
  if (bytes === null) return null;
  const { body, message_id: messageId, sent_at: sentAt } = parseArchived(jsonOf(bytes), key);
  return { ...readDeadLetter(body, { messageId, sentAt }), name: nameOfLetter(body), at: "archive", sentAt };
};

/** What is no JSON is no document either, and is refused as such. */
const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
};
