import { enableCompileCache } from "node:module";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type Call, PAYLOAD_BYTES, type Reply, type Sandbox } from "./lambda.ts";

/** In Lambda's own words. */
const tooLarge = {
  errorType: "Function.ResponseSizeTooLarge",
  errorMessage: `Response payload size exceeded maximum allowed payload size (${PAYLOAD_BYTES} bytes).`,
  trace: [],
};

type Handler = (event: unknown, context: object) => unknown;

/** The inside of a function's sandbox: its module is loaded once and stays warm; calls may run side by side. */
const serve = async (sandbox: Sandbox, port: NonNullable<typeof parentPort>): Promise<void> => {
  const failure = (error: unknown) => {
    const e = error instanceof Error ? error : new Error(String(error));
    return { errorType: e.name, errorMessage: e.message, trace: e.stack?.split("\n") ?? [] };
  };

  let handler: Promise<Handler> | null = null;
  const load = async (): Promise<Handler> => {
    const module = (await import(sandbox.module)) as Record<string, unknown>;
    const found = module[sandbox.handler];
    if (typeof found !== "function") throw new Error(`${sandbox.module} exports no function "${sandbox.handler}"`);
    return found as Handler;
  };
  const loaded = (): Promise<Handler> => {
    handler ??= load();
    return handler;
  };

  const call = async ({ id, event, requestId, deadline }: Call): Promise<Reply> => {
    const name = sandbox.arn.split(":").at(-1)!;
    const context = {
      functionName: name,
      functionVersion: "$LATEST",
      invokedFunctionArn: sandbox.arn,
      memoryLimitInMB: String(sandbox.memory),
      awsRequestId: requestId,
      logGroupName: `/aws/lambda/${name}`,
      logStreamName: "local",
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    };
    try {
      const run = await loaded();
      const value = await run(JSON.parse(event), context);
      // As AWS: the answer is its JSON, and nothing is null.
      const result = JSON.stringify(value) ?? "null";
      return Buffer.byteLength(result) > PAYLOAD_BYTES ? { id, error: tooLarge } : { id, result };
    } catch (error) {
      return { id, error: failure(error) };
    }
  };

  port.on("message", (message: Call | "warm") => {
    // Whatever loading throws is answered to the first call.
    if (message === "warm") loaded().catch(() => undefined);
    else void call(message).then((reply) => port.postMessage(reply));
  });
};

if (!isMainThread && parentPort) {
  // A thread has none of its own accord. Stripping and compiling its modules is most of a function's cold start.
  enableCompileCache();
  await serve(workerData as Sandbox, parentPort);
}
