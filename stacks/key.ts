/// <reference path="../.sst/platform/config.d.ts" />
import { queueArn, type Stage } from "../packages/core/stage.ts";
import type { Topology } from "../packages/core/topology.ts";
import { type PolicyStatement, policyDocument } from "./policy.ts";
import type { River } from "./river.ts";

/** Days in which a key that is to be deleted can be kept after all: KMS's most. */
const DELETION_DAYS = 30;

/** What a service does that puts something into an encrypted place and must read its data key back. */
const PUT = ["kms:GenerateDataKey", "kms:Decrypt"];
/** CloudWatch Logs' list (Encrypt log data using KMS), its patterns spelled out. */
const LOG = [
  ...["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
  ...["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
];
/** In a key's policy: the key that it is the policy of. KMS takes nothing else that makes sense there. */
const THIS = ["*"];

/**
 * Who may use the stage's key: the account's roles as far as their own policies say so, and the services that act for
 * nobody's role. Each of those for our own resources alone, by what it must say it encrypts (the encryption context),
 * which unlike a source's ARN no service leaves out; the resource's policy then says whose call it may be. Firehose,
 * Glue, Athena, Scheduler and Lambda's destinations act in a role.
 */
export const keyPolicy = (stage: Stage, topology: Topology, audit: boolean): PolicyStatement[] => {
  const arn = (service: string, rest: string) => `arn:aws:${service}:${stage.region}:${stage.account}:${rest}`;
  const own = `pregao-${stage.name}-`;
  const queues = (names: readonly string[]) => [...new Set(names)].map((name) => queueArn(stage, name));
  const rung = queues(topology.notices.flatMap(({ to }) => ("queue" in to ? [to.queue] : [])));
  const told = queues(topology.jobs.map((job) => job.events));
  return [
    {
      sid: "Account",
      account: stage.account,
      // AWS: a key whose policy does not leave it to its account can become one that nobody can manage.
      actions: ["kms:*"],
      resources: THIS,
    },
    {
      sid: "Bells",
      service: "s3.amazonaws.com",
      actions: PUT,
      resources: THIS,
      // That S3 says for whom it asks the key is not documented; the queue's policy asks for bucket and account.
      conditions: { StringEquals: { "kms:EncryptionContext:aws:sqs:arn": rung } },
    },
    {
      sid: "JobEvents",
      service: "events.amazonaws.com",
      actions: PUT,
      resources: THIS,
      conditions: { StringEquals: { "kms:EncryptionContext:aws:sqs:arn": told } },
    },
    {
      sid: "Alarms",
      service: "cloudwatch.amazonaws.com",
      actions: PUT,
      resources: THIS,
      conditions: {
        StringEquals: { "aws:SourceAccount": stage.account },
        ArnLike: { "kms:EncryptionContext:aws:sns:topicArn": [arn("sns", `${own}*`)] },
      },
    },
    {
      sid: "Logs",
      service: `logs.${stage.region}.amazonaws.com`,
      actions: LOG,
      resources: THIS,
      conditions: { ArnLike: { "kms:EncryptionContext:aws:logs:arn": [arn("logs", `log-group:*${own}*`)] } },
    },
    ...(audit
      ? [
          {
            sid: "Audit",
            service: "cloudtrail.amazonaws.com",
            // It reads its data key back, as the bucket has a key of its own (Configure key policies for CloudTrail).
            actions: [...PUT, "kms:DescribeKey"],
            resources: THIS,
            conditions: { StringEquals: { "aws:SourceArn": arn("cloudtrail", `trail/${own}audit`) } },
          },
        ]
      : []),
  ];
};

/** The key by its ARN, which is there once the alias is. */
export type StageKey = { arn: $util.Output<string> };

/** One key encrypts what a stage keeps; `alias/pregao-<stage>`. Production's outlives the stage, as what it encrypts. */
export const stageKey = ({ stage, settings, topology, production }: River): StageKey => {
  const keep = { retainOnDelete: production };
  const key = new aws.kms.Key(
    "key",
    {
      description: `pregao ${stage.name}: what its buckets, queues, topics and logs hold`,
      enableKeyRotation: true,
      deletionWindowInDays: DELETION_DAYS,
      policy: policyDocument(keyPolicy(stage, topology, settings.audit)),
    },
    keep,
  );
  const alias = new aws.kms.Alias("keyAlias", { name: `alias/pregao-${stage.name}`, targetKeyId: key.keyId }, keep);
  // Whoever deploys may have the right to use it by that name alone (kms:ResourceAliases).
  return { arn: $util.all([key.arn, alias.id]).apply(([arn]) => arn) };
};
