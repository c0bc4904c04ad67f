import { bucket, type Stage, workgroup } from "../../packages/core/stage.ts";
import type { Topology } from "../../packages/core/topology.ts";
import { RESULTS } from "../../stacks/permissions.ts";
import type { Need } from "./iam.ts";
import type { Seen } from "./proxy.ts";

/** What AWS asks IAM for when it is asked for something, also where a request does not show it. Sources: see stacks/. */
export type Wire = { stage: Stage; topology: Topology; keyArn: string };

export const at = ({ stage }: Wire, service: string, rest: string): string =>
  `arn:aws:${service}:${stage.region}:${stage.account}:${rest}`;

const key = (wire: Wire, action: string, service: string): Need => ({
  action: `kms:${action}`,
  resource: wire.keyArn,
  context: { "kms:ViaService": `${service}.${wire.stage.region}.amazonaws.com` },
});

/** By S3's own list of what an operation requires; the buckets are encrypted by the stage's key. */
export const s3Needs = {
  get: (wire: Wire, object: string): Need[] => [
    { action: "s3:GetObject", resource: `arn:aws:s3:::${object}` },
    key(wire, "Decrypt", "s3"),
  ],
  head: (_: Wire, object: string): Need[] => [{ action: "s3:GetObject", resource: `arn:aws:s3:::${object}` }],
  put: (wire: Wire, object: string): Need[] => [
    { action: "s3:PutObject", resource: `arn:aws:s3:::${object}` },
    key(wire, "GenerateDataKey", "s3"),
  ],
  remove: (_: Wire, object: string): Need[] => [{ action: "s3:DeleteObject", resource: `arn:aws:s3:::${object}` }],
  list: (_: Wire, name: string, prefix: string): Need[] => [
    { action: "s3:ListBucket", resource: `arn:aws:s3:::${name}`, context: { "s3:prefix": prefix } },
  ],
  /** To be told 404 in place of 403. It is no listing: no prefix is known to be there. */
  absent: (_: Wire, name: string): Need[] => [{ action: "s3:ListBucket", resource: `arn:aws:s3:::${name}` }],
  /** Objects in parts: what S3 puts together it reads. */
  parts: (wire: Wire, object: string): Need[] => [
    ...s3Needs.put(wire, object),
    key(wire, "Decrypt", "s3"),
    ...["AbortMultipartUpload", "ListMultipartUploadParts"].map((action) => ({
      action: `s3:${action}`,
      resource: `arn:aws:s3:::${object}`,
    })),
  ],
};

const keysIn = (xml: string): string[] => [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, text]) => text!);

