import { invalid, violated } from "./errors.ts";
import { checkPrefixes } from "./prefix.ts";
import type { Stream } from "./streams.ts";

export type Named = { DeliveryStreamName?: string };
export type Tags = { Tags?: { Key?: string; Value?: string }[] };

/** Of a tag's key and value (API model). */
const TAG_KEY = /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@%]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@%]{0,256}$/u;

export const tagsOf = (tags: Tags["Tags"]): Record<string, string> =>
  Object.fromEntries(
    (tags ?? []).map(({ Key, Value = "" }, index) => {
      const at = `tags.${index + 1}.member`;
      if (typeof Key !== "string") throw violated("null", `${at}.key`, "Member must not be null");
      if (!TAG_KEY.test(Key))
        throw violated(
          `'${Key.slice(0, 128)}'`,
          `${at}.key`,
          `Member must satisfy regular expression pattern: ${TAG_KEY.source}`,
        );
      if (!TAG_VALUE.test(Value))
        throw violated(
          `'${Value.slice(0, 256)}'`,
          `${at}.value`,
          `Member must satisfy regular expression pattern: ${TAG_VALUE.source}`,
        );
      return [Key, Value];
    }),
  );

type S3Destination = {
  RoleARN?: string;
  BucketARN?: string;
  Prefix?: string;
  ErrorOutputPrefix?: string;
  FileExtension?: string;
  BufferingHints?: { SizeInMBs?: number; IntervalInSeconds?: number };
  CompressionFormat?: string;
  CustomTimeZone?: string;
  EncryptionConfiguration?: { NoEncryptionConfig?: string };
  CloudWatchLoggingOptions?: unknown;
  S3BackupMode?: string;
  DataFormatConversionConfiguration?: {
    Enabled?: boolean;
    SchemaConfiguration?: { RoleARN?: string; DatabaseName?: string; TableName?: string; Region?: string };
    InputFormatConfiguration?: { Deserializer?: Record<string, Record<string, unknown> | undefined> };
    OutputFormatConfiguration?: { Serializer?: { ParquetSerDe?: { Compression?: string } } };
  };
};
export type CreateInput = Named &
  Tags & { DeliveryStreamType?: string; ExtendedS3DestinationConfiguration?: S3Destination };

/** Destination settings that change nothing here, or only by the values below. */
const KNOWN = new Set<string>([
  "RoleARN",
  "BucketARN",
  "Prefix",
  "ErrorOutputPrefix",
  "FileExtension",
  "BufferingHints",
  "CompressionFormat",
  "CustomTimeZone",
  "EncryptionConfiguration",
  "CloudWatchLoggingOptions",
  "S3BackupMode",
  "DataFormatConversionConfiguration",
] satisfies (keyof S3Destination)[]);

