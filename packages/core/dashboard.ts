import { type Alarm, alarmName, alarms, type Metric } from "./alarms.ts";
import type { Dataset } from "./dataset.ts";
import { namespaceOf, watchedSessions } from "./metrics.ts";
import { bucket, resource, type Stage, workgroup } from "./stage.ts";
import type { Topology } from "./topology.ts";

/** A line of a widget: a metric, or what is computed of others (CloudWatch's metric math). */
export type Series =
  | { metric: Metric; stat: string; label: string; id?: string; hidden?: true }
  | { expression: string; label: string; id?: string };

export type Widget = {
  title: string;
  /** `number`: the newest value of each. */
  view: "lines" | "number";
  /** Seconds. */
  period: number;
  series: Series[];
  /** A row is 24 wide. */
  width: 6 | 8 | 12 | 24;
};

export type Section = { title: string; widgets: Widget[] };

const MINUTES = 60;
const HOUR = 3600;
const DAY = 86_400;

/** What a stage's dashboard shows, from top to bottom: what the business asks, then what explains it. */
export const dashboard = (topology: Topology, datasets: readonly Dataset[], stage: Stage): Section[] => [
  { title: "Business: tickers, coverage, latency, quality", widgets: business(topology, datasets, stage) },
  { title: "Volume, from the queue to the tables", widgets: volume(topology, datasets, stage) },
  { title: "Latency of each step", widgets: latency(topology, stage) },
  { title: "Success", widgets: success(topology, stage) },
  { title: "What costs", widgets: costs(topology, stage) },
];

const on = (stage: Stage) => ({
  aws: (service: string, name: string, dimension: string, of: string, stat: string, label = of): Series => ({
    metric: { namespace: `AWS/${service}`, name, dimensions: { [dimension]: resource(stage, of) } },
    ...{ stat, label },
  }),
  ours: (name: string, dataset: string, stat: string, label = dataset): Series => ({
    metric: { namespace: namespaceOf(stage), name, dimensions: { dataset } },
    ...{ stat, label },
  }),
});

/** One of `all` in so many percent: `part` of `part + rest`. Nothing happened: nothing is shown. */
const share = (part: Series, rest: Series, at: number, label: string): Series[] => [
  { ...part, id: `part${at}`, hidden: true } as Series,
  { ...rest, id: `rest${at}`, hidden: true } as Series,
  {
    expression: `100 * FILL(part${at}, 0) / (FILL(part${at}, 0) + FILL(rest${at}, 0))`,
    ...{ label, id: `share${at}` },
  },
];

const business = (topology: Topology, datasets: readonly Dataset[], stage: Stage): Widget[] => {
  const { ours } = on(stage);
  const told = watchedSessions(topology, datasets).map((d) => d.name);
  const queued = topology.streams.map((s) => s.name);
  const number = (title: string, ...names: string[]): Widget => ({
    ...{ title, view: "number", period: HOUR, width: 6 },
    series: names.flatMap((name) => told.map((d) => ours(name, d, "Maximum"))),
  });
  const lines = (title: string, series: Series[], period = DAY): Widget => ({
    ...{ title, view: "lines", period, width: 8, series },
  });
  return [
    number("Tickers of the newest session", "tickers"),
    number("Sessions missing of the last five", "sessions_missing"),
    number("Coverage of the last five sessions, and of the last year's, %", "coverage", "completeness"),
    number("Doubtful tickers of the newest session, %", "doubtful"),
    lines(
      "Latency: from the origin's bytes to the tables, s",
      told.map((d) => ours("latency", d, "Maximum")),
    ),
    lines(
      "Broken laws that only warn",
      told.map((d) => ours("findings", d, "Maximum")),
    ),
    lines(
      "Records refused, %",
      queued.flatMap((d, at) => share(ours("records_refused", d, "Sum"), ours("rows_judged", d, "Sum"), at, d)),
    ),
  ];
};

