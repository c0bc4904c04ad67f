import { advance, mustRebuild, standing } from "../../functions/advance.ts";
import { digest } from "../../functions/river.ts";
import { commitNumber, newestCommit, pausedSince } from "../aws/documents.ts";
import { declareLost, goneObjects } from "../aws/recall.ts";
import { getJson } from "../aws/store.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Wish } from "../core/facts.ts";
import { parseRun, type Rejected, runKey } from "../core/run.ts";
import { confirmed } from "./confirm.ts";
import { acceptCommand, heldName, heldOf, lawsOf } from "./held.ts";
import { rowTables } from "./lake.ts";
import { count, fields, plural, printable, table } from "./output.ts";
import type { Place } from "./place.ts";
import { rawTable } from "./raw.ts";

export type RefineOptions = {
  rebuild?: boolean;
  unit?: string[];
  withoutGone?: boolean;
  retryHeld?: boolean;
  yes?: boolean;
};

/** @throws PregaoError for options that contradict each other, before a river is started for them. */
export const check = ({ rebuild, unit, withoutGone, retryHeld }: RefineOptions): void => {
  if (withoutGone && !rebuild) throw new PregaoError("usage", "expected --without-gone with --rebuild");
  if (unit?.length && !rebuild)
    throw new PregaoError(
      "usage",
      "expected --unit with --rebuild: without it, raw objects say which units they touch",
    );
  if (retryHeld && rebuild)
    throw new PregaoError("usage", "expected --retry-held or --rebuild, came both: one after the other");
};

/** `pregao refine`: what is pending, until nothing is; with `--rebuild` units anew from raw, by today's recipe. */
export const refine = async (place: Place, dataset: Dataset, options: RefineOptions): Promise<void> => {
  if (options.rebuild) return rebuild(place, dataset, options);
  const before = await newestCommit(place.aws, dataset.name);
  const { passed, why } = await follow(place, dataset, options.retryHeld && before ? { retryHeld: before.commit } : {});
  const after = await newestCommit(place.aws, dataset.name);
  const document = { dataset: dataset.name, runs: passed, why, commit: after?.commit ?? 0 };
  throwFailure(dataset, before, after, document);
  if (await pausedSince(place.aws, dataset.name))
    throw new PregaoError(
      "paused",
      `no run of ${dataset.name} is opened: ${why}. Next: pregao resume ${dataset.name}`,
      document,
    );
  place.output.result(document, () =>
    [
      passed.length ? passedTable(passed) : `${dataset.name}: ${why}${after ? `, commit ${after.commit} stands` : ""}`,
      ...refusedLines(passed),
      ...heldLines(dataset, after),
      "",
      `Next: ${nextOf(dataset, after)}`,
      "",
    ].join("\n"),
  );
};

const nextOf = (dataset: Dataset, commit: Commit | null): string => {
  const [held] = heldOf(dataset, commit);
  if (held) return acceptCommand(dataset.name, held);
  return commit ? `pregao query "SELECT count(*) FROM ${dataset.tables[0]!.name}"` : "pregao status";
};

