import { z } from "zod";
import { scheduleExpression } from "../../core/cron.ts";
import { bucket, environment, queueArn, resource, type Stage } from "../../core/stage.ts";
import type { Topology } from "../../core/topology.ts";
import { AwsError, type JsonService, type Operation } from "../service.ts";

type Properties = Record<string, unknown>;
type Resources = Record<string, () => Properties | Promise<Properties>>;

const asked = z.looseObject({ TypeName: z.string(), Identifier: z.string() });
const listed = z.looseObject({ TypeName: z.string() });

/** The object that a member of an answer is. */
const part = (value: unknown, ...path: (string | number)[]): Properties =>
  path.reduce<unknown>((now, key) => (now as Record<string | number, unknown> | undefined)?.[key], value) as Properties;

/**
 * Cloud Control's two reads, of what this stack has and in CloudFormation's shapes: queues, streams and jobs as their
 * services say they are; functions, mappings, notifications, clocks and the rule of job events as the topology that the
 * stack was started with has them. Types that a laptop has none of are `TypeNotFoundException`.
 */
export const cloudControl = (deps: {
  stage: Stage;
  topology: Topology;
  /** The services' own operations. */
  sqs: JsonService;
  firehose: JsonService;
  glue: JsonService;
}): { service: JsonService } => {
  const { stage, topology } = deps;
  const name = (logical: string): string => resource(stage, logical);
  const arn = (service: string, rest: string): string => `arn:aws:${service}:${stage.region}:${stage.account}:${rest}`;
  const functionArn = (logical: string): string => arn("lambda", `function:${name(logical)}`);
  const call = async (service: JsonService, operation: string, input: unknown): Promise<unknown> =>
    (service.operations[operation] as Operation)(input as never, { signal: new AbortController().signal });
  const of = <T>(all: readonly T[], identifier: (one: T) => string, read: (one: T) => ReturnType<Resources[string]>) =>
    Object.fromEntries(all.map((one) => [identifier(one), () => read(one)]));

  const types: Record<string, Resources> = {
    "AWS::SQS::Queue": of(
      topology.queues,
      (queue) => name(queue.name),
      async (queue) => {
        const { QueueUrl } = (await call(deps.sqs, "GetQueueUrl", { QueueName: name(queue.name) })) as {
          QueueUrl: string;
        };
        const { Attributes } = (await call(deps.sqs, "GetQueueAttributes", {
          QueueUrl,
          AttributeNames: ["All"],
        })) as { Attributes: Record<string, string> };
        const { RedrivePolicy, VisibilityTimeout, MessageRetentionPeriod } = Attributes;
        return {
          ...{ QueueName: name(queue.name), Arn: queueArn(stage, queue.name) },
          ...{ VisibilityTimeout: Number(VisibilityTimeout), MessageRetentionPeriod: Number(MessageRetentionPeriod) },
          ...(RedrivePolicy ? { RedrivePolicy: JSON.parse(RedrivePolicy) } : {}),
        };
      },
    ),
    "AWS::S3::Bucket": of(
      topology.buckets,
      (logical) => bucket(stage, logical),
      (logical) => {
        const told = topology.notices.filter((notice) => notice.bucket === logical);
        const each = (kind: "queue" | "function", target: (to: string) => Properties) =>
          told.flatMap(({ to, prefix, suffix }) =>
            kind in to
              ? [
                  {
                    Event: "s3:ObjectCreated:*",
                    ...target((to as Record<typeof kind, string>)[kind]),
                    Filter: {
                      S3Key: {
                        Rules: [
                          { Name: "prefix", Value: prefix },
                          { Name: "suffix", Value: suffix },
                        ],
                      },
                    },
                  },
                ]
              : [],
          );
        return {
          BucketName: bucket(stage, logical),
          NotificationConfiguration: {
            QueueConfigurations: each("queue", (to) => ({ Queue: queueArn(stage, to) })),
            LambdaConfigurations: each("function", (to) => ({ Function: functionArn(to) })),
          },
        };
      },
    ),
    "AWS::Lambda::Function": of(
      topology.functions,
      (one) => name(one.name),
      (one) => ({
        ...{ FunctionName: name(one.name), Arn: functionArn(one.name) },
        ...{ Timeout: one.timeout, MemorySize: one.memory, Environment: { Variables: environment(stage) } },
      }),
    ),
    "AWS::Lambda::EventSourceMapping": of(
      topology.mappings,
      (mapping) => mapping.queue,
      (mapping) => ({
        ...{ Id: mapping.queue, Enabled: true, EventSourceArn: queueArn(stage, mapping.queue) },
        ...{ FunctionName: functionArn(mapping.function), FunctionResponseTypes: ["ReportBatchItemFailures"] },
        ...{ BatchSize: mapping.batch, MaximumBatchingWindowInSeconds: mapping.window },
        ScalingConfig: { MaximumConcurrency: mapping.concurrency },
      }),
    ),
    "AWS::KinesisFirehose::DeliveryStream": of(
      topology.streams,
      (stream) => name(stream.name),
      async (stream) => {
        const DeliveryStreamName = name(stream.name);
        const answer = await call(deps.firehose, "DescribeDeliveryStream", { DeliveryStreamName });
        return {
          DeliveryStreamName,
          ExtendedS3DestinationConfiguration: part(
            part(answer, "DeliveryStreamDescription", "Destinations", 0),
            "ExtendedS3DestinationDescription",
          ),
        };
      },
    ),
    "AWS::Glue::Job": of(
      topology.jobs,
      (job) => name(job.name),
      async (job) => part(await call(deps.glue, "GetJob", { JobName: name(job.name) }), "Job"),
    ),
    "AWS::Scheduler::Schedule": of(
      topology.clocks,
      (clock) => name(clock.name),
      (clock) => ({
        ...{ Name: name(clock.name), State: "ENABLED" },
        ...{ ScheduleExpression: scheduleExpression(clock.cron), ScheduleExpressionTimezone: clock.zone },
        Target: { Arn: functionArn(clock.function), Input: JSON.stringify(clock.input) },
      }),
    ),
    "AWS::Events::Rule": of(
      [...new Set(topology.jobs.map((job) => job.events))],
      (queue) => arn("events", `rule/${name(`jobs-to-${queue}`)}`),
      (queue) => ({
        ...{ Name: name(`jobs-to-${queue}`), State: "ENABLED" },
        EventPattern: {
          ...{ source: ["aws.glue"], "detail-type": ["Glue Job State Change"] },
          detail: { jobName: topology.jobs.filter((job) => job.events === queue).map((job) => name(job.name)) },
        },
        Targets: [{ Id: queue, Arn: queueArn(stage, queue) }],
      }),
    ),
  };

  const resourcesOf = (type: string): Resources => {
    const resources = types[type];
    if (!resources) throw new AwsError("TypeNotFoundException", `The type '${type}' cannot be found.`, 404);
    return resources;
  };

  const operations = {
    GetResource: async (input: unknown) => {
      const { success, data } = asked.safeParse(input);
      if (!success) throw new AwsError("ValidationException", "expected TypeName and Identifier");
      const { TypeName, Identifier } = data;
      // A queue is named by its URL, of whichever endpoint.
      const read = resourcesOf(TypeName)[TypeName === "AWS::SQS::Queue" ? Identifier.replace(/^.*\//, "") : Identifier];
      if (!read)
        throw new AwsError(
          "ResourceNotFoundException",
          `Resource of type '${TypeName}' with identifier '${Identifier}' was not found.`,
          404,
        );
      return { TypeName, ResourceDescription: { Identifier, Properties: JSON.stringify(await read()) } };
    },
    ListResources: (input: unknown) => {
      const { success, data } = listed.safeParse(input);
      if (!success) throw new AwsError("ValidationException", "expected TypeName");
      return {
        TypeName: data.TypeName,
        ResourceDescriptions: Object.keys(resourcesOf(data.TypeName)).map((Identifier) => ({ Identifier })),
      };
    },
  };
  return { service: { target: "CloudApiService", version: "1.0", operations } };
};
