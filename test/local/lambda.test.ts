import { afterEach, expect, test } from "vitest";
import { type FunctionDef, type LogLine, lambda, PAYLOAD_BYTES, type Runtime } from "../../packages/local/lambda.ts";
import { actor } from "./triggers.fixture.ts";

const runtimes: Runtime[] = [];
afterEach(async () => {
  await Promise.all(runtimes.splice(0).map((runtime) => runtime.stop()));
});
const open = (functions: FunctionDef[], env: Record<string, string> = {}) => {
  const logs: LogLine[] = [];
  const runtime = lambda({ functions, env: () => env, arn: (name) => `arn:${name}`, onLog: (line) => logs.push(line) });
  runtimes.push(runtime);
  return { ...runtime, logs };
};
const answer = async (runtime: Runtime, name: string, event: unknown = {}) => {
  const outcome = await runtime.invoke(name, JSON.stringify(event));
  return outcome.ok ? JSON.parse(outcome.result) : outcome.error;
};
const records = (...acts: object[]) => ({
  Records: acts.map((act, i) => ({ messageId: `${i}`, body: JSON.stringify(act) })),
});

test("a function sees its own environment and context, and nothing of the process around it", async () => {
  process.env.AWS_PROFILE = "production";
  const one = open([actor("look", "look", 60)], { AWS_ENDPOINT_URL: "http://one" });
  const two = open([actor("look", "look", 60)], { AWS_ENDPOINT_URL: "http://two" });
  const [first, second] = await Promise.all([answer(one, "look", { a: [1, null] }), answer(two, "look")]);
  delete process.env.AWS_PROFILE;
  expect(first.env).toEqual({
    AWS_ACCESS_KEY_ID: "look",
    AWS_ENDPOINT_URL: "http://one",
    AWS_LAMBDA_FUNCTION_NAME: "look",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
  });
  expect(second.env.AWS_ENDPOINT_URL).toBe("http://two");
  expect(first.event).toEqual({ a: [1, null] });
  expect(first.context).toMatchObject({ functionName: "look", invokedFunctionArn: "arn:look", memoryLimitInMB: "128" });
  expect(first.context.left).toBeGreaterThan(50_000);
  expect(first.context.left).toBeLessThanOrEqual(60_000);
});

test("a module is loaded once and kept warm", async () => {
  const runtime = open([actor("actor")]);
  await answer(runtime, "actor", records({}));
  await answer(runtime, "actor", records({}));
  await expect.poll(() => runtime.logs.map((line) => line.calls)).toEqual([1, 2]);
});

test("no answer is null, as on AWS; one that is no JSON is a failure", async () => {
  const runtime = open([actor("actor"), actor("cyclic", "cyclic")]);
  expect(await answer(runtime, "actor", records({}))).toBe(null);
  expect(await answer(runtime, "cyclic")).toMatchObject({
    errorType: "TypeError",
    errorMessage: expect.stringMatching(/circular/),
  });
});

test("an answer larger than Lambda takes is a failure, not an answer", async () => {
  const runtime = open([actor("actor")]);
  // As JSON text: two quotes around it.
  const most = await answer(runtime, "actor", records({ answer: "x".repeat(PAYLOAD_BYTES - 2) }));
  expect(most).toHaveLength(PAYLOAD_BYTES - 2);
  expect(await answer(runtime, "actor", records({ answer: `${"x".repeat(PAYLOAD_BYTES - 3)}ç` }))).toEqual({
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    trace: [],
  });
});

test("what goes wrong is a failure with its reason, and the next invocation works", async () => {
  const runtime = open([
    actor("actor"),
    actor("missing", "nobody"),
    { ...actor("nowhere"), module: new URL("./handlers/nowhere.ts", import.meta.url).href },
  ]);
  expect(await answer(runtime, "actor", records({ throw: "boom" }))).toMatchObject({
    errorType: "TypeError",
    errorMessage: "boom",
  });
  expect(await answer(runtime, "missing")).toMatchObject({
    errorMessage: expect.stringMatching(/exports no function "nobody"/),
  });
  expect(await answer(runtime, "nowhere")).toMatchObject({ errorMessage: expect.stringMatching(/nowhere\.ts/) });
  expect(await answer(runtime, "actor", records({ exit: true }))).toMatchObject({ errorType: "Runtime.ExitError" });
  expect(await answer(runtime, "actor", records({}))).toBe(null);
  expect(await answer(runtime, "stranger")).toMatchObject({ errorMessage: "there is no function stranger" });
  expect(runtime.running()).toBe(0);
});

test("a timeout ends what hangs and what blocks", async () => {
  const runtime = open([actor("actor", "handler", 1)]);
  for (const act of [{ hang: true }, { block: true }])
    expect(await answer(runtime, "actor", records(act))).toMatchObject({ errorType: "Sandbox.Timedout" });
  expect(await answer(runtime, "actor", records({}))).toBe(null);
});

test("what a function prints reaches the log: JSON as it is, text wrapped", async () => {
  const runtime = open([actor("actor")]);
  await answer(runtime, "actor", records({ print: "plain text" }, { print: '{"level":"INFO","message":"hello"}' }));
  await expect
    .poll(() => runtime.logs)
    .toEqual([
      expect.objectContaining({ calls: 1 }),
      { timestamp: expect.any(String), level: "INFO", component: "actor", message: "plain text" },
      { level: "INFO", message: "hello" },
    ]);
});

test("a stop ends what runs", async () => {
  const runtime = open([actor("actor")]);
  const running = answer(runtime, "actor", records({ hang: true }));
  await expect.poll(() => runtime.logs.length, { timeout: 10_000 }).toBe(1);
  await runtime.stop();
  expect(await running).toMatchObject({ errorType: "Runtime.Stopped" });
  expect(await answer(runtime, "actor", records({}))).toMatchObject({ errorType: "Runtime.Stopped" });
});
