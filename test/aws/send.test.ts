import { afterEach, expect, test, vi } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { type Outgoing, send } from "../../packages/aws/queues.ts";
import { laptop } from "../../packages/core/stage.ts";

afterEach(() => vi.useRealTimers());

/** A queue that answers as `fails` says, and never later than it was asked to. */
const queue = (fails: (call: number) => boolean) => {
  let calls = 0;
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
  vi.spyOn(aws.sqs, "send").mockImplementation((async (
    { input }: { input: { Entries: { Id: string }[] } },
    { abortSignal }: { abortSignal: AbortSignal },
  ) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    abortSignal.throwIfAborted();
    if (fails(calls++)) throw Object.assign(new Error("out of order"), { $metadata: { httpStatusCode: 503 } });
    return { Successful: input.Entries.map(({ Id }) => ({ Id })) };
  }) as never);
  return { aws, calls: () => calls };
};
const message = (n: number): Outgoing => ({ id: String(n), group: "x", body: `${n}`.repeat(10) });

test("a sender that makes its messages for longer than an outage is waited for is no outage", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { aws } = queue(() => false);
  async function* slow() {
    for (let n = 0; n < 25; n++) {
      // The archive of a large file is read again for minutes until the first row that is missing.
      if (n % 10 === 0) vi.setSystemTime(Date.now() + 5 * 60_000);
      yield message(n);
    }
  }
  const sent = await send(aws, "bovespa", slow());
  expect(sent.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 25 }, () => "accepted"));
});

test("an outage is not waited for anew with each batch", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const { aws, calls } = queue(() => {
    vi.setSystemTime(Date.now() + 61_000);
    return true;
  });
  const sent = await send(
    aws,
    "bovespa",
    Array.from({ length: 1000 }, (_, n) => message(n)),
  );
  expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(["unknown"]));
  expect(calls()).toBeLessThanOrEqual(100);
});
