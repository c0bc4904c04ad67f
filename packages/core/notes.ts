import type { Commit } from "./commit.ts";
import type { Attempt, Facts, Shape } from "./facts.ts";
import { lastClosed, type RawObject, type Run, SKEW_MS } from "./run.ts";

/** What `advance` tells the log. */
export type Note = (level: "INFO" | "WARN" | "ERROR", message: string, metadata: Record<string, unknown>) => void;

/** What lies under such a date is taken by name; the log says why there is so much of it. */
export const noteClock = (note: Note, { commit, now }: Facts, { dataset }: Shape): void => {
  const closes = lastClosed(now + SKEW_MS);
  if (commit?.through && commit.through > closes)
    note("ERROR", "ingest dates were closed that this clock would not close yet: a clock is wrong, or was", {
      dataset,
      commit: commit.commit,
      through: commit.through,
      closes,
      now: new Date(now).toISOString(),
    });
};

export const noteUnread = (note: Note, { dataset }: Shape, { key, etag }: RawObject, error: unknown): void =>
  note("ERROR", "an object could not be looked at; it stays pending", { dataset, key, etag, error: String(error) });

export const noteRun = (note: Note, run: Run): void => {
  const { dataset, units, through } = run;
  const bytes = run.objects.reduce((sum, o) => sum + o.size, 0);
  note("INFO", run.rebuild ? "rebuild opened" : "run opened", {
    dataset,
    run: run.run,
    objects: run.objects.length,
    bytes,
    units,
    through,
    rejects: run.rejects.length,
  });
  const gone = run.rejects.filter((o) => o.reason === "gone").map((o) => o.key);
  if (gone.length > 0)
    note("WARN", "objects that waited, held or after a failure, are there no more; each is a dead letter of landed", {
      dataset,
      run: run.run,
      keys: gone.slice(0, 20),
      objects: gone.length,
    });
  const late = run.objects.filter((o) => o.late).map((o) => o.key);
  if (late.length > 0)
    note("ERROR", "objects landed under an ingest date that was closed, or their bell came again long after", {
      dataset,
      run: run.run,
      keys: late.slice(0, 20),
      objects: late.length,
    });
};

/** `attempts`: those of its run, whose time and cost are told as far as they are known. */
export const noteCommit = (note: Note, commit: Commit, run: Run | null, attempts: readonly Attempt[] = []): void => {
  const { dataset, status, reason, rows, attempt, rebuild } = commit;
  // Nobody tries a rebuild again but the person who asked for it.
  const failed = rebuild && status === "failed";
  const level =
    status === "held" || failed ? "ERROR" : status === "failed" || commit.rejected.length > 0 ? "WARN" : "INFO";
  note(
    level,
    rebuild ? `rebuild ${status}${status === "published" ? "" : ", the tables are as before"}` : `run ${status}`,
    {
      dataset,
      commit: commit.commit,
      attempt,
      units: run?.units ?? [],
      rows,
      reason,
      rejected: commit.rejected.length,
      held: commit.held.length,
      failed: commit.failed.length,
      findings: commit.audit.length,
      seconds: total(attempts.map((a) => a.seconds)),
      dpuSeconds: total(attempts.map((a) => a.dpuSeconds)),
    },
  );
};

const total = (values: readonly (number | undefined)[]): number | null => {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
};
