import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateDeliveryStreamCommand,
  type CreateDeliveryStreamCommandInput,
  DeleteDeliveryStreamCommand,
  DescribeDeliveryStreamCommand,
  FirehoseClient,
  ListDeliveryStreamsCommand,
  ListTagsForDeliveryStreamCommand,
  PutRecordBatchCommand,
  PutRecordCommand,
  TagDeliveryStreamCommand,
  UntagDeliveryStreamCommand,
  UpdateDestinationCommand,
} from "@aws-sdk/client-firehose";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { literal, openSession } from "../../packages/engines/duckdb/session.ts";
import { cleanUp, columns, line, openStack, type Stack, type StoredObject, spec } from "./firehose-stack.ts";

let dir: string;
let open: Stack[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "firehose-"));
  open = [];
});
afterEach(async () => {
  for (const stack of open) if (stack.state.db.isOpen) await stack.stop();
  cleanUp(dir);
});

const start = async (options: Parameters<typeof openStack>[1] = {}, stream = spec()): Promise<Stack> => {
  const stack = await openStack(dir, options);
  open.push(stack);
  stack.tables.set("db.quotes_raw", columns);
  stack.service.create(stream, "lake");
  return stack;
};
const data = (text: string) => ({ Data: Buffer.from(text) });
const put = (stack: Stack, ...texts: string[]) =>
  stack.client.send(new PutRecordBatchCommand({ DeliveryStreamName: "quotes", Records: texts.map(data) }));
const parquet = (objects: StoredObject[]) => objects.filter((object) => object.key.endsWith(".parquet"));
const errors = (objects: StoredObject[]) => objects.filter((object) => object.key.startsWith("errors/"));
const rowsOf = async (objects: StoredObject[]) => {
  const rows: Record<string, unknown>[] = [];
  for (const { path } of parquet(objects))
    rows.push(...(await parquetReadObjects({ file: await asyncBufferFromFile(path) })));
  return rows;
};
const tickers = async (stack: Stack) => (await rowsOf(stack.objects())).map((row) => row.ticker).sort();

describe("a delivery", () => {
  test("is one Parquet object under the UTC day of its oldest record, with the table's types, for DuckDB and others", async () => {
    let clock = Date.parse("2024-11-08T23:59:59.500Z");
    const stack = await start({ now: () => clock }, spec({ seconds: 900 }));
    await put(stack, line(1, { unknown: 1 }), line(2) + line(3, { quatot: "9007199254740993", OTHER: 9 }));
    clock += 901_000; // the next day
    await put(stack, line(4, { totneg: null }));
    await stack.quiet();
    const [object, ...others] = stack.objects();
    expect(others).toEqual([]);
    expect(stack.notices.map(decodeURIComponent)).toEqual([object!.key]);
    expect(object!.key).toMatch(
      /^raw\/quotes\/ingest_date=2024-11-08\/quotes-1-2024-11-08-23-59-59-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.parquet$/,
    );
    const rows = await rowsOf([object!]);
    expect(rows.map((row) => row.ticker)).toEqual(["T1", "T2", "T3", "T4"]);
    expect(rows[2]).toEqual({
      ticker: "T3",
      totneg: 3,
      quatot: 9007199254740993n,
      scraped_at: new Date("2024-11-08T22:11:00.123Z"),
    });
    expect(rows[3]!.totneg).toBeNull();
    const session = await openSession({ scratch: join(dir, "scratch") });
    expect(await session.rows(`SELECT count(*) AS n, sum(quatot) AS q FROM ${literal(object!.path)}`)).toEqual([
      { n: "4", q: "9007199254741000" },
    ]);
    session.close();
  });

  test("waits for its seconds or its size, whichever comes first", async () => {
    const stack = await start({}, spec({ seconds: 900, mib: 1 }));
    await put(stack, line(1));
    expect(stack.service.busy()).toBe(true);
    const big = line(2, { filler: "x".repeat(1_000_000) });
    await put(stack, big);
    expect(stack.objects()).toEqual([]);
    await put(stack, line(3, { filler: "x".repeat(100_000) }));
    // Full: the records up to the size are delivered, what is left waits for its own time.
    await stack.until(() => stack.objects().length === 1);
    expect(await tickers(stack)).toEqual(["T1", "T2"]);
    expect(stack.service.busy()).toBe(true);
  });

  test("takes the columns that the table has now, not those of when the stream was made", async () => {
    const stack = await start();
    stack.tables.set("db.quotes_raw", [{ name: "totneg", type: "bigint" }]);
    await put(stack, line(7));
    await stack.quiet();
    expect(await rowsOf(stack.objects())).toEqual([{ totneg: 7n }]);
  });

  test("leaves nothing in its folder for temporary files", async () => {
    const stack = await start();
    await put(stack, line(1), "[]", line(2).repeat(2000));
    await stack.quiet();
    expect(readdirSync(join(dir, "firehose")).filter((name) => !name.startsWith("duckdb-"))).toEqual([]);
  });
});

