import { newestCommit } from "../packages/aws/documents.ts";
import type { Aws } from "../packages/aws/index.ts";
import { put } from "../packages/aws/store.ts";
import { instead, type Known, type Note } from "../packages/core/backfill.ts";
import type { Dataset, Download, Publication } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { scrapedKey } from "../packages/core/run.ts";
import { partitionValues } from "../packages/core/table.ts";
import type { Web } from "../packages/web/index.ts";
import { asked } from "./download.ts";
import { type Progress, type Scraped, scrapeKept } from "./messages.ts";
import { checkRank, noteOf, notesOf } from "./notes.ts";
import { chunks, keep } from "./origin.ts";
import { sha256Of } from "./river.ts";
import { factsOf } from "./sessions.ts";

/**
 * How a download ended. `sent`: every message was accepted. `unchanged`: the origin has what was sent before. `absent`:
 * the origin says that it has no such file, nor another one of these sessions. `failed`: anything else; what of it was
 * sent changes nothing when it is sent again.
 */
export type Outcome = {
  /** The download's. */
  name: string;
  /** The wanted sessions that ended so, ascending; where the download names none, those that it held. */
  sessions: string[];
  is: "sent" | "unchanged" | "absent" | "failed";
  /** What was sent; of a failed one, as far as it came. */
  scraped?: Scraped;
  /** Why it failed, or how it is absent. */
  error?: { code: string; message: string };
};

/** What is under way. All but `asks` and `ended` are of the download that was asked for last. */
export type BackfillProgress = Progress & {
  /** It is about to be asked for; `left` others are planned after it. */
  asks?: (download: Download, left: number) => void;
  /** Bytes of the answer; null: the origin does not say how many there will be. */
  bytes?: (done: number, total: number | null) => void;
  /** Called once for each outcome, in order. A download that is had otherwise alone, in other files, has none. */
  ended?: (outcome: Outcome) => void;
};

export type Backfilling = {
  web: Web;
  /** Ms since 1970; what was not begun by then is not. */
  until?: number;
  progress?: BackfillProgress;
  /** Whatever the notes say: nothing is asked on condition, and what is the same is sent again. */
  again?: boolean;
  /** Aborted: what is under way ends as failed with the code `interrupted`, and so does the rest. */
  signal?: AbortSignal;
};

type Reason = NonNullable<Outcome["error"]>;

/** After so many downloads in a row that could not be had or sent, the rest is not asked for. */
const IN_A_ROW = 3;
/** The same of those that are not there: an origin that moved its files says so of each of thousands. */
const ABSENT_IN_A_ROW = 20;

/**
 * What is there of these sessions already, as the tables say it, and as the notes do of what is still on its way to them:
 * what core/backfill.ts plans with.
 */
export const knownOf = async (aws: Aws, dataset: Dataset, sessions: readonly string[]): Promise<Known> => {
  const units = new Set(sessions.map((session) => dataset.unit?.of(session)));
  const partition = dataset.unit?.partition ?? "";
  const published = await factsOf(aws, dataset, await newestCommit(aws, dataset.name), (name) => {
    const unit = partitionValues(name)[partition];
    return unit === undefined || units.has(unit);
  });
  return { notes: await notesOf(aws, dataset), published };
};

/**
 * Carries out downloads one after the other: asks on condition that they are other than their notes say, archives the
 * bytes, sends them, and writes the note once every message was accepted. What a download did not bring is asked for
 * otherwise, next. One that fails harms no other: it does not throw for what the origin, its bytes or the queue do.
 * @throws PregaoError `no_publication`
 */
