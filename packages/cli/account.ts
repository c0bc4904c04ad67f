import type { Scraped } from "../../functions/messages.ts";
import { digest } from "../../functions/river.ts";
import { commitNumber, newestCommit, newestRunNumber, pausedSince } from "../aws/documents.ts";
import { eachLetter, type Letter } from "../aws/letters.ts";
import { all } from "../aws/queries.ts";
import { depth } from "../aws/queues.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Paused } from "../core/run.ts";
import { beforeEnd } from "./door.ts";
import { inList, isApplied, isQuiet, openObjects, pathOf, quote, rowTables } from "./lake.ts";
import { count, plural } from "./output.ts";
import type { Place } from "./place.ts";
import { type RawTable, rawTable } from "./raw.ts";

/**
 * Where the rows of one origin are. `sent` = `raw` + `rejected` + `repeated`, and `raw` = the tables' + `superseded`,
 * once it is done.
 */
export type Account = {
  sent: number;
  /** Lines of the origin that say the same as another line of it: one event. */
  repeated: number;
  /** Distinct events in raw, but for objects that are held or have failed. */
  raw: number;
  /** Distinct records among the dead letters. */
  rejected: number;
  /** Rows of this origin in each table that holds its rows. */
  tables: Record<string, number>;
  /** In raw, but another origin's row stands in their place. */
  superseded: number;
  commit: number;
};

const POLL_MS = 100;
/** Of a deployed stage, where a job alone takes minutes. */
const DEPLOYED_POLL_MS = 2_000;
/** How often it is asked whether the dataset is paused. */
const PAUSE_MS = 1000;
/** How often whoever waits is told what for. */
const NEWS_MS = 10_000;

/**
 * Follows an origin until every row of it is published, superseded or rejected. `before` is the newest commit from before
 * anything was sent: the first rows may be published while the last are still being sent. `seen` is told the rows so far.
 * @throws PregaoError `held`, `failed` or `refused` if what has rows of this origin is; `paused` once all of it waits in
 * raw.
 */
