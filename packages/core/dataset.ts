import type { PregaoError } from "./errors.ts";
import type { Columns, Table } from "./table.ts";
import type { View } from "./view.ts";

/** One record as it travels: its columns on the wire, and `origin_rows`. */
export type WireRecord = Record<string, unknown>;

/** What a file of the origin is, known once it was archived. `version` orders the origins of one session. */
export type Origin = { sha256: string; version: string; scraped_at: string };

/** A law of one record that a column alone cannot say. `broken` gives the reason's text, or null when it holds. */
export type Law = {
  code: string;
  path: string;
  broken: (record: Record<string, string>, message: { day: string }) => string | null;
};

/** A law of a whole run: SQL that returns one row per violation (`detalhe` text, `sessao` text, `origem` text). */
export type Audit = { name: string; means: string; severity: "hold" | "warn"; sql: string };

/**
 * One step of the refine SQL. `name` is the view that later steps read. With `table`, its rows are that table's, for
 * the unit (it is the table's name then); without, it is only a step on the way. `inline`: cheap to compute again or
 * read once, so that an engine need not keep its rows.
 *
 * A step named `accounts` gives the report's counts, one row per unit: `rows_read`, `rows_new`, `rows_superseded`,
 * `rows_duplicate`, where the last three add up to the first.
 */
export type Step = { name: string; sql: string; table?: boolean; inline?: boolean };

/** Random access to an origin's bytes: a file, a buffer or an object. Reading past the end gives what there is. */
export type Bytes = { size: number; read: (start: number, end: number) => Promise<Uint8Array> };

/** What a first pass over an origin's bytes found, before anything of it is sent. */
export type Survey = {
  /** The version that the bytes themselves state (a header's date); Last-Modified is added to it when known. */
  version: string;
  rows: number;
  /** Distinct rows per session, in order of session. */
  sessions: ReadonlyMap<string, number>;
};

/** A record and its line in the origin. */
export type FoundRecord = { line: number; record: WireRecord };

/**
 * How a dataset's origin becomes records. Pure but for reading: no network, no files. `survey` rejects the whole
 * origin with a PregaoError that names the line; `records` yields groups of one subject each, deterministic in the
 * bytes, memory bounded by `window` rows.
 */
export type OriginFormat = {
  /** The lines, the first being 1, that hold records of one subject and session (`YYYY-MM-DD`), in order. `origin_rows` is null. */
  find: (bytes: Bytes, of: { subject: string; session: string }) => AsyncGenerator<FoundRecord>;
  survey: (bytes: Bytes, progress?: (done: number) => void) => Promise<Survey>;
  groups: (bytes: Bytes, survey: Survey) => AsyncGenerator<{ subject: string; records: WireRecord[] }[]>;
};

/** When a clock looks for what the origin publishes. Cron in five fields, read in `zone`. */
export type Schedule = {
  zone: string;
  /** Looks for the file of the day's session. It may not be there yet, or be another than before. */
  cron: string;
  /** The day's last look: a session whose file was not seen by then is a failure. */
  last: string;
};

/** One GET of the origin. */
export type OriginRequest = {
  url: string;
  /** The most bytes that its answer may have. */
  most: number;
  /** That an answer says there is no such file (yet): origins say so with 404, with nothing at all, or with a page. */
  absent?: (answer: { status: number; bytes: Uint8Array }) => boolean;
  /** @throws PregaoError if these are not the bytes of such an answer: it is asked for again, and reported at last. */
  check: (bytes: Uint8Array) => void;
};

/** What is fetched as one: a file, or an answer in pages. */
export type Download = {
  /** Its own among the dataset's, `[A-Za-z0-9_-]+`: progress, notes and errors bear it. */
  name: string;
  /** The sessions that are wanted of it, ascending; empty: the one it is of, whichever is current. */
  sessions: readonly string[];
  /** What holds the same sessions, to be tried where the origin does not have this one. */
  otherwise: readonly Download[];
};

/** How the origin publishes. Pure. */
export type Publication = {
  /** What is published, where and when, for whoever looks for it in vain. */
  means: string;
  /** Sessions back that a clock catches up with; 0: the origin has the current one alone, and none can be asked for. */
  history: number;
  /** What of the dataset may be named, and what is fetched if nothing is. */
  parts?: { all: readonly string[]; usual: readonly string[] };
  /** The fewest downloads that hold these sessions, ascending; of `parts`, the named ones. */
  downloads: (sessions: readonly string[], parts: readonly string[]) => Download[];
  /**
   * The files that hold a session among others, the smallest first, for one that has none of its own: origins keep those
   * for ever, and small ones not. Absent: there are none.
   */
  larger?: (session: string) => Download[];
  /** Whether what a download failed by is that file's own trouble, so that what holds the same is tried. Absent: never. */
  fallsBack?: (error: PregaoError) => boolean;
  /** The request after these answers; null: they are whole. The first has none before it. */
  next: (download: Download, answers: readonly Uint8Array[]) => OriginRequest | null;
  /** The origin's bytes, as they are archived and read by `format`. */
  bytes: (download: Download, answers: readonly Uint8Array[]) => Uint8Array;
  /** The same of a file that a person has, where its bytes do not say all. Absent: they are the origin's bytes. */
  fromFile?: (bytes: Uint8Array, of: { file: string; part?: string; session?: string }) => Uint8Array;
};

