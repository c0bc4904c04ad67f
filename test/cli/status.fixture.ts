import { afterEach } from "vitest";
import type { Runtime } from "../../packages/local/lambda.ts";
import { openRiver, record, type TestRiver } from "./stack.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const SESSION = "2025-08-29";

const opened: TestRiver[] = [];
/** A river of a test's own, closed after it. */
export const open = async (...options: Parameters<typeof openRiver>): Promise<TestRiver> => {
  const river = await openRiver(...options);
  opened.push(river);
  return river;
};
afterEach(async () => {
  for (const river of opened.splice(0)) await river.close();
});

/** Calls of one function go wrong. */
export const without =
  (name: string) =>
  (runtime: Runtime): Runtime => ({
    ...runtime,
    invoke: async (called, event, requestId = "r") =>
      called === name
        ? { ok: false, error: { errorType: "Error", errorMessage: "out of order", trace: [] }, requestId }
        : runtime.invoke(called, event, requestId),
  });

/** A clock that can be put forward. */
export const shifted = () => {
  let shift = 0;
  return {
    now: () => Date.now() + shift,
    pass: (ms: number) => {
      shift += ms;
    },
  };
};

export const SOON = { timeout: 20_000 };

export const rows = (n: number, from = 0) => Array.from({ length: n }, (_, i) => record("TESTE3", SESSION, from + i));
