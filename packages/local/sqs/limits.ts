import { hash } from "node:crypto";
import { AwsError } from "../service.ts";
import { invalid, invalidValue, missing } from "./errors.ts";
import { type Input, object, optionalInteger, optionalText } from "./fields.ts";

/** A message, and all messages of a batch together: 1 MiB (SendMessageBatch, API reference). */
export const MAX_BYTES = 1_048_576;
export const MAX_ENTRIES = 10;
const MAX_ATTRIBUTES = 10;
const MAX_DELAY_SECONDS = 900;

/** One attribute as it travels; `BinaryValue` is base64. */
export type MessageAttribute = { DataType: string; StringValue?: string; BinaryValue?: string };
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** A message that SQS would take: checked, measured and digested. `delay` in seconds, undefined is the queue's own. */
export type Draft = {
  body: string;
  md5: string;
  bytes: number;
  attributes: MessageAttributes | null;
  md5OfAttributes: string | null;
  trace: string | null;
  group: string | null;
  delay: number | undefined;
};

/** XML 1.0: #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const checkCharacters = (value: string): void => {
  if (FORBIDDEN.test(value) || !value.isWellFormed())
    throw new AwsError(
      "InvalidMessageContents",
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    );
};

const GROUP = /^[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]{1,128}$/;
const ATTRIBUTE_NAME = /^(?!aws\.|amazon\.)(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,255}(?<!\.)$/i;

const checkAttribute = (name: string, value: unknown): MessageAttribute => {
  if (!ATTRIBUTE_NAME.test(name))
    throw invalid(
      `Message (user) attribute name '${name}' is invalid: expected letters, digits, '_', '-' and single '.', at most 255, not starting with 'AWS.' or 'Amazon.'.`,
    );
  const given = object(value, `MessageAttributes.${name}`);
  const type = optionalText(given, "DataType");
  if (!type) throw invalid(`The message attribute '${name}' must contain a non-empty attribute type.`);
  const [kind] = type.split(".");
  if (!["String", "Number", "Binary"].includes(kind ?? "") || type.length > 255)
    throw invalid(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  if (kind === "Binary") {
    const binary = optionalText(given, "BinaryValue");
    if (!binary) throw invalid(`Message (user) attribute '${name}' must contain a non-empty value of type 'Binary'.`);
    return { DataType: type, BinaryValue: Buffer.from(binary, "base64").toString("base64") };
  }
  const string = optionalText(given, "StringValue");
  if (!string) throw invalid(`Message (user) attribute '${name}' must contain a non-empty value of type 'String'.`);
  if (FORBIDDEN.test(string) || !string.isWellFormed())
    throw invalid(`Message (user) attribute '${name}' has invalid characters.`);
  if (kind === "Number" && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(string))
    throw invalid(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  return { DataType: type, StringValue: string };
};

/** @returns null when there are none. */
export const checkAttributes = (value: unknown): MessageAttributes | null => {
  if (value === undefined || value === null) return null;
  const entries = Object.entries(object(value, "MessageAttributes"));
  if (entries.length === 0) return null;
  if (entries.length > MAX_ATTRIBUTES)
    throw invalid(`Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`);
  return Object.fromEntries(entries.map(([name, attribute]) => [name, checkAttribute(name, attribute)]));
};

const checkTrace = (value: unknown): string | null => {
  if (value === undefined || value === null) return null;
  const given = object(value, "MessageSystemAttributes");
  for (const name of Object.keys(given))
    if (name !== "AWSTraceHeader")
      throw invalid(
        `Message system attribute name '${name}' is invalid: the only one that can be sent is AWSTraceHeader.`,
      );
  if (given.AWSTraceHeader === undefined) return null;
  return optionalText(object(given.AWSTraceHeader, "AWSTraceHeader"), "StringValue") ?? null;
};

const valueBytes = (attribute: MessageAttribute): Buffer =>
  attribute.BinaryValue !== undefined
    ? Buffer.from(attribute.BinaryValue, "base64")
    : Buffer.from(attribute.StringValue ?? "");

/** What counts towards the limits: names, types and values. */
const attributeBytes = (attributes: MessageAttributes | null): number =>
  Object.entries(attributes ?? {}).reduce(
    (sum, [name, a]) => sum + Buffer.byteLength(name) + Buffer.byteLength(a.DataType) + valueBytes(a).length,
    0,
  );

