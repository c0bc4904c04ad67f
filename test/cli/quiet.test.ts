import { afterEach, expect, test, vi } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { instantOf } from "../../packages/cli/age.ts";
import { isQuiet } from "../../packages/cli/lake.ts";
import type { Place } from "../../packages/cli/place.ts";
import { laptop } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { catalogue } from "../../packages/datasets/index.ts";
import { silent } from "../place.ts";

const MINUTE = 60_000;
afterEach(() => vi.useRealTimers());

/** A deployed stage, of which SQS and CloudWatch tell what is given by the time since it began, in ms. */
const deployed = (tells: (ms: number) => { messages: number; freshness: number | null }): Place => {
  const { endpoint: _, ...aws } = connect(laptop(), { AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
  const began = Date.now();
  const now = () => tells(Date.now() - began);
  const sqs = { send: async () => ({ Attributes: { ApproximateNumberOfMessages: String(now().messages) } }) };
  const cloudwatch = {
    send: async (command: { input: { MetricDataQueries: { Id: string }[] } }) => ({
      MetricDataResults: command.input.MetricDataQueries.map(({ Id }) => {
        const { freshness } = now();
        return { Id, ...(freshness === null ? {} : { Timestamps: [new Date()], Values: [freshness] }) };
      }),
    }),
  };
  const stage = laptop();
  return {
    ...{ aws: { ...aws, sqs, cloudwatch } as never, stage, datasets: catalogue({}), database: bovespa.database },
    ...{ output: silent(), dir: null, stack: null, close: async () => {} },
  };
};
const ask = async (place: Place, ms: number): Promise<{ quiet: boolean; after: number }> => {
  const began = Date.now();
  const asked = isQuiet(place, bovespa, ms);
  await vi.advanceTimersByTimeAsync(ms + MINUTE);
  const quiet = await asked;
  return { quiet, after: Date.now() - began };
};
const { seconds } = topology(catalogue({}), laptop().pace).streams[0]!;

test("silence of Firehose's metric is no proof at one look of a deployed stage", async () => {
  vi.useFakeTimers();
  expect(
    (
      await ask(
        deployed(() => ({ messages: 0, freshness: null })),
        MINUTE,
      )
    ).quiet,
  ).toBe(false);
});

test("a deployed stage is quiet when nothing was seen at two looks a whole buffer and CloudWatch's delay apart", async () => {
  vi.useFakeTimers();
  expect(
    (
      await ask(
        deployed(() => ({ messages: 0, freshness: null })),
        30 * MINUTE,
      )
    ).quiet,
  ).toBe(true);
  const late = (ms: number) => ({ messages: 0, freshness: ms > seconds * 1000 && ms < 25 * MINUTE ? 90 : null });
  expect((await ask(deployed(late), 20 * MINUTE)).quiet).toBe(false);
  expect(
    (
      await ask(
        deployed(() => ({ messages: 3, freshness: null })),
        30 * MINUTE,
      )
    ).quiet,
  ).toBe(false);
});

test.each([
  ["90s", 90_000],
  ["12h", 12 * 60 * MINUTE],
  ["3d", 72 * 60 * MINUTE],
])("an age of %s", (text, ms) => {
  expect(instantOf("--since", text, 10 * 86_400_000)).toBe(10 * 86_400_000 - ms);
});

test.each(["yesterday", "2024-02-30", "2024-13-01", "10", "1w", "", "2024-11-08T25:00", "\u001b[31m"])(
  "%j is no age and no instant",
  (text) => {
    expect(() => instantOf("--since", text, Date.now())).toThrow(/expected --since as an age/);
    expect(() => instantOf("--since", text, Date.now())).not.toThrow("\u001b");
  },
);

test("a day is its beginning in UTC, an instant is itself", () => {
  expect(instantOf("--since", "2024-11-08", 0)).toBe(Date.UTC(2024, 10, 8));
  expect(instantOf("--since", "2024-11-08T21:30", 0)).toBe(Date.UTC(2024, 10, 8, 21, 30));
  expect(instantOf("--since", "2024-11-08T21:30:15.5Z", 0)).toBe(Date.UTC(2024, 10, 8, 21, 30, 15, 500));
});