const volume = (topology: Topology, datasets: readonly Dataset[], stage: Stage): Widget[] => {
  const { aws, ours } = on(stage);
  const lines = (title: string, series: Series[]): Widget => ({
    ...{ title, view: "lines", period: 15 * MINUTES, width: 6, series },
  });
  return [
    lines(
      "Messages sent",
      topology.mappings.map((m) => aws("SQS", "NumberOfMessagesSent", "QueueName", m.queue, "Sum")),
    ),
    lines(
      "Bytes into Firehose",
      topology.streams.map((s) => aws("Firehose", "IncomingBytes", "DeliveryStreamName", s.name, "Sum")),
    ),
    lines(
      "Rows new in the tables",
      topology.jobs.map((j) => ours("rows_refined", j.dataset, "Sum")),
    ),
    lines(
      "Sessions published",
      watchedSessions(topology, datasets).map((d) => ours("sessions_published", d.name, "Sum")),
    ),
  ];
};

const latency = (topology: Topology, stage: Stage): Widget[] => {
  const { aws, ours } = on(stage);
  const lines = (title: string, series: Series[]): Widget => ({
    ...{ title, view: "lines", period: 5 * MINUTES, width: 6, series },
  });
  return [
    lines(
      "Age of the oldest message, s",
      topology.mappings.map((m) => aws("SQS", "ApproximateAgeOfOldestMessage", "QueueName", m.queue, "Maximum")),
    ),
    lines(
      "Duration of a call, 95 of 100, ms",
      topology.functions.map((f) => aws("Lambda", "Duration", "FunctionName", f.name, "p95")),
    ),
    lines(
      "Age of the oldest row in Firehose, s",
      topology.streams.map((s) =>
        aws("Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", s.name, "Maximum"),
      ),
    ),
    lines(
      "Job, s",
      topology.jobs.map((j) => ours("job_seconds", j.dataset, "Maximum")),
    ),
  ];
};

const success = (topology: Topology, stage: Stage): Widget[] => {
  const { aws, ours } = on(stage);
  const lines = (title: string, series: Series[]): Widget => ({
    ...{ title, view: "lines", period: HOUR, width: 6, series },
  });
  const letters = topology.queues.filter((q) => !topology.mappings.some((m) => m.queue === q.name));
  return [
    lines(
      "Calls that failed, %",
      topology.functions.flatMap((f, at): Series[] => [
        { ...aws("Lambda", "Errors", "FunctionName", f.name, "Sum"), id: `failed${at}`, hidden: true } as Series,
        { ...aws("Lambda", "Invocations", "FunctionName", f.name, "Sum"), id: `called${at}`, hidden: true } as Series,
        { expression: `100 * failed${at} / called${at}`, label: f.name, id: `rate${at}` },
      ]),
    ),
    lines(
      "Runs published, %",
      topology.jobs.flatMap((j, at) =>
        share(ours("runs_published", j.dataset, "Sum"), ours("runs_failed", j.dataset, "Sum"), at, j.dataset),
      ),
    ),
    lines(
      "Rows that Firehose could not convert",
      topology.streams.map((s) => aws("Firehose", "FailedConversion.Records", "DeliveryStreamName", s.name, "Sum")),
    ),
    lines(
      "Dead letters",
      letters.map((q) => aws("SQS", "ApproximateNumberOfMessagesVisible", "QueueName", q.name, "Maximum")),
    ),
  ];
};

