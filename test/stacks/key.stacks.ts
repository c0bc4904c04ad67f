import { beforeAll, expect, test } from "vitest";
import { queueArn } from "../../packages/core/stage.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { type Request, statementsOf, verdict } from "./policy.ts";
import { stageNamed } from "./wire.ts";

const stage = stageNamed("dev");
const arn = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const landed = queueArn(stage, "landed");

let graph: Graph;
let policy: unknown;
beforeAll(async () => {
  graph = await graphOf();
  policy = graph.one("aws:kms/key:Key").inputs.policy;
});

const uses = (
  principal: string,
  context: Record<string, string>,
  actions = ["kms:GenerateDataKey", "kms:Decrypt"],
  of: unknown = policy,
): Set<string> =>
  new Set(actions.map((action) => verdict(of, { principal, action, resource: "this", context } satisfies Request)));
const allowed = new Set(["allowed"]);
const silent = new Set(["silent"]);

test("the key's material lasts for ever, or the key is gone on the day it is deleted", () => {
  expect(graph.one("aws:kms/key:Key").inputs).toMatchObject({ enableKeyRotation: true, deletionWindowInDays: 30 });
  expect(graph.one("aws:kms/key:Key").inputs.bypassPolicyLockoutSafetyCheck ?? false).toBe(false);
});

test("two keys in a stage, or one that its alias does not name", () => {
  const key = graph.one("aws:kms/key:Key");
  expect(graph.one("aws:kms/alias:Alias").inputs).toMatchObject({ name: "alias/pregao-dev", targetKeyId: key.id });
});

test("production's key goes with the stage, and with it everything that it encrypts", async () => {
  const kept = await graphOf({ stage: "production" });
  // Without its alias nobody finds which of the account's keys it was.
  for (const type of ["aws:kms/key:Key", "aws:kms/alias:Alias"]) {
    expect(kept.one(type).retained, type).toBe(true);
    expect(graph.one(type).retained, type).toBe(false);
  }
});

test("something is encrypted by the key before its alias is there, by which a deployer's rights find it", () => {
  const by = graph.resources.filter(({ from, type }) => from.includes("key") && type !== "aws:kms/alias:Alias");
  expect(by.length).toBeGreaterThan(20);
  expect(by.filter(({ from }) => !from.includes("keyAlias")).map(({ name }) => name)).toEqual([]);
});

test("somebody uses the key who need not: who is in its policy is a closed list", async () => {
  const who = (of: Graph) =>
    statementsOf(of.one("aws:kms/key:Key").inputs.policy).flatMap(({ Principal }) => Object.values(Principal).flat());
  const always = [
    `arn:aws:iam::${ACCOUNT}:root`,
    "s3.amazonaws.com",
    "events.amazonaws.com",
    "cloudwatch.amazonaws.com",
    `logs.${REGION}.amazonaws.com`,
  ];
  expect(who(graph)).toEqual(always);
  expect(who(await graphOf({ env: { PREGAO_AUDIT: "true" } }))).toEqual([...always, "cloudtrail.amazonaws.com"]);
  for (const { Effect, Condition, Principal, Action } of statementsOf(policy)) {
    expect(Effect).toBe("Allow");
    // The account's own policies say who of it may; a service must say for what of ours.
    if ("Service" in (Principal as object)) {
      expect(Object.values(Condition ?? {}).flatMap(Object.keys)).toContainEqual(
        expect.stringMatching(/^kms:EncryptionContext:/),
      );
      expect([Action].flat().filter((action) => action.includes("*"))).toEqual([]);
    }
  }
});

