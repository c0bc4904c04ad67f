import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { type S3, type S3EventRecord, s3 } from "../../packages/local/s3/index.ts";
import { openState, type State } from "../../packages/local/state.ts";

export type Raw = { status: number; headers: http.IncomingHttpHeaders; body: Buffer; text: string };

/** An S3 of its own on a random port, with a client, and a raw one that sends what the SDK would not. */
export type Stack = {
  dir: string;
  state: State;
  s3: S3;
  client: S3Client;
  url: string;
  events: S3EventRecord[];
  alarms: string[];
  /** Called inside the transaction of every event; a test may make it throw. */
  hook: { onEvent: (record: S3EventRecord) => void };
  raw: (
    method: string,
    path: string,
    headers?: http.OutgoingHttpHeaders,
    body?: Uint8Array | string | Iterable<Uint8Array>,
  ) => Promise<Raw>;
  /** Closes without removing the folder, and opens a new stack on it: what a crash at this moment would find. */
  restart: (before?: () => void) => Promise<Stack>;
  close: () => Promise<void>;
  /** Closes and removes the folder. */
  stop: () => Promise<void>;
};

export const startStack = async (
  dir = mkdtempSync(join(tmpdir(), "pregao-s3-")),
  now?: () => number,
): Promise<Stack> => {
  const state = openState(dir);
  const events: S3EventRecord[] = [];
  const alarms: string[] = [];
  const hook = { onEvent: (_: S3EventRecord) => {} };
  const service = s3(state, {
    region: "sa-east-1",
    onEvent: (record) => {
      hook.onEvent(record);
      events.push(record);
    },
    alarm: (message) => void alarms.push(message),
    ...(now ? { now } : {}),
  });
  const server = http.createServer((req, res) => void service.handle(req, res));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = new S3Client({
    endpoint: url,
    region: "sa-east-1",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  service.createBucket("lake");

  const raw: Stack["raw"] = (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const req = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (res) => {
        const pieces: Buffer[] = [];
        res.on("data", (piece: Buffer) => void pieces.push(piece));
        res.on("error", reject);
        res.on("end", () => {
          const whole = Buffer.concat(pieces);
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: whole, text: whole.toString() });
        });
      });
      req.on("error", reject);
      if (body === undefined) req.end();
      else if (typeof body === "string" || body instanceof Uint8Array) req.end(body);
      else {
        for (const piece of body) req.write(piece);
        req.end();
      }
    });

  const close = async () => {
    client.destroy();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    state.close();
  };
  return {
    dir,
    state,
    s3: service,
    client,
    url,
    events,
    alarms,
    hook,
    raw,
    restart: async (before) => {
      await close();
      before?.();
      return startStack(dir, now);
    },
    close,
    stop: async () => {
      await close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** The code in S3's XML for an error. */
export const codeOf = (answer: { text: string }): string | undefined => /<Code>(.*?)<\/Code>/.exec(answer.text)?.[1];
