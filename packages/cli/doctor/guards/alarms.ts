import { type Alarm, alarmName, alarms, descriptionOf } from "../../../core/alarms.ts";
import { dashboardBody } from "../../../core/dashboard.ts";
import { type LogMetric, logMetrics, namespaceOf, numberIn, patternOf } from "../../../core/metrics.ts";
import { functionLog } from "../../../core/stage.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Subject } from "../guard.ts";
import { deniesPlain, lets, openTo, statementsOf } from "../policy.ts";
import { at, canonical, differences, list, object, said } from "../shapes.ts";
import { isKey, keyed } from "./key.ts";

type Watched = Subject & { alarm: Alarm };
const watched = (e: Expected): Watched[] =>
  alarms(e.topology, e.datasets, e.stage).map((alarm) => {
    const id = alarmName(e.stage, alarm);
    return { type: "AWS::CloudWatch::Alarm", id, name: id, alarm };
  });
type Measured = Subject & { metric: LogMetric };
const measured = (e: Expected): Measured[] =>
  logMetrics(e.topology).map((metric) => {
    const name = `${functionLog(e.stage, metric.function)}|${metric.name}`;
    return { type: "AWS::Logs::MetricFilter", id: name, name, metric };
  });
type Topic = Subject & { severity: "critical" | "other" };
const topics = (e: Expected): Topic[] =>
  (["critical", "other"] as const).map((severity) => ({
    ...{ type: "AWS::SNS::Topic", id: e.topicArn(severity), severity },
    name: e.topicArn(severity).replace(/^.*:/, ""),
  }));
const mend = (_: Subject, e: Expected): string => deploy(e);

