import PQueue from "p-queue";
import type { Eyes, Hands } from "../core/advance.ts";
import { type Commit, isSettled, parseCommit, recentNames } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Facts, Shape } from "../core/facts.ts";
import type { Digest } from "../core/message.ts";
import { type Inspected, watched } from "../core/plan.ts";
import type { Recipe } from "../core/recipe.ts";
import { type Reject, rejectObject } from "../core/reject.ts";
import { parseReport, type Submission } from "../core/report.ts";
import {
  type Accepted,
  acceptedKey,
  assetKey,
  attemptFolder,
  byKey,
  commitKey,
  ingestDate,
  type ListedObject,
  lastClosed,
  nameObject,
  nameOf,
  numberOf,
  parseAccepted,
  parseRun,
  RUN_NAMES,
  type Run,
  recipeKey,
  reportKey,
  runKey,
  withdrawnKey,
} from "../core/run.ts";
import { bucket } from "../core/stage.ts";
import { gathering } from "../core/topology.ts";
import { applyCatalog, readCatalog } from "./catalog.ts";
import { DOCUMENT_BYTES, newestKey, pausedSince, type Series } from "./documents.ts";
import type { Aws } from "./index.ts";
import { readAttempts, startJob } from "./jobs.ts";
import { inspect } from "./parquet.ts";
import { send } from "./queues.ts";
import { recall } from "./recall.ts";
import { create, getJson, head, list } from "./store.ts";

/** Footers, or run documents, read at once. */
const READS = 16;
/**
 * How far before the last closed date a full listing holds each object against what runs named. What it does not find is
 * read again, which changes nothing; five weekly ones look at the same day.
 */
const DOUBTED_MS = 35 * 86_400_000;

export type Books = {
  dataset: Dataset;
  shape: Shape;
  recipe: Recipe;
  /** Bodies of the recipe's assets, by their digest. */
  assets: ReadonlyMap<string, string>;
  digest: Digest;
  /** Raw keys that a bell named. */
  named?: readonly string[];
  /** List every raw object there is, not only those of dates that are open. */
  full?: boolean;
  until: number;
};

