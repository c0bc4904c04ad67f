import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { batchCalls, deleteObjects, unlucky } from "./batches.ts";
import { chronicle, dice, type RequestFault, type Trace, type Weather } from "./faults.ts";

/** What a request asks for. `name` is what faults are rolled for: the operation and where it acts, e.g. `PutObject state/runs`. */
export type Asked = { operation: string; service: string; name: string };

export type FaultyProxy = {
  url: string;
  /** From now on. Counts go on: n is the number of such requests since the proxy was started. */
  weather: (next: Weather<RequestFault>) => void;
  /** How often a name was asked for. */
  count: (name: string) => number;
  names: () => string[];
  stop: () => Promise<void>;
};

const lastOf = (path: unknown): string =>
  String(path ?? "")
    .split("/")
    .at(-1) ?? "";
/** The bucket and the first folder: runs, commits and recipes are different stores in one bucket. */
const placeOf = (bucket: string, key: string): string =>
  [bucket, ...(key.includes("/") ? [key.slice(0, key.indexOf("/"))] : [])].join("/");

const askedOfS3 = (req: IncomingMessage): Asked => {
  const url = new URL(req.url ?? "/", "http://proxy");
  const path = decodeURIComponent(url.pathname).slice(1);
  const slash = path.indexOf("/");
  const bucket = slash < 0 ? path : path.slice(0, slash);
  const key = slash < 0 ? "" : path.slice(slash + 1);
  const query = url.searchParams;
  const operation =
    req.method === "GET"
      ? key === ""
        ? "ListObjectsV2"
        : "GetObject"
      : req.method === "HEAD"
        ? "HeadObject"
        : req.method === "PUT"
          ? req.headers["x-amz-copy-source"]
            ? "CopyObject"
            : query.has("partNumber")
              ? "UploadPart"
              : "PutObject"
          : req.method === "POST"
            ? query.has("delete")
              ? "DeleteObjects"
              : query.has("uploads")
                ? "CreateMultipartUpload"
                : "CompleteMultipartUpload"
            : "DeleteObject";
  return { operation, service: "s3", name: `${operation} ${placeOf(bucket, key || (query.get("prefix") ?? ""))}` };
};

const askedOf = (req: IncomingMessage, body: Record<string, unknown>): Asked => {
  const [service = "", operation = ""] = String(req.headers["x-amz-target"]).split(".");
  const { QueueUrl, DeliveryStreamName, TableName, JobName, Name, TableInput } = body as Record<string, unknown> & {
    TableInput?: { Name?: string };
  };
  const where = QueueUrl
    ? lastOf(QueueUrl)
    : (DeliveryStreamName ?? TableName ?? JobName ?? Name ?? TableInput?.Name ?? "");
  return { operation, service, name: `${operation} ${where}`.trim() };
};

const read = async (from: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of from) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

type Answer = { status: number; headers: string[]; body: Buffer };

/** What a body's own sums speak of, which a proxy that changes the body must leave out. */
const SUMS =
  /^(content-length|transfer-encoding|content-md5|expect|x-amz-checksum-.*|x-amz-sdk-checksum-algorithm|x-amz-trailer|x-amz-content-sha256)$/i;

const pairs = (raw: readonly string[], keep: (name: string) => boolean): string[] => {
  const out: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (keep(raw[i]!)) out.push(raw[i]!, raw[i + 1]!);
  return out;
};

/**
 * An HTTP proxy before a stack whose answers go wrong as the weather says. What it lets through it changes by no header
 * and no byte.
 */
