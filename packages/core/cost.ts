import { KEPT_MS } from "./clean.ts";
import { type Item, type Price, type Prices, priced } from "./prices.ts";
import { GLUE, type Topology } from "./topology.ts";

// What a month costs: counts in, priced lines out. A model: what was measured of one batch of rows, times what the
// topology says, and assumptions where only AWS could be asked. Free tiers, taxes and support are left out.

const KIB = 1024;
const MIB = 1024 ** 2;
const MONTH_DAYS = 30;
const MONTH_SECONDS = MONTH_DAYS * 86_400;

/** SQS bills a request for each 64 KB of its payload. Payload bytes of one call → requests. */
export const sqsRequests = (bytes: number): number => Math.max(1, Math.ceil(bytes / (64 * KIB)));
/** Firehose bills Direct PUT by the record, rounded up to 5 KB. Bytes of one record → bytes billed. */
export const firehoseBytes = (bytes: number): number => Math.ceil(bytes / (5 * KIB)) * 5 * KIB;
/** Glue bills a Spark job by the second, one minute at least. */
export const jobSeconds = (seconds: number): number => Math.max(60, Math.ceil(seconds));
/** Athena bills a query by the megabyte, ten at least. Bytes → megabytes. */
export const scannedMegabytes = (bytes: number): number => Math.max(10, Math.ceil(bytes / MIB));
/**
 * A consumer's rows as the records that its calls pack them into, full ones but for the last of each call. Bytes of JSON
 * → bytes billed at most: how the rows fall on the calls nobody knows before.
 */
export const packedBytes = (bytes: number, calls: number): number => firehoseBytes(bytes) + calls * 5 * KIB;

/** One batch of rows of a dataset, measured: a session's file, say. Bytes and counts. */
export type Batch = {
  rows: number;
  messages: number;
  /** Of all messages, and the requests that SQS bills for sending them. */
  messageBytes: number;
  sendRequests: number;
  /** Of the rows as JSON, newline-separated, as Firehose takes them. */
  recordBytes: number;
  originBytes: number;
  rawObjects: number;
  rawBytes: number;
  /** What of the tables is this batch's, and in how many files. */
  refinedBytes: number;
  refinedFiles: number;
};

export type Load = {
  /** Of all datasets together. */
  batch: Batch;
  datasets: number;
  /** Runs a month of datasets that are not in the batch: what else they take is too little to count. */
  others?: number;
  /** How many batches a month has. */
  batches: number;
  months: number;
  /** For how many months rows go into the unit that a run rewrites as a whole; 0: only the batch. */
  unitMonths: number;
  queries: number;
  /** DPU-seconds of a job as Glue told them; null: never measured. */
  jobDpuSeconds: number | null;
  watch: { alarms: number; metrics: number; dashboards: number };
  /** Days for which a version that was deleted or replaced is kept. */
  versionDays: number;
  /** Days for which a log line is kept. */
  logDays: number;
};

/** Where a count comes from: counted, a number of the topology, or what we assume because only AWS could be asked. */
export type Basis = "measured" | "topology" | "assumed";
/** `knob`: what makes it more or less. `option`: not in the total; what a setting would add. */
export type Use = { item: Item; of: string; count: number; basis: Basis; knob: string; option?: true };
export type Line = Use & { price: Price; micros: number };
export type Bill = { lines: Line[]; micros: number; options: number };

