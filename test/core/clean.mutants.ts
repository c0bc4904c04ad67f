import type { Commit } from "../../packages/core/commit.ts";
import { object } from "./advance.scenarios.ts";
import { DAY, type Scenario } from "./advance.world.ts";
import { attemptOf, type Cleaning, type CleanLaw, cleanLaw, type Seen } from "./clean.world.ts";

const cleaning = (name: string, scenario: Partial<Scenario>, more: Partial<Cleaning> = {}): Cleaning => ({
  name,
  cleans: 1,
  stalling: 1,
  ...more,
  scenario: {
    name,
    specs: [object("a"), object("b")],
    ticks: [8 * DAY],
    kills: 0,
    stalls: 0,
    swift: true,
    ...scenario,
  },
});

/** Small worlds, each searched whole. */
export const cleanings = {
  two: cleaning("two cleaners that stall beside each other", {}, { published: 1, cleans: 2, stalling: 2 }),
  attempt: cleaning(
    "an attempt at work, or given up and writing all the same",
    { specs: [object("a")], kills: 1, swift: undefined },
    { zombies: 1 },
  ),
  killed: cleaning(
    "a run that failed, and one that writes when its run is closed",
    { kills: 1 },
    { published: 1, zombies: 1 },
  ),
  stalled: cleaning(
    "a caller of advance that stalls for days",
    { stalls: 1, stops: ["clock", "catalog", "commit"] },
    { published: 1, stalling: 0 },
  ),
  units: cleaning("two units in one run, and two tables", {
    specs: [object("a", "good", ["x", "y"]), object("b", "good", ["y"])],
    tables: ["t", "m"],
  }),
  slow: cleaning(
    "a commit every few days",
    {
      specs: [object("a"), object("b"), object("c")],
      ticks: [4 * DAY, 4 * DAY],
    },
    { published: 1, stalling: 0 },
  ),
} satisfies Record<string, Cleaning>;

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf("/") + 1);
const runOf = (key: string): number => Number(/\/run=(\d+)-/.exec(key)?.[1]);
const names = (commits: readonly (Commit | undefined)[], key: string): boolean =>
  commits.some((commit) =>
    Object.values(commit?.tables ?? {}).some((partitions) =>
      Object.values(partitions).some(({ folder }) => folder === folderOf(key)),
    ),
  );
const reads = ({ run }: Seen, key: string): boolean =>
  Object.values(run?.tables ?? {}).some((partitions) =>
    Object.values(partitions).some(({ folder }) => folder === folderOf(key)),
  );
const withinWeek = ({ now, created, commits }: Seen): Commit[] =>
  commits.filter((_, index) => created[index]! > now - 7 * DAY);

/** What was wrong with a cleaner once, or could be, and a world that shows it. */
export const cleanMutants: { name: string; cleaning: Cleaning; law: CleanLaw }[] = [
  {
    name: "named by no commit and no open run: it deleted the output of the running attempt, which was then published",
    cleaning: cleanings.attempt,
    law: (seen) => seen.files.filter((key) => !names(seen.commits, key) && !reads(seen, key)),
  },
  {
    name: "by no commit of the last 7 days: after 8 quiet days nothing was named, the lake was emptied",
    cleaning: cleanings.two,
    law: (seen) =>
      seen.files.filter(
        (key) => runOf(key) <= seen.commits.length && !names(withinWeek(seen), key) && !reads(seen, key),
      ),
  },
  {
    name: "by no commit made in the last 7 days, and not by the newest: the one before them was shown till then",
    cleaning: cleanings.slow,
    law: (seen) =>
      seen.files.filter(
        (key) => runOf(key) <= seen.commits.length && !names([...withinWeek(seen), seen.commits.at(-1)], key),
      ),
  },
  {
    name: "by the newest commit alone: readers had no time to go on",
    cleaning: cleanings.two,
    law: (seen, scenario) => cleanLaw({ ...seen, created: seen.created.map(() => 0) }, scenario),
  },
  {
    name: "a commit is as old as it says: its caller had stalled since it looked at its clock",
    cleaning: cleanings.stalled,
    law: (seen, scenario) =>
      cleanLaw({ ...seen, created: seen.commits.map((commit) => Date.parse(commit.at)) }, scenario),
  },
  {
    name: "the catalog is not asked: it was behind, and readers were shown what was gone",
    cleaning: cleanings.two,
    law: (seen, scenario) => cleanLaw({ ...seen, catalog: {} }, scenario),
  },
  {
    name: "a run of the old commit's number and one more: it may be open",
    cleaning: cleanings.attempt,
    law: (seen) => seen.files.filter((key) => runOf(key) <= seen.commits.length + 1 && !names(seen.commits, key)),
  },
  {
    name: "an attempt's folder goes as a whole: other partitions in it are still named",
    cleaning: cleanings.units,
    law: (seen, scenario) => {
      const gone = new Set(cleanLaw(seen, scenario).map(attemptOf));
      return seen.files.filter((key) => gone.has(attemptOf(key)));
    },
  },
  {
    name: "one table is asked for all",
    cleaning: cleanings.units,
    law: (seen, scenario) =>
      cleanLaw(
        {
          ...seen,
          catalog: {},
          commits: seen.commits.map((commit) => ({ ...commit, tables: { t: commit.tables.t ?? {} } })),
        },
        scenario,
      ),
  },
  {
    name: "only what a commit once named goes: attempts that failed fill the lake",
    cleaning: cleanings.killed,
    law: (seen, scenario) => cleanLaw(seen, scenario).filter((key) => names(seen.commits, key)),
  },
  {
    name: "a folder that is in use keeps all of its run",
    cleaning: cleanings.units,
    law: (seen, scenario) => {
      const used = new Set(seen.files.filter((key) => names([seen.commits.at(-1)], key)).map((key) => runOf(key)));
      return cleanLaw(seen, scenario).filter((key) => !used.has(runOf(key)));
    },
  },
];
