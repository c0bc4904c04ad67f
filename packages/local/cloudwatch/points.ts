import type { MetricQuery } from "./queries.ts";

/** One sample: `at` in ms since 1970. */
export type Point = { at: number; value: number };

export const STATISTICS = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"] as const;
export type Statistic = (typeof STATISTICS)[number];

/** Of at least one value. */
const statistics: Record<Statistic, (values: readonly number[]) => number> = {
  Average: (values) => statistics.Sum(values) / values.length,
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
  SampleCount: (values) => values.length,
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

/** One query's result: samples gathered by period, named by its start, in seconds since 1970. A period without any is left out. */
export const answer = (query: MetricQuery, points: readonly Point[], newestFirst: boolean) => {
  const { id, label, metric, period, statistic } = query;
  const periods = Map.groupBy(points, ({ at }) => Math.floor(at / 1000 / period) * period);
  const starts = [...periods.keys()].sort((a, b) => (newestFirst ? b - a : a - b));
  return {
    Id: id,
    Label: label ?? metric,
    Timestamps: starts,
    Values: starts.map((start) => statistics[statistic](periods.get(start)!.map(({ value }) => value))),
    StatusCode: "Complete",
  };
};
