import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";

/** Lambda's limit of a synchronous payload, request and answer: 6 MB, exactly so many bytes (quotas of Lambda). */
export const PAYLOAD_BYTES = 6_291_556;

/** A function as the runtime runs it. `module` is the URL of its file, `timeout` in seconds, `memory` in MiB. */
export type FunctionDef = { name: string; module: string; handler: string; timeout: number; memory: number };

/** What a worker is told when it starts. */
export type Sandbox = Omit<FunctionDef, "timeout"> & { arn: string };
/** `event` is JSON text; `deadline` in ms since 1970. */
export type Call = { id: number; event: string; requestId: string; deadline: number };
export type Failure = { errorType: string; errorMessage: string; trace: string[] };
export type Reply = { id: number; result: string } | { id: number; error: Failure };

/**
 * How an invocation ended. `result` is the answer's JSON text. A function that did not answer (it timed out, its worker
 * died) has an unknown outcome, which counts as failed.
 */
export type Invocation =
  | { ok: true; result: string; requestId: string }
  | { ok: false; error: Failure; requestId: string };

export type LogLine = Record<string, unknown>;

export type Runtime = {
  /** Never rejects: a function that does not exist is a failure, too. */
  invoke: (name: string, event: string, requestId?: string) => Promise<Invocation>;
  /** Loads a function's module before its first event. */
  warm: (name: string) => void;
  functions: () => readonly string[];
  running: () => number;
  /** Ends every worker; what runs has failed with an unknown outcome. */
  stop: () => Promise<void>;
};

/** A batch of messages is parsed, judged and gone: in a nursery that holds it, little of it is ever copied. */
const NURSERY_MIB = 32;

type Pending = { settle: (invocation: Invocation) => void; timer: NodeJS.Timeout; requestId: string };
type Live = { worker: Worker; pending: Map<number, Pending>; ended: boolean };

/** Splits what a worker prints into lines; a line that is JSON is passed on as it is. */
const lines = (component: string, onLog: (line: LogLine) => void, level: "INFO" | "ERROR") => {
  let rest = "";
  return (chunk: string): void => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      if (part.trim() === "") continue;
      try {
        const value: unknown = JSON.parse(part);
        if (typeof value === "object" && value !== null && !Array.isArray(value)) {
          onLog(value as LogLine);
          continue;
        }
      } catch {
        // Plain text: wrapped below.
      }
      onLog({ timestamp: new Date().toISOString(), level, component, message: part });
    }
  };
};

/**
 * Lambda: one worker thread per function, made when it is first needed and kept warm, several invocations at once in it.
 * Its environment is its own, so several stacks live in one process. An invocation that exceeds its timeout ends its
 * worker, and with it what else ran there.
 */
export const lambda = (deps: {
  functions: readonly FunctionDef[];
  /** The whole environment of the functions: nothing of this process's own reaches them but what is in here. */
  env: () => Record<string, string>;
  arn: (name: string) => string;
  onLog: (line: LogLine) => void;
}): Runtime => {
  const defs = new Map(deps.functions.map((f) => [f.name, f]));
  const live = new Map<string, Live>();
  const endings = new Set<Promise<unknown>>();
  let count = 0;
  let running = 0;
  let stopped = false;

  const end = (name: string, sandbox: Live, error: Failure): void => {
    if (sandbox.ended) return;
    sandbox.ended = true;
    if (live.get(name) === sandbox) live.delete(name);
    for (const call of sandbox.pending.values()) call.settle({ ok: false, error, requestId: call.requestId });
    sandbox.pending.clear();
    const ending = sandbox.worker.terminate();
    endings.add(ending);
    void ending.finally(() => endings.delete(ending));
  };

  const sandboxOf = (def: FunctionDef): Live => {
    const found = live.get(def.name);
    if (found) return found;
    const data: Sandbox = {
      name: def.name,
      module: def.module,
      handler: def.handler,
      memory: def.memory,
      arn: deps.arn(def.name),
    };
    const worker = new Worker(new URL("./lambda-worker.ts", import.meta.url), {
      name: def.name,
      workerData: data,
      env: {
        ...deps.env(),
        // As on AWS, it has credentials of its own: each request says which function sends it.
        AWS_ACCESS_KEY_ID: def.name,
        AWS_LAMBDA_FUNCTION_NAME: data.arn.split(":").at(-1)!,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(def.memory),
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      },
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: def.memory, maxYoungGenerationSizeMb: NURSERY_MIB },
    });
    const sandbox: Live = { worker, pending: new Map(), ended: false };
    live.set(def.name, sandbox);
    worker.stdout.setEncoding("utf8").on("data", lines(def.name, deps.onLog, "INFO"));
    worker.stderr.setEncoding("utf8").on("data", lines(def.name, deps.onLog, "ERROR"));
    worker.on("message", (reply: Reply) => {
      const call = sandbox.pending.get(reply.id);
      if (!call) return;
      sandbox.pending.delete(reply.id);
      call.settle(
        "error" in reply
          ? { ok: false, error: reply.error, requestId: call.requestId }
          : { ok: true, result: reply.result, requestId: call.requestId },
      );
    });
    worker.on("error", (error: unknown) => {
      const e = error instanceof Error ? error : new Error(String(error));
      end(def.name, sandbox, { errorType: e.name, errorMessage: e.message, trace: e.stack?.split("\n") ?? [] });
    });
    worker.on("exit", (code) =>
      end(def.name, sandbox, {
        errorType: "Runtime.ExitError",
        errorMessage: `the function's process ended with ${code}`,
        trace: [],
      }),
    );
    worker.unref();
    return sandbox;
  };

  return {
    invoke: async (name, event, requestId = randomUUID()) => {
      const def = defs.get(name);
      if (!def)
        return {
          ok: false,
          error: { errorType: "ResourceNotFoundException", errorMessage: `there is no function ${name}`, trace: [] },
          requestId,
        };
      if (stopped)
        return {
          ok: false,
          error: { errorType: "Runtime.Stopped", errorMessage: "the stack is stopping", trace: [] },
          requestId,
        };
      const sandbox = sandboxOf(def);
      const id = ++count;
      running++;
      return new Promise((resolve) => {
        const timer = setTimeout(
          () =>
            end(def.name, sandbox, {
              errorType: "Sandbox.Timedout",
              errorMessage: `RequestId: ${requestId} Error: Task timed out after ${def.timeout.toFixed(2)} seconds`,
              trace: [],
            }),
          def.timeout * 1000,
        );
        const settle = (invocation: Invocation) => {
          clearTimeout(timer);
          running--;
          resolve(invocation);
        };
        sandbox.pending.set(id, { settle, timer, requestId });
        const call: Call = { id, event, requestId, deadline: Date.now() + def.timeout * 1000 };
        sandbox.worker.postMessage(call);
      });
    },
    warm: (name) => {
      const def = defs.get(name);
      if (def && !stopped) sandboxOf(def).worker.postMessage("warm");
    },
    functions: () => [...defs.keys()],
    running: () => running,
    stop: async () => {
      stopped = true;
      for (const [name, sandbox] of [...live])
        end(name, sandbox, { errorType: "Runtime.Stopped", errorMessage: "the stack is stopping", trace: [] });
      await Promise.all([...endings]);
    },
  };
};