describe("what cannot be converted", () => {
  test("is in an error object in Amazon's shape, whole, and its neighbours are delivered", async () => {
    const stack = await start({ now: () => Date.parse("2024-11-08T22:11:00Z") });
    const bad = line(2) + line(3, { totneg: "many" });
    const answer = await put(stack, line(1), bad, "{oops", line(4));
    expect(answer.FailedPutCount).toBe(0);
    await stack.quiet();
    expect(await tickers(stack)).toEqual(["T1", "T4"]);
    const [object, ...others] = errors(stack.objects());
    expect(others).toEqual([]);
    expect(object!.key).toMatch(
      /^errors\/quotes\/format-conversion-failed\/quotes-1-2024-11-08-22-11-00-[0-9a-f-]{36}$/,
    );
    const lines = readFileSync(object!.path, "utf8")
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toEqual({
      attemptsMade: 1,
      arrivalTimestamp: Date.parse("2024-11-08T22:11:00Z"),
      lastErrorCode: "DataFormatConversion.MalformedData",
      lastErrorMessage: 'Data does not match the schema. Column totneg is int, came "many"',
      attemptEndingTimestamp: Date.parse("2024-11-08T22:11:00Z"),
      rawData: Buffer.from(bad).toString("base64"),
      sequenceNumber: expect.stringMatching(/^\d{20}$/),
      subSequenceNumber: null,
      dataCatalogTable: {
        catalogId: null,
        databaseName: "db",
        tableName: "quotes_raw",
        region: "sa-east-1",
        versionId: "LATEST",
        catalogArn: null,
      },
    });
    expect(lines[1]).toMatchObject({
      lastErrorCode: "DataFormatConversion.ParseError",
      rawData: Buffer.from("{oops").toString("base64"),
    });
  });

  test("alone makes no Parquet object", async () => {
    const stack = await start();
    await put(stack, "[]");
    await stack.quiet();
    expect(parquet(stack.objects())).toEqual([]);
    expect(errors(stack.objects())).toHaveLength(1);
  });
});

