import type { AwsError, JsonService } from "../service.ts";
import { answer, type Point } from "./points.ts";
import { readQueries } from "./queries.ts";

/** What is measured: the state as it is now, and when events were given up. Ages and instants in ms. */
export type Measures = {
  /** Age of the oldest message of a queue, 0 if it holds none; null: there is no such queue. */
  oldestMessage: (queue: string) => number | null;
  /** Age of the oldest record that a stream took and has not delivered; null: none, or no such stream. */
  oldestRecord: (stream: string) => number | null;
  /** When asynchronous events of a function were given up, from `from` until before `to`. */
  droppedEvents: (name: string, from: number, to: number) => readonly number[];
};

export type CloudWatch = {
  service: JsonService & { wireError: (error: AwsError) => { type: string; headers: Record<string, string> } };
};

/** The names that errors had in the query protocol, where an SDK may look for them (the header `x-amzn-query-error`). */
const queryCodes: Readonly<Record<string, string>> = { ValidationException: "ValidationError" };

const wireError = (error: AwsError) => ({
  type: `com.amazonaws.cloudwatch#${error.code}`,
  headers: {
    "x-amzn-query-error": `${queryCodes[error.code] ?? error.code};${error.status < 500 ? "Sender" : "Receiver"}`,
  },
});

/**
 * CloudWatch's GetMetricData for the metrics that nothing else of AWS tells: the age of a queue's oldest message, what
 * Firehose has not delivered, and the asynchronous events that Lambda gave up. There is no history of ages: they are
 * measured when they are asked for, and only their newest period has a value.
 */
export const cloudwatch = (deps: Measures & { now: () => number }): CloudWatch => {
  /** Lambda's is a sum of what happened, and knows when; the others are the state of this moment. */
  const points = (metric: string, dimension: string, from: number, to: number): Point[] => {
    if (metric === "AsyncEventsDropped") return deps.droppedEvents(dimension, from, to).map((at) => ({ at, value: 1 }));
    const at = deps.now();
    if (at < from || at > to) return [];
    const age =
      metric === "ApproximateAgeOfOldestMessage" ? deps.oldestMessage(dimension) : deps.oldestRecord(dimension);
    return age === null ? [] : [{ at, value: Math.max(0, Math.floor(age / 1000)) }];
  };

  const operations = {
    GetMetricData: (input: unknown) => {
      const { queries, from, to, newestFirst } = readQueries(input);
      return {
        MetricDataResults: queries
          .filter(({ returned }) => returned)
          .map((query) => {
            const found = query.dimension === null ? [] : points(query.metric, query.dimension, from, to);
            return answer(query, found, newestFirst);
          }),
        Messages: [],
      };
    },
  };
  return { service: { target: "GraniteServiceVersion20100801", version: "1.0", operations, wireError } };
};
