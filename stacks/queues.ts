/// <reference path="../.sst/platform/config.d.ts" />
import { queueArn } from "../packages/core/stage.ts";
import { jobRule, type QueueSpec } from "../packages/core/topology.ts";
import type { Stores } from "./lake.ts";
import { denyPlainHttp, type PolicyStatement, policyDocument } from "./policy.ts";
import type { River } from "./river.ts";

/** By logical name. */
export type Boxes = Record<string, aws.sqs.Queue>;

/** SQS's largest message (SendMessage, API reference). The provider would set a quarter of it. */
const MAX_BYTES = 1_048_576;

/** A queue for each dataset and one for bells, each with the queue that takes what nobody could. */
export const queues = (river: River, stores: Stores): Boxes => {
  const { stage, topology, production } = river;
  const made: Boxes = {};
  const make = (spec: QueueSpec, dead?: aws.sqs.Queue): aws.sqs.Queue =>
    new aws.sqs.Queue(
      spec.name,
      {
        name: river.name(spec.name),
        visibilityTimeoutSeconds: spec.visibility,
        messageRetentionSeconds: spec.retention,
        maxMessageSize: MAX_BYTES,
        kmsMasterKeyId: stores.key.arn,
        ...(spec.deadLetter && {
          redrivePolicy: dead?.arn.apply((deadLetterTargetArn) =>
            JSON.stringify({ deadLetterTargetArn, maxReceiveCount: spec.deadLetter?.maxReceive }),
          ),
        }),
        redriveAllowPolicy: JSON.stringify(redriveAllowed(river, spec.name)),
        policy: policyDocument(queuePolicy(river, spec.name)),
      },
      // Its messages are data until they are in the lake.
      { retainOnDelete: production },
    );
  // A redrive policy names a queue that must exist.
  for (const spec of topology.queues.filter((one) => !one.deadLetter)) made[spec.name] = make(spec);
  for (const spec of topology.queues)
    if (spec.deadLetter) {
      const dead = made[spec.deadLetter.queue];
      if (!dead)
        throw new Error(`${queueArn(stage, spec.name)}: expected the queue ${spec.deadLetter.queue} in the topology`);
      made[spec.name] = make(spec, dead);
    }
  return made;
};

/** Whose dead letters a queue takes: those of the queues that name it, of no stranger's. */
const redriveAllowed = ({ stage, topology }: River, name: string) => {
  const sources = topology.queues
    .filter((one) => one.deadLetter?.queue === name)
    .map((one) => queueArn(stage, one.name));
  return sources.length > 0
    ? { redrivePermission: "byQueue", sourceQueueArns: sources }
    : { redrivePermission: "denyAll" };
};

/**
 * Services that send with no role of ours: S3's bells and the events of jobs, each from its own source. Roles of the
 * account send as far as their policies say so. SQS takes no TLS before 1.2 from anybody.
 */
export const queuePolicy = (
  river: Pick<River, "stage" | "topology" | "bucket" | "name">,
  name: string,
): PolicyStatement[] => {
  const { stage, topology } = river;
  const resources = [queueArn(stage, name)];
  const sends = (sid: string, service: string, sources: readonly string[]): PolicyStatement[] =>
    sources.length === 0
      ? []
      : [
          {
            sid,
            service,
            actions: ["sqs:SendMessage"],
            resources,
            conditions: {
              ArnEquals: { "aws:SourceArn": [...new Set(sources)] },
              StringEquals: { "aws:SourceAccount": stage.account },
            },
          },
        ];
  const bells = topology.notices.filter(({ to }) => "queue" in to && to.queue === name);
  const jobs = topology.jobs.filter((job) => job.events === name);
  return [
    denyPlainHttp("sqs:*", resources),
    ...sends(
      "Bells",
      "s3.amazonaws.com",
      bells.map((bell) => `arn:aws:s3:::${river.bucket(bell.bucket)}`),
    ),
    ...sends(
      "JobEvents",
      "events.amazonaws.com",
      jobs.map(() => `arn:aws:events:${stage.region}:${stage.account}:rule/${river.name(jobRule(name))}`),
    ),
  ];
};
