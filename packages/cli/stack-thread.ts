import { parentPort, workerData } from "node:worker_threads";
import { PregaoError } from "../core/errors.ts";
import type { Stage } from "../core/stage.ts";
import { topology } from "../core/topology.ts";
import { catalogueOf } from "../datasets/index.ts";
import { refineJob } from "../engines/duckdb/job.ts";
import { sparkJob } from "../engines/spark/job.ts";
import { start } from "../local/index.ts";
import { DEFAULT_ENGINE } from "../local/lock.ts";
import { translate } from "../trino/index.ts";
import type { FromStack, StackRequest } from "./stack.ts";

// The stack's own thread: it says where it listens, then stops when it is told to.
const { dir, stage, port, still, web, mirror, engine = DEFAULT_ENGINE } = workerData as StackRequest;
const say = (message: FromStack) => parentPort?.postMessage(message);

const river = (at: Stage) => ({
  topology: topology(catalogueOf(at), at.pace),
  root: new URL("../../", import.meta.url),
  engine: engine === "spark" ? sparkJob : refineJob,
  translate,
});

try {
  const env: Record<string, string> = mirror === undefined ? {} : { PREGAO_MIRROR: mirror };
  const stack = await start(river(stage), { dir, stage, port, still, web, env, engineName: engine });
  parentPort?.on("message", async (wish: "idle" | "stop" | "guests") => {
    if (wish === "guests") return say({ guests: stack.guests() });
    await (wish === "idle" ? stack.idle() : stack.stop());
    say({ done: wish });
    if (wish === "stop") parentPort?.close();
  });
  say({ url: stack.url });
} catch (error) {
  const { message, stack = message } = error as Error;
  say(error instanceof PregaoError ? { failed: message, code: error.code, details: error.details } : { failed: stack });
  parentPort?.close();
}
