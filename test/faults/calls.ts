import type { Invocation, Runtime } from "../../packages/local/lambda.ts";
import { type CallFault, chronicle, type Trace, type Weather } from "./faults.ts";

/** Until as many other calls have ended, or so many ms: then there may be none. */
const LATE_CALLS = 3;
const LATE_MS = 200;
/** In the middle of most calls. */
const MIDDLE_MS = 15;

const done: Invocation = { ok: true, result: "null", requestId: "lost" };
const failed = (errorType: string): Invocation => ({
  ok: false,
  error: { errorType, errorMessage: "by the weather", trace: [] },
  requestId: "weather",
});

/** Around the calls of functions: `around` of `start`, as the weather says. */
export const faultyCalls = (trace: Trace) => {
  const log = chronicle<CallFault>(trace);
  let ended = 0;
  let waiting: { after: number; go: () => void }[] = [];
  const end = () => {
    ended++;
    for (const one of waiting.filter((w) => w.after <= ended)) one.go();
    waiting = waiting.filter((w) => w.after > ended);
  };
  const late = () =>
    new Promise<void>((go) => {
      waiting.push({ after: ended + LATE_CALLS, go });
      setTimeout(go, LATE_MS).unref();
    });

  const around = (runtime: Runtime): Runtime => ({
    ...runtime,
    invoke: async (name, event, requestId) => {
      const call = () => runtime.invoke(name, event, requestId).finally(end);
      const { n, fault } = log.next(name);
      log.note(name, n, fault);
      if (fault === "lost") return done;
      if (fault === "doubled") await call();
      if (fault === "twice-at-once") return (await Promise.all([call(), call()]))[1];
      if (fault === "late") await late();
      if (fault === "timed-out") {
        const going = call();
        await Promise.race([going, new Promise((middle) => setTimeout(middle, MIDDLE_MS))]);
        return failed("Sandbox.Timedout");
      }
      const outcome = await call();
      return fault === "redelivered" ? failed("Runtime.ExitError") : outcome;
    },
  });
  return { around, weather: (next: Weather<CallFault>) => log.set(next) };
};
