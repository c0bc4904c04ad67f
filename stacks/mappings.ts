/// <reference path="../.sst/platform/config.d.ts" />
import type { Handlers } from "./functions.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";

/** The queues that a function reads. A message is deleted only if the function answered without naming it. */
export const mappings = (river: River, boxes: Boxes, handlers: Handlers, name: string): void => {
  for (const { queue, batch, window, concurrency } of river.topology.mappings.filter((one) => one.function === name))
    new aws.lambda.EventSourceMapping(`${queue}To${name}`, {
      eventSourceArn: boxes[queue]!.arn,
      functionName: handlers[name]!.arn,
      // Without it, what failed is deleted with what did not.
      functionResponseTypes: ["ReportBatchItemFailures"],
      batchSize: batch,
      maximumBatchingWindowInSeconds: window,
      // Not a reserved concurrency: receives that it throttles count as failures of the messages.
      scalingConfig: { maximumConcurrency: concurrency },
    });
};
