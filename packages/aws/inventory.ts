import {
  CloudControlClient,
  type CloudControlServiceException,
  GetResourceCommand,
  ListResourcesCommand,
} from "@aws-sdk/client-cloudcontrol";
import {
  GetDatabaseCommand,
  GetDataCatalogEncryptionSettingsCommand,
  GetSecurityConfigurationCommand,
  GetTableCommand,
} from "@aws-sdk/client-glue";
import PQueue from "p-queue";
import type { Aws } from "./index.ts";

/** A resource by CloudFormation's type and the identifier under which Cloud Control reads it. */
export type Wanted = { type: string; id: string };
export type Properties = Record<string, unknown>;
/** What a place said of one resource: `properties` in CloudFormation's shape. */
export type Reading =
  | { is: "there"; properties: Properties }
  | { is: "absent" }
  /** `permission`: what the reader lacks; null if that was not the reason. */
  | { is: "unreadable"; permission: string | null; error: string }
  /** The place has no resources of this type at all, as a laptop has no roles. */
  | { is: "elsewhere" };

/** Requests at a time. Cloud Control asks the services themselves, each of which has limits of its own. */
const AT_ONCE = 8;
/** Its own limit is a few calls a second, and what it says of it is an error as any other. */
const ATTEMPTS = 8;
const PAGE = 100;

/** Closed by whoever has read. */
const client = (aws: Aws): CloudControlClient =>
  new CloudControlClient({
    region: aws.stage.region,
    credentials: aws.glue.config.credentials,
    maxAttempts: ATTEMPTS,
    // Slows down together with what throttles it.
    retryMode: "adaptive",
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 25_000 },
    ...(aws.endpoint ? { endpoint: aws.endpoint } : {}),
  });

/**
 * Everything that is wanted, each once, by Cloud Control; by Glue itself what Cloud Control cannot read (tables, security
 * configurations) or only with rights of other services (databases). A key is wanted by its alias, an event source
 * mapping by its queue's ARN: `Others` are functions that read that queue, too.
 * @returns an answer for each, whatever went wrong: what cannot be read is said so.
 */
export const readInventory = async (aws: Aws, wanted: readonly Wanted[]): Promise<(one: Wanted) => Reading> => {
  const cloud = client(aws);
  const queue = new PQueue({ concurrency: AT_ONCE });
  const readings = new Map<string, Reading>();
  const each = new Map(wanted.map((one) => [keyOf(one), one]));
  const queues = [...each.values()].filter(({ type }) => type === MAPPING).map(({ id }) => id);
  try {
    const tasks = [...each].filter(([, { type }]) => type !== MAPPING);
    await queue.addAll(
      tasks.map(([key, one]) => async () => {
        readings.set(key, await reading(one, () => (byGlue[one.type] ?? byCloudControl)(aws, one, cloud)));
      }),
    );
    if (queues.length > 0)
      for (const [id, found] of await readMappings(cloud, queues)) readings.set(keyOf({ type: MAPPING, id }), found);
  } finally {
    cloud.destroy();
  }
  return (one) => readings.get(keyOf(one)) ?? { is: "unreadable", permission: null, error: "it was not asked for" };
};

const keyOf = ({ type, id }: Wanted): string => `${type} ${id}`;

type Read = (aws: Aws, one: Wanted, cloud: CloudControlClient) => Promise<Properties | undefined>;

const byCloudControl: Read = async (_, one, cloud) => {
  if (one.type !== "AWS::KMS::Key") return get(cloud, one);
  const alias = await get(cloud, { type: "AWS::KMS::Alias", id: one.id });
  return get(cloud, { type: one.type, id: String(alias.TargetKeyId) });
};

const get = async (cloud: CloudControlClient, { type, id }: Wanted): Promise<Properties> => {
  const { ResourceDescription } = await cloud.send(new GetResourceCommand({ TypeName: type, Identifier: id }));
  return JSON.parse(ResourceDescription?.Properties ?? "{}") as Properties;
};

const byGlue: Record<string, Read> = {
  "AWS::Glue::Database": async (aws, { id }) => {
    const { Database } = await aws.glue.send(new GetDatabaseCommand({ Name: id }));
    return { DatabaseName: id, DatabaseInput: Database };
  },
  "AWS::Glue::Table": async (aws, { id }) => {
    const [database, name] = id.split("|");
    const { Table } = await aws.glue.send(new GetTableCommand({ DatabaseName: database, Name: name }));
    return { DatabaseName: database, TableInput: Table };
  },
  "AWS::Glue::SecurityConfiguration": async (aws, { id }) => {
    const { SecurityConfiguration } = await aws.glue.send(new GetSecurityConfigurationCommand({ Name: id }));
    const { S3Encryption, ...by } = SecurityConfiguration?.EncryptionConfiguration ?? {};
    return { Name: id, EncryptionConfiguration: { ...by, S3Encryptions: S3Encryption } };
  },
  "AWS::Glue::DataCatalogEncryptionSettings": async (aws, { id }) => ({
    CatalogId: id,
    DataCatalogEncryptionSettings: (await aws.glue.send(new GetDataCatalogEncryptionSettingsCommand({})))
      .DataCatalogEncryptionSettings,
  }),
};

