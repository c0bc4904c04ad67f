import { functionLog, resource, type Stage } from "../packages/core/stage.ts";
import type { Topology } from "../packages/core/topology.ts";
import { type Arns, arnsOf, logGroups, type Statement } from "./statements.ts";

/**
 * What `pregao doctor` reads of a stage, by Cloud Control, which asks each service in the caller's name for what the
 * reader of a type needs (CloudFormation's schemas: handlers.read.permissions). Should AWS's readers come to need more,
 * doctor says which permission was missing.
 */
export const inspection = (stage: Stage, topology: Topology, keyArn: string): Statement[] => {
  const a = arnsOf(stage);
  const at = (service: string, rest: string): string => `arn:aws:${service}:${stage.region}:${stage.account}:${rest}`;
  const own = (service: string, kind: string): string => at(service, `${kind}${resource(stage, "*")}`);
  // That of the audit, too, where there is one.
  const stores = [...topology.buckets, "audit"].map(a.store);
  const read = (sid: string, service: string, actions: readonly string[], resources: readonly string[]): Statement => ({
    sid,
    actions: actions.map((action) => `${service}:${action}`),
    resources: [...resources],
  });
  const tagged = (group: string): string => at("logs", `log-group:${group}`);
  return [
    // Cloud Control has no resources of its own; what is read, the services' own actions below say.
    read("Inspect", "cloudformation", ["GetResource", "ListResources"], ["*"]),
    // Listings of an account, or settings of one: AWS has no resource to name (Service Authorization Reference).
    read("FindKey", "kms", ["ListAliases"], ["*"]),
    read("FindMappings", "lambda", ["ListEventSourceMappings"], ["*"]),
    read("FindTrails", "cloudtrail", ["DescribeTrails"], ["*"]),
    read("GlueSettings", "glue", ["GetSecurityConfiguration", "GetDataCatalogEncryptionSettings"], ["*"]),
    read("FindLogs", "logs", ["DescribeLogGroups", "DescribeResourcePolicies"], ["*"]),
    read("Key", "kms", ["DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"], [keyArn]),
    read("Buckets", "s3", BUCKET, stores),
    read("Roles", "iam", ROLE, [`arn:aws:iam::${stage.account}:role/${resource(stage, "*")}`]),
    read(
      "Functions",
      "lambda",
      FUNCTION,
      topology.functions.map(({ name }) => a.function(name)),
    ),
    // Named by numbers of AWS's own.
    read("Mappings", "lambda", ["GetEventSourceMapping", "ListTags"], [at("lambda", "event-source-mapping:*")]),
    read(
      "Queues",
      "sqs",
      ["GetQueueAttributes", "GetQueueUrl", "ListQueueTags"],
      topology.queues.map(({ name }) => a.queue(name)),
    ),
    read("Streams", "firehose", ["DescribeDeliveryStream", "ListTagsForDeliveryStream"], streams(a, topology)),
    read(
      "Jobs",
      "glue",
      ["GetJob", "GetTags"],
      topology.jobs.map(({ name }) => a.job(name)),
    ),
    read(
      "Tables",
      "glue",
      ["GetDatabase", "GetTable"],
      topology.databases.flatMap(({ name }) => a.tables(name, ["*"])),
    ),
    read("Clocks", "scheduler", ["GetSchedule"], [own("scheduler", "schedule/default/")]),
    read("Rules", "events", ["DescribeRule", "ListTargetsByRule", "ListTagsForResource"], [own("events", "rule/")]),
    read("Alarms", "cloudwatch", ["DescribeAlarms", "ListTagsForResource"], [own("cloudwatch", "alarm:")]),
    read(
      "Dashboard",
      "cloudwatch",
      ["GetDashboard", "ListTagsForResource"],
      [`arn:aws:cloudwatch::${stage.account}:dashboard/pregao-${stage.name}`],
    ),
    read("Topics", "sns", TOPIC, [own("sns", "")]),
    read("Workgroups", "athena", ["GetWorkGroup", "ListTagsForResource"], [own("athena", "workgroup/")]),
    read("Filters", "logs", GROUP, groups(stage, a, topology)),
    // Of this one action a group's ARN ends in its name (Service Authorization Reference: CloudWatch Logs, TagResource).
    read(
      "LogTags",
      "logs",
      ["ListTagsForResource"],
      [functionLog(stage, "*"), logGroups.stream(stage, "*"), logGroups.jobs(stage)].map(tagged),
    ),
    read(
      "Trail",
      "cloudtrail",
      ["GetTrail", "GetTrailStatus", "GetEventSelectors", "GetInsightSelectors", "GetEventConfiguration", "ListTags"],
      [own("cloudtrail", "trail/")],
    ),
    read(
      "Stage",
      "ssm",
      ["GetParameter", "GetParameters", "ListTagsForResource"],
      [at("ssm", `parameter/pregao/${stage.name}/*`)],
    ),
  ];
};

const streams = (a: Arns, topology: Topology): string[] => topology.streams.map(({ name }) => a.stream(name));
const groups = (stage: Stage, a: Arns, topology: Topology): string[] => [
  ...topology.functions.map(({ name }) => a.log(logGroups.function(stage, name))),
  ...topology.streams.map(({ name }) => a.log(logGroups.stream(stage, name))),
  a.log(logGroups.jobs(stage)),
];

const FUNCTION = [
  ...["GetFunction", "GetFunctionConfiguration", "GetFunctionCodeSigningConfig", "GetFunctionRecursionConfig"],
  ...[
    "GetRuntimeManagementConfig",
    "GetFunctionScalingConfig",
    "GetFunctionEventInvokeConfig",
    "GetPolicy",
    "ListTags",
  ],
];
const GROUP = ["DescribeMetricFilters", "GetDataProtectionPolicy", "DescribeIndexPolicies"];
const ROLE = ["GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy"];
const TOPIC = ["GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource", "GetDataProtectionPolicy"];
/** Of what a bucket can have, all of it: one that is refused fails the reading of the bucket. */
const BUCKET = [
  ...["ListBucket", "GetEncryptionConfiguration", "GetLifecycleConfiguration", "GetBucketPublicAccessBlock"],
  ...["GetBucketOwnershipControls", "GetBucketVersioning", "GetBucketNotification", "GetBucketPolicy"],
  ...["GetBucketTagging", "GetBucketLogging", "GetBucketCORS", "GetBucketWebsite", "GetBucketObjectLockConfiguration"],
  ...["GetAccelerateConfiguration", "GetReplicationConfiguration", "GetMetricsConfiguration"],
  ...["GetAnalyticsConfiguration", "GetInventoryConfiguration", "GetIntelligentTieringConfiguration"],
  ...["GetBucketAbac", "GetBucketMetadataTableConfiguration", "ListTagsForResource"],
];
