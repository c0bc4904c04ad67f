import { type Commit, type Ending, type Failed, outcome } from "./commit.ts";
import { type Catalog, type Facts, nothing, type Shape, type Wish } from "./facts.ts";
import { type Note, noteClock, noteCommit, noteRun, noteUnread } from "./notes.ts";
import { type Inspected, owed, plan, unsettled, vanished } from "./plan.ts";
import { planRebuild, type Recalled } from "./rebuild.ts";
import { accepts, disagreement } from "./report.ts";
import { nameOf, type Paused, type RawObject, type Run, type TableMap } from "./run.ts";

export type Action =
  | { do: "apply"; commit: Commit }
  | { do: "commit"; document: Commit }
  | { do: "start"; run: Run }
  | { do: "open"; objects: RawObject[]; rebuild: string[] | null }
  | { do: "rest"; why: string };

const rest = (why: string): Action => ({ do: "rest", why });

/** Bounds of one run, so that planning fits a Lambda's time and a run document its memory; more is taken next time. */
export const RUN_OBJECTS = 500;
export const RUN_BYTES = 4 * 1024 ** 3;
/** How long what failed alone waits when nothing else is published meanwhile. */
export const RETRY_AFTER_MS = 3_600_000;

/** What to do next for a dataset, from what is in the stores and nothing else. The order of the lines is proven. */
export const decide = (facts: Facts, shape: Shape, wish: Wish = {}): Action => {
  const { run, commit, attempts } = facts;
  if (commit && differs(facts.catalog, commit.tables, shape)) return { do: "apply", commit };
  if (run && run.run > (commit?.commit ?? 0)) {
    if (run.objects.length === 0 && !run.rebuild) return ends(facts, run, { is: "nothing" });
    const problems = new Map(facts.submissions.map((s) => [s.attempt, disagreement(run, s, shape.tables, shape.unit)]));
    const agreed = facts.submissions.find((s) => problems.get(s.attempt) === null);
    if (agreed?.report) return ends(facts, run, { is: "report", report: agreed.report });
    if (attempts.length > 0 && attempts.every((a) => a.ended))
      return ends(facts, run, {
        is: "failed",
        reason: attempts
          .map((a) => `${a.id}: ${a.reason ?? problems.get(a.id) ?? "it ended without a report"}`)
          .join("; "),
      });
    if (attempts.length === 0) return { do: "start", run };
    return rest("the job is running");
  }
  const unit = wish.rebuild?.[0];
  // Who asks for a rebuild may have paused for its sake: planning it can take longer than the next commit is away.
  if (facts.paused) return unit === undefined ? rest(whyPaused(facts.paused)) : asked(unit);
  const objects = shape.raw ? select(facts, wish) : [];
  if (objects.length > 0) return { do: "open", objects, rebuild: null };
  if (!shape.raw && stale(facts, shape)) return { do: "open", objects: [], rebuild: [""] };
  if (unit !== undefined) return asked(unit);
  return rest("nothing is pending");
};

const asked = (unit: string): Action => ({ do: "open", objects: [], rebuild: [unit] });
const whyPaused = ({ at, why }: Paused): string => `paused since ${at}: ${why}`;

const ends = (facts: Facts, run: Run, ending: Ending): Action => ({
  do: "commit",
  document: outcome(run, facts.base, ending, facts.now),
});

/** Whether any table's partitions and locations are not the map's, none missing, none more. */
export const differs = (catalog: Catalog, map: TableMap, shape: Pick<Shape, "tables" | "partitioned">): boolean =>
  shape.tables.some((table) => {
    const wanted = map[table] ?? {};
    const found = catalog[table] ?? {};
    // A table without partitions has a location from its creation on; it is ours to judge once a commit gave it one.
    if (!shape.partitioned[table]) return wanted[""] !== undefined && found[""] !== wanted[""].folder;
    const names = Object.keys(wanted);
    return names.length !== Object.keys(found).length || names.some((name) => found[name] !== wanted[name]?.folder);
  });

