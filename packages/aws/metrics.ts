import { GetMetricDataCommand, type MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { resource } from "../core/stage.ts";
import type { Aws } from "./index.ts";

/** Of which queues, streams and functions (logical names), and since when a function's events are asked for. */
export type Asked = {
  queues: readonly string[];
  streams: readonly string[];
  /** function → ms since 1970. */
  functions: Readonly<Record<string, number>>;
};

/** By logical name. */
export type Measured = {
  /** Age of the oldest message in seconds; null: nothing was measured lately. */
  oldestMessage: Record<string, number | null>;
  /** Age in seconds of the oldest record that Firehose took and has not delivered; null: it waits for nothing. */
  oldestRecord: Record<string, number | null>;
  /** Asynchronous events that were given up since then. */
  dropped: Record<string, number>;
};

/** CloudWatch's metrics of these services come once a minute; Firehose's may come minutes late. */
const PERIOD_SECONDS = 60;
const LOOK_BACK_MS = 10 * 60_000;
const MINUTE_MS = 60_000;
/** MetricDataQuery structures of one call (API reference). */
const MAX_QUERIES = 500;

type Wanted = { namespace: string; metric: string; dimension: string; of: string; stat: "Maximum" | "Sum" };
type Series = { at: number; value: number }[];

/** What nothing else of AWS tells: two calls of GetMetricData, however many names. `now` in ms since 1970. */
export const measure = async (aws: Aws, asked: Asked, now: number): Promise<Measured> => {
  const age = { metric: "ApproximateAgeOfOldestMessage", namespace: "AWS/SQS", dimension: "QueueName" };
  const freshness = {
    metric: "DeliveryToS3.DataFreshness",
    namespace: "AWS/Firehose",
    dimension: "DeliveryStreamName",
  };
  const dropped = { metric: "AsyncEventsDropped", namespace: "AWS/Lambda", dimension: "FunctionName" };
  const functions = Object.entries(asked.functions);
  const since = functions.reduce((least, [, at]) => Math.min(least, at), now);
  const [gauges, counts] = await Promise.all([
    series(
      aws,
      [
        ...asked.queues.map((of): Wanted => ({ ...age, of, stat: "Maximum" })),
        ...asked.streams.map((of): Wanted => ({ ...freshness, of, stat: "Maximum" })),
      ],
      now - LOOK_BACK_MS,
      now,
    ),
    series(
      aws,
      functions.map(([of]): Wanted => ({ ...dropped, of, stat: "Sum" })),
      since,
      now,
    ),
  ]);
  const newest = (at: number): number | null => gauges[at]?.[0]?.value ?? null;
  const named = <T>(names: readonly string[], value: (index: number) => T): Record<string, T> =>
    Object.fromEntries(names.map((name, index) => [name, value(index)]));
  return {
    oldestMessage: named(asked.queues, newest),
    oldestRecord: named(asked.streams, (index) => newest(asked.queues.length + index)),
    dropped: named(
      functions.map(([name]) => name),
      (index) =>
        (counts[index] ?? [])
          .filter(({ at }) => at > (functions[index]?.[1] ?? 0) - MINUTE_MS)
          .reduce((sum, { value }) => sum + value, 0),
    ),
  };
};

/** For each that is wanted its periods that have a value, the newest first. */
const series = async (aws: Aws, wanted: readonly Wanted[], from: number, to: number): Promise<Series[]> => {
  const found: Series[] = wanted.map(() => []);
  for (let first = 0; first < wanted.length; first += MAX_QUERIES) {
    const queries = wanted.slice(first, first + MAX_QUERIES).map((w, index) => queryOf(aws, w, `m${first + index}`));
    let token: string | undefined;
    do {
      const page = await aws.cloudwatch.send(
        new GetMetricDataCommand({
          MetricDataQueries: queries,
          // A period is named by its start and an end is exclusive: the period of this moment belongs to it.
          StartTime: new Date(from),
          EndTime: new Date(to + MINUTE_MS),
          ScanBy: "TimestampDescending",
          NextToken: token,
        }),
      );
      for (const { Id, Timestamps = [], Values = [] } of page.MetricDataResults ?? [])
        Timestamps.forEach((at, index) => {
          found[Number(Id?.slice(1))]?.push({ at: at.getTime(), value: Values[index] ?? 0 });
        });
      token = page.NextToken;
    } while (token);
  }
  return found;
};

const queryOf = (aws: Aws, { namespace, metric, dimension, of, stat }: Wanted, id: string): MetricDataQuery => ({
  Id: id,
  MetricStat: {
    Metric: {
      Namespace: namespace,
      MetricName: metric,
      Dimensions: [{ Name: dimension, Value: resource(aws.stage, of) }],
    },
    Period: PERIOD_SECONDS,
    Stat: stat,
  },
});
