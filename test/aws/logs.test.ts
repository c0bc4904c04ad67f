import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openLogs } from "../../packages/aws/logs.ts";
import { prova } from "../cli/stage.fixture.ts";

type Page = { events: { eventId: string; timestamp: number; message: string }[]; nextToken?: string };
let pages: (Page | { __type: string })[] = [];
const asked: Record<string, unknown>[] = [];
const server = createServer(async (req, res) => {
  let body = "";
  for await (const chunk of req) body += chunk;
  asked.push(JSON.parse(body) as Record<string, unknown>);
  const page = pages.shift()!;
  res
    .writeHead("__type" in page ? 400 : 200, { "content-type": "application/x-amz-json-1.1" })
    .end(JSON.stringify(page));
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const event = (timestamp: number, message: string) => ({ eventId: `${timestamp}`, timestamp, message });

test("an empty page that is not the last ends nothing, and lines come in order without their line end", async () => {
  pages = [{ events: [event(3, "c\n")], nextToken: "1" }, { events: [], nextToken: "2" }, { events: [event(1, "a")] }];
  const logs = openLogs(prova, { AWS_ENDPOINT_URL: url });
  expect((await logs.printed("consume", 0))?.map(({ at, text }) => [at, text])).toEqual([
    [1, "a"],
    [3, "c"],
  ]);
  expect(asked.map(({ logGroupName, nextToken }) => [logGroupName, nextToken])).toEqual([
    ["/aws/lambda/pregao-prova-consume", undefined],
    ["/aws/lambda/pregao-prova-consume", "1"],
    ["/aws/lambda/pregao-prova-consume", "2"],
  ]);
  logs.close();
});

test("a function without a log has printed nothing, which is no failure", async () => {
  pages = [{ __type: "ResourceNotFoundException" }];
  const logs = openLogs(prova, { AWS_ENDPOINT_URL: url });
  expect(await logs.printed("consume", 0)).toBeNull();
  logs.close();
});
