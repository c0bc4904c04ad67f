import { sessionsBetween } from "../core/backfill.ts";
import {
  CALENDAR_YEARS,
  dayNumber,
  dayOf,
  isSession,
  lastSession,
  newestEnded,
  saoPauloDay,
} from "../core/calendar.ts";
import type { Dataset, Publication } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { datasetIn } from "./line.ts";
import { argument, printable } from "./output.ts";

export type IngestOptions = {
  file?: string;
  url?: string;
  version?: string;
  session?: string;
  from?: string;
  to?: string;
  year?: string;
  only?: string;
  again?: boolean;
  mirror?: string;
  wait?: boolean;
};

/** What is wanted of one dataset's origin. */
export type Wanted = {
  dataset: string;
  /** Ascending; empty: of the current one, which is all that its origin has. */
  sessions: string[];
  /** Of them, those that must be published by now; of the current one, that which it must be by now, or a later. */
  due: string[];
  /** Those that were asked for and have not ended: nobody asks the origin for them. */
  early: string[];
  parts: string[];
};

/** What a command line asks for: an origin's bytes that somebody has, or what the origin publishes. */
export type Choice =
  | { is: "given"; dataset: string; at: { file: string } | { url: string }; part?: string; session?: string }
  | { is: "published"; wanted: Wanted[]; again: boolean; now: number };

const usage = (message: string): PregaoError => new PregaoError("usage", message);
const FIRST_DAY = `${CALENDAR_YEARS[0]}-01-01`;

/** Of a dataset of which no clock looks for files: a session's is due when the next day begins. */
const DUE_MS = 24 * 3_600_000;

/**
 * What `names` and the options ask for at `now` (ms since 1970).
 * @throws PregaoError `usage`, `unknown_dataset` or `no_queue` that names what another command line would have to say.
 */
export const chosen = (
  datasets: readonly Dataset[],
  names: readonly string[],
  options: IngestOptions,
  now: number,
): Choice => {
  const named = [...new Set(names)].map((name) => withQueue(datasets, name));
  if (options.file !== undefined || options.url !== undefined) return given(named, options, now);
  if (options.version !== undefined)
    throw usage("expected --version with --file or --url: what is published says its own");
  const all = named.length > 0 ? named : datasets.filter((d) => d.raw?.publication);
  if (all.length === 0)
    throw usage("expected a dataset that is published somewhere, there is none: name one, with --file");
  const nowhere = all.find((d) => !d.raw?.publication);
  if (nowhere)
    throw usage(
      `expected --file PATH or --url URL: where ${nowhere.name} is published is not known, only its files can be ingested`,
    );
  const only = options.only === undefined ? null : partsOf(all, options.only);
  const these = only && named.length === 0 ? all.filter((d) => d.raw?.publication?.parts) : all;
  const days = daysOf(options, now);
  if (days && these.every((d) => publicationOf(d).history === 0))
    throw usage(
      `expected no --session, --from, --to or --year: of ${these.map((d) => d.name).join(", ")} the origin has the current one alone. A file that you have goes in by --file`,
    );
  return {
    is: "published",
    again: Boolean(options.again),
    now,
    wanted: these.map((dataset) => ({
      dataset: dataset.name,
      ...sessionsOf(dataset, days, now),
      parts: partsWanted(publicationOf(dataset), only),
    })),
  };
};

const withQueue = (datasets: readonly Dataset[], name: string): Dataset => {
  const dataset = datasetIn(datasets, name);
  if (dataset.raw) return dataset;
  const queued = datasets.filter((d) => d.raw).map((d) => d.name);
  throw new PregaoError(
    "no_queue",
    `expected a dataset with a queue (${queued.join(", ")}), came ${name}: it is computed, so it has no files, messages or dead letters`,
  );
};

const publicationOf = (dataset: Dataset): Publication => dataset.raw!.publication!;

