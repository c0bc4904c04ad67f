import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Aws, connect } from "../../packages/aws/index.ts";
import type { Place } from "../../packages/cli/place.ts";
import type { Stage } from "../../packages/core/stage.ts";
import { type Topology, topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import type { Store } from "../../packages/engines/store.ts";
import { type Stack, start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { grants } from "../../stacks/permissions.ts";
import { silent } from "../place.ts";
import { allowed, allowing, type Need, shown } from "./iam.ts";
import { needsOf, s3Needs, type Wire } from "./needs.ts";
import { recorder } from "./proxy.ts";

/** The local stack under the names that a deployed stage has, so that ARNs are those of its roles. */
export const stage: Stage = { name: "prova", account: "123456789012", region: "sa-east-1", pace: "daily", layouts: {} };
export const datasets = catalogueOf(stage);
export const declared = topology(datasets, stage.pace);
const KEY = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
export const wire: Wire = { stage, topology: declared, keyArn: KEY };
export const granted = grants(stage, declared, KEY);

const swift = (shape: Topology): Topology => ({
  ...shape,
  queues: shape.queues.map((q) => ({ ...q, visibility: q.deadLetter ? 1 : q.visibility })),
  mappings: shape.mappings.map((m) => ({ ...m, window: 0, batch: 10 })),
  streams: shape.streams.map((s) => ({ ...s, seconds: 0 })),
  // A test calls them itself.
  clocks: [],
});

export type Asked = { who: string; what: string; needs: Need[] };

export type World = {
  stack: Stack;
  /** As a client that signs with this name. */
  as: (who: string) => Aws;
  /** Of a process whose requests that one signs. */
  env: (who: string) => Record<string, string>;
  /** What a command sees as that person. */
  place: (who: string) => Place & { output: ReturnType<typeof silent> };
  /** What was asked for so far, by whom. */
  asked: () => Asked[];
  /** Days that the services' clocks are behind those of the functions. */
  behind: (days: number) => void;
  /** Serves bytes under a URL. */
  serve: (bytes: Buffer) => string;
  /** A file with this text. */
  write: (text: string) => string;
  close: () => Promise<void>;
};

const DAY_MS = 86_400_000;

/** The job reads and writes by a store, not by requests: what Glue's does, told by the same names. */
const told = (store: Store, note: (what: string, needs: Need[]) => void): Store => {
  const at = (name: string, key: string) => `pregao-${stage.name}-${name}-${stage.account}/${key}`;
  return {
    scratch: store.scratch,
    read: async (name, key) => {
      note(`read ${key}`, [...s3Needs.head(wire, at(name, key)), ...s3Needs.get(wire, at(name, key))]);
      return store.read(name, key);
    },
    list: async (name, prefix) => {
      note(`list ${prefix}`, s3Needs.list(wire, at(name, "").slice(0, -1), prefix));
      return store.list(name, prefix);
    },
    write: async (name, key, path) => {
      note(`write ${key}`, s3Needs.put(wire, at(name, key)));
      return store.write(name, key, path);
    },
  };
};

export const openWorld = async (): Promise<World> => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-permissions-"));
  const upstream = Promise.withResolvers<string>();
  const proxy = await recorder(upstream.promise);
  const ofJobs: Asked[] = [];
  let offset = 0;
  const stack = await start(
    {
      topology: swift(declared),
      root: new URL("../../", import.meta.url),
      engine: (job) =>
        refineJob({
          ...job,
          store: told(job.store, (what, needs) => void ofJobs.push({ who: "job", what, needs })),
        }),
      translate,
    },
    {
      dir,
      stage,
      onLog: () => {},
      now: () => Date.now() - offset,
      retryDelays: [5, 10],
      endpoint: () => proxy.url,
      graceMs: 0,
    },
  );
  upstream.resolve(stack.url);
  const clients = new Map<string, Aws>();
  const env = (who: string) => ({ AWS_ENDPOINT_URL: proxy.url, AWS_ACCESS_KEY_ID: who, AWS_REGION: stage.region });
  const as = (who: string): Aws => {
    const known = clients.get(who);
    if (known) return known;
    const made = connect(stage, env(who));
    clients.set(who, made);
    return made;
  };
  const files: Buffer[] = [];
  const web = createServer((req, res) => void res.end(files[Number(req.url?.slice(1))]));
  await new Promise<void>((listening) => web.listen(0, "127.0.0.1", listening));
  return {
    stack,
    as,
    env,
    place: (who) => ({
      aws: as(who),
      stage,
      datasets,
      database: datasets.find((d) => d.raw)!.database,
      output: silent(),
      dir: null,
      stack: null,
      close: async () => {},
    }),
    asked: () => [
      ...proxy.seen.map((seen) => ({
        who: seen.who,
        what: `${seen.headers["x-amz-target"] ?? seen.method} ${seen.url.pathname} ${seen.status}`,
        needs: needsOf(wire, seen),
      })),
      ...ofJobs,
    ],
    behind: (days) => {
      offset = days * DAY_MS;
    },
    serve: (bytes) => `http://127.0.0.1:${(web.address() as AddressInfo).port}/${files.push(bytes) - 1}`,
    write: (text) => {
      const path = join(dir, "own.ndjson");
      writeFileSync(path, text);
      return path;
    },
    close: async () => {
      for (const client of clients.values()) client.close();
      web.close();
      await stack.stop();
      proxy.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** What IAM would deny, as text, each once. */
export const denied = (asked: readonly Asked[]): string[] => [
  ...new Set(
    asked.flatMap(({ who, what, needs }) =>
      needs
        .filter((need) => !allowed(granted[who] ?? [], need))
        .map((need) => `${who} may not ${shown(need)}: ${what}`),
    ),
  ),
];

/** Of a role what nothing of this is allowed by: actions, and resources, by statement. */
export const unused = (who: string, asked: readonly Asked[]): string[] => {
  const statements = granted[who] ?? [];
  const used = new Set<string>();
  for (const need of asked.filter((one) => one.who === who).flatMap(({ needs }) => needs))
    for (const { statement, resource } of allowing(statements, need)) {
      used.add(`${statement.sid} ${need.action}`);
      used.add(`${statement.sid} ${resource}`);
    }
  return statements.flatMap(({ sid, actions, resources }) =>
    [...actions, ...resources].map((one) => `${sid} ${one}`).filter((one) => !used.has(one)),
  );
};
