/// <reference path="../.sst/platform/config.d.ts" />
import { clocks } from "./clocks.ts";
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import { logGroup } from "./logs.ts";
import { mappings } from "./mappings.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";
import { role } from "./roles.ts";
import { logGroups } from "./statements.ts";

/** By the topology's names. */
export type Streams = Record<string, aws.kinesis.FirehoseDeliveryStream>;

/**
 * Messages are judged by `consume`; valid rows go to a Firehose, invalid ones to the dead letters. What Firehose cannot
 * convert is salvaged by a clock, too. Letters are put away before SQS forgets them.
 */
export const consume = (river: River, stores: Stores, boxes: Boxes, handlers: Handlers): Streams => {
  mappings(river, boxes, handlers, "consume");
  clocks(river, stores, boxes, handlers, "salvage");
  clocks(river, stores, boxes, handlers, "archive");
  return streams(river, stores);
};

/** A Firehose per dataset: JSON in, Parquet of the raw table's columns out. */
const streams = (river: River, { key, buckets, tables }: Stores): Streams =>
  Object.fromEntries(
    river.topology.streams.map(({ name, database, table, prefix, errors, mib, seconds }) => {
      const roleArn = role(river, "stream", "firehose", key.arn);
      const logs = logGroup(river, key, logGroups.stream(river.stage, name));
      const said = new aws.cloudwatch.LogStream(
        `${name}StreamLog`,
        { name: "delivery", logGroupName: logs.name },
        // With it goes what it holds.
        { retainOnDelete: river.production },
      );
      const stream = new aws.kinesis.FirehoseDeliveryStream(
        `${name}Stream`,
        {
          name: river.name(name),
          destination: "extended_s3",
          serverSideEncryption: { enabled: true, keyType: "CUSTOMER_MANAGED_CMK", keyArn: key.arn },
          extendedS3Configuration: {
            roleArn,
            bucketArn: buckets.lake!.arn,
            prefix,
            errorOutputPrefix: errors,
            // Firehose's own for Parquet, said as bells ring for no other.
            fileExtension: belled(river, prefix),
            customTimeZone: "UTC",
            bufferingSize: mib,
            bufferingInterval: seconds,
            // Parquet compresses its pages itself, and Firehose takes nothing else with it.
            compressionFormat: "UNCOMPRESSED",
            kmsKeyArn: key.arn,
            s3BackupMode: "Disabled",
            cloudwatchLoggingOptions: { enabled: true, logGroupName: logs.name, logStreamName: said.name },
            dataFormatConversionConfiguration: {
              enabled: true,
              inputFormatConfiguration: { deserializer: { openXJsonSerDe: { caseInsensitive: true } } },
              outputFormatConfiguration: { serializer: { parquetSerDe: { compression: "SNAPPY" } } },
              schemaConfiguration: {
                roleArn,
                catalogId: river.stage.account,
                databaseName: database,
                tableName: table,
                region: river.stage.region,
                versionId: "LATEST",
              },
            },
          },
        },
        // It reads the columns when it is made.
        { dependsOn: tables[table] ? [tables[table]] : [] },
      );
      return [name, stream];
    }),
  );

/** How the names of objects end that ring when they land under it. */
const belled = ({ topology }: River, prefix: string): string =>
  topology.notices.find((notice) => notice.bucket === "lake" && prefix.startsWith(notice.prefix))?.suffix ?? "";