describe("what was acknowledged", () => {
  test("survives a restart, and is delivered without anybody asking", async () => {
    const first = await start({}, spec({ seconds: 900 }));
    await put(first, line(1), line(2));
    await first.stop();
    const second = await openStack(dir);
    open.push(second);
    second.tables.set("db.quotes_raw", columns);
    expect(second.objects()).toEqual([]);
    second.service.create(spec(), "lake");
    await second.quiet();
    expect(await tickers(second)).toEqual(["T1", "T2"]);
  });

  test.each(["before", "inside", "after"] as const)(
    "is neither lost nor doubled when the process dies %s the transaction that makes an object",
    async (moment) => {
      let armed = true;
      const dead = Promise.withResolvers<void>();
      const first = await start({
        fault: (at) => {
          if (!armed || at !== moment) return;
          armed = false;
          void first.kill().then(dead.resolve);
          throw new Error("killed");
        },
      });
      await put(first, line(1), "[]", line(2)).catch(() => undefined);
      await dead.promise;
      const second = await start();
      await second.quiet();
      expect(await tickers(second)).toEqual(["T1", "T2"]);
      const lines = errors(second.objects()).flatMap((object) =>
        readFileSync(object.path, "utf8").trimEnd().split("\n"),
      );
      expect(lines).toHaveLength(1);
    },
  );

  test("survives kill -9 right after the answer, and comes once", async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "firehose-child.ts"), dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [first] = (await once(child.stdout!, "data")) as [Buffer];
    const client = new FirehoseClient({
      endpoint: String(first).trim(),
      region: "sa-east-1",
      credentials: { accessKeyId: "x", secretAccessKey: "x" },
      maxAttempts: 1,
    });
    const acknowledged: string[] = [];
    const sent: string[] = [];
    const exited = once(child, "exit");
    for (let i = 0; child.exitCode === null && child.signalCode === null; i++) {
      const ids = Array.from({ length: 20 }, (_, j) => i * 20 + j);
      sent.push(...ids.map((id) => `T${id}`));
      const call = client.send(
        new PutRecordBatchCommand({ DeliveryStreamName: "quotes", Records: ids.map((id) => data(line(id))) }),
      );
      // In the middle of a call, while a delivery is under way.
      if (i === 30) void setImmediate(() => child.kill("SIGKILL"));
      const taken = await call.then(
        () => true,
        () => false,
      );
      if (taken) acknowledged.push(...ids.map((id) => `T${id}`));
      else break;
    }
    client.destroy();
    await exited;
    expect(acknowledged.length).toBeGreaterThanOrEqual(600);
    const stack = await start();
    await stack.quiet();
    const found = await tickers(stack);
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining(acknowledged));
    expect(found.filter((ticker) => !sent.includes(ticker as string))).toEqual([]);
  });

  test("is tried again when a delivery fails, and only once more than it failed", async () => {
    let left = 2;
    const stack = await start({
      fault: (at, key) => {
        if (at === (left === 2 ? "before" : "inside") && key.endsWith(".parquet") && left-- > 0)
          throw new Error("no room");
      },
    });
    await put(stack, line(1));
    await stack.quiet();
    expect(await tickers(stack)).toEqual(["T1"]);
    expect(stack.failures.map(String)).toEqual(["Error: no room", "Error: no room"]);
  });

  test("waits for a table that is not there yet, instead of becoming errors", async () => {
    const stack = await start();
    const table = stack.tables.get("db.quotes_raw")!;
    stack.tables.clear();
    await put(stack, line(1));
    await stack.until(() => stack.failures.length > 0);
    stack.tables.set("db.quotes_raw", table);
    await stack.quiet();
    expect(await tickers(stack)).toEqual(["T1"]);
    expect(errors(stack.objects())).toEqual([]);
  });

  test("by many callers at once is delivered once each", async () => {
    const stack = await start();
    const calls = Array.from({ length: 40 }, (_, i) =>
      put(stack, ...Array.from({ length: 25 }, (_, j) => line(i * 25 + j))),
    );
    const answers = await Promise.all(calls);
    expect(new Set(answers.flatMap((a) => a.RequestResponses!.map((r) => r.RecordId))).size).toBe(1000);
    await stack.quiet();
    const found = await tickers(stack);
    expect(found).toHaveLength(1000);
    expect(new Set(found).size).toBe(1000);
    expect(stack.state.db.prepare("SELECT count(*) AS n FROM firehose_records").get()).toEqual({ n: 0 });
  });
});

