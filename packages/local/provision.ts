import { bucket, queueArn, resource, type Stage } from "../core/stage.ts";
import type { QueueSpec, Topology } from "../core/topology.ts";
import { isOurs, type ViewInput } from "../core/view.ts";
import type { Firehose } from "./firehose/index.ts";
import { databaseInput, type Glue, movesByCommit, tableInput } from "./glue/index.ts";
import type { S3 } from "./s3/index.ts";
import type { Sqs } from "./sqs/index.ts";

const queueAttributes = (stage: Stage, spec: QueueSpec): Record<string, string> => ({
  VisibilityTimeout: String(spec.visibility),
  MessageRetentionPeriod: String(spec.retention),
  RedrivePolicy: spec.deadLetter
    ? JSON.stringify({
        deadLetterTargetArn: queueArn(stage, spec.deadLetter.queue),
        maxReceiveCount: spec.deadLetter.maxReceive,
      })
    : "",
});

/** A table or view that a person made under the name stays theirs. Ours of before the mark has the very same text. */
const mayDeclare = (glue: Glue, database: string, view: ViewInput): boolean => {
  const now = glue.tables(database).find(({ name }) => name === view.Name.toLowerCase());
  if (!now) return true;
  const { ViewOriginalText, Parameters } = now.body as Partial<ViewInput>;
  return isOurs(Parameters ?? {}) || ViewOriginalText === view.ViewOriginalText;
};

/**
 * Makes what the topology says exists, under the stage's names. Over a state directory that has it already it changes
 * settings to what the topology says now, and touches no message, object or partition.
 */
export const provision = (
  topology: Topology,
  stage: Stage,
  services: { sqs: Sqs; s3: S3; glue: Glue; firehose: Firehose },
): void => {
  const { sqs, s3, glue, firehose } = services;
  for (const name of topology.buckets) s3.createBucket(bucket(stage, name));
  // A redrive policy names a queue that must exist.
  for (const spec of topology.queues.toSorted((a, b) => Number(Boolean(a.deadLetter)) - Number(Boolean(b.deadLetter))))
    sqs.create(resource(stage, spec.name), queueAttributes(stage, spec));
  for (const database of topology.databases) {
    glue.createDatabase(databaseInput(database, bucket(stage, "lake")));
    for (const table of database.tables) {
      const declared = tableInput(table, bucket(stage, "lake"));
      const { Location } = declared.StorageDescriptor;
      const now = (movesByCommit(table) && glue.table(database.name, table.name)?.location) || Location;
      const StorageDescriptor = { ...declared.StorageDescriptor, Location: now };
      glue.createTable(database.name, { ...declared, StorageDescriptor });
    }
    for (const view of database.views) if (mayDeclare(glue, database.name, view)) glue.createTable(database.name, view);
  }
  for (const job of topology.jobs)
    glue.createJob({
      Name: resource(stage, job.name),
      Role: `arn:aws:iam::${stage.account}:role/pregao-refine`,
      Command: { Name: "glueetl", ScriptLocation: `s3://${bucket(stage, "state")}/refine.py`, PythonVersion: "3" },
      DefaultArguments: { "--dataset": job.dataset },
      ExecutionProperty: { MaxConcurrentRuns: job.concurrent },
      MaxRetries: job.retries,
      Timeout: job.timeoutMinutes,
      GlueVersion: "5.1",
    });
  for (const stream of topology.streams)
    firehose.create({ ...stream, name: resource(stage, stream.name) }, bucket(stage, "lake"));
};
