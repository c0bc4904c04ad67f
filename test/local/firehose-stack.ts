import { rmSync } from "node:fs";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import type { StreamSpec } from "../../packages/core/topology.ts";
import { type FirehoseDeps, firehose } from "../../packages/local/firehose/index.ts";
import { gateway } from "../../packages/local/gateway.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState } from "../../packages/local/state.ts";

export type StoredObject = { key: string; path: string };

/** Where a test lets an object's publication fail: before it, in the transaction that makes it, or after the commit. */
export type Fault = (moment: "before" | "inside" | "after", key: string) => void;

/** Firehose on its real wire, over the real S3, without the rest of the river. The bucket is `lake`. */
export const openStack = async (dir: string, options: Partial<FirehoseDeps> & { fault?: Fault } = {}) => {
  const state = openState(dir);
  const failures: unknown[] = [];
  const notices: string[] = [];
  const bodies = s3(state, { region: "sa-east-1", onEvent: (record) => void notices.push(record.s3.object.key) });
  bodies.createBucket("lake");
  const tables = new Map<string, { name: string; type: string }[]>();
  const service = firehose(state, {
    table: (database, name) => {
      const columns = tables.get(`${database}.${name}`);
      return columns ? { columns } : null;
    },
    onFailure: (_stream, error) => failures.push(error),
    s3: {
      putFile: async (bucket, key, path, { within } = {}) => {
        options.fault?.("before", key);
        const inside = () => {
          within?.();
          options.fault?.("inside", key);
        };
        await bodies.putFile(bucket, key, path, { within: inside });
        options.fault?.("after", key);
      },
    },
    ...options,
  });
  const door = await gateway(0, {
    services: [service.service],
    fallback: async (_req, res) => void res.writeHead(404).end(),
    onError: (error) => failures.push(error),
  });
  const client = new FirehoseClient({
    endpoint: door.url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1,
  });
  const until = async <T>(fact: () => T | null | false | undefined): Promise<T> => {
    for (;;) {
      const found = fact();
      if (found) return found;
      await new Promise((resolve) => state.changes.once("change", resolve));
    }
  };
  return {
    url: door.url,
    state,
    service,
    client,
    tables,
    failures,
    until,
    /** Keys as the notifications gave them. */
    notices,
    objects: (): StoredObject[] =>
      bodies.list("lake", "").map(({ key }) => ({ key, path: bodies.path("lake", key)!.path })),
    /** Everything acknowledged is in an object. */
    quiet: () => until(() => !service.busy()),
    stop: async () => {
      client.destroy();
      await door.stop();
      await service.stop();
      state.close();
    },
    /** As a kill leaves it: nothing is waited for. */
    kill: async () => {
      state.close();
      client.destroy();
      await door.stop();
      await service.stop();
    },
  };
};

export type Stack = Awaited<ReturnType<typeof openStack>>;

export const spec = (over: Partial<StreamSpec> = {}): StreamSpec => ({
  name: "quotes",
  database: "db",
  table: "quotes_raw",
  prefix: "raw/quotes/ingest_date=!{timestamp:yyyy-MM-dd}/",
  errors: "errors/quotes/!{firehose:error-output-type}/",
  mib: 64,
  seconds: 0,
  ...over,
});

export const columns = [
  { name: "ticker", type: "string" },
  { name: "totneg", type: "int" },
  { name: "quatot", type: "bigint" },
  { name: "scraped_at", type: "timestamp" },
];

export const line = (i: number, over: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ ticker: `T${i}`, totneg: i, quatot: String(i), scraped_at: "2024-11-08 22:11:00.123", ...over })}\n`;

export const cleanUp = (dir: string): void => rmSync(dir, { recursive: true, force: true });
