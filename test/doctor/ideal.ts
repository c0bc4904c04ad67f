import { alarmName, alarms, descriptionOf } from "../../packages/core/alarms.ts";
import { dashboardBody } from "../../packages/core/dashboard.ts";
import { databaseInput, tableInput } from "../../packages/core/declaration.ts";
import { logMetrics, namespaceOf, numberIn, patternOf } from "../../packages/core/metrics.ts";
import type { Choices, Stage } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import type { Document } from "./cloudcontrol.ts";

export const ACCOUNT = "123456789012";
export const stage: Stage = { name: "dev", account: ACCOUNT, region: "sa-east-1", pace: "daily", layouts: {} };
export const chosen: Choices = { role: null, audit: true, catalogEncryption: true, emails: 1 };
export const datasets = catalogueOf(stage);

const t = topology(datasets, stage.pace);
const name = (logical: string) => `pregao-dev-${logical}`;
const bucketName = (logical: string) => `${name(logical)}-${ACCOUNT}`;
const arn = (service: string, rest: string) => `arn:aws:${service}:sa-east-1:${ACCOUNT}:${rest}`;
const key = arn("kms", "key/1234abcd");
const role = (who: string) => `arn:aws:iam::${ACCOUNT}:role/${name(who)}`;
const queueArn = (queue: string) => arn("sqs", name(queue));
const functionArn = (called: string) => arn("lambda", `function:${name(called)}`);
const doc = (type: string, id: string, properties: Record<string, unknown>): Document => ({ type, id, properties });

const policy = (...statements: object[]) => ({ Version: "2012-10-17", Statement: statements });
const denyPlain = (service: string) => ({
  ...{ Sid: "NoPlainHttp", Effect: "Deny", Principal: "*", Action: `${service}:*`, Resource: "*" },
  Condition: { Bool: { "aws:SecureTransport": "false" } },
});
const allow = (service: string, action: string | string[], condition: object = {}) => ({
  ...{ Sid: service.split(".")[0], Effect: "Allow", Principal: { Service: service }, Action: action, Resource: "*" },
  ...(Object.keys(condition).length ? { Condition: condition } : {}),
});

const keys = (): Document[] => [
  doc("AWS::KMS::Alias", "alias/pregao-dev", { AliasName: "alias/pregao-dev", TargetKeyId: "1234abcd" }),
  doc("AWS::KMS::Key", "1234abcd", {
    ...{ KeyId: "1234abcd", Arn: key, Enabled: true, EnableKeyRotation: true },
    KeyPolicy: policy(
      {
        ...{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: "kms:*", Resource: "*" },
        Sid: "Account",
      },
      ...["s3", "events", "cloudwatch", "logs.sa-east-1"].map((service) =>
        allow(`${service}.amazonaws.com`, ["kms:GenerateDataKey", "kms:Decrypt"]),
      ),
    ),
  }),
];

const parameters = (choices: Choices): Document[] => [
  doc("AWS::SSM::Parameter", "/pregao/dev/stage", { Value: JSON.stringify(stage) }),
  doc("AWS::SSM::Parameter", "/pregao/dev/choices", { Value: JSON.stringify(choices) }),
];

const buckets = (): Document[] =>
  [...t.buckets, "audit"].flatMap((logical) => {
    const told = t.notices.filter((notice) => notice.bucket === logical);
    const filter = ({ prefix, suffix }: (typeof told)[number]) => ({
      S3Key: {
        Rules: [
          { Name: "Prefix", Value: prefix },
          { Name: "Suffix", Value: suffix },
        ],
      },
    });
    return [
      doc("AWS::S3::Bucket", bucketName(logical), {
        BucketName: bucketName(logical),
        PublicAccessBlockConfiguration: {
          ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: key },
              BucketKeyEnabled: true,
            },
          ],
        },
        VersioningConfiguration: { Status: "Enabled" },
        LifecycleConfiguration: {
          Rules: [
            { Id: "leftovers", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
            {
              ...{ Id: "tier", Status: "Enabled" },
              Transitions: [{ StorageClass: "INTELLIGENT_TIERING", TransitionInDays: 30 }],
            },
            ...(logical === "results" ? [{ Id: "old", Status: "Enabled", ExpirationInDays: 30 }] : []),
          ],
        },
        NotificationConfiguration: {
          QueueConfigurations: told.flatMap((notice) =>
            "queue" in notice.to
              ? [{ Event: "s3:ObjectCreated:*", Queue: queueArn(notice.to.queue), Filter: filter(notice) }]
              : [],
          ),
          LambdaConfigurations: told.flatMap((notice) =>
            "function" in notice.to
              ? [{ Event: "s3:ObjectCreated:*", Function: functionArn(notice.to.function), Filter: filter(notice) }]
              : [],
          ),
        },
      }),
      doc("AWS::S3::BucketPolicy", bucketName(logical), {
        PolicyDocument: policy(denyPlain("s3"), {
          ...{ Effect: "Deny", Principal: { AWS: "*" }, Action: ["s3:*"], Resource: "*" },
          Condition: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
        }),
      }),
    ];
  });