/** What a dataset's own tables say of one session, `YYYY-MM-DD`. */
export type SessionFact = {
  session: string;
  tickers: number;
  /** Published, of every table. */
  rows: number;
  /** All rows of a file came, and no others. */
  complete: boolean;
  /** The same of each series that a file brought, by name, where the dataset has series. */
  series?: Readonly<Record<string, boolean>>;
  /** Tickers with a value that contradicts another. */
  doubtful: number;
  /** The files that its rows are of; `scrapedAt` in ms since 1970. */
  origins: { sha256: string; scrapedAt: number }[];
};

/**
 * A question about rows that should agree with others, in Trino's dialect; a row for each that does not: `sessao` (date),
 * `ticker` (text; null: none in particular), `detalhe` (text). `fail`: what must never be; `warn`, also if absent: what a
 * person should look at, as it may be the market's doing.
 */
export type Check = {
  means: string;
  severity?: "fail" | "warn";
  sql: string;
  /** SQL of all that `sql` looks at: `sessao`, `ticker`. None of it, and nothing holds: there is nothing to compare. */
  compared?: string;
};

/** A row of a table as it is read from its file. */
export type Row = Readonly<Record<string, unknown>>;

export type Dataset = {
  name: string;
  means: string;
  version: number;
  /** Glue's database. */
  database: string;
  /** Absent: the dataset has no queue and no raw objects, its rows come from its recipe alone. */
  raw?: {
    table: Table;
    /** Columns of a record on the wire, without lineage. */
    record: Columns;
    laws: readonly Law[];
    subject: (record: WireRecord) => string;
    /** The column a record's session is in. */
    session: string;
    /**
     * Columns that beside the session name what a file states as a whole (docs/architecture.md, merging): the files of a
     * day's indexes are nothing to each other. Tables that hold arrived rows have them under the same names.
     */
    whole?: readonly string[];
    format: OriginFormat;
    /** Absent: it can be ingested from files alone. */
    publication?: Publication;
    /** Absent: nothing is fetched by the clock. */
    schedule?: Schedule;
    /** Valid records of `ticker` for `pregao publish`, on `session` (`YYYY-MM-DD`). */
    sample: (ticker: string, session: string, index: number) => WireRecord;
    /** One record of each kind of mistake, with the reason code it must be rejected with. */
    mistakes: (ticker: string, session: string) => { code: string; record: WireRecord }[];
  };
  /** Where the refined sessions stand: a table, and the date column that names one. */
  sessions?: {
    table: string;
    column: string;
    /** The table's column with the paper that a row is of. */
    ticker?: string;
    /** The table's column that parts it into series, each with all its sessions: an index has a portfolio for each. */
    series?: string;
    /**
     * In Trino's dialect, the files of which not every row of a session came, though none of a better file replaces
     * them: `session`, `origin` (SHA-256), `since` (scraped_at), `expected`, `seen`, and where it has series `part`.
     */
    partial?: string;
    /** Small tables with what is known of each session, by name, and what their rows say of it. */
    facts?: { tables: readonly string[]; of: (rows: Readonly<Record<string, readonly Row[]>>) => SessionFact[] };
  };
  /** Refined tables, base first, then those computed from them. */
  tables: readonly Table[];
  /** The smallest set of partitions a run recomputes as a whole: a partition column every table has, and the raw SQL for it. */
  unit?: { partition: string; column: string; of: (value: string) => string; sql: string };
  steps: readonly Step[];
  audits: readonly Audit[];
  /** What `pregao gaps` asks besides, by name: nothing of it stands in the way of a run. */
  checks?: Readonly<Record<string, Check>>;
  /** Small tables the SQL joins, as newline-separated JSON, by name. */
  assets: Readonly<Record<string, { columns: Columns; rows: () => string }>>;
  /** The README's query and others, in Trino's dialect. */
  queries: Readonly<Record<string, { means: string; sql: string }>>;
  /** Views in its database, by name, in Trino's dialect. */
  views: Readonly<Record<string, View>>;
  /** A real file that comes with the dataset, the query to answer from it, and what its rows were in a lake. */
  demo?: {
    file: URL;
    query: string;
    lake: { rawObjects: number; rawBytes: number; refinedBytes: number; refinedFiles: number };
  };
};

/** Lineage that every raw row carries beside its record. */
export const lineageNames = [
  "event_id",
  "message_id",
  "origin_sha256",
  "source_version",
  "origin_rows",
  "scraped_at",
  "scraped_on",
] as const;
