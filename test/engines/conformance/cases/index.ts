import type { Case } from "../case.ts";
import { athena } from "./athena.ts";
import { athenaPrepared } from "./athena-prepared.ts";
import { cloudControl } from "./cloudcontrol.ts";
import { cloudwatch } from "./cloudwatch.ts";
import { cloudwatchLogs } from "./cloudwatchlogs.ts";
import { firehose } from "./firehose.ts";
import { glueCatalog } from "./glue-catalog.ts";
import { glueJobs } from "./glue-jobs.ts";
import { gluePartitions } from "./glue-partitions.ts";
import { s3Buckets } from "./s3-buckets.ts";
import { s3Multipart } from "./s3-multipart.ts";
import { s3Objects } from "./s3-objects.ts";
import { sqsMessages } from "./sqs-messages.ts";
import { sqsQueues } from "./sqs-queues.ts";
import { ssm } from "./ssm.ts";

/** Every case, by service. */
export const cases: readonly Case[] = [
  ...sqsQueues,
  ...sqsMessages,
  ...s3Buckets,
  ...s3Objects,
  ...s3Multipart,
  ...firehose,
  ...glueCatalog,
  ...gluePartitions,
  ...glueJobs,
  ...athena,
  ...athenaPrepared,
  ...cloudwatch,
  ...cloudwatchLogs,
  ...cloudControl,
  ...ssm,
];
