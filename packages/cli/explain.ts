import { originKey } from "../../functions/origin.ts";
import { eachLetter, type Letter } from "../aws/letters.ts";
import { head } from "../aws/store.ts";
import type { Dataset, WireRecord } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { absentRows, openedOr, searched } from "./absent.ts";
import { arrivals, MOST_ROWS, ordered, rowsFrom } from "./arrived.ts";
import { PATIENCE_MS, unseen } from "./dlq/choice.ts";
import { beforeEnd } from "./door.ts";
import { screen } from "./explained.ts";
import type { History } from "./history.ts";
import { bareId, type Line, linesOf } from "./lines.ts";
import type { Place } from "./place.ts";
import { rawTable } from "./raw.ts";
import { type Replayings, replayingsOf, type Withdrawal, withdrawalOf } from "./replayed.ts";
import { carried } from "./verify/expected.ts";
import { isDay } from "./verify/index.ts";

/** Where a row came from. `lines`: of the archived file, the header being 1; null without one. */
export type From = {
  sha256: string;
  source: string | null;
  version: string;
  scraped_at: string;
  lines: number[] | null;
  /** Why there are no lines. */
  archive: "whole" | "damaged" | "none";
};

/** One row of a ticker's session, from its file to where it stands. */
export type Row = {
  event_id: string;
  is: "published" | "waiting" | "superseded" | "withdrawn" | "inFlight" | "refused" | "missing";
  table: string | null;
  key: Record<string, string | null>;
  record: WireRecord;
  origin: From;
  /** Of how many rows of its session it is one; null: a message that does not say. */
  origin_rows: number | null;
  /** `all_runs`: no run further on was left unread. */
  arrivals: { message_id: string; object: string; runs: History["runs"]; all_runs: boolean }[];
  /** A line of an archived file that has not arrived: the message that carries it; null id: its record is refused. */
  not_in_raw: { message_id: string | null } | null;
  /** The replays that made it of a line of the file, or of a message, the oldest first. */
  put_right: PutRight[];
  withdrawn: Withdrawal | null;
  /** The greater row that stands in its place, or the file whose session replaced its own as a whole. */
  superseded_by: { event_id: string | null; sha256: string; version: string } | null;
  /** Of a missing row: the lesser one of its key that is published instead. */
  instead: { event_id: string; sha256: string; version: string } | null;
  supersedes: string[];
};

/** `lines`: of the record as it was before, if a file has it. */
export type PutRight = {
  replay: string;
  at: string;
  by: string;
  changes: { field: string; from: unknown; to: unknown }[];
  lines: number[];
};

export type Rejected = {
  id: string;
  reason: string;
  message: string;
  path: string;
  seen: string;
  attempts: number;
  at: "queue" | "archive";
  records: { record: unknown; lines: number[] | null }[];
  origin: string;
};

export type Explained = {
  dataset: string;
  ticker: string;
  session: string;
  rows: Row[];
  rejected: Rejected[];
  /** More had arrived than one look explains: these are the newest. */
  cut: boolean;
  /** Dead letters that were not seen, in a sentence; null: all were. */
  unseen: string | null;
  /** Keys of raw objects that are no Parquet or have other columns: no row of theirs is here. */
  unreadable: string[];
  /** Archived files that may hold the session and were not looked into. */
  unsearched: number;
};

/** `pregao explain`: all that is known of a ticker's rows of a session. */
export const explain = async (place: Place, dataset: Dataset, ticker: string, session: string): Promise<void> => {
  const found = await lookedAt(place, dataset, ticker, session);
  if (isSomething(found)) return place.output.result(found, () => screen(found));
  // Tickers are upper case: nobody means another one.
  const upper = ticker.toUpperCase();
  const other = upper === ticker ? null : await lookedAt(place, dataset, upper, session);
  if (other && isSomething(other)) {
    place.output.say(`nothing of ${ticker} has arrived; tickers are upper case: this is ${upper}`);
    return place.output.result(other, () => screen(other));
  }
  const but = [found.unseen, found.unsearched ? `${found.unsearched} older archived files not looked into` : null];
  const doubts = but.filter(Boolean).join("; ");
  const tickers = other ? `${ticker} or ${upper}` : ticker;
  throw new PregaoError("not_found", nothingOf(tickers, session, dataset, place.datasets, doubts));
};

/** Where else a row may be that is not in this dataset, in a sentence. */
export const nothingOf = (
  ticker: string,
  session: string,
  { name }: Dataset,
  datasets: readonly Dataset[],
  doubts: string,
): string => {
  const others = datasets.flatMap((d) => (d.raw && d.sessions && d.name !== name ? [`--dataset ${d.name}`] : []));
  const elsewhere = others.length > 0 ? `, or ${others.join(" or ")}, as this looked into ${name} alone` : "";
  return `nothing of ${ticker} on ${session} has arrived in ${name}${doubts ? ` (but ${doubts})` : ""}: expected a ticker and a session that a file held${elsewhere}. pregao verify ${name} --session ${session} says whether anything is missing`;
};

const isSomething = ({ rows, rejected }: Explained): boolean => rows.length + rejected.length > 0;

