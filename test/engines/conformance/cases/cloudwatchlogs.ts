import { asking, type Case } from "../case.ts";

const { no } = asking("cloudwatchlogs");
const refused = (what: string, input: Parameters<typeof no>[1]): Case => ({
  name: `FilterLogEvents: ${what}`,
  steps: [no("FilterLogEvents", input, "InvalidParameterException")],
});

/** The one operation of CloudWatch Logs that we use. */
export const cloudwatchLogs: readonly Case[] = [
  {
    name: "FilterLogEvents: a group that there is not",
    steps: [no("FilterLogEvents", { logGroupName: "/aws/lambda/<own>" }, "ResourceNotFoundException")],
  },
  refused("neither a name nor an ARN of a group", {}),
  refused("more than 10,000 events at once", { logGroupName: "/aws/lambda/<own>", limit: 10_001 }),
];
