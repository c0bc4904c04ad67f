import type { Dataset, Schedule } from "./dataset.ts";
import { type GlueColumn, glueColumns } from "./table.ts";
import { asOurs, definitionOf, type ViewInput, viewInput } from "./view.ts";

/** How long the river waits before it acts. Amazon's own limits are constants with their source, below. */
const paces = {
  daily: {
    consume: { batch: 1000, window: 20 },
    buffer: { mib: 128, seconds: 300 },
    landed: { batch: 1000, window: 300 },
    gather: { quietMs: 0, mostMs: 0 },
  },
  intraday: {
    consume: { batch: 1000, window: 1 },
    buffer: { mib: 64, seconds: 0 },
    landed: { batch: 10, window: 0 },
    gather: { quietMs: 300, mostMs: 3000 },
  },
} as const;
export type Pace = keyof typeof paces;

/**
 * How long `advance` lets raw objects gather after a bell: until none has landed for `quietMs`, `mostMs` at most. A run
 * rewrites whole units, so one run for a file's objects is worth more than an early one for the first of them.
 */
export const gathering = (pace: Pace): { quietMs: number; mostMs: number } => paces[pace].gather;

/** SQS keeps a message at most 14 days; a dead letter counts from its ORIGINAL enqueue time. */
const RETENTION_SECONDS = 14 * 24 * 3600;
/** AWS's advice for a queue that feeds a function: 6 × the function's timeout, so that retries of throttled polls fit. */
const VISIBILITY_FACTOR = 6;
/**
 * Times the visibility, 10 hours and more: what waits for a busy job or for what is ahead and answers no more is no
 * failure, and a message that no reader could ever take is a reject of its first receive. SQS allows 1000.
 */
const MAX_RECEIVE = 100;

/** Of a job: on two workers, the fewest, a year of rows is minutes. Glue's auto scaling takes the second when it is of use. */
export const GLUE = { version: "5.1", worker: "G.1X", workers: 2 } as const;

/** What one statement may read in Athena: all tables of thirty years fit in it ten times, and it costs cents. */
export const SCANNED_BYTES = 10 * 1024 ** 3;

/**
 * An event that nobody waits for (a clock's, S3's) is tried twice more when its function fails, Lambda's own number; and
 * waits for a free function this long, in seconds (Lambda allows 60 to 21,600). Then a clock looks again anyway.
 */
export const EVENTS = { retries: 2, age: 3600 } as const;
/**
 * A tick that could not be handed over: tried this often (EventBridge Scheduler's most) and long, in seconds; then it
 * lies in the queue `failed`, with the scrapes that were given up.
 */
export const TICKS = { retries: 185, age: 3600, failed: "scrape-dlq" } as const;

/** `failed`: the queue that takes an event which was given up, where no clock repeats it. */
export type FunctionSpec = { name: string; handler: string; timeout: number; memory: number; failed?: string };
export type QueueSpec = {
  name: string;
  visibility: number;
  retention: number;
  deadLetter?: { queue: string; maxReceive: number };
};
export type MappingSpec = { queue: string; function: string; batch: number; window: number; concurrency: number };
export type TableSpec = {
  name: string;
  comment: string;
  columns: GlueColumn[];
  partitions: GlueColumn[];
  /** Key prefix in the lake of a table that is read where it lies (raw); refined ones get their locations by commits. */
  location: string;
  /** A date partition that readers compute instead of looking it up. */
  projection?: string;
};
export type StreamSpec = {
  name: string;
  database: string;
  table: string;
  prefix: string;
  errors: string;
  mib: number;
  seconds: number;
};
export type NoticeSpec = {
  bucket: string;
  prefix: string;
  suffix: string;
  to: { queue: string } | { function: string };
};
export type JobSpec = {
  name: string;
  dataset: string;
  concurrent: number;
  retries: number;
  timeoutMinutes: number;
  events: string;
};
/**
 * `cron` in five fields, `web`: what it starts fetches from the web. `missed`: the input of a tick that a machine was off
 * for and makes up for later, where that is another.
 */
export type ClockSpec = {
  name: string;
  cron: string;
  zone: string;
  function: string;
  input: unknown;
  web?: true;
  missed?: unknown;
};

/** The rule that tells a queue what became of jobs, by its logical name. */
export const jobRule = (queue: string): string => `jobs-to-${queue}`;

export type Topology = {
  pace: Pace;
  buckets: string[];
  functions: FunctionSpec[];
  queues: QueueSpec[];
  mappings: MappingSpec[];
  streams: StreamSpec[];
  notices: NoticeSpec[];
  jobs: JobSpec[];
  clocks: ClockSpec[];
  databases: { name: string; comment: string; tables: TableSpec[]; views: ViewInput[] }[];
};

const seconds = (minutes: number) => minutes * 60;

/** A look for a session's file at each of its hours; at the last it must be there. */
const scrapes = (dataset: string, schedule: Schedule | undefined): ClockSpec[] => {
  if (!schedule) return [];
  // A look that is made up for on another day is no day's last: that of today may be hours away.
  const missed = { dataset, missed: true };
  const clock = { zone: schedule.zone, function: "scrape", web: true, missed } as const;
  return [
    { name: `scrape-${dataset}`, cron: schedule.cron, ...clock, input: { dataset } },
    { name: `scrape-${dataset}-last`, cron: schedule.last, ...clock, input: { dataset, last: true } },
  ];
};

