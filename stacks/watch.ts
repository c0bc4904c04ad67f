/// <reference path="../.sst/platform/config.d.ts" />
import { type Alarm, alarmName, alarms, descriptionOf, type Severity } from "../packages/core/alarms.ts";
import { dashboardBody } from "../packages/core/dashboard.ts";
import { logMetrics, namespaceOf, numberIn, patternOf } from "../packages/core/metrics.ts";
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import { denyPlainHttp, policyDocument } from "./policy.ts";
import type { River } from "./river.ts";
import { logGroups } from "./statements.ts";

/**
 * Who notices: metrics of what functions say, alarms, a topic for what is critical and one for the rest, and a dashboard.
 * What they are is data of the topology (packages/core: metrics, alarms, dashboard), which `doctor` and the cost read too.
 */
export const watch = (river: River, { key }: Stores, handlers: Handlers): void => {
  const { topology, datasets, stage } = river;
  measured(river, handlers);
  const topics = { critical: topic(river, key, "critical"), other: topic(river, key, "other") };
  for (const address of river.settings.emails)
    new aws.sns.TopicSubscription(`mail-${address}`, {
      topic: topics.critical.arn,
      protocol: "email",
      endpoint: address,
    });
  for (const alarm of alarms(topology, datasets, stage)) rings(river, alarm, topics[alarm.severity].arn);
  new aws.cloudwatch.Dashboard("dashboard", {
    dashboardName: `pregao-${stage.name}`,
    dashboardBody: JSON.stringify(dashboardBody(topology, datasets, stage)),
  });
};

/** A filter for each metric, on the log group of the function that says it. */
const measured = ({ topology, stage }: River, handlers: Handlers): void => {
  for (const metric of logMetrics(topology))
    new aws.cloudwatch.LogMetricFilter(
      `${metric.name}Metric`,
      {
        name: metric.name,
        logGroupName: logGroups.function(stage, metric.function),
        pattern: patternOf(metric),
        metricTransformation: {
          namespace: namespaceOf(stage),
          name: metric.name,
          value: numberIn(metric),
          unit: metric.unit,
          // With a dimension there is none: CloudWatch does not know of which.
          ...(metric.byDataset ? { dimensions: { dataset: "$.metadata.dataset" } } : { defaultValue: "0" }),
        },
      },
      { dependsOn: [handlers[metric.function]!] },
    );
};

/** Only the stage's own alarms may tell it anything, and nobody over plain HTTP. */
const topic = ({ stage, name }: River, key: Stores["key"], severity: Severity): aws.sns.Topic => {
  const arn = `arn:aws:sns:${stage.region}:${stage.account}:${name(severity)}`;
  const made = new aws.sns.Topic(`${severity}Topic`, {
    name: name(severity),
    displayName: `pregao ${stage.name}`,
    kmsMasterKeyId: key.arn,
  });
  new aws.sns.TopicPolicy(`${severity}TopicPolicy`, {
    arn: made.arn,
    policy: policyDocument([
      {
        sid: "Alarms",
        service: "cloudwatch.amazonaws.com",
        actions: ["sns:Publish"],
        resources: [arn],
        conditions: {
          StringEquals: { "aws:SourceAccount": stage.account },
          ArnLike: { "aws:SourceArn": `arn:aws:cloudwatch:${stage.region}:${stage.account}:alarm:${name("*")}` },
        },
      },
      denyPlainHttp("sns:Publish", [arn]),
    ]),
  });
  return made;
};

/** Its end is told as its begin is: who was woken may sleep. */
const rings = ({ stage }: River, alarm: Alarm, action: $util.Output<string>): void => {
  new aws.cloudwatch.MetricAlarm(`${alarm.name}Alarm`, {
    name: alarmName(stage, alarm),
    alarmDescription: descriptionOf(alarm),
    namespace: alarm.metric.namespace,
    metricName: alarm.metric.name,
    dimensions: alarm.metric.dimensions,
    statistic: alarm.statistic,
    period: alarm.period,
    evaluationPeriods: alarm.periods,
    datapointsToAlarm: alarm.periods,
    comparisonOperator: "GreaterThanThreshold",
    threshold: alarm.above,
    treatMissingData: alarm.silence === "ill" ? "breaching" : "notBreaching",
    alarmActions: [action],
    okActions: [action],
  });
};
