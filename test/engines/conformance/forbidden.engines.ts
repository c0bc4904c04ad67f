import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runPython } from "../python.ts";
import { isNamed, statedBy } from "./errors.ts";
import { local } from "./local.ts";
import { operations } from "./page.ts";
import { sdk } from "./sdk.ts";

type Answer = { call: string; what: string; status: number; code: string | null };

let answers: Answer[];
const stops: (() => Promise<void>)[] = [];

/** What exists, so that a request is refused for what is wrong with it, and not because nothing is there. */
const furnish = async (url: string) => {
  const client = sdk(url, "sa-east-1");
  const made = async (service: string, operation: string, input: Parameters<typeof client.call>[2]) => {
    const outcome = await client.call(service, operation, input);
    if (!outcome.ok) throw new Error(`${operation}: ${outcome.message}`);
    return outcome.output as Record<string, string>;
  };
  const { QueueUrl } = await made("sqs", "CreateQueue", { QueueName: "q" });
  await made("glue", "CreateDatabase", { DatabaseInput: { Name: "db" } });
  await made("glue", "CreateTable", {
    DatabaseName: "db",
    TableInput: { Name: "t", PartitionKeys: [{ Name: "k", Type: "string" }], StorageDescriptor: {} },
  });
  await made("glue", "CreateJob", {
    Name: "j",
    Role: "r",
    Command: { Name: "glueetl" },
    ExecutionProperty: { MaxConcurrentRuns: 1000 },
  });
  await client.stop();
  const values = { PartitionValues: ["k1"], PartitionValueList: ["k1"] };
  return {
    sqs: { QueueUrl: QueueUrl!, DeleteQueue: { QueueUrl: `${QueueUrl}-none` } },
    firehose: { DeliveryStreamName: "s" },
    glue: {
      ...{ DatabaseName: "db", TableName: "t", JobName: "j", ...values },
      ...{ GetDatabase: { Name: "db" }, UpdateDatabase: { Name: "db" }, GetTable: { Name: "t" } },
    },
    athena: { CatalogName: "AwsDataCatalog", WorkGroup: "primary" },
    cloudwatch: {},
    cloudwatchlogs: {},
    cloudcontrol: { TypeName: "AWS::S3::Bucket", Identifier: "results" },
    ssm: { GetParameter: { Name: "/pregao/local/stage" } },
  };
};

beforeAll(async () => {
  const ours = await local();
  stops.push(ours.stop);
  const asked = Object.entries(await furnish(ours.url)).map(([service, given]) => {
    const names = operations.filter((call) => call.startsWith(`${service}.`)).map((call) => call.split(".")[1]);
    return [service, { operations: names, given }];
  });
  const script = join(import.meta.dirname, "forbidden.py");
  const { stdout } = await runPython(script, [ours.url], { input: JSON.stringify(Object.fromEntries(asked)) });
  answers = JSON.parse(stdout) as Answer[];
});
afterAll(async () => {
  for (const stop of stops) await stop();
});

test("what AWS's model forbids never brings packages/local down: no answer is a 5xx", () => {
  expect(answers.length).toBeGreaterThan(2500);
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
});

test("what AWS's model forbids is refused by names that AWS has", () => {
  const refused = answers.filter(({ status }) => status !== 200);
  const unknown = refused.filter(
    ({ call, code, status }) => !isNamed(call, code!, status) && statedBy(call, code!) !== status,
  );
  expect(unknown).toEqual([]);
});

test("no operation does without a member that AWS's model requires, but for those that answer one thing whatever is asked", () => {
  const taken = answers.filter(({ what, status }) => status === 200 && /^\w+: missing$/.test(what));
  expect(
    taken.map(({ call, what }) => `${call} ${what}`).filter((text) => !/Statistics|UserDefined/.test(text)),
  ).toEqual([]);
});
