import { type AthenaClient, GetWorkGroupCommand, ListWorkGroupsCommand } from "@aws-sdk/client-athena";
import { ListDeliveryStreamsCommand } from "@aws-sdk/client-firehose";
import { GetDatabasesCommand, GetJobCommand, GetTablesCommand, ListJobsCommand } from "@aws-sdk/client-glue";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, ListQueuesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { queueUrl } from "../../packages/aws/queues.ts";
import { bucket, resource, workgroup } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { type Deployed, deployed, prova } from "../cli/stage.fixture.ts";

let river: Deployed;
let aws: Aws;
beforeAll(async () => {
  river = await deployed();
  aws = connect(prova, { AWS_ENDPOINT_URL: river.stack.url });
});
afterAll(async () => {
  aws.close();
  await river.close();
});

const declared = topology(catalogueOf(prova), prova.pace);
const named = (names: readonly { name: string }[]) => names.map(({ name }) => resource(prova, name)).sort();

test("a stack that was started for another stage has nothing under a laptop's bare names", async () => {
  const { QueueUrls = [] } = await aws.sqs.send(new ListQueuesCommand({}));
  expect(QueueUrls.map((url) => url.split("/").at(-1)).sort()).toEqual(named(declared.queues));
  expect(QueueUrls.every((url) => url.includes(`/${prova.account}/`))).toBe(true);
  const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand({}));
  expect(Buckets.map(({ Name }) => Name).sort()).toEqual(declared.buckets.map((name) => bucket(prova, name)).sort());
  const { DeliveryStreamNames = [] } = await aws.firehose.send(new ListDeliveryStreamsCommand({}));
  expect([...DeliveryStreamNames].sort()).toEqual(named(declared.streams));
  const { JobNames = [] } = await aws.glue.send(new ListJobsCommand({}));
  expect([...JobNames].sort()).toEqual(named(declared.jobs));
  const { DatabaseList = [] } = await aws.glue.send(new GetDatabasesCommand({}));
  expect(DatabaseList.map(({ Name }) => Name).sort()).toEqual(declared.databases.map(({ name }) => name).sort());
  expect(DatabaseList.every(({ Name }) => Name?.endsWith("_prova"))).toBe(true);
});

test("what one thing says of another is under the stage's names, too", async () => {
  for (const { name, deadLetter } of declared.queues.filter((queue) => queue.deadLetter)) {
    const { Attributes } = await aws.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl(aws, name), AttributeNames: ["All"] }),
    );
    expect(Attributes?.QueueArn).toBe(`arn:aws:sqs:sa-east-1:123456789012:${resource(prova, name)}`);
    expect(JSON.parse(Attributes?.RedrivePolicy ?? "{}")).toMatchObject({
      deadLetterTargetArn: `arn:aws:sqs:sa-east-1:123456789012:${resource(prova, deadLetter!.queue)}`,
    });
  }
  for (const { name } of declared.databases) {
    const { TableList = [] } = await aws.glue.send(new GetTablesCommand({ DatabaseName: name }));
    const places = TableList.flatMap((table) => table.StorageDescriptor?.Location || []);
    expect(places.filter((place) => !place.startsWith(`s3://${bucket(prova, "lake")}/`))).toEqual([]);
  }
  for (const { name } of declared.jobs) {
    const { Job } = await aws.glue.send(new GetJobCommand({ JobName: resource(prova, name) }));
    expect(Job?.Command?.ScriptLocation).toContain(`s3://${bucket(prova, "state")}/`);
    expect(Job?.Role).toContain(prova.account);
  }
});

test("Athena's one workgroup is the stage's, and primary is none", async () => {
  const athena: AthenaClient = aws.athena;
  const { WorkGroups = [] } = await athena.send(new ListWorkGroupsCommand({}));
  expect(WorkGroups.map(({ Name }) => Name)).toEqual([workgroup(prova)]);
  await expect(athena.send(new GetWorkGroupCommand({ WorkGroup: "primary" }))).rejects.toThrow(/primary is not found/);
});

test("a function is invoked by its physical name or ARN, and a bare one is none", async () => {
  const invoke = async (name: string) => {
    const answer = await fetch(`${river.stack.url}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, {
      method: "POST",
      headers: { "x-amz-invocation-type": "DryRun" },
      body: "{}",
    });
    return answer.status;
  };
  const name = resource(prova, declared.functions[0]!.name);
  expect(await invoke(name)).toBe(204);
  expect(await invoke(`arn:aws:lambda:sa-east-1:123456789012:function:${name}`)).toBe(204);
  expect(await invoke(declared.functions[0]!.name)).toBe(404);
});
