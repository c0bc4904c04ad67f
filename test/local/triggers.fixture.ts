import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { laptop } from "../../packages/core/stage.ts";
import type { Topology } from "../../packages/core/topology.ts";
import { gateway } from "../../packages/local/gateway.ts";
import { type FunctionDef, type LogLine, lambda } from "../../packages/local/lambda.ts";
import { sqs, wireError } from "../../packages/local/sqs/index.ts";
import { openState } from "../../packages/local/state.ts";
import { triggers } from "../../packages/local/triggers/index.ts";
import { ACCOUNT, folder, REGION } from "./sqs.fixture.ts";

export const handlers = new URL("./handlers/", import.meta.url);
export const actor = (name: string, handler = "handler", timeout = 30): FunctionDef => ({
  name,
  module: new URL("actor.ts", handlers).href,
  handler,
  timeout,
  memory: 128,
});

/** A URL that answers once `open` was called; `arrivals` counts who waits or has waited. */
export const gate = async () => {
  let release = () => {};
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrivals = 0;
  const server = createServer(async (_req, res) => {
    arrivals++;
    await opened;
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    arrivals: () => arrivals,
    open: () => release(),
    close: () => {
      release();
      server.closeAllConnections();
      server.close();
    },
  };
};

type Edges = Partial<Pick<Topology, "mappings" | "notices" | "jobs" | "clocks">>;
type Options = Edges & {
  functions: FunctionDef[];
  queues: Record<string, Record<string, string>>;
  now?: () => number;
  dir?: string;
  retryDelays?: number[];
  web?: boolean;
};

/** Queues, functions and what joins them, without the other services. */
export const triggersStack = async (options: Options) => {
  const own = options.dir === undefined ? folder() : null;
  const state = openState(options.dir ?? own!.path);
  const logs: LogLine[] = [];
  const onLog = (line: LogLine) => void logs.push(line);
  const queues = sqs(state, {
    account: ACCOUNT,
    region: REGION,
    url: () => door.url,
    now: options.now,
    alarm: (message, metadata) => onLog({ level: "ERROR", component: "sqs", message, metadata }),
  });
  for (const [name, attributes] of Object.entries(options.queues)) queues.create(name, attributes);
  const runtime = lambda({
    functions: options.functions,
    env: () => ({
      AWS_ENDPOINT_URL: door.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    }),
    arn: (name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
    onLog,
  });
  const edges = triggers(
    state,
    { mappings: [], notices: [], jobs: [], clocks: [], ...options },
    {
      stage: laptop(),
      sqs: queues,
      runtime,
      onLog,
      now: options.now,
      retryDelays: options.retryDelays,
      web: options.web,
    },
  );
  const errors: unknown[] = [];
  const door = await gateway(0, {
    services: [{ ...queues.service, wireError }],
    fallback: async (_req, res) => void res.writeHead(404).end(),
    onError: (error) => errors.push(error),
  });
  edges.start();
  const of = <T>(key: string): T[] => logs.filter((line) => key in line).map((line) => line[key] as T);
  return {
    state,
    sqs: queues,
    runtime,
    edges,
    logs,
    errors,
    url: door.url,
    queueUrl: (name: string) => `${door.url}/${ACCOUNT}/${name}`,
    /** The events that the actor was given, in order. */
    given: () => of<{ Records: { messageId: string; body: string }[] }>("given"),
    of,
    send: (queue: string, ...acts: unknown[]) =>
      queues.send(
        queue,
        acts.map((act) => ({ body: JSON.stringify(act) })),
      ),
    warnings: () => logs.filter((line) => line.level === "WARN" || line.level === "ERROR"),
    /** As `kill -9`: nobody is told, nothing is settled. */
    die: async () => {
      edges.stop();
      await runtime.stop();
      queues.stop();
      await door.stop();
      state.close();
    },
    stop: async () => {
      edges.stop();
      await runtime.stop();
      queues.stop();
      await door.stop();
      state.close();
      own?.remove();
    },
  };
};