/** MD5 over names in order: name, type, one byte for the transport (1 string, 2 binary), value, each with its length. */
export const md5OfAttributes = (attributes: MessageAttributes): string => {
  const parts: Buffer[] = [];
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const attribute = attributes[name]!;
    add(Buffer.from(name));
    add(Buffer.from(attribute.DataType));
    parts.push(Buffer.from([attribute.BinaryValue !== undefined ? 2 : 1]));
    add(valueBytes(attribute));
  }
  return hash("md5", Buffer.concat(parts));
};

/** The part of a message that a batch's total counts, before anything of it is checked. */
export const measure = (entry: Input): number => {
  const body = optionalText(entry, "MessageBody") ?? "";
  const attributes =
    entry.MessageAttributes === undefined || entry.MessageAttributes === null
      ? {}
      : object(entry.MessageAttributes, "MessageAttributes");
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes)) {
    const a = object(value, `MessageAttributes.${name}`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(optionalText(a, "DataType") ?? "");
    bytes +=
      Buffer.byteLength(optionalText(a, "StringValue") ?? "") +
      Math.floor(((optionalText(a, "BinaryValue") ?? "").length * 3) / 4);
  }
  return bytes;
};

/** Judges a message as SendMessage does. Throws the AwsError that AWS answers. */
export const draft = (entry: Input, maximum: number): Draft => {
  const body = optionalText(entry, "MessageBody");
  if (!body) throw missing("MessageBody");
  const attributes = checkAttributes(entry.MessageAttributes);
  const bytes = Buffer.byteLength(body) + attributeBytes(attributes);
  if (bytes > maximum)
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${maximum} bytes.`);
  checkCharacters(body);
  const group = optionalText(entry, "MessageGroupId") ?? null;
  if (group !== null && !GROUP.test(group))
    throw invalidValue(
      group,
      "MessageGroupId",
      "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
    );
  const deduplication = optionalText(entry, "MessageDeduplicationId");
  if (deduplication !== undefined)
    throw invalidValue(
      deduplication,
      "MessageDeduplicationId",
      "The request includes a parameter that is not valid for this queue type.",
    );
  const delay = optionalInteger(entry, "DelaySeconds");
  if (delay !== undefined && (delay < 0 || delay > MAX_DELAY_SECONDS))
    throw invalidValue(delay, "DelaySeconds", `DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`);
  return {
    body,
    md5: hash("md5", body),
    bytes,
    attributes,
    md5OfAttributes: attributes && md5OfAttributes(attributes),
    trace: checkTrace(entry.MessageSystemAttributes),
    group,
    delay,
  };
};

const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

/** The entries of a batch, each with an id of its own. Throws what AWS answers for the batch as a whole. */
export const entries = (value: unknown): { id: string; entry: Input }[] => {
  const given = value === undefined || value === null ? [] : value;
  if (!Array.isArray(given)) throw new AwsError("SerializationException", "Entries: expected a list");
  if (given.length === 0) throw new AwsError("EmptyBatchRequest", "There should be at least one entry in the request.");
  if (given.length > MAX_ENTRIES)
    throw new AwsError(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${given.length}.`,
    );
  const out = given.map((item) => {
    const entry = object(item, "Entries");
    return { id: optionalText(entry, "Id") ?? "", entry };
  });
  const seen = new Set<string>();
  for (const { id } of out) {
    if (!ENTRY_ID.test(id))
      throw new AwsError(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      );
    if (seen.has(id)) throw new AwsError("BatchEntryIdsNotDistinct", `Id ${id} repeated.`);
    seen.add(id);
  }
  return out;
};

/** Refuses a batch of messages whose total is above {@link MAX_BYTES}. */
export const checkTotal = (batch: readonly { entry: Input }[]): void => {
  const total = batch.reduce((sum, { entry }) => sum + measure(entry), 0);
  if (total > MAX_BYTES)
    throw new AwsError(
      "BatchRequestTooLong",
      `Batch requests cannot be longer than ${MAX_BYTES} bytes. You have sent ${total} bytes.`,
    );
};
