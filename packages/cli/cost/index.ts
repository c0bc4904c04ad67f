import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { alarms } from "../../core/alarms.ts";
import { type Batch, type Bill, billOf, type Load, usageOf } from "../../core/cost.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { logMetrics } from "../../core/metrics.ts";
import { AS_OF, pricesOf, SOURCE } from "../../core/prices.ts";
import { laptop, type Stage } from "../../core/stage.ts";
import { type Pace, type Topology, topology } from "../../core/topology.ts";
import { datasets } from "../../datasets/index.ts";
import { type Global, isDeployed } from "../line.ts";
import { argument, type Output } from "../output.ts";
import { type Place, stateDir } from "../place.ts";
import { type Measured, measureFile, measureStage } from "./measure.ts";
import { screenOf } from "./screen.ts";

// What a month costs, from counts that were measured.
//   weigh.ts    a file of the origin: messages, requests, rows, bytes
//   measure.ts  a stage's lake, or what comes with the demo's file
//   screen.ts   both paces beside each other

export type CostOptions = { pace?: Pace; months?: string; queries?: string; prices?: string; region?: string };

/** B3's year has some 250 sessions; a session from 10:00 to 17:00 has 42 times ten minutes. */
const SESSIONS = 21;
const SNAPSHOTS: Readonly<Record<Pace, number>> = { daily: 1, intraday: 42 };
const QUERIES = 1000;
const PACES: readonly Pace[] = ["daily", "intraday"];
const MONTHS = 60;
/** A year: a unit is one, so that what a run rewrites has been every size that it has. */
const SPAN = 12;
/** Superseded files are kept as old versions for so long after the cleaner deleted them: stacks/lake.ts. */
export const VERSION_DAYS = 7;

/** Log lines are kept for so long: stacks/logs.ts. What a laptop asks about is a stage that is for real. */
export const LOG_DAYS = { production: 365, other: 30 } as const;

/** `first`: the first month, the lake empty before it. `bill`: all months together; `average`: of one, in millionths. */
export type Projected = {
  pace: Pace;
  sessions: number;
  snapshots: number;
  first: Bill;
  bill: Bill;
  average: number;
};
export type Cost = {
  region: string;
  months: number;
  queries: number;
  /** Null: all are the user's. */
  prices: { asOf: string | null; source: string | null };
  measured: Measured[];
  paces: Projected[];
  optional: boolean;
  next: string;
};

/** What the options ask for. @throws PregaoError `usage`. */
export const wanted = async (
  options: CostOptions,
): Promise<{ months: number; queries: number; paces: readonly Pace[]; file: unknown }> => ({
  months: whole("--months", options.months ?? String(SPAN), 1, MONTHS),
  queries: whole("--queries", options.queries ?? String(QUERIES), 0, 10_000_000),
  paces: options.pace ? [options.pace] : PACES,
  file: options.prices === undefined ? undefined : await fileOf(options.prices),
});
export type Wanted = Awaited<ReturnType<typeof wanted>>;

const whole = (name: string, text: string, least: number, most: number): number => {
  const n = Number(text);
  if (!/^\d{1,9}$/.test(text) || n < least || n > most)
    throw new PregaoError(
      "usage",
      `expected ${name} N with a whole N from ${least} to ${most}, came ${text}. Next: pregao cost`,
    );
  return n;
};

const fileOf = async (path: string): Promise<unknown> => {
  const text = await readFile(path, "utf8").catch(() => {
    throw new PregaoError(
      "usage",
      `expected a file of prices at ${path}, it cannot be read: name another. Next: pregao cost --json, whose lines name items and their prices`,
    );
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new PregaoError(
      "usage",
      `expected JSON in ${path}, such as {"glue.jobs": "0.69"}: put that right. Next: pregao cost --json, whose lines name items and their prices`,
    );
  }
};

/** `pregao cost`, on the stage that is named, or on the state directory, or, where there is none, of the demo's file alone. */
export const cost = async (
  options: Global & CostOptions,
  output: Output,
  at: (work: (place: Place) => Promise<void>) => Promise<void>,
): Promise<void> => {
  const want = await wanted(options);
  if (options.region !== undefined) pricesOf(options.region, want.file);
  if (!isDeployed(options) && !existsSync(join(stateDir(options), "stage.json"))) {
    const measured = [await measureFile(datasets, "no state directory here")];
    return told(output, datasets, measured, { ...want, options, stage: laptop() });
  }
  await at(async (place) =>
    told(output, place.datasets, await measureStage(place), { ...want, options, stage: place.stage }),
  );
};

type Asked = Wanted & { options: CostOptions; stage: Stage };

const told = (output: Output, there: readonly Dataset[], measured: Measured[], want: Asked): void => {
  const region = want.options.region ?? want.stage.region;
  const prices = pricesOf(region, want.file);
  const own = Object.values(prices).every(({ state }) => state === "given");
  const paces = want.paces.map((pace): Projected => {
    const built = topology(there, pace);
    const of = (months: number) => billOf(usageOf(built, loadOf(measured, built, there, { ...want, months })), prices);
    const bill = of(want.months);
    const [sessions, snapshots] = [SESSIONS, SNAPSHOTS[pace]];
    return { pace, sessions, snapshots, first: of(1), bill, average: Math.round(bill.micros / want.months) };
  });
  const document: Cost = {
    region,
    months: want.months,
    queries: want.queries,
    prices: own ? { asOf: null, source: null } : { asOf: AS_OF, source: SOURCE },
    measured,
    paces,
    optional: paces.some(({ bill }) => bill.options > 0),
    next: output.here(nextOf(want)),
  };
  output.result(document, () => screenOf(document));
};

/** The same over another span: a year, or as long as can be asked for. */
const nextOf = ({ options, months }: Asked): string => {
  const asked = (["pace", "queries", "region", "prices"] as const).flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name} ${argument(value)}`];
  });
  return ["pregao cost", ...asked, `--months ${months === SPAN ? MONTHS : SPAN}`].join(" ");
};

const loadOf = (
  measured: readonly Measured[],
  built: Topology,
  datasets: readonly Dataset[],
  { months, queries, stage }: Asked,
): Load => {
  const jobs = measured.flatMap((m) => (m.jobDpuSeconds === null ? [] : [m.jobDpuSeconds]));
  const queued = datasets.filter((d) => d.raw).length;
  return {
    batch: measured.map((m) => m.batch).reduce(added),
    datasets: measured.length,
    // A clock fetches a file of theirs for each session, whatever the pace.
    others: SESSIONS * datasets.filter((d) => d.raw?.schedule && !measured.some((m) => m.dataset === d.name)).length,
    batches: SESSIONS * SNAPSHOTS[built.pace],
    months,
    unitMonths: Math.max(...measured.map((m) => m.unitMonths)),
    queries,
    jobDpuSeconds: jobs.length > 0 ? Math.max(...jobs) : null,
    watch: {
      alarms: alarms(built, datasets, laptop()).length,
      metrics: logMetrics(built).reduce((sum, { byDataset }) => sum + (byDataset ? queued : 1), 0),
      dashboards: 1,
    },
    versionDays: VERSION_DAYS,
    logDays: stage.name === laptop().name || stage.name === "production" ? LOG_DAYS.production : LOG_DAYS.other,
  };
};

const added = (a: Batch, b: Batch): Batch =>
  Object.fromEntries(Object.entries(a).map(([name, n]) => [name, n + b[name as keyof Batch]])) as Batch;
