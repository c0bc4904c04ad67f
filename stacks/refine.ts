/// <reference path="../.sst/platform/config.d.ts" />
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GLUE, jobRule } from "../packages/core/topology.ts";
import { clocks } from "./clocks.ts";
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import { logGroup } from "./logs.ts";
import { mappings } from "./mappings.ts";
import { notices } from "./notices.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";
import { role } from "./roles.ts";
import { logGroups } from "./statements.ts";

/** By the topology's names. */
export type Jobs = Record<string, aws.glue.Job>;

/**
 * What lands in the lake, and the end of a job, ring in a queue; `advance` reads it and starts jobs, and so does a clock.
 * What is superseded is deleted by another.
 */
export const refine = (river: River, stores: Stores, boxes: Boxes, handlers: Handlers): Jobs => {
  notices(river, stores, boxes, handlers);
  mappings(river, boxes, handlers, "advance");
  clocks(river, stores, boxes, handlers, "advance");
  clocks(river, stores, boxes, handlers, "clean");
  const made = jobs(river, stores);
  events(river, boxes);
  return made;
};

const SCRIPT = "packages/engines/spark/refine.py";

/**
 * A Glue job per dataset. All run one script, which knows none: contract, SQL and calendar come with the recipe that the
 * run names, which `advance` has in its bundle and stores before it opens a run.
 */
const jobs = (river: River, { key, buckets, guards }: Stores): Jobs => {
  const file = join($cli.paths.root, SCRIPT);
  const digest = createHash("sha256").update(readFileSync(file)).digest("hex");
  // Under its digest: a job that is starting while another version is deployed reads the one it was started with.
  const script = new aws.s3.BucketObjectv2(
    "refineScript",
    {
      bucket: buckets.state!.bucket,
      key: `scripts/refine-${digest}.py`,
      source: new $util.asset.FileAsset(file),
      contentType: "text/x-python",
    },
    // Another digest is another object: the one before goes with its bucket.
    { dependsOn: guards, retainOnDelete: true },
  );
  const security = new aws.glue.SecurityConfiguration("refineSecurity", {
    name: river.name("refine"),
    encryptionConfiguration: {
      // With it Glue puts names of its own into those of log groups, which then are not the declared ones. Those have the
      // key themselves.
      cloudwatchEncryption: { cloudwatchEncryptionMode: "DISABLED" },
      s3Encryption: { s3EncryptionMode: "SSE-KMS", kmsKeyArn: key.arn },
      // No job has bookmarks.
      jobBookmarksEncryption: { jobBookmarksEncryptionMode: "DISABLED" },
    },
  });
  return Object.fromEntries(
    river.topology.jobs.map(({ name, dataset, concurrent, retries, timeoutMinutes }) => {
      const logs = logGroups.job(river.stage, name);
      const job = new aws.glue.Job(
        `${name}Job`,
        {
          name: river.name(name),
          description: `pregao ${river.stage.name}: a run of ${dataset}, and nothing but what the run says`,
          roleArn: role(river, "job", "glue", key.arn),
          glueVersion: GLUE.version,
          workerType: GLUE.worker,
          numberOfWorkers: GLUE.workers,
          executionClass: "STANDARD",
          command: {
            name: "glueetl",
            pythonVersion: "3",
            scriptLocation: $interpolate`s3://${script.bucket}/${script.key}`,
          },
          executionProperty: { maxConcurrentRuns: concurrent },
          // Another attempt is `advance`'s to make, which knows what the one before left.
          maxRetries: retries,
          timeout: timeoutMinutes,
          securityConfiguration: security.name,
          defaultArguments: {
            "--dataset": dataset,
            "--state": river.bucket("state"),
            "--lake": river.bucket("lake"),
            "--job-language": "python",
            "--job-bookmark-option": "job-bookmark-disable",
            "--enable-auto-scaling": "true",
            "--enable-metrics": "true",
            "--enable-observability-metrics": "true",
            // Glue 5 logs as it goes, to `error` and `output` under it (Logging for AWS Glue jobs).
            "--custom-logGroup-prefix": logs,
          },
        },
        { dependsOn: ["error", "output"].map((part) => logGroup(river, key, `${logs}/${part}`)) },
      );
      return [name, job];
    }),
  );
};

/** Ends of the stage's own jobs, and of no other in the account. On AWS they are best effort: a clock looks as well. */
const events = (river: River, boxes: Boxes): void => {
  for (const [queue, of] of Object.entries(Object.groupBy(river.topology.jobs, (job) => job.events))) {
    const rule = new aws.cloudwatch.EventRule(`${queue}Jobs`, {
      name: river.name(jobRule(queue)),
      description: `pregao ${river.stage.name}: a job ended`,
      eventPattern: JSON.stringify({
        source: ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        account: [river.stage.account],
        detail: { jobName: of!.map(({ name }) => river.name(name)) },
      }),
    });
    new aws.cloudwatch.EventTarget(`${queue}JobsTarget`, { rule: rule.name, arn: boxes[queue]!.arn, targetId: queue });
  }
};
