import type { Guard } from "../guard.ts";
import { alarmGuards } from "./alarms.ts";
import { bucketGuards } from "./buckets.ts";
import { clockGuards } from "./clocks.ts";
import { functionGuards } from "./functions.ts";
import { jobGuards } from "./jobs.ts";
import { keyGuards } from "./key.ts";
import { logGuards } from "./logs.ts";
import { queryGuards } from "./query.ts";
import { mappingGuards, queueGuards } from "./queues.ts";
import { roleGuards } from "./roles.ts";
import { stageGuards } from "./stage.ts";
import { streamGuards } from "./streams.ts";
import { tableGuards } from "./tables.ts";

/** Every guard of a stage, in the order in which rows flow. */
export const guards: readonly Guard[] = [
  ...stageGuards,
  ...keyGuards,
  ...bucketGuards,
  ...tableGuards,
  ...queueGuards,
  ...functionGuards,
  ...mappingGuards,
  ...streamGuards,
  ...jobGuards,
  ...clockGuards,
  ...queryGuards,
  ...roleGuards,
  ...logGuards,
  ...alarmGuards,
];
