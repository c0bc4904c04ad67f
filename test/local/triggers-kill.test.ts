import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, expect, test } from "vitest";
import { folder } from "./sqs.fixture.ts";

const KILLS = 4;
const script = join(import.meta.dirname, "handlers", "stack.ts");

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const spawned = async (dir: string): Promise<{ child: ChildProcess; url: string }> => {
  const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once("exit", (code) => reject(new Error(`the stack ended with ${code}`)));
  });
  return { child, url };
};
const client = (url: string) =>
  new SQSClient({
    endpoint: url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1,
  });

test("what was acknowledged is handled, though the stack is killed again and again; no kill makes a dead letter", async () => {
  const place = folder();
  const file = join(place.path, "handled");
  const acknowledged = new Set<number>();
  let n = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { child, url } = await spawned(place.path);
    const sqs = client(url);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let alive = true;
    const sender = async () => {
      while (alive) {
        const numbers = Array.from({ length: 10 }, () => ++n);
        const entries = numbers.map((i) => ({ Id: `${i}`, MessageBody: JSON.stringify({ file, n: i }) }));
        try {
          const answer = await sqs.send(
            new SendMessageBatchCommand({ QueueUrl: `${url}/000000000000/kept`, Entries: entries }),
          );
          for (const { Id } of answer.Successful ?? []) acknowledged.add(Number(Id));
        } catch {
          return; // Killed: the outcome of these is unknown.
        }
        if (alive && n > (kill + 1) * 200) {
          alive = false;
          child.kill("SIGKILL");
        }
      }
    };
    await Promise.all([sender(), sender(), sender()]);
    child.kill("SIGKILL");
    await ended;
    sqs.destroy();
  }
  const { child, url } = await spawned(place.path);
  const idle = await fetch(`${url}/_pregao/idle`);
  expect(idle.status).toBe(200);
  const handled = new Set(readFileSync(file, "utf8").trim().split("\n").map(Number));
  expect([...acknowledged].filter((i) => !handled.has(i))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(KILLS * 150);
  const sqs = client(url);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: `${url}/000000000000/kept-dlq`,
      AttributeNames: ["ApproximateNumberOfMessages"],
    }),
  );
  expect(Attributes?.ApproximateNumberOfMessages).toBe("0");
  sqs.destroy();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  place.remove();
});
