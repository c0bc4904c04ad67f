import type { QueueSpec } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Properties, restart, type Subject } from "../guard.ts";
import { deniesPlain, lets, openTo, statementsOf } from "../policy.ts";
import { at, canonical, differences, list, object, said } from "../shapes.ts";
import { isKey, keyed } from "./key.ts";

type Queue = Subject & { spec: QueueSpec };
const QUEUE = "AWS::SQS::Queue";
const POLICY = "AWS::SQS::QueueInlinePolicy";

const queues = (e: Expected): Queue[] =>
  e.topology.queues.map((spec) => ({ type: QUEUE, id: e.queueUrl(spec.name), name: e.name(spec.name), spec }));
const fed = (e: Expected): Queue[] => queues(e).filter(({ spec }) => spec.deadLetter);
const policies = (e: Expected): Queue[] => queues(e).map((queue) => ({ ...queue, type: POLICY }));

/** Whatever an attribute is, one call puts it right at once; the next deployment finds it as it would make it. */
const set = (url: string, attributes: Record<string, unknown>, e: Expected): string =>
  e.laptop
    ? restart
    : `aws sqs set-queue-attributes --region ${e.stage.region} --queue-url ${url} --attributes '${JSON.stringify(
        Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [
            name,
            typeof value === "object" ? JSON.stringify(value) : String(value),
          ]),
        ),
      )}'`;

const redrive = (spec: QueueSpec, e: Expected) => ({
  deadLetterTargetArn: e.queueArn(spec.deadLetter!.queue),
  maxReceiveCount: spec.deadLetter!.maxReceive,
});
const redriveAllow = (spec: QueueSpec, e: Expected) => {
  const sources = e.topology.queues
    .filter((one) => one.deadLetter?.queue === spec.name)
    .map((one) => e.queueArn(one.name));
  return sources.length > 0
    ? { redrivePermission: "byQueue", sourceQueueArns: sources }
    : { redrivePermission: "denyAll" };
};

/** Who sends to a queue that no program of ours does: S3's bells and the events of jobs. */
const senders = (e: Expected): (Queue & { service: string; source: string })[] =>
  policies(e).flatMap((queue) => [
    ...e.topology.notices
      .filter(({ to }) => "queue" in to && to.queue === queue.spec.name)
      .map((notice) => ({ ...queue, service: "s3.amazonaws.com", source: e.bucketArn(notice.bucket) })),
    ...(e.topology.jobs.some((job) => job.events === queue.spec.name)
      ? [{ ...queue, service: "events.amazonaws.com", source: e.jobRule(queue.spec.name) }]
      : []),
  ]);

export const queueGuards: Guard[] = [
  guard<Queue>({
    id: "queue.visibility",
    protects: "a message that a function still works on is not given to a second one",
    laptop: true,
    subjects: queues,
    check: (is, { spec }) => differences({ VisibilityTimeout: spec.visibility }, (name) => is[name]),
    mend: ({ id, spec }, e) => set(id, { VisibilityTimeout: spec.visibility }, e),
  }),
  guard<Queue>({
    id: "queue.retention",
    protects: "a message waits 14 days, the longest that SQS keeps one, before it is lost",
    laptop: true,
    subjects: queues,
    check: (is, { spec }) => differences({ MessageRetentionPeriod: spec.retention }, (name) => is[name]),
    mend: ({ id, spec }, e) => set(id, { MessageRetentionPeriod: spec.retention }, e),
  }),
  guard<Queue>({
    id: "queue.redrive",
    protects: "a message that nobody can take goes to the dead-letter queue, and not before it was tried often",
    laptop: true,
    subjects: fed,
    check: (is, { spec }, e) => differences(redrive(spec, e), (name) => object(is.RedrivePolicy)[name]),
    mend: ({ id, spec }, e) => set(id, { RedrivePolicy: redrive(spec, e) }, e),
  }),
  guard<Queue>({
    id: "queue.redrive-allow",
    protects: "no other queue's letters are mixed with those of this one",
    subjects: queues,
    check: (is, { spec }, e) => {
      const sorted = ({ redrivePermission, sourceQueueArns = [] }: Record<string, unknown>) =>
        canonical([redrivePermission, list(sourceQueueArns).map(String).toSorted()]);
      return sorted(object(is.RedriveAllowPolicy)) === sorted(redriveAllow(spec, e))
        ? []
        : [
            {
              expected: `RedriveAllowPolicy ${said(redriveAllow(spec, e))}`,
              came: `RedriveAllowPolicy ${said(is.RedriveAllowPolicy)}`,
            },
          ];
    },
    mend: ({ id, spec }, e) => set(id, { RedriveAllowPolicy: redriveAllow(spec, e) }, e),
  }),
  guard<Queue>({
    id: "queue.encrypted",
    protects: "what waits in a queue is encrypted by the stage's key",
    subjects: (e) => queues(e).map((queue) => keyed(queue, e)),
    check: (is, _, e, need) => isKey(is.KmsMasterKeyId, "KmsMasterKeyId", e, need),
    mend: ({ id }, e) => set(id, { KmsMasterKeyId: e.key.id }, e),
  }),
  guard<Queue>({
    id: "queue.tls",
    protects: "nobody reads or sends messages over plain HTTP",
    subjects: policies,
    check: (is) =>
      deniesPlain(statementsOf(is.PolicyDocument))
        ? []
        : [
            {
              expected: "a policy that denies sqs:* to * where aws:SecureTransport is false",
              came: `policy ${said(is.PolicyDocument)}`,
            },
          ],
    mend: (_, e) => deploy(e),
  }),
  guard<Queue>({
    id: "queue.private",
    protects: "nobody outside the account sends messages or reads them",
    subjects: policies,
    check: (is) =>
      openTo(statementsOf(is.PolicyDocument)).map((open) => ({
        expected: "no statement that allows everybody",
        came: `statement ${open.sid || "without a Sid"} allows ${open.actions.join(", ")} to everybody`,
      })),
    mend: (_, e) => deploy(e),
  }),
  guard<Queue & { service: string; source: string }>({
    id: "queue.senders",
    protects: "bells and job events reach their queue: a refused one is dropped without a trace",
    subjects: senders,
    check: (is, { service, source }, e) =>
      lets(statementsOf(is.PolicyDocument), { service, source, action: "sqs:SendMessage", account: e.stage.account })
        ? []
        : [
            {
              expected: `a policy that allows sqs:SendMessage to ${service} for ${source}`,
              came: `policy ${said(is.PolicyDocument)}`,
            },
          ],
    mend: (_, e) => deploy(e),
  }),
];

