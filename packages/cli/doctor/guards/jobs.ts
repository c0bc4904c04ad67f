import { GLUE, type JobSpec } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, restart, type Subject } from "../guard.ts";
import { at, differences, list, object, said } from "../shapes.ts";
import { roleOf } from "./functions.ts";
import { isKey, keyed } from "./key.ts";

type Job = Subject & { spec: JobSpec };
const jobs = (e: Expected): Job[] =>
  e.topology.jobs.map((spec) => ({ type: "AWS::Glue::Job", id: e.name(spec.name), name: e.name(spec.name), spec }));
const mend = (_: Subject, e: Expected): string => (e.laptop ? restart : deploy(e));

/** States in which a run of a job has ended (Glue: job run statuses). */
const ENDS = ["SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"];

export const jobGuards: Guard[] = [
  guard<Job>({
    id: "job.single",
    protects: "one run of a dataset at a time, and a run that failed is judged before it is tried again",
    laptop: true,
    subjects: jobs,
    check: (is, { spec }) => [
      ...differences({ MaxConcurrentRuns: spec.concurrent }, (name) => at(is, "ExecutionProperty", name) ?? 1),
      ...differences({ MaxRetries: spec.retries }, (name) => is[name] ?? 0),
    ],
    mend,
  }),
  guard<Job>({
    id: "job.timeout",
    protects: "a run that hangs ends, and stops costing, before the day does",
    laptop: true,
    subjects: jobs,
    check: (is, { spec }) => differences({ Timeout: spec.timeoutMinutes }, (name) => is[name]),
    mend,
  }),
  guard<Job>({
    id: "job.version",
    protects: "the SQL runs on the Spark that it was compared on",
    laptop: true,
    subjects: jobs,
    check: (is) => [
      ...differences({ GlueVersion: GLUE.version }, (name) => is[name]),
      ...differences({ Name: "glueetl", PythonVersion: "3" }, (name) => at(is, "Command", name)),
    ],
    mend,
  }),
  guard<Job>({
    id: "job.workers",
    protects: "a run has no more workers than it was measured to need, and gives them back",
    subjects: jobs,
    check: (is) => [
      ...differences({ WorkerType: GLUE.worker, NumberOfWorkers: GLUE.workers }, (name) => is[name]),
      ...differences(
        { "--enable-auto-scaling": "true", "--enable-metrics": "true" },
        (name) => object(is.DefaultArguments)[name],
      ),
      ...(is.ExecutionClass === undefined || is.ExecutionClass === null || is.ExecutionClass === "STANDARD"
        ? []
        : [
            {
              expected: "ExecutionClass STANDARD: FLEX may wait 20 minutes",
              came: `ExecutionClass ${said(is.ExecutionClass)}`,
            },
          ]),
    ],
    mend,
  }),
  guard<Job>({
    id: "job.dataset",
    protects: "a job makes the tables of its own dataset",
    laptop: true,
    subjects: jobs,
    check: (is, { spec }) => differences({ "--dataset": spec.dataset }, (name) => object(is.DefaultArguments)[name]),
    mend,
  }),
  guard<Job>({
    id: "job.place",
    protects: "a job reads its runs and writes its tables in its own stage's buckets, and logs to its own group",
    subjects: jobs,
    check: (is, { name }, e) =>
      differences(
        {
          "--state": e.bucket("state"),
          "--lake": e.bucket("lake"),
          "--custom-logGroup-prefix": `/aws-glue/jobs/${name}`,
        },
        (argument) => object(is.DefaultArguments)[argument],
      ),
    mend,
  }),
  guard<Job>({
    id: "job.role",
    chosen: true,
    protects: "a job may read runs and raw objects, write its own folders, and nothing else",
    subjects: jobs,
    check: (is, _, e) => {
      const role = String(is.Role ?? "");
      // Glue takes a role by its name, too.
      const came = role.startsWith("arn:") ? role : `arn:aws:iam::${e.stage.account}:role/${role}`;
      return differences({ Role: roleOf(e, "job") }, () => came);
    },
    mend,
  }),
  guard<Job & { security: string }>({
    id: "job.encrypted",
    protects: "what a job writes to S3 is encrypted by the stage's key, and its logs go to the groups that are",
    subjects: (e) =>
      jobs(e).map((one) =>
        keyed({ ...one, security: e.name("refine"), also: [{ type: SECURITY, id: e.name("refine") }] }, e),
      ),
    check: (is, { security }, e, need) => {
      const wrong = differences({ SecurityConfiguration: security }, (name) => is[name]);
      if (wrong.length > 0) return wrong;
      const by = object(need({ type: SECURITY, id: security }).EncryptionConfiguration);
      return [
        ...differences({ S3EncryptionMode: "SSE-KMS" }, (name) => at(by, "S3Encryptions", 0, name)),
        ...isKey(at(by, "S3Encryptions", 0, "KmsKeyArn"), "S3Encryptions KmsKeyArn", e, need),
        // With it Glue writes into groups of other names; the declared ones have the key themselves (logs.encrypted).
        ...differences({ CloudWatchEncryptionMode: "DISABLED" }, (name) => at(by, "CloudWatchEncryption", name)),
      ];
    },
    mend,
  }),
  guard<Subject & { queue: string }>({
    id: "job.events",
    protects: "the end of a run is told at once, and not found by a clock a quarter of an hour later",
    laptop: true,
    subjects: (e) =>
      [...new Set(e.topology.jobs.map((job) => job.events))].map((queue) => ({
        ...{ type: "AWS::Events::Rule", id: e.jobRule(queue), queue },
        name: e.jobRule(queue).replace(/^.*\//, ""),
      })),
    check: (is, { queue }, e) => {
      const pattern = object(is.EventPattern);
      const names = list(at(pattern, "detail", "jobName")).map(String);
      const states = at(pattern, "detail", "state");
      const targets = list(is.Targets).map((target) => String(at(target, "Arn")));
      const told = e.topology.jobs.filter((job) => job.events === queue).map((job) => e.name(job.name));
      const missing = told.filter((name) => !names.includes(name));
      return [
        ...differences({ State: "ENABLED" }, (name) => is[name] ?? "ENABLED"),
        ...differences({ source: ["aws.glue"], "detail-type": ["Glue Job State Change"] }, (name) => pattern[name]),
        ...missing.map((name) => ({
          expected: `a pattern with job ${name}`,
          came: `jobs ${names.join(", ") || "none"}`,
        })),
        ...(states === undefined
          ? []
          : ENDS.filter((end) => !list(states).includes(end)).map((end) => ({
              expected: `a pattern with state ${end}`,
              came: `states ${list(states).join(", ")}`,
            }))),
        ...[e.queueArn(queue)]
          .filter((arn) => !targets.includes(arn))
          .map((arn) => ({ expected: `target ${arn}`, came: `targets ${targets.join(", ") || "none"}` })),
      ];
    },
    mend,
  }),
];

const SECURITY = "AWS::Glue::SecurityConfiguration";
