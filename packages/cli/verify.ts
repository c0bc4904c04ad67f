import { originKey } from "../../functions/scrape.ts";
import { send } from "../aws/queues.ts";
import { withdrawnOf } from "../aws/replays.ts";
import { list } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import { type Census, census, type Look, rowsOfOrigins } from "./census.ts";
import { type Expected, expectedOf, type Reopened, recordId, reopen } from "./expected.ts";
import { isApplied, isQuiet, newestCommit, openObjects, rowsOf, rowTables } from "./lake.ts";
import type { Place } from "./place.ts";
import { type Letters, readLetters } from "./refused.ts";
import { screen } from "./verified.ts";

export type VerifyOptions = { origin?: string; session?: string; repair?: boolean; wait?: boolean };

/** A missing row or record as a person looks for it. `id`: its event id, or the digest of a record that is refused. */
export type Lost = { id: string; ticker: string; session: string; message: string; refused: boolean };

/** The account of one archived origin, or of all rows of which no file is archived (`sha256` null). */
export type Account = Omit<Census, "gone"> & {
  sha256: string | null;
  /** Of how many origins these are the rows. */
  origins: number;
  source: string | null;
  version: string | null;
  scraped_at: string | null;
  /** First and last. */
  sessions: [string, string] | null;
  archive: "whole" | "damaged" | "none";
  /** What is wrong with the archived bytes. */
  damage: string | null;
  /** At most 1,000. */
  lost: Lost[];
};

export type Verified = {
  dataset: string;
  session: string | null;
  /** Nothing was on its way. */
  quiet: boolean;
  accounts: Account[];
  /** What --repair sent. */
  repaired: { messages: number; rows: number } | null;
  /** Nothing missing, doubled, invented or stale, and no archived bytes damaged. */
  whole: boolean;
};

/** For how long one look waits until what is under way has its place. */
const SETTLE_MS = 1_000;
/** How often, and for how long each time, a look that found something amiss is repeated: what moved meanwhile may be it. */
const DOUBTS = 3;
const DOUBT_MS = 10_000;
/** For how long --wait and --repair wait. */
const WAIT_MS = 30 * 60_000;
const SEND_MS = 60_000;
/** Origins named in one statement: Athena takes 256 KiB. */
const TOGETHER = 1000;

/**
 * `pregao verify`: whether every row that entered is where it must be, and only there. The truth comes from the archive:
 * the same bytes make the same messages, and a message judged again has the same event ids. Exit status 1 if anything is
 * missing, doubled, invented or stale.
 */
export const verify = async (place: Place, dataset: Dataset, options: VerifyOptions): Promise<void> => {
  const { output } = place;
  if (options.wait && !(await isQuiet(place, dataset, WAIT_MS)))
    output.say("still under way after half an hour; what is not there yet is said to be in flight");
  let verified = await look(place, dataset, options);
  if (options.repair && lostIn(verified) > 0) {
    const repaired = await repair(place, dataset, options, verified);
    await isQuiet(place, dataset, WAIT_MS);
    verified = { ...(await look(place, dataset, options)), repaired };
  }
  output.result(verified, () => screen(dataset, verified));
  if (!verified.whole) process.exitCode = 1;
};

/** The options that are wrong whatever is in the river. @throws PregaoError `usage`. */
export const check = ({ origin, session }: VerifyOptions): void => {
  if (origin !== undefined && session !== undefined)
    throw new PregaoError("usage", "expected --origin or --session, came both");
  if (origin !== undefined && !/^[0-9a-f]{6,64}$/.test(origin))
    throw new PregaoError(
      "usage",
      `expected --origin with 6 to 64 digits of a SHA-256, came ${JSON.stringify(origin)}`,
    );
  if (session !== undefined && !isDay(session))
    throw new PregaoError("usage", `expected --session YYYY-MM-DD, came ${JSON.stringify(session)}`);
};

