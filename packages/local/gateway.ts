import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PregaoError } from "../core/errors.ts";
import { fullDisk } from "./disk.ts";
import { AwsError, type JsonService, type Operation } from "./service.ts";

/** A service as the gateway serves it: `wireError` where its errors are named otherwise than by their bare code. */
export type Served = JsonService & {
  wireError?: (error: AwsError) => { type: string; headers: Record<string, string> };
};

/** Answers a request that is none of the JSON services'; returns false if it is not its own either. */
export type Door = (req: IncomingMessage, res: ServerResponse, requestId: string) => Promise<boolean>;

export type GatewayDeps = {
  services: readonly Served[];
  /** Asked in order, before `fallback`. */
  doors?: readonly Door[];
  /** Everything else: S3. */
  fallback: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  /** Host names beside the loopback ones that a request may be addressed to, and whose web pages may send one. */
  hosts?: readonly string[];
  /** What a handler threw that is no AwsError. */
  onError: (error: unknown, where: string) => void;
};

export type Gateway = { url: string; port: number; stop: () => Promise<void> };

/**
 * Firehose's 4 MiB of a batch as base64 with its JSON around it, and SQS's 1 MiB with every character escaped: nothing
 * that AWS would take is larger. A memory bound; the services' own limits are exact.
 */
export const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** A page in a browser may not reach us under a name that it made resolve to 127.0.0.1 (DNS rebinding). */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);

/** The host's name without its port, in lower case. */
const hostOf = (header: string): string => header.toLowerCase().replace(/:\d+$/, "");

/**
 * The web page that makes a browser send this request, null if no browser says so. A page of any site may send us what
 * needs no preflight (a POST of text/plain), and we ask nobody who they are. Browsers name the page's origin with
 * whatever changes something, and what they send without one (an image) as cross-site; no SDK sends either.
 */
const pageOf = ({ headers }: IncomingMessage): string | null =>
  headers.origin ?? (headers["sec-fetch-site"] === "cross-site" ? "another site" : null);

/** The host of an origin, in lower case; "" for an opaque one (`null`). */
const hostOfOrigin = (origin: string): string => (URL.canParse(origin) ? new URL(origin).hostname : "");

/** The whole body, or null if it is larger than `limit`; then the rest of it is not kept. */
export const readBody = (req: IncomingMessage, limit: number): Promise<Buffer | null> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
    });
    req.on("end", () => resolve(size > limit ? null : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.on("error", reject);
    req.on("aborted", () => reject(new Error("the client has gone")));
  });

export const answerJson = (
  res: ServerResponse,
  status: number,
  version: string,
  requestId: string,
  body: unknown,
  headers = {},
): void => {
  if (res.headersSent || res.destroyed) return;
  const text = body === undefined ? "{}" : JSON.stringify(body);
  res.writeHead(status, {
    "content-type": `application/x-amz-json-${version}`,
    "content-length": Buffer.byteLength(text),
    "x-amzn-requestid": requestId,
    ...headers,
  });
  res.end(text);
};

const answerError = (
  res: ServerResponse,
  service: Pick<Served, "version" | "wireError">,
  requestId: string,
  error: AwsError,
): void => {
  const { type, headers } = service.wireError?.(error) ?? { type: error.code, headers: {} };
  answerJson(
    res,
    error.status,
    service.version,
    requestId,
    { ...error.fields, __type: type, message: error.message },
    {
      "x-amzn-errortype": error.code,
      ...headers,
    },
  );
};

