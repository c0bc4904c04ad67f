import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bucket, queueArn } from "../../packages/core/stage.ts";
import { type Declared, declared, keeps } from "./declared.ts";
import { type Allowed, loops, type World } from "./loops.ts";
import { root } from "./places.ts";

let river: Declared;
beforeAll(async () => {
  river = await declared();
});
const arnOf = (kind: string, name: string) => `arn:aws:${kind}:${river.stage.region}:${river.stage.account}:${name}`;
const bucketArn = (name: string) => `arn:aws:s3:::${bucket(river.stage, name)}`;
const functionArn = (name: string) => arnOf("lambda", `function:${river.name(name)}`);

type Notification = {
  bucket: string;
  eventbridge?: boolean;
  queues: { queueArn: string; events: string[]; filterPrefix: string; filterSuffix: string }[];
  lambdaFunctions: { lambdaFunctionArn: string; events: string[]; filterPrefix: string; filterSuffix: string }[];
};
const notifications = () =>
  river.graph.of("aws:s3/bucketNotification:BucketNotification").map(({ inputs }) => inputs as unknown as Notification);

describe("what lands in the lake", () => {
  test("rings for every object of the bucket, for another bucket's, or not at all: a notice is not filtered as declared", () => {
    const shown = notifications().flatMap(({ bucket, queues, lambdaFunctions }) =>
      [
        ...queues.map(({ queueArn, ...rest }) => ({ to: queueArn, ...rest })),
        ...lambdaFunctions.map(({ lambdaFunctionArn, ...rest }) => ({ to: lambdaFunctionArn, ...rest })),
      ].map(({ to, events, filterPrefix: prefix, filterSuffix: suffix }) => ({ bucket, prefix, suffix, to, events })),
    );
    const wanted = river.topology.notices.map(({ to, ...notice }) => ({
      ...notice,
      bucket: bucket(river.stage, notice.bucket),
      to: "queue" in to ? queueArn(river.stage, to.queue) : functionArn(to.function),
      events: ["s3:ObjectCreated:*"],
    }));
    expect(shown).toEqual(wanted);
    for (const { prefix } of shown) expect(prefix).toMatch(/^[a-z]+\/$/);
  });

  test("a bucket's second notification silences its first: there is one a bucket, and nothing goes to EventBridge besides", () => {
    const buckets = notifications().map((one) => one.bucket);
    expect(new Set(buckets).size).toBe(buckets.length);
    for (const one of notifications()) expect(one.eventbridge ?? false).toBe(false);
  });

  test("anybody's bucket of that name, tomorrow, may call the function that salvages", () => {
    const permissions = river.graph.of("aws:lambda/permission:Permission").map(({ inputs }) => inputs);
    const called = river.topology.notices.flatMap(({ bucket, to }) => ("function" in to ? [{ bucket, to }] : []));
    expect(
      permissions.map(({ action, function: name, principal, sourceArn, sourceAccount }) => ({
        ...{ action, name, principal, sourceArn, sourceAccount },
      })),
    ).toEqual(
      called.map(({ bucket, to }) => ({
        action: "lambda:InvokeFunction",
        name: river.name(to.function),
        principal: "s3.amazonaws.com",
        sourceArn: bucketArn(bucket),
        sourceAccount: river.stage.account,
      })),
    );
  });
});

/** The graph's roles by what has them, read back from the policies that would be deployed. */
const world = (): World => ({
  topology: river.topology,
  roles: Object.fromEntries(
    river.graph.of("aws:iam/rolePolicy:RolePolicy").map(({ inputs }) => {
      const { Statement } = JSON.parse(inputs.policy as string) as { Statement: (Allowed & { Effect: string })[] };
      const list = (text: string | string[]) => [text].flat();
      return [
        String(inputs.role).slice(river.name("").length),
        Statement.filter(({ Effect }) => Effect === "Allow").map(({ Action, Resource }) => ({
          Action: list(Action),
          Resource: list(Resource),
        })),
      ];
    }),
  ),
  arn: { queue: (name) => queueArn(river.stage, name), bucket: bucketArn, function: functionArn },
});