const given = (named: readonly Dataset[], options: IngestOptions, now: number): Choice => {
  const way = options.file === undefined ? "--url" : "--file";
  const [dataset] = named;
  if (!dataset || named.length > 1)
    throw usage(
      `expected one dataset with ${way}, came ${named.length ? named.map((d) => d.name).join(", ") : "none"}`,
    );
  for (const other of ["from", "to", "year", "again"] as const)
    if (options[other] !== undefined) throw usage(`expected ${way} without --${other}: its bytes are what is ingested`);
  const publication = dataset.raw?.publication;
  const says = publication?.fromFile !== undefined;
  for (const other of ["only", "session"] as const)
    if (options[other] !== undefined && !says)
      throw usage(`expected ${way} without --${other}: a file of ${dataset.name} says itself what it is of`);
  const part = options.only === undefined ? undefined : partsOf(named, options.only);
  if (part && part.length > 1) throw usage(`expected --only PART of one part with ${way}, came ${part.join(", ")}`);
  if (options.session !== undefined) {
    const day = dayIn("--session", options.session, now);
    sessionsIn({ from: day, to: day, option: "--session" }, now);
  }
  return {
    is: "given",
    dataset: dataset.name,
    at: options.file === undefined ? { url: options.url! } : { file: options.file },
    ...(part ? { part: part[0]! } : {}),
    ...(options.session === undefined ? {} : { session: options.session }),
  };
};

/** The parts that `--only` names, as they are spelled; each must be one of some dataset's. */
const partsOf = (datasets: readonly Dataset[], text: string): string[] => {
  const all = datasets.flatMap((d) => d.raw?.publication?.parts?.all ?? []);
  if (all.length === 0)
    throw usage(
      `expected no --only: ${datasets.map((d) => d.name).join(", ")} ${datasets.length === 1 ? "has" : "have"} no parts`,
    );
  const parts = text.split(",").map((part) => part.trim());
  return [
    ...new Set(
      parts.map((part) => {
        const found = all.find((name) => name.toUpperCase() === part.toUpperCase());
        if (found === undefined)
          throw usage(
            `expected --only with some of ${all.join(", ")}, by commas; came ${printable(part) || "nothing"}`,
          );
        return found;
      }),
    ),
  ];
};

const partsWanted = ({ parts }: Publication, only: readonly string[] | null): string[] => {
  if (!parts) return [];
  return only ? only.filter((part) => parts.all.includes(part)) : [...parts.usual];
};

/** The days that are asked for; null: whichever came last. */
type Days = { from: string; to: string; option: string } | null;

const daysOf = ({ session, from, to, year }: IngestOptions, now: number): Days => {
  const ways = [
    session !== undefined ? "--session" : "",
    from !== undefined || to !== undefined ? "--from" : "",
    year !== undefined ? "--year" : "",
  ].filter(Boolean);
  if (ways.length > 1)
    throw usage(`expected one of --session, --from with --to, or --year; came ${ways.join(" and ")}`);
  const today = saoPauloDay(now);
  if (session !== undefined) {
    const day = dayIn("--session", session, now);
    return { from: day, to: day, option: "--session" };
  }
  if (year !== undefined) {
    const [first, last] = [CALENDAR_YEARS[0], Number(today.slice(0, 4))];
    if (!/^\d{4}$/.test(year) || Number(year) < first || Number(year) > last)
      throw usage(`expected --year with a year from ${first} to ${last}, came ${printable(year)}`);
    return { from: `${year}-01-01`, to: year === today.slice(0, 4) ? today : `${year}-12-31`, option: "--year" };
  }
  if (to !== undefined && from === undefined) throw usage("expected --from DAY with --to: the first of the days");
  if (from === undefined) return null;
  const days = { from: dayIn("--from", from, now), to: to === undefined ? today : dayIn("--to", to, now) };
  if (days.from > days.to) throw usage(`expected --from no later than --to, came ${days.from} and ${days.to}`);
  return { ...days, option: "--from" };
};

