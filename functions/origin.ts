import type { Aws } from "../packages/aws/index.ts";
import { create, getBytes, head, put } from "../packages/aws/store.ts";
import { saoPauloDay } from "../packages/core/calendar.ts";
import type { Bytes, Dataset, Origin, Survey } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { instant } from "../packages/core/message.ts";
import { log } from "./log.ts";
import { sha256Of } from "./river.ts";

// The archive of origins: every file that came, by its digest, so that any day can be replayed without the origin.

/** The largest origin that is taken: B3's largest yearly zip is 89 MB, its text 0.7 GB. */
export const ORIGIN_BYTES = 1024 ** 3;
/** What every event of it carries must pass the envelope (core/message.ts). */
const VERSION_CHARACTERS = 64;
const SOURCE_CHARACTERS = 1024;

export type OriginFile = {
  /** A URL or a file's name; it becomes the events' `source`. */
  source: string;
  bytes: Bytes;
  /** When the origin says it was last changed, ISO 8601. Part of the version. */
  modified?: string;
  /** What the caller says the version is, instead of the header's date and `modified`. */
  version?: string;
};

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
      `${key} in the bucket origin: expected bytes with that SHA-256, came ${came}. Ingest the same file again, which puts it right: with --again, if it is one that the origin publishes`,
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

/** Bytes in the archive, whether or not they are a whole file of the dataset. */
export type Kept = {
  sha256: string;
  archived: Archived;
  bytes: Bytes;
  /** False: these bytes were archived before. */
  fresh: boolean;
};

/**
 * Archives bytes under their SHA-256. `scraped_at` and the version stand in the object's metadata, which is written in
 * the one conditional PUT; who comes second reads it. Bytes that are damaged in the archive are written again.
 * @throws PregaoError `too_large`, `version`, `source`, `short_read`.
 */
export const keep = async (aws: Aws, dataset: Dataset, file: OriginFile): Promise<Kept> => {
  checkFile(file);
  const sha256 = await sha256Of(chunks(file.bytes));
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
  const archived = archivedOf(key, before?.metadata, file.source);
  if (file.version && archived.version !== file.version)
    throw new PregaoError(
      "version",
      `these bytes were archived before as version ${archived.version || "of their own header"}; expected no other --version than that, came ${file.version}`,
    );
  return { sha256, archived, bytes: file.bytes, fresh };
};

/** @throws PregaoError if a file could not be archived, or no event could carry what is said of it. */
export const checkFile = ({ source, version, bytes }: OriginFile): void => {
  if (bytes.size > ORIGIN_BYTES)
    throw new PregaoError("too_large", `expected at most ${ORIGIN_BYTES} bytes, ${source} has ${bytes.size}`);
  checkLabel("version", version ?? "", VERSION_CHARACTERS);
  checkLabel("source", source, SOURCE_CHARACTERS);
};

/** Whether a session is after the day on which the bytes that hold it were archived: then nothing of them was ever sent. */
export const isAhead = ({ scraped_at }: Archived, session: string): boolean =>
  session > saoPauloDay(Date.parse(`${scraped_at.replace(" ", "T")}Z`));

/**
 * Bytes archived before anybody read them may bear the instant of a clock that was behind, from before a session that
 * they hold: nothing of them can have been sent then. They get today's.
 */
export const inTime = async (aws: Aws, dataset: Dataset, kept: Kept, last: string): Promise<Kept> => {
  if (!isAhead(kept.archived, last)) return kept;
  const key = originKey(dataset.name, kept.sha256);
  const there = await head(aws, "origin", key);
  const scraped_at = instant(Date.now());
  await put(aws, "origin", key, await readAll(kept.bytes, 0, kept.bytes.size), { ...there?.metadata, scraped_at });
  log("WARN", "scrape", "the bytes were archived by a clock that was behind, and bear the time of now", { key });
  return { ...kept, archived: { ...kept.archived, scraped_at } };
};

export async function* chunks(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const step = 4 * 1024 * 1024;
  for (let at = 0; at < bytes.size; at += step) yield await readAll(bytes, at, Math.min(bytes.size, at + step));
}

export const inMemory = (data: Uint8Array): Bytes => ({
  size: data.byteLength,
  read: async (start, end) => data.subarray(start, end),
});
