import type { Document } from "./cloudcontrol.ts";

type Path = readonly (string | number)[];
type Part = Record<string | number, unknown>;

/** What a mistake or a stranger's hand does to the documents of a stage. `sin`: what it is. */
export type Break = { sin: string; of: string; break: (documents: Document[]) => void };

const first = (documents: Document[], type: string, which?: RegExp): Document => {
  const found = documents.find((one) => one.type === type && (!which || which.test(one.id)));
  if (!found) throw new Error(`expected a ${type} ${which ?? ""} to break, there is none`);
  return found;
};

/** Documents keep a part as an object or as its text, as AWS does: it is broken as an object, and kept as one. */
const opened = (value: unknown): unknown => {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value.startsWith("%7B") ? decodeURIComponent(value) : value);
  } catch {
    return value;
  }
};

const set = (properties: unknown, path: Path, value: unknown): void => {
  const [head, ...rest] = path as [string | number, ...Path];
  const whole = properties as Part;
  if (rest.length === 0) {
    if (value === undefined) delete whole[head];
    else whole[head] = value;
    return;
  }
  whole[head] = opened(whole[head]) ?? {};
  set(whole[head], rest, value);
};

const changed = (sin: string, type: string, path: Path, value: unknown, which?: RegExp): Break => ({
  ...{ sin, of: type },
  break: (documents) => set(first(documents, type, which).properties, path, value),
});
const removed = (sin: string, type: string, which?: RegExp): Break => ({
  ...{ sin, of: type },
  break: (documents) => {
    documents.splice(documents.indexOf(first(documents, type, which)), 1);
  },
});
/** A policy's statements; those that `keeps` says no to go. */
const without = (sin: string, type: string, path: Path, goes: RegExp, which?: RegExp): Break => ({
  ...{ sin, of: type },
  break: (documents) => {
    const { properties } = first(documents, type, which);
    const policy = path.reduce<unknown>((now, name) => opened((opened(now) as Part)[name]), properties) as Part;
    const kept = (policy.Statement as unknown[]).filter((one) => !goes.test(JSON.stringify(one)));
    if (kept.length === (policy.Statement as unknown[]).length) throw new Error(`no statement ${goes} in ${type}`);
    set(properties, [...path, "Statement"], kept);
  },
});
const added = (sin: string, type: string, path: Path, statement: object, which?: RegExp): Break => ({
  ...{ sin, of: type },
  break: (documents) => {
    const { properties } = first(documents, type, which);
    const policy = path.reduce<unknown>((now, name) => opened((opened(now) as Part)[name]), properties) as Part;
    set(properties, [...path, "Statement"], [...(policy.Statement as unknown[]), statement]);
  },
});
const pushed = (sin: string, type: string, path: Path, value: unknown, which?: RegExp): Break => ({
  ...{ sin, of: type },
  break: (documents) => {
    const { properties } = first(documents, type, which);
    const list = path.reduce<unknown>((now, name) => (now as Part | undefined)?.[name], properties);
    set(properties, path, [...((list as unknown[] | undefined) ?? []), value]);
  },
});

const everybody = (action: string) => ({ Effect: "Allow", Principal: "*", Action: action, Resource: "*" });
const S3 = ["ExtendedS3DestinationConfiguration"] as const;
const QUEUE = "AWS::SQS::Queue";
const QUEUE_POLICY = "AWS::SQS::QueueInlinePolicy";
const BUCKET = "AWS::S3::Bucket";
const BUCKET_POLICY = "AWS::S3::BucketPolicy";
const FUNCTION = "AWS::Lambda::Function";
const MAPPING = "AWS::Lambda::EventSourceMapping";
const STREAM = "AWS::KinesisFirehose::DeliveryStream";
const JOB = "AWS::Glue::Job";
const RULE = "AWS::Events::Rule";
const CLOCK = "AWS::Scheduler::Schedule";
const ROLE = "AWS::IAM::Role";
const KEY = "AWS::KMS::Key";
const TABLE = "AWS::Glue::Table";
const GROUP = "AWS::Athena::WorkGroup";
const ALARM = "AWS::CloudWatch::Alarm";
const TOPIC = "AWS::SNS::Topic";
const TOPIC_POLICY = "AWS::SNS::TopicInlinePolicy";
const POLICY = ["Policies", 0, "PolicyDocument"] as const;
const ENCRYPTION = ["BucketEncryption", "ServerSideEncryptionConfiguration", 0] as const;
const OTHER_KEY = "arn:aws:kms:sa-east-1:123456789012:key/of-another";
const GROUP_LOG = "AWS::Logs::LogGroup";
const LANDED = /landed$/;
const LAKE = /-lake-/;