/** What was not and cannot be measured on a laptop. Each is named in docs/deploy.md. */
export const ASSUMED = {
  /** Billed seconds of one call: of a file's scraping, a batch's judging, a bell's walk, a clock's tick. */
  scrapeSeconds: 20,
  consumeSeconds: 3,
  advanceSeconds: 5,
  tickSeconds: 2,
  /** Batches that Lambda's pollers gather are half full. */
  batchFill: 2,
  /** Lambda keeps five pollers on a queue, each waits 20 s for a message (SQS's longest). */
  pollers: 5,
  pollSeconds: 20,
  /** A small Spark job of Glue, from its start to its end. */
  jobSeconds: 90,
  /** Runs a batch: what lands within a daily window is one; without a window the first objects do not wait for the rest. */
  runs: { daily: 1, intraday: 2 },
  /** What S3A and its committer ask for beside the files themselves. */
  sparkLists: 60,
  sparkGets: 100,
  /** Log bytes of a function's call (its own lines and Lambda's three) and of a job. */
  callLog: 1 * KIB,
  jobLog: 2 * MIB,
  /** With bucket keys S3 asks KMS for one request of a hundred. */
  bucketKey: 100,
  /** Documents of a run: itself, its report, its commit. */
  runDocuments: 64 * KIB,
} as const;

/** Counted on the local river, and again by test/cost-counted.faults.ts: of a run from its bells to its commit, of an idle tick. */
export const COUNTED = {
  run: { writes: 5, lists: 90, gets: 30 },
  tick: { advance: { lists: 18, gets: 18 }, salvage: { lists: 4, gets: 0 }, clean: { lists: 16, gets: 7 } },
} as const;

/** How often a cron of five fields ticks in thirty days; of a day of the month, as if there were one of each. */
export const ticks = (cron: string): number => {
  const [minute = "*", hour = "*", day = "*", , weekday = "*"] = cron.split(" ");
  const days = weekday === "*" ? MONTH_DAYS : Math.ceil((MONTH_DAYS * values(weekday, 7)) / 7);
  return values(minute, 60) * values(hour, 24) * (day === "*" ? days : values(day, MONTH_DAYS));
};
const WEEK = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const values = (field: string, all: number): number =>
  field.split(",").reduce((sum, part) => {
    const [range = "*", step = "1"] = part.split("/");
    const [from, to] = range.split("-").map((end) => (WEEK.includes(end) ? WEEK.indexOf(end) : Number(end)));
    const wide = range === "*" ? all : to === undefined ? 1 : to - (from ?? 0) + 1;
    return sum + Math.ceil(wide / Number(step));
  }, 0);

