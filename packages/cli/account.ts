import { digest } from "../../functions/river.ts";
import type { Scraped } from "../../functions/scrape.ts";
import { eachLetter, type Letter } from "../aws/letters.ts";
import { all } from "../aws/queries.ts";
import { depth } from "../aws/queues.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { beforeEnd } from "./door.ts";
import { commitNumber, inList, isApplied, newestCommit, openObjects, pathOf, quote, rowTables } from "./lake.ts";
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

export { newestCommit };

const POLL_MS = 100;

/**
 * Follows an origin until every row of it is published, superseded or rejected. `before` is the newest commit from before
 * anything was sent: the first rows may be published while the last are still being sent. `seen` is told the rows so far.
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
  let events = 0;
  let read = before?.commit ?? 0;
  /** How deep the dead letters' queue was at the last look. Of bytes that are new none is in the archive. */
  let looked = scraped.fresh ? 0 : -1;
  let rejected = 0;
  /** What the account was last asked of: it is asked again only when something has moved. */
  let asked = "";
  for (;;) {
    const commit = await newestCommit(place, dataset.name);
    const letters = await depth(place.aws, `${dataset.name}-dlq`);
    const deep = letters.visible + letters.inFlight;
    for (; commit && read < commit.commit; read++) {
      const passed = await commitNumber(place, dataset.name, read + 1);
      if (passed.status === "published") events += passed.origins[scraped.origin.sha256]?.events ?? 0;
      // What was refused is in no table, and would look superseded from here.
      const refused = passed.rejected.find((r) => !before?.failed.some((was) => was.key === r.key));
      if (refused) throw refusedError(refused);
    }
    seen(Math.min(scraped.rows, events));
    const stopped = commit?.held.find((h) => !before?.held.some((was) => was.key === h.key));
    if (stopped) throw heldError(dataset, stopped);
    const failed = commit?.failed.find((f) => !before?.failed.some((was) => was.key === f.key));
    if (failed) throw failedError(failed);
    if (deep !== looked) {
      const { records, hidden } = await rejectedOf(place, dataset, scraped);
      // What another command looks at just now is counted once it is back.
      if (hidden === 0) [rejected, looked] = [records, deep];
    }
    const state = `${commit?.commit} ${rejected}`;
    // Bytes that came before may be in the tables already: their account says so before any new commit does.
    const enough = !scraped.fresh || events + rejected >= distinct;
    const stuck = enough && state !== asked ? await settled(place, dataset, commit) : null;
    if (stuck) {
      const account = await accountOf(place, dataset, raw, scraped, rejected, commit, stuck);
      if (account.raw + rejected >= distinct) return account;
      await mustNotHold(place, dataset, raw, scraped, commit!, stuck);
      asked = state;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};

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

/** What has long been stuck may have rows of this origin too: then its end is not in sight. */
const mustNotHold = async (
  place: Place,
  dataset: Dataset,
  raw: RawTable,
  scraped: Scraped,
  commit: Commit,
  stuck: readonly string[],
): Promise<void> => {
  for (const key of stuck) {
    const [row] = await raw.all(
      (readable) => `${rowsOfOrigin(scraped, dataset)} AND ${readable} AND "$path" = ${quote(pathOf(place, key))}`,
    );
    if (Number(row?.n) === 0) continue;
    const held = commit.held.find((h) => h.key === key);
    if (held) throw heldError(dataset, held);
    throw failedError(commit.failed.find((f) => f.key === key)!);
  }
};

/** Distinct records of the origin among the dead letters, queued or archived, and how many letters were not seen. */
const rejectedOf = async (
  place: Place,
  dataset: Dataset,
  scraped: Scraped,
): Promise<{ records: number; hidden: number }> => {
  const records = new Set<string>();
  const look = (letter: Letter) => {
    if (!letter.body.includes(scraped.origin.sha256)) return;
    for (const record of letter.records) records.add(digest(JSON.stringify(record)));
  };
  const { hidden } = await eachLetter(place.aws, dataset.name, look, { beforeEnd });
  return { records: records.size, hidden };
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
  const settled = stuck.length ? ` AND "$path" NOT IN ${inList(stuck.map((key) => pathOf(place, key)))}` : "";
  const [raw] = await reader.all((readable) => `${rowsOfOrigin(scraped, dataset)} AND ${readable}${settled}`);
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
