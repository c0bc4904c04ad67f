import { afterAll, beforeAll, expect, test } from "vitest";
import { each, killed, undisturbed } from "./cycle.ts";
import { template } from "./river.ts";

let of: Awaited<ReturnType<typeof template>>;
beforeAll(async () => {
  of = await template();
});
afterAll(() => of?.remove());

/** Two of the points of up.faults.ts, which has them all: an acknowledgement that was not given, and a commit. */
const POINTS = [
  ["local/gateway:answerJson:answer PutRecordBatch:before", true],
  ["local/s3/routes:send:answer PUT state/commits:before", false],
] as const;

test("up that is killed between two side effects of an ingest finishes by itself after the next start, with the same tables and dead letters", async () => {
  const { expected, during } = await undisturbed(of);
  expect(expected.unrest).toEqual({});
  expect([expected.raw, expected.letters.length]).toEqual(["297", 5]);
  const faults = await each(POINTS, 2, async ([name, waits]) => {
    const { n, all } = during.get(name)!;
    expect(await killed(of, { name, pass: all - n + 1 }, waits)).toEqual(expected);
  });
  expect(faults).toEqual([]);
}, 180_000);
