/** S3's notification record, version 2.1, as it lies in the `Records` of a message. */
export type S3EventRecord = {
  eventVersion: "2.1";
  eventSource: "aws:s3";
  awsRegion: string;
  /** ISO 8601 with milliseconds. */
  eventTime: string;
  /** `ObjectCreated:Put`, `:Copy`, `:CompleteMultipartUpload` or `ObjectRemoved:Delete`. */
  eventName: EventName;
  userIdentity: { principalId: string };
  requestParameters: { sourceIPAddress: string };
  responseElements: { "x-amz-request-id": string; "x-amz-id-2": string };
  s3: {
    s3SchemaVersion: "1.0";
    configurationId: string;
    bucket: { name: string; ownerIdentity: { principalId: string }; arn: string };
    /** `key` is form-encoded with `/` kept; `eTag` has no quotes; a removal has neither size nor eTag. */
    object: { key: string; size?: number; eTag?: string; sequencer: string };
  };
};

export type EventName =
  | "ObjectCreated:Put"
  | "ObjectCreated:Copy"
  | "ObjectCreated:CompleteMultipartUpload"
  | "ObjectRemoved:Delete";

export const OWNER = "pregao";

/** Form encoding with `/` kept, as in notifications and in listings with `encoding-type=url`: `a b+c=d` → `a+b%2Bc%3Dd`. */
export const formEncode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/");

/** `sequence` only grows; as fixed-width hexadecimal it orders the events of a key as text. */
export const eventRecord = (event: {
  name: EventName;
  region: string;
  time: number;
  sequence: number;
  bucket: string;
  key: string;
  version?: { size: number; etag: string };
}): S3EventRecord => {
  const sequencer = event.sequence.toString(16).toUpperCase().padStart(18, "0");
  return {
    eventVersion: "2.1",
    eventSource: "aws:s3",
    awsRegion: event.region,
    eventTime: new Date(event.time).toISOString(),
    eventName: event.name,
    userIdentity: { principalId: OWNER },
    requestParameters: { sourceIPAddress: "127.0.0.1" },
    responseElements: { "x-amz-request-id": sequencer, "x-amz-id-2": sequencer },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: "pregao",
      bucket: { name: event.bucket, ownerIdentity: { principalId: OWNER }, arn: `arn:aws:s3:::${event.bucket}` },
      object: {
        key: formEncode(event.key),
        ...(event.version ? { size: event.version.size, eTag: event.version.etag } : {}),
        sequencer,
      },
    },
  };
};
