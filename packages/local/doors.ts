import type { IncomingMessage, ServerResponse } from "node:http";
import { type Door, readBody } from "./gateway.ts";
import { PAYLOAD_BYTES, type Runtime } from "./lambda.ts";
import { GUEST_PATH, STACK_PATH, STATE_VERSION } from "./lock.ts";
import type { Triggers } from "./triggers/index.ts";

/** Lambda's limit of an asynchronous event: 1 MB (quotas of Lambda). */
const EVENT_BYTES = 1_048_576;
const IDLE_PATH = "/_pregao/idle";
const DROPPED_PATH = "/_pregao/dropped";
/** Of the events that were given up, so many are shown: the oldest. */
const SHOWN_EVENTS = 10;
const INVOKE = /^\/2015-03-31\/functions\/([^/?]+)\/invocations$/;

const answer = (res: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void => {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers });
  res.end(text);
};

/**
 * The paths that are no JSON service and no bucket: Lambda's Invoke, and for another process of ours who this stack is
 * (`/_pregao/stack`), when it is idle (`/_pregao/idle`, a long poll), which asynchronous events it gave up
 * (`/_pregao/dropped`), and that it is used for as long as this answer lasts (`/_pregao/guest`; 503 from one that is
 * stopping). No bucket's name can hold `_`.
 */
export const doorsOf = (deps: {
  dir: string;
  runtime: Runtime;
  edges: Pick<Triggers, "enqueue" | "dropped" | "droppedCount">;
  idle: (signal: AbortSignal) => Promise<void>;
  /** Commands of other processes that use this stack; null when it takes no more of them. */
  guests: () => Set<ServerResponse> | null;
  /** The function of a physical name; null: there is none. */
  named: (physical: string) => string | null;
}): Door[] => {
  const { runtime } = deps;

  const own: Door = async (req, res) => {
    const path = req.url?.split("?")[0];
    if (req.method !== "GET") return false;
    if (path === STACK_PATH) {
      answer(res, 200, JSON.stringify({ dir: deps.dir, pid: process.pid, version: STATE_VERSION }));
      return true;
    }
    if (path === DROPPED_PATH) {
      // Not what the events hold: whoever asks wants to know that something was lost, and of which function.
      const first = deps.edges
        .dropped(SHOWN_EVENTS)
        .map(({ event: _, createdAt, ...rest }) => ({ ...rest, createdAt: new Date(createdAt).toISOString() }));
      answer(res, 200, JSON.stringify({ count: deps.edges.droppedCount(), first }));
      return true;
    }
    if (path === GUEST_PATH) {
      const guests = deps.guests();
      if (guests === null) answer(res, 503, JSON.stringify({ stopping: true }));
      else if (!res.destroyed) {
        guests.add(res);
        res.on("close", () => guests.delete(res));
        res.writeHead(200, { "content-type": "application/json" });
        res.flushHeaders();
      }
      return true;
    }
    if (path !== IDLE_PATH) return false;
    const gone = new AbortController();
    res.on("close", () => gone.abort());
    await deps.idle(gone.signal);
    answer(res, 200, JSON.stringify({ idle: true }));
    return true;
  };

  const invoke = async (req: IncomingMessage, res: ServerResponse, name: string, requestId: string): Promise<void> => {
    const fail = (status: number, type: string, message: string) =>
      answer(res, status, JSON.stringify({ Type: "User", Message: message, message }), {
        "x-amzn-errortype": type,
        "x-amzn-requestid": requestId,
      });
    const later = req.headers["x-amz-invocation-type"] === "Event";
    const body = await readBody(req, later ? EVENT_BYTES : PAYLOAD_BYTES);
    if (body === null)
      return fail(
        413,
        "RequestTooLargeException",
        `Request must be smaller than ${later ? EVENT_BYTES : PAYLOAD_BYTES} bytes`,
      );
    const event = body.length ? body.toString("utf8") : "{}";
    try {
      JSON.parse(event);
    } catch {
      return fail(400, "InvalidRequestContentException", "Could not parse request body into json");
    }
    const asked = decodeURIComponent(name).split(":").at(-1)!;
    const target = deps.named(asked);
    if (target === null) return fail(404, "ResourceNotFoundException", `Function not found: ${asked}`);
    const headers = { "x-amzn-requestid": requestId, "x-amz-executed-version": "$LATEST" };
    if (req.headers["x-amz-invocation-type"] === "DryRun") return answer(res, 204, "", headers);
    if (later) {
      deps.edges.enqueue(target, event);
      return answer(res, 202, "", headers);
    }
    const outcome = await runtime.invoke(target, event, requestId);
    if (outcome.ok) answer(res, 200, outcome.result, headers);
    else answer(res, 200, JSON.stringify(outcome.error), { ...headers, "x-amz-function-error": "Unhandled" });
  };

  const lambda: Door = async (req, res, requestId) => {
    const name = req.method === "POST" ? INVOKE.exec(req.url?.split("?")[0] ?? "")?.[1] : undefined;
    if (name === undefined) return false;
    await invoke(req, res, name, requestId);
    return true;
  };
  return [own, lambda];
};
