import { messagesOf } from "../../../functions/messages.ts";
import { isAhead, openArchived, originOf } from "../../../functions/origin.ts";
import { digest } from "../../../functions/river.ts";
import type { Aws } from "../../aws/index.ts";
import type { Dataset, Origin } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { type Judge, judgeOf } from "../../core/judge.ts";
import type { Message } from "../../core/message.ts";
import { unwrap } from "../../core/reject.ts";
import { type Ids, newIds } from "./ids.ts";

/** What must be somewhere because an origin was archived: a function of its bytes and their metadata alone. */
export type Expected = {
  origin: Origin;
  source: string;
  /** Rows of the file; with a session, those of it. */
  sent: number;
  /** Distinct rows per session: what completes it. */
  sessions: ReadonlyMap<string, number>;
  /** Ids of the rows that the judge takes. */
  events: Ids;
  /** Of the records that it refuses, their {@link recordId}. */
  refused: Ids;
  /** The dead letters that these travel in, by id. */
  letters: ReadonlySet<string>;
  /** The first row that the judge takes. */
  example: { ticker: string; session: string } | null;
};

/** One message of an origin, judged again. */
export type Rejudged = {
  message: Message;
  rows: { id: string; session: string }[];
  letters: { id: string; reason: string; records: unknown[] }[];
};

/** The name of a record that was refused: nobody gave it an event id. */
export const recordId = (record: unknown): string => digest(JSON.stringify(record)).slice(0, 32);

/** The value of a text attribute in a line of JSON that this program spelled: text inside values has its quotes escaped. */
export const attribute = (json: string, name: string): string => {
  const mark = `"${name}":"`;
  const at = json.lastIndexOf(mark);
  return at < 0 ? "" : json.slice(at + mark.length, json.indexOf('"', at + mark.length));
};

/** The origin and the records of a message or a dead letter, also of one inside another; null if it has none. */
export const carried = (body: string, depth = 0): { sha256: string; records: unknown[] } | null => {
  try {
    const value = JSON.parse(body) as { data?: { origin?: { sha256?: unknown }; records?: unknown } };
    const inner = depth < 2 ? unwrap(value) : null;
    if (inner) return carried(inner.body, depth + 1);
    const { origin, records } = value.data ?? {};
    if (typeof origin?.sha256 !== "string" || !Array.isArray(records)) return null;
    return { sha256: origin.sha256, records };
  } catch {
    return null;
  }
};

/** An archived origin, opened to be made into its messages again, as often as is asked. */
export type Reopened = {
  origin: Origin;
  source: string;
  rows: number;
  sessions: ReadonlyMap<string, number>;
  /** Its messages in their order, each judged. `session`: only what of them is of that session. */
  messages: (session?: string) => AsyncGenerator<Rejudged>;
};

/** @throws PregaoError `archive` when the archived bytes are not what their key says, or what makes them no file of the dataset. */
export const reopen = async (aws: Aws, dataset: Dataset, sha256: string): Promise<Reopened> => {
  const raw = dataset.raw!;
  const { archived, bytes } = await openArchived(aws, dataset, sha256);
  const survey = await raw.format.survey(bytes);
  const last = [...survey.sessions.keys()].at(-1) ?? "";
  if (isAhead(archived, last))
    throw new PregaoError(
      "future_session",
      `${archived.source} holds a session of ${last}, and was archived at ${archived.scraped_at}: it was refused, and none of it sent`,
    );
  const origin = originOf(sha256, archived, survey);
  const judge = judgeOf(dataset, digest);
  return {
    origin,
    source: archived.source,
    rows: survey.rows,
    sessions: survey.sessions,
    messages: async function* (session) {
      for await (const message of messagesOf(dataset, { source: archived.source, origin }, bytes, survey))
        yield rejudged(judge, raw.session, message, session);
    },
  };
};

const rejudged = (judge: Judge, column: string, message: Message, session?: string): Rejudged => {
  const { rows, rejects } = judge({ receipt: message.id, body: message.body, sentAt: 0 });
  const wanted = (record: unknown) =>
    session === undefined || (record as Record<string, unknown> | null)?.[column] === session;
  return {
    message,
    rows: rows
      .map((row) => ({ id: attribute(row, "event_id"), session: attribute(row, column) }))
      .filter((row) => session === undefined || row.session === session),
    letters: rejects.map(({ id, reason, body }) => ({
      id,
      reason,
      records: (carried(body)?.records ?? []).filter(wanted),
    })),
  };
};

/** Reads an origin once. Memory: some 25 bytes a row, and the letters' ids. */
export const expectedOf = async (
  of: Reopened,
  session: string | undefined,
  progress: (rows: number) => void,
): Promise<Expected> => {
  const rows = session === undefined ? of.rows : (of.sessions.get(session) ?? 0);
  const events = newIds(rows);
  const refused = newIds();
  const letters = new Set<string>();
  let sent = 0;
  let done = 0;
  let example: Expected["example"] = null;
  for await (const { message, rows, letters: found } of of.messages(session)) {
    for (const { id } of rows) events.add(id);
    if (rows[0]) example ??= { ticker: message.group, session: rows[0].session };
    sent += rows.length;
    for (const letter of found) {
      if (letter.records.length) letters.add(letter.id);
      for (const record of letter.records) refused.add(recordId(record));
      sent += letter.records.length;
    }
    done += message.rows;
    progress(done);
  }
  return { origin: of.origin, source: of.source, sent, sessions: of.sessions, events, refused, letters, example };
};
