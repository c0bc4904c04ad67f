import { beforeAll, describe, expect, test } from "vitest";
import { alarmName, alarms, descriptionOf } from "../../packages/core/alarms.ts";
import { logMetrics, namespaceOf, numberIn, patternOf } from "../../packages/core/metrics.ts";
import { bucket, workgroup } from "../../packages/core/stage.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { verdict } from "./policy.ts";
import { declaredBy, stageNamed } from "./wire.ts";

const stage = stageNamed("dev");
const datasets = catalogueOf(stage);
const declared = declaredBy(stage);
const all = alarms(declared, datasets, stage);
const ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm";
const FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter";
const emails = "a@exemplo.com.br,b@exemplo.com.br";
const topicArn = (severity: string) => `arn:aws:sns:${REGION}:${ACCOUNT}:pregao-dev-${severity}`;

let graph: Graph;
let mailed: Graph;
beforeAll(async () => {
  [graph, mailed] = await Promise.all([graphOf(), graphOf({ env: { PREGAO_ALARM_EMAILS: emails } })]);
});

/** The names that AWS measures things under, of what the graph makes. */
const named = (type: string): Set<unknown> => new Set(graph.of(type).map(({ inputs }) => inputs.name));
const dimensions = (): Record<string, Set<unknown>> => ({
  FunctionName: named("aws:lambda/function:Function"),
  QueueName: named("aws:sqs/queue:Queue"),
  DeliveryStreamName: named("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"),
  dataset: new Set(datasets.map(({ name }) => name)),
});
const filters = (): Map<string, Resource> =>
  new Map(graph.of(FILTER).map((one) => [String((one.inputs.metricTransformation as { name: string }).name), one]));

describe("alarms", () => {
  test("one of the topology's is missing, or is not as it says", () => {
    const made = new Map(graph.of(ALARM).map(({ inputs }) => [inputs.name, inputs]));
    expect([...made.keys()].sort()).toEqual(all.map((alarm) => alarmName(stage, alarm)).sort());
    for (const alarm of all)
      expect(made.get(alarmName(stage, alarm))).toMatchObject({
        namespace: alarm.metric.namespace,
        metricName: alarm.metric.name,
        statistic: alarm.statistic,
        period: alarm.period,
        evaluationPeriods: alarm.periods,
        datapointsToAlarm: alarm.periods,
        comparisonOperator: "GreaterThanThreshold",
        threshold: alarm.above,
        treatMissingData: alarm.silence === "ill" ? "breaching" : "notBreaching",
        alarmDescription: descriptionOf(alarm),
      });
  });

  test("one is about what the stage does not make, or measures nowhere", () => {
    const known = dimensions();
    for (const { inputs } of graph.of(ALARM)) {
      const given = Object.entries((inputs.dimensions ?? {}) as Record<string, string>);
      for (const [name, value] of given) expect(known[name], `${inputs.name} ${name}`).toContain(value);
      if (String(inputs.namespace).startsWith("AWS/")) expect(given).toHaveLength(1);
      else {
        expect(inputs.namespace).toBe(namespaceOf(stage));
        expect(filters().has(String(inputs.metricName)), String(inputs.metricName)).toBe(true);
      }
    }
  });

  test("a function, queue, stream or job that the graph has can fail without one", () => {
    const watched = (dimension: string) =>
      new Set(graph.of(ALARM).map(({ inputs }) => (inputs.dimensions as Record<string, string>)?.[dimension]));
    for (const [dimension, names] of Object.entries(dimensions()))
      for (const name of names) expect(watched(dimension), `${dimension} ${String(name)}`).toContain(name);
    expect(graph.of("aws:glue/job:Job").map(({ inputs }) => inputs.name)).toEqual(
      datasets.map(({ name }) => `pregao-dev-refine-${name}`),
    );
  });

  test("one rings and nobody is told, or the wrong people are; or its end is not told", () => {
    for (const alarm of all) {
      const { inputs } = graph.one(ALARM, ({ name }) => name === alarmName(stage, alarm));
      expect(inputs.alarmActions).toEqual([topicArn(alarm.severity)]);
      expect(inputs.okActions).toEqual([topicArn(alarm.severity)]);
      expect(inputs.actionsEnabled ?? true).toBe(true);
    }
  });
});

