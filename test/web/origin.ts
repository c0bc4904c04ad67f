import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { OriginRequest } from "../../packages/core/dataset.ts";
import { openWeb, type WebOptions } from "../../packages/web/index.ts";

export type Asked = { path: string; headers: IncomingMessage["headers"]; at: number };

/** A server that counts: what it was asked and when, and the most that it was asked at once. */
export const serve = async (
  answer: (request: IncomingMessage, response: ServerResponse, time: number) => unknown,
  certificate?: { key: string; cert: string },
) => {
  const asked: Asked[] = [];
  const most = { concurrent: 0 };
  let now = 0;
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push({ path: request.url ?? "", headers: request.headers, at: performance.now() });
    most.concurrent = Math.max(most.concurrent, ++now);
    response.once("close", () => now--);
    answer(request, response, asked.length);
  };
  const server = certificate ? https.createServer(certificate, listener) : http.createServer(listener);
  const sockets = new Set<Socket>();
  const counts = { connections: 0 };
  server.on("connection", (socket: Socket) => {
    counts.connections++;
    sockets.add(socket.on("error", () => {}).once("close", () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    asked,
    most,
    counts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A server that writes to its socket as it is told, whatever HTTP says of it. */
export const raw = async (say: (socket: Socket, time: number) => void) => {
  const sockets = new Set<Socket>();
  let times = 0;
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => say(socket, ++times));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/file`,
    times: () => times,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** A clock whose waits are over at once, and that remembers them. */
export const quickClock = (start = Date.parse("2026-11-20T23:30:00Z")) => {
  const waits: number[] = [];
  let now = start;
  return {
    waits,
    now: () => now,
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
  };
};

/** A web that waits for nothing but answers. */
export const quickWeb = (options: WebOptions = {}) => {
  const web = openWeb({
    perSecond: Number.POSITIVE_INFINITY,
    clock: quickClock(),
    random: () => 0.5,
    mirror: "",
    ...options,
  });
  return { ...web, [Symbol.asyncDispose]: web.close };
};

/** A request of anything, up to a MiB. */
export const anything = (url: string, more: Partial<OriginRequest> = {}): OriginRequest => ({
  url,
  most: 1024 ** 2,
  check: () => {},
  ...more,
});

/** What a promise is rejected with, as tests compare it. */
export const refusal = async (promise: Promise<unknown>): Promise<Record<string, unknown> & { message: string }> => {
  const error = await promise.then(
    (got) => {
      throw new Error(`expected a refusal, came ${JSON.stringify(got)}`);
    },
    (error: Error) => error,
  );
  const { code, details } = error as Error & { code?: string; details?: object };
  return { name: error.name, message: error.message, code, ...details };
};