export const followed = async (
  place: Place,
  dataset: Dataset,
  scraped: Scraped,
  before: Commit | null,
  seen: (rows: number) => void,
): Promise<Account> => {
  const distinct = distinctOf(scraped);
  const raw = rawTable(place, dataset);
  const isOurs = oursIn(place, dataset, raw, scraped);
  /** Refused since, and without a row of this origin that can be read. */
  const refused: Commit["rejected"] = [];
  const began = Date.now();
  let told = began;
  let pauseSeen = 0;
  let events = 0;
  let read = before?.commit ?? 0;
  /** How deep the dead letters' queue was at the last look. Of bytes that are new none is in the archive. */
  let looked = scraped.fresh ? 0 : -1;
  const records = new Set<string>();
  let rejected = 0;
  /** What the account was last asked of: it is asked again only when something has moved. */
  let asked = "";
  for (;;) {
    const commit = await newestCommit(place.aws, dataset.name);
    const letters = await depth(place.aws, `${dataset.name}-dlq`);
    const deep = letters.visible + letters.inFlight;
    for (; commit && read < commit.commit; read++) {
      const passed = await commitNumber(place.aws, dataset.name, read + 1);
      if (passed.status === "published") events += passed.origins[scraped.origin.sha256]?.events ?? 0;
      for (const object of passed.rejected) {
        // What was refused is in no table, and would look superseded from here.
        if (await isOurs(object.key)) throw refusedError(object);
        refused.push(object);
      }
    }
    seen(Math.min(scraped.rows, events));
    if (commit) {
      const since = ({ key }: { key: string }) =>
        ![...(before?.held ?? []), ...(before?.failed ?? [])].some((was) => was.key === key);
      await mustNotHold(
        dataset,
        isOurs,
        commit,
        [...commit.held, ...commit.failed].filter(since).map(({ key }) => key),
      );
    }
    if (deep !== looked) {
      // Looks hide letters from each other: what one has seen counts for good, and it looks again until none was hidden.
      if ((await seeRejected(place, dataset, scraped, records)) === 0) looked = deep;
      rejected = records.size;
    }
    // Whether a refused object had the rows that are missing is known once nothing more can come.
    const last = refused.length > 0 && (await isQuiet(place, dataset, POLL_MS));
    const state = `${commit?.commit} ${rejected} ${last}`;
    // Bytes that came before may be in the tables already: their account says so before any new commit does.
    const enough = !scraped.fresh || events + rejected >= distinct || last;
    const stuck = enough && state !== asked ? await settled(place, dataset, commit) : null;
    if (stuck) {
      const account = await accountOf(place, dataset, raw, scraped, rejected, commit, stuck);
      if (account.raw + rejected >= distinct) return account;
      await mustNotHold(dataset, isOurs, commit!, stuck);
      if (last) throw refusedError(refused[0]!);
      asked = state;
    }
    if (Date.now() - pauseSeen > PAUSE_MS) {
      pauseSeen = Date.now();
      const paused = await pausedSince(place.aws, dataset.name);
      if (paused && (await waitsInRaw(place, dataset, raw, scraped, distinct - rejected)))
        throw pausedError(dataset, paused);
    }
    if (Date.now() - told > NEWS_MS) {
      told = Date.now();
      const seconds = count(Math.round((told - began) / 1000));
      place.output.say(`still waiting after ${seconds} s: ${await waitedFor(place, dataset)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, place.dir === null ? DEPLOYED_POLL_MS : POLL_MS));
  }
};

/** Whether so many rows of the origin are in raw, and no run is under way that may publish them. */
const waitsInRaw = async (
  place: Place,
  dataset: Dataset,
  raw: RawTable,
  scraped: Scraped,
  rows: number,
): Promise<boolean> => {
  if ((await openRun(place, dataset)) !== null) return false;
  const [row] = await raw.all((readable) => `${rowsOfOrigin(scraped, dataset)} AND ${readable}`);
  return Number(row?.n) >= rows;
};

/** The number of the run that has no commit yet, or null. */
const openRun = async (place: Place, dataset: Dataset): Promise<number | null> => {
  const [run, commit] = [await newestRunNumber(place.aws, dataset.name), await newestCommit(place.aws, dataset.name)];
  return run > (commit?.commit ?? 0) ? run : null;
};

/** What is between a dataset's queue and its tables, in words. */
export const waitedFor = async (place: Place, dataset: Dataset): Promise<string> => {
  const { visible, inFlight } = await depth(place.aws, dataset.name);
  const run = await openRun(place, dataset);
  const open = await openObjects(place, dataset, await newestCommit(place.aws, dataset.name), true);
  const pending = [...open.values()].filter((is) => is === "pending").length;
  return [
    `${plural(visible + inFlight, "message")} in the queue`,
    `${plural(pending, "raw object")} pending`,
    run === null ? "no run under way" : `run ${run} under way`,
  ].join(", ");
};

const pausedError = ({ name }: Dataset, { at, why }: Paused): PregaoError =>
  new PregaoError(
    "paused",
    `${name} is paused since ${at}${why ? ` (${why})` : ""}: what was sent waits in raw. Next: pregao resume ${name}`,
  );

const distinctOf = (scraped: Scraped): number => Object.values(scraped.sessions).reduce((sum, n) => sum + n, 0);

const refusedError = ({ key, reason, message }: Commit["rejected"][number]): PregaoError =>
  new PregaoError(
    "refused",
    `the raw object ${key} was refused (${reason}: ${message}); its rows are in no table. Next: pregao status`,
  );

const failedError = ({ key, reason }: Commit["failed"][number]): PregaoError =>
  new PregaoError("failed", `the job failed on ${key}: ${reason}. It is tried again by itself; see: pregao status`);

const heldError = (dataset: Dataset, { findings }: Commit["held"][number]): PregaoError => {
  const laws = findings.map((f) => `${f.law}${f.session ? ` on ${f.session}` : ""}`).join(", ");
  return new PregaoError(
    "held",
    `a run of ${dataset.name} is held: ${laws}. Nothing of it is published until a person accepts it; see: pregao status`,
  );
};

/**
 * The keys of what is held or has failed, once every other raw object that is there is settled and the catalog shows the
 * newest commit: what a query sees is the end of it. Null before.
 */
const settled = async (place: Place, dataset: Dataset, commit: Commit | null): Promise<string[] | null> => {
  if (commit === null) return null;
  const open = await openObjects(place, dataset, commit, true);
  if ([...open.values()].includes("pending") || !(await isApplied(place, dataset, commit))) return null;
  return [...open.keys()];
};

const rowsOfOrigin = ({ origin: { sha256, scraped_at } }: Scraped, dataset: Dataset): string =>
  `SELECT count(DISTINCT event_id) AS n FROM ${dataset.raw!.table.name} WHERE origin_sha256 = '${sha256}' AND ingest_date >= DATE '${scraped_at.slice(0, 10)}'`;

/** Whether a raw object has rows of the origin. Each is asked once: no object of ours is ever written again. */
const oursIn = (place: Place, dataset: Dataset, raw: RawTable, scraped: Scraped) => {
  const others = new Set<string>();
  return async (key: string): Promise<boolean> => {
    if (others.has(key)) return false;
    const [row] = await raw.all(
      (readable) => `${rowsOfOrigin(scraped, dataset)} AND ${readable} AND "$path" = ${quote(pathOf(place, key))}`,
    );
    if (Number(row?.n) > 0) return true;
    others.add(key);
    return false;
  };
};

/** What is stuck may have rows of this origin, and be stuck for longer than these are there: then no end is in sight. */
const mustNotHold = async (
  dataset: Dataset,
  isOurs: (key: string) => Promise<boolean>,
  commit: Commit,
  stuck: readonly string[],
): Promise<void> => {
  for (const key of stuck) {
    if (!(await isOurs(key))) continue;
    const held = commit.held.find((h) => h.key === key);
    if (held) throw heldError(dataset, held);
    throw failedError(commit.failed.find((f) => f.key === key)!);
  }
};

/** Adds the distinct records of the origin among the dead letters, queued or archived. @returns how many letters were hidden. */
const seeRejected = async (place: Place, dataset: Dataset, scraped: Scraped, records: Set<string>): Promise<number> => {
  const look = (letter: Letter) => {
    if (!letter.body.includes(scraped.origin.sha256)) return;
    for (const record of letter.records) records.add(digest(JSON.stringify(record)));
  };
  return (await eachLetter(place.aws, dataset.name, look, { beforeEnd })).hidden;
};

const accountOf = async (
  place: Place,
  dataset: Dataset,
  reader: RawTable,
  scraped: Scraped,
  rejected: number,
  commit: Commit | null,
  stuck: readonly string[],
): Promise<Account> => {
  const { sha256 } = scraped.origin;
  const { published, waiting } = rowTables(dataset);
  const others = stuck.length ? ` AND "$path" NOT IN ${inList(stuck.map((key) => pathOf(place, key)))}` : "";
  const [raw] = await reader.all((readable) => `${rowsOfOrigin(scraped, dataset)} AND ${readable}${others}`);
  const counts: Record<string, number> = {};
  for (const t of [...published, ...waiting]) {
    const [row] = await all(
      place.aws,
      `SELECT count(*) AS n FROM ${t.name} WHERE origin_sha256 = '${sha256}'`,
      dataset.database,
    );
    counts[t.name] = Number(row?.n);
  }
  const inTables = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const inRaw = Number(raw?.n);
  return {
    sent: scraped.rows,
    repeated: scraped.rows - distinctOf(scraped),
    raw: inRaw,
    rejected,
    tables: counts,
    superseded: inRaw - inTables,
    commit: commit?.commit ?? 0,
  };
};
