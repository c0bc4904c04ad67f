import { backfill, knownOf } from "../../functions/backfill.ts";
import { newestCommit } from "../aws/documents.ts";
import { missingOf, wanted as toAsk } from "../core/backfill.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset, Download, Publication } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Web } from "../web/index.ts";
import { followed } from "./account.ts";
import { goesOn } from "./door.ts";
import { type Choice, commandFor, type IngestOptions, sameCommand, type Wanted } from "./ingest-choice.ts";
import { sessionsAsked, watched } from "./ingest-progress.ts";
import { type Fetched, type Ingested, ingestScreen, isWhole } from "./ingest-screen.ts";
import { isQuiet } from "./lake.ts";
import { datasetIn } from "./line.ts";
import type { Place } from "./place.ts";

type Published = Extract<Choice, { is: "published" }>;

/** What is to be done for one dataset. `before`: its newest commit before anything was sent. */
type Task = {
  wanted: Wanted;
  dataset: Dataset;
  publication: Publication;
  downloads: Download[];
  /** Sessions, or parts of the current one, that are there and not asked for. */
  there: number;
  /** Sessions that are there, asked for or not: of these the origin may have nothing any more. */
  had: ReadonlySet<string>;
  before: Commit | null;
};

/** On a laptop, what an earlier command left under way is waited for so long. */
const QUIET_MS = 60_000;

/**
 * `pregao ingest` of what the origin publishes: plans for every dataset first, then asks the origin for no more than that,
 * one download after the other. Whatever happens to one, the others are carried out; then the exit status says it.
 */
export const ingestPublished = async (
  place: Place,
  choice: Published,
  options: IngestOptions,
  open: () => Web,
): Promise<void> => {
  const again = sameCommand(choice, options);
  const isOver = goesOn(`${again}, which asks only for what is not there yet`);
  const web = open();
  try {
    const tasks: Task[] = [];
    for (const wanted of choice.wanted) tasks.push(await taskOf(place, wanted, choice));
    const fetched = await carriedOut(place, web, tasks, choice.again);
    if (options.wait) await waitedFor(place, tasks, fetched);
    const all = tasks.map((task, i) => ingested(task, fetched[i]!, options));
    if (!all.every(isWhole)) process.exitCode = 1;
    place.output.result({ whole: all.every(isWhole), ingested: all }, () =>
      ingestScreen(all, place.datasets, Boolean(options.wait)),
    );
  } finally {
    isOver();
    await web.close();
  }
};

const taskOf = async (place: Place, wanted: Wanted, { again, now }: Published): Promise<Task> => {
  const { sessions, parts } = wanted;
  const dataset = datasetIn(place.datasets, wanted.dataset);
  const publication = dataset.raw!.publication!;
  const isNothing = publication.history > 0 && sessions.length === 0;
  const known = await knownOf(place.aws, dataset, sessions);
  const downloads = isNothing ? [] : toAsk(publication, sessions, { ...known, now, parts, again });
  const missing = new Set(missingOf(sessions, known));
  const asked = new Set(downloads.flatMap((download) => download.sessions));
  const there =
    publication.history === 0
      ? publication.downloads([], parts).length - downloads.length
      : sessions.length - asked.size;
  return {
    wanted,
    dataset,
    publication,
    downloads,
    there,
    had: new Set(sessions.filter((session) => !missing.has(session))),
    before: await newestCommit(place.aws, dataset.name),
  };
};

/** Carries out the tasks under one bar. @returns what became of each task's downloads */
const carriedOut = async (place: Place, web: Web, tasks: readonly Task[], again: boolean): Promise<Fetched[][]> => {
  const bar = place.output.bar("fetch", sum(tasks.map(({ downloads }) => sessionsAsked(downloads))), "steps");
  const all: Fetched[][] = [];
  let before = 0;
  try {
    for (const { dataset, downloads } of tasks) {
      const progress = watched(bar, dataset.name, downloads, before);
      all.push(await backfill(place.aws, dataset, downloads, { web, again, progress }));
      before += sessionsAsked(downloads);
      bar.at(before);
    }
  } finally {
    bar.done();
  }
  return all;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Until every row that was sent is published or rejected, and what an earlier command left under way, too. */
const waitedFor = async (place: Place, tasks: readonly Task[], fetched: readonly Fetched[][]): Promise<void> => {
  const rows = fetched.flat().reduce((sum, { is, scraped }) => sum + (is === "sent" ? (scraped?.rows ?? 0) : 0), 0);
  const bar = place.output.bar("publish", rows);
  let done = 0;
  try {
    for (const [at, { dataset, before }] of tasks.entries()) {
      for (const one of fetched[at]!) {
        const { is, scraped } = one;
        if (is !== "sent" || !scraped) continue;
        try {
          one.account = await followed(place, dataset, scraped, before, (so) => bar.at(done + so));
        } catch (error) {
          // Of one file: it is said, and the others are waited for all the same.
          if (!(error instanceof PregaoError)) throw error;
          one.error = { code: error.code, message: error.message };
        }
        done += scraped.rows;
      }
      if (place.dir !== null && fetched[at]!.every(({ is }) => is !== "sent")) await isQuiet(place, dataset, QUIET_MS);
    }
  } finally {
    bar.done();
  }
};

const isBrought = (is: Fetched["is"]): boolean => is === "sent" || is === "unchanged";

/** What the origin has is older than what it must have by now: it came, and is not what was wanted. */
const stale = (one: Fetched, { wanted: { due }, publication: { means } }: Task): Fetched => {
  const newest = [...one.sessions].sort().at(-1);
  const isOld = isBrought(one.is) && newest !== undefined && newest < due[0]!;
  if (!isOld || one.error) return one;
  const message = `expected that of ${due[0]} by now, the newest is of ${newest}. ${means}`;
  return { ...one, error: { code: "stale", message } };
};

const ingested = (task: Task, fetched: Fetched[], options: IngestOptions): Ingested => {
  const { wanted, publication, had } = task;
  const downloads = publication.history === 0 ? fetched.map((one) => stale(one, task)) : fetched;
  const { dataset, parts, due } = wanted;
  const asked = [...wanted.sessions, ...wanted.early];
  const sessionsOf = (is: Fetched["is"]) => downloads.flatMap((d) => (d.is === is ? d.sessions : []));
  const gone = sessionsOf("absent");
  const absent = new Set(gone.filter((session) => !had.has(session)));
  const missing = due.filter((session) => absent.has(session));
  const one: Ingested = {
    dataset,
    parts,
    asked: publication.history === 0 ? null : { sessions: asked.length, from: asked[0]!, to: asked.at(-1)! },
    there: task.there + new Set(gone.filter((session) => had.has(session))).size,
    downloads,
    missing,
    early: [...[...absent].filter((session) => !due.includes(session)), ...wanted.early].sort(),
    means: publication.means,
    next: null,
  };
  if (isWhole(one)) return one;
  const left = [...new Set([...missing, ...sessionsOf("failed"), ...one.early])].sort();
  // All of it came, and what of it is not published waits for a person.
  const isThere = left.length === 0 && downloads.every(({ is, error }) => isBrought(is) && error?.code !== "stale");
  return { ...one, next: isThere ? "pregao status" : commandFor(wanted, left, options) };
};