describe("Amazon's limits", () => {
  const name = (error: string) => expect.objectContaining({ name: error });

  test("501 records, a record over 1,000 KiB and more than 4 MiB are refused whole, what is just below is taken", async () => {
    const stack = await start({}, spec({ seconds: 900 }));
    await expect(put(stack, ...Array(501).fill("{}"))).rejects.toEqual(name("ValidationException"));
    await expect(put(stack, "x".repeat(1_024_001))).rejects.toThrow(/less than or equal to 1024000/);
    await expect(put(stack, ...Array(4).fill("x".repeat(1_024_000)), "x".repeat(98_305))).rejects.toThrow(
      "Records size exceeds 4 MB limit",
    );
    await expect(put(stack)).rejects.toEqual(name("ValidationException"));
    expect(stack.service.busy()).toBe(false);
    await put(stack, ...Array(500).fill("{}"));
    await put(stack, ...Array(4).fill("x".repeat(1_024_000)), "x".repeat(98_304));
    expect(stack.state.db.prepare("SELECT count(*) AS n FROM firehose_records").get()).toEqual({ n: 505 });
  });

  test("a stream that is not there", async () => {
    const stack = await start();
    await expect(
      stack.client.send(new PutRecordCommand({ DeliveryStreamName: "nobody", Record: data("{}") })),
    ).rejects.toEqual(name("ResourceNotFoundException"));
    await expect(
      stack.client.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: "nobody" })),
    ).rejects.toEqual(name("ResourceNotFoundException"));
  });

  test("data that is no base64 is refused, not cut short", async () => {
    const stack = await start();
    const operation = stack.service.service.operations.PutRecord as (input: unknown) => unknown;
    for (const Data of ["e30", "e3!=", "e30=\n===", 7])
      expect(() => operation({ DeliveryStreamName: "quotes", Record: { Data } })).toThrow(/base64/);
    expect(() => operation({ DeliveryStreamName: "quotes", Record: {} })).toThrow(/not be null/);
  });

  test("a full backlog throttles record by record, answers in the order of the request", async () => {
    const stack = await start({ backlogBytes: 1000 }, spec({ seconds: 900 }));
    const answer = await put(stack, "a".repeat(600), "b".repeat(600), "c".repeat(300), "d".repeat(200));
    expect(answer.FailedPutCount).toBe(2);
    expect(answer.RequestResponses!.map((r) => r.ErrorCode ?? "taken")).toEqual([
      "taken",
      "ServiceUnavailableException",
      "taken",
      "ServiceUnavailableException",
    ]);
    await expect(
      stack.client.send(new PutRecordCommand({ DeliveryStreamName: "quotes", Record: data("x".repeat(200)) })),
    ).rejects.toEqual(name("ServiceUnavailableException"));
    const kept = stack.state.db
      .prepare("SELECT substr(CAST(data AS TEXT), 1, 1) AS c FROM firehose_records ORDER BY seq")
      .all();
    expect(kept.map((row) => row.c)).toEqual(["a", "c"]);
  });
});

