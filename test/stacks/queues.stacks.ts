import { GetQueueAttributesCommand, ListQueuesCommand } from "@aws-sdk/client-sqs";
import { beforeAll, describe, expect, test } from "vitest";
import { queueArn, resource } from "../../packages/core/stage.ts";
import { MAX_BYTES } from "../../packages/local/sqs/limits.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { statementsOf, verdict } from "./policy.ts";
import { declaredBy, laptopOf, stageNamed } from "./wire.ts";

const DAYS_14 = 14 * 24 * 3600;
const stage = stageNamed("dev");
const declared = declaredBy(stage);
const arnOf = (logical: string) => queueArn(stage, logical);
const lakeArn = `arn:aws:s3:::pregao-dev-lake-${ACCOUNT}`;

let graph: Graph;
let key: string;
beforeAll(async () => {
  graph = await graphOf();
  key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${graph.one("aws:kms/key:Key").id}`;
});

const queues = () => graph.of("aws:sqs/queue:Queue");
const queue = (logical: string): Resource =>
  graph.one("aws:sqs/queue:Queue", ({ name }) => name === resource(stage, logical));
const redrive = ({ inputs }: Resource): { deadLetterTargetArn: string; maxReceiveCount: number } | null =>
  inputs.redrivePolicy ? JSON.parse(String(inputs.redrivePolicy)) : null;
const arn = ({ inputs }: Resource) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${inputs.name}`;
/** Queues that others send what they could not do to: SQS by a redrive, Lambda and Scheduler by their own settings. */
const takesLetters = (one: Resource) => String(one.inputs.name).endsWith("-dlq");

describe("queues", () => {
  test("a queue of the topology is missing, or there is one more", () => {
    expect(queues().map(({ inputs }) => inputs.name)).toEqual(
      expect.arrayContaining(declared.queues.map(({ name }) => resource(stage, name))),
    );
    expect(queues()).toHaveLength(declared.queues.length);
  });

  test("a queue without a dead-letter queue: what nobody can take is tried until it expires", () => {
    const letters = new Set(queues().filter(takesLetters).map(arn));
    const fed = queues().filter((one) => !takesLetters(one));
    expect(fed.length).toBeGreaterThan(1);
    for (const one of fed) {
      expect(letters, String(one.inputs.name)).toContain(redrive(one)?.deadLetterTargetArn);
      expect(redrive(one)?.deadLetterTargetArn).toBe(`${arn(one)}-dlq`);
      expect(redrive(one)?.maxReceiveCount).toBeGreaterThanOrEqual(10);
    }
    for (const one of queues().filter(takesLetters)) expect(redrive(one), String(one.inputs.name)).toBeNull();
  });

  test("a queue that forgets before 14 days", () => {
    for (const { inputs } of queues())
      expect(inputs, String(inputs.name)).toMatchObject({ messageRetentionSeconds: DAYS_14 });
  });

  test("a queue that is not encrypted by the stage's key", () => {
    for (const { inputs } of queues()) {
      expect(inputs, String(inputs.name)).toMatchObject({ kmsMasterKeyId: key });
      expect(inputs.sqsManagedSseEnabled ?? false).toBe(false);
    }
  });

  test("a message comes back while its function still works on it: visibility under 6 timeouts", () => {
    const timeouts = new Map(
      graph.of("aws:lambda/function:Function").map(({ inputs }) => [String(inputs.name), Number(inputs.timeout)]),
    );
    const mappings = graph.of("aws:lambda/eventSourceMapping:EventSourceMapping");
    expect(mappings).toHaveLength(declared.mappings.length);
    for (const { inputs } of mappings) {
      const source = queues().find((one) => arn(one) === inputs.eventSourceArn);
      const timeout = timeouts.get(String(inputs.functionName).replace(/^.*:function:/, ""));
      expect(timeout, String(inputs.functionName)).toBeGreaterThan(0);
      expect(source?.inputs.visibilityTimeoutSeconds, String(inputs.eventSourceArn)).toBeGreaterThanOrEqual(
        6 * timeout!,
      );
    }
  });

  test("a message or a dead letter that SQS takes is refused for its size: the provider's default is a quarter of it", () => {
    for (const { inputs } of queues()) expect(inputs.maxMessageSize, String(inputs.name)).toBe(MAX_BYTES);
  });

  test("strangers' letters among ours: each queue says whose it takes", () => {
    for (const one of queues()) {
      const sources = queues().filter((other) => redrive(other)?.deadLetterTargetArn === arn(one));
      expect(JSON.parse(String(one.inputs.redriveAllowPolicy)), String(one.inputs.name)).toEqual(
        sources.length > 0
          ? { redrivePermission: "byQueue", sourceQueueArns: sources.map(arn) }
          : { redrivePermission: "denyAll" },
      );
    }
  });

  test("production's queues go with the stage, and messages with them; those of another stage stay", async () => {
    const kept = (await graphOf({ stage: "production" })).of("aws:sqs/queue:Queue");
    expect(kept.filter(({ retained }) => !retained)).toEqual([]);
    expect(queues().filter(({ retained }) => retained)).toEqual([]);
  });
});

describe("who sends", () => {
  const bell = { principal: "s3.amazonaws.com", action: "sqs:SendMessage" };
  const secure = { "aws:SecureTransport": "true" };

  test("a queue is spoken to over plain HTTP", () => {
    for (const one of queues())
      for (const action of ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"]) {
        const request = { principal: "any", action, resource: arn(one) };
        const over = (value: string) =>
          verdict(one.inputs.policy, { ...request, context: { "aws:SecureTransport": value } });
        expect(over("false"), `${one.inputs.name} ${action}`).toBe("denied");
        expect(over("true"), `${one.inputs.name} ${action}`).toBe("silent");
      }
  });

  test("S3's bells are refused by their queue, and lost without a trace", () => {
    const notifications = graph.of("aws:s3/bucketNotification:BucketNotification").flatMap(({ inputs }) =>
      ((inputs.queues ?? []) as { queueArn: string }[]).map(({ queueArn: to }) => ({
        to,
        from: `arn:aws:s3:::${inputs.bucket}`,
      })),
    );
    expect(notifications).not.toEqual([]);
    for (const { to, from } of notifications) {
      const one = queues().find((other) => arn(other) === to);
      const context = { ...secure, "aws:SourceArn": from, "aws:SourceAccount": ACCOUNT };
      expect(verdict(one?.inputs.policy, { ...bell, resource: to, context }), to).toBe("allowed");
    }
  });

  test("the end of a job is refused by its queue: the rule has another name than the policy knows", () => {
    const rules = new Map(
      graph.of("aws:cloudwatch/eventRule:EventRule").map(({ inputs }) => [String(inputs.name), inputs]),
    );
    const targets = graph
      .of("aws:cloudwatch/eventTarget:EventTarget")
      .filter(({ inputs }) => String(inputs.arn).includes(":sqs:"));
    expect(targets).not.toEqual([]);
    for (const { inputs } of targets) {
      expect([...rules.keys()]).toContain(inputs.rule);
      const one = queues().find((other) => arn(other) === inputs.arn);
      const request = { principal: "events.amazonaws.com", action: "sqs:SendMessage", resource: String(inputs.arn) };
      const context = {
        ...secure,
        "aws:SourceArn": `arn:aws:events:${REGION}:${ACCOUNT}:rule/${inputs.rule}`,
        "aws:SourceAccount": ACCOUNT,
      };
      expect(verdict(one?.inputs.policy, { ...request, context }), String(inputs.rule)).toBe("allowed");
      const other = { ...context, "aws:SourceArn": `arn:aws:events:${REGION}:${ACCOUNT}:rule/another` };
      expect(verdict(one?.inputs.policy, { ...request, context: other })).toBe("silent");
    }
  });

  test("another's bucket, account or service sends: S3 does whatever any of its customers asks", () => {
    const { policy } = queue("landed").inputs;
    const send = (context: Record<string, string>, more = {}) =>
      verdict(policy, { ...bell, resource: arnOf("landed"), context: { ...secure, ...context }, ...more });
    expect(send({ "aws:SourceArn": lakeArn, "aws:SourceAccount": ACCOUNT })).toBe("allowed");
    expect(send({ "aws:SourceArn": "arn:aws:s3:::another", "aws:SourceAccount": ACCOUNT })).toBe("silent");
    expect(send({ "aws:SourceArn": lakeArn, "aws:SourceAccount": "999999999999" })).toBe("silent");
    expect(send({})).toBe("silent");
    expect(send({ "aws:SourceArn": lakeArn, "aws:SourceAccount": ACCOUNT }, { principal: "sns.amazonaws.com" })).toBe(
      "silent",
    );
    expect(send({ "aws:SourceArn": lakeArn, "aws:SourceAccount": ACCOUNT }, { action: "sqs:ReceiveMessage" })).toBe(
      "silent",
    );
  });

  test("a service sends to a queue that the topology does not let it ring", () => {
    const rung = new Set([
      ...declared.notices.flatMap(({ to }) => ("queue" in to ? [to.queue] : [])),
      ...declared.jobs.map((job) => job.events),
    ]);
    for (const { name } of declared.queues) {
      const allowing = statementsOf(queue(name).inputs.policy).filter((one) => one.Effect === "Allow");
      expect(allowing.length > 0, name).toBe(rung.has(name));
      for (const { Action, Resource, Principal, Condition } of allowing) {
        expect(Action).toEqual(["sqs:SendMessage"]);
        expect(Resource).toEqual([arnOf(name)]);
        expect(Principal).toEqual({ Service: expect.stringMatching(/^(s3|events)\.amazonaws\.com$/) });
        expect(Condition).toMatchObject({ StringEquals: { "aws:SourceAccount": ACCOUNT } });
      }
    }
  });
});

describe.each([stageNamed("dev"), stageNamed("quasetemporeal", { pace: "intraday" })])(
  "what a laptop answers under the names of $name, $pace",
  (of) => {
    test("the graph has other queues, visibilities, retentions or redrives than SQS answers over the wire", async () => {
      const evaluated = await graphOf({ stage: of.name, env: { PREGAO_PACE: of.pace } });
      const { aws, close } = await laptopOf(of);
      try {
        const { QueueUrls = [] } = await aws.sqs.send(new ListQueuesCommand({}));
        const answers = await Promise.all(
          QueueUrls.map(async (QueueUrl) => {
            const { Attributes = {} } = await aws.sqs.send(
              new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
            );
            return {
              arn: Attributes.QueueArn,
              visibility: Attributes.VisibilityTimeout,
              retention: Attributes.MessageRetentionPeriod,
              redrive: Attributes.RedrivePolicy ? JSON.parse(Attributes.RedrivePolicy) : null,
              bytes: Attributes.MaximumMessageSize,
            };
          }),
        );
        const built = evaluated.of("aws:sqs/queue:Queue").map((one) => ({
          arn: arn(one),
          visibility: String(one.inputs.visibilityTimeoutSeconds),
          retention: String(one.inputs.messageRetentionSeconds),
          redrive: redrive(one),
          bytes: String(one.inputs.maxMessageSize),
        }));
        const byArn = (a: { arn?: string | undefined }, b: { arn?: string | undefined }) =>
          String(a.arn).localeCompare(String(b.arn));
        expect(built.toSorted(byArn)).toEqual(answers.toSorted(byArn));
      } finally {
        await close();
      }
    });
  },
);
