import { Cron } from "croner";
import { describe, expect, test } from "vitest";
import { RECORD_BYTES } from "../../packages/core/pack.ts";
import { bucket, environment, laptop, logicalName, queueArn, resource, stageFrom } from "../../packages/core/stage.ts";
import { EVENTS, TICKS, topology } from "../../packages/core/topology.ts";
import { RETRY_DELAYS_MS } from "../../packages/local/triggers/invocations.ts";
import { toy } from "./toy.ts";

describe.each(["daily", "intraday"] as const)("the river at the pace %s", (pace) => {
  const t = topology([toy], pace);
  const timeout = (name: string) => t.functions.find((f) => f.name === name)!.timeout;
  const queue = (name: string) => t.queues.find((q) => q.name === name)!;

  test("a message is not seen again while its reader may still be at it: visibility is 6 timeouts or more", () => {
    for (const m of t.mappings) expect(queue(m.queue).visibility).toBeGreaterThanOrEqual(6 * timeout(m.function));
  });

  test("every queue that is read has a dead-letter queue that keeps for 14 days", () => {
    for (const m of t.mappings) {
      const letters = queue(m.queue).deadLetter!.queue;
      expect(queue(letters).retention).toBe(14 * 24 * 3600);
    }
  });

  test("waiting never counts as failing: a bell may be rung for a whole job before it is given up", () => {
    const job = t.jobs[0]!;
    const waits = queue("landed").deadLetter!.maxReceive * queue("landed").visibility;
    expect(waits).toBeGreaterThan(2 * job.timeoutMinutes * 60);
  });

  test("waiting never counts as failing: an outage of a night dead-letters no message of any queue that is read", () => {
    for (const m of t.mappings) {
      const { visibility, deadLetter } = queue(m.queue);
      expect(deadLetter!.maxReceive * visibility).toBeGreaterThanOrEqual(8 * 3600);
      // SQS's own limit.
      expect(deadLetter!.maxReceive).toBeLessThanOrEqual(1000);
    }
  });

  test("what a lost bell or event would hide is looked for by a clock: soon what is open, weekly what is closed", () => {
    const clock = (name: string) => t.clocks.find((c) => c.name === name);
    const often = { cron: "*/15 * * * *", zone: "UTC" };
    expect(clock("advance")).toMatchObject({ ...often, function: "advance", input: { datasets: ["toy"] } });
    expect(clock("salvage")).toMatchObject({ ...often, function: "salvage", input: { datasets: ["toy"] } });
    const weekly = clock("advance-weekly")!;
    expect(weekly).toMatchObject({ zone: "UTC", function: "advance", input: { datasets: ["toy"], full: true } });
    expect(weekly.cron.split(" ")).toHaveLength(5);
    const [first, second] = new Cron(weekly.cron, { timezone: weekly.zone }).nextRuns(2);
    expect(second!.getTime() - first!.getTime()).toBe(7 * 24 * 3_600_000);
  });

  test("a dataset with a schedule is looked for on its evenings, and by the last look a file must be there", () => {
    const schedule = {
      zone: "America/Sao_Paulo",
      cron: "45 20-22 * * MON-FRI",
      last: "45 23 * * MON-FRI",
    };
    const scraped = topology([{ ...toy, raw: { ...toy.raw!, schedule } }], pace);
    const clocks = scraped.clocks.filter((c) => c.function === "scrape");
    expect(clocks.map(({ input }) => input)).toEqual([{ dataset: "toy" }, { dataset: "toy", last: true }]);
    for (const clock of clocks) expect(clock).toMatchObject({ zone: "America/Sao_Paulo", web: true });
    expect(t.clocks.some((c) => c.function === "scrape")).toBe(false);
  });

  test("a look that was given up lies for 14 days where a person sees it, since no other clock repeats it", () => {
    expect(t.functions.find((f) => f.name === "scrape")!.failed).toBe("scrape-dlq");
    expect(queue("scrape-dlq").retention).toBe(14 * 24 * 3600);
  });

  test("events are tried as often on a laptop as on AWS, and within AWS's bounds", () => {
    expect(RETRY_DELAYS_MS).toHaveLength(EVENTS.retries);
    expect(EVENTS.age).toBeGreaterThan(RETRY_DELAYS_MS.reduce<number>((a, b) => a + b, 0) / 1000);
    expect(EVENTS.age).toBeLessThanOrEqual(21_600);
    expect(TICKS.age).toBeLessThanOrEqual(86_400);
    expect(TICKS.retries).toBeLessThanOrEqual(185);
  });

  test("what is superseded is deleted once a day, of every dataset", () => {
    const clock = t.clocks.find((c) => c.name === "clean")!;
    expect(clock).toMatchObject({ zone: "UTC", function: "clean", input: { datasets: ["toy"] } });
    const [first, second] = new Cron(clock.cron, { timezone: clock.zone, paused: true }).nextRuns(2);
    expect([first!.getUTCHours(), second!.getTime() - first!.getTime()]).toEqual([7, 24 * 3_600_000]);
  });

  test("a full batch of every consumer passes the stream's quota in half the function's time", () => {
    const quota = 1024 * 1024; // bytes a second of a stream in sa-east-1, Direct PUT
    const batchBytes = 6 * 1024 * 1024; // a Lambda payload, AWS's limit on a batch
    for (const m of t.mappings.filter((m) => m.function === "consume"))
      expect((m.concurrency * batchBytes) / quota).toBeLessThanOrEqual(timeout("consume") / 2);
    expect(batchBytes).toBeGreaterThan(RECORD_BYTES);
  });

  test("a batch over 10 messages has a window, which SQS asks for", () => {
    for (const m of t.mappings) if (m.batch > 10) expect(m.window).toBeGreaterThanOrEqual(1);
    for (const m of t.mappings) expect(m.concurrency).toBeGreaterThanOrEqual(2);
  });

  test("Firehose converts from 64 MiB up, within 900 s", () => {
    for (const s of t.streams) {
      expect(s.mib).toBeGreaterThanOrEqual(64);
      expect(s.seconds).toBeLessThanOrEqual(900);
    }
  });

  test("every edge ends at something that exists, and none feeds itself", () => {
    const queues = new Set(t.queues.map((q) => q.name));
    const functions = new Set(t.functions.map((f) => f.name));
    for (const m of t.mappings) expect(queues.has(m.queue) && functions.has(m.function)).toBe(true);
    for (const n of t.notices)
      expect("queue" in n.to ? queues.has(n.to.queue) : functions.has(n.to.function)).toBe(true);
    for (const j of t.jobs) expect(queues.has(j.events)).toBe(true);
    for (const c of t.clocks) expect(functions.has(c.function)).toBe(true);
    for (const n of t.notices) expect(n.prefix).not.toBe("");
    for (const n of t.notices) expect("refined/".startsWith(n.prefix)).toBe(false);
  });
});

test("only waits differ between paces", () => {
  const still = (pace: "daily" | "intraday") => {
    const { pace: _, ...t } = topology([toy], pace);
    return {
      ...t,
      mappings: t.mappings.map(({ batch, window, ...m }) => m),
      streams: t.streams.map(({ mib, seconds, ...s }) => s),
    };
  };
  expect(still("daily")).toEqual(still("intraday"));
});

test("names of stages do not collide, and lead back", () => {
  const dev = { ...laptop(), name: "dev", account: "123456789012" };
  expect(resource(dev, "toy")).not.toBe(resource({ ...dev, name: "prod" }, "toy"));
  expect(bucket(dev, "lake")).not.toBe(bucket({ ...dev, account: "210987654321" }, "lake"));
  for (const s of [dev, laptop()]) {
    expect(logicalName(s, queueArn(s, "toy-dlq"))).toBe("toy-dlq");
    expect(stageFrom(environment(s))).toEqual(s);
  }
});
