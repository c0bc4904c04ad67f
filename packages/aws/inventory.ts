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
  GlueClient,
} from "@aws-sdk/client-glue";
import PQueue from "p-queue";
import { PregaoError } from "../core/errors.ts";
import { type Aws, configOf } from "./index.ts";
import { refusalOf } from "./refusals.ts";
import { abortAt, backOff, isTransient } from "./retry.ts";

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
/** Of one reading that fails for no fault of its own, but for throttling, which lasts until the deadline. */
const ATTEMPTS = 4;
const PAGE = 100;
/** All readings together: of a stage they are some hundred, of a second or two each. */
const DEADLINE_MS = 5 * 60_000;

/** `progress`: called with each reading that has ended. `deadlineMs`: of all together. */
export type ReadOptions = { progress?: (read: number, of: number) => void; deadlineMs?: number };

type Clients = {
  cloud: CloudControlClient;
  glue: GlueClient;
  send: <T>(ask: (signal: AbortSignal) => Promise<T>) => Promise<T>;
};

/** Whether to go on is decided here: the SDK's own attempts would wait for each silence, eight at a time. */
const configOfReaders = (aws: Aws) => ({
  region: aws.stage.region,
  credentials: aws.glue.config.credentials,
  maxAttempts: 1,
  requestHandler: configOf(aws.stage.region, process.env).requestHandler,
  ...(aws.endpoint ? { endpoint: aws.endpoint } : {}),
});

/**
 * Everything that is wanted, each once, by Cloud Control; by Glue itself what Cloud Control cannot read (tables, security
 * configurations) or only with rights of other services (databases). A key is wanted by its alias, an event source
 * mapping by its queue's ARN: `Others` are functions that read that queue, too.
 * @returns an answer for each: what cannot be read is said so.
 * @throws PregaoError `unreached` at the first reading that AWS, or what stands in for it, does not answer, and at the
 * deadline; `credentials` once nobody knows who asks. Nothing is asked after it.
 */
export const readInventory = async (
  aws: Aws,
  wanted: readonly Wanted[],
  { progress, deadlineMs = DEADLINE_MS }: ReadOptions = {},
): Promise<(one: Wanted) => Reading> => {
  const config = configOfReaders(aws);
  const [cloud, glue] = [new CloudControlClient(config), new GlueClient(config)];
  const until = Date.now() + deadlineMs;
  const given = new AbortController();
  const queue = new PQueue({ concurrency: AT_ONCE });
  const readings = new Map<string, Reading>();
  const each = new Map(wanted.map((one) => [keyOf(one), one]));
  const queues = [...each.values()].filter(({ type }) => type === MAPPING).map(({ id }) => id);
  const done = (key: string, found: Reading) => {
    readings.set(key, found);
    progress?.(readings.size, each.size);
  };
  const late = (last: unknown) =>
    new PregaoError(
      "unreached",
      `expected AWS to tell of every resource within ${Math.round(deadlineMs / 1000)} s, it told of ${readings.size} of ${each.size}${last ? `; the last that came was ${(last as Error).name}: ${(last as Error).message}` : ""}. Next: pregao doctor`,
    );
  const send: Clients["send"] = async (ask) => {
    for (let attempt = 0; ; attempt += 1)
      try {
        return await ask(AbortSignal.any([given.signal, abortAt(until)]));
      } catch (error) {
        const throttled = THROTTLED.test(saidBy(error));
        if (!given.signal.aborted && Date.now() >= until) throw late(error);
        const again =
          throttled || (attempt + 1 < ATTEMPTS && !SILENT.test((error as Error).name) && isTransient(error));
        if (!again || given.signal.aborted) throw lostOf(error, aws) ?? error;
        if (!(await backOff(attempt, until))) throw late(error);
      }
  };
  const clients: Clients = { cloud, glue, send };
  const tasks = [...each]
    .filter(([, { type }]) => type !== MAPPING)
    .map(
      ([key, one]) =>
        async () =>
          done(key, await reading(one, () => (byGlue[one.type] ?? byCloudControl)(clients, one))),
    );
  if (queues.length > 0)
    tasks.push(async () => {
      for (const [id, found] of await readMappings(clients, queues)) done(keyOf({ type: MAPPING, id }), found);
    });
  try {
    await queue.addAll(tasks);
  } catch (error) {
    throw error instanceof Lost ? error.of : error;
  } finally {
    queue.clear();
    given.abort();
    cloud.destroy();
    glue.destroy();
  }
  return (one) => readings.get(keyOf(one)) ?? { is: "unreadable", permission: null, error: "it was not asked for" };
};

