import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { readInventory } from "../../packages/aws/inventory.ts";
import { examine } from "../../packages/cli/doctor/diagnosis.ts";
import { guards } from "../../packages/cli/doctor/guards/index.ts";
import { cloudControl, type Refusals } from "./cloudcontrol.ts";
import { datasets, ideal, stage } from "./ideal.ts";

// A doctor that cannot reach AWS says so once and soon: not once for each resource, after each one's own silence.

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0)) await end();
});

const serve = async (answer: RequestListener) => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const aws = connect(stage, { AWS_ENDPOINT_URL: url });
  ends.push(async () => {
    aws.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { aws, url, asked: () => asked };
};
const queues = Array.from({ length: 60 }, (_, n) => ({ type: "AWS::SQS::Queue", id: `https://sqs/queue-${n}` }));
const tables = Array.from({ length: 60 }, (_, n) => ({ type: "AWS::Glue::Table", id: `database|table_${n}` }));

test("an AWS that hangs ends the doctor after one silence, whoever of its services it is", async () => {
  vi.stubEnv("PREGAO_SILENT_MS", "300");
  for (const wanted of [queues, tables, [...tables, ...queues]]) {
    const { aws, asked } = await serve(() => undefined);
    const began = Date.now();
    await expect(readInventory(aws, wanted)).rejects.toMatchObject({ name: "PregaoError", code: "unreached" });
    expect(asked()).toBeLessThanOrEqual(8);
    // Eight attempts of each, eight at a time, would be 18 s.
    expect(Date.now() - began).toBeLessThan(5_000);
  }
}, 30_000);

test("choices that are met with silence end it, too: nothing is asked after them", async () => {
  vi.stubEnv("PREGAO_SILENT_MS", "300");
  const { aws, asked } = await serve(() => undefined);
  await expect(examine({ aws, stage, datasets, dir: null })).rejects.toMatchObject({ code: "unreached" });
  expect(asked()).toBe(1);
}, 30_000);

test("a page instead of AWS is said once, and is not what a guard finds", async () => {
  for (const status of [200, 502]) {
    const { aws } = await serve((_, response) => {
      response.writeHead(status, { "content-type": "text/html" });
      response.end("<html><body>sign in to the hotel's network</body></html>");
    });
    await expect(readInventory(aws, [...queues, ...tables])).rejects.toMatchObject({ code: "unreached" });
  }
}, 30_000);

test("an AWS that throttles every call is given up at the deadline, in one sentence that says how far it came", async () => {
  const { aws } = await serve((_, response) => {
    response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify({ __type: "ThrottlingException", message: "Rate exceeded" }));
  });
  const lost = await readInventory(aws, queues, { deadlineMs: 400 }).catch((error: unknown) => error);
  expect(lost).toMatchObject({ code: "unreached", message: expect.stringMatching(/0 of 60.*Rate exceeded.*Next: /s) });
}, 30_000);

test("a call that is throttled now and then is tried again, and a reader that fails is not waited for", async () => {
  let asked = 0;
  const documents = ideal();
  const server = await cloudControl(
    () => documents,
    (): Refusals => {
      asked += 1;
      return {
        ...(asked <= 4 ? { "AWS::SQS::Queue": { name: "ThrottlingException", message: "Rate exceeded" } } : {}),
        "AWS::S3::Bucket": { name: "HandlerInternalFailureException", message: "it broke" },
      };
    },
  );
  const aws = connect(stage, { AWS_ENDPOINT_URL: server.url });
  ends.push(async () => {
    aws.close();
    await server.close();
  });
  const queue = documents.find(({ type }) => type === "AWS::SQS::Queue")!;
  const bucket = documents.find(({ type }) => type === "AWS::S3::Bucket")!;
  const get = await readInventory(aws, [queue, bucket]);
  expect(get(queue)).toMatchObject({ is: "there" });
  expect(get(bucket)).toMatchObject({ is: "unreadable", permission: null });
}, 30_000);

test("whoever waits is told how far it is: every resource counts, and the last one ends it", async () => {
  const server = await cloudControl(() => ideal());
  const aws = connect(stage, { AWS_ENDPOINT_URL: server.url });
  ends.push(async () => {
    aws.close();
    await server.close();
  });
  const seen: [number, number][] = [];
  const wanted = guards
    .find(({ id }) => id === "queue.visibility")!
    .wanted((await import("../../packages/cli/doctor/expected.ts")).expectedOf(stage, datasets, false));
  await readInventory(aws, wanted, { progress: (read, of) => seen.push([read, of]) });
  const of = wanted.length;
  expect(seen).toEqual(Array.from({ length: of }, (_, n) => [n + 1, of]));
});
