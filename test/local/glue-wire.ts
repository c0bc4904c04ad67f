import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { AwsError, type JsonService } from "../../packages/local/service.ts";

/** The least of a gateway: JSON services behind one port, so that the real clients can be used on one service alone. */
export const serve = async (services: JsonService[]): Promise<{ url: string; stop: () => Promise<void> }> => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [target, name] = String(request.headers["x-amz-target"]).split(".") as [string, string];
    const service = services.find((one) => one.target === target);
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": `application/x-amz-json-${service?.version ?? "1.1"}` });
      response.end(JSON.stringify(body));
    };
    try {
      const operation = service?.operations[name];
      if (!operation) throw new AwsError("UnknownOperationException", `${target}.${name}`);
      const input = JSON.parse(Buffer.concat(chunks).toString() || "{}") as never;
      answer(200, await operation(input, { signal: new AbortController().signal }));
    } catch (error) {
      if (error instanceof AwsError)
        answer(error.status, { __type: error.code, message: error.message, ...error.fields });
      else answer(500, { __type: "InternalServiceException", message: String((error as Error).stack) });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
