import type { StreamSpec } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Properties, restart, type Subject } from "../guard.ts";
import { at, differences } from "../shapes.ts";
import { roleOf } from "./functions.ts";
import { isKey, keyed } from "./key.ts";

type Stream = Subject & { spec: StreamSpec };
const streams = (e: Expected): Stream[] =>
  e.topology.streams.map((spec) => ({
    type: "AWS::KinesisFirehose::DeliveryStream",
    id: e.name(spec.name),
    name: e.name(spec.name),
    spec,
  }));
const target = (is: Properties, ...path: string[]) => at(is, "ExtendedS3DestinationConfiguration", ...path);
const CONVERSION = "DataFormatConversionConfiguration";
const mend = (_: Stream, e: Expected): string => (e.laptop ? restart : deploy(e));

export const streamGuards: Guard[] = [
  guard<Stream>({
    id: "stream.converts",
    protects: "raw is Parquet of the columns of its dataset's table: a stream without conversion writes JSON among it",
    laptop: true,
    subjects: streams,
    check: (is, { spec }) => [
      ...differences({ Enabled: true }, (name) => target(is, CONVERSION, name)),
      ...differences({ DatabaseName: spec.database, TableName: spec.table }, (name) =>
        target(is, CONVERSION, "SchemaConfiguration", name),
      ),
      ...(target(is, CONVERSION, "OutputFormatConfiguration", "Serializer", "ParquetSerDe") === undefined
        ? [{ expected: "serializer ParquetSerDe", came: "another, or none" }]
        : []),
    ],
    mend,
  }),
  guard<Stream>({
    id: "stream.place",
    protects: "rows and errors land where the bells and the tables look, each dataset's under its own prefix",
    laptop: true,
    subjects: streams,
    check: (is, { spec }, e) =>
      differences(
        {
          BucketARN: e.bucketArn("lake"),
          Prefix: spec.prefix,
          ErrorOutputPrefix: spec.errors,
        },
        (name) => target(is, name),
      ),
    mend,
  }),
  guard<Stream>({
    id: "stream.buffer",
    protects: "rows wait for company as long as the pace says: files of a useful size, and no later than promised",
    laptop: true,
    subjects: streams,
    check: (is, { spec }) =>
      differences({ SizeInMBs: spec.mib, IntervalInSeconds: spec.seconds }, (name) =>
        target(is, "BufferingHints", name),
      ),
    mend,
  }),
  guard<Stream>({
    id: "stream.role",
    chosen: true,
    protects: "Firehose may write its own prefixes of the lake, and nothing else",
    subjects: streams,
    check: (is, _, e) => differences({ RoleARN: roleOf(e, "stream") }, (name) => target(is, name)),
    mend,
  }),
  guard<Stream>({
    id: "stream.log",
    protects: "why a delivery fails can be read: Firehose loses what it cannot deliver for 24 hours",
    subjects: streams,
    check: (is, { name }) =>
      differences({ Enabled: true, LogGroupName: `/aws/kinesisfirehose/${name}` }, (member) =>
        target(is, "CloudWatchLoggingOptions", member),
      ),
    mend,
  }),
  guard<Stream>({
    id: "stream.encrypted",
    protects: "rows that wait in Firehose, and the objects that it writes, are encrypted by the stage's key",
    subjects: (e) => streams(e).map((one) => keyed(one, e)),
    check: (is, _, e, need) => [
      ...isKey(at(is, "DeliveryStreamEncryptionConfigurationInput", "KeyARN"), "KeyARN", e, need),
      ...isKey(target(is, "EncryptionConfiguration", "KMSEncryptionConfig", "AWSKMSKeyARN"), "AWSKMSKeyARN", e, need),
    ],
    mend,
  }),
];
