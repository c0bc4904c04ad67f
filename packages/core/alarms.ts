import { RETRY_AFTER_MS } from "./advance.ts";
import type { Dataset } from "./dataset.ts";
import { errorsOf, namespaceOf, watchedSessions } from "./metrics.ts";
import { resource, type Stage } from "./stage.ts";
import { GLUE, type Topology } from "./topology.ts";

export type Metric = { namespace: string; name: string; dimensions: Record<string, string> };

/**
 * `critical`: data does not arrive, or will be lost, unless a person acts; `other`: it mends itself, can wait, or costs.
 */
export type Severity = "critical" | "other";

/** An alarm rings when the statistic was above the threshold in each of so many periods in a row. */
export type Alarm = {
  name: string;
  severity: Severity;
  metric: Metric;
  statistic: "Sum" | "Maximum" | "Minimum";
  /** Seconds. */
  period: number;
  periods: number;
  above: number;
  unit: "seconds" | "messages" | "events" | "records" | "runs" | "sessions" | "lines";
  /** What silence means: that all is well, or that nobody looks any more. */
  silence: "well" | "ill";
  means: string;
  /** The command that shows the cause. */
  command: string;
};

const MINUTES = 60;
const HOUR = 3600;
const DAY = 86_400;
/** One look at what AWS measures every minute. */
const LOOK = 5 * MINUTES;
/** A try that fails once is what retries are for; one that fails for this many looks is not. */
const LASTING = 3;
/** In each such span a job that fails is tried again at least twice. */
const BROKEN = (3 * RETRY_AFTER_MS) / 1000;
/** Firehose's largest buffer, in seconds (API reference: BufferingHints): what waits longer on top of its own is not buffered. */
const BUFFER = 900;
/** A job that is busy for more of a day than this is neither a batch after the close nor snapshots of one trading day. */
const BUSY = 1 / 6;
/** Of its time-out: a job that needs more is about to be cut. */
const SLOW = 1 / 2;

/**
 * Every alarm of a stage, from the topology and nothing else. Thresholds are its waits, counted as `pregao status` counts
 * them, so that an alarm and `status` say the same.
 */
export const alarms = (topology: Topology, datasets: readonly Dataset[], stage: Stage): Alarm[] => [
  ...topology.functions.flatMap((f) => ofFunction(topology, f, stage)),
  ...topology.queues.flatMap((q) => ofQueue(topology, q, stage)),
  ...topology.streams.flatMap((s) => ofStream(s, stage)),
  ...topology.jobs.flatMap((j) => ofJob(j, stage)),
  ...watchedSessions(topology, datasets).flatMap((d) => ofSessions(d, stage)),
];

/** The name under which CloudWatch has an alarm. */
export const alarmName = (stage: Stage, alarm: Pick<Alarm, "name">): string => resource(stage, alarm.name);

/** What an alarm says to whoever gets it: what is wrong, and the command that shows why. */
export const descriptionOf = ({ means, command }: Pick<Alarm, "means" | "command">): string =>
  `${means}. Next: ${command}`;

const verb = (stage: Stage, words: string): string => `pregao ${words} --stage ${stage.name}`;
const tail = (stage: Stage, level: string, more = ""): string =>
  verb(stage, `tail --once --level ${level} --since 2h${more}`);

const aws = (service: string, name: string, dimension: string, value: string): Metric => ({
  namespace: `AWS/${service}`,
  name,
  dimensions: { [dimension]: value },
});
const ours = (stage: Stage, name: string, dataset?: string): Metric => ({
  namespace: namespaceOf(stage),
  name,
  dimensions: dataset === undefined ? {} : { dataset },
});

const well = { silence: "well", period: LOOK, periods: 1, statistic: "Sum", above: 0 } as const;

const ofFunction = (topology: Topology, { name, failed }: Topology["functions"][number], stage: Stage): Alarm[] => {
  const metric = (of: string) => aws("Lambda", of, "FunctionName", resource(stage, name));
  // Nobody waits for what a clock or S3 invokes: Lambda tries it again and gives it up at last.
  const async =
    topology.clocks.some((c) => c.function === name) ||
    topology.notices.some((n) => "function" in n.to && n.to.function === name);
  const looks = failed ? `it lies in ${failed}` : "its clock looks again";
  return [
    {
      ...{ ...well, name: `${name}-errors`, severity: "other", metric: metric("Errors"), unit: "events" },
      means: `calls of ${name} failed, or ran out of time or memory; they are tried again`,
      command: tail(stage, "WARN"),
    },
    {
      ...{ ...well, name: `${name}-throttles`, severity: "other", metric: metric("Throttles"), unit: "events" },
      means: `${name} was not let run: the account's concurrency is used up`,
      command: tail(stage, "WARN"),
    },
    {
      ...{ ...well, name: `${name}-says-error`, severity: "critical", metric: ours(stage, errorsOf(name)) },
      ...{ unit: "lines", command: tail(stage, "ERROR") },
      means: `${name} says what a person must see to`,
    },
    ...when(async, {
      ...{ ...well, name: `${name}-given-up`, severity: "other", metric: metric("AsyncEventsDropped") },
      ...{ unit: "events", command: tail(stage, "WARN") },
      means: `Lambda gave up events of ${name} after the last attempt; ${looks}`,
    }),
    ...when(failed !== undefined, {
      ...{ ...well, name: `${name}-lost`, severity: "critical", metric: metric("DestinationDeliveryFailures") },
      ...{ unit: "events", command: tail(stage, "WARN") },
      means: `Lambda gave up events of ${name}, and could not put them into ${failed} either`,
    }),
  ];
};