const answerXml = (res: ServerResponse, status: number, requestId: string, code: string, message: string): void => {
  if (res.headersSent || res.destroyed) return;
  const escaped = message.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const text = `<?xml version="1.0"?><ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
  res.writeHead(status, {
    "content-type": "text/xml",
    "content-length": Buffer.byteLength(text),
    "x-amzn-requestid": requestId,
  });
  res.end(text);
};

const parse = (body: Buffer): unknown => {
  if (body.length === 0) return {};
  if (!isUtf8(body)) throw new AwsError("SerializationException", "The request's body is not valid UTF-8.");
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new AwsError("SerializationException", "The request's body is not valid JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new AwsError("SerializationException", "The request's body is not a JSON object.");
  return value;
};

/** SQS's protocol of before 2023: `Action=SendMessage&…`, in a form or in the URL. */
const isQueryProtocol = (req: IncomingMessage): boolean => {
  const url = req.url ?? "";
  if (/[?&]Action=[A-Za-z]+/.test(url)) return true;
  const form = req.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  return req.method === "POST" && form && !url.includes("?") && /^\/(\d{12}\/[^/]+\/?)?$/.test(url);
};

/**
 * One HTTP server on 127.0.0.1 for every service. Whatever comes in, it answers: a handler's AwsError in the shape that
 * SDKs expect, anything else as a 500 that is logged.
 * @throws PregaoError `port_in_use`.
 */
export const gateway = async (port: number, deps: GatewayDeps): Promise<Gateway> => {
  const targets = new Map<string, { service: Served; operation: Operation }>();
  const prefixes = new Map<string, Served>();
  for (const service of deps.services) {
    prefixes.set(service.target, service);
    for (const [name, operation] of Object.entries(service.operations))
      targets.set(`${service.target}.${name}`, { service, operation });
  }
  const allowed = new Set(deps.hosts?.map((host) => host.toLowerCase()));

  const json = async (req: IncomingMessage, res: ServerResponse, target: string, requestId: string): Promise<void> => {
    const found = targets.get(target);
    const service = found?.service ??
      prefixes.get(target.slice(0, target.lastIndexOf("."))) ?? { version: "1.1" as const };
    // Aborts when the client has gone before it was answered: a long poll must not take messages for nobody.
    const gone = new AbortController();
    res.on("close", () => {
      if (!res.writableEnded) gone.abort();
    });
    try {
      const body = await readBody(req, MAX_JSON_BYTES);
      if (body === null)
        throw new AwsError(
          "RequestEntityTooLargeException",
          `The request is larger than ${MAX_JSON_BYTES} bytes.`,
          413,
        );
      if (!found) throw new AwsError("UnknownOperationException", `${target} is not part of this stand-in.`);
      const input = parse(body);
      answerJson(res, 200, service.version, requestId, await found.operation(input as never, { signal: gone.signal }));
    } catch (error) {
      if (error instanceof AwsError) answerError(res, service, requestId, error);
      else if (!gone.signal.aborted && !req.errored) {
        deps.onError(error, target);
        answerError(
          res,
          service,
          requestId,
          fullDisk(error) ?? new AwsError("InternalFailure", "An internal failure; the log has its reason.", 500),
        );
      }
    }
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    const denied = (message: string): void => {
      req.resume();
      answerXml(res, 403, requestId, "AccessDenied", message);
    };
    const host = hostOf(req.headers.host ?? "");
    if (!isLoopback(host) && !allowed.has(host))
      return denied(
        `expected a request to localhost, came one to "${host}"; add this name to the stack's hosts if it is meant to be served`,
      );
    const page = pageOf(req);
    if (page !== null && !allowed.has(hostOfOrigin(page)))
      return denied(
        `expected a request of a program, came one of a web page of ${page}; add its host to the stack's hosts if it is meant to send any`,
      );
    const target = req.headers["x-amz-target"];
    if (typeof target === "string") return json(req, res, target, requestId);
    for (const door of deps.doors ?? []) if (await door(req, res, requestId)) return;
    if (req.headers["smithy-protocol"] !== undefined || isQueryProtocol(req)) {
      req.resume();
      const came = req.headers["smithy-protocol"] ?? "the query protocol";
      return answerXml(
        res,
        400,
        requestId,
        "UnsupportedProtocol",
        `expected an AWS JSON protocol (X-Amz-Target), came ${came}; use a newer SDK (boto3 from 1.28.82 on, for SQS)`,
      );
    }
    return deps.fallback(req, res);
  };

  const server = createServer({
    requestTimeout: 0,
    headersTimeout: 60_000,
    keepAliveTimeout: 75_000,
    maxHeaderSize: 65_536,
  });
  server.on("request", (req, res) => {
    res.on("error", () => undefined);
    handle(req, res).catch((error: unknown) => {
      if (req.errored || res.destroyed) return;
      deps.onError(error, `${req.method} ${req.url}`);
      req.resume();
      answerXml(res, 500, randomUUID(), "InternalError", "An internal failure; the log has its reason.");
      if (!res.writableEnded) res.destroy();
    });
  });
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new PregaoError(
              "port_in_use",
              `expected port ${port} to be free, another program listens on it; stop that, or choose another port`,
              { port },
            )
          : error.code === "EACCES"
            ? new PregaoError(
                "port_forbidden",
                `expected a port that may be listened on, came ${port}; choose one from 1024 on`,
                { port },
              )
            : error,
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  server.on("error", (error) => deps.onError(error, "gateway"));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // What is still being answered has had its time: whoever stops waits for the work first.
        setImmediate(() => server.closeAllConnections());
      }),
  };
};
