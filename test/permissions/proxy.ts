import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came and how it was answered. `who`: the access key that signed it. */
export type Seen = {
  who: string;
  method: string;
  url: URL;
  headers: IncomingHttpHeaders;
  body: string;
  status: number;
  answer: string;
};

const read = async (from: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of from) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

const signer = ({ authorization = "" }: IncomingHttpHeaders): string =>
  /Credential=([^/]+)\//.exec(authorization)?.[1] ?? "nobody";

/** Stands before a stack, changes nothing, and writes down who asked for what. */
export const recorder = async (upstream: Promise<string>): Promise<{ url: string; seen: Seen[]; stop: () => void }> => {
  const seen: Seen[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer(async (req, res) => {
    const [body, to] = [await read(req), new URL(await upstream)];
    const { method = "GET", headers } = req;
    const up = request(
      { agent, hostname: to.hostname, port: to.port, method, path: req.url, headers: req.rawHeaders as never },
      async (got) => {
        const answer = await read(got).catch(() => null);
        if (!answer) return void res.destroy();
        const status = got.statusCode ?? 0;
        const isText = /json|xml/.test(got.headers["content-type"] ?? "");
        seen.push({
          ...{ who: signer(headers), method, headers, status },
          url: new URL(req.url ?? "/", to),
          body: headers["x-amz-target"] || /[?&]delete/.test(req.url ?? "") ? body.toString("utf8") : "",
          answer: isText ? answer.toString("utf8") : "",
        });
        res.writeHead(status, got.rawHeaders);
        res.end(answer);
      },
    );
    up.on("error", () => res.destroy());
    res.on("close", () => res.writableEnded || up.destroy());
    up.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () => {
      agent.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
};