const catalog = (): Document[] =>
  t.databases.flatMap((database) => [
    doc("AWS::Glue::Database", database.name, { DatabaseInput: databaseInput(database, bucketName("lake")) }),
    ...[...database.tables.map((one) => tableInput(one, bucketName("lake"))), ...database.views].map((TableInput) =>
      doc("AWS::Glue::Table", `${database.name}|${TableInput.Name}`, { TableInput }),
    ),
  ]);

const queues = (): Document[] =>
  t.queues.flatMap((spec) => {
    const url = `https://sqs.sa-east-1.amazonaws.com/${ACCOUNT}/${name(spec.name)}`;
    const sources = t.queues.filter((one) => one.deadLetter?.queue === spec.name).map((one) => queueArn(one.name));
    return [
      doc("AWS::SQS::Queue", url, {
        ...{ QueueUrl: url, KmsMasterKeyId: key },
        ...{ VisibilityTimeout: spec.visibility, MessageRetentionPeriod: 14 * 86_400 },
        ...(spec.deadLetter
          ? { RedrivePolicy: { deadLetterTargetArn: queueArn(spec.deadLetter.queue), maxReceiveCount: "100" } }
          : {}),
        // CloudFormation takes text, too.
        RedriveAllowPolicy: sources.length
          ? { redrivePermission: "byQueue", sourceQueueArns: sources }
          : JSON.stringify({ redrivePermission: "denyAll" }),
      }),
      doc("AWS::SQS::QueueInlinePolicy", url, {
        PolicyDocument: policy(
          denyPlain("sqs"),
          allow("s3.amazonaws.com", "sqs:SendMessage", {
            ArnEquals: { "aws:SourceArn": `arn:aws:s3:::${bucketName("lake")}` },
            StringEquals: { "aws:SourceAccount": ACCOUNT },
          }),
          allow("events.amazonaws.com", "SQS:SendMessage", {
            ArnLike: { "AWS:SourceArn": arn("events", "rule/pregao-dev-jobs-to-*") },
          }),
        ),
      }),
    ];
  });

