import { newestCommit } from "../packages/aws/documents.ts";
import type { Aws } from "../packages/aws/index.ts";
import { rowsOf } from "../packages/aws/rows.ts";
import { sessionsBetween } from "../packages/core/backfill.ts";
import type { Commit } from "../packages/core/commit.ts";
import type { Dataset, SessionFact } from "../packages/core/dataset.ts";
import { type Figures, figuresOf, lately, told } from "../packages/core/gaps.ts";
import { dueAfter, ofUsual, publishedBy, type Standing, standingOf } from "../packages/core/session.ts";
import { partitionValues } from "../packages/core/table.ts";
import { topology } from "../packages/core/topology.ts";
import { log } from "./log.ts";

// What the tables say of sessions, for whoever watches the river: a few small files are read, and nothing depends on it.

/**
 * Tells the log how the sessions stand that are due by now (ms since 1970). Silent for a dataset of which no clock looks
 * for files. It never throws: that nothing is told is what an alarm notices.
 */
export const tellStanding = (aws: Aws, datasets: readonly Dataset[], dataset: Dataset, now: number): Promise<void> =>
  quietly(dataset, async () => {
    const after = dueAfter(topology(datasets, aws.stage.pace), dataset);
    if (after === null || !dataset.sessions?.facts) return;
    const standing = await standingAt(aws, dataset, await newestCommit(aws, dataset.name), after, now);
    log("INFO", "advance", "sessions that are due", {
      dataset: dataset.name,
      ...standing,
      missing: standing.missing.length,
      incomplete: standing.incomplete.length,
      sessions: [...standing.missing, ...standing.incomplete],
    });
  });

/**
 * How the sessions of a commit's tables stand at an instant (ms since 1970), judged by what a clock looks for; `after`:
 * core/session.ts, dueAfter. An alarm and `status` say the same by it.
 */
export const standingAt = async (
  aws: Aws,
  dataset: Dataset,
  commit: Commit | null,
  after: number,
  now: number,
): Promise<Standing & Figures> => {
  const publication = dataset.raw?.publication;
  const usual = publication?.parts?.usual;
  // Partitions know neither series nor a dataset's first session: the facts do, of which such a dataset has few.
  const every = usual !== undefined || publication?.history === 0;
  const span = lately(now, after);
  const units = new Set(sessionsBetween(span.from, span.to).map((session) => dataset.unit?.of(session)));
  const partition = dataset.unit?.partition ?? "";
  let older = false;
  const known = await factsOf(aws, dataset, commit, (name) => {
    const unit = partitionValues(name)[partition];
    if (every || unit === undefined || units.has(unit)) return true;
    // Units sort as their sessions do.
    older ||= unit < (dataset.unit?.of(span.from) ?? "");
    return false;
  });
  const facts = ofUsual(known, usual);
  return {
    ...standingOf(facts, now, after, publication?.history),
    ...figuresOf(facts, span, older || facts.some((f) => told(f) && f.session < span.from)),
  };
};

/** Tells the log what a commit that was published brought, and how long it took. It never throws. */
export const tellPublished = (aws: Aws, dataset: Dataset, commit: Commit): Promise<void> =>
  quietly(dataset, async () => {
    if (!dataset.sessions?.facts || commit.rebuild || Object.keys(commit.origins).length === 0) return;
    // Its own files: what it left as it was, it did not bring.
    const own = Object.values(commit.tables).flatMap((partitions) =>
      Object.entries(partitions).flatMap(([name, { folder }]) =>
        folder.includes(`-${commit.attempt}/`) ? [name] : [],
      ),
    );
    const facts = await factsOf(aws, dataset, commit, (name) => own.includes(name));
    log("INFO", "advance", "sessions published", {
      dataset: dataset.name,
      commit: commit.commit,
      ...publishedBy(commit, facts),
    });
  });

/** What a commit's tables say of the sessions in these partitions. */
export const factsOf = async (
  aws: Aws,
  dataset: Dataset,
  commit: Commit | null,
  wanted: (partition: string) => boolean,
): Promise<SessionFact[]> => {
  const facts = dataset.sessions?.facts;
  if (!facts || !commit) return [];
  const rows = await Promise.all(
    facts.tables.map(async (table) => [table, await rowsOf(aws, commit.tables[table] ?? {}, wanted)] as const),
  );
  return facts.of(Object.fromEntries(rows));
};

const quietly = async ({ name }: Dataset, tell: () => Promise<void>): Promise<void> => {
  try {
    await tell();
  } catch (error) {
    log("WARN", "advance", "what the tables say of the sessions could not be told", {
      dataset: name,
      error: String(error),
    });
  }
};
