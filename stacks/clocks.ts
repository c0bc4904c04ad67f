/// <reference path="../.sst/platform/config.d.ts" />

import { scheduleExpression } from "../packages/core/cron.ts";
import { EVENTS, TICKS } from "../packages/core/topology.ts";
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";
import { role } from "./roles.ts";

/**
 * The clocks of a function, and how patient Lambda is with the events of those that wait for no answer: theirs and S3's.
 * One that comes late, twice or never changes nothing; one that came to nothing lies in a queue if no other repeats it.
 */
export const clocks = (river: River, { key }: Stores, boxes: Boxes, handlers: Handlers, name: string): void => {
  const handler = handlers[name]!;
  const { failed } = river.topology.functions.find((one) => one.name === name)!;
  new aws.lambda.FunctionEventInvokeConfig(`${name}Events`, {
    functionName: handler.name,
    maximumRetryAttempts: EVENTS.retries,
    maximumEventAgeInSeconds: EVENTS.age,
    ...(failed && { destinationConfig: { onFailure: { destination: boxes[failed]!.arn } } }),
  });
  for (const clock of river.topology.clocks.filter((one) => one.function === name))
    new aws.scheduler.Schedule(`${clock.name}Clock`, {
      name: river.name(clock.name),
      description: `pregao ${river.stage.name}: calls ${name}`,
      scheduleExpression: scheduleExpression(clock.cron),
      scheduleExpressionTimezone: clock.zone,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: handler.arn,
        roleArn: role(river, "clock", "scheduler", key.arn),
        input: JSON.stringify(clock.input),
        retryPolicy: { maximumRetryAttempts: TICKS.retries, maximumEventAgeInSeconds: TICKS.age },
        deadLetterConfig: { arn: boxes[TICKS.failed]!.arn },
      },
    });
};