/** What happens in `months` months, the lake empty before the first: whole counts, each in the unit of its price. */
export const usageOf = (built: Topology, load: Load): Use[] => {
  const { batch, batches, months } = load;
  const all = batches * months;
  const memory = (name: string) => built.functions.find((f) => f.name === name)?.memory ?? 1024;
  const mapping = built.mappings.find(({ function: name }) => name === "consume");
  const stream = built.streams[0];
  const consumed = Math.ceil((ASSUMED.batchFill * batch.messages) / (mapping?.batch ?? 1));
  const objects =
    stream && stream.seconds > 0
      ? Math.min(batch.rawObjects, Math.ceil(batch.recordBytes / (stream.mib * MIB)) + 1)
      : batch.rawObjects;
  const runs = load.datasets * ASSUMED.runs[built.pace];
  const rung = Math.min(objects, Math.ceil(objects / 10)) + runs;
  const clocks = built.clocks.map((c) => ({ ...c, ticks: ticks(c.cron) * months }));
  const ticking = (name: string) => clocks.reduce((sum, c) => sum + (c.function === name ? c.ticks : 0), 0);
  const ticked = clocks.reduce((sum, c) => sum + c.ticks, 0);
  const polls = Math.ceil(MONTH_SECONDS / ASSUMED.pollSeconds) * ASSUMED.pollers * built.mappings.length * months;
  const stored = storage(load, objects, runs);
  const asked = requests(load, objects, runs, ticking);
  const jobs = all * runs + (load.others ?? 0) * months;
  const dpuSeconds =
    load.jobDpuSeconds === null ? GLUE.workers * jobSeconds(ASSUMED.jobSeconds) : jobSeconds(load.jobDpuSeconds);
  const calls = all * (load.datasets + consumed + rung);
  const compute =
    all *
      (memory("scrape") * ASSUMED.scrapeSeconds * load.datasets +
        memory("consume") * ASSUMED.consumeSeconds * consumed +
        memory("advance") * ASSUMED.advanceSeconds * rung) +
    clocks.reduce((sum, c) => sum + c.ticks * memory(c.function) * ASSUMED.tickSeconds, 0);
  const logged = (calls + ticked) * ASSUMED.callLog + jobs * ASSUMED.jobLog;
  // What a month logged is paid in each month that keeps it.
  const kept = Math.ceil((logged / months) * keptMonths(months, load.logDays));
  const firehose = all * packedBytes(batch.recordBytes, consumed);
  const messages = all * (2 * batch.sendRequests + Math.ceil(batch.messages / 10));
  // Each object is sent by S3, received and deleted; each job's end by EventBridge.
  const bells = all * 3 * (objects + runs);
  const often = "sessions and batches a month";
  return [
    use("sqs.requests", "messages sent, received, deleted", messages, "measured", "rows a message; batches a month"),
    use("sqs.requests", "bells", bells, "measured", "objects Firehose makes: the pace's buffer"),
    use("sqs.requests", "Lambda's empty polls", polls, "assumed", "queues with a reader; it runs whatever comes"),
    use("s3.puts", "writes and listings", asked.puts, "assumed", "runs a batch; the 15-minute clocks"),
    use("s3.gets", "reads", asked.gets, "assumed", "runs a batch; queries"),
    use("s3.frequent", "tables, and arrivals of two months", stored.frequent, "measured", often),
    use(
      "s3.frequent",
      "superseded runs, until they are swept",
      stored.superseded,
      "measured",
      "unit; runs; versions kept",
    ),
    use("s3.infrequent", "raw and origin, two months old", stored.infrequent, "measured", often),
    use("s3.archive", "raw and origin, four months old", stored.archive, "measured", often),
    use("s3.monitoring", "objects that are tiered", stored.objects, "measured", "objects Firehose makes"),
    use("lambda.requests", "calls", calls + ticked, "measured", "the mapping's batch; objects Firehose makes"),
    use("lambda.compute", "calls", Math.ceil(compute * 1000), "assumed", "a function's memory; the pace's windows"),
    use("firehose.ingestion", "rows as JSON, in 5 KB steps", firehose, "measured", "rows; how full a record is packed"),
    use("firehose.conversion", "the same, made Parquet", firehose, "measured", "rows"),
    use(
      "glue.jobs",
      "runs",
      jobs * dpuSeconds,
      load.jobDpuSeconds === null ? "assumed" : "measured",
      "batches a month; pause and resume",
    ),
    use(
      "athena.scanned",
      "queries",
      load.queries * months * scannedMegabytes(scanned(load)),
      "assumed",
      "--queries; columns and years asked for",
    ),
    use("kms.keys", "the stage's key", months, "topology", "stages"),
    use(
      "kms.requests",
      "objects, queues, logs",
      Math.ceil((asked.puts + asked.gets) / ASSUMED.bucketKey) + calls,
      "assumed",
      "calls; bucket keys",
    ),
    use("logs.ingestion", "functions and jobs", logged, "assumed", "calls; the job's log"),
    use("logs.storage", "functions and jobs, as long as they are kept", kept, "assumed", "calls; retention"),
    use("cloudwatch.alarms", "alarms", load.watch.alarms * months, "topology", "datasets"),
    use("cloudwatch.metrics", "business metrics", load.watch.metrics * months, "topology", "datasets"),
    use("cloudwatch.dashboards", "dashboard", load.watch.dashboards * months, "topology", "stages"),
    use("scheduler.invocations", "ticks", ticked, "topology", "clocks"),
    {
      ...use("cloudtrail.events", "reads and writes of objects", asked.puts + asked.gets, "assumed", "PREGAO_AUDIT"),
      option: true,
    },
  ];
};

const use = (item: Item, of: string, count: number, basis: Basis, knob: string): Use => ({
  item,
  of,
  count,
  basis,
  knob,
});