const names = (datasets: readonly Dataset[]) => datasets.map((d) => d.name);

/**
 * What exists, what triggers what, how much: a pure function of the catalogue and the pace. `stacks/` builds it on AWS,
 * `packages/local` runs it on a laptop; neither holds a number or an edge of its own. Names are logical (stage.ts).
 */
export const topology = (datasets: readonly Dataset[], pace: Pace): Topology => {
  const p = paces[pace];
  const queued = datasets.filter((d) => d.raw);
  const functions: FunctionSpec[] = [
    { name: "scrape", handler: "functions/scrape.handler", timeout: seconds(15), memory: 2048, failed: TICKS.failed },
    { name: "consume", handler: "functions/consume.handler", timeout: seconds(1), memory: 1024 },
    { name: "salvage", handler: "functions/salvage.handler", timeout: seconds(5), memory: 1024 },
    { name: "advance", handler: "functions/advance.handler", timeout: seconds(5), memory: 1024 },
    { name: "archive", handler: "functions/archive.handler", timeout: seconds(15), memory: 1024 },
    { name: "clean", handler: "functions/clean.handler", timeout: seconds(15), memory: 1024 },
  ];
  const timeout = (name: string) => functions.find((f) => f.name === name)!.timeout;
  const letters = (name: string): QueueSpec => ({ name, visibility: 30, retention: RETENTION_SECONDS });
  const pair = (name: string, reader: string): QueueSpec[] => [
    {
      name,
      visibility: VISIBILITY_FACTOR * timeout(reader),
      retention: RETENTION_SECONDS,
      deadLetter: { queue: `${name}-dlq`, maxReceive: MAX_RECEIVE },
    },
    letters(`${name}-dlq`),
  ];
  return {
    pace,
    buckets: ["origin", "lake", "state", "results"],
    functions,
    queues: [...queued.flatMap((d) => pair(d.name, "consume")), ...pair("landed", "advance"), letters(TICKS.failed)],
    mappings: [
      ...queued.map((d) => ({ queue: d.name, function: "consume", ...p.consume, concurrency: 2 })),
      { queue: "landed", function: "advance", ...p.landed, concurrency: 2 },
    ],
    streams: queued.map((d) => ({
      name: d.name,
      database: d.database,
      table: d.raw!.table.name,
      prefix: `raw/${d.name}/ingest_date=!{timestamp:yyyy-MM-dd}/`,
      errors: `errors/${d.name}/!{firehose:error-output-type}/`,
      ...p.buffer,
    })),
    notices: [
      { bucket: "lake", prefix: "raw/", suffix: ".parquet", to: { queue: "landed" } },
      { bucket: "lake", prefix: "errors/", suffix: "", to: { function: "salvage" } },
    ],
    jobs: datasets.map((d) => ({
      name: `refine-${d.name}`,
      dataset: d.name,
      concurrent: 1,
      retries: 0,
      timeoutMinutes: 60,
      events: "landed",
    })),
    // What a lost bell would hide: what is open and Firehose's errors soon, what lies under closed dates weekly.
    clocks: [
      { name: "advance", cron: "*/15 * * * *", zone: "UTC", function: "advance", input: { datasets: names(datasets) } },
      { name: "salvage", cron: "*/15 * * * *", zone: "UTC", function: "salvage", input: { datasets: names(queued) } },
      {
        name: "advance-weekly",
        cron: "0 6 * * SUN",
        zone: "UTC",
        function: "advance",
        input: { datasets: names(queued), full: true },
      },
      { name: "clean", cron: "0 7 * * *", zone: "UTC", function: "clean", input: { datasets: names(datasets) } },
      // Four days before SQS forgets a dead letter.
      {
        name: "archive",
        cron: "30 6 * * *",
        zone: "UTC",
        function: "archive",
        input: { boxes: [...names(queued), "landed"] },
      },
      ...queued.flatMap(({ name, raw }) => scrapes(name, raw!.schedule)),
    ],
    databases: Object.entries(Object.groupBy(datasets, (d) => d.database)).map(([name, members]) => ({
      name,
      comment: members!.map((d) => d.means).join("; "),
      tables: members!.flatMap((d) => [
        ...(d.raw
          ? [
              {
                name: d.raw.table.name,
                comment: d.raw.table.means,
                columns: glueColumns(d.raw.table.columns),
                partitions: glueColumns(d.raw.table.partitions),
                location: `raw/${d.name}/`,
                projection: Object.keys(d.raw.table.partitions)[0]!,
              },
            ]
          : []),
        ...d.tables.map((t) => ({
          name: t.name,
          comment: t.means,
          columns: glueColumns(t.columns),
          partitions: glueColumns(t.partitions),
          location: `refined/${t.name}/`,
        })),
      ]),
      views: members!.flatMap((d) =>
        Object.entries(d.views).map(([view, spec]) =>
          asOurs(
            viewInput(
              view,
              definitionOf(spec, name),
              Object.entries(spec.columns).map(([Name, c]) => ({ Name, Type: c.type, Comment: c.means })),
            ),
          ),
        ),
      ),
    })),
  };
};
