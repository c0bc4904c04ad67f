import type { Aws } from "../packages/aws/index.ts";
import { sessionsUpTo } from "../packages/core/backfill.ts";
import { isSession, newestEnded, saoPauloDay, sessionEnded } from "../packages/core/calendar.ts";
import type { Dataset, Download, Publication } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import type { Web } from "../packages/web/index.ts";
import { backfill, type Outcome } from "./backfill.ts";
import { log } from "./log.ts";
import { notesNamed } from "./notes.ts";

/**
 * What a clock says: look for the session that ended last; at the `last` of a day it must be there. `missed`: a machine
 * was off at the clock's hours and makes up for them, on whatever day.
 */
export type Tick = { dataset: string; last?: true; missed?: true };

/** What a look found. `session`: the one that it was for; null, that day had none. */
export type Looked = { dataset: string; session: string | null; outcomes: Outcome[] };

/**
 * A clock's look, `now` in ms since 1970: for the session that ended last, or today's, where the origin has the current
 * one alone; for those of the last `publication.history` that no look has seen; and for files that were rewritten since:
 * that of the session before at every look, all of them at the day's last. Each session is asked for on its own. What is
 * there already is not sent again, whoever looks and how often.
 * @throws PregaoError the first of what failed, after everything was tried; `not_published` at the last look of a day if no
 * file of its session was ever there
 */
export const look = async (
  aws: Aws,
  dataset: Dataset,
  options: { last?: boolean; missed?: boolean; now: number; until: number; web: Web },
): Promise<Looked> => {
  const { last = false, missed = false, now, until, web } = options;
  const publication = dataset.raw?.publication;
  if (!publication) throw new PregaoError("no_schedule", `${dataset.name} is fetched by no clock: name a URL`);
  const ended = sessionEnded(now) ?? (missed ? newestEnded(now) : null);
  const session = publication.history === 0 ? sessionToday(now) : ended;
  if (session === null) {
    log("INFO", "scrape", "no session today", { dataset: dataset.name });
    return { dataset: dataset.name, session, outcomes: [] };
  }
  const { downloads, seen } = await due(aws, dataset, publication, session, last);
  const outcomes = await backfill(aws, dataset, downloads, { web, until });
  const late = outcomes.filter((outcome) => isLate(outcome, publication, session, seen));
  for (const outcome of outcomes) tell(dataset, outcome, late.includes(outcome));
  const failed = outcomes.filter(({ is }) => is === "failed");
  const { code, message } = failed[0]?.error ?? {};
  if (code)
    throw new PregaoError(
      code,
      `${failed.length} of ${outcomes.length} downloads failed (${failed.map(({ name }) => name).join(", ")}): ${message}`,
    );
  if (last && late.length > 0)
    throw new PregaoError(
      "not_published",
      `expected the session of ${session} by now (${late.map(({ name }) => name).join(", ")}): ${publication.means}. Once it is there: pregao ingest ${dataset.name}${publication.history > 0 ? ` --session ${session}` : ""}`,
    );
  return { dataset: dataset.name, session, outcomes };
};

/** What an origin has of the current day alone is to be fetched on it, before its session has ended: then it may be gone. */
const sessionToday = (now: number): string | null => {
  const today = saoPauloDay(now);
  return isSession(today) ? today : null;
};

/** What to ask for, the session that ended last first, and the sessions that were seen before. */
const due = async (
  aws: Aws,
  dataset: Dataset,
  publication: Publication,
  session: string,
  last: boolean,
): Promise<{ downloads: Download[]; seen: ReadonlySet<string> }> => {
  const parts = publication.parts?.usual ?? [];
  if (publication.history === 0) return { downloads: publication.downloads([], parts), seen: new Set() };
  const recent = sessionsUpTo(session, publication.history);
  const alone = recent.map((one) => publication.downloads([one], parts)).reverse();
  const larger = recent.flatMap((one) => publication.larger?.(one) ?? []);
  const names = new Set([...alone.flat(), ...larger].map(({ name }) => name));
  const notes = await notesNamed(aws, dataset, [...names]);
  const seen = new Set([...notes.values()].flatMap((note) => Object.keys(note.sessions)));
  // What came in a larger file alone has no note of its own: to ask for it would be to fetch it.
  const downloads = alone.filter(
    (of, back) =>
      back === 0 ||
      of.some(({ sessions }) => sessions.some((one) => !seen.has(one))) ||
      ((back === 1 || last) && of.every(({ name }) => notes.has(name))),
  );
  return { downloads: downloads.flat(), seen };
};

/** Whether it is the session that ended last that a download did not bring. What was seen once may be gone. */
const isLate = ({ is, sessions }: Outcome, { history }: Publication, session: string, seen: ReadonlySet<string>) => {
  if (is === "failed") return false;
  if (history === 0) return is === "absent" || !sessions.some((one) => one >= session);
  return is === "absent" && sessions.includes(session) && !seen.has(session);
};

const tell = (dataset: Dataset, { name, sessions, is, scraped, error }: Outcome, late: boolean): void => {
  const of = { dataset: dataset.name, download: name };
  if (scraped) {
    const { sessions: days, dataset: _, ...metadata } = scraped;
    log("INFO", "scrape", "origin sent", { ...of, ...metadata, sessions: Object.keys(days).length });
  }
  if (is === "unchanged") log("INFO", "scrape", "the session's file is as it was", of);
  if (is === "absent" && late) log("INFO", "scrape", "the session's file is not there yet", { ...of, sessions });
  if (is === "absent" && !late)
    log("WARN", "scrape", "a session has no file any more, or never had", { ...of, sessions });
  if (is === "failed") log("WARN", "scrape", "a download failed", { ...of, ...error });
};