export const faultyProxy = async (
  upstream: Promise<string>,
  options: { seed: number; trace: Trace },
): Promise<FaultyProxy> => {
  const { seed, trace } = options;
  const log = chronicle<RequestFault>(trace);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });

  const forward = async (req: IncomingMessage, body: Buffer, headers = req.rawHeaders): Promise<Answer> => {
    const { hostname, port } = new URL(await upstream);
    return new Promise((resolve, reject) => {
      const up = request(
        { agent, hostname, port, method: req.method, path: req.url, headers: headers as never },
        (res) => {
          read(res).then((got) => resolve({ status: res.statusCode ?? 0, headers: res.rawHeaders, body: got }), reject);
        },
      );
      up.on("error", reject);
      up.end(body);
    });
  };

  /** A body of our own making instead of the one that came. */
  const forwardOther = (req: IncomingMessage, text: string): Promise<Answer> => {
    const body = Buffer.from(text);
    return forward(req, body, [
      ...pairs(req.rawHeaders, (name) => !SUMS.test(name)),
      "content-length",
      String(body.length),
    ]);
  };

  const answer = (res: ServerResponse, { status, headers, body }: Answer): void => {
    res.writeHead(status, headers as never);
    res.end(body);
  };

  const refuse = (req: IncomingMessage, res: ServerResponse, { service }: Asked, fault: "throttle" | "error"): void => {
    if (service === "s3") {
      const [status, code] = fault === "throttle" ? [503, "SlowDown"] : [500, "InternalError"];
      const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>by the proxy</Message></Error>`;
      res.writeHead(status as number, {
        ...{ "content-type": "application/xml", "content-length": Buffer.byteLength(body) },
        "x-amz-request-id": "BYTHEPROXY",
      });
      res.end(req.method === "HEAD" ? undefined : body);
      return;
    }
    const names: Record<string, string> = { AmazonSQS: "com.amazonaws.sqs#RequestThrottled" };
    const type = fault === "throttle" ? (names[service] ?? "ThrottlingException") : "InternalFailure";
    const body = JSON.stringify({ __type: type, message: "by the proxy" });
    res.writeHead(fault === "throttle" ? 429 : 500, {
      "content-type": String(req.headers["content-type"] ?? "application/x-amz-json-1.1"),
      "content-length": Buffer.byteLength(body),
      "x-amzn-errortype": type,
    });
    res.end(body);
  };

  /** @returns null if the request is no batch, or one that fails as a whole. */
  const partly = async (
    req: IncomingMessage,
    body: Buffer,
    { operation, name }: Asked,
    n: number,
    all: boolean,
  ): Promise<Answer | null> => {
    const next = dice(seed, "batch", name, n);
    if (operation === "DeleteObjects") {
      const objects = deleteObjects.keys(body.toString());
      const failed = unlucky(objects.length, next);
      const some = objects.filter((_, i) => all || !failed.has(i));
      if (some.length > 0) await forwardOther(req, deleteObjects.request(some));
      const text = deleteObjects.answer(objects, failed);
      return {
        status: 200,
        headers: [
          ...["content-type", "application/xml", "content-length", String(Buffer.byteLength(text))],
          ...["x-amz-request-id", "BYTHEPROXY"],
        ],
        body: Buffer.from(text),
      };
    }
    const call = batchCalls[operation];
    if (!call) return null;
    const asked = JSON.parse(body.toString()) as Record<string, unknown>;
    const entries = (asked[call.list] ?? []) as Record<string, unknown>[];
    if (entries.length === 0) return null;
    const failed = unlucky(entries.length, next);
    const forwarded = entries.flatMap((_, i) => (all || !failed.has(i) ? [i] : []));
    let came: Record<string, unknown> = {};
    if (forwarded.length > 0) {
      const got = await forwardOther(req, JSON.stringify({ ...asked, [call.list]: forwarded.map((i) => entries[i]) }));
      if (got.status !== 200) return got;
      came = JSON.parse(got.body.toString()) as Record<string, unknown>;
    }
    const text = Buffer.from(JSON.stringify(call.answer(entries, failed, forwarded, came)));
    return {
      status: 200,
      headers: ["content-type", String(req.headers["content-type"]), "content-length", String(text.length)],
      body: text,
    };
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const isJson = req.headers["x-amz-target"] !== undefined;
    const isDoor = !isJson && (req.url ?? "").startsWith("/_");
    const body = await read(req);
    if (isDoor) return answer(res, await forward(req, body));
    const asked = isJson
      ? askedOf(req, JSON.parse(body.toString() || "{}") as Record<string, unknown>)
      : askedOfS3(req);
    const { n, fault } = log.next(asked.name);
    const note = (happened: RequestFault | null) => log.note(asked.name, n, happened);
    if (fault === "throttle" || fault === "error") {
      note(fault);
      return refuse(req, res, asked, fault);
    }
    if (fault === "reset") {
      note(fault);
      req.socket.resetAndDestroy();
      return;
    }
    if (fault === "partial" || fault === "misreport") {
      const got = await partly(req, body, asked, n, fault === "misreport");
      note(got ? fault : null);
      return answer(res, got ?? (await forward(req, body)));
    }
    const got = await forward(req, body);
    if (fault === "torn" && got.body.length < 2) {
      note(null);
      return answer(res, got);
    }
    note(fault);
    if (fault === "silence") return;
    if (fault === "cut") {
      req.socket.resetAndDestroy();
      return;
    }
    if (fault === "torn") {
      const headers = [
        ...pairs(got.headers, (name) => !/^(content-length|transfer-encoding)$/i.test(name)),
        "content-length",
        String(got.body.length),
      ];
      res.writeHead(got.status, headers as never);
      res.write(got.body.subarray(0, got.body.length >> 1), () => req.socket.destroySoon());
      return;
    }
    answer(res, got);
  };

  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0, maxHeaderSize: 65_536 }, (req, res) => {
    res.on("error", () => undefined);
    handle(req, res).catch(() => req.socket.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    weather: log.set,
    count: log.count,
    names: log.names,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
};