/** What ends all readings: none of them can be answered. */
const ENDS = new Set(["unreached", "credentials"]);
/** A laptop's own river that goes away is no AWS: the error is left as it is, and the door has words for it. */
const lostOf = (error: unknown, { stage }: Aws): PregaoError | Lost | null => {
  const refusal = refusalOf(error, stage.name);
  if (refusal === null || !ENDS.has(refusal.code)) return null;
  if (refusal.code === "unreached" && answered(error)) return null;
  return stage.name === "local" ? new Lost(error) : refusal;
};
/** AWS was there, and what reads one type broke: others may be read. */
const answered = (error: unknown): boolean => {
  const { name, $metadata } = error as CloudControlServiceException;
  return /Exception$/.test(name) && $metadata?.httpStatusCode !== undefined;
};
/** Carries an error past whoever would make a reading of it. */
class Lost extends Error {
  readonly of: unknown;
  constructor(of: unknown) {
    super();
    this.of = of;
  }
}
const saidBy = (error: unknown): string => `${(error as Error).name}: ${(error as Error).message}`;
/** As services say it, and as Cloud Control repeats what they said to it. */
const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded|Rate exceeded/i;
/** A second silence would be as long as the first. */
const SILENT = /^(TimeoutError|AbortError)$/;

const keyOf = ({ type, id }: Wanted): string => `${type} ${id}`;

type Read = (clients: Clients, one: Wanted) => Promise<Properties | undefined>;

const byCloudControl: Read = async (clients, one) => {
  if (one.type !== "AWS::KMS::Key") return get(clients, one);
  const alias = await get(clients, { type: "AWS::KMS::Alias", id: one.id });
  return get(clients, { type: one.type, id: String(alias.TargetKeyId) });
};

const get = async ({ cloud, send }: Clients, { type, id }: Wanted): Promise<Properties> => {
  const command = new GetResourceCommand({ TypeName: type, Identifier: id });
  const { ResourceDescription } = await send((abortSignal) => cloud.send(command, { abortSignal }));
  return JSON.parse(ResourceDescription?.Properties ?? "{}") as Properties;
};

const byGlue: Record<string, Read> = {
  "AWS::Glue::Database": async ({ glue, send }, { id }) => {
    const { Database } = await send((abortSignal) => glue.send(new GetDatabaseCommand({ Name: id }), { abortSignal }));
    return { DatabaseName: id, DatabaseInput: Database };
  },
  "AWS::Glue::Table": async ({ glue, send }, { id }) => {
    const [database, name] = id.split("|");
    const { Table } = await send((abortSignal) =>
      glue.send(new GetTableCommand({ DatabaseName: database, Name: name }), { abortSignal }),
    );
    return { DatabaseName: database, TableInput: Table };
  },
  "AWS::Glue::SecurityConfiguration": async ({ glue, send }, { id }) => {
    const { SecurityConfiguration } = await send((abortSignal) =>
      glue.send(new GetSecurityConfigurationCommand({ Name: id }), { abortSignal }),
    );
    const { S3Encryption, ...by } = SecurityConfiguration?.EncryptionConfiguration ?? {};
    return { Name: id, EncryptionConfiguration: { ...by, S3Encryptions: S3Encryption } };
  },
  "AWS::Glue::DataCatalogEncryptionSettings": async ({ glue, send }, { id }) => ({
    CatalogId: id,
    DataCatalogEncryptionSettings: (
      await send((abortSignal) => glue.send(new GetDataCatalogEncryptionSettingsCommand({}), { abortSignal }))
    ).DataCatalogEncryptionSettings,
  }),
};

const MAPPING = "AWS::Lambda::EventSourceMapping";

/** The mappings of these queues, by ARN. AWS names them by numbers of its own, so that all of the account are looked at. */
const readMappings = async (clients: Clients, queues: readonly string[]): Promise<[string, Reading][]> => {
  const found: Properties[] = [];
  const all = await reading({ type: MAPPING, id: "" }, async () => {
    let token: string | undefined;
    do {
      const command = new ListResourcesCommand({ TypeName: MAPPING, MaxResults: PAGE, NextToken: token });
      const page = await clients.send((abortSignal) => clients.cloud.send(command, { abortSignal }));
      for (const { Identifier, Properties } of page.ResourceDescriptions ?? []) {
        const short = JSON.parse(Properties ?? "{}") as Properties;
        // A listing may leave out whatever is no identifier.
        const source = short.EventSourceArn;
        if (source !== undefined && !queues.includes(String(source))) continue;
        found.push(await get(clients, { type: MAPPING, id: Identifier ?? "" }));
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
    if (thrown instanceof PregaoError || thrown instanceof Lost) throw thrown;
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