/** Of `months`, how many months' logs each one keeps, summed: 1 + 2 + …, no more than `days` in any. */
const keptMonths = (months: number, days: number): number =>
  Array.from({ length: months }, (_, at) => Math.min(at + 1, Math.max(1, days / MONTH_DAYS))).reduce(
    (a, b) => a + b,
    0,
  );

/** Bytes that a query reads: half of a month's share of the tables, for it names columns and years. */
const scanned = ({ batch, batches }: Load): number => Math.ceil((batch.refinedBytes * batches) / 2);

/** S3 bills what it answered: listings as writes. */
const requests = (
  { batch, datasets, batches, months, queries }: Load,
  objects: number,
  runs: number,
  ticking: (name: string) => number,
): { puts: number; gets: number } => {
  const all = batches * months;
  const { run, tick } = COUNTED;
  const idle = (of: "lists" | "gets") =>
    ticking("advance") * tick.advance[of] + ticking("salvage") * tick.salvage[of] + ticking("clean") * tick.clean[of];
  // A bell asks at least what an idle tick does.
  const bells = objects + runs;
  // Each file of a batch's is written and read in the runs of one dataset.
  const own = runs / datasets;
  const writes = runs * (run.writes + run.lists + ASSUMED.sparkLists) + own * 2 * batch.refinedFiles;
  const reads = runs * (run.gets + ASSUMED.sparkGets) + own * 4 * (objects + batch.refinedFiles);
  const puts = all * (datasets + objects + writes + bells * tick.advance.lists);
  const gets = all * (2 * datasets + reads + bells * tick.advance.gets);
  return { puts: puts + idle("lists") + queries * months * 3, gets: gets + idle("gets") + queries * months * 20 };
};

/**
 * Byte-months and object-months by class. What is a month old goes to intelligent tiering (stacks/lake.ts), which takes
 * what is 128 KB or more, and moves what nobody reads a month and three months later.
 */
const storage = (
  { batch, datasets, batches, months, unitMonths, versionDays }: Load,
  objects: number,
  runs: number,
) => {
  const total = { frequent: 0, infrequent: 0, archive: 0, superseded: 0, objects: 0 };
  const tiers = batch.rawBytes >= objects * 128 * KIB;
  const raw = batches * batch.rawBytes;
  const origin = batches * batch.originBytes;
  const tables = batches * batch.refinedBytes;
  const documents = batches * runs * ASSUMED.runDocuments;
  const keptDays = KEPT_MS / 86_400_000 + versionDays;
  for (let month = 1; month <= months; month++) {
    const old = Math.min(2, Math.max(0, month - 2));
    const older = Math.max(0, month - 4);
    const arrivals = origin + (tiers ? raw : 0);
    total.frequent += Math.min(2, month) * arrivals + month * (tables + documents + (tiers ? 0 : raw));
    total.infrequent += old * arrivals;
    total.archive += older * arrivals;
    total.objects += (month - 1) * batches * (1 + (tiers ? objects : 0));
    // Half of this month's batches are in the unit when a run of it rewrites it.
    const before = unitMonths > 0 ? (month - 1) % unitMonths : 0;
    const unit = unitMonths > 0 ? before * tables + Math.ceil(tables / 2) : batch.refinedBytes;
    total.superseded += Math.ceil((batches * (runs / datasets) * unit * keptDays) / MONTH_DAYS);
  }
  return total;
};

/** Each use at its price. The total is the sum of the lines, to the millionth. */
export const billOf = (uses: readonly Use[], prices: Prices): Bill => {
  const lines = uses.map((u): Line => ({ ...u, price: prices[u.item], micros: priced(u.count, prices[u.item]) }));
  const sum = (of: readonly Line[]) => of.reduce((all, { micros }) => all + micros, 0);
  return { lines, micros: sum(lines.filter((l) => !l.option)), options: sum(lines.filter((l) => l.option)) };
};
