import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("firehose");
/** moto writes to the bucket at once; nothing else asks whether it is there. */
const bucket = asking("s3").ok("CreateBucket", {
  Bucket: "<own>",
  CreateBucketConfiguration: { LocationConstraint: "<region>" },
});
const destination = (more: Step["with"] = {}): Step["with"] => ({
  RoleARN: "arn:aws:iam::<account>:role/firehose",
  BucketARN: "arn:aws:s3:::<own>",
  Prefix: "raw/<own>/",
  ErrorOutputPrefix: "errors/<own>/!{firehose:error-output-type}/",
  BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 900 },
  DataFormatConversionConfiguration: {
    Enabled: true,
    SchemaConfiguration: {
      RoleARN: "arn:aws:iam::<account>:role/firehose",
      DatabaseName: "<own>",
      TableName: "raw",
      Region: "<region>",
    },
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
  },
  ...more,
});
const make = (more: Step["with"] = {}): Step["with"] => ({
  DeliveryStreamName: "<own>",
  DeliveryStreamType: "DirectPut",
  ExtendedS3DestinationConfiguration: destination(more),
});
const stream = [
  bucket,
  ok("CreateDeliveryStream", make(), {
    DeliveryStreamARN: "arn:aws:firehose:<region>:<account>:deliverystream/<own>",
  }),
];
const own = (more: Step["with"] = {}): Step["with"] => ({ DeliveryStreamName: "<own>", ...more });
const data = (text: string) => ({ Data: { $blob: text } });
const line = data('{"a":1}\n');
const nowhere = "ResourceNotFoundException";

const refusedPut = (what: string, operation: string, input: Step["with"], name: string): Case => ({
  name: `${operation}: ${what}`,
  steps: [...stream, no(operation, own(input), name)],
});
const refusedStream = (what: string, more: Step["with"]): Case => ({
  name: `CreateDeliveryStream: ${what}`,
  steps: [no("CreateDeliveryStream", make(more), "InvalidArgumentException")],
});