/** What a bill is made of, a day each. Prices are in `pregao cost`. */
const costs = (topology: Topology, stage: Stage): Widget[] => {
  const { aws, ours } = on(stage);
  const lines = (title: string, series: Series[]): Widget => ({
    ...{ title, view: "lines", period: DAY, width: 8, series },
  });
  const stored = (name: string): Series => ({
    // S3 tells it once a day, for each class by itself.
    expression: `SUM(SEARCH('{AWS/S3,BucketName,StorageType} MetricName="BucketSizeBytes" BucketName="${bucket(stage, name)}"', 'Average', ${DAY}))`,
    label: name,
  });
  const scanned = (whose: "people" | "analyst"): Series => ({
    expression: `SUM(SEARCH('{AWS/Athena,QueryState,QueryType,WorkGroup} MetricName="ProcessedBytes" WorkGroup="${workgroup(stage, whose)}"', 'Sum', ${DAY}))`,
    label: whose,
  });
  const dpu = topology.jobs.flatMap((j, at): Series[] => [
    { ...ours("dpu_seconds", j.dataset, "Sum"), id: `dpu${at}`, hidden: true } as Series,
    { expression: `dpu${at} / 3600`, label: j.dataset, id: `hours${at}` },
  ]);
  const compute = topology.functions.flatMap((f, at): Series[] => [
    { ...aws("Lambda", "Duration", "FunctionName", f.name, "Sum"), id: `ran${at}`, hidden: true } as Series,
    { expression: `ran${at} / 1000 * ${f.memory / 1024}`, label: f.name, id: `gb${at}` },
  ]);
  return [
    lines("Glue, DPU hours", dpu),
    lines("Lambda, GB seconds", compute),
    lines(
      "Firehose, bytes taken",
      topology.streams.map((s) => aws("Firehose", "IncomingBytes", "DeliveryStreamName", s.name, "Sum")),
    ),
    lines("Athena, bytes scanned", [scanned("people"), scanned("analyst")]),
    lines("S3, bytes kept", topology.buckets.map(stored)),
    lines(
      "SQS, requests that carried messages",
      topology.queues.map((q) => aws("SQS", "NumberOfMessagesReceived", "QueueName", q.name, "Sum")),
    ),
  ];
};

const HEIGHT = 6;
const WIDTH = 24;

/**
 * The dashboard's body as CloudWatch reads it (Dashboard body structure and syntax): the alarms on top, each section under
 * its title, in rows of 24.
 */
export const dashboardBody = (topology: Topology, datasets: readonly Dataset[], stage: Stage): object => {
  const widgets: object[] = [];
  let y = 0;
  const title = (markdown: string) => {
    widgets.push({
      type: "text",
      x: 0,
      y,
      width: WIDTH,
      height: 1,
      properties: { markdown, background: "transparent" },
    });
    y += 1;
  };
  title(`# pregao ${stage.name} · next: \`pregao status --stage ${stage.name}\``);
  const all = alarms(topology, datasets, stage);
  const arn = (alarm: Alarm) => `arn:aws:cloudwatch:${stage.region}:${stage.account}:alarm:${alarmName(stage, alarm)}`;
  for (const severity of ["critical", "other"] as const)
    widgets.push({
      ...{ type: "alarm", x: severity === "critical" ? 0 : WIDTH / 2, y, width: WIDTH / 2, height: HEIGHT },
      properties: { title: `Alarms: ${severity}`, alarms: all.filter((a) => a.severity === severity).map(arn) },
    });
  y += HEIGHT;
  for (const section of dashboard(topology, datasets, stage)) {
    title(`## ${section.title}`);
    let x = 0;
    for (const widget of section.widgets.filter((w) => w.series.length > 0)) {
      if (x + widget.width > WIDTH) {
        x = 0;
        y += HEIGHT;
      }
      widgets.push({
        type: "metric",
        x,
        y,
        width: widget.width,
        height: HEIGHT,
        properties: propertiesOf(widget, stage),
      });
      x += widget.width;
    }
    y += HEIGHT;
  }
  return { widgets };
};

const propertiesOf = ({ title, view, period, series }: Widget, stage: Stage): object => ({
  ...{ title, period, region: stage.region, view: view === "number" ? "singleValue" : "timeSeries", stacked: false },
  metrics: series.map((one) => {
    const id = one.id === undefined ? {} : { id: one.id };
    if ("expression" in one) return [{ expression: one.expression, label: one.label, ...id }];
    const { namespace, name, dimensions } = one.metric;
    const shown = { stat: one.stat, label: one.label, ...id, ...(one.hidden ? { visible: false } : {}) };
    return [namespace, name, ...Object.entries(dimensions).flat(), shown];
  }),
});
