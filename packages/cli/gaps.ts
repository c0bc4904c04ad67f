import { factsOf } from "../../functions/sessions.ts";
import { newestCommit } from "../aws/documents.ts";
import { all } from "../aws/queries.ts";
import { saoPauloDay } from "../core/calendar.ts";
import type { Dataset, SessionFact } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import {
  absentOf,
  type Gaps,
  gapsOf,
  known,
  type Listed,
  type Presence,
  percent,
  type TickerGaps,
  tickerGaps,
  told,
} from "../core/gaps.ts";
import { dueAfter, newestDue } from "../core/session.ts";
import { topology } from "../core/topology.ts";
import { type Checked, checked } from "./gaps-checks.ts";
import { screenOf } from "./gaps-screen.ts";
import { type Asked, papersSql, sessionsSql, type WithSessions } from "./gaps-sql.ts";
import { sessionsIn } from "./ingest-choice.ts";
import type { Place } from "./place.ts";
import { isDay } from "./verify/index.ts";

export type GapsOptions = { from?: string; to?: string; ticker?: string };

/** The sessions of one series of a dataset, all of it where `series` is null. */
export type SeriesGaps = Gaps & {
  series: string | null;
  /** The first session that is there, and the newest that is there or due: the days that can be asked about. */
  first: string;
  newest: string;
  /** Sessions that are there, in all. */
  there: number;
  /** Of those, the ones outside the years that the calendar knows: nobody can say what is missing between them. */
  unknown: number;
  /** With --ticker: sessions of the span in which others are, and it is not; and how many the series goes on after it. */
  absent: string[] | null;
  after: number | null;
};

export type Paper = TickerGaps & { series: string | null };

export type DatasetGaps = {
  dataset: string;
  ticker: string | null;
  /** Whether something is there, and nothing missing, incomplete, unexpected, or broken of what must hold. */
  whole: boolean;
  /** The figure of quality over all series, in percent; null: no session is expected. */
  completeness: number | null;
  series: SeriesGaps[];
  /** Papers that are not in every session from their first to their last, those that are in nearly all first. */
  papers: Paper[];
  checks: Checked[];
};

/** `whole`: each dataset of which there is anything in these days is, and there is one. */
export type Found = { whole: boolean; datasets: DatasetGaps[] };

/** What is wrong whatever is in the tables, at an instant (ms since 1970). @throws PregaoError `usage`. */
export const check = (asked: readonly Dataset[], { from, to, ticker }: GapsOptions, now = Date.now()): void => {
  if (!asked.some((d) => d.sessions))
    throw new PregaoError(
      "usage",
      `expected a dataset with sessions, came ${asked.map((d) => d.name).join(", ")}: it is computed, so that nothing of it is missing`,
    );
  for (const [name, day] of [
    ["from", from],
    ["to", to],
  ] as const)
    if (day !== undefined && !isDay(day))
      throw new PregaoError("usage", `expected --${name} YYYY-MM-DD, came ${JSON.stringify(day)}`);
  if (from !== undefined && to !== undefined && from > to)
    throw new PregaoError("usage", `expected --from before --to, came ${from} and ${to}`);
  const today = saoPauloDay(now);
  if (from !== undefined && from > today)
    throw new PregaoError("usage", `expected --from no later than today, ${today} in São Paulo; came ${from}`);
  const days = known({ from: from ?? to ?? today, to: lesser(to ?? today, today) });
  if (days === null)
    throw new PregaoError("usage", `expected --to from 1990 on, where the calendar begins; came ${to}`);
  if (from !== undefined && to !== undefined) sessionsIn({ ...days, option: "--from and --to" }, now);
  if (ticker !== undefined && (ticker === "" || ticker.length > 64))
    throw new PregaoError("usage", "expected a ticker of 1 to 64 characters");
};

/**
 * `pregao gaps`: the calendar's sessions against those that the tables have. Exit status 1 if some are not there whole, or
 * nothing at all is. @throws PregaoError `not_found` for a ticker that is in none of them, `usage` for days that hold no
 * session which is due
 */