/** Delivery streams: Direct PUT to S3 with conversion to Parquet. */
export const firehose: readonly Case[] = [
  {
    name: "CreateDeliveryStream: described as it was made",
    steps: [
      ...stream,
      ok("DescribeDeliveryStream", own(), {
        DeliveryStreamDescription: {
          DeliveryStreamName: "<own>",
          DeliveryStreamARN: "arn:aws:firehose:<region>:<account>:deliverystream/<own>",
          DeliveryStreamStatus: { $like: "ACTIVE|CREATING" },
          DeliveryStreamType: "DirectPut",
          VersionId: "1",
          CreateTimestamp: { $date: [-60, 60] },
          HasMoreDestinations: false,
          Destinations: [
            {
              DestinationId: { $any: true },
              ExtendedS3DestinationDescription: {
                RoleARN: "arn:aws:iam::<account>:role/firehose",
                BucketARN: "arn:aws:s3:::<own>",
                Prefix: "raw/<own>/",
                ErrorOutputPrefix: "errors/<own>/!{firehose:error-output-type}/",
                BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 900 },
                CompressionFormat: "UNCOMPRESSED",
                EncryptionConfiguration: { NoEncryptionConfig: "NoEncryption" },
                S3BackupMode: "Disabled",
                DataFormatConversionConfiguration: {
                  Enabled: true,
                  SchemaConfiguration: {
                    RoleARN: "arn:aws:iam::<account>:role/firehose",
                    DatabaseName: "<own>",
                    TableName: "raw",
                    Region: "<region>",
                    VersionId: "LATEST",
                  },
                  OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
                },
              },
            },
          ],
        },
      }),
    ],
  },
  {
    name: "CreateDeliveryStream: with a prefix of timestamps, and defaults",
    steps: [
      ok(
        "CreateDeliveryStream",
        make({
          Prefix: "raw/ingest_date=!{timestamp:yyyy-MM-dd}/",
          BufferingHints: {},
          CompressionFormat: "UNCOMPRESSED",
        }),
      ),
      ok("DescribeDeliveryStream", own(), {
        DeliveryStreamDescription: {
          Destinations: [
            { ExtendedS3DestinationDescription: { BufferingHints: { SizeInMBs: 128, IntervalInSeconds: 300 } } },
          ],
        },
      }),
    ],
  },
  {
    name: "CreateDeliveryStream: a name that there is",
    steps: [...stream, no("CreateDeliveryStream", make(), "ResourceInUseException")],
  },
  {
    name: "CreateDeliveryStream: a name with a space",
    steps: [no("CreateDeliveryStream", { ...make(), DeliveryStreamName: "a b" }, "ValidationException")],
  },
  {
    name: "CreateDeliveryStream: a name of 65 characters",
    steps: [
      no("CreateDeliveryStream", { ...make(), DeliveryStreamName: { $repeat: ["a", 65] } }, "ValidationException"),
    ],
  },
  {
    name: "CreateDeliveryStream: no name",
    steps: [no("CreateDeliveryStream", { ExtendedS3DestinationConfiguration: destination() }, "ValidationException")],
  },
  {
    name: "CreateDeliveryStream: no destination",
    steps: [no("CreateDeliveryStream", own({ DeliveryStreamType: "DirectPut" }), "InvalidArgumentException")],
  },
  refusedStream("conversion with a buffer below 64 MiB", { BufferingHints: { SizeInMBs: 63, IntervalInSeconds: 60 } }),
  refusedStream("conversion with a compressed object", { CompressionFormat: "GZIP" }),
  refusedStream("a prefix with a timestamp and no error prefix", {
    Prefix: "raw/!{timestamp:yyyy}/",
    ErrorOutputPrefix: "",
  }),
  refusedStream("an error output type in the prefix", { Prefix: "raw/!{firehose:error-output-type}/" }),
  {
    name: "CreateDeliveryStream: a buffer of 901 s",
    steps: [
      no(
        "CreateDeliveryStream",
        make({ BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 901 } }),
        "ValidationException",
      ),
    ],
  },
  {
    name: "CreateDeliveryStream: a bucket that is no ARN",
    steps: [no("CreateDeliveryStream", make({ BucketARN: "results" }), "ValidationException")],
  },
  {
    name: "DescribeDeliveryStream: one that there is not",
    steps: [no("DescribeDeliveryStream", own(), nowhere)],
  },
  {
    name: "ListDeliveryStreams: ten unless more are asked for",
    steps: [...stream, ok("ListDeliveryStreams", {}, { DeliveryStreamNames: { $any: true } })],
  },
  {
    name: "ListDeliveryStreams: after a name",
    steps: [
      ok("CreateDeliveryStream", { ...make(), DeliveryStreamName: "<own>-a" }),
      ok("CreateDeliveryStream", { ...make(), DeliveryStreamName: "<own>-b" }),
      ok(
        "ListDeliveryStreams",
        { ExclusiveStartDeliveryStreamName: "<own>-a", Limit: 1 },
        {
          DeliveryStreamNames: ["<own>-b"],
          HasMoreDeliveryStreams: { $any: true },
        },
      ),
      ok("ListDeliveryStreams", { Limit: 1 }, { DeliveryStreamNames: { $size: 1 }, HasMoreDeliveryStreams: true }),
    ],
  },
  {
    name: "ListDeliveryStreams: Limit 0",
    steps: [no("ListDeliveryStreams", { Limit: 0 }, "ValidationException")],
  },
  {
    name: "DeleteDeliveryStream: no record is taken any more",
    steps: [...stream, ok("DeleteDeliveryStream", own()), no("PutRecord", own({ Record: line }), nowhere)],
  },
  {
    name: "DeleteDeliveryStream: one that there is not",
    steps: [no("DeleteDeliveryStream", own(), nowhere)],
  },
  {
    name: "PutRecord: an id for a record",
    steps: [...stream, ok("PutRecord", own({ Record: line }), { RecordId: { $any: true }, Encrypted: false })],
  },
  {
    name: "PutRecord: 1,000 KiB",
    steps: [
      ...stream,
      ok("PutRecord", own({ Record: { Data: { $blob: { $repeat: ["x", 1_024_000] } } } }), {
        RecordId: { $any: true },
      }),
    ],
  },
  refusedPut(
    "1,000 KiB and a byte",
    "PutRecord",
    { Record: { Data: { $blob: { $repeat: ["x", 1_024_001] } } } },
    "ValidationException",
  ),
  {
    name: "PutRecord: a stream that there is not",
    steps: [no("PutRecord", own({ Record: line }), nowhere)],
  },
  refusedPut("no record", "PutRecord", {}, "ValidationException"),
  {
    name: "PutRecordBatch: an id for each record, in their order",
    steps: [
      ...stream,
      ok("PutRecordBatch", own({ Records: [line, line, line] }), {
        FailedPutCount: 0,
        RequestResponses: [
          { RecordId: { $any: true }, ErrorCode: { $none: true } },
          { RecordId: { $any: true } },
          { RecordId: { $any: true } },
        ],
      }),
    ],
  },
  {
    name: "PutRecordBatch: 500 records",
    steps: [
      ...stream,
      ok("PutRecordBatch", own({ Records: { $times: [500, line] } }), {
        FailedPutCount: 0,
        RequestResponses: { $size: 500 },
      }),
    ],
  },
  refusedPut("501 records", "PutRecordBatch", { Records: { $times: [501, line] } }, "ValidationException"),
  refusedPut("no record", "PutRecordBatch", { Records: [] }, "ValidationException"),
  {
    name: "PutRecordBatch: 4 MiB",
    steps: [
      ...stream,
      ok("PutRecordBatch", own({ Records: { $times: [8, { Data: { $blob: { $repeat: ["x", 524_288] } } }] } }), {
        FailedPutCount: 0,
      }),
    ],
  },
  refusedPut(
    "more than 4 MiB",
    "PutRecordBatch",
    { Records: { $times: [9, { Data: { $blob: { $repeat: ["x", 524_288] } } }] } },
    "InvalidArgumentException",
  ),
  refusedPut(
    "one record of more than 1,000 KiB refuses them all",
    "PutRecordBatch",
    { Records: [line, { Data: { $blob: { $repeat: ["x", 1_024_001] } } }] },
    "ValidationException",
  ),
  {
    name: "PutRecordBatch: a stream that there is not",
    steps: [no("PutRecordBatch", own({ Records: [line] }), nowhere)],
  },
  {
    name: "TagDeliveryStream: tags are added, replaced, listed and removed",
    steps: [
      ...stream,
      ok("ListTagsForDeliveryStream", own(), { Tags: [], HasMoreTags: false }),
      ok(
        "TagDeliveryStream",
        own({
          Tags: [
            { Key: "a", Value: "1" },
            { Key: "b", Value: "2" },
          ],
        }),
      ),
      ok("TagDeliveryStream", own({ Tags: [{ Key: "b", Value: "3" }] })),
      ok("ListTagsForDeliveryStream", own(), {
        Tags: [
          { Key: "a", Value: "1" },
          { Key: "b", Value: "3" },
        ],
        HasMoreTags: false,
      }),
      ok("ListTagsForDeliveryStream", own({ ExclusiveStartTagKey: "a" }), { Tags: [{ Key: "b", Value: "3" }] }),
      ok("UntagDeliveryStream", own({ TagKeys: ["a"] })),
      ok("ListTagsForDeliveryStream", own(), { Tags: [{ Key: "b", Value: "3" }] }),
    ],
  },
  {
    name: "TagDeliveryStream: a page of tags",
    steps: [
      ...stream,
      ok(
        "TagDeliveryStream",
        own({
          Tags: [
            { Key: "a", Value: "1" },
            { Key: "b", Value: "2" },
          ],
        }),
      ),
      ok("ListTagsForDeliveryStream", own({ Limit: 1 }), { Tags: [{ Key: "a", Value: "1" }], HasMoreTags: true }),
    ],
  },
  {
    name: "TagDeliveryStream: 51 tags in all",
    steps: [
      ...stream,
      ok("TagDeliveryStream", own({ Tags: { $times: [50, { Key: "t<i>", Value: "x" }] } })),
      no("TagDeliveryStream", own({ Tags: [{ Key: "more", Value: "x" }] }), "LimitExceededException"),
    ],
  },
  {
    name: "TagDeliveryStream: a key of 129 characters",
    steps: [
      ...stream,
      no("TagDeliveryStream", own({ Tags: [{ Key: { $repeat: ["k", 129] }, Value: "x" }] }), "ValidationException"),
    ],
  },
  {
    name: "TagDeliveryStream: a key that begins with aws:",
    steps: [...stream, no("TagDeliveryStream", own({ Tags: [{ Key: "aws:a", Value: "x" }] }), "ValidationException")],
  },
  {
    name: "TagDeliveryStream: no tag",
    steps: [...stream, no("TagDeliveryStream", own({ Tags: [] }), "ValidationException")],
  },
  {
    name: "ListTagsForDeliveryStream: one that there is not",
    steps: [no("ListTagsForDeliveryStream", own(), nowhere)],
  },
  {
    name: "UpdateDestination: another prefix",
    steps: [
      ...stream,
      ok("DescribeDeliveryStream", own(), {}, { id: "DeliveryStreamDescription.Destinations.0.DestinationId" }),
      ok(
        "UpdateDestination",
        own({
          CurrentDeliveryStreamVersionId: "1",
          DestinationId: "<id>",
          ExtendedS3DestinationUpdate: { Prefix: "other/" },
        }),
      ),
    ],
  },
  {
    name: "StartDeliveryStreamEncryption: with a key of AWS's",
    steps: [
      ...stream,
      ok(
        "StartDeliveryStreamEncryption",
        own({ DeliveryStreamEncryptionConfigurationInput: { KeyType: "AWS_OWNED_CMK" } }),
      ),
    ],
  },
  {
    name: "StopDeliveryStreamEncryption: of a stream that there is not",
    steps: [no("StopDeliveryStreamEncryption", own(), nowhere)],
  },
];
