import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { instant, messages } from "../../packages/core/message.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { pregao, type Up, up } from "../cli/command.ts";
import { digest } from "../cli/stack.ts";
import { program, runProgram, runPython } from "./python.ts";

/** `pregao up`, and what a person types in another terminal after the lines that it prints. */
let dir: string;
let river: Up;
let env: Record<string, string>;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "clients-"));
  mkdirSync(join(dir, "home"));
  river = await up(join(dir, "state"));
  const { AWS_ENDPOINT_URL, region } = { AWS_ENDPOINT_URL: river.url, region: "sa-east-1" };
  env = {
    ...{ AWS_ENDPOINT_URL, AWS_REGION: region, AWS_DEFAULT_REGION: region },
    ...{ AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" },
    // Nothing of who runs the tests: no profile, no pager.
    ...{ HOME: join(dir, "home"), AWS_PAGER: "", AWS_EC2_METADATA_DISABLED: "true" },
  };
  const sent = await pregao([
    "ingest",
    "bovespa",
    "--file",
    new URL(bovespa.demo!.file).pathname,
    "--wait",
    "--state",
    join(dir, "state"),
    "--json",
  ]);
  expect(sent).toMatchObject({ status: 0 });
}, 180_000);
afterAll(async () => {
  await river?.stop();
  rmSync(dir, { recursive: true, force: true });
});

/** Version 1 of the CLI asks AWS itself for queues, whatever the environment says; see docs/fidelity.md. */
const endpoint = (command: string): string[] => (command.startsWith("sqs ") ? ["--endpoint-url", river.url] : []);

