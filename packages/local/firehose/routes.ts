import { RECORD_BYTES } from "../../core/pack.ts";
import { AwsError, type JsonService } from "../service.ts";
import type { State } from "../state.ts";
import type { Deliverer } from "./deliver.ts";
import { type CreateInput, description, type Named, streamOf, type Tags, tagsOf } from "./destination.ts";
import { invalid, violated } from "./errors.ts";
import type { Records } from "./records.ts";
import type { Streams } from "./streams.ts";

/** PutRecordBatch, API reference: at most 500 records and 4 MiB of record data a call. */
const CALL_RECORDS = 500;
const CALL_BYTES = 4 * 1024 * 1024;
const MAX_TAGS = 50;
/** ListDeliveryStreams (API model). */
const MAX_LIMIT = 10_000;

export type RouteDeps = {
  arn: (stream: string) => string;
  now: () => number;
  /** Above this many undelivered bytes a stream answers as a throttled one does: the disk is not endless. */
  backlogBytes: number;
};

type Put = { DeliveryStreamName?: string; Record?: WireRecord };
type PutBatch = { DeliveryStreamName?: string; Records?: WireRecord[] };
type WireRecord = { Data?: string };

const named = ({ DeliveryStreamName: name }: Named): string => {
  if (typeof name !== "string") throw violated("null", "deliveryStreamName", "Member must not be null");
  if (!/^[a-zA-Z0-9_.-]{1,64}$/.test(name))
    throw violated(
      `'${name.slice(0, 64)}'`,
      "deliveryStreamName",
      "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+, and length less than or equal to 64",
    );
  return name;
};

/** A record's bytes, or Amazon's refusal of it. */
const bytesOf = (record: WireRecord | undefined, path: string): Buffer => {
  const text = record?.Data;
  if (text === undefined || text === null) throw violated("null", path, "Member must not be null");
  const unreadable = () => new AwsError("SerializationException", `${path} is not base64`);
  if (typeof text !== "string" || text.length % 4 !== 0) throw unreadable();
  const data = Buffer.from(text, "base64");
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (data.byteLength !== (text.length / 4) * 3 - padding) throw unreadable();
  if (data.byteLength > RECORD_BYTES)
    throw violated(
      `'java.nio.HeapByteBuffer[pos=0 lim=${data.byteLength} cap=${data.byteLength}]'`,
      path,
      `Member must have length less than or equal to ${RECORD_BYTES}`,
    );
  return data;
};

const recordId = (seq: number): string => String(seq).padStart(20, "0");