const rebuild = async (place: Place, dataset: Dataset, options: RefineOptions): Promise<void> => {
  const { units: there } = await standing(place.aws, dataset);
  const units = [...new Set(options.unit ?? there)].sort();
  const unknown = units.find((unit) => !there.includes(unit));
  if (unknown !== undefined)
    throw new PregaoError(
      "unit",
      `expected units of ${dataset.name} (${there.map(unitName).join(", ") || "none yet"}), came --unit ${unknown}`,
    );
  if (units.length === 0)
    throw new PregaoError("unit", `expected units of ${dataset.name} to make anew, nothing of it is published yet`);
  const gone = options.withoutGone ? await goneObjects(place.aws, dataset.name) : [];
  if (gone.length === 0) await mustRebuild(place.aws, dataset, units);
  await confirmed(
    [
      `Make ${plural(units.length, "unit")} of ${dataset.name} anew from raw (${shortened(units)})? Each replaces what is published of it.`,
      ...(gone.length > 0
        ? [
            `${plural(gone.length, "raw object")} that ${gone.length === 1 ? "is" : "are"} gone will never count again (${shortened(gone.map(({ key }) => printable(key)))}): ${plural(await onlyInTables(place, dataset), "row")} of the tables, in no raw object, will leave them.`,
          ]
        : []),
    ].join(" "),
    options.yes,
  );
  await declareLost(place.aws, dataset.name, gone, "refine --rebuild --without-gone", digest);
  const made: Passed[] = [];
  const document = { dataset: dataset.name, units: made, left: units };
  // One at a time: when one is not published, no other is begun.
  while (document.left[0] !== undefined) {
    const [unit, ...left] = document.left;
    const { passed, why } = await follow(place, dataset, { rebuild: [unit] });
    const one = passed.find((p) => p.rebuild && p.units.includes(unit));
    if (one) made.push(one);
    const rest = left.length ? `; not begun: ${shortened(left)}` : "";
    if (!one)
      throw new PregaoError(
        "rebuild",
        `${unitName(unit)} was not made anew: ${why}${rest}. Next: pregao status`,
        document,
      );
    document.left = left;
    if (one.status !== "published")
      throw new PregaoError(
        one.status,
        `the rebuild of ${unitName(unit)} is ${one.status} (run ${one.run}): ${printable(one.reason ?? "no reason given")}. What was published of it stands${rest}. Next: pregao status`,
        document,
      );
  }
  const next = (await pausedSince(place.aws, dataset.name)) ? `pregao resume ${dataset.name}` : "pregao status";
  place.output.result(document, () => [passedTable(made), "", `Next: ${next}`, ""].join("\n"));
};

/** Rows of a dataset's tables, of any unit, that no raw object has. */
const onlyInTables = async (place: Place, dataset: Dataset): Promise<number> => {
  const { published, waiting } = rowTables(dataset);
  const rows = [...published, ...waiting].map(({ name }) => `SELECT event_id FROM ${name}`).join(" UNION ALL ");
  const [found] = await rawTable(place, dataset).all(
    (readable) =>
      `SELECT count(*) AS n FROM (${rows}) t
       LEFT JOIN (SELECT DISTINCT event_id FROM ${dataset.raw!.table.name} WHERE ${readable}) r ON r.event_id = t.event_id
       WHERE r.event_id IS NULL`,
  );
  return Number(found?.n);
};

/** A run that has its commit. `rows` are what its job read; null when it wrote none. */
export type Passed = {
  run: number;
  status: Commit["status"];
  rebuild: boolean;
  units: string[];
  objects: number;
  rows: Commit["rows"];
  reason: string | null;
  /** What it refused without reading it, or after the last try; each has its dead letter in `landed-dlq`. */
  rejected: Rejected[];
};

/** The runs that got their commit meanwhile, and why nothing more is done. */
export type Followed = { passed: Passed[]; why: string };

/** How often a run is looked for that is under way, in ms, and after how many looks `advance` is called all the same. */
const POLL_MS = 200;
/** Of a deployed stage, where a job alone takes minutes. */
const DEPLOYED_POLL_MS = 2_000;
const LOOKS = 25;
/** For one call of `advance`, in ms; planning a rebuild reads every run there was. */
const CALL_MS = 15 * 60_000;
/** Calls for a rebuild that cannot be opened yet: a version that has just landed goes first. */
const CALLS = 5;

/**
 * Calls `advance` in this process until nothing is under way: runs are opened, waited for and committed. Says each of
 * them on the way. With a rebuild, of one unit, until that is done: others may go on. `until` in ms since 1970: what is
 * under way then is left to others.
 */
export const follow = async (
  place: Place,
  dataset: Dataset,
  wish: Wish,
  until = Number.POSITIVE_INFINITY,
): Promise<Followed> => {
  const passed: Passed[] = [];
  let seen = (await newestCommit(place.aws, dataset.name))?.commit ?? 0;
  let said = seen;
  let left = wish;
  for (let calls = 0; ; ) {
    const {
      newest,
      open,
      rested,
      why,
      wish: rest,
    } = await advance(place.aws, dataset, {
      wish: left,
      until: Math.min(Date.now() + CALL_MS, until),
    });
    left = rest;
    for (; seen < newest; seen++) {
      const one = await passedRun(place, dataset, seen + 1);
      passed.push(one);
      place.output.say(saying(one));
    }
    const waits = (left.rebuild?.length ?? 0) > 0;
    // A run that follows was opened after the catalog had been brought to the commit of this one.
    if (wish.rebuild && !waits && passed.some((p) => p.rebuild && p.units.join() === wish.rebuild?.join()))
      return { passed, why };
    if (Date.now() >= until) return { passed, why };
    if (open !== null) {
      if (open > said) place.output.say(`run ${open}: ${why}`);
      said = open;
      await committed(place, dataset, open);
    } else if (rested && (!waits || ++calls >= CALLS)) return { passed, why };
    else await pause(place);
  }
};