export const gaps = async (
  place: Place,
  datasets: readonly Dataset[],
  options: GapsOptions,
  now = Date.now(),
): Promise<void> => {
  const asked = datasets.filter(
    (d): d is WithSessions => d.sessions !== undefined && (options.ticker === undefined || !!d.sessions.ticker),
  );
  const ticker = options.ticker?.toUpperCase() ?? null;
  const found = await Promise.all(asked.map((d) => gapsIn(place, d, { ...options, ticker }, now)));
  const here = found.filter((d) => d.series.length > 0);
  if (ticker !== null && here.length === 0)
    throw new PregaoError(
      "not_found",
      `expected a ticker of ${asked.map((d) => d.sessions.table).join(" or ")}, came ${ticker}: it is in none of their sessions`,
    );
  const judged = here.filter(isJudged);
  if (here.length > 0 && judged.length === 0) throw new PregaoError("usage", nothingDue(here, options));
  const document: Found = { whole: judged.length > 0 && judged.every((d) => d.whole), datasets: ticker ? here : found };
  place.output.result(document, () => screenOf(document, asked));
  if (!document.whole) process.exitCode = 1;
};

/** Whether there is a session in these days that is due, or one that is there though the calendar has none. */
const isJudged = ({ series }: DatasetGaps): boolean => series.some((s) => s.expected + s.unexpected.length > 0);

const nothingDue = (here: readonly DatasetGaps[], { from, to }: GapsOptions): string => {
  const days = here.map(({ dataset, series }) => {
    const first = series.reduce((least, one) => lesser(least, one.first), series[0]!.first);
    const newest = series.reduce((most, one) => greater(most, one.newest), series[0]!.newest);
    return `${dataset} has or should have sessions from ${first} to ${newest}`;
  });
  const came = [from && `--from ${from}`, to && `--to ${to}`].flatMap((text) => text || []);
  return `expected days with a session that is due, to be compared: ${days.join(", ")}; came ${came.join(" ") || "none of which the calendar knows, which begins in 1990"}`;
};

const gapsIn = async (place: Place, dataset: WithSessions, asked: Asked, now: number): Promise<DatasetGaps> => {
  const after = dueAfter(topology(place.datasets, place.stage.pace), dataset);
  const due = newestDue(now, after ?? YESTERDAY);
  const facts = await factsNow(place, dataset);
  const [there, own] = await Promise.all([
    sessionsThere(place, dataset, facts, null),
    asked.ticker === null ? null : sessionsThere(place, dataset, facts, asked.ticker),
  ]);
  const names = [...(own ?? there).series.keys()].sort();
  const usual = dataset.raw?.publication?.parts?.usual;
  const series = names.map((name): Judged => {
    const present = there.series.get(name)!;
    const sessions = present.map(({ session }) => session);
    const its = own ? own.series.get(name)!.map(({ session }) => session) : sessions;
    const looked = after !== null && own === null && (name === null || usual?.includes(name) !== false);
    const newest = greater(due, sessions.at(-1)!);
    // What no clock looks for is as new as a person made it.
    const to = asked.to === undefined ? (looked ? newest : its.at(-1)!) : lesser(asked.to, newest);
    const days = { from: asked.from ?? its[0]!, to };
    const span = known(days);
    return {
      series: name,
      sessions,
      but: there.loose.get(name) ?? [],
      first: its[0]!,
      newest,
      there: sessions.length,
      unknown: sessions.filter((day) => known({ from: day, to: day }) === null).length,
      ...(span ? gapsOf(present, span) : { ...days, ...NOTHING }),
      absent: own && span ? absentOf(its, sessions, span) : null,
      after: own ? sessions.filter((day) => day > its.at(-1)!).length : null,
    };
  });
  const [papers, checks] = await Promise.all([
    own === null ? papersOf(place, dataset, series) : [],
    series.length > 0 ? checked(place, dataset, asked) : [],
  ]);
  const sum = (of: (one: Gaps) => number): number => series.reduce((n, one) => n + of(one), 0);
  const expected = sum((one) => one.expected);
  const bad = sum((one) => one.missing.length + one.incomplete.length);
  const odd = sum((one) => one.unexpected.length) + checks.filter((c) => c.severity === "fail" && c.rows > 0).length;
  return {
    dataset: dataset.name,
    ticker: asked.ticker,
    whole: series.length > 0 && bad + odd === 0,
    completeness: percent(expected - bad, expected),
    series: series.map(({ sessions: _, but: __, ...one }) => one),
    papers,
    checks,
  };
};

