import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { refusalOf } from "../../packages/aws/refusals.ts";
import { isTransient } from "../../packages/aws/retry.ts";
import { copy, create, folders, getBytes, head, list, put, remove, removeAll } from "../../packages/aws/store.ts";
import { laptop } from "../../packages/core/stage.ts";

type Answer = { status: number; headers?: Record<string, string>; body?: string };
const closers: (() => void)[] = [];
afterAll(() => closers.forEach((close) => void close()));

/** Clients of an endpoint that answers so, request by request; the last answer is also that of all further ones. */
const answering = async (...answers: Answer[]): Promise<{ aws: Aws; asked: string[] }> => {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    const { status, headers = {}, body = "" } = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(req.method!);
    req.resume().on("end", () => res.writeHead(status, headers).end(req.method === "HEAD" ? undefined : body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: url });
  closers.push(() => {
    aws.close();
    server.closeAllConnections();
    server.close();
  });
  return { aws, asked };
};

const page: Answer = { status: 200, headers: { "content-type": "text/html" }, body: "<html><p>Sign in</html>" };
const OURS = { "x-amz-request-id": "4442587FB7D0A2F9" };
const xml = (body: string): Answer => ({ status: 200, headers: { ...OURS, "content-type": "application/xml" }, body });

const gathered = async <T>(all: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const one of all) out.push(one);
  return out;
};
const calls: Record<string, (aws: Aws) => Promise<unknown>> = {
  create: (aws) => create(aws, "state", "a", "{}"),
  put: (aws) => put(aws, "state", "a", "{}"),
  getBytes: (aws) => getBytes(aws, "state", "a"),
  head: (aws) => head(aws, "state", "a"),
  list: (aws) => gathered(list(aws, "state", "a/")),
  folders: (aws) => gathered(folders(aws, "state", "a/")),
  copy: (aws) => copy(aws, "state", { key: "a", etag: "b" }, "c"),
  remove: (aws) => remove(aws, "state", "a"),
  removeAll: (aws) => removeAll(aws, "state", ["a"], Date.now()),
};

/** It rejects; what is known then is that nothing is known, and a person is told so. */
const unknown = async (call: Promise<unknown>, says: RegExp) => {
  const error = await call.then(
    (value) => ({ answered: value }),
    (reason: unknown) => reason,
  );
  expect(error).not.toHaveProperty("answered");
  expect(isTransient(error)).toBe(true);
  expect(refusalOf(error, "prova")).toMatchObject({ code: "unreached", message: expect.stringMatching(says) });
};

describe("what S3 did not say", () => {
  describe.concurrent.each<[string, Answer]>([
    ["a page with 200", page],
    ["nothing with 200", { status: 200 }],
    ["a page with 404", { ...page, status: 404 }],
    ["a page with 403", { ...page, status: 403 }],
    ["a page with 502", { ...page, status: 502 }],
  ])("%s", (_, answer) => {
    test.concurrent.each(Object.entries(calls))(
      "is neither done nor absent nor denied, after four attempts: %s",
      async (_, call) => {
        const { aws, asked } = await answering(answer);
        await unknown(call(aws), new RegExp(`expected AWS to answer, .*${answer.status}`));
        expect(asked).toHaveLength(4);
      },
    );
  });

  test.each(["create", "put"])("a write is not done by a 200 without an ETag: %s", async (name) => {
    const { aws } = await answering({ status: 200, headers: OURS });
    await unknown(calls[name]!(aws), /without an ETag/);
  });

  test.each(["list", "folders"])("a document that is no list is not an empty one: %s", async (name) => {
    const { aws } = await answering(xml("<html><body>Sign in</body></html>"));
    await unknown(calls[name]!(aws), /no list/);
  });
});

test("a write that was carried out behind such an answer is ours, and is not taken for another's", async () => {
  const there = { ...OURS, etag: '"x"', "content-length": "2" };
  const { aws, asked } = await answering(
    page,
    { status: 412, headers: OURS },
    { status: 200, headers: there },
    { status: 200, headers: there, body: "{}" },
  );
  expect(await create(aws, "state", "a", "{}")).toBe("created");
  expect(asked).toEqual(["PUT", "PUT", "HEAD", "GET"]);
});

test("what S3 itself says of what is not there is believed", async () => {
  const { aws } = await answering({ status: 404, headers: OURS });
  expect(await head(aws, "state", "a")).toBeNull();
});
