import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request asks for: an operation of a JSON service, or S3's method. */
const operationOf = ({ headers, method }: IncomingMessage): string =>
  String(headers["x-amz-target"] ?? `S3.${method}`)
    .split(".")
    .at(-1)!;

/**
 * What changes nothing that lasts: looking at a queue hides its messages for a moment, and a query leaves its answer in
 * the bucket that is for answers.
 */
const LOOKS =
  /^(Get|List|Head|Describe|Filter|BatchGet)|^(GET|HEAD)$|^(ReceiveMessage|ChangeMessageVisibility(Batch)?|StartQueryExecution)$/;

export const isLook = (operation: string): boolean => LOOKS.test(operation);

export type Recorder = { url: string; operations: string[]; stop: () => Promise<void> };

/** Stands before a stack, changes nothing, and remembers what was asked for. */
export const recorder = async (upstream: string): Promise<Recorder> => {
  const operations: string[] = [];
  const agent = new Agent({ keepAlive: true });
  const { hostname, port } = new URL(upstream);
  const server = createServer((req, res) => {
    operations.push(operationOf(req));
    const up = request(
      { agent, hostname, port, method: req.method, path: req.url, headers: req.rawHeaders as never },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders as never);
        answer.pipe(res);
      },
    );
    up.on("error", () => res.destroy());
    res.on("close", () => up.destroy());
    req.pipe(up);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    operations,
    stop: () =>
      new Promise((resolve) => {
        agent.destroy();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

export type Gate = { url: string; early: string[]; asked: number; expect: (banner: () => boolean) => void } & {
  stop: () => Promise<void>;
};

const PATIENCE_MS = 5_000;

/**
 * AWS that tells what the stage is, and denies everything else: but a request is left without its answer until `banner`
 * is there. `early` are the operations that were asked for before it.
 */
export const gate = async (parameter: string): Promise<Gate> => {
  let banner = () => false;
  const found = { early: [] as string[], asked: 0 };
  const server = createServer(async (req, res) => {
    const operation = operationOf(req);
    req.resume();
    if (operation === "GetParameter") {
      res.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(parameter);
      return;
    }
    found.asked += 1;
    const until = Date.now() + PATIENCE_MS;
    while (!banner() && Date.now() < until) await new Promise((resolve) => setImmediate(resolve));
    if (!banner()) found.early.push(operation);
    const body = JSON.stringify({ __type: "AccessDeniedException", message: `not authorized to perform ${operation}` });
    res.writeHead(403, {
      ...{ "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": "AccessDeniedException" },
      "x-amz-request-id": "1",
    });
    res.end(req.method === "HEAD" ? "" : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get early() {
      return found.early;
    },
    get asked() {
      return found.asked;
    },
    expect: (shown) => {
      banner = shown;
      found.early = [];
      found.asked = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