const when = (is: boolean, alarm: Alarm): Alarm[] => (is ? [alarm] : []);

const ofQueue = (topology: Topology, queue: Topology["queues"][number], stage: Stage): Alarm[] => {
  const { name } = queue;
  const metric = (of: string) => aws("SQS", of, "QueueName", resource(stage, name));
  const mapping = topology.mappings.find((m) => m.queue === name);
  if (mapping)
    return [
      {
        ...{ ...well, name: `${name}-age`, severity: "critical", metric: metric("ApproximateAgeOfOldestMessage") },
        ...{ statistic: "Maximum", unit: "seconds", periods: LASTING, above: mapping.window + queue.visibility },
        means: `messages of ${name} wait for longer than a batch's window and a second try: ${mapping.function} fails, or is behind`,
        command: verb(stage, "status"),
      },
    ];
  // Nobody reads it but people. What a dataset refused are rows; elsewhere whole objects and days are.
  const box = topology.queues.find((q) => q.deadLetter?.queue === name)?.name;
  const rows = topology.streams.some((s) => s.name === box);
  return [
    {
      ...{ ...well, name: `${name}-depth`, severity: rows ? "other" : "critical" },
      ...{ metric: metric("ApproximateNumberOfMessagesVisible"), statistic: "Maximum", unit: "messages" },
      means: box
        ? `${rows ? "records" : "raw objects or bells"} of ${box} were refused; SQS forgets them after ${queue.retention / DAY} days`
        : `what nobody repeats was given up and lies in ${name}; SQS forgets it after ${queue.retention / DAY} days`,
      command: box ? verb(stage, `dlq list ${box}`) : verb(stage, "tail --once --level ERROR --since 1d"),
    },
  ];
};

const ofStream = (stream: Topology["streams"][number], stage: Stage): Alarm[] => {
  const { name } = stream;
  const metric = (of: string) => aws("Firehose", of, "DeliveryStreamName", resource(stage, name));
  return [
    {
      ...{ ...well, name: `${name}-freshness`, severity: "critical", metric: metric("DeliveryToS3.DataFreshness") },
      ...{ statistic: "Maximum", unit: "seconds", above: stream.seconds + BUFFER },
      means: `Firehose took rows of ${name} and does not deliver them; after 24 hours it loses them`,
      command: verb(stage, "status"),
    },
    {
      ...{ ...well, name: `${name}-conversion`, severity: "other", metric: metric("FailedConversion.Records") },
      unit: "records",
      means: `Firehose could not convert rows of ${name} that were judged to be valid; salvage makes dead letters of them`,
      command: verb(stage, `dlq list ${name}`),
    },
  ];
};

/** Glue measures no failure, duration or bill of a job: what it tells of its runs, `advance` writes in its log. */
const ofJob = ({ name, dataset, timeoutMinutes }: Topology["jobs"][number], stage: Stage): Alarm[] => {
  const log = tail(stage, "WARN", ` --dataset ${dataset}`);
  const failed = { ...well, metric: ours(stage, "runs_failed", dataset), unit: "runs" } as const;
  return [
    {
      ...{ ...failed, name: `${name}-failed`, severity: "other", period: HOUR, command: log },
      means: `a run of ${dataset} failed; it is tried again in halves, after the next one, or after an hour`,
    },
    {
      ...{ ...failed, name: `${name}-broken`, severity: "critical", period: BROKEN, periods: 2 },
      means: `runs of ${dataset} fail hour after hour: the job is broken, and nothing new reaches the tables`,
      command: verb(stage, "status"),
    },
    {
      ...{ ...well, name: `${name}-slow`, severity: "other", metric: ours(stage, "job_seconds", dataset) },
      ...{ statistic: "Maximum", unit: "seconds", above: SLOW * timeoutMinutes * MINUTES, command: log },
      means: `the job of ${dataset} took more than half of its time-out of ${timeoutMinutes} minutes`,
    },
    {
      ...{ ...well, name: `${name}-dpu-hours`, severity: "other", metric: ours(stage, "dpu_seconds", dataset) },
      ...{ unit: "seconds", period: DAY, above: BUSY * GLUE.workers * DAY, command: verb(stage, "cost") },
      means: `the job of ${dataset} was billed for more than ${BUSY * GLUE.workers * 24} DPU hours in a day`,
    },
  ];
};

/** Told by the calendar of sessions, so a holiday rings nothing; told every 15 minutes, so silence is an outage. */
const ofSessions = ({ name }: Dataset, stage: Stage): Alarm[] => [
  {
    ...{ ...well, name: `${name}-no-data`, severity: "critical", metric: ours(stage, "sessions_missing", name) },
    ...{ statistic: "Maximum", unit: "sessions", period: HOUR, silence: "ill", command: verb(stage, "status") },
    means: `a trading day's file of ${name} did not reach the tables, or nobody looks any more`,
  },
  {
    ...{ ...well, name: `${name}-incomplete`, severity: "other", metric: ours(stage, "sessions_incomplete", name) },
    ...{ statistic: "Maximum", unit: "sessions", period: HOUR, command: verb(stage, `verify ${name}`) },
    means: `of a trading day's file of ${name} not every row reached the tables`,
  },
  {
    ...{ ...well, name: `${name}-gaps`, severity: "other", metric: ours(stage, "gaps", name) },
    ...{ statistic: "Maximum", unit: "sessions", period: HOUR, periods: DAY / HOUR },
    ...{ command: verb(stage, `gaps ${name}`) },
    means: `of the last year's sessions of ${name} some are missing or incomplete, and for a day nothing came that filled them`,
  },
];
