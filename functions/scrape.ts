import type { Context } from "aws-lambda";
import type { Aws } from "../packages/aws/index.ts";
import { type Outgoing, type Sent, send } from "../packages/aws/queues.ts";
import { deadline } from "../packages/aws/retry.ts";
import { create, getBytes, getJson, head, put } from "../packages/aws/store.ts";
import { saoPauloDay, sessionEnded } from "../packages/core/calendar.ts";
import type { Bytes, Dataset, Origin, Survey } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { instant, type Message, messages } from "../packages/core/message.ts";
import { scrapedKey } from "../packages/core/run.ts";
import { log } from "./log.ts";
import { datasetNamed, digest, openRiver, sha256Of } from "./river.ts";

/** The largest origin that is taken: B3's largest yearly zip is 89 MB, its text 0.7 GB. */
const ORIGIN_BYTES = 1024 ** 3;
/** What every event of it carries must pass the envelope (core/message.ts). */
const VERSION_CHARACTERS = 64;
const SOURCE_CHARACTERS = 1024;
const FETCH_MS = 5 * 60_000;

export type OriginFile = {
  /** A URL or a file's name; it becomes the events' `source`. */
  source: string;
  bytes: Bytes;
  /** When the origin says it was last changed, ISO 8601. Part of the version. */
  modified?: string;
  /** What the caller says the version is, instead of the header's date and `modified`. */
  version?: string;
};

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

/**
 * Checks an origin's bytes as a whole, archives them, and sends them as messages, one subject each. The same bytes
 * make the same messages, to the byte: `scraped_at` and the version stand in the archived object's metadata, which is
 * written in the one conditional PUT; who comes second reads it.
 * @throws PregaoError if the bytes are not a whole file of the dataset; then nothing was sent.
 */
