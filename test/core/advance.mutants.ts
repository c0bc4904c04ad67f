import { decide, type Reading, readings } from "../../packages/core/advance.ts";
import type { Facts } from "../../packages/core/facts.ts";
import { owed, plan } from "../../packages/core/plan.ts";
import { pastOf, planRebuild } from "../../packages/core/rebuild.ts";
import { type ListedObject, lastClosed, nameOf, type RawObject, type Run } from "../../packages/core/run.ts";
import { larger, rawKey, scenarios } from "./advance.scenarios.ts";
import { type Rules, rules, type Scenario } from "./advance.world.ts";

const swapped = (first: Reading, second: Reading): Reading[] =>
  readings.map((r) => (r === first ? second : r === second ? first : r));
const before = (moved: Reading, other: Reading): Reading[] => {
  const rest = readings.filter((r) => r !== moved);
  return rest.toSpliced(rest.indexOf(other), 0, moved);
};
const seen = (change: (facts: Facts) => Facts): Pick<Rules, "decide" | "plan"> => ({
  decide: (facts, shape, wish) => decide(change(facts), shape, wish),
  plan: (facts, ...others) => plan(change(facts), ...others),
});

const planned =
  (change: (run: Run, facts: Facts) => Run): typeof planRebuild =>
  (facts, ...others) => {
    const made = planRebuild(facts, ...others);
    return made.is === "run" ? { is: "run", run: change(made.run, facts) } : made;
  };
/** The commit of a rebuild made as that of any other run. */
const ordinary = {
  decide: ((facts, shape, wish) => {
    const { run } = facts;
    const document = decide(run ? { ...facts, run: { ...run, rebuild: false } } : facts, shape, wish);
    return document.do === "start" && run ? { do: "start", run } : document;
  }) satisfies typeof decide,
};

const isListed = ({ raw }: Facts, object: RawObject): boolean => raw.some((o) => nameOf(o) === nameOf(object));
/** What waits and is not listed is looked at before it counts as gone, and taken if it is there: both nets must be gone. */
const unwatched: Partial<Rules> = {
  watched: () => [],
  plan: (facts, inspected, ...others) =>
    plan(
      facts,
      inspected.filter(({ object }) => isListed(facts, object)),
      ...others,
    ),
};