/** For each guard, how it breaks; a guard without one is tested by nothing. */
export const breaks: Record<string, Break[]> = {
  "stage.document": [
    changed("another pace than was deployed", "AWS::SSM::Parameter", ["Value", "pace"], "intraday", /stage$/),
    removed("a stage that no command finds", "AWS::SSM::Parameter", /stage$/),
  ],
  "stage.choices": [changed("choices nobody can read", "AWS::SSM::Parameter", ["Value"], "yes", /choices$/)],
  "audit.trail": [
    changed("a trail that was stopped", "AWS::CloudTrail::Trail", ["IsLogging"], false),
    changed("a trail of fewer buckets", "AWS::CloudTrail::Trail", ["AdvancedEventSelectors", 0, "FieldSelectors"], []),
  ],
  "catalog.encrypted": [
    changed(
      "a catalog in the clear",
      "AWS::Glue::DataCatalogEncryptionSettings",
      ["DataCatalogEncryptionSettings", "EncryptionAtRest", "CatalogEncryptionMode"],
      "DISABLED",
    ),
  ],
  "key.rotation": [changed("a key that never turns", KEY, ["EnableKeyRotation"], false)],
  "key.enabled": [changed("a key that was switched off", KEY, ["Enabled"], false)],
  "key.private": [added("a key that everybody uses", KEY, ["KeyPolicy"], everybody("kms:Decrypt"))],
  "key.services": [
    without("bells that S3 cannot encrypt", KEY, ["KeyPolicy"], /"s3\.amazonaws\.com"/),
    without("job events that cannot be encrypted", KEY, ["KeyPolicy"], /"events\.amazonaws\.com"/),
    without("alarms that cannot be encrypted", KEY, ["KeyPolicy"], /"cloudwatch\.amazonaws\.com"/),
  ],
  "bucket.private": [
    changed(
      "a bucket that a policy can make public",
      BUCKET,
      ["PublicAccessBlockConfiguration", "BlockPublicPolicy"],
      false,
    ),
    changed("a bucket without a block", BUCKET, ["PublicAccessBlockConfiguration"], undefined),
  ],
  "bucket.owner": [
    changed("objects of others", BUCKET, ["OwnershipControls", "Rules"], [{ ObjectOwnership: "ObjectWriter" }]),
  ],
  "bucket.encrypted": [
    changed("S3's own key", BUCKET, [...ENCRYPTION, "ServerSideEncryptionByDefault"], { SSEAlgorithm: "AES256" }),
    changed(
      "another stage's key",
      BUCKET,
      [...ENCRYPTION, "ServerSideEncryptionByDefault", "KMSMasterKeyID"],
      OTHER_KEY,
    ),
    changed("a call to KMS for every object", BUCKET, [...ENCRYPTION, "BucketKeyEnabled"], false),
  ],
  "bucket.tls": [
    without("plain HTTP", BUCKET_POLICY, ["PolicyDocument"], /aws:SecureTransport/),
    without("TLS before 1.2", BUCKET_POLICY, ["PolicyDocument"], /s3:TlsVersion/),
    removed("a bucket without a policy", BUCKET_POLICY),
  ],
  "bucket.policy": [
    added("a bucket that everybody reads", BUCKET_POLICY, ["PolicyDocument"], everybody("s3:GetObject")),
  ],
  "bucket.versioned": [
    changed("versions that are not kept", BUCKET, ["VersioningConfiguration", "Status"], "Suspended"),
  ],
  "bucket.instant": [
    pushed("raw in an archive that takes hours", BUCKET, ["LifecycleConfiguration", "Rules"], {
      ...{ Id: "cold", Status: "Enabled", Transitions: [{ StorageClass: "DEEP_ARCHIVE", TransitionInDays: 90 }] },
    }),
    changed(
      "an archive tier by the back door",
      BUCKET,
      ["IntelligentTieringConfigurations"],
      [{ Id: "archive", Status: "Enabled", Tierings: [{ AccessTier: "ARCHIVE_ACCESS", Days: 90 }] }],
    ),
  ],
  "bucket.keeps": [
    pushed(
      "live data that goes by its age",
      BUCKET,
      ["LifecycleConfiguration", "Rules"],
      {
        ...{ Id: "old", Status: "Enabled", Prefix: "raw/", ExpirationInDays: 365 },
      },
      LAKE,
    ),
  ],
  "bucket.leftovers": [changed("uploads that cost for ever", BUCKET, ["LifecycleConfiguration", "Rules"], [])],
  "bucket.notices": [
    changed("no bell at all", BUCKET, ["NotificationConfiguration", "QueueConfigurations"], [], LAKE),
    changed(
      "a bell of everything, in a circle",
      BUCKET,
      ["NotificationConfiguration", "QueueConfigurations", 0, "Filter"],
      {},
      LAKE,
    ),
    pushed(
      "a second bell of the same object",
      BUCKET,
      ["NotificationConfiguration", "LambdaConfigurations"],
      {
        ...{ Event: "s3:ObjectCreated:*", Function: "arn:aws:lambda:sa-east-1:123456789012:function:somebody" },
      },
      LAKE,
    ),
  ],
  "table.database": [
    changed("a database elsewhere", "AWS::Glue::Database", ["DatabaseInput", "LocationUri"], "s3://elsewhere/"),
  ],
  "table.columns": [
    changed("a column of another type", TABLE, ["TableInput", "StorageDescriptor", "Columns", 0, "Type"], "array<int>"),
    changed("partitions that nobody declared", TABLE, ["TableInput", "PartitionKeys"], [{ Name: "x", Type: "int" }]),
    removed("a table that was dropped", TABLE),
  ],
  "table.format": [
    changed(
      "Parquet that is read as text",
      TABLE,
      ["TableInput", "StorageDescriptor", "SerdeInfo", "SerializationLibrary"],
      "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    ),
  ],
  "table.projection": [
    changed(
      "a raw day that no query finds",
      TABLE,
      ["TableInput", "Parameters", "projection.enabled"],
      "false",
      /_raw$/,
    ),
  ],
  "table.place": [
    changed(
      "a table that reads another's files",
      TABLE,
      ["TableInput", "StorageDescriptor", "Location"],
      "s3://elsewhere/",
      /_raw$/,
    ),
  ],
  "table.views": [
    {
      ...{ sin: "a view that says something else", of: TABLE },
      break: (documents) => {
        const view = documents.find(
          (one) => one.type === TABLE && (one.properties.TableInput as Part).ViewOriginalText,
        );
        set(view!.properties, ["TableInput", "ViewOriginalText"], "/* Presto View: e30= */");
      },
    },
  ],
  "queue.visibility": [changed("a message in two hands at once", QUEUE, ["VisibilityTimeout"], 30, LANDED)],
  "queue.retention": [
    changed("letters that are forgotten in four days", QUEUE, ["MessageRetentionPeriod"], 345_600, /-dlq$/),
  ],
  "queue.redrive": [
    changed("no dead-letter queue", QUEUE, ["RedrivePolicy"], undefined, LANDED),
    changed("a few tries", QUEUE, ["RedrivePolicy", "maxReceiveCount"], 3, LANDED),
  ],
  "queue.redrive-allow": [
    changed("letters of strangers", QUEUE, ["RedriveAllowPolicy"], { redrivePermission: "allowAll" }, /-dlq$/),
  ],
  "queue.encrypted": [
    changed("SQS's own key", QUEUE, ["KmsMasterKeyId"], undefined),
    changed("another stage's key", QUEUE, ["KmsMasterKeyId"], OTHER_KEY),
  ],
  "queue.tls": [without("plain HTTP", QUEUE_POLICY, ["PolicyDocument"], /aws:SecureTransport/)],
  "queue.private": [
    added("a queue that everybody fills", QUEUE_POLICY, ["PolicyDocument"], everybody("sqs:SendMessage")),
  ],
  "queue.senders": [
    without("bells that are refused", QUEUE_POLICY, ["PolicyDocument"], /s3\.amazonaws\.com/, LANDED),
    without("job events that are refused", QUEUE_POLICY, ["PolicyDocument"], /events\.amazonaws\.com/, LANDED),
  ],
  "function.caller": [removed("errors of Firehose that nobody is told of", "AWS::Lambda::Permission", /-salvage\|/)],
  "function.limits": [
    changed("three seconds", FUNCTION, ["Timeout"], 3),
    changed("128 MB", FUNCTION, ["MemorySize"], 128),
  ],
  "function.runtime": [changed("an older Node", FUNCTION, ["Runtime"], "nodejs20.x")],
  "function.environment": [
    changed("another stage's stores", FUNCTION, ["Environment", "Variables", "PREGAO_STAGE"], "production"),
  ],
  "function.role": [changed("an administrator's role", FUNCTION, ["Role"], "arn:aws:iam::123456789012:role/admin")],
  "function.log": [changed("a log that lasts for ever", FUNCTION, ["LoggingConfig", "LogGroup"], "/somewhere/else")],
  "function.unreserved": [changed("a low reserved concurrency", FUNCTION, ["ReservedConcurrentExecutions"], 1)],
  "function.retries": [
    changed("one try", "AWS::Lambda::EventInvokeConfig", ["MaximumRetryAttempts"], 0, /-advance\|/),
    changed(
      "a file that nobody fetches again",
      "AWS::Lambda::EventInvokeConfig",
      ["DestinationConfig"],
      undefined,
      /-scrape\|/,
    ),
  ],
  "mapping.function": [
    changed("messages for another function", MAPPING, ["FunctionName"], "somebody"),
    changed("a mapping that was switched off", MAPPING, ["Enabled"], false),
    removed("messages that nobody takes", MAPPING),
    {
      ...{ sin: "a second mapping that takes half of the messages", of: MAPPING },
      break: (documents) => {
        const one = first(documents, MAPPING);
        documents.push({ ...one, id: "another", properties: { ...one.properties, FunctionName: "somebody" } });
      },
    },
  ],
  "mapping.partial": [
    changed("failed messages that are deleted with the others", MAPPING, ["FunctionResponseTypes"], []),
  ],
  "mapping.batch": [
    changed("one message at a time", MAPPING, ["BatchSize"], 1),
    changed("no window", MAPPING, ["MaximumBatchingWindowInSeconds"], undefined),
  ],
  "mapping.concurrency": [changed("no maximum", MAPPING, ["ScalingConfig"], undefined)],
  "mapping.filter": [
    changed("messages that are deleted unread", MAPPING, ["FilterCriteria"], { Filters: [{ Pattern: "{}" }] }),
  ],
  "stream.converts": [
    changed("JSON in raw", STREAM, [...S3, "DataFormatConversionConfiguration", "Enabled"], false),
    changed(
      "another table's columns",
      STREAM,
      [...S3, "DataFormatConversionConfiguration", "SchemaConfiguration", "TableName"],
      "other",
    ),
  ],
  "stream.place": [
    changed("rows where no bell rings", STREAM, [...S3, "Prefix"], "elsewhere/"),
    changed("errors among rows", STREAM, [...S3, "ErrorOutputPrefix"], undefined),
  ],
  "stream.buffer": [
    changed("rows that wait for a quarter of an hour", STREAM, [...S3, "BufferingHints", "IntervalInSeconds"], 900),
  ],
  "stream.role": [
    changed("an administrator's role", STREAM, [...S3, "RoleARN"], "arn:aws:iam::123456789012:role/admin"),
  ],
  "stream.log": [changed("errors that nobody can read", STREAM, [...S3, "CloudWatchLoggingOptions", "Enabled"], false)],
  "stream.encrypted": [
    changed("rows that wait in the clear", STREAM, ["DeliveryStreamEncryptionConfigurationInput"], undefined),
    changed(
      "objects under another key",
      STREAM,
      [...S3, "EncryptionConfiguration", "KMSEncryptionConfig", "AWSKMSKeyARN"],
      OTHER_KEY,
    ),
  ],
  "job.single": [
    changed("two runs at a time", JOB, ["ExecutionProperty", "MaxConcurrentRuns"], 2),
    changed("a retry that nobody judged", JOB, ["MaxRetries"], 1),
  ],
  "job.timeout": [changed("a job that may hang for two days", JOB, ["Timeout"], 2880)],
  "job.version": [changed("another Spark", JOB, ["GlueVersion"], "4.0")],
  "job.workers": [
    changed("ten workers", JOB, ["NumberOfWorkers"], 10),
    changed("workers that are not given back", JOB, ["DefaultArguments", "--enable-auto-scaling"], undefined),
    changed("a job that waits for cheap workers", JOB, ["ExecutionClass"], "FLEX"),
  ],
  "job.dataset": [changed("another dataset's job", JOB, ["DefaultArguments", "--dataset"], "other")],
  "job.place": [
    changed("another stage's lake", JOB, ["DefaultArguments", "--lake"], "pregao-production-lake-123456789012"),
  ],
  "job.role": [changed("an administrator's role", JOB, ["Role"], "admin")],
  "job.encrypted": [
    changed("no security configuration", JOB, ["SecurityConfiguration"], undefined),
    changed(
      "a security configuration of another key",
      "AWS::Glue::SecurityConfiguration",
      ["EncryptionConfiguration", "S3Encryptions"],
      [{ S3EncryptionMode: "SSE-KMS", KmsKeyArn: OTHER_KEY }],
    ),
    changed(
      "logs in groups that nobody declared",
      "AWS::Glue::SecurityConfiguration",
      ["EncryptionConfiguration", "CloudWatchEncryption", "CloudWatchEncryptionMode"],
      "SSE-KMS",
    ),
  ],
  "job.events": [
    changed("a rule that was switched off", RULE, ["State"], "DISABLED"),
    changed("a rule of another job", RULE, ["EventPattern", "detail", "jobName"], ["other"]),
    changed("a rule of failures only", RULE, ["EventPattern", "detail", "state"], ["FAILED"]),
    changed("a rule without a target", RULE, ["Targets"], []),
  ],
  "clock.when": [
    changed("a clock that stands still", CLOCK, ["State"], "DISABLED"),
    changed("a clock of another zone", CLOCK, ["ScheduleExpressionTimezone"], "Asia/Tokyo"),
    changed("a clock that ticks once a day", CLOCK, ["ScheduleExpression"], "rate(1 day)"),
  ],
  "clock.what": [
    changed("a tick for nobody", CLOCK, ["Target", "Arn"], "arn:aws:lambda:sa-east-1:123456789012:function:somebody"),
    changed("a tick for no dataset", CLOCK, ["Target", "Input"], "{}"),
  ],
  "clock.lost": [
    changed("a lost tick that nobody sees", CLOCK, ["Target", "DeadLetterConfig"], undefined),
    changed("a tick that is tried once", CLOCK, ["Target", "RetryPolicy", "MaximumRetryAttempts"], 0),
  ],
  "clock.role": [
    changed("an administrator's role", CLOCK, ["Target", "RoleArn"], "arn:aws:iam::123456789012:role/admin"),
  ],
  "workgroup.enforced": [
    changed("settings of the client's own", GROUP, ["WorkGroupConfiguration", "EnforceWorkGroupConfiguration"], false),
  ],
  "workgroup.cutoff": [
    changed("a query of the whole lake", GROUP, ["WorkGroupConfiguration", "BytesScannedCutoffPerQuery"], undefined),
  ],
  "workgroup.encrypted": [
    changed(
      "results in the clear",
      GROUP,
      ["WorkGroupConfiguration", "ResultConfiguration", "EncryptionConfiguration"],
      undefined,
    ),
  ],
  "workgroup.results": [
    changed(
      "results in another's bucket",
      GROUP,
      ["WorkGroupConfiguration", "ResultConfiguration", "OutputLocation"],
      "s3://elsewhere/",
    ),
    changed(
      "a bucket of anybody's",
      GROUP,
      ["WorkGroupConfiguration", "ResultConfiguration", "ExpectedBucketOwner"],
      undefined,
    ),
  ],
  "role.actions": [
    added("every action", ROLE, POLICY, { Effect: "Allow", Action: "s3:*", Resource: "arn:aws:s3:::x" }),
    added("every action but one", ROLE, POLICY, { Effect: "Allow", NotAction: "iam:*", Resource: "arn:aws:s3:::x" }),
  ],
  "role.resources": [
    added("every queue", ROLE, POLICY, { Effect: "Allow", Action: "sqs:SendMessage", Resource: "*" }),
    added("another stage's lake", ROLE, POLICY, {
      ...{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::pregao-production-lake-123456789012/*" },
    }),
    added("every stage whose name begins so", ROLE, POLICY, {
      ...{ Effect: "Allow", Action: "sqs:SendMessage", Resource: "arn:aws:sqs:sa-east-1:123456789012:pregao-dev*" },
    }),
  ],
  "role.sole": [
    changed("a role that may do nothing", ROLE, ["Policies"], []),
    pushed("a policy that somebody added", ROLE, ["Policies"], {
      PolicyName: "more",
      PolicyDocument: { Statement: [] },
    }),
  ],
  "role.managed": [
    changed("an administrator", ROLE, ["ManagedPolicyArns"], ["arn:aws:iam::aws:policy/AdministratorAccess"]),
  ],
  "role.analyst": [
    added(
      "raw rows",
      ROLE,
      POLICY,
      {
        ...{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::pregao-dev-lake-123456789012/raw/*" },
      },
      /-analyst$/,
    ),
    added(
      "a table that analysts overwrite",
      ROLE,
      POLICY,
      {
        ...{ Effect: "Allow", Action: "s3:PutObject", Resource: "arn:aws:s3:::pregao-dev-lake-123456789012/refined/*" },
      },
      /-analyst$/,
    ),
  ],
  "role.trust": [
    added("a role that another account takes", ROLE, ["AssumeRolePolicyDocument"], {
      ...{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: "arn:aws:iam::999999999999:root" } },
    }),
  ],
  "log.retention": [
    changed("logs for ever", GROUP_LOG, ["RetentionInDays"], undefined),
    changed("logs of a day", GROUP_LOG, ["RetentionInDays"], 1),
    removed("a group that nobody declared", GROUP_LOG),
  ],
  "log.encrypted": [changed("logs in the clear", GROUP_LOG, ["KmsKeyId"], undefined)],
  "metric.filters": [
    removed("a metric that nobody writes", "AWS::Logs::MetricFilter"),
    changed("a pattern that matches nothing", "AWS::Logs::MetricFilter", ["FilterPattern"], "{ $.never = 1 }"),
  ],
  "alarm.measures": [
    changed("a threshold that nothing reaches", ALARM, ["Threshold"], 1e9),
    changed("silence that is taken for well", ALARM, ["TreatMissingData"], "ignore"),
    changed("another queue's age", ALARM, ["Dimensions"], [{ Name: "QueueName", Value: "other" }]),
    removed("an alarm that was deleted", ALARM),
  ],
  "alarm.tells": [
    changed("an alarm that tells nobody", ALARM, ["AlarmActions"], []),
    changed("an alarm that was silenced", ALARM, ["ActionsEnabled"], false),
  ],
  "alarm.explains": [changed("an alarm that says nothing", ALARM, ["AlarmDescription"], undefined)],
  "topic.encrypted": [
    changed("SNS's own key, which CloudWatch may not use", TOPIC, ["KmsMasterKeyId"], "alias/aws/sns"),
  ],
  "topic.private": [added("alarms of strangers", TOPIC_POLICY, ["PolicyDocument"], everybody("sns:Publish"))],
  "topic.tls": [
    without("plain HTTP", TOPIC_POLICY, ["PolicyDocument"], /aws:SecureTransport/),
    without("alarms that are refused", TOPIC_POLICY, ["PolicyDocument"], /cloudwatch\.amazonaws\.com/),
  ],
  "topic.people": [changed("nobody is told", TOPIC, ["Subscription"], [], /critical$/)],
  "watch.dashboard": [
    removed("no dashboard", "AWS::CloudWatch::Dashboard"),
    changed("another dashboard", "AWS::CloudWatch::Dashboard", ["DashboardBody"], "{}"),
  ],
};
