import { AthenaClient } from "@aws-sdk/client-athena";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Stage } from "../core/stage.ts";
import { onlyS3 } from "./foreign.ts";

/** The clients of one stage. A laptop differs from AWS by the endpoint, and by nothing else. */
export type Aws = {
  stage: Stage;
  endpoint: string | undefined;
  sqs: SQSClient;
  s3: S3Client;
  glue: GlueClient;
  firehose: FirehoseClient;
  athena: AthenaClient;
  cloudwatch: CloudWatchClient;
  close: () => void;
};

/** A connection is there in a round trip, or it is another's turn: AWS's own clients say 1 to 10 s. */
const CONNECT_MS = 5_000;
/**
 * How long a connection may say nothing before the outcome is unknown. The longest silence that means something is
 * SQS's long poll, 20 s; and within the shortest function's minute two such requests must have their end. Silence, not
 * the whole request, is what is bounded: an origin of a gigabyte may travel for as long as it moves.
 */
const SILENT_MS = 25_000;

/** Of processes: which variables matter is said where they are read. */
export type Env = Readonly<Record<string, string | undefined>>;

/** `own`: with this process' own credentials, found as the SDK finds them, also at an endpoint. */
export type Signing = { own?: boolean };

/**
 * What every client is made with. `env.AWS_ENDPOINT_URL` points it at a stand-in; its credentials are then any, unless
 * they are to be this process' own; `env.AWS_ACCESS_KEY_ID` says who calls. `env.PREGAO_SILENT_MS` is another bound of silence.
 */
export const configOf = (region: string, env: Env, { own = false }: Signing = {}) => {
  const endpoint = env.AWS_ENDPOINT_URL;
  return {
    region,
    maxAttempts: 4,
    // Without these a request has no end. `requestTimeout` alone only warns, and counts from the first byte sent.
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: Number(env.PREGAO_SILENT_MS) || SILENT_MS },
    ...(endpoint ? { endpoint } : {}),
    ...(endpoint && !own
      ? { credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID || "local", secretAccessKey: "local" } }
      : {}),
  };
};

/** The clients of a stage; see {@link configOf}. */
export const connect = (stage: Stage, env: Env = process.env, signing: Signing = {}): Aws => {
  const endpoint = env.AWS_ENDPOINT_URL || undefined;
  const config = configOf(stage.region, env, signing);
  // Bodies travel under a signature of their SHA-256; an MD5 of each on top of it costs more than it can find.
  const sqs = new SQSClient({ ...config, md5: false });
  const s3 = onlyS3(new S3Client({ ...config, forcePathStyle: Boolean(endpoint) }));
  const glue = new GlueClient(config);
  const firehose = new FirehoseClient(config);
  const athena = new AthenaClient(config);
  const cloudwatch = new CloudWatchClient(config);
  const close = () => {
    for (const client of [sqs, s3, glue, firehose, athena, cloudwatch]) client.destroy();
  };
  return { stage, endpoint, sqs, s3, glue, firehose, athena, cloudwatch, close };
};
