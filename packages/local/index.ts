import { mkdirSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { PregaoError } from "../core/errors.ts";
import { bucket, environment, functionLog, resource, type Stage, workgroup } from "../core/stage.ts";
import type { Topology } from "../core/topology.ts";
import { isOurs } from "../core/view.ts";
import type { Store } from "../engines/store.ts";
import { athena, type Translate } from "./athena/index.ts";
import { cloudControl } from "./cloudcontrol/index.ts";
import { cloudwatch } from "./cloudwatch/index.ts";
import { isFull, noRoom } from "./disk.ts";
import { doorsOf } from "./doors.ts";
import { firehose } from "./firehose/index.ts";
import { gateway } from "./gateway.ts";
import { glue } from "./glue/index.ts";
import { type Invocation, type LogLine, lambda, type Runtime } from "./lambda.ts";
import { DEFAULT_ENGINE, lockState, STATE_VERSION } from "./lock.ts";
import { logFile } from "./log.ts";
import { logs } from "./logs/index.ts";
import { provision } from "./provision.ts";
import { s3 } from "./s3/index.ts";
import { type Depth, sqs, wireError } from "./sqs/index.ts";
import { ssm } from "./ssm/index.ts";
import { openState, type State } from "./state.ts";
import { localStore } from "./store.ts";
import { type Dropped, triggers } from "./triggers/index.ts";

export { runningStack, type StackInfo } from "./lock.ts";

/** What flows: the topology, where its handlers are (`functions/consume.handler` under `root`), and what runs its jobs. */
export type River = {
  topology: Topology;
  /** Of the repository, or of a folder of test handlers; ends in `/`. */
  root: URL;
  /**
   * Carries out a job run: it resolves when it succeeded. `signal` aborts when the run is stopped or takes too long.
   * `endpoint` is where AWS answers, `files` the folder that has its objects as `<bucket>/<key>`, to be read only.
   */
  engine: (job: {
    name: string;
    arguments: Record<string, string>;
    jobRunId: string;
    signal: AbortSignal;
    store: Store;
    endpoint: string;
    files: string;
  }) => Promise<void>;
  /** Athena's dialect for DuckDB. */
  translate: Translate;
};

export type StartOptions = {
  /** The state directory; it is made if need be. */
  dir: string;
  /** 0: any free one. */
  port?: number;
  stage: Stage;
  /** Host names, beside the loopback ones, under which requests are answered; web pages of these, and of no other, too. */
  hosts?: readonly string[];
  /** Every line of the handlers' and the stack's own log; appended to `<dir>/log.ndjson` unless given. */
  onLog?: (line: LogLine) => void;
  now?: () => number;
  /** Between the attempts at an asynchronous event, in ms; Lambda's own unless given. */
  retryDelays?: readonly number[];
  /** How long `stop` lets handlers and jobs finish, in ms. */
  graceMs?: number;
  /**
   * Answers, and starts nothing: no message is consumed, no clock ticks, nothing is delivered, no job runs or is ended.
   * For a look at what is there. What is sent to it waits for the next start.
   */
  still?: boolean;
  /** Clocks tick, too, that start what fetches from the web. */
  web?: boolean;
  /** What the functions are told beside their stage and where AWS is. */
  env?: Readonly<Record<string, string>>;
  /** What runs the jobs, by a name that other processes are told. */
  engineName?: string;
  /** Where functions and jobs find AWS, given the stack's own address: a stage that answers badly stands between them. */
  endpoint?: (url: string) => string;
  /** Around every call of a function: what is lost, late or doubled on its way to one. */
  around?: (runtime: Runtime) => Runtime;
};

export type Stack = {
  url: string;
  port: number;
  dir: string;
  /** For a client in this process: the endpoint, the stage, and credentials that mean nothing. */
  env: Record<string, string>;
  /** Resolves when nothing will happen by itself any more but a clock's next tick: no message in a queue that feeds a function, no event, job or delivery under way. */
  idle: () => Promise<void>;
  /** True when {@link Stack.idle} would resolve at once. */
  isIdle: () => boolean;
  /** Calls a function, as Lambda's Invoke does, and waits for its answer. */
  invoke: (name: string, event: unknown) => Promise<Invocation>;
  depth: (queue: string) => Depth;
  /** Events that were given up after their last attempt. */
  dropped: () => Dropped[];
  /** How many commands of other processes use it just now. */
  guests: () => number;
  /** Lets what runs finish (within the grace), then closes everything. What was not finished goes on after the next start. */
  stop: () => Promise<void>;
};

const GRACE_MS = 5_000;

const openOwnState = (dir: string, alarm: (error: unknown) => void): State => {
  let state: State;
  try {
    state = openState(dir, alarm);
  } catch (error) {
    if (isFull(error)) throw error;
    throw new PregaoError(
      "state_damaged",
      `state directory ${dir}: expected its database to be readable, came "${String(error)}"; choose another directory, or reset this one`,
    );
  }
  const { user_version: version } = state.db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version !== 0 && version !== STATE_VERSION) {
    state.close();
    throw new PregaoError(
      "state_version",
      `state directory ${dir}: expected version ${STATE_VERSION}, came ${version}; choose another directory, or reset this one`,
      { version },
    );
  }
  state.db.exec(`PRAGMA user_version = ${STATE_VERSION}`);
  return state;
};

