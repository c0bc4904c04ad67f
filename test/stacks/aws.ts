/** What AWS would answer to the provider: identifiers of what is made, and of where it is. */
export const ACCOUNT = "123456789012";
export const REGION = process.env.PREGAO_REGION || "sa-east-1";

type Made = { type: string; name: string; inputs: Record<string, unknown>; custom?: boolean };

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** ARNs by type: those that have no region, or more than a service, a kind and a name in them. */
const arns: Record<string, (name: string) => string> = {
  "aws:s3/bucket:Bucket": (name) => `arn:aws:s3:::${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  "aws:iam/policy:Policy": (name) => `arn:aws:iam::${ACCOUNT}:policy/${name}`,
  "aws:sqs/queue:Queue": (name) => regional("sqs", name),
  "aws:sns/topic:Topic": (name) => regional("sns", name),
  "aws:lambda/function:Function": (name) => regional("lambda", `function:${name}`),
  "aws:cloudwatch/logGroup:LogGroup": (name) => regional("logs", `log-group:${name}`),
  "aws:cloudwatch/metricAlarm:MetricAlarm": (name) => regional("cloudwatch", `alarm:${name}`),
  "aws:cloudwatch/compositeAlarm:CompositeAlarm": (name) => regional("cloudwatch", `alarm:${name}`),
  "aws:cloudwatch/eventRule:EventRule": (name) => regional("events", `rule/${name}`),
  "aws:scheduler/schedule:Schedule": (name) => regional("scheduler", `schedule/default/${name}`),
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (name) => regional("firehose", `deliverystream/${name}`),
  "aws:glue/job:Job": (name) => regional("glue", `job/${name}`),
  "aws:glue/catalogDatabase:CatalogDatabase": (name) => regional("glue", `database/${name}`),
  "aws:kms/key:Key": (name) => regional("kms", `key/${name}`),
  "aws:kms/alias:Alias": (name) => regional("kms", name),
  "aws:athena/workgroup:Workgroup": (name) => regional("athena", `workgroup/${name}`),
  "aws:cloudtrail/trail:Trail": (name) => regional("cloudtrail", `trail/${name}`),
  "aws:ssm/parameter:Parameter": (name) => regional("ssm", `parameter${name}`),
};
const regional = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;

/** What stands for a resource once it is made: its name as it was asked for, Pulumi's own if none was. */
export const stateOf = ({ type, name, inputs }: Made): { id: string; state: Record<string, unknown> } => {
  const called = text(inputs.bucket) ?? text(inputs.name) ?? name;
  const arn = arns[type]?.(called);
  const url = type === "aws:sqs/queue:Queue" ? `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${called}` : undefined;
  return {
    id: url ?? called,
    state: {
      name: called,
      ...inputs,
      ...(arn && { arn }),
      ...(url && { url }),
      ...(type.startsWith("aws:kms/key") && { keyId: called }),
    },
  };
};

type Statement = {
  sid?: string;
  effect?: string;
  actions?: string[];
  resources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/** A policy document as `aws.iam.getPolicyDocument` makes it. */
const policy = (statements: readonly Statement[] = []): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((s) => ({
      ...(s.sid && { Sid: s.sid }),
      Effect: s.effect ?? "Allow",
      ...(s.principals && {
        Principal: Object.fromEntries(s.principals.map((p) => [p.type, p.identifiers])),
      }),
      Action: s.actions,
      ...(s.resources && { Resource: s.resources }),
      ...(s.conditions && {
        Condition: Object.fromEntries(s.conditions.map((c) => [c.test, { [c.variable]: c.values }])),
      }),
    })),
  });

/** As the engine reports a provider's: Pulumi reads `details`. */
const refusal = (details: string): Error => Object.assign(new Error(details), { details });

/** Tables that are there already, `database.table` → location; or `denied`. A stage's first deployment finds none. */
const tables: Record<string, string> = JSON.parse(process.env.TEST_TABLES ?? "{}");

/** Parameters that are there already, by name: a document, or text; or `denied`, `throttled`. A new stage finds none. */
const parameters: Record<string, unknown> = JSON.parse(process.env.TEST_PARAMETERS ?? "{}");
/** Buckets that are there already, by name, and in which region. */
const buckets: Record<string, string> = JSON.parse(process.env.TEST_BUCKETS ?? "{}");

/** Texts of provider 7.20's (aws_ssm_parameter, aws_s3_bucket): what is not there, and what is refused. */
const parameter = (name: string): Record<string, unknown> => {
  const of = parameters[name];
  const failed = (text: string): Error =>
    refusal(
      `invocation of aws:ssm/getParameter:getParameter returned an error: reading SSM Parameter (${name}): ${text}`,
    );
  if (of === undefined) throw failed("couldn't find resource");
  if (of === "denied")
    throw failed("operation error SSM: GetParameter, api error AccessDeniedException: not authorized");
  if (of === "throttled")
    throw failed("operation error SSM: GetParameter, api error ThrottlingException: Rate exceeded");
  const value = typeof of === "string" ? of : JSON.stringify(of);
  return {
    id: name,
    name,
    arn: regional("ssm", `parameter${name}`),
    type: "String",
    value,
    insecureValue: value,
    version: 1,
  };
};
const store = (name: string): Record<string, unknown> => {
  const region = buckets[name];
  if (!region) throw refusal(`reading S3 Bucket (${name}): couldn't find resource`);
  return { id: name, bucket: name, arn: `arn:aws:s3:::${name}`, bucketRegion: region };
};

/** @throws Error for a question that has no answer here: an invented one would be taken for AWS's */
export const answerOf = (token: string, inputs: Record<string, unknown>): Record<string, unknown> => {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:role/deployer`, userId: "AROA" };
    case "aws:index/getRegion:getRegion":
      return { region: REGION, id: REGION, name: REGION, description: REGION };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws", dnsSuffix: "amazonaws.com", id: "aws", reverseDnsPrefix: "com.amazonaws" };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      return { ...inputs, json: policy(inputs.statements as Statement[]) };
    case "aws:glue/getCatalogTable:getCatalogTable": {
      const location = tables[`${inputs.databaseName}.${inputs.name}`];
      if (!location)
        throw refusal(
          `No Glue table ${inputs.name} found for catalog_id ${ACCOUNT} and database_name ${inputs.databaseName}`,
        );
      if (location === "denied") throw refusal("reading Glue Catalog Table: AccessDeniedException: not authorized");
      return { ...inputs, storageDescriptors: [{ location }] };
    }
    case "aws:ssm/getParameter:getParameter":
      return parameter(String(inputs.name));
    case "aws:s3/getBucket:getBucket":
      return store(String(inputs.bucket));
    default:
      throw refusal(`the graph tests have no answer to ${token} ${JSON.stringify(inputs)}`);
  }
};