export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T12:00:00Z`).toJSON()?.slice(0, 10) === text;

const lostIn = ({ accounts }: Verified): number =>
  accounts.reduce((sum, a) => sum + (a.archive === "whole" ? a.problems.missing.count - a.unrefined : 0), 0);

/** All that is the same for every origin of one look. */
type Facts = Pick<Look, "open" | "withdrawn" | "quiet"> & { letters: Letters; commit: number };

/** In this order, so that what moves meanwhile is seen on its way rather than nowhere. */
const facts = async (place: Place, dataset: Dataset, patience: number): Promise<Facts> => {
  const still = await isQuiet(place, dataset, patience);
  const letters = await readLetters(place, dataset);
  const commit = await newestCommit(place, dataset.name);
  const open = await openObjects(place, dataset, commit);
  const withdrawn = await withdrawnOf(place.aws, dataset.name);
  const quiet = still && letters.hidden === 0 && (await isApplied(place, dataset, commit));
  return { open, withdrawn, quiet, letters, commit: commit?.commit ?? 0 };
};

const look = async (place: Place, dataset: Dataset, options: VerifyOptions): Promise<Verified> => {
  const { archived, others } = await originsOf(place, dataset, options);
  let known = await facts(place, dataset, SETTLE_MS);
  const accounts: Account[] = [];
  /** Something may have been on its way while we looked. */
  const doubtful = async () =>
    !known.quiet || known.commit !== ((await newestCommit(place, dataset.name))?.commit ?? 0);
  const take = async (work: (facts: Facts) => Promise<Account | null>): Promise<void> => {
    let account = await work(known);
    for (let again = 0; account && isAmiss(account) && again < DOUBTS && (await doubtful()); again++) {
      known = await facts(place, dataset, DOUBT_MS);
      account = await work(known);
    }
    if (account) accounts.push(account);
  };
  for (const sha256 of archived) await take((now) => accountOf(place, dataset, sha256, options.session, now));
  for (let at = 0; at < others.length; at += TOGETHER) {
    const some = others.slice(at, at + TOGETHER);
    await take((now) => withoutFile(place, dataset, some, options.session, now));
  }
  return {
    dataset: dataset.name,
    session: options.session ?? null,
    quiet: known.quiet,
    accounts,
    repaired: null,
    whole: !accounts.some(isAmiss),
  };
};

export const isAmiss = ({ problems, damage }: Account): boolean =>
  damage !== null || Object.values(problems).some(({ count }) => count > 0);

/** Every origin that has archived bytes, and those that rows or dead letters name without. */
const originsOf = async (
  place: Place,
  dataset: Dataset,
  { origin }: VerifyOptions,
): Promise<{ archived: string[]; others: string[] }> => {
  const wanted = (sha256: string) => origin === undefined || sha256.startsWith(origin);
  const archived = new Set<string>();
  for await (const { key } of list(place.aws, "origin", `${dataset.name}/`))
    archived.add(key.slice(dataset.name.length + 1));
  const others = new Set<string>();
  const { published, waiting } = rowTables(dataset);
  for (const { name } of [dataset.raw!.table, ...published, ...waiting])
    for await (const [sha256] of rowsOf(place, dataset, `SELECT DISTINCT origin_sha256 FROM ${name}`))
      if (sha256 && !archived.has(sha256)) others.add(sha256);
  const found = { archived: [...archived].filter(wanted), others: [...others].filter(wanted) };
  const count = found.archived.length + found.others.length;
  if (origin !== undefined && count !== 1)
    throw new PregaoError(
      "origin",
      `expected --origin to name one origin of ${dataset.name}, ${origin} names ${count === 0 ? "none" : count}; pregao verify ${dataset.name} lists them`,
    );
  return found;
};

const accountOf = async (
  place: Place,
  dataset: Dataset,
  sha256: string,
  session: string | undefined,
  facts: Facts,
): Promise<Account | null> => {
  const opened = await openOr(place, dataset, sha256);
  if ("damage" in opened) {
    const account = await withoutFile(place, dataset, [sha256], session, facts);
    const none = { sha256, archive: "damaged" as const, damage: opened.damage };
    return account ? { ...account, ...none } : null;
  }
  const days = [...opened.sessions.keys()].sort();
  if (session !== undefined && !opened.sessions.has(session)) return null;
  const expected = await derive(place, opened, session);
  const { gone, ...found } = await census(place, {
    dataset,
    expected,
    scope: rowsOfOrigins([sha256], session),
    session,
    ...facts,
    ...facts.letters.of(sha256),
  });
  const { version, scraped_at } = opened.origin;
  return {
    ...found,
    sha256,
    origins: 1,
    source: opened.source,
    version,
    scraped_at,
    sessions: days[0] ? [days[0], days.at(-1)!] : null,
    archive: "whole",
    damage: null,
    lost: found.problems.missing.count > 0 ? await lostOf(opened, session, found.problems.missing.ids, dataset) : [],
  };
};

const openOr = async (place: Place, dataset: Dataset, sha256: string): Promise<Reopened | { damage: string }> => {
  try {
    return await reopen(place.aws, dataset, sha256);
  } catch (error) {
    if (error instanceof PregaoError) return { damage: error.message };
    // The store answers, and not with these bytes. An outage stops the queries that follow.
    if ((error as { $metadata?: unknown }).$metadata === undefined) throw error;
    const key = originKey(dataset.name, sha256);
    return { damage: `${key} in the bucket origin could not be read: ${(error as Error).message}` };
  }
};

const derive = async (place: Place, opened: Reopened, session: string | undefined): Promise<Expected> => {
  const bar = place.output.bar("derive", opened.rows);
  try {
    return await expectedOf(opened, session, (rows) => bar.at(rows));
  } finally {
    bar.done();
  }
};

/** Rows of which no file is archived, as `publish` makes them: from raw and the dead letters on. */
const withoutFile = async (
  place: Place,
  dataset: Dataset,
  origins: readonly string[],
  session: string | undefined,
  facts: Facts,
): Promise<Account | null> => {
  const letters = origins.map((sha256) => facts.letters.of(sha256));
  const { gone: _, ...found } = await census(place, {
    dataset,
    expected: null,
    scope: rowsOfOrigins(origins, session),
    session,
    ...facts,
    // A dead letter does not say of which session it is without being judged.
    refused: session === undefined ? letters.flatMap((of) => of.refused) : [],
    replayed: session === undefined ? letters.flatMap((of) => of.replayed) : [],
  });
  if (found.sent === 0 && Object.values(found.problems).every(({ count }) => count === 0)) return null;
  return {
    ...found,
    sha256: origins.length === 1 ? origins[0]! : null,
    origins: origins.length,
    source: null,
    version: null,
    scraped_at: null,
    sessions: null,
    archive: "none",
    damage: null,
    lost: [],
  };
};

/** Of what is missing the ticker, session and message. */
const lostOf = async (
  opened: Reopened,
  session: string | undefined,
  ids: readonly string[],
  dataset: Dataset,
): Promise<Lost[]> => {
  const left = new Set(ids);
  const lost: Lost[] = [];
  const column = dataset.raw!.session;
  for await (const { message, rows, letters } of opened.messages(session)) {
    const of = { ticker: message.group, message: message.id };
    for (const row of rows) if (left.delete(row.id)) lost.push({ ...row, ...of, refused: false });
    for (const record of letters.flatMap((letter) => letter.records)) {
      const id = recordId(record);
      const day = String((record as Record<string, unknown> | null)?.[column] ?? "");
      if (left.delete(id)) lost.push({ id, session: day, ...of, refused: true });
    }
    if (left.size === 0) break;
  }
  return lost;
};

/**
 * Sends again the messages that carry what is missing, as they were: the archive says each to the byte, and what is there
 * already is changed by none of them.
 */
const repair = async (
  place: Place,
  dataset: Dataset,
  options: VerifyOptions,
  { accounts }: Verified,
): Promise<NonNullable<Verified["repaired"]>> => {
  const repaired = { messages: 0, rows: 0 };
  for (const { sha256, archive, problems, unrefined } of accounts) {
    if (archive !== "whole" || sha256 === null || problems.missing.count === unrefined) continue;
    const now = await facts(place, dataset, DOUBT_MS);
    const opened = await reopen(place.aws, dataset, sha256);
    const expected = await derive(place, opened, options.session);
    const { gone } = await census(place, {
      dataset,
      expected,
      scope: rowsOfOrigins([sha256], options.session),
      session: options.session,
      ...now,
      ...now.letters.of(sha256),
    });
    const counts: number[] = [];
    async function* carrying(): AsyncGenerator<Message> {
      for await (const { message, rows, letters } of opened.messages(options.session)) {
        const lost =
          rows.filter(({ id }) => gone.events.has(id)).length +
          letters.flatMap((l) => l.records).filter((r) => gone.records.has(recordId(r))).length;
        if (lost === 0) continue;
        counts.push(lost);
        yield message;
      }
    }
    const sent = await send(place.aws, dataset.name, carrying(), { until: Date.now() + SEND_MS });
    const not = sent.find((one) => one.outcome !== "accepted");
    if (not)
      throw new PregaoError(
        "not_accepted",
        `a message of ${sha256} was not accepted by the queue (${not.reason}). Run the same command again: sending twice changes nothing`,
      );
    repaired.messages += sent.length;
    repaired.rows += counts.reduce((sum, n) => sum + n, 0);
  }
  return repaired;
};
