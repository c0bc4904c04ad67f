import { CloudControlClient, GetResourceCommand, ListResourcesCommand } from "@aws-sdk/client-cloudcontrol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { laptop } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { openRiver, type TestRiver } from "../cli/stack.ts";

let river: TestRiver;
let client: CloudControlClient;
const declared = topology(datasets, laptop().pace);
beforeAll(async () => {
  river = await openRiver({ still: true, topology: (built) => ({ ...built, clocks: declared.clocks }) });
  client = new CloudControlClient({
    ...{ endpoint: river.stack.url, region: "sa-east-1", maxAttempts: 1 },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
});
afterAll(async () => {
  client.destroy();
  await river.close();
});

const get = async (TypeName: string, Identifier: string): Promise<Record<string, unknown>> => {
  const { ResourceDescription } = await client.send(new GetResourceCommand({ TypeName, Identifier }));
  expect(ResourceDescription?.Identifier).toBe(Identifier);
  return JSON.parse(ResourceDescription?.Properties ?? "") as Record<string, unknown>;
};
const identifiers = async (TypeName: string): Promise<(string | undefined)[]> =>
  (await client.send(new ListResourcesCommand({ TypeName }))).ResourceDescriptions?.map((one) => one.Identifier) ?? [];

test("each resource of each type that is listed can be read", async () => {
  for (const type of [
    ...["AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"],
    ...["AWS::KinesisFirehose::DeliveryStream", "AWS::Glue::Job", "AWS::Scheduler::Schedule", "AWS::Events::Rule"],
  ]) {
    const all = await identifiers(type);
    expect(all.length, type).toBeGreaterThan(0);
    for (const id of all) expect(Object.keys(await get(type, id ?? "")).length, `${type} ${id}`).toBeGreaterThan(1);
  }
});

test("a queue says what it is now, by its URL of any endpoint, not what it was declared to be", async () => {
  const { SetQueueAttributesCommand } = await import("@aws-sdk/client-sqs");
  const url = "https://sqs.sa-east-1.amazonaws.com/000000000000/landed";
  expect(await get("AWS::SQS::Queue", url)).toMatchObject({
    ...{ QueueName: "landed", MessageRetentionPeriod: 1_209_600 },
    RedrivePolicy: { deadLetterTargetArn: "arn:aws:sqs:sa-east-1:000000000000:landed-dlq", maxReceiveCount: 100 },
  });
  await river.aws.sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: `${river.stack.url}/000000000000/landed`,
      Attributes: { VisibilityTimeout: "7" },
    }),
  );
  expect(await get("AWS::SQS::Queue", url)).toMatchObject({ VisibilityTimeout: 7 });
});

test("a stream and a job are in CloudFormation's shape, as their services give them", async () => {
  const [stream] = declared.streams;
  const [job] = declared.jobs;
  expect(await get("AWS::KinesisFirehose::DeliveryStream", stream!.name)).toMatchObject({
    ExtendedS3DestinationConfiguration: {
      ...{ BucketARN: "arn:aws:s3:::lake", Prefix: stream!.prefix, ErrorOutputPrefix: stream!.errors },
      DataFormatConversionConfiguration: { Enabled: true, SchemaConfiguration: { TableName: stream!.table } },
    },
  });
  expect(await get("AWS::Glue::Job", job!.name)).toMatchObject({
    ...{ GlueVersion: "5.1", MaxRetries: 0, ExecutionProperty: { MaxConcurrentRuns: 1 } },
    DefaultArguments: { "--dataset": job!.dataset },
  });
});

test("what a laptop has none of is no type; what is not there is not found", async () => {
  await expect(get("AWS::IAM::Role", "x")).rejects.toMatchObject({ name: "TypeNotFoundException" });
  await expect(identifiers("AWS::KMS::Key")).rejects.toMatchObject({ name: "TypeNotFoundException" });
  await expect(get("AWS::SQS::Queue", "https://x/y")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});