describe("who is told", () => {
  test("what is critical is mailed to nobody, or the rest to everybody", () => {
    expect(
      mailed
        .of("aws:sns/topicSubscription:TopicSubscription")
        .map(({ inputs }) => [...[inputs.topic, inputs.protocol, inputs.endpoint]]),
    ).toEqual(emails.split(",").map((address) => [topicArn("critical"), "email", address]));
    expect(graph.of("aws:sns/topicSubscription:TopicSubscription")).toEqual([]);
  });

  test("a topic lies unencrypted, or under another key than the stage's", () => {
    const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${graph.one("aws:kms/key:Key").id}`;
    const topics = graph.of("aws:sns/topic:Topic");
    expect(topics.map(({ inputs }) => inputs.name)).toEqual(["pregao-dev-critical", "pregao-dev-other"]);
    for (const { inputs } of topics) expect(inputs.kmsMasterKeyId).toBe(key);
  });

  test("CloudWatch may not use the key for a topic, so that nothing is told; or another account's may", () => {
    const { inputs, id } = graph.one("aws:kms/key:Key");
    for (const severity of ["critical", "other"])
      for (const action of ["kms:GenerateDataKey", "kms:Decrypt"]) {
        const ask = (account: string, topic: string) =>
          verdict(inputs.policy, {
            ...{ principal: "cloudwatch.amazonaws.com", action },
            resource: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`,
            context: { "aws:SourceAccount": account, "kms:EncryptionContext:aws:sns:topicArn": topic },
          });
        expect(ask(ACCOUNT, topicArn(severity))).toBe("allowed");
        expect(ask("999999999999", topicArn(severity))).toBe("silent");
        expect(ask(ACCOUNT, topicArn(severity).replace("-dev-", "-prova-"))).toBe("silent");
      }
  });

  test("somebody else's alarm, or anybody over plain HTTP, writes to a topic", () => {
    for (const severity of ["critical", "other"]) {
      const resource = topicArn(severity);
      const { inputs } = graph.one("aws:sns/topicPolicy:TopicPolicy", ({ arn }) => arn === resource);
      const publish = (context: Record<string, string>) =>
        verdict(inputs.policy, { principal: "cloudwatch.amazonaws.com", action: "sns:Publish", resource, context });
      const own = { "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true" };
      const arn = (name: string) => `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${name}`;
      for (const alarm of all)
        expect(publish({ ...own, "aws:SourceArn": arn(alarmName(stage, alarm)) })).toBe("allowed");
      const [first] = all;
      const ours = arn(alarmName(stage, first!));
      expect(publish({ ...own, "aws:SourceArn": ours, "aws:SecureTransport": "false" })).toBe("denied");
      expect(publish({ ...own, "aws:SourceArn": ours, "aws:SourceAccount": "999999999999" })).toBe("silent");
      expect(publish({ ...own, "aws:SourceArn": arn("pregao-prova-landed-age") })).toBe("silent");
    }
  });
});

describe("metrics of the log", () => {
  test("one is missing, or is made of other lines, or of a log group that there is not", () => {
    const groups = named("aws:cloudwatch/logGroup:LogGroup");
    const made = filters();
    expect([...made.keys()].sort()).toEqual(
      logMetrics(declared)
        .map(({ name }) => name)
        .sort(),
    );
    for (const metric of logMetrics(declared)) {
      const { inputs } = made.get(metric.name)!;
      expect(inputs).toMatchObject({
        logGroupName: `/aws/lambda/pregao-dev-${metric.function}`,
        pattern: patternOf(metric),
        metricTransformation: { namespace: namespaceOf(stage), value: numberIn(metric), unit: metric.unit },
      });
      expect(groups).toContain(inputs.logGroupName);
      // CloudWatch Logs takes no default for what has a dimension.
      const { defaultValue, dimensions: by } = inputs.metricTransformation as Record<string, unknown>;
      expect(defaultValue === undefined).toBe(by !== undefined);
      expect(by !== undefined).toBe(metric.byDataset);
    }
  });

  test("CloudWatch refuses a filter: more than 100 of a log group, or a name or pattern that is too long", () => {
    for (const group of Map.groupBy(graph.of(FILTER), ({ inputs }) => inputs.logGroupName).values())
      expect(group.length).toBeLessThanOrEqual(100);
    for (const { inputs } of graph.of(FILTER)) {
      expect(String(inputs.name)).toMatch(/^[^:*]{1,512}$/);
      expect(String(inputs.pattern).length).toBeLessThanOrEqual(1024);
    }
  });

  test("two stages measure into one series", async () => {
    const other = await graphOf({ stage: "prova" });
    const spaces = (of: Graph) =>
      new Set(of.of(FILTER).map(({ inputs }) => (inputs.metricTransformation as { namespace: string }).namespace));
    expect([...spaces(graph)]).toEqual(["pregao/dev"]);
    expect([...spaces(other)]).toEqual(["pregao/prova"]);
  });
});

describe("the dashboard", () => {
  test("it shows what the stage does not make", () => {
    const { inputs } = graph.one("aws:cloudwatch/dashboard:Dashboard");
    expect(inputs.dashboardName).toBe("pregao-dev");
    const { widgets } = JSON.parse(String(inputs.dashboardBody)) as {
      widgets: { properties: { metrics?: unknown[][]; alarms?: string[]; region?: string } }[];
    };
    const known = dimensions();
    const arns = new Set(
      graph.of(ALARM).map(({ inputs: i }) => `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:${i.name}`),
    );
    const buckets = new Set(graph.of("aws:s3/bucket:Bucket").map(({ inputs: i }) => i.bucket));
    const groups = named("aws:athena/workgroup:Workgroup");
    let shown = 0;
    for (const { properties } of widgets) {
      for (const arn of properties.alarms ?? []) expect(arns).toContain(arn);
      for (const line of properties.metrics ?? []) {
        expect(properties.region).toBe(REGION);
        const [namespace, name, dimension, value] = line as string[];
        if (typeof namespace !== "string") {
          const { expression } = line[0] as { expression: string };
          const [, place] = /(?:BucketName|WorkGroup)="([^"]+)"/.exec(expression) ?? [];
          if (place !== undefined) expect(buckets.has(place) || groups.has(place), place).toBe(true);
          continue;
        }
        shown++;
        expect(known[dimension!], `${namespace} ${name}`).toContain(value);
        if (namespace === namespaceOf(stage)) expect(filters().has(name!), name).toBe(true);
      }
    }
    expect(shown).toBeGreaterThan(30);
    expect(buckets.has(bucket(stage, "lake")) && groups.has(workgroup(stage))).toBe(true);
  });
});