/** Firehose on the wire. A record is answered with its id only after the transaction that holds it has committed. */
export const routes = (
  state: State,
  streams: Streams,
  records: Records,
  deliverer: Deliverer,
  deps: RouteDeps,
): JsonService => {
  /** Record ids in the order of `data`; null where the backlog is full. */
  const take = (name: string, data: readonly Buffer[]): (string | null)[] => {
    streams.active(name);
    const arrived = deps.now();
    let backlog = deliverer.backlog(name);
    let bytes = 0;
    const ids = state.transaction(() =>
      data.map((item) => {
        if (backlog + item.byteLength > deps.backlogBytes) return null;
        backlog += item.byteLength;
        bytes += item.byteLength;
        return recordId(records.add(name, arrived, item));
      }),
    );
    if (ids.some((id) => id !== null)) {
      deliverer.added(name, bytes, arrived);
      deliverer.wake(name);
      state.touch();
    }
    return ids;
  };

  const putRecord = (input: Put) => {
    const name = named(input);
    const [id] = take(name, [bytesOf(input.Record, "record.data")]);
    if (id === null) throw new AwsError("ServiceUnavailableException", "Slow down.", 503);
    return { RecordId: id, Encrypted: false };
  };

  const putRecordBatch = (input: PutBatch) => {
    const name = named(input);
    const list = input.Records;
    if (!Array.isArray(list)) throw violated("null", "records", "Member must not be null");
    if (list.length === 0) throw violated("'[]'", "records", "Member must have length greater than or equal to 1");
    if (list.length > CALL_RECORDS)
      throw violated(
        `'[${list.length} records]'`,
        "records",
        `Member must have length less than or equal to ${CALL_RECORDS}`,
      );
    const data = list.map((record, index) => bytesOf(record, `records.${index + 1}.member.data`));
    if (data.reduce((sum, item) => sum + item.byteLength, 0) > CALL_BYTES)
      throw invalid("Records size exceeds 4 MB limit");
    const responses = take(name, data).map((id) =>
      id === null ? { ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." } : { RecordId: id },
    );
    return {
      FailedPutCount: responses.filter((r) => "ErrorCode" in r).length,
      Encrypted: false,
      RequestResponses: responses,
    };
  };

  const createDeliveryStream = (input: CreateInput) => {
    const name = named(input);
    const there = streams.find(name);
    if (there) throw new AwsError("ResourceInUseException", `Firehose ${name} under this account already exists`);
    streams.save(streamOf(name, input, deps.now()));
    state.touch();
    return { DeliveryStreamARN: deps.arn(name) };
  };

  const describeDeliveryStream = (input: Named) => {
    const name = named(input);
    const stream = streams.find(name);
    if (!stream) throw new AwsError("ResourceNotFoundException", `Firehose ${name} not found under this account.`);
    return { DeliveryStreamDescription: description(stream, deps.arn(name)) };
  };

  const listDeliveryStreams = (input: {
    Limit?: number;
    DeliveryStreamType?: string;
    ExclusiveStartDeliveryStreamName?: string;
  }) => {
    const limit = input.Limit ?? 10;
    if (limit < 1 || limit > MAX_LIMIT)
      throw violated(`'${limit}'`, "limit", `Member must have value between 1 and ${MAX_LIMIT}`);
    const after = input.ExclusiveStartDeliveryStreamName ?? "";
    const direct = (input.DeliveryStreamType ?? "DirectPut") === "DirectPut";
    const rest = direct ? streams.names().filter((name) => name > after) : [];
    return { DeliveryStreamNames: rest.slice(0, limit), HasMoreDeliveryStreams: rest.length > limit };
  };

  /** What it acknowledged is delivered before the stream goes. */
  const deleteDeliveryStream = (input: Named) => {
    const stream = streams.active(named(input));
    streams.save({ ...stream, status: "DELETING" });
    deliverer.wake(stream.name);
    state.touch();
    return {};
  };

  const tagDeliveryStream = (input: Named & Tags) => {
    const name = named(input);
    if (!input.Tags?.length) throw violated("'[]'", "tags", "Member must have length greater than or equal to 1");
    const stream = streams.active(name);
    const tags = { ...stream.tags, ...tagsOf(input.Tags) };
    if (Object.keys(tags).length > MAX_TAGS)
      throw new AwsError("LimitExceededException", `A stream has at most ${MAX_TAGS} tags`);
    streams.save({ ...stream, tags });
    return {};
  };

  const untagDeliveryStream = (input: Named & { TagKeys?: string[] }) => {
    const stream = streams.active(named(input));
    const gone = new Set(input.TagKeys ?? []);
    streams.save({
      ...stream,
      tags: Object.fromEntries(Object.entries(stream.tags).filter(([key]) => !gone.has(key))),
    });
    return {};
  };

  const listTagsForDeliveryStream = (input: Named & { Limit?: number; ExclusiveStartTagKey?: string }) => {
    const stream = streams.active(named(input));
    const limit = input.Limit ?? MAX_TAGS;
    const rest = Object.keys(stream.tags)
      .sort()
      .filter((key) => key > (input.ExclusiveStartTagKey ?? ""));
    return {
      Tags: rest.slice(0, limit).map((Key) => ({ Key, Value: stream.tags[Key] })),
      HasMoreTags: rest.length > limit,
    };
  };

  const refused = (operation: string) => (input: Named) => {
    streams.active(named(input));
    throw invalid(`${operation} is not supported on a laptop: delete the stream and create it again`);
  };

  return {
    target: "Firehose_20150804",
    version: "1.1",
    operations: {
      PutRecord: putRecord,
      PutRecordBatch: putRecordBatch,
      CreateDeliveryStream: createDeliveryStream,
      DescribeDeliveryStream: describeDeliveryStream,
      ListDeliveryStreams: listDeliveryStreams,
      DeleteDeliveryStream: deleteDeliveryStream,
      TagDeliveryStream: tagDeliveryStream,
      UntagDeliveryStream: untagDeliveryStream,
      ListTagsForDeliveryStream: listTagsForDeliveryStream,
      UpdateDestination: refused("UpdateDestination"),
      StartDeliveryStreamEncryption: refused("StartDeliveryStreamEncryption"),
      StopDeliveryStreamEncryption: refused("StopDeliveryStreamEncryption"),
    },
  };
};