describe("a notice that sets itself off", () => {
  test("whatever it starts, and whatever that starts, may write under its prefix", () => {
    const { roles } = world();
    // An empty policy would pass as well.
    for (const { name } of river.topology.functions) expect(roles[name], name).toBeDefined();
    expect(roles.job && roles.stream).toBeDefined();
    expect(loops(world())).toEqual([]);
  });

  test.each<[string, string, Allowed, string]>([
    [
      "salvage writes what it could not salvage where it came from",
      "salvage",
      { Action: ["s3:PutObject"], Resource: ["arn:aws:s3:::pregao-dev-lake-123456789012/errors/again/*"] },
      "salvage writes lake/errors/, which starts it",
    ],
    [
      "the job that advance starts writes into raw",
      "job",
      { Action: ["s3:PutObject"], Resource: ["arn:aws:s3:::pregao-dev-lake-123456789012/*"] },
      "job writes lake/raw/, which starts it",
    ],
    [
      "advance sends messages that end in raw",
      "advance",
      { Action: ["sqs:SendMessage"], Resource: ["arn:aws:sqs:sa-east-1:123456789012:pregao-dev-bovespa"] },
      "stream writes lake/raw/, which starts it",
    ],
    [
      "a function may do anything",
      "advance",
      { Action: ["s3:*"], Resource: ["*"] },
      "advance writes lake/raw/, which starts it",
    ],
  ])("is seen when %s", (_, who, more, found) => {
    const { roles, ...rest } = world();
    expect(loops({ ...rest, roles: { ...roles, [who]: [...roles[who]!, more] } })).toContain(found);
  });
});

type Pattern = Record<string, unknown>;

/** EventBridge's rule for the patterns that are used here: lists of values, nested. */
const matches = (pattern: Pattern, event: Record<string, unknown>): boolean =>
  Object.entries(pattern).every(([name, wanted]) =>
    Array.isArray(wanted)
      ? wanted.includes(event[name])
      : matches(wanted as Pattern, (event[name] ?? {}) as Record<string, unknown>),
  );

describe("the end of a job", () => {
  test("rings for another stage's jobs, or for those of the account's other programs, or not for ours", () => {
    for (const { name, events } of river.topology.jobs) {
      const rules = river.graph
        .of("aws:cloudwatch/eventTarget:EventTarget")
        .filter(({ inputs }) => inputs.arn === queueArn(river.stage, events))
        .map(({ inputs }) =>
          river.graph.one("aws:cloudwatch/eventRule:EventRule", (rule) => rule.name === inputs.rule),
        );
      const pattern = JSON.parse(rules[0]!.inputs.eventPattern as string) as Pattern;
      const event = (jobName: string, more: object = {}) => ({
        ...{ version: "0", source: "aws.glue", account: river.stage.account, region: river.stage.region },
        ...{ "detail-type": "Glue Job State Change", detail: { jobName, state: "SUCCEEDED" }, ...more },
      });
      expect(rules).toHaveLength(1);
      expect(matches(pattern, event(river.name(name)))).toBe(true);
      expect(
        matches(pattern, event(river.name(name), { detail: { jobName: river.name(name), state: "FAILED" } })),
      ).toBe(true);
      expect(matches(pattern, event(`pregao-prova-${name}`))).toBe(false);
      expect(matches(pattern, event("other"))).toBe(false);
      expect(matches(pattern, event(river.name(name), { source: "mine" }))).toBe(false);
    }
  });
});

type Job = {
  name: string;
  roleArn: string;
  glueVersion: string;
  workerType: string;
  numberOfWorkers: number;
  command: { name: string; pythonVersion: string; scriptLocation: string };
  executionProperty: { maxConcurrentRuns: number };
  maxRetries: number;
  timeout: number;
  securityConfiguration: string;
  defaultArguments: Record<string, string>;
};
const jobs = () => river.graph.of("aws:glue/job:Job").map(({ inputs }) => inputs as unknown as Job);