const reasonOf = (error: unknown) => ({
  error: String(error),
  stack: error instanceof Error ? error.stack : undefined,
});

/** The functions' environment: nothing of this process's own, above all no credentials and no endpoint of a real AWS. */
const environmentOf = (stage: Stage, url: string): Record<string, string> => ({
  ...environment(stage),
  AWS_ENDPOINT_URL: url,
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  AWS_DEFAULT_REGION: stage.region,
  AWS_EC2_METADATA_DISABLED: "true",
});

/**
 * Starts AWS on a laptop: every service on one port, the topology made real in it (also over a directory that has it
 * already), and what an earlier process left under way going on.
 * @throws PregaoError `state_in_use`, `state_version`, `state_damaged`, `disk_full`, `port_in_use`, `mapping`, `no_function`.
 */
export const start = async (river: River, options: StartOptions): Promise<Stack> => {
  const dir = resolve(options.dir);
  const { stage, now = Date.now } = options;
  const { topology } = river;
  const lock = lockState(dir);
  /** In reverse order of what they undo. */
  const closing: (() => unknown)[] = [lock.release];
  const close = async (): Promise<void> => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    const file = options.onLog ? null : logFile(dir);
    if (file) closing.push(file.end);
    const onLog = options.onLog ?? file!.write;
    const tell = (level: string, component: string, message: string, metadata: Record<string, unknown> = {}) =>
      onLog({ timestamp: new Date().toISOString(), level, component, message, metadata });

    const state = openOwnState(dir, (error) =>
      tell("ERROR", "state", "what follows a commit failed; the commit stands", reasonOf(error)),
    );
    closing.push(state.close);
    const scratch = join(dir, "scratch");
    rmSync(scratch, { recursive: true, force: true });

    let url = "";
    const { account, region } = stage;
    const own = lambda({
      functions: topology.functions.map(({ name, handler, timeout, memory }) => {
        const dot = handler.lastIndexOf(".");
        const module = new URL(`${handler.slice(0, dot)}.ts`, river.root).href;
        return { name, module, handler: handler.slice(dot + 1), timeout, memory };
      }),
      env: () => ({ ...options.env, ...environmentOf(stage, options.endpoint?.(url) ?? url) }),
      arn: (name) => `arn:aws:lambda:${region}:${account}:function:${resource(stage, name)}`,
      onLog,
    });
    // A call may end that nobody waits for any more, and with it what `idle` waits for.
    const told: Runtime = { ...own, invoke: (...call) => own.invoke(...call).finally(state.touch) };
    const runtime = options.around?.(told) ?? told;
    closing.push(runtime.stop);

    const queues = sqs(state, {
      account,
      region,
      url: () => url,
      now,
      alarm: (message, metadata) => tell("ERROR", "sqs", message, metadata),
    });
    closing.push(queues.stop);
    const edges = triggers(state, topology, {
      stage,
      sqs: queues,
      runtime,
      onLog,
      now,
      retryDelays: options.retryDelays,
      web: options.web,
    });
    const objects = s3(state, {
      region,
      onEvent: edges.onObject,
      now,
      alarm: (message, metadata) => tell("ERROR", "s3", message, metadata),
    });
    const jobs = glue(state, {
      account,
      region,
      now,
      onJobEvent: edges.onJob,
      run: async (job) => {
        const folder = join(scratch, job.jobRunId);
        mkdirSync(folder, { recursive: true });
        try {
          const endpoint = options.endpoint?.(url) ?? url;
          await river.engine({ ...job, store: localStore(objects, stage, folder), endpoint, files: join(dir, "s3") });
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    });
    closing.push(jobs.close);
    const streams = firehose(state, {
      account,
      region,
      now,
      s3: objects,
      table: jobs.table,
      onFailure: (stream, error) =>
        tell("ERROR", "firehose", `${stream}: a delivery failed and will be tried again`, { error: String(error) }),
    });
    closing.push(streams.stop);
    if (options.still) void streams.stop();
    const queries = athena(state, {
      glue: jobs,
      s3: objects,
      translate: river.translate,
      declared: (database, name) =>
        topology.databases.some(
          (one) =>
            one.name === database &&
            (one.tables.some((table) => table.name === name) ||
              (one.views.some((view) => view.Name === name) && isOurs(jobs.table(database, name)?.parameters ?? {}))),
        ),
      reserved: (name, prefix) => {
        // What lands in the lake under these is taken for rows, errors or dead letters; other buckets are the river's.
        const own = [...topology.notices.flatMap((notice) => notice.prefix), "refined/", "rejected/"];
        if (name === bucket(stage, "lake")) return own.some((one) => prefix.startsWith(one) || one.startsWith(prefix));
        return topology.buckets.some((one) => one !== "results" && bucket(stage, one) === name);
      },
      output: `s3://${bucket(stage, "results")}/`,
      workgroup: workgroup(stage),
      ...(options.still ? { still: true } : {}),
      now,
    });
    closing.push(queries.close);
    const age = (at: number | null): number | null => (at === null ? null : now() - at);
    const measures = cloudwatch({
      now,
      oldestMessage: (queue) => (queues.exists(queue) ? (queues.depth(queue).oldestMs ?? 0) : null),
      oldestRecord: (stream) => age(streams.oldest(stream)),
      droppedEvents: (name, from, to) => {
        const own = topology.functions.find((f) => resource(stage, f.name) === name);
        return own ? edges.droppedWhen(own.name, from, to) : [];
      },
    });

    const parameters = ssm({ stage, now });
    const inventory = cloudControl({
      ...{ stage, topology },
      ...{ sqs: queues.service, firehose: streams.service, glue: jobs.service },
    });
    const printed = logs({
      dir: file ? dir : null,
      groups: new Map(topology.functions.map(({ name }) => [functionLog(stage, name), name])),
    });

    const isIdle = (): boolean =>
      !edges.busy() && !queues.busy() && !streams.busy() && !jobs.busy() && !queries.busy() && runtime.running() === 0;
    /** Every fact that `isIdle` reads is followed by a change; it is read once per turn, however many there were. */
    const waitIdle = (signal?: AbortSignal): Promise<void> =>
      new Promise((done) => {
        let looking = false;
        const look = () => {
          looking = false;
          if (signal?.aborted || isIdle()) {
            state.changes.off("change", wake);
            signal?.removeEventListener("abort", wake);
            done();
          }
        };
        function wake() {
          if (looking) return;
          looking = true;
          setImmediate(look);
        }
        state.changes.on("change", wake);
        signal?.addEventListener("abort", wake);
        wake();
      });

    provision(topology, stage, { sqs: queues, s3: objects, glue: jobs, firehose: streams });
    let stopping: Promise<void> | null = null;
    const guests = new Set<ServerResponse>();
    const door = await gateway(options.port ?? 0, {
      services: [
        ...[{ ...queues.service, wireError }, streams.service, jobs.service, queries.service, measures.service],
        ...[parameters.service, printed.service, inventory.service],
      ],
      doors: doorsOf({
        ...{ dir, runtime, edges, idle: waitIdle, guests: () => (stopping ? null : guests) },
        named: (physical) => topology.functions.find((f) => resource(stage, f.name) === physical)?.name ?? null,
      }),
      fallback: objects.handle,
      hosts: options.hosts,
      onError: (error, where) =>
        tell(
          "ERROR",
          "gateway",
          `${where}: ${error instanceof Error ? error.message : String(error)}`,
          reasonOf(error),
        ),
    });
    closing.push(door.stop);
    url = door.url;
    queries.resume();
    if (!options.still) {
      jobs.resume();
      edges.start();
      for (const mapping of topology.mappings) runtime.warm(mapping.function);
    }
    // What would be sent to one that is still would lie there: other commands wait until it has gone.
    if (!options.still) lock.announce({ ...door, engine: options.engineName ?? DEFAULT_ENGINE });

    const stop = async (): Promise<void> => {
      edges.stop();
      const patience = AbortSignal.timeout(options.graceMs ?? GRACE_MS);
      // A job that is cut off has failed, and its run with it.
      if (!options.still) await whileBusy(state, () => edges.running() > 0 || jobs.busy(), patience);
      // Before the door: a handler must not take a stack that goes for a failure, and say so of its messages.
      await runtime.stop();
      await close();
    };
    return {
      url,
      port: door.port,
      dir,
      env: environmentOf(stage, url),
      idle: () => waitIdle(),
      isIdle,
      invoke: (name, event) => runtime.invoke(name, JSON.stringify(event ?? null)),
      depth: queues.depth,
      dropped: () => edges.dropped(),
      guests: () => guests.size,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await close();
    throw isFull(error) ? new PregaoError("disk_full", noRoom(dir)) : error;
  }
};

/** Until `busy` is false or the signal aborts; it is asked after every change. */
const whileBusy = (state: State, busy: () => boolean, signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    const look = () => {
      if (busy() && !signal.aborted) return;
      state.changes.off("change", look);
      signal.removeEventListener("abort", look);
      done();
    };
    state.changes.on("change", look);
    signal.addEventListener("abort", look);
    look();
  });
