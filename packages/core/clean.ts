import type { Commit } from "./commit.ts";
import type { Catalog } from "./facts.ts";
import { type Run, SKEW_MS, type TableMap } from "./run.ts";

// Why what is decided here stays right, however long its caller stalls before it deletes: a commit's map is that of the
// commit before it, with partitions of the run's own attempt put in their place. So a folder of run n, once a commit from
// n on does not name it, is named by no later commit and read by no later run. Commits and their numbers never change:
// the order of the readings, two cleaners at once, and an attempt that goes on writing for a closed run make no difference.

/** A superseded folder stays this long, for readers that looked up where it is. */
export const KEPT_MS = 7 * 86_400_000;

/** When a commit was created, in milliseconds since 1970, by the store's clock: its own `at` may be a stalled caller's. */
export type Created = { commit: number; modified: number };

/**
 * One step of a fold over all commits of a dataset, the newest first, from 0: the number of the commit that was the newest
 * when the last 7 days began, or an older one. 0 is none. A time that lies ahead was written by a clock that was wrong; how
 * old such a commit is, only those after it say. Clocks that are ahead never make it too young.
 */
export const weekOld = (found: number, { commit, modified }: Created, now: number): number => {
  if (modified > now + SKEW_MS) return found;
  if (modified > now - KEPT_MS) return 0;
  return found === 0 ? commit : found;
};

/** `old`: the commit that {@link weekOld} found. `run`: the newest, open or not. All but `catalog` may be of any moment. */
export type Traces = { old: Commit | null; newest: Commit | null; run: Run | null; catalog: Catalog };

/** Whether a folder may go; `why` completes "it goes because" or "it stays because". */
export type Verdict = { goes: boolean; why: string };

export type Rule = {
  /** Of an attempt's folder as a whole, `refined/<table>/run=<n>-<attempt>/`; one that may go still holds what is named. */
  attempt: (table: string, folder: string) => Verdict;
  /** Of a file in one that may go. */
  file: (key: string) => Verdict;
};

/**
 * What may go: of the runs up to the old commit, whatever it does not name. Later runs were made, or published, in the
 * last 7 days. For the same reason no other commit need be asked; that the newest one, the newest run and the catalog are
 * asked, too, costs nothing.
 */
export const ruleOf = ({ old, newest, run, catalog }: Traces): Rule => {
  const named = new Map<string, string>();
  const name = (map: TableMap | undefined, why: string) => {
    for (const partitions of Object.values(map ?? {}))
      for (const { folder } of Object.values(partitions)) named.set(folder, why);
  };
  for (const partitions of Object.values(catalog))
    for (const folder of Object.values(partitions)) named.set(folder, "the catalog names it");
  if (run && run.run > (newest?.commit ?? 0)) name(run.tables, `run ${run.run} reads it`);
  name(old?.tables, `commit ${old?.commit} names it, the newest of 7 days ago`);
  name(newest?.tables, `commit ${newest?.commit} names it, the newest`);
  const last = old?.commit ?? 0;
  return {
    attempt: (table, folder) => {
      const n = runOf(table, folder);
      if (n === null) return stays("its name is not that of an attempt");
      if (n > last) return stays(last === 0 ? "no commit is 7 days old" : `run ${n} is younger than commit ${last}`);
      return goes(n, last);
    },
    file: (key) => {
      const why = foldersAbove(key)
        .map((folder) => named.get(folder))
        .find((found) => found !== undefined);
      return why === undefined ? { goes: true, why: "nobody names its folder" } : stays(why);
    },
  };
};

const stays = (why: string): Verdict => ({ goes: false, why });
const goes = (n: number, last: number): Verdict => ({
  goes: true,
  why: `run ${n} had ended when commit ${last} was the newest, 7 days ago`,
});

/** The run of an attempt's folder; null if it is anything else: what we did not make is not ours to delete. */
const runOf = (table: string, folder: string): number | null => {
  const [, n] = /^run=([1-9]\d{0,9})-[^/]+\/$/.exec(folder.slice(`refined/${table}/`.length)) ?? [];
  return n !== undefined && folder.startsWith(`refined/${table}/`) ? Number(n) : null;
};

/** All folders that hold a key, its own last. */
const foldersAbove = (key: string): string[] => [...key.matchAll(/\//g)].map(({ index }) => key.slice(0, index + 1));
