/// <reference path="../.sst/platform/config.d.ts" />
import type { River } from "./river.ts";

/** A year of what production did, in which every season and every yearly file occurs; a month elsewhere. */
const RETENTION_DAYS = { production: 365, other: 30 };

/**
 * A log group with the stage's key and an end. One that a service makes by itself has neither. Production's stays when the
 * stage goes, until its end: it says what was done.
 */
export const logGroup = (river: River, key: { arn: $util.Input<string> }, name: string): aws.cloudwatch.LogGroup =>
  new aws.cloudwatch.LogGroup(
    `${name}Logs`,
    {
      name,
      kmsKeyId: key.arn,
      retentionInDays: river.production ? RETENTION_DAYS.production : RETENTION_DAYS.other,
    },
    { retainOnDelete: river.production },
  );
