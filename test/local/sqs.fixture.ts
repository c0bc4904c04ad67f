import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQSClient } from "@aws-sdk/client-sqs";
import { gateway } from "../../packages/local/gateway.ts";
import { sqs, wireError } from "../../packages/local/sqs/index.ts";
import { openState } from "../../packages/local/state.ts";

export const ACCOUNT = "000000000000";
export const REGION = "sa-east-1";

/** A clock that a test moves. */
export const clock = (start = Date.UTC(2024, 10, 8, 21)) => {
  let at = start;
  const pass = (seconds: number): void => {
    at += seconds * 1000;
  };
  return { now: () => at, pass };
};

export const folder = (): { path: string; remove: () => void } => {
  const path = mkdtempSync(join(tmpdir(), "pregao-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
};

/** SQS alone behind a gateway, on a port and in a folder of its own. */
export const sqsStack = async (options: { now?: () => number; dir?: string } = {}) => {
  const own = options.dir === undefined ? folder() : null;
  const state = openState(options.dir ?? own!.path);
  const alarms: Record<string, unknown>[] = [];
  const alarm = (message: string, metadata: object) => void alarms.push({ message, ...metadata });
  const service = sqs(state, { account: ACCOUNT, region: REGION, url: () => door.url, now: options.now, alarm });
  const errors: unknown[] = [];
  const door = await gateway(0, {
    services: [{ ...service.service, wireError }],
    fallback: async (_req, res) => void res.writeHead(404).end(),
    onError: (error) => errors.push(error),
  });
  const client = new SQSClient({
    endpoint: door.url,
    region: REGION,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
  return {
    state,
    sqs: service,
    client,
    errors,
    alarms,
    url: door.url,
    queueUrl: (name: string) => `${door.url}/${ACCOUNT}/${name}`,
    stop: async () => {
      client.destroy();
      service.stop();
      await door.stop();
      state.close();
      own?.remove();
    },
  };
};