const lookedAt = async (place: Place, dataset: Dataset, ticker: string, session: string): Promise<Explained> => {
  const of = { ticker, session };
  const raw = rawTable(place, dataset);
  const found = await arrivals(raw, dataset, ticker, session);
  const cut = found.length > MOST_ROWS;
  const rows = await rowsFrom(place, dataset, raw, session, found.slice(0, MOST_ROWS));
  const { letters, unseen } = await refusedOf(place, dataset, ticker, session);
  const replayings = await replayingsOf(place, dataset, ticker);
  const located = await locate(place, dataset, of, rows, letters);
  const { found: others, left } =
    rows.length + letters.length > 0 ? { found: [], left: 0 } : await searched(place, dataset, of);
  for (const row of rows) {
    row.put_right = row.origin.lines?.length ? [] : putRight(row, replayings, located.get(row.origin.sha256) ?? []);
    if (row.is === "withdrawn") row.withdrawn = await withdrawalOf(place, dataset, row.event_id, replayings);
  }
  const known = new Set([
    ...rows.map((row) => row.event_id),
    ...letters.flatMap((letter) => letter.records.map(({ record }) => bareId(record))),
    ...replayings.steps.map(({ before }) => bareId(before)),
  ]);
  const files = [
    ...[...located].map(([sha256, lines]) => ({ sha256, lines, archived: null })),
    ...others.map(({ sha256, lines, archived }) => ({ sha256, lines, archived })),
  ];
  // Rows that were not looked at, or letters that were not seen, may be these.
  if (!cut)
    for (const { sha256, lines, archived } of files) {
      const absent = lines.filter(({ name, refused }) => !known.has(name) && !(refused && unseen));
      const source = archived ?? (absent.length ? (await openedOr(place, dataset, sha256))?.archived : null);
      if (source && absent.length)
        rows.push(...(await absentRows(place, dataset, of, { sha256, archived: source, lines: absent })));
    }
  return {
    ...{ dataset: dataset.name, ticker, session, rows: ordered(rows), rejected: letters },
    ...{ cut, unseen, unreadable: raw.unreadable(), unsearched: left },
  };
};

/** By which replays a row that no line says came to be, from what stood in the file or message on. */
const putRight = ({ event_id, origin }: Row, { steps }: Replayings, lines: readonly Line[]): PutRight[] => {
  const chain: PutRight[] = [];
  let step = steps.findLast(({ event }) => event === event_id);
  while (step) {
    const { replay, at, by, before, after } = step;
    const name = bareId(before);
    chain.unshift({
      ...{ replay, at, by },
      changes: Object.keys(after)
        .filter((field) => before[field] !== after[field])
        .map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null })),
      lines: lines.filter((line) => line.bare === name).map(({ line }) => line),
    });
    const then = steps.indexOf(step);
    // What a replay sent and was refused came back as it was sent.
    step = steps.findLast((s, i) => i < then && bareId(s.after) === name && s.replay !== replay);
  }
  return origin.archive === "damaged" ? chain.map((one) => ({ ...one, lines: [] })) : chain;
};

/** What is wrong whatever has arrived. @throws PregaoError `usage`. */
export const check = (ticker: string, session: string): void => {
  if (!isDay(session)) throw new PregaoError("usage", `expected a session YYYY-MM-DD, came ${JSON.stringify(session)}`);
  if (ticker === "" || ticker.length > 64) throw new PregaoError("usage", "expected a ticker of 1 to 64 characters");
};

const refusedOf = async (
  place: Place,
  dataset: Dataset,
  ticker: string,
  session: string,
): Promise<{ letters: Rejected[]; unseen: string | null }> => {
  const column = dataset.raw!.session;
  const found: Rejected[] = [];
  const visit = (letter: Letter): void => {
    const of = carried(letter.body);
    if (!of || letter.ticker !== ticker) return;
    const records = of.records.filter((r) => (r as Record<string, unknown> | null)?.[column] === session);
    if (records.length === 0) return;
    const { id, reason, message, path, seen, attempts, at } = letter;
    found.push({
      ...{ id, reason, message, path, seen, attempts, at },
      records: records.map((record) => ({ record, lines: null })),
      origin: of.sha256,
    });
  };
  const { hidden, whole } = await eachLetter(place.aws, dataset.name, visit, { patience: PATIENCE_MS, beforeEnd });
  return { letters: found.sort((a, b) => (a.seen < b.seen ? -1 : 1)), unseen: unseen(hidden, whole) };
};

/** Looks each archived file through once for the lines of these rows and records. @returns the lines, by file. */
const locate = async (
  place: Place,
  dataset: Dataset,
  of: { ticker: string; session: string },
  rows: readonly Row[],
  letters: readonly Rejected[],
): Promise<ReadonlyMap<string, readonly Line[]>> => {
  const located = new Map<string, readonly Line[]>();
  for (const sha256 of new Set([...rows.map((row) => row.origin.sha256), ...letters.map((l) => l.origin)])) {
    const mine = rows.filter((row) => row.origin.sha256 === sha256);
    if (!(await head(place.aws, "origin", originKey(dataset.name, sha256)))) continue;
    const opened = await openedOr(place, dataset, sha256);
    for (const row of mine) row.origin.archive = opened ? "whole" : "damaged";
    if (!opened) continue;
    const lines = await linesOf(dataset, opened, sha256, of);
    located.set(sha256, lines);
    const at = (is: (line: Line) => boolean) => lines.filter(is).map(({ line }) => line);
    for (const row of mine) {
      row.origin.source = opened.archived.source;
      row.origin.lines = at(({ name }) => name === row.event_id);
    }
    for (const letter of letters.filter((l) => l.origin === sha256))
      for (const one of letter.records) {
        const name = bareId(one.record);
        one.lines = at(({ bare }) => bare === name);
      }
  }
  return located;
};
