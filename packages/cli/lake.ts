import { readCatalog } from "../aws/catalog.ts";
import { measure } from "../aws/metrics.ts";
import { all, query } from "../aws/queries.ts";
import { depth } from "../aws/queues.ts";
import { getJson, head, list } from "../aws/store.ts";
import { differs, shapeOf } from "../core/advance.ts";
import { type Commit, isSettled, parseCommit, recentNames } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { watched } from "../core/plan.ts";
import { commitKey, nameObject, nameOf } from "../core/run.ts";
import { bucket } from "../core/stage.ts";
import type { Table } from "../core/table.ts";
import type { Place } from "./place.ts";

// What verify, explain and an ingest that waits ask the stores. One definition each of what counts.

/** Tables that hold arrived rows. One whose key has `event_id` keeps rows that lost; in the others a row stands for its key. */
export const rowTables = (dataset: Dataset): { published: readonly Table[]; waiting: readonly Table[] } => {
  const all = dataset.tables.filter((t) => t.columns.event_id);
  return {
    published: all.filter((t) => !t.key.includes("event_id")),
    waiting: all.filter((t) => t.key.includes("event_id")),
  };
};

/** The newest commit of a dataset, or null before the first. */
export const newestCommit = async (place: Place, dataset: string): Promise<Commit | null> => {
  for await (const { key } of list(place.aws, "state", `commits/${dataset}/`, { limit: 1 }))
    return parseCommit(await getJson(place.aws, "state", key), key);
  return null;
};

export const commitNumber = async (place: Place, dataset: string, n: number): Promise<Commit> => {
  const key = commitKey(dataset, n);
  return parseCommit(await getJson(place.aws, "state", key), key);
};

/** Whether queries see the newest commit. */
export const isApplied = async (place: Place, dataset: Dataset, commit: Commit | null): Promise<boolean> =>
  commit === null ||
  !differs(
    await readCatalog(place.aws, dataset.database, dataset.tables),
    commit.tables,
    shapeOf(dataset, commit.recipe),
  );

/** Why a raw object is not settled. */
export type Open = "pending" | "held" | "failed";

/**
 * The raw objects that no commit has settled, by key. `recent`: only those of dates that are not closed, and the late
 * ones that the commit knows of, as `advance` looks for them.
 */
export const openObjects = async (
  place: Place,
  dataset: Dataset,
  commit: Commit | null,
  recent = false,
): Promise<ReadonlyMap<string, Open>> => {
  const names = recentNames(commit);
  const held = new Set(commit?.held.map(nameOf));
  const failed = new Set(commit?.failed.map(nameOf));
  const open = new Map<string, Open>();
  const take = ({ key, etag, size, modified }: { key: string; etag: string; size: number; modified: Date }) => {
    if (key.endsWith("/")) return;
    const object = nameObject({ key, etag, size, modified: modified.getTime() }, commit?.through ?? null);
    if (isSettled(commit, object, names)) return;
    const name = nameOf(object);
    open.set(key, held.has(name) ? "held" : failed.has(name) ? "failed" : "pending");
  };
  // "0" is the character after "/": the listing starts behind that date's folder.
  const after = recent && commit?.through ? `raw/${dataset.name}/ingest_date=${commit.through}0` : undefined;
  for await (const object of list(place.aws, "lake", `raw/${dataset.name}/`, after ? { after } : {})) take(object);
  for (const key of after ? watched(commit) : []) {
    const there = await head(place.aws, "lake", key);
    if (there) take({ key, ...there });
  }
  return open;
};

/** A raw object's `"$path"`, and back. */
export const pathOf = (place: Place, key: string): string => `s3://${bucket(place.stage, "lake")}/${key}`;
export const keyOf = (place: Place, path: string): string => path.slice(pathOf(place, "").length);

/** A value in a statement of Athena's. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const inList = (values: Iterable<string>): string => `(${[...values].map(quote).join(", ")})`;

/** The rows of a statement, one at a time and no more than a page in memory. */
export async function* rowsOf(place: Place, dataset: Dataset, sql: string): AsyncGenerator<(string | null)[]> {
  const { rows } = await query(place.aws, sql, dataset.database);
  for await (const page of rows) yield* page;
}

export const askAll = (place: Place, dataset: Dataset, sql: string): Promise<Record<string, string | null>[]> =>
  all(place.aws, sql, dataset.database);

/**
 * Whether nothing of a dataset is on its way to raw or will move by itself. A laptop's stack says so, and is given `ms`
 * for it; of a deployed stage the queue and what Firehose has not delivered are asked, the latter minutes late.
 */
export const isQuiet = async (place: Place, dataset: Dataset, ms: number): Promise<boolean> => {
  const { aws } = place;
  if (aws.endpoint) {
    const idle = await fetch(`${aws.endpoint}/_pregao/idle`, { signal: AbortSignal.timeout(ms) }).catch(() => null);
    return idle?.ok ?? false;
  }
  const { visible, inFlight, delayed } = await depth(aws, dataset.name);
  const { oldestRecord } = await measure(aws, { queues: [], streams: [dataset.name], functions: {} }, Date.now());
  return visible + inFlight + delayed === 0 && oldestRecord[dataset.name] === null;
};
