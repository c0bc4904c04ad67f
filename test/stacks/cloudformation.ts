import type { Document } from "../doctor/cloudcontrol.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, REGION } from "./graph.ts";

type Inputs = Record<string, unknown>;

/** Pulumi's wrapper of a secret. */
const SECRET = "4dabf18193072939515e22adb298388d";

/** Inputs without what Pulumi wraps them in. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (SECRET in value) return plain((value as Inputs).value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
};

/** `camelCase` → `CamelCase`, of members alone: maps that hold names (tags, arguments) are given apart. */
const pascal = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pascal);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [`${name[0]!.toUpperCase()}${name.slice(1)}`, pascal(part)]),
  );
};

const parsed = (value: unknown): unknown => (typeof value === "string" ? JSON.parse(value) : value);
const arn = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const some = (list: unknown): Inputs[] => (list as Inputs[] | undefined) ?? [];

/** Of one resource by itself. Those of a bucket are put together below. */
const shapes: Record<string, (inputs: Inputs, graph: Graph, resource: Resource) => Document[]> = {
  "aws:kms/key:Key": (i, _, { id }) => [
    {
      type: "AWS::KMS::Key",
      id,
      properties: {
        ...{ KeyId: id, Arn: arn("kms", `key/${id}`), Enabled: true },
        ...{ EnableKeyRotation: i.enableKeyRotation, KeyPolicy: parsed(i.policy) },
      },
    },
  ],
  "aws:kms/alias:Alias": (i) => [
    {
      type: "AWS::KMS::Alias",
      id: String(i.name),
      properties: { AliasName: i.name, TargetKeyId: i.targetKeyId },
    },
  ],
  "aws:ssm/parameter:Parameter": (i) => [
    { type: "AWS::SSM::Parameter", id: String(i.name), properties: { Name: i.name, Type: i.type, Value: i.value } },
  ],
  "aws:sqs/queue:Queue": (i, _, { id }) => [
    {
      type: "AWS::SQS::Queue",
      id,
      properties: {
        ...{ QueueUrl: id, QueueName: i.name, KmsMasterKeyId: i.kmsMasterKeyId },
        ...{ VisibilityTimeout: i.visibilityTimeoutSeconds, MessageRetentionPeriod: i.messageRetentionSeconds },
        ...(i.redrivePolicy ? { RedrivePolicy: parsed(i.redrivePolicy) } : {}),
        ...(i.redriveAllowPolicy ? { RedriveAllowPolicy: parsed(i.redriveAllowPolicy) } : {}),
      },
    },
    ...(i.policy
      ? [{ type: "AWS::SQS::QueueInlinePolicy", id, properties: { Queue: id, PolicyDocument: parsed(i.policy) } }]
      : []),
  ],
  "aws:lambda/function:Function": (i) => {
    const { environment, ...rest } = i;
    return [
      {
        type: "AWS::Lambda::Function",
        id: String(i.name),
        properties: {
          ...(pascal(rest) as Inputs),
          FunctionName: i.name,
          Environment: { Variables: (environment as Inputs).variables },
          ...(i.reservedConcurrentExecutions === undefined || i.reservedConcurrentExecutions === -1
            ? { ReservedConcurrentExecutions: undefined }
            : {}),
        },
      },
    ];
  },
  "aws:lambda/permission:Permission": (i) => [
    {
      type: "AWS::Lambda::Permission",
      id: `${i.function}|${i.statementId}`,
      properties: {
        ...{ FunctionName: i.function, Id: i.statementId, Action: i.action, Principal: i.principal },
        ...{ SourceArn: i.sourceArn, SourceAccount: i.sourceAccount },
      },
    },
  ],
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (i) => [
    {
      type: "AWS::Lambda::EventInvokeConfig",
      id: `${i.functionName}|${i.qualifier ?? "$LATEST"}`,
      properties: pascal(i) as Inputs,
    },
  ],
  "aws:lambda/eventSourceMapping:EventSourceMapping": (i, _, { name }) => [
    {
      type: "AWS::Lambda::EventSourceMapping",
      id: name,
      properties: { ...(pascal(i) as Inputs), Id: name, Enabled: i.enabled ?? true },
    },
  ],
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (i) => {
    const s3 = i.extendedS3Configuration as Inputs;
    const conversion = s3.dataFormatConversionConfiguration as Inputs;
    const sse = i.serverSideEncryption as Inputs | undefined;
    return [
      {
        type: "AWS::KinesisFirehose::DeliveryStream",
        id: String(i.name),
        properties: {
          DeliveryStreamName: i.name,
          ...(sse?.enabled
            ? { DeliveryStreamEncryptionConfigurationInput: { KeyType: sse.keyType, KeyARN: sse.keyArn } }
            : {}),
          ExtendedS3DestinationConfiguration: {
            ...{
              BucketARN: s3.bucketArn,
              RoleARN: s3.roleArn,
              Prefix: s3.prefix,
              ErrorOutputPrefix: s3.errorOutputPrefix,
            },
            ...{ CompressionFormat: s3.compressionFormat, S3BackupMode: s3.s3BackupMode },
            BufferingHints: { SizeInMBs: s3.bufferingSize, IntervalInSeconds: s3.bufferingInterval },
            EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: s3.kmsKeyArn } },
            CloudWatchLoggingOptions: pascal(s3.cloudwatchLoggingOptions),
            DataFormatConversionConfiguration: conversion
              ? {
                  Enabled: conversion.enabled,
                  SchemaConfiguration: pascal(conversion.schemaConfiguration),
                  OutputFormatConfiguration: pascal(conversion.outputFormatConfiguration),
                  InputFormatConfiguration: pascal(conversion.inputFormatConfiguration),
                }
              : undefined,
          },
        },
      },
    ];
  },
  "aws:glue/catalogDatabase:CatalogDatabase": (i) => [
    {
      type: "AWS::Glue::Database",
      id: String(i.name),
      properties: { DatabaseInput: { Name: i.name, Description: i.description, LocationUri: i.locationUri } },
    },
  ],
  "aws:glue/catalogTable:CatalogTable": (i) => {
    const { serDeInfo, ...storage } = i.storageDescriptor as Inputs;
    const serde = serDeInfo as Inputs | undefined;
    return [
      {
        type: "AWS::Glue::Table",
        id: `${i.databaseName}|${i.name}`,
        properties: {
          TableInput: {
            ...{ Name: i.name, Description: i.description, TableType: i.tableType, Parameters: i.parameters },
            ...{ ViewOriginalText: i.viewOriginalText, ViewExpandedText: i.viewExpandedText },
            PartitionKeys: pascal(i.partitionKeys),
            StorageDescriptor: {
              ...(pascal(storage) as Inputs),
              SerdeInfo: { SerializationLibrary: serde?.serializationLibrary, Parameters: serde?.parameters ?? {} },
            },
          },
        },
      },
    ];
  },
  "aws:glue/job:Job": (i) => [
    {
      type: "AWS::Glue::Job",
      id: String(i.name),
      properties: {
        ...(pascal({ ...i, defaultArguments: undefined }) as Inputs),
        ...{ Role: i.roleArn, DefaultArguments: i.defaultArguments },
      },
    },
  ],
  "aws:glue/securityConfiguration:SecurityConfiguration": (i) => {
    const by = i.encryptionConfiguration as Record<string, Inputs>;
    return [
      {
        type: "AWS::Glue::SecurityConfiguration",
        id: String(i.name),
        properties: {
          Name: i.name,
          EncryptionConfiguration: {
            S3Encryptions: [pascal(by.s3Encryption)],
            CloudWatchEncryption: { CloudWatchEncryptionMode: by.cloudwatchEncryption!.cloudwatchEncryptionMode },
          },
        },
      },
    ];
  },
  "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings": (i) => [
    {
      type: "AWS::Glue::DataCatalogEncryptionSettings",
      id: ACCOUNT,
      properties: { DataCatalogEncryptionSettings: pascal(i.dataCatalogEncryptionSettings) },
    },
  ],
  "aws:scheduler/schedule:Schedule": (i) => [
    {
      type: "AWS::Scheduler::Schedule",
      id: String(i.name),
      properties: { State: "ENABLED", ...(pascal(i) as Inputs) },
    },
  ],
  "aws:cloudwatch/eventRule:EventRule": (i, graph) => {
    const id = arn("events", `rule/${i.name}`);
    return [
      {
        type: "AWS::Events::Rule",
        id,
        properties: {
          ...{ Arn: id, Name: i.name, State: i.state ?? "ENABLED", EventPattern: parsed(i.eventPattern) },
          Targets: graph
            .of("aws:cloudwatch/eventTarget:EventTarget")
            .filter(({ inputs }) => inputs.rule === i.name)
            .map(({ inputs }) => ({ Id: inputs.targetId, Arn: inputs.arn })),
        },
      },
    ];
  },
  "aws:cloudwatch/logGroup:LogGroup": (i) => [
    {
      type: "AWS::Logs::LogGroup",
      id: String(i.name),
      properties: { LogGroupName: i.name, RetentionInDays: i.retentionInDays, KmsKeyId: i.kmsKeyId },
    },
  ],
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": (i) => {
    const { namespace, name, value, unit, defaultValue } = i.metricTransformation as Inputs;
    return [
      {
        type: "AWS::Logs::MetricFilter",
        id: `${i.logGroupName}|${i.name}`,
        properties: {
          ...{ FilterName: i.name, LogGroupName: i.logGroupName, FilterPattern: i.pattern },
          MetricTransformations: [
            {
              MetricNamespace: namespace,
              MetricName: name,
              MetricValue: value,
              Unit: unit,
              DefaultValue: defaultValue,
            },
          ],
        },
      },
    ];
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": (i) => {
    const { name, alarmName, dimensions, ...rest } = i;
    return [
      {
        type: "AWS::CloudWatch::Alarm",
        id: String(name),
        properties: {
          ...(pascal(rest) as Inputs),
          ...{ AlarmName: name, ActionsEnabled: i.actionsEnabled ?? true },
          Dimensions: Object.entries((dimensions as Inputs | undefined) ?? {}).map(([Name, Value]) => ({
            Name,
            Value,
          })),
        },
      },
    ];
  },
  "aws:cloudwatch/dashboard:Dashboard": (i) => [
    {
      type: "AWS::CloudWatch::Dashboard",
      id: String(i.dashboardName),
      properties: { DashboardName: i.dashboardName, DashboardBody: i.dashboardBody },
    },
  ],
  "aws:sns/topic:Topic": (i, graph) => {
    const id = arn("sns", String(i.name));
    return [
      {
        type: "AWS::SNS::Topic",
        id,
        properties: {
          ...{ TopicArn: id, TopicName: i.name, KmsMasterKeyId: i.kmsMasterKeyId },
          Subscription: graph
            .of("aws:sns/topicSubscription:TopicSubscription")
            .filter(({ inputs }) => inputs.topic === id)
            .map(({ inputs }) => ({ Endpoint: inputs.endpoint, Protocol: inputs.protocol })),
        },
      },
    ];
  },
  "aws:sns/topicPolicy:TopicPolicy": (i) => [
    {
      type: "AWS::SNS::TopicInlinePolicy",
      id: String(i.arn),
      properties: { TopicArn: i.arn, PolicyDocument: parsed(i.policy) },
    },
  ],
  "aws:iam/role:Role": (i, graph) => [
    {
      type: "AWS::IAM::Role",
      id: String(i.name),
      properties: {
        ...{ RoleName: i.name, AssumeRolePolicyDocument: parsed(i.assumeRolePolicy) },
        ManagedPolicyArns: graph
          .of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
          .filter(({ inputs }) => inputs.role === i.name)
          .map(({ inputs }) => inputs.policyArn),
        Policies: graph
          .of("aws:iam/rolePolicy:RolePolicy")
          .filter(({ inputs }) => inputs.role === i.name)
          .map(({ inputs }) => ({ PolicyName: inputs.name, PolicyDocument: parsed(inputs.policy) })),
      },
    },
  ],
  "aws:athena/workgroup:Workgroup": (i) => {
    const c = i.configuration as Inputs;
    const results = c.resultConfiguration as Inputs;
    const by = results.encryptionConfiguration as Inputs;
    return [
      {
        type: "AWS::Athena::WorkGroup",
        id: String(i.name),
        properties: {
          ...{ Name: i.name, State: i.state ?? "ENABLED" },
          WorkGroupConfiguration: {
            EnforceWorkGroupConfiguration: c.enforceWorkgroupConfiguration,
            BytesScannedCutoffPerQuery: c.bytesScannedCutoffPerQuery,
            ResultConfiguration: {
              ...{ OutputLocation: results.outputLocation, ExpectedBucketOwner: results.expectedBucketOwner },
              EncryptionConfiguration: { EncryptionOption: by.encryptionOption, KmsKey: by.kmsKeyArn },
            },
          },
        },
      },
    ];
  },
  "aws:cloudtrail/trail:Trail": (i) => [
    {
      type: "AWS::CloudTrail::Trail",
      id: String(i.name),
      properties: {
        ...{
          TrailName: i.name,
          IsLogging: i.enableLogging ?? true,
          EnableLogFileValidation: i.enableLogFileValidation,
        },
        ...{ S3BucketName: i.s3BucketName, KMSKeyId: i.kmsKeyId },
        AdvancedEventSelectors: some(i.advancedEventSelectors).map((one) => ({
          Name: one.name,
          FieldSelectors: some(one.fieldSelectors).map(({ field, equals, startsWiths }) => ({
            ...{ Field: field, Equals: equals, StartsWith: startsWiths },
          })),
        })),
      },
    },
  ],
  "aws:s3/bucketPolicy:BucketPolicy": (i) => [
    {
      type: "AWS::S3::BucketPolicy",
      id: String(i.bucket),
      properties: { Bucket: i.bucket, PolicyDocument: parsed(i.policy) },
    },
  ],
  "aws:s3/bucket:Bucket": (i, graph) => [bucketOf(String(i.bucket), graph)],
};