describe("a stream", () => {
  const request = (over: object = {}, conversion: object = {}): CreateDeliveryStreamCommandInput => ({
    DeliveryStreamName: "made",
    DeliveryStreamType: "DirectPut",
    Tags: [{ Key: "team", Value: "data" }],
    ExtendedS3DestinationConfiguration: {
      RoleARN: "arn:aws:iam::000000000000:role/r",
      BucketARN: "arn:aws:s3:::lake",
      Prefix: "made/!{timestamp:yyyy}/",
      ErrorOutputPrefix: "bad/!{firehose:error-output-type}/",
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 },
      DataFormatConversionConfiguration: {
        Enabled: true,
        SchemaConfiguration: {
          DatabaseName: "db",
          TableName: "quotes_raw",
          RoleARN: "arn:aws:iam::000000000000:role/r",
        },
        InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
        OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
        ...conversion,
      },
      ...over,
    },
  });

  test("is made, described, listed, tagged and used by Amazon's own client", async () => {
    const stack = await start();
    const { client } = stack;
    const made = await client.send(new CreateDeliveryStreamCommand(request()));
    expect(made.DeliveryStreamARN).toBe("arn:aws:firehose:sa-east-1:000000000000:deliverystream/made");
    await expect(client.send(new CreateDeliveryStreamCommand(request()))).rejects.toThrow(/already exists/);
    const { DeliveryStreamDescription: described } = await client.send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: "made" }),
    );
    expect(described).toMatchObject({
      DeliveryStreamStatus: "ACTIVE",
      VersionId: "1",
      DeliveryStreamType: "DirectPut",
    });
    expect(described!.Destinations![0]!.ExtendedS3DestinationDescription).toMatchObject({
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 },
      Prefix: "made/!{timestamp:yyyy}/",
    });
    expect(await client.send(new ListDeliveryStreamsCommand({ Limit: 1 }))).toMatchObject({
      DeliveryStreamNames: ["made"],
      HasMoreDeliveryStreams: true,
    });
    expect(
      await client.send(new ListDeliveryStreamsCommand({ ExclusiveStartDeliveryStreamName: "made" })),
    ).toMatchObject({ DeliveryStreamNames: ["quotes"], HasMoreDeliveryStreams: false });
    await client.send(new TagDeliveryStreamCommand({ DeliveryStreamName: "made", Tags: [{ Key: "a", Value: "b" }] }));
    await client.send(new UntagDeliveryStreamCommand({ DeliveryStreamName: "made", TagKeys: ["team"] }));
    expect((await client.send(new ListTagsForDeliveryStreamCommand({ DeliveryStreamName: "made" }))).Tags).toEqual([
      { Key: "a", Value: "b" },
    ]);
    await client.send(new PutRecordCommand({ DeliveryStreamName: "made", Record: data(line(1)) }));
    await stack.quiet();
    expect(stack.objects()[0]!.key).toMatch(/^made\/\d{4}\/made-1-/);
  });

  test.each<[string, object, object]>([
    ["CompressionFormat", { CompressionFormat: "GZIP" }, {}],
    ["SizeInMBs", { BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 } }, {}],
    ["ProcessingConfiguration", { ProcessingConfiguration: { Enabled: true } }, {}],
    ["DynamicPartitioningConfiguration", { DynamicPartitioningConfiguration: { Enabled: true } }, {}],
    ["CustomTimeZone", { CustomTimeZone: "America/Sao_Paulo" }, {}],
    ["OpenXJsonSerDe", {}, { InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: {} } } }],
    ["ParquetSerDe", {}, { OutputFormatConfiguration: { Serializer: { OrcSerDe: {} } } }],
    ["DataFormatConversionConfiguration", {}, { Enabled: false }],
    ["timestamp:ww", { Prefix: "x/!{timestamp:ww}/" }, {}],
  ])("with a %s that would not be done as on AWS is refused by name", async (word, over, conversion) => {
    const stack = await start();
    await expect(stack.client.send(new CreateDeliveryStreamCommand(request(over, conversion)))).rejects.toMatchObject({
      name: "InvalidArgumentException",
      message: expect.stringContaining(word),
    });
  });

  test.each<[string, object]>([
    ["intervalInSeconds", { BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 901 } }],
    ["bucketARN", { BucketARN: "lake" }],
  ])("with a %s outside AWS's model is refused as by Amazon's validation, not as by Firehose", async (word, over) => {
    const stack = await start();
    await expect(stack.client.send(new CreateDeliveryStreamCommand(request(over)))).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining(word),
    });
  });

  test("cannot be changed by halves: UpdateDestination is refused by name", async () => {
    const stack = await start();
    await expect(
      stack.client.send(
        new UpdateDestinationCommand({
          DeliveryStreamName: "quotes",
          CurrentDeliveryStreamVersionId: "1",
          DestinationId: "destinationId-000000000001",
        }),
      ),
    ).rejects.toThrow(/UpdateDestination/);
  });

  test("that is deleted delivers first what it acknowledged, and takes nothing more", async () => {
    const stack = await start({}, spec({ seconds: 900 }));
    await put(stack, line(1));
    await stack.client.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: "quotes" }));
    await expect(put(stack, line(2))).rejects.toEqual(expect.objectContaining({ name: "ResourceNotFoundException" }));
    await stack.quiet();
    expect(await tickers(stack)).toEqual(["T1"]);
    expect((await stack.client.send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames).toEqual([]);
    expect(existsSync(stack.objects()[0]!.path)).toBe(true);
  });

  test("that the topology makes again keeps its records and takes its new settings", async () => {
    const stack = await start({}, spec({ seconds: 900 }));
    await put(stack, line(1));
    stack.service.create(spec({ prefix: "other/!{timestamp:yyyy}/" }), "lake");
    await stack.quiet();
    expect(stack.objects()[0]!.key).toMatch(/^other\//);
  });
});
