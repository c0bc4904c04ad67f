import { bucket, functionLog, resource, workgroup } from "../../packages/core/stage.ts";
import { TICKS } from "../../packages/core/topology.ts";
import { RESULTS } from "../../stacks/permissions.ts";
import type { Need } from "./iam.ts";
import { at, glueNeeds, queryNeeds, s3Needs, sqsNeeds } from "./needs.ts";
import { type Asked, declared, stage, wire } from "./world.ts";

/** What AWS's own services do in a role of ours, which no request of our code shows; each with where AWS says so. */

const of = (who: string, what: string, ...needs: (Need | Need[])[]): Asked => ({ who, what, needs: needs.flat() });
const lake = bucket(stage, "lake");
const state = bucket(stage, "state");
const s3 = (action: string, name: string): Need => ({ action: `s3:${action}`, resource: `arn:aws:s3:::${name}` });
const log = (action: string, group: string): Need => ({
  action: `logs:${action}`,
  resource: at(wire, "logs", `log-group:${group}:log-stream:any`),
});

const ofFunctions: Asked[] = declared.functions.flatMap(({ name, failed }) => [
  of(
    name,
    "Lambda writes its log (Lambda: execution role)",
    ...["CreateLogStream", "PutLogEvents"].map((action) => log(action, functionLog(stage, name))),
  ),
  ...(failed
    ? [
        of(
          name,
          "Lambda sends what was given up (Lambda: destinations)",
          sqsNeeds(wire, "SendMessage", resource(stage, failed)),
        ),
      ]
    : []),
]);

const ofMappings: Asked[] = declared.mappings.map(({ queue, function: name }) =>
  of(
    name,
    "Lambda polls in its role (Lambda: SQS event source, execution role permissions)",
    ...["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].map((action) =>
      sqsNeeds(wire, action, resource(stage, queue)),
    ),
  ),
);

const ofClocks: Asked[] = declared.clocks.map((clock) =>
  of(
    "clock",
    `${clock.name}: Scheduler calls, and sends what it could not (Scheduler: execution role, dead-letter queue)`,
    { action: "lambda:InvokeFunction", resource: at(wire, "lambda", `function:${resource(stage, clock.function)}`) },
    sqsNeeds(wire, "SendMessage", resource(stage, TICKS.failed)),
  ),
);

const ofStreams: Asked[] = declared.streams.map(({ name, database, table, prefix, errors }) =>
  of(
    "stream",
    "Firehose delivers (Firehose: grant access to an S3 destination, and to Glue for conversion)",
    ...[prefix, errors].map((to) => {
      const object = `${lake}/${to.replace(/!\{[^}]*\}/g, "any")}one`;
      return [...s3Needs.put(wire, object), ...s3Needs.get(wire, object), s3("AbortMultipartUpload", object)];
    }),
    s3("GetBucketLocation", lake),
    s3("ListBucket", lake),
    s3("ListBucketMultipartUploads", lake),
    ...["GetTable", "GetTableVersion", "GetTableVersions"].map((action) => glueNeeds(wire, action, database, table)),
    log("PutLogEvents", `/aws/kinesisfirehose/${resource(stage, name)}`),
  ),
);

/** Spark writes under `_temporary`, renames by copying and deleting, and asks for what may not be there. */
const ofJobs: Asked[] = declared.jobs.map(({ name }) => {
  const [table] = declared.databases.flatMap(({ tables }) => tables.filter(({ projection }) => !projection));
  const folder = `${lake}/${table!.location}run=1-jr`;
  const group = `/aws-glue/jobs/${resource(stage, name)}`;
  return of(
    "job",
    "Glue runs a script by Spark (Glue: IAM role for jobs; Hadoop: S3A permissions)",
    s3Needs.get(wire, `${state}/scripts/refine-digest.py`),
    [state, lake].flatMap((one) => [...s3Needs.absent(wire, one), s3("GetBucketLocation", one)]),
    s3Needs.head(wire, `${state}/commits/any.json`),
    s3Needs.get(wire, `${folder}/_temporary/part.parquet`),
    s3Needs.parts(wire, `${folder}/part.parquet`),
    s3Needs.put(wire, `${lake}/refined/${table!.name}_$folder$`),
    s3Needs.remove(wire, `${folder}/_temporary/part.parquet`),
    ["error", "output"].flatMap((part) =>
      ["CreateLogGroup", "CreateLogStream", "PutLogEvents"].map((action) => log(action, `${group}/${part}`)),
    ),
    { action: "cloudwatch:PutMetricData", resource: "*", context: { "cloudwatch:namespace": "Glue" } },
  );
});

/** A statement over each table and view that a person of this kind may read. */
export const queriesOf = (who: "analyst" | "watcher" | "operator", raw: boolean): Asked[] => {
  const whose = who === "analyst" ? who : "people";
  return declared.databases.flatMap(({ name: database, tables, views }) =>
    [
      ...tables.filter(({ projection }) => raw || !projection).map(({ name }) => name),
      ...views.map(({ Name }) => Name),
    ].map((name) =>
      of(
        who,
        `Athena reads ${name} in the caller's name`,
        queryNeeds(wire, { database, names: [name], workgroup: workgroup(stage, whose), results: RESULTS[whose] }),
      ),
    ),
  );
};

/** Views of their own, which Athena keeps as tables (Athena: fine-grained access to databases and tables). */
export const viewsOf = (who: "analyst" | "watcher" | "operator"): Asked[] =>
  declared.databases.map(({ name: database }) =>
    of(
      who,
      `Athena makes, replaces and drops a view of ${database} in the caller's name`,
      ...["GetTable", "CreateTable", "UpdateTable", "DeleteTable"].map((action) =>
        glueNeeds(wire, action, database, "a_view_of_theirs"),
      ),
    ),
  );

export const unseen: Asked[] = [...ofFunctions, ...ofMappings, ...ofClocks, ...ofStreams, ...ofJobs];