export const scrape = async (
  aws: Aws,
  dataset: Dataset,
  file: OriginFile,
  progress: Progress = {},
  until?: number,
): Promise<Scraped> => {
  const format = dataset.raw?.format;
  if (!format)
    throw new PregaoError("no_origin", `${dataset.name} is computed, not scraped: it has no origin to ingest`);
  if (file.bytes.size > ORIGIN_BYTES)
    throw new PregaoError("too_large", `expected at most ${ORIGIN_BYTES} bytes, ${file.source} has ${file.bytes.size}`);
  checkLabel("version", file.version ?? "", VERSION_CHARACTERS);
  checkLabel("source", file.source, SOURCE_CHARACTERS);
  const sha256 = await sha256Of(chunks(file.bytes));
  const survey = await format.survey(file.bytes, (done) => progress.checked?.(done, file.bytes.size));
  progress.surveyed?.(survey.rows, survey.sessions.size);
  checkClock(file.source, [...survey.sessions.keys()].at(-1) ?? "");
  const archived = await archive(aws, dataset, sha256, file);
  const origin = originOf(sha256, archived, survey);
  const rowsOf: number[] = [];
  const counts = { messages: 0, rows: 0, refused: 0, unknown: 0 };
  let reason: string | undefined;

  async function* outgoing(): AsyncGenerator<Outgoing> {
    for await (const message of messagesOf(dataset, { source: archived.source, origin }, file.bytes, survey)) {
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
  return {
    dataset: dataset.name,
    source: archived.source,
    origin,
    fresh: archived.fresh,
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

/** What an archived origin's rows carry. */
export const originOf = (sha256: string, archived: Archived, survey: Survey): Origin => ({
  sha256,
  version: archived.version || [survey.version, archived.modified].filter(Boolean).join("/"),
  scraped_at: archived.scraped_at,
});

const checkLabel = (name: string, value: string, most: number): void => {
  if (value.length > most || !value.isWellFormed() || /[\u0000-\u001f\u007f]/.test(value))
    throw new PregaoError(
      name,
      `expected a ${name} of at most ${most} characters without control characters, came ${JSON.stringify(value.slice(0, 80))}`,
    );
};

/** `scraped_at` is for ever: a clock that is behind would make every row of these bytes one of the future, for ever. */
const checkClock = (source: string, last: string): void => {
  const today = saoPauloDay(Date.now());
  if (last > today)
    throw new PregaoError(
      "future_session",
      `${source} holds a session of ${last}, expected none after today, ${today} in São Paulo: check the file, or this machine's clock`,
    );
};

export const originKey = (dataset: string, sha256: string): string => `${dataset}/${sha256}`;

/** What stands beside an origin's bytes in the archive. */
export type Archived = { scraped_at: string; modified: string; version: string; source: string };

const archivedOf = (key: string, metadata: Record<string, string> = {}, source?: string): Archived => {
  if (!metadata.scraped_at) throw new Error(`the archived origin ${key} has no scraped_at`);
  return {
    scraped_at: metadata.scraped_at,
    modified: metadata.modified ?? "",
    version: metadata.version ?? "",
    source: decodeURI(metadata.source ?? source ?? ""),
  };
};

/** Bytes that are read whole at once, up to this many; larger ones by ranges. */
const WHOLE_BYTES = 256 * 1024 ** 2;

/**
 * An archived origin as it is read again: its bytes, proven to be those that its key names, and what stands beside them.
 * @throws PregaoError `archive` if they are others, or none.
 */
export const openArchived = async (
  aws: Aws,
  dataset: Dataset,
  sha256: string,
): Promise<{ archived: Archived; bytes: Bytes }> => {
  const key = originKey(dataset.name, sha256);
  const damaged = (came: string): PregaoError =>
    new PregaoError(
      "archive",
      `${key} in the bucket origin: expected bytes with that SHA-256, came ${came}. Ingest the same file again, which puts it right`,
      { key },
    );
  const there = await head(aws, "origin", key);
  if (!there) throw damaged("nothing");
  const { size, etag } = there;
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const last = Math.min(end, size) - 1;
    if (last < start) return new Uint8Array();
    const data = await getBytes(aws, "origin", key, { range: `bytes=${start}-${last}`, ifMatch: etag });
    if (data?.byteLength !== last + 1 - start)
      throw damaged(data ? `${data.byteLength} bytes in place of ${last + 1 - start}` : "nothing");
    return data;
  };
  const bytes = size <= WHOLE_BYTES ? inMemory(await read(0, size)) : { size, read };
  const found = await sha256Of(chunks(bytes));
  if (found !== sha256) throw damaged(`${found.slice(0, 12)}…, ${size} bytes`);
  return { archived: archivedOf(key, there.metadata), bytes };
};

/** Bytes as they are, whole: a read that gives less than it was asked for is not taken for an end. */
const readAll = async (bytes: Bytes, start: number, end: number): Promise<Uint8Array> => {
  const data = await bytes.read(start, end);
  if (data.byteLength !== end - start)
    throw new PregaoError(
      "short_read",
      `expected bytes ${start} to ${end} of the origin, came ${data.byteLength}: it was changed while it was read`,
    );
  return data;
};

/** Whether the archive still holds these bytes. What cannot be read is not whole: to write it again changes nothing. */
const isWhole = (aws: Aws, dataset: Dataset, sha256: string): Promise<boolean> =>
  openArchived(aws, dataset, sha256).then(
    () => true,
    () => false,
  );

const archive = async (
  aws: Aws,
  dataset: Dataset,
  sha256: string,
  file: OriginFile,
): Promise<Archived & { fresh: boolean }> => {
  const key = originKey(dataset.name, sha256);
  const ours: Record<string, string> = {
    scraped_at: instant(Date.now()),
    modified: file.modified ?? "",
    version: file.version ?? "",
    source: encodeURI(file.source),
  };
  let before = await head(aws, "origin", key);
  let fresh = false;
  if (!before) {
    fresh = (await create(aws, "origin", key, await readAll(file.bytes, 0, file.bytes.size), ours)) === "created";
    before = await head(aws, "origin", key);
  } else if (!(await isWhole(aws, dataset, sha256))) {
    await put(aws, "origin", key, await readAll(file.bytes, 0, file.bytes.size), before.metadata);
    log("WARN", "scrape", "the archived bytes could not be read whole, and were written again from these", { key });
  }
  const stored = archivedOf(key, before?.metadata, file.source);
  if (file.version && stored.version !== file.version)
    throw new PregaoError(
      "version",
      `these bytes were archived before as version ${stored.version || "of their own header"}; expected no other --version than that, came ${file.version}`,
    );
  return { ...stored, fresh };
};

async function* chunks(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const step = 4 * 1024 * 1024;
  for (let at = 0; at < bytes.size; at += step) yield await readAll(bytes, at, Math.min(bytes.size, at + step));
}

export const inMemory = (data: Uint8Array): Bytes => ({
  size: data.byteLength,
  read: async (start, end) => data.subarray(start, end),
});

/** An origin by URL: bounded in time and size; a bad status is an error, the content is the format's to check. */
export const download = async (url: string): Promise<OriginFile> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS), redirect: "follow" });
  if (!answer.ok || !answer.body)
    throw new PregaoError(
      "origin_status",
      `expected 200 from ${url}, came ${answer.status} ${answer.statusText}. Nothing of it was sent: check the address, and whether there is such a file`,
      { status: answer.status },
    );
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.byteLength;
    if (size > ORIGIN_BYTES) throw new PregaoError("too_large", `expected at most ${ORIGIN_BYTES} bytes from ${url}`);
    parts.push(part);
  }
  const modified = Date.parse(answer.headers.get("last-modified") ?? "");
  return {
    source: url,
    bytes: inMemory(Buffer.concat(parts)),
    ...(Number.isFinite(modified) ? { modified: new Date(modified).toISOString() } : {}),
  };
};