const pause = ({ dir }: Place) =>
  new Promise((resolve) => setTimeout(resolve, dir === null ? DEPLOYED_POLL_MS : POLL_MS));

/** Until run n has its commit, or for a while: its end may have rung for nobody. */
const committed = async (place: Place, dataset: Dataset, n: number): Promise<void> => {
  for (let looks = 0; looks < LOOKS; looks++) {
    await pause(place);
    if (((await newestCommit(place.aws, dataset.name))?.commit ?? 0) >= n) return;
  }
};

const passedRun = async (place: Place, dataset: Dataset, n: number): Promise<Passed> => {
  const { status, rebuild, rows, reason, rejected } = await commitNumber(place.aws, dataset.name, n);
  const key = runKey(dataset.name, n);
  const { units, objects } = parseRun(await getJson(place.aws, "state", key), key);
  return { run: n, status, rebuild, units, objects: objects.length, rows, reason, rejected };
};

const saying = ({ run, status, units, objects, rebuild, reason }: Passed): string =>
  `run ${run}: ${status}, ${rebuild ? "made anew " : ""}${shortened(units)} from ${plural(objects, "object")}${reason ? `: ${printable(reason)}` : ""}`;

const unitName = (unit: string): string => unit || "all of it";
const NAMED = 5;
const shortened = (units: readonly string[]): string =>
  units.length <= NAMED ? units.map(unitName).join(", ") : `${units.slice(0, NAMED - 1).join(", ")}, … ${units.at(-1)}`;

const passedTable = (passed: readonly Passed[]): string =>
  table(
    fields(
      ["run", "bigint"],
      "ended",
      "units",
      ["objects", "bigint"],
      ["rows read", "bigint"],
      ["new", "bigint"],
      "reason",
    ),
    passed.map((p) => [
      String(p.run),
      p.rebuild ? `${p.status}, made anew` : p.status,
      shortened(p.units),
      count(p.objects),
      p.rows && count(p.rows.read),
      p.rows && count(p.rows.new),
      p.reason,
    ]),
  ).trimEnd();

/** What a person must decide: said also when it was so before. */
export const heldLines = (dataset: Dataset, commit: Commit | null): string[] =>
  heldOf(dataset, commit).map((held) => `Held: ${heldName(dataset.name, held)} by ${lawsOf(held)}`);

export const refusedLines = (passed: readonly Passed[]): string[] =>
  passed.flatMap(({ rejected }) =>
    rejected.map(
      ({ key, reason, message }) =>
        `Refused: ${printable(`${key} (${reason}: ${message})`)}; see: pregao dlq list landed`,
    ),
  );

/** @throws PregaoError `held` or `failed` for what the runs since `before` left so, again or anew. */
export const throwFailure = (dataset: Dataset, before: Commit | null, after: Commit | null, document: object): void => {
  const since = before?.commit ?? 0;
  if (!after || after.commit === since) return;
  const computed = !dataset.raw && after.status !== "published" ? after : null;
  const held = dataset.raw ? after.held.find((h) => h.commit > since) : heldOf(dataset, after)[0];
  if (held)
    throw new PregaoError(
      "held",
      `a run of ${dataset.name} is held${held.key === null ? "" : ` for ${held.key}`}: ${computed ? printable(computed.reason ?? "") : lawsOf(held)}. Nothing of it is published until a person accepts it. Next: ${acceptCommand(dataset.name, held)}`,
      { ...document },
    );
  const failed = after.failed.find((f) => f.commit > since);
  if (failed || computed)
    throw new PregaoError(
      "failed",
      `the job failed${failed ? ` on ${failed.key}` : ` for ${dataset.name}`}: ${printable(failed?.reason ?? after.reason ?? "")}. It is tried again by itself. Next: pregao status`,
      { ...document },
    );
};
