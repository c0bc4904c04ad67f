import { z } from "zod";
import { PregaoError } from "./errors.ts";

/**
 * A raw object as Firehose left it: rewritten, it is another object. `late`: no listing from `through` on will find it
 * (it landed when its ingest date was closed or could be, or names no date), so it is remembered by name for good.
 */
export type RawObject = { key: string; etag: string; size: number; late?: true };

/**
 * A raw object as a listing shows it; `modified` in milliseconds since 1970. `named`: somebody says that it may not have
 * been read (a bell, or a full listing that found it in no run), whatever the clocks said when its date was closed.
 */
export type ListedObject = { key: string; etag: string; size: number; modified: number; named?: true };

export type FileEntry = { name: string; bytes: number; rows: number };

/** Where a partition's rows are: `folder` (bucket `lake`, ends in `/`) with exactly these files, made by `recipe`. */
export type PartitionEntry = { folder: string; files: FileEntry[]; recipe: string };

/** table → partition (`year=2024`, or `""` for a table without) → where it is. */
export type TableMap = Record<string, Record<string, PartitionEntry>>;

/** What a person accepts although a law is broken; null stands for any. */
export type Accepted = { law: string; session: string | null; origin: string | null };

export type Rejected = RawObject & { reason: string; message: string };

/** What is to be done, complete: the same document gives the same rows. Created once, never changed. */
export type Run = {
  format: 1;
  dataset: string;
  run: number;
  /** The commit it stands on: `run - 1`; 0 is the one before the first. */
  base: number;
  /** ISO 8601, UTC. */
  opened_at: string;
  /** Digest of the recipe (contract, SQL, calendar), stored as `recipes/<dataset>/<digest>.json` in the state bucket. */
  recipe: string;
  /** Read under these ETags only. */
  objects: RawObject[];
  /** The units it recomputes as a whole, e.g. years; `[""]` for a dataset without a unit. */
  units: string[];
  /** The current partitions of these units, of every table, from commit `base`. */
  tables: TableMap;
  /**
   * The `through` of its commit if it is published: every raw object of an ingest date up to this one is settled then,
   * but for those that came late. Null: none yet.
   */
  through: string | null;
  /** Raw objects refused while planning; their dead letters are sent before the commit. */
  rejects: Rejected[];
  accepted: Accepted[];
  /**
   * Makes its unit anew from raw, by today's recipe: it names every settled object that touches the unit, reads no
   * partition (the views `atual_` are empty), leaves out the objects' rows of other units, and settles nothing. The
   * partitions in `tables` are replaced all the same; one without rows keeps a file of none.
   */
  rebuild: boolean;
  /** Ids of events, sorted: a raw row with one of them counts as one that never arrived. The engine leaves it out. */
  withdrawn: string[];
};

/** How many raw objects, or withdrawn events, a run document names at most. */
export const RUN_NAMES = 100_000;

/** A refined raw object that is gone, of which every row is known to be in others: a rebuild leaves it out. */
export type Lost = { key: string; etag: string; at: string; why: string };

/** Why no new run is opened but a rebuild that is asked for, and since when (ISO 8601). */
export type Paused = { at: string; why: string };

const day = z.iso.date();
const digest = z.string().min(1).max(128);
export const rawObject = z.object({
  key: z.string().min(1).max(1024),
  etag: z.string().min(1).max(256),
  size: z.int().min(0),
  late: z.literal(true).optional(),
});
export const rejected = rawObject.extend({ reason: z.string().max(64), message: z.string().max(2000) });
export const tableMap = z.record(
  z.string().max(128),
  z.record(
    z.string().max(2048),
    z.object({
      folder: z.string().min(1).max(1024).endsWith("/"),
      files: z
        .array(z.object({ name: z.string().min(1).max(512), bytes: z.int().min(0), rows: z.int().min(0) }))
        .max(10_000),
      recipe: digest,
    }),
  ),
);
const accepted = z.object({
  law: z.string().max(256),
  session: z.string().max(64).nullable(),
  origin: z.string().max(128).nullable(),
});
const run = z.object({
  format: z.literal(1),
  dataset: z.string().min(1).max(64),
  run: z.int().min(1),
  base: z.int().min(0),
  opened_at: z.iso.datetime(),
  recipe: digest,
  objects: z.array(rawObject).max(RUN_NAMES),
  units: z.array(z.string().max(256)).max(10_000),
  tables: tableMap,
  through: day.nullable(),
  rejects: z.array(rejected).max(100_000),
  accepted: z.array(accepted).max(10_000),
  rebuild: z.boolean(),
  // Documents of before rows could be withdrawn do not have it.
  withdrawn: z.array(z.string().min(1).max(128)).max(RUN_NAMES).default([]),
});
const paused = z.object({ at: z.iso.datetime(), why: z.string().max(1000) });
const lost = z.object({
  key: z.string().min(1).max(1024),
  etag: z.string().min(1).max(256),
  at: z.iso.datetime(),
  why: z.string().max(1000),
});