const functions = (): Document[] =>
  t.functions.flatMap((f) => [
    doc("AWS::Lambda::Function", name(f.name), {
      ...{ FunctionName: name(f.name), Timeout: f.timeout, MemorySize: f.memory, Role: role(f.name) },
      ...{ Runtime: "nodejs24.x", Architectures: ["arm64"], PackageType: "Zip" },
      LoggingConfig: { LogFormat: "Text", LogGroup: `/aws/lambda/${name(f.name)}` },
      Environment: {
        Variables: {
          ...{ PREGAO_STAGE: "dev", PREGAO_ACCOUNT: ACCOUNT, PREGAO_PACE: "daily", PREGAO_LAYOUTS: "{}" },
        },
      },
    }),
    doc("AWS::Lambda::EventInvokeConfig", `${name(f.name)}|$LATEST`, {
      ...{ FunctionName: name(f.name), MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 3600 },
      ...(f.failed ? { DestinationConfig: { OnFailure: { Destination: queueArn(f.failed) } } } : {}),
    }),
    doc("AWS::Lambda::Permission", `${name(f.name)}|lake-objects`, {
      ...{ Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" },
      ...{ SourceArn: `arn:aws:s3:::${bucketName("lake")}`, SourceAccount: ACCOUNT },
    }),
  ]);

const mappings = (): Document[] =>
  t.mappings.map((m, index) =>
    doc("AWS::Lambda::EventSourceMapping", `0000-${index}`, {
      ...{ Id: `0000-${index}`, EventSourceArn: queueArn(m.queue), FunctionName: functionArn(m.function) },
      ...{ Enabled: true, FunctionResponseTypes: ["ReportBatchItemFailures"] },
      ...{ BatchSize: m.batch, MaximumBatchingWindowInSeconds: m.window },
      ScalingConfig: { MaximumConcurrency: m.concurrency },
    }),
  );

const streams = (): Document[] =>
  t.streams.map((s) =>
    doc("AWS::KinesisFirehose::DeliveryStream", name(s.name), {
      DeliveryStreamName: name(s.name),
      DeliveryStreamEncryptionConfigurationInput: { KeyType: "CUSTOMER_MANAGED_CMK", KeyARN: key },
      ExtendedS3DestinationConfiguration: {
        ...{ BucketARN: `arn:aws:s3:::${bucketName("lake")}`, RoleARN: role("stream") },
        ...{ Prefix: s.prefix, ErrorOutputPrefix: s.errors },
        BufferingHints: { SizeInMBs: s.mib, IntervalInSeconds: s.seconds },
        EncryptionConfiguration: { KMSEncryptionConfig: { AWSKMSKeyARN: key } },
        CloudWatchLoggingOptions: {
          ...{ Enabled: true, LogGroupName: `/aws/kinesisfirehose/${name(s.name)}`, LogStreamName: "delivery" },
        },
        DataFormatConversionConfiguration: {
          Enabled: true,
          SchemaConfiguration: { DatabaseName: s.database, TableName: s.table },
          OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
        },
      },
    }),
  );

const jobs = (): Document[] => [
  ...t.jobs.map((j) =>
    doc("AWS::Glue::Job", name(j.name), {
      ...{ Name: name(j.name), Role: name("job"), GlueVersion: "5.1", WorkerType: "G.1X", NumberOfWorkers: 2 },
      ...{ MaxRetries: j.retries, Timeout: j.timeoutMinutes, ExecutionProperty: { MaxConcurrentRuns: j.concurrent } },
      ...{ Command: { Name: "glueetl", PythonVersion: "3" }, SecurityConfiguration: name("refine") },
      DefaultArguments: {
        ...{ "--dataset": j.dataset, "--state": bucketName("state"), "--lake": bucketName("lake") },
        ...{ "--enable-auto-scaling": "true", "--enable-metrics": "true" },
        "--custom-logGroup-prefix": `/aws-glue/jobs/${name(j.name)}`,
      },
    }),
  ),
  doc("AWS::Glue::SecurityConfiguration", name("refine"), {
    Name: name("refine"),
    EncryptionConfiguration: {
      S3Encryptions: [{ S3EncryptionMode: "SSE-KMS", KmsKeyArn: key }],
      CloudWatchEncryption: { CloudWatchEncryptionMode: "DISABLED" },
    },
  }),
  doc("AWS::Events::Rule", arn("events", "rule/pregao-dev-jobs-to-landed"), {
    State: "ENABLED",
    EventPattern: JSON.stringify({
      ...{ source: ["aws.glue"], "detail-type": ["Glue Job State Change"] },
      detail: { jobName: t.jobs.map((j) => name(j.name)) },
    }),
    Targets: [{ Id: "landed", Arn: queueArn("landed") }],
  }),
];

/** As EventBridge Scheduler has the crons of the topology, written by hand: the two must be told to agree. */
const expressions: Record<string, string> = {
  "*/15 * * * *": "cron(0/15 * * * ? *)",
  "0 6 * * SUN": "cron(0 6 ? * SUN *)",
  "0 7 * * *": "cron(0 7 * * ? *)",
  "30 6 * * *": "cron(30 6 * * ? *)",
};
const expressionOf = (cron: string): string => {
  const [minute, hour, , , days] = cron.split(" ");
  return expressions[cron] ?? `cron(${minute} ${hour} ? * ${days} *)`;
};

const clocks = (): Document[] =>
  t.clocks.map((c) =>
    doc("AWS::Scheduler::Schedule", name(c.name), {
      ...{ Name: name(c.name), State: "ENABLED" },
      ...{ ScheduleExpression: expressionOf(c.cron), ScheduleExpressionTimezone: c.zone },
      Target: {
        ...{ Arn: functionArn(c.function), RoleArn: role("clock"), Input: JSON.stringify(c.input) },
        DeadLetterConfig: { Arn: queueArn("scrape-dlq") },
        RetryPolicy: { MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 3600 },
      },
    }),
  );

const roles = (): Document[] => {
  const people = ["analyst", "watcher", "operator", "doctor"];
  const services: Record<string, string> = { stream: "firehose", job: "glue", clock: "scheduler" };
  return [...t.functions.map((f) => f.name), ...Object.keys(services), ...people].map((who) =>
    doc("AWS::IAM::Role", name(who), {
      RoleName: name(who),
      AssumeRolePolicyDocument: policy({
        ...{ Effect: "Allow", Action: "sts:AssumeRole" },
        Principal: people.includes(who)
          ? { AWS: `arn:aws:iam::${ACCOUNT}:root` }
          : { Service: `${services[who] ?? "lambda"}.amazonaws.com` },
      }),
      ManagedPolicyArns: [],
      Policies: [
        {
          PolicyName: who,
          // IAM's own readers give documents percent-encoded.
          PolicyDocument: encodeURIComponent(
            JSON.stringify(
              policy(
                {
                  ...{ Sid: "Read", Effect: "Allow", Action: "s3:GetObject" },
                  Resource: `arn:aws:s3:::${bucketName("lake")}/refined/*`,
                },
                { Sid: "Tell", Effect: "Allow", Action: ["cloudwatch:PutMetricData"], Resource: "*" },
              ),
            ),
          ),
        },
      ],
    }),
  );
};

const groups = (): Document[] =>
  [
    ...t.functions.map((f) => `/aws/lambda/${name(f.name)}`),
    ...t.streams.map((s) => `/aws/kinesisfirehose/${name(s.name)}`),
    ...t.jobs.flatMap((j) => ["error", "output"].map((kind) => `/aws-glue/jobs/${name(j.name)}/${kind}`)),
  ].map((group) => doc("AWS::Logs::LogGroup", group, { LogGroupName: group, RetentionInDays: 30, KmsKeyId: key }));

const athena = (): Document[] =>
  ["people", "analyst"].map((whose) =>
    doc("AWS::Athena::WorkGroup", name(whose), {
      ...{ Name: name(whose), State: "ENABLED" },
      WorkGroupConfiguration: {
        ...{ EnforceWorkGroupConfiguration: true, BytesScannedCutoffPerQuery: 10 * 1024 ** 3 },
        ResultConfiguration: {
          ...{ OutputLocation: `s3://${bucketName("results")}/${whose}/`, ExpectedBucketOwner: ACCOUNT },
          EncryptionConfiguration: { EncryptionOption: "SSE_KMS", KmsKey: key },
        },
      },
    }),
  );

const watch = (): Document[] => [
  ...alarms(t, datasets, stage).map((alarm) =>
    doc("AWS::CloudWatch::Alarm", alarmName(stage, alarm), {
      ...{ Namespace: alarm.metric.namespace, MetricName: alarm.metric.name, Statistic: alarm.statistic },
      ...{ Period: alarm.period, EvaluationPeriods: alarm.periods, Threshold: alarm.above },
      ...{ ComparisonOperator: "GreaterThanThreshold", AlarmDescription: descriptionOf(alarm) },
      ...{ TreatMissingData: alarm.silence === "well" ? "notBreaching" : "breaching", ActionsEnabled: true },
      Dimensions: Object.entries(alarm.metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
      AlarmActions: [arn("sns", name(alarm.severity))],
    }),
  ),
  ...logMetrics(t).map((metric) => {
    const group = `/aws/lambda/${name(metric.function)}`;
    return doc("AWS::Logs::MetricFilter", `${group}|${metric.name}`, {
      ...{ LogGroupName: group, FilterName: metric.name, FilterPattern: patternOf(metric) },
      MetricTransformations: [
        { MetricNamespace: namespaceOf(stage), MetricName: metric.name, MetricValue: numberIn(metric) },
      ],
    });
  }),
  doc("AWS::CloudWatch::Dashboard", "pregao-dev", {
    DashboardBody: JSON.stringify(dashboardBody(t, datasets, stage)),
  }),
  ...["critical", "other"].flatMap((severity) => {
    const topic = arn("sns", name(severity));
    return [
      doc("AWS::SNS::Topic", topic, {
        ...{ TopicArn: topic, KmsMasterKeyId: "alias/pregao-dev" },
        Subscription: severity === "critical" ? [{ Protocol: "email", Endpoint: "someone@example.com" }] : [],
      }),
      doc("AWS::SNS::TopicInlinePolicy", topic, {
        PolicyDocument: policy(
          {
            ...{ Effect: "Deny", Principal: "*", Action: "sns:Publish", Resource: topic },
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          allow("cloudwatch.amazonaws.com", "sns:Publish", { StringEquals: { "aws:SourceAccount": ACCOUNT } }),
        ),
      }),
    ];
  }),
];

const audit = (): Document[] => [
  doc("AWS::CloudTrail::Trail", name("audit"), {
    ...{ IsLogging: true, EnableLogFileValidation: true },
    AdvancedEventSelectors: [
      {
        FieldSelectors: [
          { Field: "eventCategory", Equals: ["Data"] },
          { Field: "resources.ARN", StartsWith: t.buckets.map((logical) => `arn:aws:s3:::${bucketName(logical)}/`) },
        ],
      },
    ],
  }),
  doc("AWS::Glue::DataCatalogEncryptionSettings", ACCOUNT, {
    DataCatalogEncryptionSettings: { EncryptionAtRest: { CatalogEncryptionMode: "SSE-KMS" } },
  }),
];

/** A deployed stage that has every guard, written down by hand: not as stacks/ makes it, but as AWS may tell of one. */
export const ideal = (choices: Choices = chosen): Document[] =>
  // What is spoiled in them must not be what the next test expects.
  structuredClone([
    ...[...parameters(choices), ...keys(), ...buckets(), ...catalog(), ...queues(), ...functions(), ...mappings()],
    ...[...streams(), ...jobs(), ...clocks(), ...roles(), ...groups(), ...athena(), ...watch(), ...audit()],
  ]);
