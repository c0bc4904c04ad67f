import type { Aws } from "../packages/aws/index.ts";
import { type Outgoing, type Sent, send } from "../packages/aws/queues.ts";
import { saoPauloDay } from "../packages/core/calendar.ts";
import type { Bytes, Dataset, Origin, Survey } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { type Message, messages } from "../packages/core/message.ts";
import { checkFile, inTime, type Kept, keep, type OriginFile, originOf } from "./origin.ts";
import { digest } from "./river.ts";

export type Scraped = {
  dataset: string;
  source: string;
  origin: Origin;
  /** False: these bytes were archived before; sending them again changes nothing. */
  fresh: boolean;
  sessions: Record<string, number>;
  rows: number;
  messages: number;
  accepted: { messages: number; rows: number };
  refused: number;
  unknown: number;
  /** Why the last of those was not accepted. */
  reason?: string;
};

export type Progress = {
  checked?: (bytes: number, total: number) => void;
  surveyed?: (rows: number, sessions: number) => void;
  sent?: (rows: number) => void;
};

/** `until` in ms since 1970. Aborted, no more messages are made; those under way are waited for. */
export type Sending = {
  progress?: Progress;
  until?: number;
  signal?: AbortSignal;
  /** Throws if nothing of these bytes is to be sent. */
  admit?: (origin: Origin, sessions: readonly string[]) => void;
};

/**
 * Checks a file's bytes as a whole, archives them, and sends them as messages, one subject each. The same bytes make the
 * same messages, to the byte.
 * @throws PregaoError if the bytes are not a whole file of the dataset; then nothing was archived or sent.
 */
export const scrape = async (
  aws: Aws,
  dataset: Dataset,
  file: OriginFile,
  progress: Progress = {},
  until?: number,
  signal?: AbortSignal,
): Promise<Scraped> => {
  checkFile(file);
  const survey = await surveyed(dataset, file.source, file.bytes, progress);
  const sending = { progress, ...(until ? { until } : {}), ...(signal ? { signal } : {}) };
  return sendKept(aws, dataset, await keep(aws, dataset, file), survey, sending);
};

/**
 * The same of bytes that are in the archive already.
 * @throws PregaoError if the bytes are not a whole file of the dataset; then nothing was sent, and they stay archived.
 */
export const scrapeKept = async (aws: Aws, dataset: Dataset, kept: Kept, sending: Sending = {}): Promise<Scraped> =>
  sendKept(
    aws,
    dataset,
    kept,
    await surveyed(dataset, kept.archived.source, kept.bytes, sending.progress ?? {}),
    sending,
  );

/**
 * The same of bytes that an origin answered: archived before they are read, so that what it sent stays to be looked at.
 * @throws PregaoError as those do
 */
export const scrapeAnswer = async (
  aws: Aws,
  dataset: Dataset,
  file: OriginFile,
  progress: Progress = {},
  until?: number,
): Promise<Scraped> =>
  scrapeKept(aws, dataset, await keep(aws, dataset, file), { progress, ...(until ? { until } : {}) });

const surveyed = async (dataset: Dataset, source: string, bytes: Bytes, progress: Progress): Promise<Survey> => {
  const format = dataset.raw?.format;
  if (!format)
    throw new PregaoError("no_origin", `${dataset.name} is computed, not scraped: it has no origin to ingest`);
  const survey = await format.survey(bytes, (done) => progress.checked?.(done, bytes.size));
  progress.surveyed?.(survey.rows, survey.sessions.size);
  checkClock(source, lastOf(survey));
  return survey;
};

const lastOf = ({ sessions }: Survey): string => [...sessions.keys()].at(-1) ?? "";

/** `scraped_at` is for ever: a clock that is behind would make every row of these bytes one of the future, for ever. */
const checkClock = (source: string, last: string): void => {
  const today = saoPauloDay(Date.now());
  if (last > today)
    throw new PregaoError(
      "future_session",
      `${source} holds a session of ${last}, expected none after today, ${today} in São Paulo: check the file, or this machine's clock`,
    );
};

const sendKept = async (
  aws: Aws,
  dataset: Dataset,
  found: Kept,
  survey: Survey,
  { progress = {}, until, signal, admit }: Sending,
): Promise<Scraped> => {
  const { sha256, archived, bytes, fresh } = await inTime(aws, dataset, found, lastOf(survey));
  const origin = originOf(sha256, archived, survey);
  admit?.(origin, [...survey.sessions.keys()]);
  const rowsOf: number[] = [];
  const counts = { messages: 0, rows: 0, refused: 0, unknown: 0 };
  let reason: string | undefined;

  async function* outgoing(): AsyncGenerator<Outgoing> {
    for await (const message of messagesOf(dataset, { source: archived.source, origin }, bytes, survey)) {
      if (signal?.aborted) return;
      rowsOf.push(message.rows);
      yield message;
    }
  }
  const tally = (sent: Sent, rows: number) => {
    if (sent.outcome === "accepted") {
      counts.messages++;
      counts.rows += rows;
      progress.sent?.(counts.rows);
    } else {
      counts[sent.outcome] += rows;
      reason = sent.reason;
    }
  };
  await send(aws, dataset.name, outgoing(), {
    ...(until ? { until } : {}),
    onSent: (sent, at) => tally(sent, rowsOf[at] ?? 0),
  });
  signal?.throwIfAborted();
  return {
    dataset: dataset.name,
    source: archived.source,
    origin,
    fresh,
    sessions: Object.fromEntries(survey.sessions),
    rows: survey.rows,
    messages: rowsOf.length,
    accepted: { messages: counts.messages, rows: counts.rows },
    refused: counts.refused,
    unknown: counts.unknown,
    ...(reason === undefined ? {} : { reason }),
  };
};

/** The messages of an origin's bytes, in their order: the same for the same bytes and archive, whoever asks and when. */
export async function* messagesOf(
  dataset: Dataset,
  from: { source: string; origin: Origin },
  bytes: Bytes,
  survey: Survey,
): AsyncGenerator<Message> {
  for await (const groups of dataset.raw!.format.groups(bytes, survey))
    for (const group of groups) yield* messages(dataset, from, group, digest);
}
