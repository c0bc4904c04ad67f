import { Worker } from "node:worker_threads";
import { PregaoError } from "../core/errors.ts";
import type { Stage } from "../core/stage.ts";

/** What carries out the runs, on this machine: see packages/engines. See DEFAULT_ENGINE. */
export const ENGINES = ["duckdb", "spark"] as const;
export type Engine = (typeof ENGINES)[number];

/** `still`: it answers, and starts nothing. `web`: its clocks fetch from the web, too; `mirror`: from there. */
export type StackRequest = {
  dir: string;
  stage: Stage;
  port: number;
  still?: boolean;
  web?: boolean;
  mirror?: string;
  engine?: Engine;
};
export type FromStack =
  | { url: string }
  | { done: "idle" | "stop" }
  | { guests: number }
  | { failed: string; code?: string; details?: Record<string, unknown> };

/** A river that runs in this process. */
export type Stack = {
  url: string;
  /** Resolves when nothing will happen by itself any more but a clock's next tick. */
  idle: () => Promise<void>;
  /** How many commands of other processes use it just now. */
  guests: () => number | Promise<number>;
  /** What was not finished goes on after the next start. */
  stop: () => Promise<void>;
};

/** Young objects are most of what a message leaves behind: a nursery that holds a batch of them is rarely swept. MiB. */
const NURSERY_MIB = 32;

/**
 * Starts the river on a state directory in a thread of its own, so that whoever sends to it and the stack each have a
 * core, and a disk that is being waited for holds up nobody else.
 * @throws PregaoError as packages/local's `start`.
 */
export const startStack = (request: StackRequest): Promise<Stack> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./stack-thread.ts", import.meta.url), {
      name: "stack",
      workerData: request,
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MIB },
    });
    const waiting = { idle: [] as (() => void)[], stop: [] as (() => void)[] };
    const counting: ((guests: number) => void)[] = [];
    let gone = false;
    const ask = (wish: "idle" | "stop") =>
      new Promise<void>((done) => {
        if (gone) return done();
        waiting[wish].push(done);
        worker.postMessage(wish);
      });
    const countGuests = () =>
      new Promise<number>((counted) => {
        if (gone) return counted(0);
        counting.push(counted);
        worker.postMessage("guests");
      });
    worker.on("message", (message: FromStack) => {
      if ("url" in message)
        resolve({ url: message.url, idle: () => ask("idle"), guests: countGuests, stop: () => ask("stop") });
      else if ("guests" in message) counting.shift()?.(message.guests);
      else if ("done" in message) waiting[message.done].shift()?.();
      else
        reject(
          message.code ? new PregaoError(message.code, message.failed, message.details) : new Error(message.failed),
        );
    });
    worker.on("error", reject);
    // Nobody may wait for a thread that has gone.
    worker.on("exit", () => {
      gone = true;
      for (const done of [...waiting.idle, ...waiting.stop]) done();
      for (const counted of counting) counted(0);
    });
  });