const MAPPING = "AWS::Lambda::EventSourceMapping";

/** The mappings of these queues, by ARN. AWS names them by numbers of its own, so that all of the account are looked at. */
const readMappings = async (cloud: CloudControlClient, queues: readonly string[]): Promise<[string, Reading][]> => {
  const found: Properties[] = [];
  const all = await reading({ type: MAPPING, id: "" }, async () => {
    let token: string | undefined;
    do {
      const page = await cloud.send(
        new ListResourcesCommand({ TypeName: MAPPING, MaxResults: PAGE, NextToken: token }),
      );
      for (const { Identifier, Properties } of page.ResourceDescriptions ?? []) {
        const short = JSON.parse(Properties ?? "{}") as Properties;
        // A listing may leave out whatever is no identifier.
        const source = short.EventSourceArn;
        if (source !== undefined && !queues.includes(String(source))) continue;
        found.push(await get(cloud, { type: MAPPING, id: Identifier ?? "" }));
      }
      token = page.NextToken;
    } while (token);
    return {};
  });
  return queues.map((queue) => {
    if (all.is !== "there") return [queue, all];
    const [first, ...others] = found.filter(({ EventSourceArn }) => EventSourceArn === queue);
    if (!first) return [queue, { is: "absent" }];
    return [queue, { is: "there", properties: { ...first, Others: others.map(({ FunctionName }) => FunctionName) } }];
  });
};

const ABSENT = /^(ResourceNotFoundException|EntityNotFoundException)$/;
/** How services say which action was refused. */
const REFUSED = /not authorized to perform:? ([\w-]+:\w+)/;
const DENIED = /AccessDenied|not authorized|UnauthorizedOperation|Forbidden/i;

const reading = async (one: Wanted, read: () => Promise<Properties | undefined>): Promise<Reading> => {
  try {
    const properties = await read();
    return properties ? { is: "there", properties } : { is: "absent" };
  } catch (thrown) {
    const { name, message } = thrown as CloudControlServiceException;
    if (ABSENT.test(name) || message.includes("HandlerErrorCode: NotFound")) return { is: "absent" };
    if (name === "TypeNotFoundException") return { is: "elsewhere" };
    const said = `${name}: ${message}`;
    const permission = REFUSED.exec(message)?.[1] ?? (DENIED.test(said) ? (ACTIONS[one.type] ?? null) : null);
    return { is: "unreadable", permission, error: said };
  }
};

/**
 * What Cloud Control's reader of a type asks for on top of cloudformation:GetResource, where the refusal names no action
 * (CloudFormation's schemas: handlers.read.permissions).
 */
export const ACTIONS: Record<string, string> = {
  "AWS::Athena::WorkGroup": "athena:GetWorkGroup",
  "AWS::CloudTrail::Trail": "cloudtrail:GetTrail, cloudtrail:GetTrailStatus and cloudtrail:GetEventSelectors",
  "AWS::CloudWatch::Alarm": "cloudwatch:DescribeAlarms",
  "AWS::CloudWatch::Dashboard": "cloudwatch:GetDashboard",
  "AWS::Events::Rule": "events:DescribeRule and events:ListTargetsByRule",
  "AWS::Glue::Job": "glue:GetJob",
  "AWS::IAM::Role": "iam:GetRole, iam:ListAttachedRolePolicies, iam:ListRolePolicies and iam:GetRolePolicy",
  "AWS::KMS::Key": "kms:ListAliases, kms:DescribeKey, kms:GetKeyPolicy and kms:GetKeyRotationStatus",
  "AWS::KinesisFirehose::DeliveryStream": "firehose:DescribeDeliveryStream",
  "AWS::Lambda::EventInvokeConfig": "lambda:GetFunctionEventInvokeConfig",
  "AWS::Lambda::EventSourceMapping": "lambda:ListEventSourceMappings and lambda:GetEventSourceMapping",
  "AWS::Lambda::Function": "lambda:GetFunction",
  "AWS::Lambda::Permission": "lambda:GetPolicy",
  "AWS::Logs::LogGroup": "logs:DescribeLogGroups",
  "AWS::Logs::MetricFilter": "logs:DescribeMetricFilters",
  "AWS::S3::Bucket":
    "s3:ListBucket, s3:GetEncryptionConfiguration, s3:GetLifecycleConfiguration, s3:GetBucketPublicAccessBlock, s3:GetBucketOwnershipControls, s3:GetBucketVersioning and s3:GetBucketNotification",
  "AWS::S3::BucketPolicy": "s3:GetBucketPolicy",
  "AWS::SNS::Topic": "sns:GetTopicAttributes and sns:ListSubscriptionsByTopic",
  "AWS::SNS::TopicInlinePolicy": "sns:GetTopicAttributes",
  "AWS::SQS::Queue": "sqs:GetQueueAttributes",
  "AWS::SQS::QueueInlinePolicy": "sqs:GetQueueAttributes",
  "AWS::SSM::Parameter": "ssm:GetParameters",
  "AWS::Scheduler::Schedule": "scheduler:GetSchedule",
};