/** Each a mistake that was once made, or could be: a world where it is a sin, and what the mistake changes. */
export const mutants: { name: string; scenario: Scenario; law: Partial<Rules> }[] = [
  {
    name: "commit n made from the newest commit that the caller had read",
    scenario: larger.units,
    law: {
      order: before("commit", "run"),
      // Without the number on it, decide could not tell that it is another commit.
      base: (_, { commit }) => commit,
      decide: (facts, shape, wish) => {
        const { run, base } = facts;
        if (!run || run.run <= (facts.commit?.commit ?? 0)) return decide(facts, shape, wish);
        return decide(
          { ...facts, base: run.base === 0 ? null : { ...(base ?? empty), commit: run.base } },
          shape,
          wish,
        );
      },
    },
  },
  {
    name: "reports read before attempts",
    scenario: scenarios.kill,
    law: { order: swapped("submissions", "attempts") },
  },
  {
    name: "the clock read after the listing",
    scenario: larger.closingStall,
    law: { order: swapped("clock", "raw") },
  },
  {
    name: "through moved on without waiting for late objects",
    scenario: scenarios.closing,
    law: {
      plan: (facts, ...others) => {
        const run = plan(facts, ...others);
        return run && { ...run, through: new Date(facts.now).toISOString().slice(0, 10) };
      },
    },
  },
  {
    name: "settled objects remembered by key",
    scenario: scenarios.rewritten,
    law: seen((facts) => ({
      ...facts,
      raw: facts.raw.filter((o) => !facts.commit?.recent.some((r) => r.key === o.key)),
    })),
  },
  {
    name: "an object read without its ETag",
    scenario: scenarios.rewrittenFirst,
    law: {
      byEtag: false,
      // A report of other units than the run's is refused as well: both nets must be gone.
      decide: (facts, shape, wish) =>
        decide(facts.run ? { ...facts, run: { ...facts.run, units: ["x", "y"] } } : facts, shape, wish),
    },
  },
  {
    name: "the catalog judged by a marker",
    scenario: scenarios.stall,
    law: {
      catalog: (world) => {
        const commit = world.commits[world.marker - 1];
        if (!commit) return world.catalog;
        return Object.fromEntries(
          Object.entries(commit.tables).map(([table, partitions]) => [
            table,
            Object.fromEntries(Object.entries(partitions).map(([p, e]) => [p, e.folder])),
          ]),
        );
      },
    },
  },
  {
    name: "the catalog looked at after the open run",
    scenario: scenarios.stall,
    law: {
      decide: (facts, shape, wish) => {
        const open = facts.run && facts.run.run > (facts.commit?.commit ?? 0);
        const action = decide({ ...facts, catalog: catalogOf(facts) }, shape, wish);
        return action.do === "rest" && !open ? decide(facts, shape, wish) : action;
      },
    },
  },
  {
    name: "a held object is pending",
    scenario: scenarios.held,
    law: seen((facts) => (facts.commit ? { ...facts, commit: { ...facts.commit, held: [] } } : facts)),
  },
  {
    name: "held objects stay in every later run",
    scenario: scenarios.held,
    law: {
      decide: (facts, shape, wish) => {
        const action = decide(facts, shape, wish);
        if (action.do !== "open") return action;
        const taken = new Set(action.objects.map(nameOf));
        const held: RawObject[] = (facts.commit?.held ?? []).filter((h) => !taken.has(nameOf(h)));
        return { ...action, objects: [...action.objects, ...held.map(({ key, etag, size }) => ({ key, etag, size }))] };
      },
    },
  },
  {
    name: "every failure counts",
    scenario: scenarios.outage,
    law: {
      decide: (facts, shape, wish) =>
        decide(
          facts.base
            ? { ...facts, base: { ...facts.base, failed: facts.base.failed.map((f) => ({ ...f, counted: -1 })) } }
            : facts,
          shape,
          wish,
        ),
    },
  },
  { name: "a document written over the one that is there", scenario: scenarios.stall, law: { conditional: false } },
  {
    name: "late objects forgotten when their run is halved",
    scenario: scenarios.closingKill,
    law: unwatched,
  },
  {
    name: "late objects settled by their date",
    scenario: scenarios.closing,
    law: seen((facts) => ({ ...facts, raw: facts.raw.map((o) => ({ ...o, modified: 0 })) })),
  },
  {
    name: "through moves with a run that failed",
    scenario: scenarios.closingKill,
    law: {
      decide: (facts, shape, wish) => {
        const action = decide(facts, shape, wish);
        return action.do === "commit" && facts.run
          ? { ...action, document: { ...action.document, through: facts.run.through } }
          : action;
      },
    },
  },
  {
    name: "what lies under a closed date counts as settled, though a bell names it",
    scenario: scenarios.clock,
    law: seen((facts) => ({ ...facts, raw: facts.raw.map(unnamed) })),
  },
  {
    name: "what lies under a closed date counts as settled, though no run ever named it",
    scenario: scenarios.clockSilent,
    law: seen((facts) => ({ ...facts, raw: facts.raw.map((o) => (o.key === rawKey("b") ? unnamed(o) : o)) })),
  },
  {
    name: "a bell answered while the open run is about to close its object's date",
    scenario: scenarios.clock,
    law: { owed: (facts, named) => owed({ ...facts, run: facts.run && { ...facts.run, through: null } }, named) },
  },
  {
    name: "through moved on by a listing that is older than its base",
    scenario: scenarios.clockStall,
    law: seen((facts) => ({ ...facts, listed: Number.POSITIVE_INFINITY })),
  },
  {
    name: "objects taken by name forgotten when their run fails",
    scenario: scenarios.clock,
    law: unwatched,
  },
  {
    name: "a run that failed is tried again whole",
    scenario: scenarios.poison,
    law: seen((facts) => (facts.commit ? { ...facts, commit: { ...facts.commit, next: [] } } : facts)),
  },
  {
    name: "what failed alone is pending at once",
    scenario: scenarios.poison,
    law: seen((facts) => (facts.commit ? { ...facts, commit: { ...facts.commit, failed: [] } } : facts)),
  },
  {
    name: "what is held and was deleted waits for a person",
    scenario: scenarios.deleted,
    law: {
      decide: (facts, shape, wish) => {
        const action = decide(facts, shape, wish);
        if (action.do !== "open" || action.rebuild) return action;
        const objects = action.objects.filter((o) => isListed(facts, o));
        return objects.length > 0 ? { ...action, objects } : { do: "rest", why: "" };
      },
    },
  },
  {
    name: "what a listing older than the commit does not show is gone",
    scenario: scenarios.kill,
    law: {
      decide: (facts, shape, wish) => decide({ ...facts, listed: Number.POSITIVE_INFINITY }, shape, wish),
      plan: (facts, inspected, ...others) =>
        plan(
          facts,
          inspected.map((i) => (isListed(facts, i.object) ? i : { object: i.object, is: "gone" })),
          ...others,
        ),
    },
  },
  { name: "a rebuild reads the base", scenario: scenarios.withdrawn, law: { fromRaw: false } },
  { name: "a rebuild is halved", scenario: scenarios.rebuildKill, law: ordinary },
  { name: "a rebuild of one object fails it", scenario: scenarios.rebuildAlone, law: ordinary },
  {
    name: "a rebuild moves through",
    scenario: scenarios.rebuildClosed,
    law: {
      ...ordinary,
      planRebuild: planned((run, { now }) => ({ ...run, through: lastClosed(now) })),
    },
  },
  {
    name: "a rebuild settles what it took besides",
    scenario: scenarios.rebuild,
    law: {
      ...ordinary,
      planRebuild: planned((run, { raw }) => ({
        ...run,
        objects: [...run.objects, ...raw.filter((o) => !run.objects.some((r) => r.key === o.key))],
      })),
      // Asked for while something is pending, too.
      decide: (facts, shape, wish) =>
        wish?.rebuild?.length && facts.commit?.commit === facts.run?.run
          ? { do: "open", objects: [], rebuild: [...wish.rebuild] }
          : ordinary.decide(facts, shape, wish),
    },
  },
  {
    name: "a rebuild takes an object that was rejected",
    scenario: scenarios.rebuildRest,
    law: {
      pastOf: (run, commit) => {
        const past = pastOf(run, commit);
        const units = past.units.length > 0 ? past.units : ["x"];
        return { units, refined: [...past.refined, ...past.rejected], rejected: [] };
      },
    },
  },
  {
    name: "a rebuild takes an object that failed or is held",
    scenario: scenarios.rebuildRest,
    law: { pastOf: (run, commit) => pastOf(run, { ...commit, status: "published" }) },
  },
  {
    name: "a rebuild takes the objects that the newest commit remembers",
    scenario: scenarios.rebuildClosed,
    law: {
      planRebuild: planned((run, { commit }) => ({
        ...run,
        objects: run.objects.filter((o) => commit?.recent.some((r) => nameOf(r) === nameOf(o))),
      })),
    },
  },
  {
    name: "a rebuild takes what lies at an object's key, settled or not",
    scenario: larger.rebuildRewritten,
    law: {
      planRebuild: (facts, { past, there }, ...others) =>
        planRebuild(
          facts,
          {
            there,
            past: past.map((p) => ({
              ...p,
              refined: p.refined.map((o) => ({ ...o, etag: there.get(o.key) ?? o.etag })),
            })),
          },
          ...others,
        ),
    },
  },
  {
    name: "a rebuild leaves out what raw has no more as it was",
    scenario: scenarios.rebuildBlocked,
    law: {
      planRebuild: (facts, { past, there }, ...others) =>
        planRebuild(
          facts,
          { there, past: past.map((p) => ({ ...p, refined: p.refined.filter((o) => there.get(o.key) === o.etag) })) },
          ...others,
        ),
    },
  },
  {
    name: "withdrawn rows read before the commit",
    scenario: scenarios.withdrawn,
    law: { order: before("orders", "catalog") },
  },
  {
    name: "only a rebuild leaves withdrawn rows out",
    scenario: scenarios.withdrawn,
    law: {
      plan: (facts, ...others) => plan({ ...facts, withdrawn: [] }, ...others),
    },
  },
  {
    name: "a rebuild knows of no withdrawn row",
    scenario: scenarios.withdrawn,
    law: { planRebuild: (facts, ...others) => planRebuild({ ...facts, withdrawn: [] }, ...others) },
  },
  {
    name: "what is held is tried again in one run and its halves: the good ones behind the bad one never were",
    scenario: scenarios.retried,
    law: {
      decide: (facts, shape, { retryHeld, ...wish } = {}) =>
        decide(facts, shape, retryHeld === facts.commit?.commit ? { ...wish, retryHeld } : wish),
    },
  },
  {
    name: "what is held is tried again however often it was held alone",
    scenario: scenarios.retried,
    law: seen((facts) =>
      facts.commit
        ? { ...facts, commit: { ...facts.commit, held: facts.commit.held.map((h) => ({ ...h, commit: 0 })) } }
        : facts,
    ),
  },
  {
    name: "a published file that cannot be read counts against the objects of its unit",
    scenario: scenarios.damaged,
    law: seen((facts) => ({ ...facts, attempts: facts.attempts.map((a) => ({ ...a, reason: a.reason && "boom" })) })),
  },
  {
    name: "a pause forbids the rebuild that a person paused for",
    scenario: scenarios.pausedRebuild,
    law: { decide: (facts, shape, wish) => decide(facts, shape, facts.paused ? {} : wish) },
  },
  { name: "a pause opens a run", scenario: scenarios.paused, law: seen((facts) => ({ ...facts, paused: null })) },
  {
    name: "a pause leaves the open run where it is",
    scenario: scenarios.paused,
    law: {
      decide: (facts, shape, wish) => (facts.paused ? { do: "rest", why: "paused" } : decide(facts, shape, wish)),
    },
  },
];

const unnamed = ({ named: _, ...object }: ListedObject): ListedObject => object;

const empty = {
  format: 1 as const,
  dataset: "d",
  commit: 0,
  status: "published" as const,
  reason: null,
  at: "",
  recipe: "r1",
  rebuild: false,
  attempt: null,
  worked: 0,
  tables: {},
  through: null,
  recent: [],
  next: [],
  late: [],
  held: [],
  failed: [],
  rejected: [],
  rows: null,
  origins: {},
  audit: [],
};

const catalogOf = ({ commit }: Facts) =>
  Object.fromEntries(
    Object.entries(commit?.tables ?? {}).map(([table, partitions]) => [
      table,
      Object.fromEntries(Object.entries(partitions).map(([p, e]) => [p, e.folder])),
    ]),
  );

export const mutated = (law: Partial<Rules>): Rules => ({ ...rules, ...law });