/** A stream from Amazon's description of it. Whatever would not be done here as on AWS is refused by name. */
export const streamOf = (name: string, input: CreateInput, created: number): Stream => {
  const s3 = input.ExtendedS3DestinationConfiguration;
  if (!s3)
    throw invalid(
      "Exactly one destination configuration is supported for a Firehose; on a laptop, ExtendedS3DestinationConfiguration",
    );
  const only = (what: string, value: unknown, ...allowed: unknown[]) => {
    if (value !== undefined && !allowed.includes(value))
      throw invalid(`${what}: expected ${allowed.join(" or ")} on a laptop, came ${JSON.stringify(value)}`);
  };
  for (const key of Object.keys(s3)) if (!KNOWN.has(key)) throw invalid(`${key} is not supported on a laptop`);
  only("DeliveryStreamType", input.DeliveryStreamType, "DirectPut");
  only("CompressionFormat", s3.CompressionFormat, "UNCOMPRESSED");
  only("CustomTimeZone", s3.CustomTimeZone, "UTC");
  only("FileExtension", s3.FileExtension, ".parquet");
  only("S3BackupMode", s3.S3BackupMode, "Disabled");
  const conversion = s3.DataFormatConversionConfiguration;
  if (!conversion || conversion.Enabled === false)
    throw invalid("DataFormatConversionConfiguration must be enabled on a laptop");
  const deserializer = conversion.InputFormatConfiguration?.Deserializer ?? {};
  if (!deserializer.OpenXJsonSerDe) throw invalid("Deserializer: expected OpenXJsonSerDe");
  for (const key of Object.keys(deserializer.OpenXJsonSerDe))
    only(`OpenXJsonSerDe.${key}`, deserializer.OpenXJsonSerDe[key], key === "CaseInsensitive");
  const serializer = conversion.OutputFormatConfiguration?.Serializer?.ParquetSerDe;
  if (!serializer) throw invalid("Serializer: expected ParquetSerDe");
  only("ParquetSerDe.Compression", serializer.Compression, "SNAPPY");
  const { DatabaseName: database, TableName: table, RoleARN: reader, Region } = conversion.SchemaConfiguration ?? {};
  if (!database || !table) throw invalid("SchemaConfiguration: expected DatabaseName and TableName");
  const mib = s3.BufferingHints?.SizeInMBs ?? 128;
  const seconds = s3.BufferingHints?.IntervalInSeconds ?? 300;
  if (!(mib >= 64 && mib <= 128))
    throw invalid(
      "BufferingHints.SizeInMBs must be at least 64 and at most 128 when data format conversion is enabled",
    );
  const at = "extendedS3DestinationConfiguration";
  if (!(seconds >= 0 && seconds <= 900))
    throw violated(
      `'${seconds}'`,
      `${at}.bufferingHints.intervalInSeconds`,
      "Member must have value between 0 and 900",
    );
  const bucket = /^arn:aws[a-z-]*:s3:::(.+)$/.exec(s3.BucketARN ?? "")?.[1];
  if (!bucket)
    throw violated(
      JSON.stringify(s3.BucketARN ?? null),
      `${at}.bucketARN`,
      "Member must satisfy regular expression pattern: arn:.*:s3:::[\\w\\.\\-]{1,255}",
    );
  const prefix = s3.Prefix ?? "";
  const errors = s3.ErrorOutputPrefix ?? "";
  checkPrefixes(prefix, errors);
  const role = s3.RoleARN ?? "";
  return {
    name,
    bucket,
    prefix,
    errors,
    mib,
    seconds,
    database,
    table,
    role,
    ...(reader === undefined ? {} : { reader }),
    ...(Region === undefined ? {} : { region: Region }),
    created,
    status: "ACTIVE",
    tags: tagsOf(input.Tags),
  };
};

export const description = (stream: Stream, arn: string) => ({
  DeliveryStreamName: stream.name,
  DeliveryStreamARN: arn,
  DeliveryStreamStatus: stream.status,
  DeliveryStreamType: "DirectPut",
  DeliveryStreamEncryptionConfiguration: { Status: "DISABLED" },
  VersionId: "1",
  CreateTimestamp: stream.created / 1000,
  HasMoreDestinations: false,
  Destinations: [
    {
      DestinationId: "destinationId-000000000001",
      ExtendedS3DestinationDescription: {
        RoleARN: stream.role,
        BucketARN: `arn:aws:s3:::${stream.bucket}`,
        Prefix: stream.prefix,
        ErrorOutputPrefix: stream.errors,
        BufferingHints: { SizeInMBs: stream.mib, IntervalInSeconds: stream.seconds },
        CompressionFormat: "UNCOMPRESSED",
        EncryptionConfiguration: { NoEncryptionConfig: "NoEncryption" },
        S3BackupMode: "Disabled",
        DataFormatConversionConfiguration: {
          Enabled: true,
          SchemaConfiguration: {
            RoleARN: stream.reader ?? stream.role,
            DatabaseName: stream.database,
            TableName: stream.table,
            ...(stream.region === undefined ? {} : { Region: stream.region }),
            VersionId: "LATEST",
          },
          InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
          OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
        },
      },
    },
  ],
});
