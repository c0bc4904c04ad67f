import { z } from "zod";
import type { Dataset } from "./dataset.ts";
import type { Judged } from "./judge.ts";
import { unwrap } from "./reject.ts";
import { parseDocument } from "./run.ts";

/** What would become of a letter if it were sent again: records that pass, and those that do not, by reason. */
export type Trial = { passes: number; refused: { reason: string; message: string; records: number }[] };

export const trialOf = ({ rows, rejects }: Pick<Judged, "rows" | "rejects">): Trial => ({
  passes: rows.length,
  refused: rejects.map(({ reason, message, records }) => ({ reason, message, records })),
});

/**
 * Why a letter is left where it is unless a person says "again": it failed again after a replay, or not one record of it
 * would pass. Null: it is sent, whole, also if a part of it comes back.
 */
export const stays = (letter: { attempts: number }, trial: Trial): "failed_before" | "refused" | null =>
  letter.attempts > 1 ? "failed_before" : trial.passes === 0 ? "refused" : null;

/** The rows of a message as keys: their events, and the units that they touch. */
export const eventsOf = (
  dataset: Pick<Dataset, "unit">,
  rows: readonly string[],
): { events: string[]; units: string[] } => {
  const parsed = rows.map((row) => JSON.parse(row) as Record<string, string>);
  const { unit } = dataset;
  return {
    events: [...new Set(parsed.map((row) => row.event_id!))],
    units: [...new Set(parsed.map((row) => (unit ? unit.of(row[unit.column]!) : "")))],
  };
};

/** What of a letter passed when it was sent again: the indexes of its records, the events they became, their units. */
export type Passed = { records: number[]; events: string[]; units: string[] };

/** What passed of a letter, by the judge's word on the body as it was sent. */
export const passedOf = (
  dataset: Pick<Dataset, "unit">,
  sent: string,
  { rows, rejects }: Pick<Judged, "rows" | "rejects">,
): Passed => {
  if (rows.length === 0) return { records: [], events: [], units: [] };
  // Equal records have equal verdicts, so which ones were refused can be told by their text.
  const refused = new Set(rejects.flatMap((reject) => recordsIn(reject.body).map((r) => JSON.stringify(r))));
  const records = recordsIn(sent).flatMap((record, index) => (refused.has(JSON.stringify(record)) ? [] : [index]));
  return { records, ...eventsOf(dataset, rows) };
};

/**
 * A letter's body with exactly these of its records, by index; null if there are none. If all are, it is the body itself.
 */
export const bodyOf = (body: string, records: readonly number[]): string | null => {
  if (records.length === 0) return null;
  if (records.length === recordsIn(body).length) return body;
  const kept = new Set(records);
  return withRecords(body, (_, index) => kept.has(index));
};

const recordsIn = (body: string): unknown[] => {
  const event = JSON.parse(body) as { data: { records: unknown[] } };
  const inner = unwrap(event);
  return inner ? recordsIn(inner.body) : event.data.records;
};

const withRecords = (body: string, keep: (record: unknown, index: number) => boolean): string => {
  const event = JSON.parse(body) as { data: { records: unknown[] } };
  const inner = unwrap(event);
  return JSON.stringify({
    ...event,
    data: inner ? withRecords(inner.body, keep) : { ...event.data, records: event.data.records.filter(keep) },
  });
};

const format = z.literal(1);
const instant = z.iso.datetime();
const name = z.string().max(128);
const by = z.object({ user: z.string().max(256), host: z.string().max(256) });

/** A dead letter in the archive: what SQS said of it, and its body. */
const archived = z.object({ format, message_id: z.string().max(256), sent_at: instant, body: z.string() });
export type Archived = z.infer<typeof archived>;

/** What a replay is: created before anything is sent. `letters` and `records`: those that are to be sent. */
const replay = z.object({
  format,
  replay: name,
  dataset: z.string().min(1).max(64),
  at: instant,
  by,
  options: z.record(z.string(), z.unknown()),
  letters: z.int().min(0),
  records: z.int().min(0),
});
export type Replay = z.infer<typeof replay>;

/**
 * Some letters of a replay, created before they are sent. `sent`: as it was sent if not as it was, or where an object was
 * copied to. `passed`: what the judge of that day let pass; of `landed` nothing. `restored`: events of it that had been
 * withdrawn and count again once the letter was accepted. Documents of before have neither.
 */
const part = z.object({
  format,
  letters: z.array(
    z.object({
      name,
      id: z.string(),
      reason: z.string(),
      ticker: z.string(),
      seen: z.string(),
      attempts: z.number(),
      body: z.string(),
      sent: z.string().nullable(),
      passed: z
        .object({ records: z.array(z.int().min(0)), events: z.array(name), units: z.array(z.string().max(256)) })
        .optional(),
      restored: z.array(name).default([]),
    }),
  ),
});
export type Part = z.infer<typeof part>;

/** How a part ended, created before its letters are deleted. Who is not in `not` was accepted. */
const outcome = z.object({
  format,
  at: instant,
  accepted: z.int().min(0),
  not: z.array(z.object({ name, outcome: z.enum(["refused", "unknown"]), why: z.string().max(1000) })),
});
export type Outcome = z.infer<typeof outcome>;

/** That a replay is over: nothing is sent any more. One that was cut never gets it. `sent`: letters that were accepted. */
const ended = z.object({ format, at: instant, sent: z.int().min(0) });
export type Ended = z.infer<typeof ended>;

/** That the letters of a replay are back and their events withdrawn, and which units are to be made anew for it. */
const undone = z.object({
  format,
  at: instant,
  by,
  letters: z.int().min(0),
  events: z.int().min(0),
  units: z.array(z.string().max(256)),
});
export type Undone = z.infer<typeof undone>;

export const parseArchived = (value: unknown, key: string): Archived => parseDocument(archived, value, key);
export const parseReplay = (value: unknown, key: string): Replay => parseDocument(replay, value, key);
export const parsePart = (value: unknown, key: string): Part => parseDocument(part, value, key);
export const parseOutcome = (value: unknown, key: string): Outcome => parseDocument(outcome, value, key);
export const parseUndone = (value: unknown, key: string): Undone => parseDocument(undone, value, key);

/** That a person put letters away before their time: created before any of them is moved. */
export type PutAway = Pick<Replay, "format" | "dataset" | "at" | "by" | "options" | "letters" | "records"> & {
  archive: string;
  names: string[];
};
export const putAwayKey = (box: string, id: string): string => `archives/${box}/${id}.json`;

/** Where a letter is archived, in the bucket `lake`, by its name; of `""` where all of a box are. */
export const archivedKey = (box: string, letter: string): string => `rejected/${box}/${letter && `${letter}.json`}`;

/** A replay's name: its time and a salt, so that names are in order of time and two at once are two. */
export const replayName = (at: string, salt: string): string => `${at.replace(/[-:.]/g, "")}-${salt}`;

/** A document of a replay in the bucket `state`, of a part's if it is a number; without, where all of a replay are. */
export const replayKey = (box: string, id: string, of?: "replay" | "ended" | "undone" | "rebuilt"): string =>
  `replays/${box}/${id && `${id}/`}${of ? `${of}.json` : ""}`;
export const partKey = (box: string, id: string, n: number): string =>
  `${replayKey(box, id)}part-${String(n).padStart(6, "0")}.json`;
export const outcomeKey = (part: string): string => part.replace(/\.json$/, ".sent.json");