export const alarmGuards: Guard[] = [
  guard<Measured>({
    id: "metric.filters",
    protects: "what functions say is measured: an alarm on a metric that nobody writes is silent for ever",
    subjects: measured,
    check: (is, { metric }, e) => [
      ...differences({ FilterPattern: patternOf(metric) }, (name) => is[name]),
      ...differences(
        { MetricNamespace: namespaceOf(e.stage), MetricName: metric.name, MetricValue: numberIn(metric) },
        (name) => at(is, "MetricTransformations", 0, name),
      ),
    ],
    mend,
  }),
  guard<Watched>({
    id: "alarm.measures",
    protects: "what goes wrong rings: at the metric, the threshold and the time that the river's own waits say",
    subjects: watched,
    check: (is, { alarm }) => [
      ...differences(
        {
          Namespace: alarm.metric.namespace,
          MetricName: alarm.metric.name,
          Statistic: alarm.statistic,
          Period: alarm.period,
          EvaluationPeriods: alarm.periods,
          Threshold: alarm.above,
          ComparisonOperator: "GreaterThanThreshold",
          TreatMissingData: alarm.silence === "well" ? "notBreaching" : "breaching",
        },
        (name) => is[name],
      ),
      ...(canonical(dimensions(is)) === canonical(alarm.metric.dimensions)
        ? []
        : [{ expected: `Dimensions ${said(alarm.metric.dimensions)}`, came: `Dimensions ${said(dimensions(is))}` }]),
    ],
    mend,
  }),
  guard<Watched>({
    id: "alarm.tells",
    protects: "an alarm reaches a person, of the kind that it needs",
    subjects: watched,
    check: (is, { alarm }, e) => [
      ...differences({ ActionsEnabled: true }, (name) => is[name] ?? true),
      ...(list(is.AlarmActions).includes(e.topicArn(alarm.severity))
        ? []
        : [{ expected: `AlarmActions ${e.topicArn(alarm.severity)}`, came: `AlarmActions ${said(is.AlarmActions)}` }]),
    ],
    mend: ({ id }, e) =>
      `aws cloudwatch enable-alarm-actions --region ${e.stage.region} --alarm-names ${id} (if that is not it: ${deploy(e)})`,
  }),
  guard<Watched>({
    id: "alarm.explains",
    protects: "whoever gets an alarm knows which command shows its cause",
    subjects: watched,
    check: (is, { alarm }) => differences({ AlarmDescription: descriptionOf(alarm) }, (name) => is[name]),
    mend,
  }),
  guard<Topic>({
    id: "topic.encrypted",
    protects: "what alarms say is encrypted by the stage's key, which CloudWatch may use",
    subjects: (e) => topics(e).map((one) => keyed(one, e)),
    check: (is, _, e, need) => isKey(is.KmsMasterKeyId, "KmsMasterKeyId", e, need),
    mend,
  }),
  guard<Topic>({
    id: "topic.private",
    protects: "nobody outside the account listens to alarms, or sends false ones",
    subjects: (e) => topics(e).map((one) => ({ ...one, type: "AWS::SNS::TopicInlinePolicy" })),
    check: (is) =>
      openTo(statementsOf(is.PolicyDocument)).map((open) => ({
        expected: "no statement that allows everybody",
        came: `statement ${open.sid || "without a Sid"} allows ${open.actions.join(", ")} to everybody`,
      })),
    mend,
  }),
  guard<Topic>({
    id: "topic.tls",
    protects: "alarms are sent by CloudWatch, over TLS, and by nothing else",
    subjects: (e) => topics(e).map((one) => ({ ...one, type: "AWS::SNS::TopicInlinePolicy" })),
    check: (is, { id }, e) => {
      const statements = statementsOf(is.PolicyDocument);
      const source = e.arn("cloudwatch", `alarm:${e.name("any")}`);
      const wrong = (expected: string) => ({ expected, came: `policy ${said(is.PolicyDocument)}` });
      return [
        ...(statements.some((s) => s.effect === "Deny" && deniesPlain([{ ...s, actions: ["sns:*"] }]))
          ? []
          : [wrong(`a policy that denies sns:Publish on ${id} to * where aws:SecureTransport is false`)]),
        ...(lets(statements, {
          ...{ service: "cloudwatch.amazonaws.com", action: "sns:Publish", source, account: e.stage.account },
        })
          ? []
          : [wrong(`a policy that allows sns:Publish to cloudwatch.amazonaws.com for ${source}`)]),
      ];
    },
    mend,
  }),
  guard<Subject>({
    id: "watch.dashboard",
    protects: "what the river does is seen at one look",
    subjects: (e) => [
      { type: "AWS::CloudWatch::Dashboard", id: `pregao-${e.stage.name}`, name: `pregao-${e.stage.name}` },
    ],
    check: (is, _, e) => {
      const wanted = JSON.parse(JSON.stringify(dashboardBody(e.topology, e.datasets, e.stage))) as unknown;
      return canonical(object(is.DashboardBody)) === canonical(wanted)
        ? []
        : [{ expected: "the declared dashboard", came: `another: ${said(is.DashboardBody)}` }];
    },
    mend,
  }),
  guard<Topic>({
    id: "topic.people",
    protects: "somebody is told when data stops or is about to be lost",
    off: (e) => (e.choices.emails > 0 ? null : "PREGAO_ALARM_EMAILS names nobody at this stage"),
    subjects: (e) => topics(e).filter(({ severity }) => severity === "critical"),
    check: (is, _, e) => {
      const told = list(is.Subscription).map(object);
      return told.length >= e.choices.emails
        ? []
        : [
            {
              expected: `${e.choices.emails} addresses`,
              came: `${told.length}: SNS forgets one that did not follow the link of its confirmation`,
            },
          ];
    },
    mend: ({ id }, e) =>
      `aws sns list-subscriptions-by-topic --region ${e.stage.region} --topic-arn ${id} (whoever is PendingConfirmation follows the link of SNS's message; who is not there gets a new one by ${deploy(e)})`,
  }),
];

const dimensions = (is: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(list(is.Dimensions).map((one) => [String(at(one, "Name")), at(one, "Value")]));
