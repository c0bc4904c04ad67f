import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { readInventory } from "../../packages/aws/inventory.ts";
import { type Checked, examine } from "../../packages/cli/doctor/diagnosis.ts";
import { expectedOf } from "../../packages/cli/doctor/expected.ts";
import { guards } from "../../packages/cli/doctor/guards/index.ts";
import { statementsOf } from "../../packages/cli/doctor/policy.ts";
import { at, list } from "../../packages/cli/doctor/shapes.ts";
import type { Choices, Stage } from "../../packages/core/stage.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { breaks } from "../doctor/breaks.ts";
import { cloudControl, type Document } from "../doctor/cloudcontrol.ts";
import { documentsOf } from "./cloudformation.ts";
import { ACCOUNT, graphOf, REGION } from "./graph.ts";

/** Everything that a stage may choose, so that no guard is off. */
const everything = {
  PREGAO_AUDIT: "true",
  PREGAO_CATALOG_ENCRYPTION: "true",
  PREGAO_ALARM_EMAILS: "someone@example.com",
};
const stageOf = (name: string, pace: Stage["pace"] = "daily"): Stage => ({
  ...{ name, pace, account: ACCOUNT, region: REGION, layouts: {} },
});

/** What `pregao doctor` finds in the graph of a stage, over the wire of Cloud Control and Glue. */
const doctorOf = async (stage: Stage, documents: readonly Document[]): Promise<Checked[]> => {
  const server = await cloudControl(() => documents);
  const aws: Aws = connect(stage, { AWS_ENDPOINT_URL: server.url });
  try {
    return await examine({ aws, stage, datasets: catalogueOf(stage), dir: null });
  } finally {
    aws.close();
    await server.close();
  }
};
const ill = (checked: readonly Checked[]) =>
  checked.flatMap(({ findings }) => findings.filter(({ state }) => state === "broken" || state === "unknown"));

describe("what sst.config.ts would deploy, read back as AWS would tell it", () => {
  const stages: { name: string; pace: Stage["pace"]; env: Record<string, string> }[] = [
    { name: "dev", pace: "daily", env: {} },
    { name: "dev", pace: "daily", env: everything },
    { name: "dev", pace: "intraday", env: { PREGAO_PACE: "intraday" } },
    { name: "production", pace: "daily", env: everything },
  ];
  test.each(stages)("the doctor finds every guard in stage $name with $env", async ({ name, pace, env }) => {
    const graph = await graphOf({ stage: name, env });
    const checked = await doctorOf(stageOf(name, pace), documentsOf(graph));
    expect(ill(checked)).toEqual([]);
    const off = checked.filter(({ state }) => state !== "holds").map(({ id }) => id);
    expect(off).toEqual(env === everything ? [] : ["audit.trail", "catalog.encrypted", "topic.people"]);
  });

  test("a stage that names a role has the guards of roles off, and every other one", async () => {
    const role = `arn:aws:iam::${ACCOUNT}:role/theirs`;
    const graph = await graphOf({ env: { ...everything, PREGAO_ROLE: role } });
    const checked = await doctorOf(stageOf("dev"), documentsOf(graph));
    expect(ill(checked)).toEqual([]);
    const off = checked.filter(({ state }) => state === "off").map(({ id }) => id);
    expect(off).toEqual(guards.map(({ id }) => id).filter((id) => id.startsWith("role.")));
  });
});

describe("each guard, broken in what was deployed", () => {
  const stage = stageOf("dev");
  const choices: Choices = { role: null, audit: true, catalogEncryption: true, emails: 1 };
  const expected = expectedOf(stage, catalogueOf(stage), false, choices);
  let documents: Document[];
  let given: Document[];
  let server: Awaited<ReturnType<typeof cloudControl>>;
  let aws: Aws;
  beforeAll(async () => {
    documents = documentsOf(await graphOf({ env: everything }));
    server = await cloudControl(() => given);
    aws = connect(stage, { AWS_ENDPOINT_URL: server.url });
  });
  afterAll(async () => {
    aws.close();
    await server.close();
  });

  const cases = Object.entries(breaks).flatMap(([guard, those]) => those.map((one) => ({ guard, ...one })));
  test.each(cases)("$guard is named by the doctor: $sin", async ({ guard: id, break: spoil }) => {
    given = structuredClone(documents);
    spoil(given);
    const guard = guards.find((one) => one.id === id);
    const get = await readInventory(aws, guard?.wanted(expected) ?? []);
    const found = guard?.run({ get }, expected).filter(({ state }) => state === "broken") ?? [];
    expect(found.length).toBeGreaterThan(0);
    for (const { mend } of found) expect(mend).toBeTruthy();
  });
});

/**
 * What Cloud Control's reader of each type does in the caller's name (CloudFormation's schemas of August 2026,
 * handlers.read.permissions), but for kms:Decrypt of functions' variables under a key of their own, which ours have not,
 * and iam:PassRole, which no reading does.
 */
