import {
  bucket,
  functionLog,
  queueArn,
  resource,
  type Stage,
  stageParameter,
  workgroup,
} from "../packages/core/stage.ts";

/** As IAM has it, but for `Effect`, which is always Allow. No action holds a wildcard. */
export type Statement = {
  sid: string;
  actions: string[];
  resources: string[];
  conditions?: Record<string, Record<string, string | string[]>>;
};

/** As IAM reads it. */
export const policyOf = (statements: readonly Statement[]): object => ({
  Version: "2012-10-17",
  Statement: statements.map(({ sid, actions, resources, conditions }) => ({
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(conditions ? { Condition: conditions } : {}),
  })),
});

/** Of what the names of logs are made: the groups are declared with retention and key, and nobody else makes one. */
export const logGroups = {
  function: functionLog,
  stream: (s: Stage, name: string): string => `/aws/kinesisfirehose/${resource(s, name)}`,
  /** `--custom-logGroup-prefix` of a job; Glue writes to `error` and `output` under it (Logging for AWS Glue jobs). */
  job: (s: Stage, name: string): string => `/aws-glue/jobs/${resource(s, name)}`,
  /**
   * Any that Glue may make of it: with a security configuration it puts that's name, and the role's, into a group's (Glue
   * API: JobRun.LogGroupName), and how beside a prefix is not documented. Each is of this stage.
   */
  jobs: (s: Stage): string => `/aws-glue/jobs*${resource(s, "*")}`,
};

export const arnsOf = (s: Stage) => {
  const at = (service: string, rest: string): string => `arn:aws:${service}:${s.region}:${s.account}:${rest}`;
  const store = (name: string): string => `arn:aws:s3:::${bucket(s, name)}`;
  return {
    store,
    objects: (name: string, prefixes: readonly string[]): string[] => prefixes.map((p) => `${store(name)}/${p}*`),
    queue: (name: string): string => queueArn(s, name),
    function: (name: string): string => at("lambda", `function:${resource(s, name)}`),
    stream: (name: string): string => at("firehose", `deliverystream/${resource(s, name)}`),
    job: (name: string): string => at("glue", `job/${resource(s, name)}`),
    /** Of all streams of a group. Lambda's own policies have it in this form. */
    log: (group: string): string => at("logs", `log-group:${group}:*`),
    workgroup: (whose: "people" | "analyst"): string => at("athena", `workgroup/${workgroup(s, whose)}`),
    parameter: at("ssm", `parameter${stageParameter(s.name)}`),
    /** Glue asks for a table's database and catalog, too (Specifying Glue resource ARNs: ancestors). */
    tables: (database: string, names: readonly string[]): string[] => [
      at("glue", "catalog"),
      at("glue", `database/${database}`),
      ...names.map((name) => at("glue", `table/${database}/${name}`)),
    ],
    athena: at("athena", "datacatalog/AwsDataCatalog"),
  };
};
export type Arns = ReturnType<typeof arnsOf>;

/**
 * What is done with the objects of a bucket, by prefix of key. `names`: a listing under these prefixes; true for any.
 * Without s3:ListBucket S3 answers 403 for what is not there in place of 404 (GetObject, HeadObject: Permissions), and
 * which `s3:prefix` it holds such a request against is not documented: who must know that something is not there has true.
 */
export type Touch = {
  read?: readonly string[];
  write?: readonly string[];
  remove?: readonly string[];
  names?: readonly string[] | true;
};

export const touch = (
  a: Arns,
  name: string,
  { read = [], write = [], remove = [], names = [] }: Touch,
): Statement[] => {
  const title = `${name[0]!.toUpperCase()}${name.slice(1)}`;
  const some = (sid: string, actions: string[], prefixes: readonly string[]): Statement[] =>
    prefixes.length > 0 ? [{ sid: `${sid}${title}`, actions, resources: a.objects(name, prefixes) }] : [];
  const listing: Statement = { sid: `List${title}`, actions: ["s3:ListBucket"], resources: [a.store(name)] };
  return [
    // HeadObject is this action, too; and so are ranges, and what is copied from.
    ...some("Read", ["s3:GetObject"], read),
    // If-None-Match needs nothing more (PutObject: Permissions).
    ...some("Write", ["s3:PutObject"], write),
    // DeleteObjects is this action for each key; s3:DeleteObjectVersion, which versions outlive, is nobody's.
    ...some("Remove", ["s3:DeleteObject"], remove),
    ...(names === true
      ? [listing]
      : names.length > 0
        ? [{ ...listing, conditions: { StringLike: { "s3:prefix": names.map((p) => `${p}*`) } } }]
        : []),
  ];
};

/** What Lambda does for a function with the function's own role: no call of ours shows it. */
export const polled = (a: Arns, queues: readonly string[]): Statement => ({
  sid: "Poll",
  // Event source mapping for SQS: "Execution role permissions".
  actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
  resources: queues.map(a.queue),
});

export const send = (a: Arns, queues: readonly string[], sid = "Send"): Statement => ({
  sid,
  actions: ["sqs:SendMessage"],
  resources: queues.map(a.queue),
});

/** To see a dead letter is to receive it and to show it again; to settle it is to delete it. */
export const letters = (a: Arns, boxes: readonly string[], more: readonly string[]): Statement => ({
  sid: "Letters",
  actions: ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", ...more],
  resources: boxes.map((box) => a.queue(`${box}-dlq`)),
});

export const log = (a: Arns, group: string): Statement => ({
  sid: "Log",
  actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
  resources: [a.log(group)],
});

export const glue = (sid: string, actions: readonly string[], resources: readonly string[]): Statement => ({
  sid,
  actions: actions.map((action) => `glue:${action}`),
  resources: [...resources],
});

/**
 * What the stage's key must do for what else a role may do: S3 and SQS ask KMS in its name. Nobody uses the key but
 * through the service that holds the data (kms:ViaService).
 */
export const keyed = (s: Stage, keyArn: string, statements: Statement[]): Statement[] => {
  const may = new Set(statements.flatMap(({ actions }) => actions));
  // What is multipart is read by S3 itself when it is put together (S3: multipart upload and KMS).
  const reads = ["s3:GetObject", "s3:AbortMultipartUpload"].some((action) => may.has(action));
  const uses = (service: string, does: boolean): string[] => (does ? [`${service}.${s.region}.amazonaws.com`] : []);
  const use = (sid: string, action: string, services: readonly string[]): Statement[] =>
    services.length === 0
      ? []
      : [
          {
            sid,
            actions: [action],
            resources: [keyArn],
            conditions: { StringEquals: { "kms:ViaService": [...services] } },
          },
        ];
  return [
    ...statements,
    ...use("Decrypt", "kms:Decrypt", [
      ...uses("s3", reads),
      // A sender, too: SQS proves the data key that it keeps for a queue (SQS: Configure KMS permissions for producers).
      ...uses("sqs", may.has("sqs:ReceiveMessage") || may.has("sqs:SendMessage")),
    ]),
    ...use("Encrypt", "kms:GenerateDataKey", [
      ...uses("s3", may.has("s3:PutObject")),
      ...uses("sqs", may.has("sqs:SendMessage")),
    ]),
  ];
};
