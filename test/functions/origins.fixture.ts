import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { list } from "../../packages/aws/store.ts";
import { laptop } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { openWeb, type Web } from "../../packages/web/index.ts";
import { type Recorded, recorded } from "../origin/server.ts";

export type Origins = {
  /** Every message that goes to a queue is counted. */
  aws: Aws;
  sent: () => number;
  origin: Recorded;
  web: Web;
  /** What was asked of the origin since this was called last: `D17012023 200`. */
  asked: () => string[];
  keys: (bucket: "origin" | "state", prefix: string) => Promise<string[]>;
  close: () => Promise<void>;
};

/** Stores and queues of which nobody reads, and an origin that has these sessions, which is asked without ado. */
export const openOrigins = async (sessions: readonly string[], rows = 5): Promise<Origins> => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-origins-"));
  const stage = laptop();
  const flow = { topology: topology(datasets, stage.pace), root: new URL("../../", import.meta.url), translate };
  const engine = () => Promise.reject(new Error("no job runs here"));
  const stack = await start({ ...flow, engine }, { dir, stage, still: true, onLog: () => {} });
  const plain = connect(stage, stack.env);
  const origin = await recorded({ sessions, rows });
  const web = openWeb({ mirror: origin.mirror, perSecond: 10_000, backoffMs: 1, attempts: 2 });
  let messages = 0;
  let seen = 0;
  const sqs: Pick<Aws["sqs"], "send"> = {
    send: (async (command: never, ...rest: never[]) => {
      const { input } = command as { input: { Entries?: unknown[] } };
      if ((command as unknown) instanceof SendMessageBatchCommand) messages += input.Entries?.length ?? 0;
      return plain.sqs.send(command, ...rest);
    }) as Aws["sqs"]["send"],
  };
  return {
    aws: { ...plain, sqs: sqs as Aws["sqs"] },
    sent: () => messages,
    origin,
    web,
    asked: () => {
      const news = origin.asked.slice(seen).map(({ what, status }) => `${what} ${status}`);
      seen = origin.asked.length;
      return news;
    },
    keys: async (bucket, prefix) => {
      const keys: string[] = [];
      for await (const { key } of list(plain, bucket, prefix)) keys.push(key);
      return keys;
    },
    close: async () => {
      await web.close();
      await origin.close();
      plain.close();
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