describe("the jobs", () => {
  test("two runs of a dataset at once, retries that nobody decided, or eight hours at night: limits are the topology's", () => {
    expect(
      jobs().map(({ name, executionProperty, maxRetries, timeout }) => ({
        ...{ name, concurrent: executionProperty.maxConcurrentRuns, retries: maxRetries, timeoutMinutes: timeout },
      })),
    ).toEqual(
      river.topology.jobs.map(({ name, concurrent, retries, timeoutMinutes }) => ({
        ...{ name: river.name(name), concurrent, retries, timeoutMinutes },
      })),
    );
    for (const job of jobs()) expect([job.executionProperty.maxConcurrentRuns, job.maxRetries]).toEqual([1, 0]);
  });

  test("another Spark than the one the SQL was proven on, or workers that are paid for and idle", () => {
    for (const job of jobs()) {
      expect(job).toMatchObject({ glueVersion: "5.1", workerType: "G.1X", numberOfWorkers: 2 });
      expect(job.command).toMatchObject({ name: "glueetl", pythonVersion: "3" });
      expect(job.defaultArguments).toMatchObject({
        "--enable-auto-scaling": "true",
        "--enable-metrics": "true",
        "--enable-observability-metrics": "true",
        "--job-bookmark-option": "job-bookmark-disable",
      });
    }
  });

  test("a job runs another script than this one, or one that a later deployment replaces while it starts", () => {
    const digest = createHash("sha256")
      .update(readFileSync(join(root, "packages/engines/spark/refine.py")))
      .digest("hex");
    const script = river.graph.one(
      "aws:s3/bucketObjectv2:BucketObjectv2",
      ({ bucket: at }) => at === bucket(river.stage, "state"),
    );
    expect(script.inputs.key).toBe(`scripts/refine-${digest}.py`);
    // Else a deployment of another script deletes this one, with every version, under a run that starts.
    expect(script.retained).toBe(true);
    for (const { command } of jobs())
      expect(command.scriptLocation).toBe(`s3://${bucket(river.stage, "state")}/${String(script.inputs.key)}`);
  });

  test("a job works on another dataset, or in another stage's buckets", () => {
    for (const job of jobs()) {
      const spec = river.topology.jobs.find(({ name }) => river.name(name) === job.name)!;
      expect(job.defaultArguments).toMatchObject({
        "--dataset": spec.dataset,
        "--state": bucket(river.stage, "state"),
        "--lake": bucket(river.stage, "lake"),
      });
      for (const name of ["state", "lake"])
        river.graph.one("aws:s3/bucket:Bucket", (one) => one.bucket === job.defaultArguments[`--${name}`]);
    }
  });

  test("what a job writes or logs is not encrypted by the stage's key, or its logs are kept for ever", () => {
    const keyArn = arnOf("kms", `key/${river.graph.one("aws:kms/key:Key").id}`);
    for (const job of jobs()) {
      const security = river.graph.one(
        "aws:glue/securityConfiguration:SecurityConfiguration",
        ({ name }) => name === job.securityConfiguration,
      );
      expect(security.inputs.encryptionConfiguration).toMatchObject({
        // With another mode Glue writes into groups of other names than the declared ones, which have the key.
        cloudwatchEncryption: { cloudwatchEncryptionMode: "DISABLED" },
        s3Encryption: { s3EncryptionMode: "SSE-KMS", kmsKeyArn: keyArn },
      });
      const prefix = job.defaultArguments["--custom-logGroup-prefix"];
      for (const part of ["error", "output"]) {
        expect(keeps(river.graph, `${prefix}/${part}`)).toBeGreaterThan(0);
        const group = river.graph.one("aws:cloudwatch/logGroup:LogGroup", ({ name }) => name === `${prefix}/${part}`);
        expect(group.inputs.kmsKeyId).toBe(keyArn);
      }
    }
  });
});