/** A command of the aws CLI: its standard output, as JSON where it is. */
const aws = async <T = Record<string, unknown>>(command: string, ...more: string[]): Promise<T> => {
  const { stdout } = await runProgram(program("aws"), [...endpoint(command), ...command.split(" "), ...more], { env });
  return (/^[[{]/.test(stdout) ? JSON.parse(stdout) : stdout) as T;
};
/** The error's code and operation, as it prints them. */
const refused = async (command: string, ...more: string[]): Promise<string> => {
  const ran = await runProgram(program("aws"), [...endpoint(command), ...command.split(" "), ...more], {
    env,
    mayFail: true,
  });
  expect(ran.code).not.toBe(0);
  return /An error occurred \(([^)]+)\)/.exec(ran.stderr)?.[1] ?? ran.stderr;
};
/** A message of one valid record of a ticker's session in 2024, with a price. */
const messageOf = (ticker: string, preult: string): string => {
  const origin = {
    sha256: digest(ticker),
    version: "2024-11-08",
    scraped_at: instant(Date.parse("2024-11-09T01:11:00Z")),
  };
  const record = { ...bovespa.raw!.sample(ticker, "2024-11-08", 0), preult, premax: "99999999999.99", premin: "0.01" };
  return messages(bovespa, { source: "clients", origin }, { subject: ticker, records: [record] }, digest)[0]!.body;
};

describe("the aws CLI", () => {
  test("sqs: a message sent by hand becomes a row, and a bad one a dead letter", async () => {
    const { QueueUrls } = await aws<{ QueueUrls: string[] }>("sqs list-queues");
    expect(QueueUrls.map((url) => url.split("/").at(-1))).toEqual(
      expect.arrayContaining(["bovespa", "bovespa-dlq", "landed", "landed-dlq"]),
    );
    const url = await aws<string>("sqs get-queue-url --queue-name bovespa --query QueueUrl --output text");
    const body = messageOf("TESTE3", "36.65");
    const sent = await aws<{ MD5OfMessageBody: string }>(
      `sqs send-message --queue-url ${url.trim()} --message-body`,
      body,
    );
    expect(sent.MD5OfMessageBody).toBe(createHash("md5").update(body).digest("hex"));
    writeFileSync(join(dir, "entries.json"), JSON.stringify([{ Id: "a", MessageBody: '{"not":"ours"}' }]));
    await aws(`sqs send-message-batch --queue-url ${url.trim()} --entries file://${join(dir, "entries.json")}`);
    await river.idle();
    const { Messages } = await aws<{ Messages: { Body: string }[] }>(
      `sqs receive-message --queue-url ${url.trim()}-dlq --max-number-of-messages 10 --visibility-timeout 0 --attribute-names All --message-attribute-names All`,
    );
    expect(Messages.map((m) => (JSON.parse(m.Body) as { rejectreason: string }).rejectreason)).toEqual(["envelope"]);
    const { Attributes } = await aws<{ Attributes: Record<string, string> }>(
      `sqs get-queue-attributes --queue-url ${url.trim()} --attribute-names All`,
    );
    expect(Attributes.ApproximateNumberOfMessages).toBe("0");
  });

  test("sqs: a queue of one's own, from its making to its end", async () => {
    const { QueueUrl } = await aws<{ QueueUrl: string }>(
      "sqs create-queue --queue-name mine --attributes VisibilityTimeout=7",
    );
    await aws(
      `sqs send-message --queue-url ${QueueUrl} --message-body olá --message-attributes`,
      '{"a":{"DataType":"String","StringValue":"ç"}}',
    );
    const { Messages } = await aws<{ Messages: { Body: string; ReceiptHandle: string }[] }>(
      `sqs receive-message --queue-url ${QueueUrl} --message-attribute-names All`,
    );
    expect(Messages[0]!.Body).toBe("olá");
    await aws(
      `sqs change-message-visibility --queue-url ${QueueUrl} --visibility-timeout 0 --receipt-handle`,
      Messages[0]!.ReceiptHandle,
    );
    await aws(`sqs purge-queue --queue-url ${QueueUrl}`);
    expect(await aws(`sqs receive-message --queue-url ${QueueUrl}`)).toBe("");
    await aws(`sqs delete-queue --queue-url ${QueueUrl}`);
    expect(await refused(`sqs get-queue-url --queue-name mine`)).toBe("AWS.SimpleQueueService.NonExistentQueue");
  });

  test("s3: copies in and out, in parts, by stream and by folder, and lists what is there", async () => {
    const files = join(dir, "files");
    mkdirSync(join(files, "sub"), { recursive: true });
    const big = randomBytes(20 * 1024 * 1024);
    writeFileSync(join(files, "big.bin"), big);
    writeFileSync(join(files, "sub/a b+c=ç.txt"), "x");
    expect(await aws<string>("s3 mb s3://mine")).toContain("make_bucket: mine");
    await aws(`s3 sync --no-progress ${files} s3://mine/up`);
    await aws(`s3 sync --no-progress s3://mine/up ${join(dir, "down")}`);
    expect(readFileSync(join(dir, "down/big.bin")).equals(big)).toBe(true);
    expect(readFileSync(join(dir, "down/sub/a b+c=ç.txt"), "utf8")).toBe("x");
    await aws("s3 cp --no-progress s3://mine/up/big.bin s3://mine/copy.bin");
    await aws("s3 mv --no-progress s3://mine/copy.bin s3://mine/moved.bin");
    const listed = await aws<string>("s3 ls s3://mine --recursive");
    expect(
      listed
        .trim()
        .split("\n")
        .map((line) => line.slice(31)),
    ).toEqual(["moved.bin", "up/big.bin", "up/sub/a b+c=ç.txt"]);
    expect(await aws<string>("s3 ls s3://mine")).toMatch(/^ +PRE up\/\n.* 20971520 moved\.bin\n$/);
    const url = (await aws<string>("s3 presign s3://mine/moved.bin")).trim();
    expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(big.length);
    expect(await aws<string>("s3 rb --force s3://mine")).toContain("remove_bucket: mine");
    expect(await refused("s3api head-bucket --bucket mine")).toBe("404");
    expect(await aws<string>("s3 ls s3://lake/raw/bovespa/")).toMatch(/^ +PRE ingest_date=\d{4}-\d\d-\d\d\/\n$/m);
  });

  test("s3api: conditions, ranges and pages", async () => {
    writeFileSync(join(dir, "five"), "12345");
    const at = "--bucket lake --key clients/five";
    await aws(`s3api put-object ${at} --if-none-match * --body ${join(dir, "five")}`);
    expect(await refused(`s3api put-object ${at} --if-none-match * --body ${join(dir, "five")}`)).toBe(
      "PreconditionFailed",
    );
    const part = await aws<{ ContentRange: string }>(`s3api get-object ${at} --range bytes=-2 ${join(dir, "two")}`);
    expect([part.ContentRange, readFileSync(join(dir, "two"), "utf8")]).toEqual(["bytes 3-4/5", "45"]);
    expect(await aws(`s3api head-object ${at} --query ContentLength`)).toBe("5\n");
    const keys = await aws<string[]>(
      "s3api list-objects-v2 --bucket lake --prefix refined/ --page-size 2 --query Contents[].Key",
    );
    expect(keys.length).toBeGreaterThan(3);
    expect(keys).toEqual(keys.toSorted());
    await aws(`s3api delete-object ${at}`);
    expect(await refused(`s3api get-object ${at} ${join(dir, "two")}`)).toBe("NoSuchKey");
  });

  test("glue: shows the catalog as the river made it", async () => {
    const names = await aws<string[]>("glue get-tables --database-name bovespa_database --query TableList[].Name");
    expect(names).toEqual(expect.arrayContaining(["bovespa_raw", ...bovespa.tables.map((t) => t.name)]));
    const columns = await aws<{ Name: string; Type: string; Comment: string }[]>(
      "glue get-table --database-name bovespa_database --name bovespa_refined --query Table.StorageDescriptor.Columns",
    );
    expect(columns.find((c) => c.Name === "preco_ultimo")).toMatchObject({ Type: "decimal(18,6)" });
    const partitions = await aws<string[][]>(
      "glue get-partitions --database-name bovespa_database --table-name bovespa_refined --query Partitions[].Values --expression",
      "year = '2024'",
    );
    expect(partitions).toEqual([["2024"]]);
    const runs = await aws<string[]>("glue get-job-runs --job-name refine-bovespa --query JobRuns[].JobRunState");
    expect(new Set(runs)).toEqual(new Set(["SUCCEEDED"]));
    expect(await refused("glue get-table --database-name bovespa_database --name nothing")).toBe(
      "EntityNotFoundException",
    );
  });

  test("athena: asks, waits, and finds the result where it was told to put it", async () => {
    const id = await aws<string>(
      "athena start-query-execution --query-execution-context Database=bovespa_database --result-configuration OutputLocation=s3://results/mine/ --query QueryExecutionId --output text --query-string",
      "SELECT ticker, preco_ultimo, data_pregao, volume_total FROM bovespa_refined WHERE ticker = 'CMIG4'",
    );
    await river.idle();
    const execution = await aws<{
      QueryExecution: { Status: { State: string }; ResultConfiguration: { OutputLocation: string } };
    }>(`athena get-query-execution --query-execution-id ${id.trim()}`);
    expect(execution.QueryExecution.Status.State).toBe("SUCCEEDED");
    const { ResultSet } = await aws<{ ResultSet: { Rows: { Data: { VarCharValue?: string }[] }[] } }>(
      `athena get-query-results --query-execution-id ${id.trim()}`,
    );
    expect(ResultSet.Rows.map((row) => row.Data.map((cell) => cell.VarCharValue))).toEqual([
      ["ticker", "preco_ultimo", "data_pregao", "volume_total"],
      ["CMIG4", "11.290000", "2024-11-08", "153553672.00"],
    ]);
    const location = execution.QueryExecution.ResultConfiguration.OutputLocation;
    expect(location).toBe(`s3://results/mine/${id.trim()}.csv`);
    expect(await aws<string>(`s3 cp ${location} -`)).toContain('"CMIG4","11.290000","2024-11-08","153553672.00"\n');
    const bad = await aws<string>(
      "athena start-query-execution --query-execution-context Database=bovespa_database --result-configuration OutputLocation=s3://results/mine/ --query QueryExecutionId --output text --query-string",
      "SELECT nothing FROM bovespa_refined",
    );
    await river.idle();
    const reason = await aws<string>(
      `athena get-query-execution --output text --query QueryExecution.Status.StateChangeReason --query-execution-id ${bad.trim()}`,
    );
    expect(reason).toMatch(/line 1:8/);
  });

  test("firehose: records put by hand are delivered", async () => {
    expect(await aws("firehose list-delivery-streams --query DeliveryStreamNames")).toEqual(
      datasets.filter(({ raw }) => raw).map(({ name }) => name),
    );
    const status = "DeliveryStreamDescription.DeliveryStreamStatus";
    expect(
      await aws<string>(
        `firehose describe-delivery-stream --delivery-stream-name bovespa --output text --query ${status}`,
      ),
    ).toBe("ACTIVE\n");
    await aws("firehose put-record --delivery-stream-name bovespa --record", JSON.stringify({ Data: "{not json" }));
    const batch = JSON.stringify([{ Data: "[]" }, { Data: "7" }]);
    const answer = await aws<{ FailedPutCount: number }>(
      "firehose put-record-batch --delivery-stream-name bovespa --records",
      batch,
    );
    expect(answer.FailedPutCount).toBe(0);
    await river.idle();
    // What Firehose cannot convert is under its error prefix, and salvaged from there into the dead letters.
    expect(await aws<string>("s3 ls s3://lake/errors/bovespa/ --recursive")).toContain("format-conversion-failed");
  });

  test("lambda and cloudwatch: a function is called, and an age is told", async () => {
    const out = join(dir, "out.json");
    const called = await aws<{ StatusCode: number }>(
      `lambda invoke --function-name advance --payload {"datasets":["bovespa"]} ${out}`,
    );
    expect(called).toMatchObject({ StatusCode: 200 });
    expect(called).not.toHaveProperty("FunctionError");
    const metrics = [
      {
        Id: "age",
        MetricStat: {
          Metric: {
            Namespace: "AWS/SQS",
            MetricName: "ApproximateAgeOfOldestMessage",
            Dimensions: [{ Name: "QueueName", Value: "bovespa" }],
          },
          Period: 60,
          Stat: "Maximum",
        },
      },
    ];
    const [from, to] = [Date.now() - 300_000, Date.now() + 60_000].map((at) => new Date(at).toISOString());
    const told = await aws<{ MetricDataResults: { Values: number[] }[] }>(
      `cloudwatch get-metric-data --start-time ${from} --end-time ${to} --metric-data-queries`,
      JSON.stringify(metrics),
    );
    expect(told.MetricDataResults[0]!.Values).toEqual([0]);
  });
});

test("boto3, pandas and pyarrow see what the river holds, and what they send arrives", async () => {
  const { stdout } = await runPython(
    join(import.meta.dirname, "clients.py"),
    [messageOf("TESTE11", "12345678901.23")],
    { env },
  );
  const found = JSON.parse(stdout) as Record<string, unknown> & {
    types: Record<string, string>;
    schema: Record<string, string>;
  };
  expect(found).toMatchObject({
    sent: ["bad", "good"],
    "md5 is right": true,
    "refined files": true,
    multipart: true,
    metadata: { who: "boto3" },
    presigned: "1",
    deleted: 2,
    partition: ["2024"],
    rows: [
      ["ticker", "preco_ultimo", "data_pregao"],
      ["TESTE11", "12345678901.230000", "2024-11-08"],
    ],
    failed: "FAILED",
    csv: [{ ticker: "TESTE11", preco_ultimo: "12345678901.230000", data_pregao: "2024-11-08" }],
    dataset: ["12345678901.230000"],
    written: true,
  });
  expect(found.letters).toBeGreaterThan(0);
  // What the catalog declares is what is in the files.
  const arrow = (type: string): string =>
    type.startsWith("decimal")
      ? type.replace("decimal", "decimal128").replace(",", ", ")
      : ({ int: "int32", bigint: "int64", boolean: "bool", date: "date32[day]", timestamp: "timestamp[us]" }[type] ??
        type);
  expect(found.schema).toEqual(
    Object.fromEntries(Object.entries(found.types).map(([name, type]) => [name, arrow(type)])),
  );
});