/** What the next run takes, and what it is to say of that it is gone: that is settled whatever becomes of the others. */
const select = (facts: Facts, wish: Wish): RawObject[] => {
  const { commit, now } = facts;
  const open = unsettled(facts);
  if (!commit) return bounded(open);
  const waiting = new Set(commit.failed.filter((f) => !mayRetry(f, commit, now)).map(nameOf));
  const held = new Map(commit.held.map((h) => [nameOf(h), h]));
  const pending = open.filter((o) => !held.has(nameOf(o)) && !waiting.has(nameOf(o)));
  const gone = vanished(facts, pending).slice(0, RUN_OBJECTS);
  // A run that was not published is halved until it is, or alone.
  const half = new Set(commit.next.map(nameOf));
  const next = open.filter((o) => half.has(nameOf(o)));
  if (next.length > 0) return [...gone, ...next];
  if (pending.length > 0) return [...gone, ...bounded(pending)];
  // Held objects come back only when nothing else is pending: in every run, one bad session would block all publishing.
  const back = open.filter((o) => {
    const h = held.get(nameOf(o));
    return h && (h.back || h.commit <= (wish.retryHeld ?? -1) || h.findings.every((f) => accepts(facts.accepted, f)));
  });
  return [...gone, ...bounded(back)];
};

const mayRetry = (failed: Failed, commit: Commit, now: number): boolean =>
  commit.worked > failed.commit || isLongAgo(failed.at, now);

/** A time that lies as far ahead was written by a clock that was wrong: nobody waits for it to come. */
const isLongAgo = (at: string, now: number): boolean => Math.abs(now - Date.parse(at)) >= RETRY_AFTER_MS;

const bounded = (objects: RawObject[]): RawObject[] => {
  let bytes = 0;
  const end = objects.findIndex((o, index) => {
    bytes += o.size;
    return index > 0 && (index >= RUN_OBJECTS || bytes > RUN_BYTES);
  });
  return end < 0 ? objects : objects.slice(0, end);
};

/** Whether a dataset that comes from its recipe alone must be made: by today's recipe, and after a failure not at once. */
const stale = ({ commit, now, accepted }: Facts, shape: Shape): boolean => {
  if (!commit || commit.recipe !== shape.recipe) return true;
  if (commit.status === "failed") return isLongAgo(commit.at, now);
  return commit.status === "held" && commit.audit.every((f) => f.severity !== "hold" || accepts(accepted, f));
};

type Awaitable<T> = T | Promise<T>;

/**
 * The order of the readings: the clock before the listing, then what is written first is read last. `orders`, what is
 * paused and withdrawn, come after the commit: who stands on a rebuild knows of every row that it left out, and does not
 * bring one back.
 */
export const readings = ["clock", "raw", "catalog", "run", "attempts", "submissions", "commit", "orders"] as const;
export type Reading = (typeof readings)[number];

/** Each reads the stores afresh, and may use what was read before it. */
export type Eyes = Record<Reading, (before: Readonly<Facts>) => Awaitable<Partial<Facts>>>;

/** Each may fail, or succeed without an answer: then the facts tell. "lost": another caller was first. */
export type Hands = {
  apply: (commit: Commit) => Awaitable<void>;
  /** Waits until no more raw objects are just landing: one run for many is worth more than an early one. Decides nothing. */
  gather?: (objects: RawObject[]) => Awaitable<void>;
  inspect: (objects: RawObject[]) => Awaitable<Inspected[]>;
  /** What runs and commits up to this one, read by number, and then a listing of all of raw say. Slow, and rare. */
  recall: (commit: Commit | null) => Awaitable<Recalled>;
  /** Stores recipe and assets, then creates the run. */
  open: (run: Run) => Awaitable<"created" | "lost">;
  start: (run: Run) => Awaitable<"started" | "refused">;
  /** Sends the dead letters of what it rejects, then creates the commit. */
  commit: (document: Commit) => Awaitable<"created" | "lost">;
};