/** With the sessions that are there, ascending, and the days of test messages alone. */
type Judged = SeriesGaps & { sessions: string[]; but: string[] };

/** A session of a dataset that no clock looks for is due when its day is over, in ms. */
const YESTERDAY = 24 * 3_600_000;
const NOTHING = { expected: 0, missing: [], incomplete: [], unexpected: [], completeness: null };

const greater = (a: string, b: string): string => (a > b ? a : b);
const lesser = (a: string, b: string): string => (a < b ? a : b);

/** What the newest commit says of each session that a file brought; null: the dataset does not tell. */
const factsNow = async (place: Place, dataset: Dataset): Promise<ReadonlyMap<string, SessionFact> | null> => {
  if (!dataset.sessions?.facts) return null;
  const facts = await factsOf(place.aws, dataset, await newestCommit(place.aws, dataset.name), () => true);
  return new Map(facts.filter(told).map((fact) => [fact.session, fact]));
};

/** Of the refined table, by series: the sessions that files brought, ascending, and days that test messages alone did. */
type There = { series: ReadonlyMap<string | null, Presence[]>; loose: ReadonlyMap<string | null, string[]> };

/** With a ticker, the sessions it is in. */
const sessionsThere = async (
  place: Place,
  dataset: WithSessions,
  facts: ReadonlyMap<string, SessionFact> | null,
  ticker: string | null,
): Promise<There> => {
  const rows = await all(place.aws, sessionsSql(dataset, ticker), dataset.database);
  const found = rows.map(({ serie = null, sessao }) => ({
    serie,
    session: sessao!,
    complete: facts ? completeIn(facts.get(sessao!), serie) : true,
  }));
  const by = Map.groupBy(found, ({ serie }) => serie);
  const of = <T>(pick: (one: (typeof found)[number]) => T[]): Map<string | null, T[]> =>
    new Map([...by].map(([serie, own]) => [serie, own.flatMap(pick)] as const).filter(([, own]) => own.length > 0));
  return {
    series: of(({ session, complete }) => (complete === undefined ? [] : [{ session, complete }])),
    loose: of(({ session, complete }) => (complete === undefined ? [session] : [])),
  };
};

/** Whether every row of a series' session came; undefined: no file brought it. */
const completeIn = (fact: SessionFact | undefined, series: string | null): boolean | undefined =>
  series === null || !fact?.series ? fact?.complete : fact.series[series];

const papersOf = async (place: Place, dataset: WithSessions, series: readonly Judged[]): Promise<Paper[]> => {
  const judged = series.filter((one) => one.expected > 0);
  if (!dataset.sessions.ticker || judged.length === 0) return [];
  const rows = await all(place.aws, papersSql(dataset, judged), dataset.database);
  const listed = Map.groupBy(rows, ({ serie }) => serie ?? null);
  return judged
    .flatMap(({ series: name, sessions, from, to }) =>
      tickerGaps((listed.get(name) ?? []).map(listedOf), sessions, { from, to }).map((one) => ({
        series: name,
        ...one,
      })),
    )
    .filter((one) => one.absent + one.missing > 0)
    .sort((a, b) => b.completeness - a.completeness || (a.ticker < b.ticker ? -1 : 1));
};

const listedOf = (row: Record<string, string | null>): Listed => ({
  ticker: row.papel ?? "",
  first: row.primeira!,
  last: row.ultima!,
  sessions: Number(row.sessoes),
});
