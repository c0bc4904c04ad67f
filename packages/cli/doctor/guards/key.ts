import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Properties, type Subject, type Wanted, type Wrong } from "../guard.ts";
import { lets, openTo, statementsOf } from "../policy.ts";
import { differences, said } from "../shapes.ts";

/** A subject whose check needs to know which key is the stage's. */
export const keyed = <S extends Subject>(subject: S, e: Expected): S => ({
  ...subject,
  also: [...(subject.also ?? []), e.key],
});

/** A key may be named by its id, its ARN, or the stage's alias. */
export const isKey = (value: unknown, member: string, e: Expected, need: (wanted: Wanted) => Properties): Wrong[] => {
  const key = need(e.key);
  return [key.Arn, key.KeyId, e.key.id, e.arn("kms", e.key.id)].includes(value) && value !== undefined
    ? []
    : [{ expected: `${member} ${said(key.Arn)} (${e.key.id})`, came: `${member} ${said(value)}` }];
};

type Writer = { service: string; source: string; context: Record<string, string>; loses: string };

/** Services that write into what is encrypted, and lose it without a word where they may not use the key. */
const writers = (e: Expected): Writer[] => [
  ...e.topology.notices.flatMap(({ bucket, to }) =>
    "queue" in to
      ? [
          {
            ...{ service: "s3.amazonaws.com", source: e.bucketArn(bucket), loses: `bells of ${bucket}` },
            context: { "aws:sqs:arn": e.queueArn(to.queue) },
          },
        ]
      : [],
  ),
  ...[...new Set(e.topology.jobs.map((job) => job.events))].map((queue) => ({
    ...{ service: "events.amazonaws.com", source: e.jobRule(queue), loses: "events of jobs that ended" },
    context: { "aws:sqs:arn": e.queueArn(queue) },
  })),
  ...(["critical", "other"] as const).map((severity) => ({
    ...{ service: "cloudwatch.amazonaws.com", source: e.arn("cloudwatch", `alarm:${e.name("any")}`) },
    context: { "aws:sns:topicarn": e.topicArn(severity) },
    loses: `${severity} alarms`,
  })),
  ...e.topology.functions.map(({ name }) => ({
    ...{ service: `logs.${e.stage.region}.amazonaws.com`, source: "", loses: `lines of ${name}` },
    context: { "aws:logs:arn": e.arn("logs", `log-group:/aws/lambda/${e.name(name)}`) },
  })),
];

const key = (e: Expected): Subject[] => [{ ...e.key, name: e.key.id }];

export const keyGuards: Guard[] = [
  guard({
    id: "key.rotation",
    protects: "what one key's material can open ends with the year",
    subjects: key,
    check: (is) => differences({ EnableKeyRotation: true }, (name) => is[name]),
    mend: (_, e) =>
      `aws kms enable-key-rotation --region ${e.stage.region} --key-id $(aws kms describe-key --region ${e.stage.region} --key-id ${e.key.id} --query KeyMetadata.KeyId --output text)`,
  }),
  guard({
    id: "key.enabled",
    protects: "the stage's data can be read at all",
    subjects: key,
    check: (is) => differences({ Enabled: true }, (name) => is[name] ?? true),
    mend: (_, e) =>
      `aws kms enable-key --region ${e.stage.region} --key-id $(aws kms describe-key --region ${e.stage.region} --key-id ${e.key.id} --query KeyMetadata.KeyId --output text)`,
  }),
  guard({
    id: "key.private",
    protects: "nobody outside the account uses the key",
    subjects: key,
    check: (is) =>
      openTo(statementsOf(is.KeyPolicy)).map((open) => ({
        expected: "no statement of the key's policy that allows everybody",
        came: `statement ${open.sid || "without a Sid"} allows ${open.actions.join(", ")} to everybody`,
      })),
    mend: (_, e) => deploy(e),
  }),
  guard({
    id: "key.services",
    protects:
      "services that write into encrypted queues and topics may: else what they tell is dropped without a trace",
    subjects: key,
    check: (is, _, e) =>
      writers(e)
        .filter(
          (writer) =>
            !["kms:GenerateDataKey", "kms:Decrypt"].every((action) =>
              lets(statementsOf(is.KeyPolicy), { ...writer, action, account: e.stage.account }),
            ),
        )
        .map(({ service, source, loses }) => ({
          expected: `a key policy that allows kms:GenerateDataKey and kms:Decrypt to ${service}${source && ` for ${source}`}`,
          came: `none does: ${loses} are lost`,
        })),
    mend: (_, e) => deploy(e),
  }),
];
