import { AthenaClient } from "@aws-sdk/client-athena";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { GlueClient } from "@aws-sdk/client-glue";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Stage } from "../core/stage.ts";

/** The clients of one stage. A laptop differs from AWS by the endpoint, and by nothing else. */
export type Aws = {
  stage: Stage;
  endpoint: string | undefined;
  sqs: SQSClient;
  s3: S3Client;
  glue: GlueClient;
  firehose: FirehoseClient;
  athena: AthenaClient;
  close: () => void;
};

/** `env.AWS_ENDPOINT_URL` points everything at a stand-in; its credentials are then any. */
export const connect = (stage: Stage, env: Record<string, string | undefined> = process.env): Aws => {
  const endpoint = env.AWS_ENDPOINT_URL;
  const config = {
    region: stage.region,
    maxAttempts: 4,
    ...(endpoint ? { endpoint, credentials: { accessKeyId: "local", secretAccessKey: "local" } } : {}),
  };
  // Bodies travel under a signature of their SHA-256; an MD5 of each on top of it costs more than it can find.
  const sqs = new SQSClient({ ...config, md5: false });
  const s3 = new S3Client({ ...config, forcePathStyle: Boolean(endpoint) });
  const glue = new GlueClient(config);
  const firehose = new FirehoseClient(config);
  const athena = new AthenaClient(config);
  const close = () => {
    for (const client of [sqs, s3, glue, firehose, athena]) client.destroy();
  };
  return { stage, endpoint, sqs, s3, glue, firehose, athena, close };
};
