import { type Commit, isSettled, recentNames } from "./commit.ts";
import { PregaoError } from "./errors.ts";
import type { Facts, Shape } from "./facts.ts";
import {
  byKey,
  dayBefore,
  ingestDate,
  lastClosed,
  nameObject,
  nameOf,
  type RawObject,
  type Rejected,
  RUN_NAMES,
  type Run,
  type TableMap,
} from "./run.ts";
import { partitionValues } from "./table.ts";

/** Listed and not settled, in order of ingest date and key. */
export const unsettled = (facts: Pick<Facts, "raw" | "commit">): RawObject[] => {
  const { commit } = facts;
  const names = recentNames(commit);
  const waiting = new Set(watched(commit));
  const objects = new Map(
    facts.raw.map((o) => [
      nameOf(o),
      nameObject(waiting.has(o.key) ? { ...o, named: true } : o, commit?.through ?? null),
    ]),
  );
  return [...objects.values()].filter((o) => !isSettled(commit, o, names)).sort(byKey);
};

/** Written down by a commit and not settled. */
const waitingIn = (commit: Commit | null): RawObject[] =>
  commit ? [...commit.late, ...commit.held, ...commit.failed, ...commit.next] : [];

/**
 * What waits by name and is there no more: deleted, or written again under another ETag. Not while that newer version is
 * `pending`, since it takes the older one's place once it is published. Only a listing that is not older than the commit
 * can tell: everything that waits is listed, or looked up by name.
 */
export const vanished = ({ commit, raw, listed }: Facts, pending: readonly RawObject[]): RawObject[] => {
  if (!commit || listed < commit.commit) return [];
  const there = new Set(raw.map(nameOf));
  const newer = new Set(pending.map((o) => o.key));
  const gone = waitingIn(commit).filter((o) => !there.has(nameOf(o)) && !newer.has(o.key));
  return [...new Map(gone.map((o) => [nameOf(o), named(o)])).values()].sort(byKey);
};

const named = ({ key, etag, size, late }: RawObject): RawObject =>
  late ? { key, etag, size, late } : { key, etag, size };
const GONE = "it waited, held or after a failure, and is there no more: it was deleted, or written again";

/** What a look at an object's footer found. `gone`: there is no such version any more. `unread`: it tells nothing. */
export type Inspected =
  | { object: RawObject; is: "sound"; units: readonly string[] }
  | { object: RawObject; is: "rejected"; reason: string; message: string }
  | { object: RawObject; is: "gone" }
  | { object: RawObject; is: "unread"; error: unknown };

/**
 * Run n+1 on commit n, the newest that was read: its creation fails if another caller has made one. Null when nothing
 * is left to do. `rebuild`: units to make anew of a dataset without raw; rebuild.ts plans the others'.
 *
 * @throws PregaoError `withdrawn` if more events are withdrawn than a run can name
 */
export const plan = (
  facts: Facts,
  inspected: readonly Inspected[],
  shape: Shape,
  rebuild: readonly string[] | null,
): Run | null => {
  const { commit, now } = facts;
  const sound = inspected.filter((i) => i.is === "sound");
  const known = new Set(waitingIn(commit).map(nameOf));
  const rejects = inspected.flatMap((i): Rejected[] => {
    if (i.is === "rejected") return [{ ...i.object, reason: i.reason, message: i.message.slice(0, 1000) }];
    // What nothing has written down, its deleter answers for; what waits by name must not do so for ever.
    return i.is === "gone" && known.has(nameOf(i.object)) ? [{ ...i.object, reason: "gone", message: GONE }] : [];
  });
  if (!rebuild && sound.length + rejects.length === 0) return null;
  const base = commit?.commit ?? 0;
  const units = [...new Set(rebuild ?? sound.flatMap((i) => i.units))].sort();
  const objects = rebuild ? [] : sound.map((i) => i.object);
  const taken = new Set([...objects, ...rejects].map(nameOf));
  return {
    format: 1,
    dataset: shape.dataset,
    run: base + 1,
    base,
    opened_at: new Date(now).toISOString(),
    recipe: shape.recipe,
    objects,
    units,
    tables: partitionsOf(commit?.tables ?? {}, units, shape.unit),
    through: shape.raw ? throughOf(facts, taken) : null,
    rejects,
    accepted: facts.accepted,
    rebuild: rebuild !== null,
    withdrawn: withdrawnOf(facts, shape),
  };
};

export const withdrawnOf = ({ withdrawn }: Facts, { dataset, raw }: Shape): string[] => {
  if (withdrawn.length > RUN_NAMES)
    throw new PregaoError(
      "withdrawn",
      `expected at most ${RUN_NAMES} withdrawn events of ${dataset}, came more. No run can name them all: rebuild the units they are of from a corrected origin, then remove what withdrawn/${dataset}/ no longer needs`,
    );
  return raw ? [...withdrawn].sort() : [];
};

/** The partitions of these units. */
export const partitionsOf = (map: TableMap, units: readonly string[], unit: string | null): TableMap =>
  Object.fromEntries(
    Object.entries(map).map(([table, partitions]) => [
      table,
      Object.fromEntries(
        Object.entries(partitions).filter(
          ([name]) => unit === null || units.includes(partitionValues(name)[unit] ?? ""),
        ),
      ),
    ]),
  );

/**
 * The last closed date before the first that has an object neither settled nor in the run. It never goes back, and it
 * stays where it is when the listing is older than the base: an object may have landed since, and its bell have been
 * answered for a listing to come, which `through` would cut short if a clock was wrong.
 */
const throughOf = (facts: Facts, taken: ReadonlySet<string>): string | null => {
  const before = facts.commit?.through ?? null;
  if (facts.listed < (facts.commit?.commit ?? 0)) return before;
  let through = lastClosed(facts.now);
  for (const o of unsettled(facts)) {
    const date = ingestDate(o.key);
    if (date !== null && !taken.has(nameOf(o)) && date <= through) through = dayBefore(date);
  }
  return before !== null && before > through ? before : through;
};

/**
 * The keys that must be looked up by name, since a listing from `through` on does not show them: also of what was gone for
 * a while, and its date closed meanwhile.
 */
export const watched = (commit: Commit | null): string[] =>
  waitingIn(commit)
    .filter((o) => o.late || (ingestDate(o.key) ?? "") <= (commit?.through ?? ""))
    .map((o) => o.key);

/**
 * Of objects a bell named: those that only a bell knows of, now (late) or once the open run is published (it closes their
 * date without them), and that nothing has taken note of yet. The bell must ring again for them.
 */
export const owed = (facts: Facts, named: readonly string[]): string[] => {
  const { run, commit } = facts;
  const keys = new Set(named);
  const closing = (run && run.run > (commit?.commit ?? 0) && run.through) || "";
  const noted = new Set(
    [
      ...(facts.run?.objects ?? []),
      ...(facts.run?.rejects ?? []),
      ...(facts.commit?.held ?? []),
      ...(facts.commit?.failed ?? []),
      ...(facts.commit?.late ?? []),
    ].map(nameOf),
  );
  return unsettled(facts)
    .filter((o) => keys.has(o.key) && !noted.has(nameOf(o)) && (o.late || (ingestDate(o.key) ?? "") <= closing))
    .map((o) => o.key);
};
