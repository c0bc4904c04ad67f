import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateDeliveryStreamCommand, DescribeDeliveryStreamCommand } from "@aws-sdk/client-firehose";
import { beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import type { StreamSpec } from "../../packages/core/topology.ts";
import { start } from "../../packages/local/index.ts";
import { type Declared, declared, keeps } from "./declared.ts";

let rivers: Declared[];
beforeAll(async () => {
  rivers = await Promise.all([declared("daily"), declared("intraday")]);
});
const arnOf = ({ stage }: Declared, kind: string, name: string) =>
  `arn:aws:${kind}:${stage.region}:${stage.account}:${name}`;

type Mapping = {
  eventSourceArn: string;
  functionName: string;
  functionResponseTypes?: string[];
  batchSize: number;
  maximumBatchingWindowInSeconds: number;
  scalingConfig?: { maximumConcurrency: number };
};
const mappingsOf = ({ graph }: Declared) =>
  graph.of("aws:lambda/eventSourceMapping:EventSourceMapping").map(({ inputs }) => inputs as unknown as Mapping);

describe("queues and what reads them", () => {
  test("what failed of a batch is deleted with what did not: a mapping without ReportBatchItemFailures", () => {
    for (const river of rivers)
      for (const mapping of mappingsOf(river))
        expect(mapping.functionResponseTypes).toEqual(["ReportBatchItemFailures"]);
  });

  test("a mapping of the topology is not there, reads another queue, or has another batch, window or concurrency", () => {
    for (const river of rivers) {
      const byQueue = (a: { queue: string }, b: { queue: string }) => a.queue.localeCompare(b.queue);
      const shown = mappingsOf(river).map((m) => ({
        ...{ queue: m.eventSourceArn, function: m.functionName, batch: m.batchSize },
        ...{ window: m.maximumBatchingWindowInSeconds, concurrency: m.scalingConfig?.maximumConcurrency },
      }));
      const wanted = river.topology.mappings.map((m) => ({
        ...m,
        queue: arnOf(river, "sqs", river.name(m.queue)),
        function: arnOf(river, "lambda", `function:${river.name(m.function)}`),
      }));
      expect(shown.toSorted(byQueue)).toEqual(wanted.toSorted(byQueue));
    }
  });

  test("a message is seen again while its reader is at it: visibility under 6 × the function's timeout", () => {
    for (const { graph, ...river } of rivers)
      for (const mapping of mappingsOf({ graph, ...river })) {
        const last = (arn: string) => arn.split(":").at(-1);
        const queue = graph.one("aws:sqs/queue:Queue", ({ name }) => name === last(mapping.eventSourceArn));
        const reader = graph.one("aws:lambda/function:Function", ({ name }) => name === last(mapping.functionName));
        const timeout = reader.inputs.timeout as number;
        expect(queue.inputs.visibilityTimeoutSeconds).toBeGreaterThanOrEqual(6 * timeout);
      }
  });

  test("receives that a low reserved concurrency throttles send valid messages to the dead letters", () => {
    for (const { graph } of rivers)
      for (const { inputs } of graph.of("aws:lambda/function:Function"))
        expect(inputs.reservedConcurrentExecutions).toBeUndefined();
    for (const river of rivers)
      for (const { scalingConfig } of mappingsOf(river))
        expect(scalingConfig?.maximumConcurrency).toBeGreaterThanOrEqual(2);
  });
});

type Stream = {
  name: string;
  destination: string;
  serverSideEncryption: { enabled: boolean; keyType: string; keyArn: string };
  extendedS3Configuration: {
    roleArn: string;
    bucketArn: string;
    prefix: string;
    errorOutputPrefix: string;
    fileExtension: string;
    customTimeZone: string;
    bufferingSize: number;
    bufferingInterval: number;
    compressionFormat: string;
    kmsKeyArn: string;
    s3BackupMode: string;
    cloudwatchLoggingOptions: { enabled: boolean; logGroupName: string; logStreamName: string };
    dataFormatConversionConfiguration: {
      enabled: boolean;
      inputFormatConfiguration: { deserializer: { openXJsonSerDe?: object } };
      outputFormatConfiguration: { serializer: { parquetSerDe?: { compression: string } } };
      schemaConfiguration: Record<
        "roleArn" | "databaseName" | "tableName" | "region" | "versionId" | "catalogId",
        string
      >;
    };
  };
};
const streamsOf = ({ graph }: Declared) =>
  graph
    .of("aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream")
    .map(({ inputs }) => inputs as unknown as Stream);
const ofSpec = (river: Declared, spec: StreamSpec): Stream => {
  const found = streamsOf(river).filter(({ name }) => name === river.name(spec.name));
  expect(found).toHaveLength(1);
  return found[0]!;
};
const specs = (): { river: Declared; spec: StreamSpec; stream: Stream }[] =>
  rivers.flatMap((river) => river.topology.streams.map((spec) => ({ river, spec, stream: ofSpec(river, spec) })));

describe("Firehose", () => {
  test("a stream of the topology is not there, or one that nobody declared is", () => {
    for (const river of rivers)
      expect(
        streamsOf(river)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(river.topology.streams.map(({ name }) => river.name(name)).sort());
  });

  test("rows are converted by another dataset's table, or by one whose columns they do not have", () => {
    for (const { river, spec, stream } of specs()) {
      const conversion = stream.extendedS3Configuration.dataFormatConversionConfiguration;
      expect(conversion.enabled).toBe(true);
      expect(conversion.schemaConfiguration).toMatchObject({
        ...{ databaseName: spec.database, tableName: spec.table, catalogId: river.stage.account },
        ...{ region: river.stage.region, versionId: "LATEST" },
      });
      const table = river.graph.one("aws:glue/catalogTable:CatalogTable", ({ name }) => name === spec.table);
      expect(table.inputs.databaseName).toBe(spec.database);
      const { columns } = table.inputs.storageDescriptor as { columns: { name: string; type: string }[] };
      const declaredTable = river.topology.databases
        .flatMap(({ tables }) => tables)
        .find(({ name }) => name === spec.table)!;
      expect(columns.map(({ name, type }) => [name, type])).toEqual(
        declaredTable.columns.map(({ Name, Type }) => [Name, Type]),
      );
    }
  });

  test("JSON is left as it is, read by a deserializer that the laptop is no model of, or compressed twice", () => {
    for (const { stream } of specs()) {
      const { compressionFormat, dataFormatConversionConfiguration: conversion } = stream.extendedS3Configuration;
      expect(compressionFormat).toBe("UNCOMPRESSED");
      expect(conversion.inputFormatConfiguration.deserializer).toEqual({ openXJsonSerDe: { caseInsensitive: true } });
      expect(conversion.outputFormatConfiguration.serializer).toEqual({ parquetSerDe: { compression: "SNAPPY" } });
    }
  });

  test("what cannot be converted is lost, or lies where nobody salvages it", () => {
    for (const { river, spec, stream } of specs()) {
      const { errorOutputPrefix } = stream.extendedS3Configuration;
      expect(errorOutputPrefix).toBe(spec.errors);
      expect(errorOutputPrefix).toContain("!{firehose:error-output-type}");
      const salvaged = river.topology.notices.filter(({ to }) => "function" in to && to.function === "salvage");
      expect(salvaged.some(({ prefix, suffix }) => errorOutputPrefix.startsWith(prefix) && suffix === "")).toBe(true);
      expect(stream.extendedS3Configuration.prefix.startsWith(salvaged[0]!.prefix)).toBe(false);
    }
  });

  test("rows land in another bucket, folder or time zone, or after another wait than the topology says", () => {
    for (const { river, spec, stream } of specs()) {
      expect(stream.destination).toBe("extended_s3");
      expect(stream.extendedS3Configuration).toMatchObject({
        bucketArn: `arn:aws:s3:::pregao-dev-lake-${river.stage.account}`,
        prefix: spec.prefix,
        customTimeZone: "UTC",
        bufferingSize: spec.mib,
        bufferingInterval: spec.seconds,
        s3BackupMode: "Disabled",
      });
    }
  });

  test("what lands rings no bell, as its name ends otherwise than the notice's suffix", () => {
    for (const { river, spec, stream } of specs()) {
      const bells = river.topology.notices.filter(({ to, prefix }) => "queue" in to && spec.prefix.startsWith(prefix));
      expect(bells.map(({ suffix }) => suffix)).toEqual([stream.extendedS3Configuration.fileExtension]);
    }
  });

  test("rows wait, or lie, unencrypted; a failure to deliver says nothing, or is kept for ever", () => {
    for (const { river, stream } of specs()) {
      const keyArn = arnOf(river, "kms", `key/${river.graph.one("aws:kms/key:Key").id}`);
      expect(stream.serverSideEncryption).toEqual({ enabled: true, keyType: "CUSTOMER_MANAGED_CMK", keyArn });
      expect(stream.extendedS3Configuration.kmsKeyArn).toBe(keyArn);
      const { enabled, logGroupName, logStreamName } = stream.extendedS3Configuration.cloudwatchLoggingOptions;
      expect(enabled).toBe(true);
      expect(keeps(river.graph, logGroupName)).toBeGreaterThan(0);
      // Its role may not make one.
      river.graph.one(
        "aws:cloudwatch/logStream:LogStream",
        (one) => one.logGroupName === logGroupName && one.name === logStreamName,
      );
    }
  });

  test("the laptop's stream is another: made from the graph's over the wire, it differs from what the topology started", async () => {
    const river = rivers[1]!;
    const { topology, stage } = river;
    const dir = mkdtempSync(join(tmpdir(), "pregao-stacks-"));
    const quiet = { ...topology, clocks: [], mappings: [], notices: [] };
    const nothing = () => {
      throw new Error("nobody asks here");
    };
    const stack = await start(
      { topology: quiet, root: new URL("../../", import.meta.url), engine: async () => nothing(), translate: nothing },
      { dir, stage, onLog: () => {}, graceMs: 0 },
    );
    const { firehose, close } = connect(stage, stack.env);
    try {
      for (const spec of topology.streams) {
        const made = ofSpec(river, spec);
        const {
          cloudwatchLoggingOptions: _,
          bufferingSize,
          bufferingInterval,
          kmsKeyArn: __,
          ...rest
        } = made.extendedS3Configuration;
        const DeliveryStreamName = `${made.name}-graph`;
        await firehose.send(
          new CreateDeliveryStreamCommand({
            DeliveryStreamName,
            DeliveryStreamType: "DirectPut",
            ExtendedS3DestinationConfiguration: inApi({
              ...rest,
              bufferingHints: { sizeInMBs: bufferingSize, intervalInSeconds: bufferingInterval },
            }) as never,
          }),
        );
        const seen = async (name: string) => {
          const { DeliveryStreamDescription } = await firehose.send(
            new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }),
          );
          const { RoleARN, DataFormatConversionConfiguration, ...destination } =
            DeliveryStreamDescription!.Destinations![0]!.ExtendedS3DestinationDescription!;
          const { RoleARN: reader, Region, ...schema } = DataFormatConversionConfiguration!.SchemaConfiguration!;
          return { destination, schema, ...DataFormatConversionConfiguration!.OutputFormatConfiguration };
        };
        expect(await seen(DeliveryStreamName)).toEqual(await seen(river.name(spec.name)));
      }
    } finally {
      close();
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

/** Pulumi's names of inputs in the API's: both differ by the first letter, and by two words. */
const inApi = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value;
  const spelled: Record<string, string> = { roleArn: "RoleARN", bucketArn: "BucketARN" };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "catalogId")
      .map(([name, inner]) => [spelled[name] ?? `${name[0]!.toUpperCase()}${name.slice(1)}`, inApi(inner)]),
  );
};