const dayIn = (option: string, text: string, now: number): string => {
  const today = saoPauloDay(now);
  const exists = /^\d{4}-\d\d-\d\d$/.test(text) && Number.isFinite(dayNumber(text)) && dayOf(dayNumber(text)) === text;
  if (!exists || text < FIRST_DAY || text > today)
    throw usage(
      `expected ${option} with YYYY-MM-DD, a day from ${FIRST_DAY} to today, ${today} in São Paulo; came ${printable(text)}`,
    );
  return text;
};

const sessionsOf = (dataset: Dataset, days: Days, now: number): Pick<Wanted, "sessions" | "due" | "early"> => {
  const due = lastSession(saoPauloDay(now - dueAfter(dataset)));
  if (publicationOf(dataset).history === 0) return { sessions: [], due: [due], early: [] };
  // No file of a session is there before it has ended.
  const ended = newestEnded(now);
  // What ended this evening may be there, and is no failure if it is not; what must be there, is asked for with it.
  const asked = days ? sessionsIn(days, now) : [...new Set([due, ended])];
  return {
    sessions: asked.filter((day) => day <= ended),
    due: asked.filter((day) => day <= due),
    early: asked.filter((day) => day > ended),
  };
};

/** How long after the midnight (São Paulo) with which its day begins a session's file must be there, in ms. */
const dueAfter = (dataset: Dataset): number => {
  const [, minute, hour] = /^(\d+) (\d+) /.exec(dataset.raw?.schedule?.last ?? "") ?? [];
  return minute && hour ? (Number(hour) * 60 + Number(minute)) * 60_000 : DUE_MS;
};

/** The sessions of these days. @throws PregaoError `usage` if there is none: then it names those before and after. */
export const sessionsIn = ({ from, to, option }: NonNullable<Days>, now: number): string[] => {
  const sessions = sessionsBetween(from, to);
  if (sessions.length > 0) return sessions;
  const before = lastSession(from);
  let after = dayNumber(to);
  while (!isSession(dayOf(after))) after++;
  const near = [before, ...(dayOf(after) <= saoPauloDay(now) ? [dayOf(after)] : [])];
  const none = from === to ? `${from} is no day of trading` : `there is no day of trading from ${from} to ${to}`;
  throw usage(
    `expected ${option} with a session: ${none}. The ${near.length > 1 ? "next to it are" : "last before it is"} ${near.join(" and ")}`,
  );
};

const OPTIONS = ["session", "from", "to", "year", "only", "mirror"] as const;
const FLAGS = ["again", "wait"] as const;

/** The command line of this choice, once more. */
export const sameCommand = ({ wanted }: Extract<Choice, { is: "published" }>, options: IngestOptions): string =>
  [
    "pregao ingest",
    ...wanted.map(({ dataset }) => argument(dataset)),
    ...OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [`--${name} ${argument(options[name])}`])),
    ...FLAGS.flatMap((name) => (options[name] ? [`--${name}`] : [])),
  ].join(" ");

/** The command line that asks for these sessions of one dataset in the same way. */
export const commandFor = ({ dataset, parts }: Wanted, sessions: readonly string[], options: IngestOptions): string => {
  const { mirror, wait } = options;
  const only = options.only === undefined || parts.length === 0 ? {} : { only: parts.join(",") };
  const days =
    sessions.length === 0
      ? {}
      : sessions.length === 1
        ? { session: sessions[0]! }
        : { from: sessions[0]!, to: sessions.at(-1)! };
  const choice = {
    is: "published" as const,
    now: 0,
    again: false,
    wanted: [{ dataset, parts, sessions: [], due: [], early: [] }],
  };
  return sameCommand(choice, { ...days, ...only, ...(mirror ? { mirror } : {}), ...(wait ? { wait } : {}) });
};
