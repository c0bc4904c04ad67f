import { AwsError } from "../service.ts";
import { STATISTICS, type Statistic } from "./points.ts";

/** One MetricDataQuery. `dimension`: of which queue, stream or function; null if it asks for something else. */
export type MetricQuery = {
  id: string;
  label: string | null;
  metric: string;
  dimension: string | null;
  /** Seconds. */
  period: number;
  statistic: Statistic;
  returned: boolean;
};

/** `from` and `to` in ms since 1970; `from` is inclusive, `to` is not. */
export type Asked = { queries: MetricQuery[]; from: number; to: number; newestFirst: boolean };

/** The metrics there are, and the one dimension of each. */
const metrics: Readonly<Record<string, string>> = {
  "AWS/SQS ApproximateAgeOfOldestMessage": "QueueName",
  "AWS/Firehose DeliveryToS3.DataFreshness": "DeliveryStreamName",
  "AWS/Lambda AsyncEventsDropped": "FunctionName",
};

/** MetricDataQuery structures of one call (API reference). */
const MAX_QUERIES = 500;
const MINUTE_MS = 60_000;

type Fields = Record<string, unknown>;

/** GetMetricData names everything that is wrong with its input so; boto3 and older SDKs show `ValidationError`. */
const invalid = (text: string) => new AwsError("ValidationException", text);
const missing = (name: string) => invalid(`The parameter ${name} is required.`);
const refused = (what: string) =>
  invalid(`${what} is not part of this stand-in: ask for one of ${Object.keys(metrics).join(", ")}`);

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const textOf = (value: unknown, name: string): string => {
  if (typeof value !== "string" || value === "") throw missing(name);
  return value;
};

/** AWS JSON writes an instant as seconds since 1970; a client may send it as text all the same. */
const instantOf = (value: unknown, name: string): number => {
  if (value === undefined || value === null) throw missing(name);
  const ms = typeof value === "number" ? value * 1000 : Date.parse(String(value));
  if (!Number.isFinite(ms)) throw invalid(`The parameter ${name} must be a timestamp.`);
  return ms;
};

/** @throws AwsError as CloudWatch names them, and for what is not kept here. */
export const readQueries = (input: unknown): Asked => {
  const asked = fieldsOf(input);
  const list = asked.MetricDataQueries;
  if (!Array.isArray(list) || list.length === 0) throw missing("MetricDataQueries");
  if (list.length > MAX_QUERIES)
    throw invalid(`The collection MetricDataQueries must not have a size greater than ${MAX_QUERIES}.`);
  // Less than 15 days ago a start is rounded down to its minute (API reference).
  const from = Math.floor(instantOf(asked.StartTime, "StartTime") / MINUTE_MS) * MINUTE_MS;
  const to = instantOf(asked.EndTime, "EndTime");
  if (from >= to) throw invalid("The parameter StartTime must be less than the parameter EndTime.");
  const queries = list.map(readQuery);
  if (new Set(queries.map(({ id }) => id)).size < queries.length)
    throw invalid("The values for parameter id in MetricDataQueries must be unique.");
  return { queries, from, to, newestFirst: asked.ScanBy !== "TimestampAscending" };
};

const readQuery = (value: unknown): MetricQuery => {
  const query = fieldsOf(value);
  const id = textOf(query.Id, "MetricDataQueries.Id");
  if (!/^[a-z][a-zA-Z0-9_]{0,254}$/.test(id))
    throw invalid(`The value ${id} for parameter Id must match [a-z][a-zA-Z0-9_]*.`);
  if (query.Expression !== undefined) throw refused("An Expression");
  const stat = fieldsOf(query.MetricStat);
  const metric = fieldsOf(stat.Metric);
  const namespace = textOf(metric.Namespace, "MetricStat.Metric.Namespace");
  const name = textOf(metric.MetricName, "MetricStat.Metric.MetricName");
  const known = metrics[`${namespace} ${name}`];
  if (known === undefined) throw refused(`The metric ${namespace} ${name}`);
  const period = stat.Period;
  if (typeof period !== "number" || !([1, 5, 10, 30].includes(period) || (period >= 60 && period % 60 === 0)))
    throw invalid("The parameter Period must be 1, 5, 10, 30 or a multiple of 60.");
  const statistic = STATISTICS.find((s) => s === stat.Stat);
  if (!statistic)
    throw invalid(`The value ${String(stat.Stat)} for parameter Stat is not one of ${STATISTICS.join(", ")}.`);
  const dimensions = (Array.isArray(metric.Dimensions) ? metric.Dimensions : []).map(fieldsOf);
  const [only] = dimensions;
  return {
    id,
    label: typeof query.Label === "string" ? query.Label : null,
    metric: name,
    dimension: dimensions.length === 1 && only?.Name === known ? String(only.Value) : null,
    period,
    statistic,
    returned: query.ReturnData !== false,
  };
};
