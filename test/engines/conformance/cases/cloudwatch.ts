import { asking, type Case, type Json } from "../case.ts";

const { ok, no } = asking("cloudwatch");
const query = (more: Readonly<Record<string, Json>> = {}, stat: Readonly<Record<string, Json>> = {}): Json => ({
  Id: "age",
  MetricStat: {
    Metric: {
      Namespace: "AWS/SQS",
      MetricName: "ApproximateAgeOfOldestMessage",
      Dimensions: [{ Name: "QueueName", Value: "<own>" }],
    },
    Period: 60,
    Stat: "Maximum",
    ...stat,
  },
  ...more,
});
const window = { StartTime: { $date: -600 }, EndTime: { $date: 60 } };
const asked = (...queries: Json[]) => ({ MetricDataQueries: queries, ...window });
const refused = (what: string, queries: Json[], name = "ValidationException", code = "ValidationError"): Case => ({
  name: `GetMetricData: ${what}`,
  steps: [no("GetMetricData", asked(...queries), name, 400, code)],
});

/** The one operation of CloudWatch that we use. */
export const cloudwatch: readonly Case[] = [
  {
    name: "GetMetricData: no value of a queue that there is not",
    steps: [
      ok("GetMetricData", asked(query()), {
        MetricDataResults: [{ Id: "age", Timestamps: [], Values: [], StatusCode: "Complete" }],
      }),
    ],
  },
  {
    name: "GetMetricData: the label, and what is not returned",
    steps: [
      ok("GetMetricData", asked(query({ Label: "oldest" }), query({ Id: "hidden", ReturnData: false })), {
        MetricDataResults: [{ Id: "age", Label: "oldest" }],
      }),
    ],
  },
  refused("an id twice", [query(), query()]),
  refused("an id that begins with a capital", [query({ Id: "Age" })]),
  refused("a period of 90 s", [query({}, { Period: 90 })]),
  refused("a statistic that there is not", [query({}, { Stat: "Mode" })]),
  {
    name: "GetMetricData: a start after its end",
    steps: [
      no(
        "GetMetricData",
        { MetricDataQueries: [query()], StartTime: { $date: 60 }, EndTime: { $date: -600 } },
        "ValidationException",
        400,
        "ValidationError",
      ),
    ],
  },
];