/** Reads a stored document by its schema. @throws PregaoError `document` that names the field and the key. */
export const parseDocument = <T>(schema: z.ZodType<T>, value: unknown, key: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PregaoError(
    "document",
    `${key}: expected a document of format 1, ${issue?.path.join(".") || "it"}: ${issue?.message}. It was written by another version of pregao or by hand: deploy the version that wrote it`,
    { key },
  );
};

export const parseAccepted = (value: unknown, key: string): Accepted => parseDocument(accepted, value, key);
export const parsePaused = (value: unknown, key: string): Paused => parseDocument(paused, value, key);
export const parseLost = (value: unknown, key: string): Lost => parseDocument(lost, value, key);
export const parseRun = (value: unknown, key: string): Run => parseDocument(run as z.ZodType<Run>, value, key);

/** The state bucket's keys count down, so that a listing starts with the newest. */
const down = (n: number) => String(9_999_999_999 - n).padStart(10, "0");
export const runKey = (dataset: string, n: number): string => `runs/${dataset}/${down(n)}.json`;
export const commitKey = (dataset: string, n: number): string => `commits/${dataset}/${down(n)}.json`;
export const reportKey = (dataset: string, n: number, attempt: string): string =>
  `reports/${dataset}/${down(n)}/${attempt}.json`;
export const recipeKey = (dataset: string, sha256: string): string => `recipes/${dataset}/${sha256}.json`;
export const assetKey = (sha256: string): string => `assets/${sha256}.ndjson`;
/** What a person accepts, one document each, named by the digest of its content. */
export const acceptedKey = (dataset: string, sha256: string): string => `accepted/${dataset}/${sha256}.json`;
/** While it is there, the dataset is {@link Paused}. */
export const pausedKey = (dataset: string): string => `paused/${dataset}.json`;
/** One {@link Lost} object, named by the digest of its ETag and key. */
export const lostKey = (dataset: string, sha256: string): string => `lost/${dataset}/${sha256}.json`;
/** A row with this event id is treated as if it had never arrived. The key says it; the body is for people. */
export const withdrawnKey = (dataset: string, event: string): string => `withdrawn/${dataset}/${event}`;
/** That every row of an error object has its dead letter; named by the digest of its ETag and key. */
export const salvagedKey = (dataset: string, sha256: string): string => `salvaged/${dataset}/${sha256}`;
/** What was sent of a download by its name, so that it need not be sent again while its bytes are the same (core/backfill.ts). */
export const scrapedKey = (dataset: string, download: string): string => `scraped/${dataset}/${download}.json`;
export const numberOf = (key: string): number => 9_999_999_999 - Number(/(\d{10})(?:\.json|\/)/.exec(key)?.[1]);

/** The folder of an attempt at a run, for one table; an attempt refuses one that is not empty. Ends in `/`. */
export const attemptFolder = (table: string, run: number, attempt: string): string =>
  `refined/${table}/run=${run}-${attempt}/`;

const DAY_MS = 86_400_000;
/** An ingest date closes this long after its end: Firehose delivers what it took within 24 h or loses it. */
export const CLOSES_AFTER_MS = 48 * 3_600_000;
/** Our clock and the store's may differ by this much without a word. */
export const SKEW_MS = 3_600_000;

/** The UTC day of arrival in a raw key, or null if it names none that exists. */
export const ingestDate = (key: string): string | null => {
  const text = /\/ingest_date=(\d{4}-\d\d-\d\d)\//.exec(key)?.[1];
  return text && day.safeParse(text).success ? text : null;
};

export const dayBefore = (date: string): string => new Date(Date.parse(date) - DAY_MS).toISOString().slice(0, 10);

/** The last ingest date that is closed by a clock, if all its objects are settled. */
export const lastClosed = (now: number): string => new Date(now - CLOSES_AFTER_MS - DAY_MS).toISOString().slice(0, 10);

/**
 * A listed object as runs and commits name it. It is late by the clocks, or because it is named and its date is not after
 * `through`: a clock that was wrong closed it too early. Read a second time, an object changes nothing.
 */
export const nameObject = (
  { key, etag, size, modified, named }: ListedObject,
  through: string | null = null,
): RawObject => {
  const date = ingestDate(key);
  const late =
    date === null ||
    modified >= Date.parse(date) + DAY_MS + CLOSES_AFTER_MS - SKEW_MS ||
    (named === true && through !== null && date <= through);
  return late ? { key, etag, size, late } : { key, etag, size };
};

/** An object's identity. */
export const nameOf = ({ key, etag }: { key: string; etag: string }): string => `${etag} ${key}`;

/** By ingest date, then key, which the key's own order is. */
export const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