const readers: Record<string, string[]> = {
  "AWS::Athena::WorkGroup": ["athena:GetWorkGroup", "athena:ListTagsForResource"],
  "AWS::CloudTrail::Trail": [
    ...["GetTrail", "GetTrailStatus", "ListTags", "GetEventSelectors", "GetInsightSelectors", "GetEventConfiguration"],
    "DescribeTrails",
  ].map((action) => `cloudtrail:${action}`),
  "AWS::CloudWatch::Alarm": ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
  "AWS::CloudWatch::Dashboard": ["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"],
  "AWS::Events::Rule": ["events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"],
  "AWS::Glue::DataCatalogEncryptionSettings": ["glue:GetDataCatalogEncryptionSettings"],
  "AWS::Glue::Database": ["glue:GetDatabase"],
  "AWS::Glue::Job": ["glue:GetJob", "glue:GetTags"],
  "AWS::Glue::SecurityConfiguration": ["glue:GetSecurityConfiguration"],
  "AWS::Glue::Table": ["glue:GetTable"],
  "AWS::IAM::Role": ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy"].map((a) => `iam:${a}`),
  "AWS::KMS::Key": [
    ...["ListAliases", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"].map(
      (a) => `kms:${a}`,
    ),
  ],
  "AWS::KinesisFirehose::DeliveryStream": ["firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream"],
  "AWS::Lambda::EventInvokeConfig": ["lambda:GetFunctionEventInvokeConfig"],
  "AWS::Lambda::EventSourceMapping": [
    ...["lambda:ListEventSourceMappings", "lambda:GetEventSourceMapping", "lambda:ListTags"],
  ],
  "AWS::Lambda::Function": [
    ...["GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionRecursionConfig", "GetRuntimeManagementConfig"],
    "GetFunctionScalingConfig",
  ].map((action) => `lambda:${action}`),
  "AWS::Lambda::Permission": ["lambda:GetPolicy"],
  "AWS::Logs::LogGroup": [
    ...["DescribeLogGroups", "ListTagsForResource", "GetDataProtectionPolicy", "DescribeIndexPolicies"],
    "DescribeResourcePolicies",
  ].map((action) => `logs:${action}`),
  "AWS::Logs::MetricFilter": ["logs:DescribeMetricFilters"],
  "AWS::S3::Bucket": [
    ...["GetAccelerateConfiguration", "GetLifecycleConfiguration", "GetBucketPublicAccessBlock", "GetBucketCORS"],
    ...["GetAnalyticsConfiguration", "GetEncryptionConfiguration", "GetInventoryConfiguration", "GetBucketLogging"],
    ...["GetMetricsConfiguration", "GetBucketNotification", "GetBucketVersioning", "GetReplicationConfiguration"],
    ...["GetBucketWebsite", "GetBucketObjectLockConfiguration", "GetBucketTagging", "ListTagsForResource"],
    ...["GetBucketAbac", "GetBucketOwnershipControls", "GetIntelligentTieringConfiguration", "ListBucket"],
    "GetBucketMetadataTableConfiguration",
  ].map((action) => `s3:${action}`),
  "AWS::S3::BucketPolicy": ["s3:GetBucketPolicy"],
  "AWS::SNS::Topic": [
    ...["GetTopicAttributes", "ListTagsForResource", "ListSubscriptionsByTopic", "GetDataProtectionPolicy"],
  ].map((action) => `sns:${action}`),
  "AWS::SNS::TopicInlinePolicy": ["sns:GetTopicAttributes"],
  "AWS::SQS::Queue": ["sqs:GetQueueAttributes", "sqs:ListQueueTags"],
  "AWS::SQS::QueueInlinePolicy": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"],
  "AWS::SSM::Parameter": ["ssm:GetParameters", "ssm:ListTagsForResource"],
  "AWS::Scheduler::Schedule": ["scheduler:GetSchedule"],
};

test("the role doctor may do what the readers of all that the doctor reads need", async () => {
  const choices: Choices = { role: null, audit: true, catalogEncryption: true, emails: 1 };
  const expected = expectedOf(stageOf("dev"), catalogueOf(stageOf("dev")), false, choices);
  const types = new Set(guards.flatMap((guard) => guard.wanted(expected)).map(({ type }) => type));
  expect([...types].sort()).toEqual(Object.keys(readers).sort());
  const graph = await graphOf({ env: everything });
  const role = documentsOf(graph).find(({ type, id }) => type === "AWS::IAM::Role" && id === "pregao-dev-doctor");
  const may = new Set(
    list(role?.properties.Policies).flatMap((policy) =>
      statementsOf(at(policy, "PolicyDocument")).flatMap(({ actions }) => actions),
    ),
  );
  const needs = ["cloudformation:GetResource", "cloudformation:ListResources", ...Object.values(readers).flat()];
  expect(needs.filter((action) => !may.has(action))).toEqual([]);
});