export const backfill = async (
  aws: Aws,
  dataset: Dataset,
  downloads: readonly Download[],
  options: Backfilling,
): Promise<Outcome[]> => {
  const publication = publicationOf(dataset);
  const { progress = {}, until = Number.POSITIVE_INFINITY, signal } = options;
  const outcomes: Outcome[] = [];
  const left: Planned[] = downloads.map((download) => ({ download }));
  const known: Met = new Map();
  let inARow = 0;
  let absentInARow = 0;
  const stopped = (): Reason | null => {
    if (signal?.aborted) return interrupted;
    if (Date.now() >= until) return { code: "no_time", message: "not asked for: there was no time left" };
    if (inARow >= IN_A_ROW)
      return { code: "not_asked", message: `not asked for: ${IN_A_ROW} downloads in a row failed before it` };
    if (absentInARow < ABSENT_IN_A_ROW) return null;
    return {
      code: "not_asked",
      message: `not asked for: the origin says of ${ABSENT_IN_A_ROW} files in a row that there is no such file. Look at its page in a browser: it may have moved them`,
    };
  };
  for (let next = left.shift(); next; next = left.shift()) {
    const { download, cause } = next;
    const met = known.get(download.name);
    const stop = met === undefined ? stopped() : null;
    const isAsked = met === undefined && !stop;
    if (isAsked) progress.asks?.(download, left.length);
    const end = stop
      ? ended(failed(download, stop))
      : met === undefined
        ? await carried(aws, dataset, publication, download, known, options)
        : endOf(publication, download, met);
    // What is tried for a failure of its own is no download more.
    if (isAsked && !(cause && end.trouble)) inARow = end.trouble ? inARow + 1 : 0;
    if (isAsked) absentInARow = end.absent ? absentInARow + 1 : 0;
    for (const outcome of end.outcomes.map((one) => (cause ? caused(one, cause) : one))) {
      outcomes.push(outcome);
      progress.ended?.(outcome);
    }
    const why = end.cause ?? cause;
    left.unshift(...end.otherwise.map((one) => ({ download: one, ...(why ? { cause: why } : {}) })));
  }
  return outcomes;
};

/** `cause`: the failure for which it is tried. */
type Planned = { download: Download; cause?: Outcome };

/** What a run met under a name: what it holds, or how it is not there. It is asked for once. */
type Met = Map<string, Note | string>;

const endOf = (publication: Publication, download: Download, met: Note | string): End =>
  typeof met === "string" ? absent(download, met) : brought(publication, download, "unchanged", met);

/** What was tried for a failed download and did not bring it either is that one's failure, with both reasons. */
const caused = (outcome: Outcome, cause: Outcome): Outcome => {
  if (outcome.is === "sent" || outcome.is === "unchanged") return outcome;
  const { code, message } = cause.error!;
  const { scraped } = outcome;
  return {
    ...cause,
    ...(scraped ? { scraped } : {}),
    error: { code, message: `${message}. Tried instead, ${outcome.name}: ${outcome.error?.message}` },
  };
};

/**
 * How a download ended, and what to try for what it did not bring. `trouble`: what it failed by, others may, too. `cause`:
 * how it failed, if that is what the others are tried for.
 */
type End = { outcomes: Outcome[]; otherwise: Download[]; trouble: boolean; absent?: boolean; cause?: Outcome };

const ended = (outcome: Outcome, trouble = false): End => ({ outcomes: [outcome], otherwise: [], trouble });

const carried = async (
  aws: Aws,
  dataset: Dataset,
  publication: Publication,
  download: Download,
  known: Met,
  { web, until, progress, again, signal }: Backfilling,
): Promise<End> => {
  const limits = { ...(until === undefined ? {} : { until }), ...(signal ? { signal } : {}) };
  const key = scrapedKey(dataset.name, download.name);
  let there = false;
  const met = (end: Note | string): void => void known.set(download.name, end);
  try {
    const before = await noteOf(aws, dataset, download.name);
    const bytes = progress?.bytes;
    const came = await asked(publication, download, again ? null : before, {
      web,
      ...limits,
      ...(bytes ? { bytes } : {}),
    });
    if (came.is !== "bytes") {
      const end = came.is === "absent" ? came.why : came.note;
      met(end);
      return endOf(publication, download, end);
    }
    const at = new Date().toISOString();
    if (!again && before?.sha256 === (await sha256Of(chunks(came.file.bytes)))) {
      // What is the same puts right what is damaged in the archive, and may have another name for the next condition.
      await keep(aws, dataset, came.file);
      const { etag: _, modified: __, ...rest } = before;
      await put(aws, "state", key, JSON.stringify({ ...rest, ...came.validators, at }));
      met(before);
      return brought(publication, download, "unchanged", before);
    }
    const kept = await keep(aws, dataset, came.file);
    there = true;
    const scraped = await scrapeKept(aws, dataset, kept, {
      ...limits,
      ...(progress ? { progress } : {}),
      ...(before ? { admit: (origin, sessions) => checkRank(dataset, download, before, origin, sessions) } : {}),
    });
    if (scraped.accepted.rows !== scraped.rows)
      return ended({ ...failed(download, notAccepted(scraped)), scraped }, true);
    const { sessions, rows, source, origin } = scraped;
    const note: Note = { url: source, ...came.validators, ...origin, rows, sessions, at };
    await put(aws, "state", key, JSON.stringify(note));
    met(note);
    return brought(publication, download, "sent", note, scraped);
  } catch (error) {
    if (signal?.aborted) return ended(failed(download, interrupted));
    if (error instanceof PregaoError && download.otherwise.length > 0 && !there && publication.fallsBack?.(error))
      return {
        outcomes: [],
        otherwise: [...download.otherwise],
        trouble: true,
        cause: failed(download, reasonOf(error)),
      };
    // What was refused for its own bytes says nothing of the next.
    return ended(failed(download, reasonOf(error)), !(there && error instanceof PregaoError));
  }
};

