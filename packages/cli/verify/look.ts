import { newestCommit } from "../../aws/documents.ts";
import { withdrawnOf } from "../../aws/replays.ts";
import { list } from "../../aws/store.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { nameOf } from "../../core/run.ts";
import { isApplied, isQuiet, openObjects, rowsOf, rowTables } from "../lake.ts";
import type { Place } from "../place.ts";
import { rawTable, refusedIn } from "../raw.ts";
import { type Account, accountOf, type Facts, isAmiss, withoutFile } from "./account.ts";
import { readLetters } from "./letters.ts";
import type { VerifyOptions } from "./verify.ts";

export type Verified = {
  dataset: string;
  session: string | null;
  /** Nothing was on its way. */
  quiet: boolean;
  /** Dead letters that were not seen, in a sentence; null: all were. */
  unseen: string | null;
  /** Keys of raw objects that are no Parquet or have other columns: no row of theirs is counted. */
  unreadable: string[];
  /** Keys of raw objects that the store lists and whose bytes are gone: their rows are not in raw. */
  gone: string[];
  /** Dead letters that name no origin, and are in no account; 0 if one origin or session is asked about. */
  nameless: number;
  accounts: Account[];
  /** What --repair sent. */
  repaired: { messages: number; rows: number } | null;
  /** Nothing missing, doubled, invented or stale, and no archived bytes damaged. */
  whole: boolean;
};

/** For how long the first look waits until what is under way has its place; each further one, at what is amiss. */
const SETTLE_MS = 1_000;
const DOUBT_MS = 10_000;
/** How often what is amiss is judged again while something moves. */
const DOUBTS = 3;
/** Origins named in one statement: Athena takes 256 KiB. */
const TOGETHER = 1000;

export const lostIn = ({ accounts }: Verified): number => accounts.reduce((sum, a) => sum + a.repairable, 0);

/** Read in this order, so that what moves meanwhile is seen on its way rather than nowhere. */
export const factsOf = async (place: Place, dataset: Dataset, patience: number): Promise<Facts> => {
  const still = await isQuiet(place, dataset, patience);
  const letters = await readLetters(place, dataset);
  const commit = await newestCommit(place.aws, dataset.name);
  const refused = new Set((await refusedIn(place, dataset)).map(nameOf));
  const open = await openObjects(place, dataset, commit, false, refused);
  const withdrawn = await withdrawnOf(place.aws, dataset.name);
  const quiet = still && letters.unseen === null && (await isApplied(place, dataset, commit));
  return { open, withdrawn, quiet, letters, commit: commit?.commit ?? 0, raw: rawTable(place, dataset) };
};

/** One look at every origin. `patience`: how long to wait for quiet, ms; null: not longer than a look takes. */
export const look = async (
  place: Place,
  dataset: Dataset,
  options: Omit<VerifyOptions, "repair">,
  patience: number | null,
): Promise<Verified> => {
  let known = await factsOf(place, dataset, patience ?? SETTLE_MS);
  const { archived, others } = await originsOf(place, dataset, options, known);
  const accounts: Account[] = [];
  /** Whether anything was on its way since the facts were read: what was not found may be it. */
  const hasMoved = async (): Promise<boolean> =>
    !known.quiet ||
    !(await isQuiet(place, dataset, patience ?? SETTLE_MS)) ||
    known.commit !== ((await newestCommit(place.aws, dataset.name))?.commit ?? 0);
  /**
   * What is amiss is judged at least twice, by facts read anew: queues count and show their letters approximately, and
   * rows move. It is what it is once nothing has moved during a look; if that does not come, what is not found counts as
   * in flight.
   */
  const take = async (work: (facts: Facts) => Promise<Account | null>): Promise<void> => {
    let account = await work(known);
    for (let again = 1; account && isAmiss(account) && again <= DOUBTS; again++) {
      known = await factsOf(place, dataset, patience ?? DOUBT_MS);
      account = await work(known);
      if (!account || !isAmiss(account) || !(await hasMoved())) break;
      if (again === DOUBTS) {
        known = { ...known, quiet: false };
        account = await work(known);
      }
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
    unseen: known.letters.unseen,
    unreadable: known.raw.unreadable(),
    gone: known.raw.gone(),
    nameless: options.origin === undefined && options.session === undefined ? known.letters.nameless : 0,
    accounts,
    repaired: null,
    whole: !accounts.some(isAmiss),
  };
};

/** Every origin that has archived bytes, and those that rows or dead letters name without. */
const originsOf = async (
  place: Place,
  dataset: Dataset,
  { origin }: Pick<VerifyOptions, "origin">,
  { raw, letters }: Facts,
): Promise<{ archived: string[]; others: string[] }> => {
  const wanted = (sha256: string) => origin === undefined || sha256.startsWith(origin);
  const archived = new Set<string>();
  for await (const { key } of list(place.aws, "origin", `${dataset.name}/`))
    archived.add(key.slice(dataset.name.length + 1));
  const others = new Set<string>();
  const { published, waiting } = rowTables(dataset);
  const note = ([sha256]: readonly (string | null)[]) => {
    if (sha256 && !archived.has(sha256)) others.add(sha256);
  };
  for (const sha256 of letters.origins) note([sha256]);
  const all = (name: string) => `SELECT DISTINCT origin_sha256 FROM ${name}`;
  for await (const row of raw.rows((readable) => `${all(dataset.raw!.table.name)} WHERE ${readable}`)) note(row);
  for (const { name } of [...published, ...waiting])
    for await (const row of rowsOf(place, dataset, all(name))) note(row);
  const found = { archived: [...archived].filter(wanted), others: [...others].filter(wanted) };
  const count = found.archived.length + found.others.length;
  if (origin !== undefined && count !== 1)
    throw new PregaoError(
      "origin",
      `expected --origin to name one origin of ${dataset.name}, ${origin} names ${count === 0 ? "none" : count}; pregao verify ${dataset.name} lists them`,
    );
  return found;
};
