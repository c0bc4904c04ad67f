import { eachLetter } from "../aws/letters.ts";
import { inspect } from "../aws/parquet.ts";
import { all, query } from "../aws/queries.ts";
import { readPart, replays } from "../aws/replays.ts";
import { head } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { refusedObject } from "../core/reject.ts";
import { beforeEnd } from "./door.ts";
import { inList, pathOf } from "./lake.ts";
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

/** A statement over the raw table. `readable` must be among the conditions of each part of it that reads the table. */
export type RawSql = (readable: string) => string;

/** The raw table, without the objects in it that are none. */
export type RawTable = {
  /** One row at a time, no more than a page in memory. */
  rows: (sql: RawSql) => AsyncGenerator<(string | null)[]>;
  /** A small answer, whole. */
  all: (sql: RawSql) => Promise<Record<string, string | null>[]>;
  /** Keys of the objects that were left out so far. */
  unreadable: () => string[];
};

/** Objects that a statement can leave out by name: Athena takes 256 KiB. */
const NAMED = 1000;
/** Objects looked at together. */
const LOOKS = 16;

/**
 * The raw table of a dataset. One object in it that is no Parquet, or has other columns, makes every statement fail that
 * opens it, here as on Athena, also after it was refused. It is left out by its `"$path"` once a statement has failed on
 * it and its bytes have proved it, by the same look by which `advance` refuses it. So are, then, those which
 * `landed-dlq` names, so that many of them do not take as many tries. Any other failure is thrown.
 */
export const rawTable = (place: Place, dataset: Dataset): RawTable => {
  const { aws } = place;
  const out = new Set<string>();
  const readable = (): string =>
    out.size === 0 ? "1 = 1" : `"$path" NOT IN ${inList([...out].map((key) => pathOf(place, key)))}`;

  /** Whether a failure names objects that are none; they are left out from now on. */
  const leftOut = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof PregaoError) || error.code !== "query") return false;
    const root = pathOf(place, `raw/${dataset.name}/`);
    const named = [...error.message.matchAll(/s3:\/\/[^\s"',;()[\]]+/g)]
      .map(([path]) => path.replace(/[.:]+$/, ""))
      .filter((path) => path.startsWith(root))
      .map((path) => path.slice(pathOf(place, "").length));
    if (!(await drop(named))) return false;
    await drop((await refusedIn(place, dataset)).map(({ key }) => key));
    if (out.size > NAMED)
      throw new PregaoError(
        "unreadable",
        `expected at most ${NAMED} objects under raw/${dataset.name}/ that are no Parquet or have other columns, there are more: no statement can leave them all out. Take them away from there; pregao dlq list landed names them`,
      );
    return true;
  };

  /** @returns whether any of them is left out now and was not. */
  const drop = async (keys: readonly string[]): Promise<boolean> => {
    const fresh = [...new Set(keys)].filter((key) => !out.has(key));
    const before = out.size;
    for (let at = 0; at < fresh.length; at += LOOKS)
      await Promise.all(
        fresh.slice(at, at + LOOKS).map(async (key) => {
          const there = await head(aws, "lake", key);
          const found = there && (await inspect(aws, dataset, { key, etag: there.etag, size: there.size }));
          if (found?.is === "rejected") out.add(key);
        }),
      );
    return out.size > before;
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
  };
};
