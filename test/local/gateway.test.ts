import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type GatewayDeps, gateway, MAX_JSON_BYTES } from "../../packages/local/gateway.ts";
import { AwsError } from "../../packages/local/service.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const open = async (deps: Partial<GatewayDeps> = {}) => {
  const errors: [unknown, string][] = [];
  const aborted: string[] = [];
  const service = {
    target: "Test_2024",
    version: "1.1" as const,
    operations: {
      Echo: (input: never) => input,
      Nothing: () => undefined,
      Refuse: () => {
        throw new AwsError("NoSuchThing", "there is none", 404, { Resource: "x" });
      },
      Break: () => {
        throw new TypeError("a bug");
      },
      Wait: (_input: never, { signal }: { signal: AbortSignal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(aborted.push("gone")))),
    },
  };
  const door = await gateway(0, {
    services: [service],
    fallback: async (req, res) => {
      if (req.url === "/break") throw new Error("S3 broke");
      res.end(`fallback ${req.method} ${req.url}`);
    },
    onError: (error, where) => errors.push([error, where]),
    ...deps,
  });
  closing.push(door.stop);
  return { ...door, errors, aborted };
};
const call = (url: string, target: string, body: BodyInit = "{}") =>
  fetch(url, { method: "POST", headers: { "x-amz-target": target }, body });
/** A request exactly as it is spelled here. */
const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", () => resolve(answer));
  });

test("answers and errors have the shape that SDKs read", async () => {
  const { url, errors } = await open();
  const good = await call(url, "Test_2024.Echo", '{"ação":[1]}');
  expect(good.status).toBe(200);
  expect(good.headers.get("content-type")).toBe("application/x-amz-json-1.1");
  expect(good.headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await good.json()).toEqual({ ação: [1] });
  expect(await (await call(url, "Test_2024.Nothing")).json()).toEqual({});

  const refused = await call(url, "Test_2024.Refuse");
  expect(refused.status).toBe(404);
  expect(refused.headers.get("x-amzn-errortype")).toBe("NoSuchThing");
  expect(await refused.json()).toEqual({ __type: "NoSuchThing", message: "there is none", Resource: "x" });
  expect(errors).toEqual([]);
});

test("a bug is a 500 without its text, and a line in the log with it", async () => {
  const { url, errors } = await open();
  const broken = await call(url, "Test_2024.Break");
  expect(broken.status).toBe(500);
  expect(await broken.json()).toMatchObject({ __type: "InternalFailure", message: expect.not.stringContaining("bug") });
  expect((await fetch(`${url}/break`)).status).toBe(500);
  expect(errors.map(([error, where]) => [String(error), where])).toEqual([
    ["TypeError: a bug", "Test_2024.Break"],
    ["Error: S3 broke", "GET /break"],
  ]);
  expect((await call(url, "Test_2024.Echo")).status).toBe(200);
});

