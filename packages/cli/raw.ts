import { existsSync } from "node:fs";
import { join } from "node:path";
import { eachLetter } from "../aws/letters.ts";
import { inspect } from "../aws/parquet.ts";
import { all, query } from "../aws/queries.ts";
import { readPart, replays } from "../aws/replays.ts";
import { head, list, remove } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { refusedObject } from "../core/reject.ts";
import { escapedPlace } from "../local/s3/places.ts";
import { confirmed } from "./confirm.ts";
import { beforeEnd } from "./door.ts";
import { inList, pathOf } from "./lake.ts";
import { plural } from "./output.ts";
import type { Place } from "./place.ts";

/**
 * The versions of raw objects that were refused as a whole: those that `landed-dlq` and its archive name, and those whose
 * letters were replayed since, which copies an object and leaves the refused one where it is.
 */
export const refusedIn = async (place: Place, dataset: Dataset): Promise<{ key: string; etag: string }[]> => {
  const found: { key: string; etag: string }[] = [];
  const note = ({ body }: { body: string }): void => {
    const object = refusedObject(body);
    if (object?.dataset === dataset.name) found.push(object);
  };
  await eachLetter(place.aws, "landed", note, { beforeEnd });
  for await (const { replay, parts } of replays(place.aws, "landed"))
    for (let n = 1; n <= parts; n++) (await readPart(place.aws, "landed", replay.replay, n)).part.letters.forEach(note);
  return found;
};

/** The folder of this machine that holds the lake's objects: a laptop's; null: they are in S3 alone. */
const lakeOf = ({ dir }: Place): string | null => (dir === null ? null : join(dir, "s3/lake"));

/** Whether the bytes of an object that the store lists are not on the disk: only a laptop's can be taken away like that. */
const isGone = (place: Place, key: string): boolean => {
  const lake = lakeOf(place);
  return lake !== null && [key, escapedPlace(key)].every((path) => !existsSync(join(lake, path)));
};

/** The keys of a dataset's raw objects that are gone, and how many are not. */
const goneOf = async (place: Place, dataset: Dataset): Promise<{ gone: string[]; there: number }> => {
  const found = { gone: [] as string[], there: 0 };
  if (lakeOf(place) === null) return found;
  for await (const { key } of list(place.aws, "lake", `raw/${dataset.name}/`))
    if (key.endsWith("/")) continue;
    else if (isGone(place, key)) found.gone.push(key);
    else found.there++;
  return found;
};

/**
 * Deletes the raw objects whose bytes somebody took from the disk, so that no job and no query looks for them. That cannot
 * be taken back: files that nothing names are swept away at the next start. If not one file of the dataset is there, a
 * disk may not be mounted, or a folder was moved: then only if a person says so.
 * @returns their keys. @throws PregaoError `usage` or `cancelled` if nobody says so; then nothing was deleted.
 */
export const forgetGone = async (place: Place, dataset: Dataset, yes = false): Promise<string[]> => {
  const { gone, there } = await goneOf(place, dataset);
  if (gone.length > 0 && there === 0)
    await confirmed(
      `No file of the ${plural(gone.length, "raw object")} of ${dataset.name} is under ${lakeOf(place)}: if a disk is not mounted, or a folder was moved, bring that back first. Delete the objects, also their files should they come back?`,
      yes,
    );
  for (const key of gone) await remove(place.aws, "lake", key);
  return gone;
};

/** A statement over the raw table. `readable` must be among the conditions of each part of it that reads the table. */
export type RawSql = (readable: string) => string;

/** The raw table, without the objects in it that are none. */
export type RawTable = {
  /** One row at a time, no more than a page in memory. */
  rows: (sql: RawSql) => AsyncGenerator<(string | null)[]>;
  /** A small answer, whole. */
  all: (sql: RawSql) => Promise<Record<string, string | null>[]>;
  /** Keys of the objects that were left out so far because they are no Parquet or have other columns. */
  unreadable: () => string[];
  /** Keys of those whose bytes are gone though the store lists them: their rows are not in raw. */
  gone: () => string[];
};

/** Objects that a statement can leave out by name: Athena takes 256 KiB. */
const NAMED = 1000;
/** Objects looked at together. */
const LOOKS = 16;

/**
 * The raw table of a dataset. One object in it that is no Parquet, or has other columns, makes every statement fail that
 * opens it, here as on Athena, also after it was refused. It is left out by its `"$path"` once a statement has failed on
 * it and its bytes have proved it, by the same look by which `advance` refuses it. So are, then, those which
 * `landed-dlq` names, so that many of them do not take as many tries. So is one that is gone: on a laptop somebody may take
 * a file away that the store still lists. Any other failure is thrown.
 */
export const rawTable = (place: Place, dataset: Dataset): RawTable => {
  const { aws } = place;
  const out = new Set<string>();
  const lost = new Set<string>();
  const readable = (): string =>
    out.size + lost.size === 0
      ? "1 = 1"
      : `"$path" NOT IN ${inList([...out, ...lost].map((key) => pathOf(place, key)))}`;
  const folder = `raw/${dataset.name}/`;

  /** Whether a failure names objects that are none; they are left out from now on. */
  const leftOut = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof PregaoError) || error.code !== "query") return false;
    const named = [...error.message.matchAll(new RegExp(`/(${folder}[^\\s"',;()[\\]]+)`, "g"))].map(([, key]) =>
      key!.replace(/[.:]+$/, ""),
    );
    if (!(await drop(named))) return false;
    if (lost.size > 0) for (const key of (await goneOf(place, dataset)).gone) lost.add(key);
    await drop((await refusedIn(place, dataset)).map(({ key }) => key));
    if (out.size + lost.size > NAMED)
      throw new PregaoError(
        "unreadable",
        `expected at most ${NAMED} objects under ${folder} that are gone, no Parquet or of other columns, there are more: no statement can leave them all out. Take them away from there; pregao dlq list landed names them`,
      );
    return true;
  };

  /** @returns whether any of them is left out now and was not. */
  const drop = async (keys: readonly string[]): Promise<boolean> => {
    const fresh = [...new Set(keys)].filter((key) => !out.has(key) && !lost.has(key));
    const before = out.size + lost.size;
    for (let at = 0; at < fresh.length; at += LOOKS)
      await Promise.all(
        fresh.slice(at, at + LOOKS).map(async (key) => {
          const there = await head(aws, "lake", key);
          if (!there || isGone(place, key)) return lost.add(key);
          const found = await inspect(aws, dataset, { key, etag: there.etag, size: there.size });
          return found.is === "rejected" ? out.add(key) : found.is === "gone" ? lost.add(key) : null;
        }),
      );
    return out.size + lost.size > before;
  };

  const asked = async <T>(ask: (readable: string) => Promise<T>): Promise<T> => {
    for (;;)
      try {
        return await ask(readable());
      } catch (error) {
        if (!(await leftOut(error))) throw error;
      }
  };

  return {
    rows: async function* (sql) {
      const { rows } = await asked((condition) => query(aws, sql(condition), dataset.database));
      for await (const page of rows) yield* page;
    },
    all: (sql) => asked((condition) => all(aws, sql(condition), dataset.database)),
    unreadable: () => [...out].sort(),
    gone: () => [...lost].sort(),
  };
};
