import { z } from "zod";
import { dayNumber, dayOf, isSession, lastSession, saoPauloDay } from "./calendar.ts";
import type { Download, Publication, SessionFact } from "./dataset.ts";

/**
 * What is remembered of a download of which every message was accepted, so that it need not be sent again while the origin
 * has no other bytes. It says nothing of what became of them.
 */
export type Note = {
  url: string;
  /** Absent: the origin gave none, or it came in more than one answer. */
  etag?: string;
  /** Last-Modified as the origin spelled it. */
  modified?: string;
  sha256: string;
  /** Of the origin that its rows bear: what comes later and ranks below it is never published. */
  version: string;
  scraped_at: string;
  rows: number;
  /** Rows by session. */
  sessions: Record<string, number>;
  /** When its bytes came last, ISO 8601; that the origin said since that they are the same does not change it. */
  at: string;
};

const note = z.object({
  url: z.string().max(2048),
  etag: z.string().max(1024).optional(),
  modified: z.string().max(128).optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  version: z.string().max(64),
  scraped_at: z.string().max(32),
  rows: z.int().min(0),
  sessions: z.record(z.iso.date(), z.int().min(0)),
  at: z.iso.datetime(),
});

/** A note as it was stored; null if it is none, of which nothing may be concluded but that it is to be asked for anew. */
export const parseNote = (value: unknown): Note | null => {
  const parsed = note.safeParse(value);
  return parsed.success ? (parsed.data as Note) : null;
};

/** The sessions of the calendar from a day to a day, both included, ascending. */
export const sessionsBetween = (from: string, to: string): string[] => {
  const sessions: string[] = [];
  for (let day = dayNumber(from); day <= dayNumber(to); day++) if (isSession(dayOf(day))) sessions.push(dayOf(day));
  return sessions;
};

/** The last `count` sessions up to and including that of a day, ascending. */
export const sessionsUpTo = (day: string, count: number): string[] => {
  const sessions: string[] = [];
  for (let at = day; sessions.length < count; at = dayOf(dayNumber(at) - 1)) {
    at = lastSession(at);
    sessions.unshift(at);
  }
  return sessions;
};

/** What is known of what is there already. */
export type Known = {
  /** By the name of their download. */
  notes: ReadonlyMap<string, Note>;
  /** What the tables say. */
  published: readonly SessionFact[];
};

/**
 * Of these sessions, those that are not there yet: in no note, and of no file that is published as a whole.
 */
export const missingOf = (sessions: readonly string[], { notes, published }: Known): string[] => {
  const there = new Set([
    ...published.filter((fact) => fact.complete && fact.origins.length > 0).map((fact) => fact.session),
    ...[...notes.values()].flatMap((one) => Object.keys(one.sessions)),
  ]);
  return sessions.filter((session) => !there.has(session));
};

/** From noon (São Paulo) of the day after a session on, its file is no longer rewritten: origins do that the same night. */
const SETTLES_MS = 12 * 3_600_000;

/**
 * What to ask the origin for, to have these sessions: the fewest downloads for those that are missing; then, of those of
 * the last `publication.history`, which origins rewrite, the files that brought one of them alone, on condition that they
 * changed. A file that grows with every session changes for other reasons: what it brought is asked for as a file of its
 * own, once, if it came too early to be the last word. Where a session that is not recent has no file of its own, the
 * larger ones that hold it are tried, of which today's must never be one. Of an origin that has the current one alone: that, unless today's
 * came. `again`: all of them, as if none was there. `now` in ms since 1970.
 */
export const wanted = (
  publication: Publication,
  sessions: readonly string[],
  { notes, published, now, parts, again = false }: Known & { now: number; parts: readonly string[]; again?: boolean },
): Download[] => {
  if (publication.history === 0) {
    const today = lastSession(saoPauloDay(now));
    const isThere = ({ name, otherwise }: Download): boolean =>
      notes.get(name)?.sessions[today] !== undefined || otherwise.some(isThere);
    return publication.downloads([], parts).filter((download) => again || !isThere(download));
  }
  const recent = new Set(sessionsUpTo(saoPauloDay(now), publication.history));
  const planned = (of: readonly string[]): Download[] =>
    withLarger(publication, publication.downloads(of, parts), recent);
  if (again) return planned(sessions);
  const missing = missingOf(sessions, { notes, published });
  const downloads = missing.length > 0 ? planned(missing) : [];
  const named = new Set(downloads.map(({ name }) => name));
  const newest = [...notes].sort(([, a], [, b]) => (a.at < b.at ? 1 : -1));
  for (const session of sessions) {
    if (!recent.has(session) || missing.includes(session)) continue;
    const holding = newest.filter(([, { sessions }]) => sessions[session] !== undefined);
    // A month's file has one session on the month's first evening, and is none of a session's own for it.
    const own = publication.downloads([session], parts);
    const alone = holding.find(([name]) => own.some((one) => one.name === name));
    const early = holding[0] !== undefined && saoPauloDay(Date.parse(holding[0][1].at) - SETTLES_MS) <= session;
    const asked: Download[] = alone ? [{ name: alone[0], sessions: [session], otherwise: [] }] : early ? own : [];
    for (const one of asked) if (!named.has(one.name)) downloads.push(one);
  }
  return downloads;
};

/**
 * Downloads whose last resort, for a session that is not recent, are the larger files that hold it; one of them may have
 * been asked for before it, of which whoever carries them out knows.
 */
const withLarger = (
  publication: Publication,
  downloads: readonly Download[],
  recent: ReadonlySet<string>,
): Download[] =>
  downloads.map((download) => {
    const { otherwise, sessions } = download;
    if (otherwise.length > 0) return { ...download, otherwise: withLarger(publication, otherwise, recent) };
    const [session] = sessions;
    if (session === undefined || recent.has(session)) return download;
    const larger = publication.larger?.(session) ?? [];
    return { ...download, otherwise: larger.reduceRight<Download[]>((next, one) => [{ ...one, otherwise: next }], []) };
  });

/** What to try for the sessions that a download did not bring: of what holds the same, no more than they need. */
export const instead = (download: Download, missing: readonly string[]): Download[] =>
  download.otherwise.flatMap((one) => narrowed(one, new Set(missing)));

const narrowed = (download: Download, missing: ReadonlySet<string>): Download[] => {
  const sessions = download.sessions.filter((session) => missing.has(session));
  if (sessions.length === 0) return download.sessions.length === 0 ? [download] : [];
  if (sessions.length === download.sessions.length) return [download];
  const parts = download.otherwise.flatMap((one) => narrowed(one, missing));
  return parts.length === 1 ? parts : [{ ...download, sessions }];
};