export const readFacts = async (eyes: Eyes, order: readonly Reading[] = readings): Promise<Facts> => {
  let facts = nothing;
  for (const reading of order) facts = { ...facts, ...(await eyes[reading](facts)) };
  return facts;
};

/** `wish` is what is left of it: nothing once the run it asked for was opened. */
export type Rested = {
  rested: boolean;
  why: string;
  rounds: number;
  owed: string[];
  newest: number;
  open: number | null;
  wish: Wish;
};

/** Only a fight with many other callers takes this many; the bell rings again. */
const ROUNDS = 200;

/**
 * Does what is to be done for a dataset until nothing is. Idempotent, safe beside any number of other callers, and safe
 * to cut at any point: the next call goes on. `until` in milliseconds since 1970; `now` is the caller's own clock.
 * @returns `rested: false` when time ran out first.
 */
export const advance = async (
  eyes: Eyes,
  hands: Hands,
  shape: Shape,
  options: { until: number; now: () => number; note: Note; named?: readonly string[]; wish?: Wish },
): Promise<Rested> => {
  const { note } = options;
  let wish = options.wish ?? {};
  let gathered = hands.gather === undefined;
  for (let rounds = 1; ; rounds++) {
    const facts = await readFacts(eyes);
    const action = decide(facts, shape, wish);
    if (rounds === 1) noteClock(note, facts, shape);
    const newest = facts.commit?.commit ?? 0;
    const open = facts.run && facts.run.run > newest ? facts.run.run : null;
    const end = (rested: boolean, why: string): Rested => ({
      rested,
      why,
      rounds,
      owed: owed(facts, options.named ?? []),
      newest,
      open,
      wish,
    });
    if (action.do === "rest") return end(true, action.why);
    if (rounds >= ROUNDS || options.now() >= options.until) return end(false, `there was no time left to ${action.do}`);
    if (action.do === "apply") {
      await hands.apply(action.commit);
      note("INFO", "catalog applied", { dataset: shape.dataset, commit: action.commit.commit });
    } else if (action.do === "start") {
      if ((await hands.start(action.run)) === "refused") return end(true, "another run of the job has not ended yet");
      note("INFO", "job started", { dataset: shape.dataset, run: action.run.run });
    } else if (action.do === "commit") {
      if ((await hands.commit(action.document)) === "created")
        noteCommit(note, action.document, facts.run, facts.attempts);
    } else if (!gathered && action.objects.length > 0) {
      await hands.gather?.(action.objects);
      gathered = true;
    } else {
      gathered = hands.gather === undefined;
      const unit = shape.raw ? action.rebuild?.[0] : undefined;
      if (unit !== undefined) {
        const planned = planRebuild(facts, await hands.recall(facts.commit), shape, unit);
        if (planned.is === "waits")
          return end(true, facts.paused ? `${planned.why}; ${whyPaused(facts.paused)}` : planned.why);
        if ((await hands.open(planned.run)) === "created") {
          noteRun(note, planned.run);
          wish = { ...wish, rebuild: wish.rebuild?.slice(1) ?? [] };
        }
        continue;
      }
      const inspected = action.rebuild ? [] : await hands.inspect(action.objects);
      const unread = inspected.filter((i) => i.is === "unread");
      for (const { object, error } of unread) noteUnread(note, shape, object, error);
      const run = plan(facts, inspected, shape, action.rebuild);
      // Its neighbours are in a run by now, or nothing but such objects is left: a person must see to them.
      if (!run && unread[0]) throw unread[0].error;
      if (run && (await hands.open(run)) === "created") {
        noteRun(note, run);
        if (run.rebuild) wish = { ...wish, rebuild: wish.rebuild?.slice(1) ?? [] };
      }
    }
  }
};