/** A clock's look for the file of the session that ended last; at the `last` of a day it must be there. */
export type Tick = { dataset: string; last?: true };

/** Scrapes one URL, or what a clock looks for. It throws unless every message was accepted: then it is to be repeated. */
export const handler = async (
  event: { dataset: string; url: string } | Tick,
  context: Context,
): Promise<Scraped | null> => {
  const { aws, datasets } = openRiver();
  const dataset = datasetNamed(datasets, event.dataset);
  const until = deadline(context);
  if (!("url" in event))
    return look(aws, dataset, { ...event, now: Date.now(), until }).catch((error: Error) => {
      const what = event.last ? "the day's last look for a file failed" : "a look for a file failed; another follows";
      // What fetch throws says why only in its cause.
      const detail = [error.message, error.cause].filter(Boolean).join(": ");
      log(event.last ? "ERROR" : "WARN", "scrape", what, { dataset: dataset.name, detail });
      throw error;
    });
  return sendAll(aws, dataset, await download(event.url), until);
};

/**
 * Looks for the file of the session that ended last (`now`, ms since 1970), and sends it, unless these bytes were sent as
 * that session's before. Null: there was no session, its file is not there yet, or it is as it was.
 * @throws PregaoError `not_published` at the last look of a day, if no file of its session was ever there.
 */
export const look = async (
  aws: Aws,
  dataset: Dataset,
  { last = false, now, until }: { last?: boolean; now: number; until: number },
): Promise<Scraped | null> => {
  const publication = dataset.raw?.publication;
  if (!publication) throw new PregaoError("no_schedule", `${dataset.name} is fetched by no clock: name a URL`);
  const session = sessionEnded(now);
  const rest = (message: string) => {
    log("INFO", "scrape", message, { dataset: dataset.name, session });
    return null;
  };
  if (session === null) return rest("no session today");
  const [one] = publication.downloads([session], []);
  const { url } = publication.next(one!, [])!;
  const key = scrapedKey(dataset.name, session);
  const before = (await getJson(aws, "state", key)) as { sha256: string } | null;
  const file = await published(url);
  if (!file && last && !before)
    throw new PregaoError(
      "not_published",
      `expected the file of ${session} at ${url} by now, there is none. Once it is there: pregao ingest ${dataset.name} --url ${url}`,
    );
  if (!file) return rest("the session's file is not there yet");
  if (before?.sha256 === (await sha256Of(chunks(file.bytes)))) return rest("the session's file is as it was");
  const scraped = await sendAll(aws, dataset, file, until);
  if (scraped.sessions[session] === undefined)
    throw new PregaoError(
      "other_session",
      `expected a file of ${session} at ${url}, came one of ${Object.keys(scraped.sessions).join(", ")}: it was sent as what it is`,
    );
  await put(aws, "state", key, JSON.stringify({ url, sha256: scraped.origin.sha256, rows: scraped.rows }));
  return scraped;
};

/** A file by URL; null if the origin says in one of its ways that there is none: 404, nothing at all, a page. */
const published = async (url: string): Promise<OriginFile | null> => {
  try {
    const file = await download(url);
    const start = new TextDecoder("latin1").decode(await file.bytes.read(0, Math.min(file.bytes.size, PAGE_START)));
    return /^\s*(<|$)/.test(start) ? null : file;
  } catch (error) {
    if (error instanceof PregaoError && error.details.status === 404) return null;
    throw error;
  }
};

const PAGE_START = 64;

const sendAll = async (aws: Aws, dataset: Dataset, file: OriginFile, until: number): Promise<Scraped> => {
  const scraped = await scrape(aws, dataset, file, {}, until);
  const { sessions, ...metadata } = scraped;
  log("INFO", "scrape", "origin sent", { ...metadata, sessions: Object.keys(sessions).length });
  if (scraped.accepted.rows !== scraped.rows)
    throw new Error(`${scraped.rows - scraped.accepted.rows} of ${scraped.rows} rows not accepted by the queue`);
  return scraped;
};
