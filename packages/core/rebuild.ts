import type { Commit } from "./commit.ts";
import { PregaoError } from "./errors.ts";
import type { Facts, Shape } from "./facts.ts";
import { partitionsOf, withdrawnOf } from "./plan.ts";
import { byKey, nameOf, type RawObject, RUN_NAMES, type Run, type TableMap } from "./run.ts";
import { partitionValues } from "./table.ts";

/** What a run and its commit, both by the same number, say of raw objects. */
export type Past = { units: string[]; refined: RawObject[]; rejected: RawObject[] };

/** `refined`: what the run read and its commit published. A rebuild read nothing that was not refined before. */
export const pastOf = (run: Run, commit: Commit): Past => ({
  units: run.units,
  refined: commit.status === "published" && !run.rebuild ? run.objects : [],
  rejected: commit.rejected,
});

/**
 * `past`: runs 1 to n in order. `there`: key → ETag of every raw object, listed after the last of them was read. `lost`:
 * names of those that may be gone, for every row of theirs is in other objects.
 */
export type Recalled = { past: readonly Past[]; there: ReadonlyMap<string, string>; lost?: ReadonlySet<string> };

/** Objects that an error names. */
const TOLD = 1000;

export type Planned = { is: "run"; run: Run } | { is: "waits"; why: string };

/**
 * Run n+1 that makes a unit anew from raw: all objects that were ever refined into it, each in the version that was last.
 * Firehose writes a key again with the rows it had, and more, so the older versions are in it. What is refined is told by
 * runs and commits alone: a date that was closed too early says it of objects that nobody read.
 *
 * Left out is what is gone and known to be lost without a row.
 *
 * "waits": a newer version of an object is not refined yet, and the older one is no more; its turn comes first.
 * @throws PregaoError `rebuild` if rows that are in the tables cannot be read from raw: without them they would be lost;
 * if nothing was refined into the unit; or if a run cannot name so many
 */
export const planRebuild = (facts: Facts, recalled: Recalled, shape: Shape, unit: string): Planned => {
  const { commit, now } = facts;
  const { past, there } = recalled;
  const objects = refinedInto(past, unit).filter((o) => !isLost(o, recalled));
  const what = `the rebuild of ${shape.dataset} ${unit}`.trimEnd();
  if (objects.length === 0)
    throw new PregaoError(
      "rebuild",
      `${what}: expected raw objects that were refined into it, came none. Units of ${shape.dataset}: ${unitsOf(commit, shape.unit).join(", ") || "none yet"}`,
    );
  if (objects.length > RUN_NAMES)
    throw new PregaoError(
      "rebuild",
      `${what}: expected at most ${RUN_NAMES} raw objects, came ${objects.length}: a run cannot name so many`,
    );
  const moved = objects.filter((o) => there.get(o.key) !== o.etag);
  const known = moved.length > 0 ? knownOf(past, commit) : null;
  const waits = known ? moved.map((o) => waitingFor(o, there.get(o.key), known, shape)) : [];
  const never = waits.find((w) => !w.comes);
  if (never)
    throw new PregaoError(
      "rebuild",
      `${what}: ${never.why}${waits.length > 1 ? `; and ${waits.length - 1} more objects` : ""}`,
      { objects: moved.filter((_, n) => !waits[n]!.comes).slice(0, TOLD) },
    );
  if (waits[0]) return { is: "waits", why: `${what} waits: ${waits[0].why}` };
  const base = commit?.commit ?? 0;
  return {
    is: "run",
    run: {
      format: 1,
      dataset: shape.dataset,
      run: base + 1,
      base,
      opened_at: new Date(now).toISOString(),
      recipe: shape.recipe,
      objects,
      units: [unit],
      tables: partitionsOf(commit?.tables ?? {}, [unit], shape.unit),
      through: commit?.through ?? null,
      rejects: [],
      accepted: facts.accepted,
      rebuild: true,
      withdrawn: withdrawnOf(facts, shape),
    },
  };
};

const isLost = ({ key, etag }: RawObject, { there, lost }: Recalled): boolean =>
  !there.has(key) && (lost?.has(nameOf({ key, etag })) ?? false);

/** What was refined, lies in raw no more, and is not known to be lost: it stops the rebuild of its units. */
export const goneFrom = (recalled: Recalled): RawObject[] =>
  refinedInto(recalled.past, null).filter((o) => !recalled.there.has(o.key) && !isLost(o, recalled));

/** The last refined version of every key of which any version was in a run of the unit, in order; null: of any unit. */
const refinedInto = (past: readonly Past[], unit: string | null): RawObject[] => {
  const last = new Map<string, RawObject>();
  const keys = new Set<string>();
  for (const { units, refined } of past)
    for (const { key, etag, size } of refined) {
      last.set(key, { key, etag, size });
      if (unit === null || units.includes(unit)) keys.add(key);
    }
  return [...keys].map((key) => last.get(key)!).sort(byKey);
};

/** The names of the versions that are known, by what became of them. */
const knownOf = (past: readonly Past[], commit: Commit | null) => ({
  rejected: new Set(past.flatMap((p) => p.rejected.map(nameOf))),
  refined: new Set(past.flatMap((p) => p.refined.map(nameOf))),
  held: new Set(commit?.held.map(nameOf)),
  failed: new Set(commit?.failed.map(nameOf)),
});

/** Why a refined version cannot be read, and whether a newer one comes by itself. */
const waitingFor = (
  { key, etag }: RawObject,
  found: string | undefined,
  { rejected, refined, held, failed }: ReturnType<typeof knownOf>,
  { dataset }: Shape,
): { comes: boolean; why: string } => {
  const expected = `expected ${key} under the ETag ${etag} that was refined`;
  if (found === undefined)
    return {
      comes: false,
      why: `${expected}, came no object. Its rows may be in the tables only. Restore it, send them again from the archive (pregao verify ${dataset} --repair), or do without what has no archive (pregao refine ${dataset} --rebuild --without-gone)`,
    };
  const name = nameOf({ key, etag: found });
  const came = `${expected}, came ${found}, which`;
  if (rejected.has(name))
    return { comes: false, why: `${came} was rejected. The refined rows are in the tables only: restore the object` };
  if (refined.has(name))
    return { comes: false, why: `${came} is an older version. Newer rows are in the tables only: restore the object` };
  if (held.has(name)) return { comes: false, why: `${came} is held: accept it, or correct its file, and ask again` };
  return { comes: true, why: `${came} ${failed.has(name) ? "failed and is tried again" : "is not refined yet"}` };
};

/** The units that have a partition at a commit, in order; `[""]` for a dataset without a unit that has any. */
export const unitsOf = (commit: Commit | null, unit: string | null): string[] => {
  const names = Object.values(commit?.tables ?? {}).flatMap((partitions) => Object.keys(partitions));
  if (unit === null) return names.length > 0 ? [""] : [];
  return [...new Set(names.map((name) => partitionValues(name)[unit] ?? ""))].sort();
};

/** The partitions that another recipe than this one made: a rebuild of their unit makes them anew. */
export const behind = ({ tables }: { tables: TableMap }, recipe: string): { table: string; partition: string }[] =>
  Object.entries(tables).flatMap(([table, partitions]) =>
    Object.entries(partitions)
      .filter(([, entry]) => entry.recipe !== recipe)
      .map(([partition]) => ({ table, partition })),
  );
