import { readCatalog } from "../aws/catalog.ts";
import { newestCommit } from "../aws/documents.ts";
import { measure } from "../aws/metrics.ts";
import { all, query } from "../aws/queries.ts";
import { depth } from "../aws/queues.ts";
import { head, list } from "../aws/store.ts";
import { differs } from "../core/advance.ts";
import { type Commit, isSettled, recentNames } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { shapeOf } from "../core/facts.ts";
import { watched } from "../core/plan.ts";
import { nameObject, nameOf } from "../core/run.ts";
import { bucket } from "../core/stage.ts";
import { partitionValues, type Table } from "../core/table.ts";
import { topology } from "../core/topology.ts";
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

/** The column of the raw key that a record's ticker is in. */
export const tickerColumn = ({ raw }: Dataset): string =>
  raw!.table.key.find((name) => name !== raw!.session && !raw!.whole?.includes(name))!;

/** Whether queries see the newest commit. */
export const isApplied = async (place: Place, dataset: Dataset, commit: Commit | null): Promise<boolean> =>
  commit === null ||
  !differs(
    await readCatalog(place.aws, dataset.database, dataset.tables),
    commit.tables,
    shapeOf(dataset, commit.recipe),
  );

/** Why no row of a raw object counts: it is not settled, or it was refused as a whole. */
export type Open = "pending" | "held" | "failed" | "refused";

/** `modified` in ms since 1970. */
export type OpenObject = { key: string; is: Open; size: number; modified: number };

/**
 * The raw objects that no commit has settled. `recent`: only those of dates that are not closed, and the late ones that
 * the commit knows of, as `advance` looks for them. `refused`: names of versions that are refused, which come as well.
 */
export async function* openRaw(
  place: Place,
  dataset: Dataset,
  commit: Commit | null,
  recent: boolean,
  refused: ReadonlySet<string> = new Set(),
): AsyncGenerator<OpenObject> {
  const names = recentNames(commit);
  const held = new Set(commit?.held.map(nameOf));
  const failed = new Set(commit?.failed.map(nameOf));
  const look = (key: string, etag: string, size: number, modified: number): OpenObject[] => {
    if (key.endsWith("/")) return [];
    const object = nameObject({ key, etag, size, modified }, commit?.through ?? null);
    const name = nameOf(object);
    if (refused.has(name)) return [{ key, is: "refused", size, modified }];
    if (isSettled(commit, object, names)) return [];
    return [{ key, is: held.has(name) ? "held" : failed.has(name) ? "failed" : "pending", size, modified }];
  };
  // "0" is the character after "/": the listing starts behind that date's folder.
  const after = recent && commit?.through ? `raw/${dataset.name}/ingest_date=${commit.through}0` : undefined;
  const seen = new Set<string>();
  for await (const { key, etag, size, modified } of list(
    place.aws,
    "lake",
    `raw/${dataset.name}/`,
    after ? { after } : {},
  )) {
    if (after) seen.add(key);
    yield* look(key, etag, size, modified.getTime());
  }
  for (const key of after ? watched(commit) : []) {
    const there = seen.has(key) ? null : await head(place.aws, "lake", key);
    if (there) yield* look(key, there.etag, there.size, there.modified.getTime());
  }
}

/** {@link openRaw} by key. */
export const openObjects = async (
  place: Place,
  dataset: Dataset,
  commit: Commit | null,
  recent = false,
  refused: ReadonlySet<string> = new Set(),
): Promise<ReadonlyMap<string, Open>> => {
  const open = new Map<string, Open>();
  for await (const { key, is } of openRaw(place, dataset, commit, recent, refused)) open.set(key, is);
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
  const { rows } = await query(place.aws, sql, dataset.database).catch(naming(place, dataset));
  for await (const page of rows) yield* page;
}

export const askAll = (place: Place, dataset: Dataset, sql: string): Promise<Record<string, string | null>[]> =>
  all(place.aws, sql, dataset.database).catch(naming(place, dataset));

/** A query that fails on a published file says which, and what makes it anew: whoever asks has not touched it. */
const naming =
  (place: Place, dataset: Dataset) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof PregaoError) || error.code !== "query") throw error;
    const commit = await newestCommit(place.aws, dataset.name);
    for (const partitions of Object.values(commit?.tables ?? {}))
      for (const [partition, { folder, files }] of Object.entries(partitions)) {
        const file = files.find(({ name }) => error.message.includes(folder + name));
        if (!file) continue;
        const { unit } = dataset;
        const only = unit ? ` --unit ${partitionValues(partition)[unit.partition]}` : "";
        throw new PregaoError(
          "published",
          `${folder}${file.name} cannot be read, expected ${file.bytes} bytes as commit ${commit!.commit} says: ${error.message}. Restore it, or make it anew: pregao refine ${dataset.name} --rebuild${only}`,
          { key: folder + file.name },
        );
      }
    throw error;
  };

/** CloudWatch tells of Firehose minutes late; a stand-in for a stage may say how late it is. */
const LATE_MS = Number(process.env.PREGAO_LATE_MS) || 5 * 60_000;
/** How often a stage that is not quiet is asked. */
const ASK_MS = 10_000;

/**
 * Whether nothing of a dataset is on its way to raw or will move by itself, waiting for it up to `ms`. A laptop's stack
 * says so. Of a deployed stage it cannot be known at one look: SQS's counts are approximate, and Firehose's age of what
 * it has not delivered (DataFreshness) comes minutes late and not at all when it is idle, so its absence proves nothing.
 * It is quiet if the queue is empty and Firehose silent at two looks that lie a stream's whole buffer and
 * {@link LATE_MS} apart: what had entered by the first is delivered by the second, or has an age. A shorter `ms` cannot
 * know it, and is answered with false.
 */
export const isQuiet = async (place: Place, dataset: Dataset, ms: number): Promise<boolean> => {
  const { aws } = place;
  if (place.dir !== null) {
    const idle = await fetch(`${aws.endpoint}/_pregao/idle`, { signal: AbortSignal.timeout(ms) }).catch(() => null);
    return idle?.ok ?? false;
  }
  const stream = topology(place.datasets, place.stage.pace).streams.find((s) => s.name === dataset.name);
  const apart = (stream?.seconds ?? 0) * 1000 + LATE_MS;
  const isSilent = async (): Promise<boolean> => {
    const { visible, inFlight, delayed } = await depth(aws, dataset.name);
    const { oldestRecord } = await measure(aws, { queues: [], streams: [dataset.name], functions: {} }, Date.now());
    return visible + inFlight + delayed === 0 && oldestRecord[dataset.name] === null;
  };
  const wait = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
  for (const until = Date.now() + ms; Date.now() + apart <= until; ) {
    if (await isSilent()) {
      await wait(apart);
      if (await isSilent()) return true;
    } else await wait(ASK_MS);
  }
  return false;
};