const ofS3 = (wire: Wire, { method, url, headers, body, status }: Seen): Need[] => {
  const path = decodeURIComponent(url.pathname).slice(1);
  const [name = ""] = path.split("/");
  const inBucket = path === name || path === `${name}/`;
  const query = url.searchParams;
  const unknown = () => new Error(`the tests do not know what ${method} ${url} requires`);
  if (inBucket) {
    if (method === "GET" && query.get("list-type") === "2") return s3Needs.list(wire, name, query.get("prefix") ?? "");
    if (method === "POST" && query.has("delete"))
      return keysIn(body).flatMap((one) => s3Needs.remove(wire, `${name}/${one}`));
    throw unknown();
  }
  if ([...query.keys()].some((one) => !["x-id", "versionId"].includes(one))) throw unknown();
  const missing = status === 404 ? s3Needs.absent(wire, name) : [];
  switch (method) {
    case "GET":
      return [...s3Needs.get(wire, path), ...missing];
    case "HEAD":
      return [...s3Needs.head(wire, path), ...missing];
    case "DELETE":
      return s3Needs.remove(wire, path);
    case "PUT": {
      const from = headers["x-amz-copy-source"];
      const source = typeof from === "string" ? s3Needs.get(wire, decodeURIComponent(from).replace(/^\//, "")) : [];
      return [...source, ...s3Needs.put(wire, path)];
    }
    default:
      throw unknown();
  }
};

/** Actions of SQS's batches are those of one message. */
export const sqsNeeds = (wire: Wire, operation: string, queue: string): Need[] => {
  const action = operation.replace(/Batch$/, "");
  const resource = at(wire, "sqs", queue);
  const keys: Record<string, Need[]> = {
    SendMessage: [key(wire, "GenerateDataKey", "sqs"), key(wire, "Decrypt", "sqs")],
    ReceiveMessage: [key(wire, "Decrypt", "sqs")],
  };
  return [{ action: `sqs:${action}`, resource }, ...(keys[action] ?? [])];
};

/** On a table, its database and the catalog; on what of these a request names. */
export const glueNeeds = (wire: Wire, operation: string, database?: string, table?: string): Need[] =>
  [
    "catalog",
    ...(database ? [`database/${database}`] : []),
    ...(database && table ? [`table/${database}/${table}`] : []),
  ].map((rest) => ({ action: `glue:${operation}`, resource: at(wire, "glue", rest) }));

const READ = "any.parquet";

/**
 * What Athena does in its caller's name for a query that reads these tables or views of a database, and puts its result
 * under a prefix of the bucket of results.
 */
export const queryNeeds = (
  wire: Wire,
  of: { database: string; names: readonly string[]; workgroup: string; results: string },
): Need[] => {
  const { stage, topology } = wire;
  const [lake, results] = [bucket(stage, "lake"), bucket(stage, "results")];
  const database = topology.databases.find(({ name }) => name === of.database);
  const tables = of.names.flatMap((name) => {
    const table = database?.tables.find((one) => one.name === name);
    if (!table) return glueNeeds(wire, "GetTable", of.database, name);
    return [
      ...glueNeeds(wire, "GetTable", of.database, name),
      ...glueNeeds(wire, "GetPartitions", of.database, name),
      ...s3Needs.list(wire, lake, table.location),
      ...s3Needs.get(wire, `${lake}/${table.location}${READ}`),
    ];
  });
  return [
    { action: "athena:StartQueryExecution", resource: at(wire, "athena", `workgroup/${of.workgroup}`) },
    ...glueNeeds(wire, "GetDatabase", of.database),
    ...tables,
    ...[lake, results].map((name) => ({ action: "s3:GetBucketLocation", resource: `arn:aws:s3:::${name}` })),
    ...s3Needs.list(wire, results, `${of.results}x`),
    ...s3Needs.get(wire, `${results}/${of.results}x.csv`),
    ...s3Needs.parts(wire, `${results}/${of.results}x.csv`),
  ];
};

/** The tables and views of the topology that a statement names, also through a view. */
export const namesIn = (topology: Topology, sql: string): string[] => {
  const found = new Set<string>();
  const look = (text: string): void => {
    for (const { tables, views } of topology.databases) {
      for (const { name } of tables) if (new RegExp(`\\b${name}\\b`, "i").test(text)) found.add(name);
      for (const { Name, ViewOriginalText } of views) {
        if (found.has(Name) || !new RegExp(`\\b${Name}\\b`, "i").test(text)) continue;
        found.add(Name);
        look(Buffer.from(/Presto View: (\S+)/.exec(ViewOriginalText)?.[1] ?? "", "base64").toString("utf8"));
      }
    }
  };
  look(sql);
  return [...found];
};

type Body = Partial<
  Record<
    "QueueUrl" | "DeliveryStreamName" | "DatabaseName" | "TableName" | "Name" | "JobName" | "QueryString",
    string
  > &
    Record<"TableInput", { Name: string }> &
    Record<"QueryExecutionContext", { Database: string }> &
    Record<"WorkGroup" | "logGroupName", string>
>;

const ofJson = (wire: Wire, target: string, { body: text }: Seen): Need[] => {
  const [service = "", operation = ""] = target.split(".");
  const body = JSON.parse(text || "{}") as Body;
  switch (service) {
    case "AmazonSQS":
      return sqsNeeds(wire, operation, new URL(body.QueueUrl!).pathname.split("/").at(-1)!);
    case "Firehose_20150804":
      return [
        {
          action: `firehose:${operation}`,
          resource: at(wire, "firehose", `deliverystream/${body.DeliveryStreamName}`),
        },
      ];
    case "AWSGlue":
      if (body.JobName) return [{ action: `glue:${operation}`, resource: at(wire, "glue", `job/${body.JobName}`) }];
      return glueNeeds(wire, operation, body.DatabaseName, body.TableName ?? body.TableInput?.Name ?? body.Name);
    case "GraniteServiceVersion20100801":
      return [{ action: `cloudwatch:${operation}`, resource: "*" }];
    case "AmazonSSM":
      return [{ action: `ssm:${operation}`, resource: at(wire, "ssm", `parameter${body.Name}`) }];
    case "Logs_20140328":
      return [
        { action: `logs:${operation}`, resource: at(wire, "logs", `log-group:${body.logGroupName}:log-stream:x`) },
      ];
    case "AmazonAthena": {
      // Of an execution only its id is asked for: all of these were started in the people's workgroup.
      const whose = body.WorkGroup ?? workgroup(wire.stage);
      if (operation !== "StartQueryExecution")
        return [{ action: `athena:${operation}`, resource: at(wire, "athena", `workgroup/${whose}`) }];
      return queryNeeds(wire, {
        database: body.QueryExecutionContext?.Database ?? "default",
        names: namesIn(wire.topology, body.QueryString ?? ""),
        workgroup: whose,
        results: RESULTS.people,
      });
    }
    default:
      throw new Error(`the tests do not know what ${target} requires`);
  }
};

/** @throws Error for a request of which the tests do not know what it requires: one more line here */
export const needsOf = (wire: Wire, seen: Seen): Need[] => {
  const target = seen.headers["x-amz-target"];
  return typeof target === "string" ? ofJson(wire, target, seen) : ofS3(wire, seen);
};
