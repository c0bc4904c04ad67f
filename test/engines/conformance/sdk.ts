import * as athena from "@aws-sdk/client-athena";
import * as cloudcontrol from "@aws-sdk/client-cloudcontrol";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as cloudwatchlogs from "@aws-sdk/client-cloudwatch-logs";
import * as firehose from "@aws-sdk/client-firehose";
import * as glue from "@aws-sdk/client-glue";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import * as ssm from "@aws-sdk/client-ssm";
import type { Json } from "./case.ts";
import type { Client, Outcome } from "./client.ts";

const parts = { athena, cloudcontrol, cloudwatch, cloudwatchlogs, firehose, glue, s3, sqs, ssm };
type Service = keyof typeof parts;

/** Of any SDK client, as far as it is used here. */
type Sender = { send: (command: unknown) => Promise<Record<string, unknown>>; destroy: () => void };
type Raised = Error & { $metadata?: { httpStatusCode?: number }; Error?: { Code?: string }; Code?: string };

const clientOf = (service: Service, endpoint: string, region: string): Sender => {
  const config = {
    endpoint,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    ...(service === "s3" ? { forcePathStyle: true } : {}),
  };
  const names = {
    athena: "Athena",
    cloudcontrol: "CloudControl",
    cloudwatch: "CloudWatch",
    cloudwatchlogs: "CloudWatchLogs",
    firehose: "Firehose",
    glue: "Glue",
    s3: "S3",
    sqs: "SQS",
    ssm: "SSM",
  };
  const Made = (parts[service] as unknown as Record<string, new (config: object) => Sender>)[
    `${names[service]}Client`
  ]!;
  return new Made(config);
};

const bytes = (value: Json): unknown => {
  if (Array.isArray(value)) return value.map(bytes);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, Json>;
  if (typeof fields.$blob === "string") return Buffer.from(fields.$blob, "base64");
  if (typeof fields.$date === "number") return new Date(fields.$date * 1000);
  return Object.fromEntries(Object.entries(fields).map(([name, item]) => [name, bytes(item)]));
};

/** JSON of an answer; members that are undefined are not there. */
const plain = async (value: unknown): Promise<Json> => {
  if (value instanceof Date) return { $date: value.getTime() / 1000 };
  if (value instanceof Uint8Array) return { $blob: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value !== "object" || value === null) return value as Json;
  if ("transformToByteArray" in value)
    return plain(await (value.transformToByteArray as () => Promise<Uint8Array>).call(value));
  const out: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value))
    if (item !== undefined && name !== "$metadata") out[name] = await plain(item);
  return out;
};

/** AWS's SDK for JavaScript v3. */
export const sdk = (endpoint: string, region: string): Client => {
  const clients = new Map<Service, Sender>();
  const call = async (service: string, operation: string, input: Json): Promise<Outcome> => {
    const name = service as Service;
    const client = clients.get(name) ?? clientOf(name, endpoint, region);
    clients.set(name, client);
    const commands = parts[name] as unknown as Record<string, new (input: unknown) => unknown>;
    try {
      const answer = await client.send(new commands[`${operation}Command`]!(bytes(input)));
      const { httpStatusCode } = answer.$metadata as { httpStatusCode: number };
      return { ok: true, status: httpStatusCode, output: await plain(answer) };
    } catch (error) {
      const raised = error as Raised;
      return {
        ok: false,
        status: raised.$metadata?.httpStatusCode ?? 0,
        name: raised.name,
        code: raised.Error?.Code ?? raised.Code,
        message: raised.message,
        modelled: raised.constructor.name === raised.name,
      };
    }
  };
  return {
    call,
    stop: async () => {
      for (const client of clients.values()) client.destroy();
    },
  };
};
