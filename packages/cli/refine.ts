import { advance, standing } from "../../functions/advance.ts";
import { getJson } from "../aws/store.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Wish } from "../core/facts.ts";
import { nameOf, parseRun, runKey } from "../core/run.ts";
import { confirmed } from "./confirm.ts";
import { commitNumber, newestCommit } from "./lake.ts";
import { logInto } from "./log-into.ts";
import { count, fields, plural, printable, table } from "./output.ts";
import { pausedSince } from "./pause.ts";
import type { Place } from "./place.ts";

export type RefineOptions = { rebuild?: boolean; unit?: string[]; retryHeld?: boolean; yes?: boolean };

/** @throws PregaoError for options that contradict each other, before a river is started for them. */
export const check = ({ rebuild, unit, retryHeld }: RefineOptions): void => {
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
  const before = await newestCommit(place, dataset.name);
  const { passed, why } = await follow(place, dataset, options.retryHeld && before ? { retryHeld: before.commit } : {});
  const after = await newestCommit(place, dataset.name);
  const document = { dataset: dataset.name, runs: passed, why, commit: after?.commit ?? 0 };
  throwFailure(dataset, before, after, document);
  if (await pausedSince(place, dataset.name))
    throw new PregaoError(
      "paused",
      `no run of ${dataset.name} is opened: ${why}. Next: pregao resume ${dataset.name}`,
      document,
    );
  place.output.result(document, () =>
    [
      passed.length ? passedTable(passed) : `${dataset.name}: ${why}${after ? `, commit ${after.commit} stands` : ""}`,
      ...heldLines(dataset, after),
      "",
      `Next: ${after ? `pregao query "SELECT count(*) FROM ${dataset.tables[0]!.name}"` : "pregao status"}`,
      "",
    ].join("\n"),
  );
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
  await confirmed(
    `Make ${plural(units.length, "unit")} of ${dataset.name} anew from raw (${shortened(units)})? Each replaces what is published of it.`,
    options.yes,
  );
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
  const next = (await pausedSince(place, dataset.name)) ? `pregao resume ${dataset.name}` : "pregao status";
  place.output.result(document, () => [passedTable(made), "", `Next: ${next}`, ""].join("\n"));
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
};

/** The runs that got their commit meanwhile, and why nothing more is done. */
export type Followed = { passed: Passed[]; why: string };

/** How often a run is looked for that is under way, in ms, and after how many looks `advance` is called all the same. */
const POLL_MS = 200;
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
  logInto(place);
  const passed: Passed[] = [];
  let seen = (await newestCommit(place, dataset.name))?.commit ?? 0;
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
    else await pause();
  }
};

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Until run n has its commit, or for a while: its end may have rung for nobody. */
const committed = async (place: Place, dataset: Dataset, n: number): Promise<void> => {
  for (let looks = 0; looks < LOOKS; looks++) {
    await pause();
    if (((await newestCommit(place, dataset.name))?.commit ?? 0) >= n) return;
  }
};

const passedRun = async (place: Place, dataset: Dataset, n: number): Promise<Passed> => {
  const { status, rebuild, rows, reason } = await commitNumber(place, dataset.name, n);
  const key = runKey(dataset.name, n);
  const { units, objects } = parseRun(await getJson(place.aws, "state", key), key);
  return { run: n, status, rebuild, units, objects: objects.length, rows, reason };
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
  (commit?.held ?? []).map(
    ({ key, findings }) =>
      `Held: ${key} by ${findings.map((f) => printable(`${f.law}${f.session ? ` on ${f.session}` : ""}`)).join(", ")}; see: pregao accept ${dataset.name} --help`,
  );

/** @throws PregaoError `held` or `failed` for what these runs left so; what was so before is not theirs. */
export const throwFailure = (dataset: Dataset, before: Commit | null, after: Commit | null, document: object): void => {
  if (!after || after.commit === (before?.commit ?? 0)) return;
  const held = after.held.find((h) => !before?.held.some((was) => nameOf(was) === nameOf(h)));
  const computed = !dataset.raw && after.status !== "published" ? after : null;
  if (held || computed?.status === "held")
    throw new PregaoError(
      "held",
      `a run of ${dataset.name} is held${held ? ` for ${held.key}` : ""}: ${held ? held.findings.map((f) => printable(`${f.law}${f.session ? ` on ${f.session}` : ""}`)).join(", ") : printable(after.reason ?? "")}. Nothing of it is published until a person accepts it. Next: pregao status`,
      { ...document },
    );
  const failed = after.failed.find((f) => !before?.failed.some((was) => nameOf(was) === nameOf(f)));
  if (failed || computed)
    throw new PregaoError(
      "failed",
      `the job failed${failed ? ` on ${failed.key}` : ` for ${dataset.name}`}: ${printable(failed?.reason ?? after.reason ?? "")}. It is tried again by itself. Next: pregao status`,
      { ...document },
    );
};