test("nonsense is refused by name and ends nothing", async () => {
  const { url, port, errors } = await open();
  const answer = async (response: Response) => [
    response.status,
    ((await response.json()) as { __type: string }).__type,
  ];
  expect(await answer(await call(url, "Test_2024.Echo", "{"))).toEqual([400, "SerializationException"]);
  expect(await answer(await call(url, "Test_2024.Echo", "[]"))).toEqual([400, "SerializationException"]);
  expect(await answer(await call(url, "Test_2024.Echo", new Uint8Array([0x7b, 0x22, 0xff])))).toEqual([
    400,
    "SerializationException",
  ]);
  expect(await answer(await call(url, "Test_2024.Nobody"))).toEqual([400, "UnknownOperationException"]);
  expect(await answer(await call(url, "Nobody"))).toEqual([400, "UnknownOperationException"]);
  expect(await answer(await call(url, "Test_2024.constructor"))).toEqual([400, "UnknownOperationException"]);
  const large = JSON.stringify({ x: "x".repeat(MAX_JSON_BYTES) });
  expect(await answer(await call(url, "Test_2024.Echo", large))).toEqual([413, "RequestEntityTooLargeException"]);
  expect(await raw(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
  expect(await raw(port, "GET / HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
  await raw(port, "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: Test_2024.Echo\r\ncontent-length: 100\r\n\r\n{");
  expect((await call(url, "Test_2024.Echo")).status).toBe(200);
  expect(errors).toEqual([]);
});

test("a web page cannot reach it under a name of its own (DNS rebinding)", async () => {
  const { port } = await open({ hosts: ["pregao.internal"] });
  const status = (host: string) =>
    new Promise<number | undefined>((resolve, reject) =>
      request({ port, host: "127.0.0.1", headers: { host } }, (res) => {
        res.resume();
        resolve(res.statusCode);
      })
        .on("error", reject)
        .end(),
    );
  for (const host of [
    "localhost",
    "LOCALHOST:80",
    "127.0.0.1",
    `127.0.0.1:${port}`,
    "[::1]:1",
    "lake.localhost:1",
    "pregao.internal",
  ])
    expect([host, await status(host)]).toEqual([host, 200]);
  for (const host of [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
    "evil.example:80",
  ])
    expect([host, await status(host)]).toEqual([host, 403]);
});

test("a web page cannot reach it from another site, whatever it needs no preflight for", async () => {
  const forged: string[] = [];
  const { port } = await open({
    hosts: ["pregao.internal"],
    doors: [async (req) => Boolean(req.method === "POST" && forged.push(req.url ?? "")) && false],
  });
  const post = async (...headers: string[]) => {
    const head = ["POST /2015-03-31/functions/scrape/invocations HTTP/1.1", `host: 127.0.0.1:${port}`, ...headers];
    return raw(
      port,
      [...head, "content-type: text/plain", "content-length: 2", "connection: close", "", "{}"].join("\r\n"),
    );
  };
  for (const header of [
    "origin: https://evil.example",
    "Origin: null",
    "origin: http://localhost:3000",
    `origin: http://127.0.0.1:${port}`,
    "origin: http://pregao.internal.evil.example",
    "origin: pregao.internal",
    "sec-fetch-site: cross-site",
  ]) {
    const answer = await post(header);
    expect([header, answer.split("\r\n")[0]]).toEqual([header, "HTTP/1.1 403 Forbidden"]);
    expect(answer).toMatch(/<Code>AccessDenied<\/Code>.*web page/);
  }
  expect(forged).toEqual([]);
  const sqs = await raw(
    port,
    "POST / HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\nx-amz-target: Test_2024.Echo\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
  );
  expect(sqs).toMatch(/^HTTP\/1.1 403/);
  const image = await raw(
    port,
    "GET /lake/key HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\nconnection: close\r\n\r\n",
  );
  expect(image).toMatch(/^HTTP\/1.1 403/);

  expect(await post()).toMatch(/^HTTP\/1.1 200/);
  expect(await post("origin: https://PREGAO.internal:8443", "sec-fetch-site: cross-site")).toMatch(/^HTTP\/1.1 200/);
  expect(await post("sec-fetch-site: none")).toMatch(/^HTTP\/1.1 200/);
  expect(forged).toHaveLength(3);
});

test("older clients of SQS are told what is the matter, and S3 keeps its own forms", async () => {
  const { url } = await open();
  const form = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const old = await fetch(`${url}/000000000000/q`, {
    method: "POST",
    headers: form,
    body: "Action=SendMessage&MessageBody=x",
  });
  expect(old.status).toBe(400);
  expect(await old.text()).toMatch(/<Code>UnsupportedProtocol<\/Code>.*newer SDK/);
  expect((await fetch(`${url}/?Action=ListQueues&Version=2012-11-05`)).status).toBe(400);
  expect(await (await fetch(`${url}/lake/key?uploads`, { method: "POST", headers: form })).text()).toBe(
    "fallback POST /lake/key?uploads",
  );
  expect(await (await fetch(`${url}/lake/key`)).text()).toBe("fallback GET /lake/key");
});

test("who waits for an answer nobody reads any more is told", async () => {
  const { url, aborted } = await open();
  const gone = new AbortController();
  const waiting = fetch(url, {
    method: "POST",
    headers: { "x-amz-target": "Test_2024.Wait" },
    body: "{}",
    signal: gone.signal,
  });
  setImmediate(() => gone.abort());
  await expect(waiting).rejects.toThrow();
  const later = new AbortController();
  const second = fetch(url, {
    method: "POST",
    headers: { "x-amz-target": "Test_2024.Wait" },
    body: "{}",
    signal: later.signal,
  }).catch(() => null);
  await fetch(url);
  later.abort();
  await second;
  await expect.poll(() => aborted.length).toBeGreaterThan(0);
});

test("a port that is taken is a clear error", async () => {
  const { port } = await open();
  await expect(gateway(port, { services: [], fallback: async () => {}, onError: () => {} })).rejects.toMatchObject({
    code: "port_in_use",
    message: expect.stringContaining(String(port)),
  });
});
