/// <reference path="../.sst/platform/config.d.ts" />
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";

/**
 * What S3 tells of new objects, by prefix and suffix. One resource a bucket: AWS replaces a bucket's notifications as a
 * whole, so a second one would silence the first.
 */
export const notices = (river: River, { buckets }: Stores, boxes: Boxes, handlers: Handlers): void => {
  for (const [bucket, of] of Object.entries(Object.groupBy(river.topology.notices, (notice) => notice.bucket))) {
    const { bucket: name, arn } = buckets[bucket]!;
    const called = [...new Set(of!.flatMap(({ to }) => ("function" in to ? [to.function] : [])))];
    const allowed = called.map(
      (called) =>
        new aws.lambda.Permission(`${bucket}To${called}`, {
          statementId: `${bucket}-objects`,
          action: "lambda:InvokeFunction",
          function: handlers[called]!.name,
          principal: "s3.amazonaws.com",
          sourceArn: arn,
          // A bucket's ARN names no account: one of that name could be another's tomorrow.
          sourceAccount: river.stage.account,
        }),
    );
    const events = ["s3:ObjectCreated:*"];
    new aws.s3.BucketNotification(
      `${bucket}Notices`,
      {
        bucket: name,
        queues: of!.flatMap(({ to, prefix, suffix }) =>
          "queue" in to
            ? [{ id: to.queue, queueArn: boxes[to.queue]!.arn, events, filterPrefix: prefix, filterSuffix: suffix }]
            : [],
        ),
        lambdaFunctions: of!.flatMap(({ to, prefix, suffix }) =>
          "function" in to
            ? [
                {
                  ...{ id: to.function, lambdaFunctionArn: handlers[to.function]!.arn, events },
                  ...{ filterPrefix: prefix, filterSuffix: suffix },
                },
              ]
            : [],
        ),
      },
      // S3 asks whether it may before it takes them.
      { dependsOn: allowed },
    );
  }
};