/** The stores of runs, commits and all that they speak of, over AWS. */
export const books = (aws: Aws, of: Books): { eyes: Eyes; hands: Hands } => {
  const { dataset, shape, digest } = of;
  const name = dataset.name;
  const documents = new Map<string, unknown>();

  /** A document is never changed once it is there: what was read stays read, for the few that are in use. */
  const document = async <T>(key: string, parse: (value: unknown, key: string) => T): Promise<T | null> => {
    const known = documents.get(key);
    if (known) return known as T;
    const value = await getJson(aws, "state", key);
    if (value === null) return null;
    const parsed = parse(value, key);
    documents.set(key, parsed);
    for (const old of [...documents.keys()].slice(0, -8)) documents.delete(old);
    return parsed;
  };

  const newest = async <T>(series: Series, parse: (value: unknown, key: string) => T): Promise<T | null> => {
    const key = await newestKey(aws, series, name);
    return key === null ? null : document(key, parse);
  };

  const commitOf = (n: number) => document(commitKey(name, n), parseCommit);
  /** The newest commit of this call's earlier readings: older than the facts, which only makes the listing longer. */
  let hint: Commit | null | undefined;
  const past = async (): Promise<Commit | null> => {
    hint ??= await newest("commits", parseCommit);
    return hint;
  };

  const raw = async ({ now }: Facts): Promise<Pick<Facts, "raw" | "listed" | "accepted">> => {
    const accepted = await readAccepted();
    if (!dataset.raw) return { raw: [], listed: 0, accepted };
    const before = await past();
    const through = before?.through ?? null;
    const names = recentNames(before);
    const byName = new Set([...(of.named ?? []), ...watched(before)]);
    const prefix = `raw/${name}/`;
    const since = through && of.full ? doubtedSince(through, now) : null;
    const found: ListedObject[] = [];
    const doubted: ListedObject[] = [];
    // What was settled once stays so: leaving it out bounds memory, also of a full listing.
    const take = (listed: ListedObject) => {
      const object: ListedObject = byName.delete(listed.key) ? { ...listed, named: true } : listed;
      if (!isSettled(before, nameObject(object, through), names)) found.push(object);
      else if (since && !names.has(nameOf(object)) && (ingestDate(object.key) ?? "") >= since) doubted.push(object);
    };
    // "0" follows "/": the first key after those of the date itself.
    const after = through && !of.full ? `${prefix}ingest_date=${through}0` : undefined;
    for await (const { key, etag, size, modified } of list(aws, "lake", prefix, after ? { after } : {}))
      if (!key.endsWith("/")) take({ key, etag, size, modified: modified.getTime() });
    for (const key of [...byName]) {
      const there = await head(aws, "lake", key);
      if (there) take({ key, etag: there.etag, size: there.size, modified: there.modified.getTime() });
    }
    if (since && doubted.length > 0) {
      const inRuns = await namedByRuns(Date.parse(since));
      for (const object of doubted) if (!inRuns.has(nameOf(object))) found.push({ ...object, named: true });
    }
    return { raw: found, listed: before?.commit ?? 0, accepted };
  };

  /** From the earlier of what is closed and what this clock would close: either may be a wrong clock's. */
  const doubtedSince = (through: string, now: number): string => {
    const closed = lastClosed(now);
    return new Date(Date.parse(through < closed ? through : closed) - DOUBTED_MS).toISOString().slice(0, 10);
  };

  const inRuns = new Set<string>();
  let runsRead = 0;
  /**
   * The objects that runs since then (ms since 1970, by the store's clock) took or rejected. What a run has named is
   * settled or waits where a listing or a commit has it; all else under a closed date nobody ever looked at.
   */
  const namedByRuns = async (since: number): Promise<ReadonlySet<string>> => {
    const keys: string[] = [];
    for await (const { key, modified } of list(aws, "state", `runs/${name}/`)) {
      if (numberOf(key) <= runsRead || modified.getTime() < since) break;
      keys.push(key);
    }
    await new PQueue({ concurrency: READS }).addAll(
      keys.map((key) => async () => {
        const run = parseRun(await getJson(aws, "state", key), key);
        for (const object of [...run.objects, ...run.rejects]) inRuns.add(nameOf(object));
      }),
    );
    if (keys[0]) runsRead = numberOf(keys[0]);
    return inRuns;
  };

  const readAccepted = async (): Promise<Accepted[]> => {
    const accepted: Accepted[] = [];
    for await (const { key } of list(aws, "state", acceptedKey(name, "").replace(/\.json$/, ""))) {
      const one = await document(key, parseAccepted);
      if (one) accepted.push(one);
    }
    return accepted;
  };

  /** A run whose commit was there before cannot be open: its attempts and reports are of no use. */
  const isOpen = async (run: Run | null): Promise<boolean> => run !== null && run.run > ((await past())?.commit ?? 0);

  const submissions = async (run: Run): Promise<Submission[]> => {
    const found: Submission[] = [];
    const prefix = reportKey(name, run.run, "").replace(/\.json$/, "");
    for await (const { key, size } of list(aws, "state", prefix)) {
      const attempt = key.slice(prefix.length).replace(/\.json$/, "");
      const files: Record<string, number> = {};
      for (const table of shape.tables)
        for await (const file of list(aws, "lake", attemptFolder(table, run.run, attempt))) files[file.key] = file.size;
      try {
        if (size > DOCUMENT_BYTES)
          throw new PregaoError("document", `${key} has ${size} bytes, more than ${DOCUMENT_BYTES}`);
        found.push({ attempt, report: await document(key, parseReport), files });
      } catch (error) {
        if (!(error instanceof PregaoError || error instanceof SyntaxError)) throw error;
        found.push({ attempt, report: null, problem: error.message, files });
      }
    }
    return found;
  };

  /** One more than a run can name is enough to know that there are too many. */
  const withdrawn = async (): Promise<string[]> => {
    const prefix = withdrawnKey(name, "");
    const events: string[] = [];
    for await (const { key } of list(aws, "state", prefix, { limit: RUN_NAMES + 1 }))
      events.push(key.slice(prefix.length));
    return events;
  };

  const eyes: Eyes = {
    clock: () => ({ now: Date.now() }),
    raw,
    catalog: async () => ({ catalog: await readCatalog(aws, dataset.database, dataset.tables) }),
    run: async () => ({ run: await newest("runs", parseRun) }),
    attempts: async ({ run }) => ({ attempts: run && (await isOpen(run)) ? await readAttempts(aws, run) : [] }),
    submissions: async ({ run }) => ({ submissions: run && (await isOpen(run)) ? await submissions(run) : [] }),
    commit: async ({ run }) => {
      const commit = await newest("commits", parseCommit);
      hint = commit;
      return { commit, base: run && run.base > 0 ? await commitOf(run.base) : null };
    },
    orders: async () => ({ paused: await pausedSince(aws, name), withdrawn: dataset.raw ? await withdrawn() : [] }),
  };

  /** How many raw objects lie from this one's date on. */
  const landed = async (first: string): Promise<number> => {
    let objects = 0;
    const after = first.slice(0, first.lastIndexOf("/"));
    for await (const _ of list(aws, "lake", `raw/${name}/`, { after })) objects++;
    return objects;
  };

  const hands: Hands = {
    gather: async (objects) => {
      const { quietMs, mostMs } = gathering(aws.stage.pace);
      // A late object says nothing of what is landing now, and its date may lie years back.
      const [first] = objects.filter((o) => !o.late).sort(byKey);
      const end = Math.min(Date.now() + mostMs, of.until);
      let before = -1;
      while (first && Date.now() + quietMs < end) {
        const now = await landed(first.key);
        if (now === before) return;
        before = now;
        await new Promise((resolve) => setTimeout(resolve, quietMs));
      }
    },
    apply: (commit) => applyCatalog(aws, dataset.database, dataset.tables, commit.tables, of.until),
    inspect: (objects) =>
      new PQueue({ concurrency: READS }).addAll(
        objects.map((object) => async (): Promise<Inspected> => {
          try {
            return await inspect(aws, dataset, object);
          } catch (error) {
            return { object, is: "unread", error };
          }
        }),
      ),
    recall: (upTo) => recall(aws, name, upTo),
    open: async (run) => {
      const key = recipeKey(name, run.recipe);
      if (!(await head(aws, "state", key))) {
        for (const [sha256, body] of of.assets) await create(aws, "state", assetKey(sha256), body);
        await create(aws, "state", key, JSON.stringify(of.recipe));
      }
      return (await create(aws, "state", runKey(name, run.run), JSON.stringify(run))) === "created"
        ? "created"
        : "lost";
    },
    start: (run) => startJob(aws, run),
    commit: async (document) => {
      await reject(document);
      const key = commitKey(name, document.commit);
      return (await create(aws, "state", key, JSON.stringify(document))) === "created" ? "created" : "lost";
    },
  };

  /** A letter is the same whoever sends it, and however often: first seen is when its run was opened. */
  const reject = async ({ rejected, commit: n }: Commit): Promise<void> => {
    if (rejected.length === 0) return;
    const run = await document(runKey(name, n), parseRun);
    if (!run) throw new PregaoError("document", `expected the document of run ${n} of ${name}, came none`);
    const letters: Reject[] = rejected.map((object) =>
      rejectObject(dataset, bucket(aws.stage, "lake"), object, run.opened_at, digest),
    );
    const sent = await send(aws, "landed-dlq", letters, { until: of.until });
    const lost = sent.filter((s) => s.outcome !== "accepted");
    if (lost.length > 0)
      throw new Error(
        `${lost.length} of ${letters.length} dead letters not accepted by landed-dlq: ${lost[0]?.reason}`,
      );
  };

  return { eyes, hands };
};