const MAPPING = "AWS::Lambda::EventSourceMapping";
type Mapping = Subject & { spec: Expected["topology"]["mappings"][number] };
const mappings = (e: Expected): Mapping[] =>
  e.topology.mappings.map((spec) => ({
    type: MAPPING,
    id: e.queueArn(spec.queue),
    name: `${e.name(spec.queue)} → ${e.name(spec.function)}`,
    spec,
  }));
const update = (flags: string) => (subject: Mapping, e: Expected) =>
  e.laptop
    ? restart
    : `aws lambda update-event-source-mapping --region ${e.stage.region} ${flags} --uuid $(aws lambda list-event-source-mappings --region ${e.stage.region} --event-source-arn ${subject.id} --query 'EventSourceMappings[0].UUID' --output text)`;

/** A function's name from its name, its ARN, or its ARN with a version. */
const functionOf = (is: Properties): string =>
  String(is.FunctionName ?? "")
    .replace(/^arn:.*:function:/, "")
    .replace(/:.*$/, "");

export const mappingGuards: Guard[] = [
  guard<Mapping>({
    id: "mapping.function",
    protects: "messages are taken by the function that knows them, and by no second one",
    laptop: true,
    subjects: mappings,
    check: (is, { spec }, e) => [
      ...differences({ FunctionName: e.name(spec.function), Enabled: true }, (name) =>
        name === "FunctionName" ? functionOf(is) : (is[name] ?? true),
      ),
      ...list(is.Others).map((other) => ({
        expected: `no mapping of ${e.name(spec.queue)} but that to ${e.name(spec.function)}`,
        came: `another one to ${String(other)}, which takes messages from it`,
        mend: `aws lambda list-event-source-mappings --region ${e.stage.region} --event-source-arn ${e.queueArn(spec.queue)} (then aws lambda delete-event-source-mapping --region ${e.stage.region} --uuid UUID, of the one that is not ours)`,
      })),
    ],
    mend: update("--enabled"),
  }),
  guard<Mapping>({
    id: "mapping.partial",
    protects: "one bad message does not bring its whole batch back, and a failed one is not deleted with the others",
    laptop: true,
    subjects: mappings,
    check: (is) => differences({ FunctionResponseTypes: ["ReportBatchItemFailures"] }, (name) => is[name]),
    mend: update("--function-response-types ReportBatchItemFailures"),
  }),
  guard<Mapping>({
    id: "mapping.batch",
    protects: "messages wait for company as long as the pace says, and no longer",
    laptop: true,
    subjects: mappings,
    check: (is, { spec }) =>
      differences(
        { BatchSize: spec.batch, MaximumBatchingWindowInSeconds: spec.window },
        (name) => is[name] ?? (name === "MaximumBatchingWindowInSeconds" ? 0 : undefined),
      ),
    mend: (subject, e) =>
      update(`--batch-size ${subject.spec.batch} --maximum-batching-window-in-seconds ${subject.spec.window}`)(
        subject,
        e,
      ),
  }),
  guard<Mapping>({
    id: "mapping.concurrency",
    protects: "a flood is slowed in the queue: throttled receives would count and end valid messages as dead letters",
    laptop: true,
    subjects: mappings,
    check: (is, { spec }) =>
      differences({ MaximumConcurrency: spec.concurrency }, (name) => at(is, "ScalingConfig", name)),
    mend: (subject, e) => update(`--scaling-config MaximumConcurrency=${subject.spec.concurrency}`)(subject, e),
  }),
  guard<Mapping>({
    id: "mapping.filter",
    protects: "no message is deleted unread: SQS loses what a mapping's filter does not match",
    laptop: true,
    subjects: mappings,
    check: (is) => {
      const filters = list(at(is, "FilterCriteria", "Filters"));
      return filters.length === 0 ? [] : [{ expected: "no filter", came: `FilterCriteria ${said(is.FilterCriteria)}` }];
    },
    mend: update("--filter-criteria '{\"Filters\": []}'"),
  }),
];
