import "./functions/impatient.ts";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from "node:net";
import { ListWorkGroupsCommand } from "@aws-sdk/client-athena";
import { ListDeliveryStreamsCommand } from "@aws-sdk/client-firehose";
import { GetDatabasesCommand } from "@aws-sdk/client-glue";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { send } from "../../packages/aws/queues.ts";
import { isTransient } from "../../packages/aws/retry.ts";
import { create, getBytes, put } from "../../packages/aws/store.ts";
import { deliver } from "../../packages/aws/streams.ts";
import { fair } from "./faults.ts";
import { openMatrix } from "./matrix.ts";
import { stage, type World } from "./world.ts";

const listening = async (server: Server): Promise<string> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error("it succeeded"),
    (error: Error) => error,
  );

describe("a server that takes the connection and says nothing", () => {
  const sockets: Socket[] = [];
  const server = createSocketServer((socket) => void sockets.push(socket.on("error", () => undefined)));
  let aws: Aws;
  beforeAll(async () => {
    aws = connect(stage, { AWS_ENDPOINT_URL: await listening(server), PREGAO_SILENT_MS: "60" });
  });
  afterAll(() => {
    aws.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const calls: Record<string, () => Promise<unknown>> = {
    sqs: () => aws.sqs.send(new ListQueuesCommand({})),
    s3: () => aws.s3.send(new ListBucketsCommand({})),
    firehose: () => aws.firehose.send(new ListDeliveryStreamsCommand({})),
    glue: () => aws.glue.send(new GetDatabasesCommand({})),
    athena: () => aws.athena.send(new ListWorkGroupsCommand({})),
  };
  test.each(Object.entries(calls))(
    "does not hold a function for ever: %s gives up, its outcome unknown",
    async (_, call) => {
      const before = sockets.length;
      const error = await failure(call());
      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(isTransient(error)).toBe(true);
      expect(sockets.length - before, "attempts, each on a connection of its own").toBe(4);
    },
  );
  test("holds a sender or a deliverer no longer than its time, and accepts nothing", async () => {
    const slow = connect(stage, { AWS_ENDPOINT_URL: aws.endpoint });
    const started = Date.now();
    const message = { id: "1", group: "A", body: "{}" };
    const parcel = { data: "{}\n", bytes: 3, receipts: new Map([["r", 1]]) };
    const [sent, outcomes] = await Promise.all([
      send(slow, "bovespa", [message], { until: started + 150 }),
      deliver(slow, "bovespa", [parcel], started + 150),
    ]);
    slow.close();
    expect(sent).toMatchObject([{ id: "1", outcome: "unknown" }]);
    expect(outcomes).toEqual([{ receipts: parcel.receipts, taken: false }]);
    expect(Date.now() - started).toBeLessThan(10_000);
  });
});

test("an answer that comes slowly, but comes, is not cut off", async () => {
  const server = createServer((_, res) => {
    let left = 10;
    res.writeHead(200, { "content-length": left, "x-amz-request-id": "1" });
    const drop = setInterval(() => {
      res.write("x");
      if (--left === 0) {
        clearInterval(drop);
        res.end();
      }
    }, 50);
  });
  const aws = connect(stage, { AWS_ENDPOINT_URL: await listening(server), PREGAO_SILENT_MS: "400" });
  try {
    expect(new TextDecoder().decode((await getBytes(aws, "lake", "slow"))!)).toBe("xxxxxxxxxx");
  } finally {
    aws.close();
    server.closeAllConnections();
    server.close();
  }
});

describe("an answer that cannot be read", () => {
  test("is an unknown outcome, and no refusal", async () => {
    const server = createServer((_, res) => void res.end("<html>a gateway's page</html>"));
    const aws = connect(stage, { AWS_ENDPOINT_URL: await listening(server) });
    try {
      const [sent] = await send(aws, "bovespa", [{ id: "1", group: "A", body: "{}" }], { until: Date.now() + 200 });
      expect(sent).toMatchObject({ outcome: "unknown" });
    } finally {
      aws.close();
      server.closeAllConnections();
      server.close();
    }
  });
});

describe("a conditional write whose answer did not come", () => {
  let world: World;
  beforeAll(async () => {
    world = await openMatrix();
  });
  afterAll(() => world.close());
  const next = (call: string, fault: "cut") => {
    const from = world.proxy.count(call);
    world.proxy.weather((name, n) => (name === call && n === from ? fault : null));
  };

  test("is ours if what is there is what we wrote: a document", async () => {
    next("PutObject state/documents", "cut");
    expect(await create(world.aws, "state", "documents/1", '{"n":1}')).toBe("created");
    world.proxy.weather(fair);
    expect(await create(world.aws, "state", "documents/1", '{"n":1}')).toBe("exists");
  });
  test("is ours if what is there says the same of itself: an archived origin", async () => {
    next("PutObject origin/bovespa", "cut");
    const metadata = { scraped_at: "2024-11-09 01:11:00.000", version: "" };
    expect(await create(world.aws, "origin", "bovespa/1", new Uint8Array([1]), metadata)).toBe("created");
  });
  test("is another's if something else is there", async () => {
    await put(world.plain, "state", "documents/2", '{"n":2}');
    next("PutObject state/documents", "cut");
    expect(await create(world.aws, "state", "documents/2", '{"n":3}')).toBe("exists");
    await put(world.plain, "state", "documents/3", '{"n":2, "of":"another length"}');
    next("PutObject state/documents", "cut");
    expect(await create(world.aws, "state", "documents/3", '{"n":3}')).toBe("exists");
  });
});
