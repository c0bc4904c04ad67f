import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { laptop, type Stage } from "../../packages/core/stage.ts";
import { type Topology, topology } from "../../packages/core/topology.ts";
import { catalogue } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { type Stack, start } from "../../packages/local/index.ts";
import type { LogLine } from "../../packages/local/lambda.ts";
import { translate } from "../../packages/trino/index.ts";
import { faultyCalls } from "./calls.ts";
import type { Trace } from "./faults.ts";
import { type FaultyProxy, faultyProxy } from "./proxy.ts";

/** `daily` gathers nothing before a run: every object may have a run of its own. */
export const stage: Stage = { ...laptop(), pace: "daily" };
export const datasets = catalogue(stage.layouts);

/** Those on a record's way; what deletes or archives by age finds nothing of that age here. */
const FUNCTIONS = ["scrape", "consume", "salvage", "advance"];

/** The river as it is, but for its waits: what AWS does in minutes happens at once. */
const swift = (shape: Topology): Topology => ({
  ...shape,
  functions: shape.functions.filter((f) => FUNCTIONS.includes(f.name)),
  queues: shape.queues.map((q) => ({ ...q, visibility: q.name.endsWith("-dlq") ? q.visibility : 1 })),
  mappings: shape.mappings.map((m) => ({ ...m, window: 0, batch: 10 })),
  streams: shape.streams.map((s) => ({ ...s, seconds: 0 })),
  // A test calls them itself.
  clocks: [],
});

export const river = (change: (shape: Topology) => Topology = (shape) => shape) => ({
  topology: change(swift(topology(datasets, stage.pace))),
  root: new URL("./", import.meta.url),
  engine: refineJob,
  translate,
});

/** As functions/impatient.ts has it. */
const SILENT_MS = 1_500;

export const temporary = (name: string): { dir: string; remove: () => void } => {
  const dir = mkdtempSync(join(tmpdir(), `pregao-${name}-`));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
};

/** A state directory in which everything has settled that comes from no origin: the calendar. */
export const template = async (dir: string): Promise<void> => {
  const stack = await start(river(), { dir, stage, onLog: () => {} });
  const settled = await stack.invoke("advance", { datasets: datasets.map((d) => d.name) });
  await stack.idle();
  await stack.stop();
  if (!settled.ok) throw new Error(`the template did not settle: ${settled.error.errorMessage}`);
};

export type World = {
  stack: Stack;
  proxy: FaultyProxy;
  calls: ReturnType<typeof faultyCalls>;
  trace: Trace;
  log: LogLine[];
  /** Through the proxy. */
  aws: Aws;
  /** Past it. */
  plain: Aws;
  close: () => Promise<void>;
};

/** A river on a copy of a template, all of whose functions, and a client of ours, speak through a proxy. */
export const openWorld = async (options: {
  from: string;
  seed: number;
  /** How long a client of ours waits for a word. */
  silentMs?: number;
  change?: (shape: Topology) => Topology;
}): Promise<World> => {
  const { dir, remove } = temporary("faults");
  cpSync(options.from, dir, { recursive: true });
  const trace: Trace = [];
  const log: LogLine[] = [];
  const calls = faultyCalls(trace);
  // Each needs the other's address; nothing is asked for before both have one.
  const upstream = Promise.withResolvers<string>();
  const proxy = await faultyProxy(upstream.promise, { seed: options.seed, trace });
  const stack = await start(river(options.change), {
    dir,
    stage,
    onLog: (line) => void log.push(line),
    retryDelays: [5, 10],
    endpoint: () => proxy.url,
    around: calls.around,
  });
  upstream.resolve(stack.url);
  const client = (url: string) =>
    connect(stage, { AWS_ENDPOINT_URL: url, PREGAO_SILENT_MS: String(options.silentMs ?? SILENT_MS) });
  const [aws, plain] = [client(proxy.url), client(stack.url)];
  return {
    stack,
    proxy,
    calls,
    trace,
    log,
    aws,
    plain,
    close: async () => {
      aws.close();
      plain.close();
      await stack.stop();
      await proxy.stop();
      remove();
    },
  };
};