test("S3's bells are dropped without a trace: it may not use the key of the queue that they ring in", () => {
  // AWS does not say whether S3 tells KMS for which account it asks.
  const context = { "kms:EncryptionContext:aws:sqs:arn": landed };
  expect(uses("s3.amazonaws.com", context)).toEqual(allowed);
  const other = { ...context, "kms:EncryptionContext:aws:sqs:arn": queueArn(stage, "landed-dlq") };
  expect(uses("s3.amazonaws.com", other)).toEqual(silent);
  expect(uses("s3.amazonaws.com", { "aws:SourceAccount": ACCOUNT })).toEqual(silent);
});

test("every queue that S3 or EventBridge sends to is one whose key they may use", () => {
  const rung = graph
    .of("aws:s3/bucketNotification:BucketNotification")
    .flatMap(({ inputs }) => ((inputs.queues ?? []) as { queueArn: string }[]).map(({ queueArn: to }) => to));
  const told = graph
    .of("aws:cloudwatch/eventTarget:EventTarget")
    .map(({ inputs }) => String(inputs.arn))
    .filter((to) => to.includes(":sqs:"));
  expect(rung.length * told.length).toBeGreaterThan(0);
  for (const to of rung)
    expect(uses("s3.amazonaws.com", { "aws:SourceAccount": ACCOUNT, "kms:EncryptionContext:aws:sqs:arn": to })).toEqual(
      allowed,
    );
  // EventBridge need not say whose rule it is: the queue's policy asks.
  for (const to of told)
    expect(uses("events.amazonaws.com", { "kms:EncryptionContext:aws:sqs:arn": to })).toEqual(allowed);
  expect(uses("events.amazonaws.com", {})).toEqual(silent);
});

test("an alarm is dropped without a trace: CloudWatch may not use the key of its topic", () => {
  const topics = graph.of("aws:sns/topic:Topic").map(({ inputs }) => arn("sns", String(inputs.name)));
  expect(topics).not.toEqual([]);
  for (const topic of topics) {
    const context = { "aws:SourceAccount": ACCOUNT, "kms:EncryptionContext:aws:sns:topicArn": topic };
    expect(uses("cloudwatch.amazonaws.com", context), topic).toEqual(allowed);
    expect(uses("cloudwatch.amazonaws.com", { ...context, "aws:SourceAccount": "999999999999" })).toEqual(silent);
  }
  const foreign = { "aws:SourceAccount": ACCOUNT, "kms:EncryptionContext:aws:sns:topicArn": arn("sns", "another") };
  expect(uses("cloudwatch.amazonaws.com", foreign)).toEqual(silent);
});

test("a log group that is encrypted by the key cannot be made: CloudWatch Logs may not use it for that name", () => {
  const actions = [
    ...["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
    "kms:GenerateDataKey",
  ];
  const groups = graph.of("aws:cloudwatch/logGroup:LogGroup").filter(({ inputs }) => inputs.kmsKeyId !== undefined);
  expect(groups).not.toEqual([]);
  const ask = (name: string) =>
    uses(
      `logs.${REGION}.amazonaws.com`,
      { "kms:EncryptionContext:aws:logs:arn": arn("logs", `log-group:${name}`) },
      actions,
    );
  for (const { inputs } of groups) expect(ask(String(inputs.name)), String(inputs.name)).toEqual(allowed);
  expect(ask("/aws/lambda/another")).toEqual(silent);
});

test("the audit's log cannot be written: CloudTrail may not use the key; or any trail may", async () => {
  const audited = await graphOf({ env: { PREGAO_AUDIT: "true" } });
  const { policy: of } = audited.one("aws:kms/key:Key").inputs;
  const actions = ["kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey"];
  const { name } = audited.one("aws:cloudtrail/trail:Trail").inputs;
  const by = (source: string) => uses("cloudtrail.amazonaws.com", { "aws:SourceArn": source }, actions, of);
  expect(by(arn("cloudtrail", `trail/${name}`))).toEqual(allowed);
  expect(by(arn("cloudtrail", "trail/another"))).toEqual(silent);
  expect(by(`arn:aws:cloudtrail:${REGION}:999999999999:trail/${name}`)).toEqual(silent);
});