/** The end of a download that brought these sessions: those wanted that are not among them are to be had otherwise. */
const brought = (
  publication: Publication,
  download: Download,
  is: "sent" | "unchanged",
  note: Note,
  scraped?: Scraped,
): End => {
  const held = Object.keys(note.sessions).sort();
  const wanted = download.sessions;
  const sessions = wanted.length === 0 ? held : wanted.filter((session) => held.includes(session));
  const { otherwise, none } = elsewhere(download, sessions);
  const outcome: Outcome = { name: download.name, sessions, is, ...(scraped ? { scraped } : {}) };
  const isNothing = wanted.length > 0 && sessions.length === 0 && !scraped;
  if (none.length === 0) return { outcomes: isNothing ? [] : [outcome], otherwise, trouble: false };
  const has = held.length > 2 ? `${held[0]} to ${held.at(-1)}` : held.join(", ");
  const isOwn = publication.downloads(none, []).some(({ name }) => name === download.name);
  if (!isOwn) {
    // A larger file says of a session that it has not that there is none; its own file, that it is another.
    const error = { code: "absent", message: `${note.url} has ${has} without it` };
    const gone: Outcome = { name: download.name, sessions: none, is: "absent", error };
    return { outcomes: sessions.length > 0 || scraped ? [outcome, gone] : [gone], otherwise, trouble: false };
  }
  const error = {
    code: "other_session",
    message: `expected ${none.join(", ")} in ${note.url}, which has ${has}: it was sent as what it is`,
  };
  const other: Outcome = { ...outcome, sessions: none, is: "failed", error };
  return { outcomes: sessions.length > 0 ? [outcome, other] : [other], otherwise, trouble: false };
};

const absent = (download: Download, why: string): End => {
  if (download.sessions.length === 0 && download.otherwise.length > 0)
    return { outcomes: [], otherwise: [...download.otherwise], trouble: false, absent: true };
  const { otherwise, none } = elsewhere(download, []);
  const error = { code: "absent", message: why };
  const outcome: Outcome = { name: download.name, sessions: none, is: "absent", error };
  return {
    outcomes: none.length > 0 || download.sessions.length === 0 ? [outcome] : [],
    otherwise,
    trouble: false,
    absent: true,
  };
};

/** What to try for the sessions that a download did not bring, and those for which there is nothing to try. */
const elsewhere = (download: Download, had: readonly string[]): { otherwise: Download[]; none: string[] } => {
  const missing = download.sessions.filter((session) => !had.includes(session));
  const otherwise = missing.length > 0 ? instead(download, missing) : [];
  const covered = new Set(otherwise.flatMap(({ sessions }) => sessions));
  return { otherwise, none: missing.filter((session) => !covered.has(session)) };
};

const failed = ({ name, sessions }: Download, error: Reason): Outcome => ({
  name,
  sessions: [...sessions],
  is: "failed",
  error,
});

const interrupted: Reason = { code: "interrupted", message: "interrupted: what was not sent whole is asked for again" };

const notAccepted = ({ refused, unknown, rows, reason }: Scraped): Reason => ({
  code: "not_accepted",
  message: `${refused} rows refused by the queue and ${unknown} with unknown outcome, of ${rows} (${reason ?? "no reason given"})`,
});

const reasonOf = (error: unknown): Reason => {
  if (error instanceof PregaoError) return { code: error.code, message: error.message };
  const { name, message, cause } = error as Error;
  return { code: name || "error", message: [message, cause].filter(Boolean).join(": ") };
};

/** @throws PregaoError `no_publication` for a dataset of which nobody knows where its origin publishes it. */
export const publicationOf = (dataset: Dataset): Publication => {
  const publication = dataset.raw?.publication;
  if (!publication)
    throw new PregaoError("no_publication", `${dataset.name} has no place where it is published: name a file or a URL`);
  return publication;
};