const bucketOf = (name: string, graph: Graph): Document => {
  const part = (type: string): Inputs | undefined => {
    const found = graph
      .of(`aws:s3/${type[0]!.toLowerCase()}${type.slice(1)}:${type}`)
      .find(({ inputs }) => inputs.bucket === name);
    return found && (plain(found.inputs) as Inputs);
  };
  const notified = part("BucketNotification");
  const filters = (one: Inputs) => ({
    S3Key: {
      Rules: [
        ...(one.filterPrefix ? [{ Name: "prefix", Value: one.filterPrefix }] : []),
        ...(one.filterSuffix ? [{ Name: "suffix", Value: one.filterSuffix }] : []),
      ],
    },
  });
  const events = (kind: string, list: unknown, target: string) =>
    some(list).flatMap((one) =>
      (one.events as string[]).map((Event) => ({ Event, [kind]: one[target], Filter: filters(one) })),
    );
  return {
    type: "AWS::S3::Bucket",
    id: name,
    properties: {
      BucketName: name,
      PublicAccessBlockConfiguration: pascal({ ...part("BucketPublicAccessBlock"), bucket: undefined }),
      OwnershipControls: { Rules: [pascal(part("BucketOwnershipControls")?.rule)] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: some(part("BucketServerSideEncryptionConfiguration")?.rules).map((rule) => {
          const by = rule.applyServerSideEncryptionByDefault as Inputs;
          return {
            ServerSideEncryptionByDefault: { SSEAlgorithm: by.sseAlgorithm, KMSMasterKeyID: by.kmsMasterKeyId },
            BucketKeyEnabled: rule.bucketKeyEnabled,
          };
        }),
      },
      VersioningConfiguration: pascal(part("BucketVersioning")?.versioningConfiguration),
      LifecycleConfiguration: {
        Rules: some(part("BucketLifecycleConfiguration")?.rules).map((rule) => {
          const expires = rule.expiration as Inputs | undefined;
          return {
            ...{ Id: rule.id, Status: rule.status, Prefix: (rule.filter as Inputs | undefined)?.prefix ?? "" },
            ...(expires?.days === undefined ? {} : { ExpirationInDays: expires.days }),
            ...(rule.abortIncompleteMultipartUpload
              ? { AbortIncompleteMultipartUpload: pascal(rule.abortIncompleteMultipartUpload) }
              : {}),
            Transitions: some(rule.transitions).map(({ days, storageClass }) => ({
              ...{ TransitionInDays: days, StorageClass: storageClass },
            })),
          };
        }),
      },
      IntelligentTieringConfigurations: pascal(part("BucketIntelligentTieringConfiguration")),
      NotificationConfiguration: {
        QueueConfigurations: events("Queue", notified?.queues, "queueArn"),
        LambdaConfigurations: events("Function", notified?.lambdaFunctions, "lambdaFunctionArn"),
        TopicConfigurations: events("Topic", notified?.topics, "topicArn"),
      },
    },
  };
};

/** The graph as Cloud Control would read it once it is deployed, in CloudFormation's shapes. */
export const documentsOf = (graph: Graph): Document[] =>
  graph.resources.flatMap((resource) => {
    // What SST reads of what is there already comes without inputs.
    if (Object.keys(resource.inputs).length === 0) return [];
    return shapes[resource.type]?.(plain(resource.inputs) as Inputs, graph, resource) ?? [];
  });
