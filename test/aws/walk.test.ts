import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { nameOfLetter, takeLetters } from "../../packages/aws/letters.ts";
import { depth, type ReceivedMessage, receive, release, send, walk } from "../../packages/aws/queues.ts";
import { type Stack, startStack } from "../../packages/cli/stack.ts";
import { laptop } from "../../packages/core/stage.ts";
import { peek } from "../peek.ts";

const dir = mkdtempSync(join(tmpdir(), "pregao-walk-"));
const QUEUE = "landed-dlq";
let stack: Stack;
let aws: Aws;
beforeAll(async () => {
  stack = await startStack({ dir, stage: laptop(), port: 0 });
  // Clocks that tick at a first start look at the queue, too.
  await stack.idle();
  aws = connect(laptop(), { AWS_ENDPOINT_URL: stack.url });
});
afterAll(async () => {
  aws.close();
  await stack.stop();
  rmSync(dir, { recursive: true, force: true });
});

const post = (count: number, size = 10) =>
  send(
    aws,
    QUEUE,
    Array.from({ length: count }, (_, i) => ({ id: String(i), group: "x", body: `${i} ${"x".repeat(size)}` })),
  );
const clear = () =>
  walk(aws, QUEUE, async (messages, queue) => {
    await queue.remove(messages);
    return undefined;
  });
afterEach(async () => {
  vi.useRealTimers();
  await clear();
  expect(await depth(aws, QUEUE)).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
});

/** The client with what it is asked for, as it is asked. */
const watched = (see: (name: string, input: Record<string, unknown>) => void): Aws => {
  const sqs = {
    send: (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
      see(command.constructor.name, command.input);
      return aws.sqs.send(command as never);
    },
  };
  return { ...aws, sqs: sqs as unknown as Aws["sqs"] };
};

test("every message is shown once and is visible again after it, however many there are", async () => {
  await post(1234);
  const ids: string[] = [];
  const ends: number[] = [];
  const walked = await walk(aws, QUEUE, async (messages) => {
    ids.push(...messages.map((m) => m.messageId));
    if (messages.length === 0) ends.push((await depth(aws, QUEUE)).inFlight);
    return undefined;
  });
  expect(walked).toEqual({ seen: 1234, hidden: 0, whole: true });
  expect(new Set(ids).size).toBe(1234);
  expect(ids).toHaveLength(1234);
  // The last call comes while all are in the hand.
  expect(ends).toEqual([1234]);
  expect(await depth(aws, QUEUE)).toMatchObject({ visible: 1234, inFlight: 0 });
});

test("letters are taken into the hand some megabytes at a time, and what is not settled stays", async () => {
  await post(300, 60_000);
  const names = new Set(await peek(aws, QUEUE, (all) => all.map((m) => nameOfLetter(m.body))));
  const hands: number[] = [];
  const missing = await takeLetters(aws, "landed", new Set([...names, "another"]), async (letters) => {
    hands.push(letters.reduce((sum, l) => sum + l.body.length, 0));
    return new Set(letters.slice(0, 10).map((l) => l.name));
  });
  expect(missing).toBe(1);
  expect(hands.length).toBeGreaterThanOrEqual(3);
  for (const bytes of hands) expect(bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
  expect(hands.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(300 * 60_000);
  expect(await depth(aws, QUEUE)).toMatchObject({ visible: 300 - 10 * hands.length, inFlight: 0 });
});

test("a walk that is killed hides messages for half a minute, not for five", async () => {
  await post(3);
  const hidden: unknown[] = [];
  const watching = watched((name, input) => {
    if (name === "ReceiveMessageCommand") hidden.push(input.VisibilityTimeout);
  });
  await walk(watching, QUEUE, () => undefined);
  expect(hidden.length).toBeGreaterThan(0);
  for (const seconds of hidden) expect(seconds).toBeLessThanOrEqual(30);
});

test("a walk that lasts hides its messages anew before they come back", async () => {
  await post(25);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  const renewed: number[] = [];
  const watching = watched((name, input) => {
    const entries = (input.Entries ?? []) as { VisibilityTimeout: number }[];
    if (name === "ChangeMessageVisibilityBatchCommand" && entries[0]!.VisibilityTimeout > 0)
      renewed.push(entries.length);
  });
  await walk(watching, QUEUE, async (messages) => {
    if (messages.length > 0) return undefined;
    await vi.advanceTimersByTimeAsync(7_000);
    expect(renewed).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    await vi.waitFor(() => expect(renewed.reduce((a, b) => a + b, 0)).toBe(25));
    return undefined;
  });
});

test("what ends the process in the middle of a walk shows all again first", async () => {
  await post(30);
  let end: (() => Promise<unknown>) | undefined;
  let left = false;
  const beforeEnd = (release: () => Promise<unknown>) => {
    end = release;
    return () => {
      left = true;
    };
  };
  await walk(
    aws,
    QUEUE,
    async (messages) => {
      if (messages.length === 0) return undefined;
      expect((await depth(aws, QUEUE)).inFlight).toBeGreaterThan(0);
      await end!();
      expect(await depth(aws, QUEUE)).toMatchObject({ visible: 30, inFlight: 0 });
      return "stop";
    },
    { beforeEnd },
  );
  expect(left).toBe(true);
});

test("a visitor that fails leaves everything visible", async () => {
  await post(30);
  const failing = walk(aws, QUEUE, () => {
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await depth(aws, QUEUE)).toMatchObject({ visible: 30, inFlight: 0 });
});

test("what others hold is counted, and waited for as long as the caller has patience", async () => {
  await post(8);
  const kinds: unknown[] = [];
  await walk(aws, QUEUE, async (messages) => {
    if (messages.length > 0) return undefined;
    kinds.push(await walk(aws, QUEUE, () => undefined));
    return undefined;
  });
  expect(kinds).toEqual([{ seen: 0, hidden: 8, whole: true }]);
  // The first lets go while the second waits.
  let second: Promise<unknown> | undefined;
  await walk(aws, QUEUE, (messages) => {
    if (messages.length === 0) second = walk(aws, QUEUE, () => undefined, { patience: 20_000 });
    return undefined;
  });
  expect(await second).toEqual({ seen: 8, hidden: 0, whole: true });
});

test("what others let go of between the last receive and the last count is not taken for seen", async () => {
  await post(3);
  const others = await receive(aws, QUEUE, 30);
  expect(others).toHaveLength(3);
  const walked = await walk(aws, QUEUE, async (messages) => {
    // Its last call: nothing is received any more.
    if (messages.length === 0)
      await release(
        aws,
        QUEUE,
        others.map((m) => m.receipt),
      );
    return undefined;
  });
  expect(walked).toEqual({ seen: 0, hidden: 3, whole: true });
});

test("a message that was removed is gone, and the others are not", async () => {
  await post(15);
  const removed: string[] = [];
  await walk(aws, QUEUE, async (messages, queue) => {
    const odd = messages.filter((m) => Number(m.body.split(" ")[0]) % 2 === 1);
    removed.push(...odd.map((m) => m.body));
    await queue.remove(odd);
    return undefined;
  });
  const left = await peek(aws, QUEUE, (all: ReceivedMessage[]) => all.map((m) => m.body));
  expect([removed.length, left.length]).toEqual([7, 8]);
});
