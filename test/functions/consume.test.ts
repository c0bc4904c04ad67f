import type { Context } from "aws-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handler } from "../../functions/consume.ts";
import { digest } from "../../functions/river.ts";
import { messages } from "../../packages/core/message.ts";
import { readDeadLetter } from "../../packages/core/reject.ts";
import { environment } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { peek } from "../peek.ts";
import { ask, testPlace } from "../place.ts";
import { sqsEvent } from "../sqs-event.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
  Object.assign(process.env, environment(place.stage), { AWS_ENDPOINT_URL: place.aws.endpoint });
});
afterAll(() => place.remove());

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
const message = (ticker: string): string =>
  messages(
    bovespa,
    { source: "test", origin },
    { subject: ticker, records: [bovespa.raw!.sample(ticker, "2024-11-08", 0)] },
    digest,
  )[0]!.body;
const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;

/** Message `m0`, `m1`, … */
const batch = (bodies: readonly string[]) =>
  sqsEvent(
    place.stage,
    "bovespa",
    bodies.map((body, i) => ({ messageId: `m${i}`, body })),
  );

test("a message that nobody can spell again goes to the dead letters alone: its batch neither throws nor comes back", async () => {
  const field = message("TESTE1").replace('"nomres":"TESTE1"', `"nomres":${deep}`);
  const record = message("TESTE2").replace(/"records":\[.*\]\}\}$/, `"records":[${deep}]}}`);
  const good = Array.from({ length: 6 }, (_, i) => message(`TESTE${i + 3}`));
  const bodies = [...good.slice(0, 3), field, deep, record, ...good.slice(3)];
  expect(await handler(batch(bodies), context)).toEqual({ batchItemFailures: [] });
  await place.stack!.idle();
  const letters = await peek(place.aws, "bovespa-dlq", (all) => all.map((m) => readDeadLetter(m.body, m)));
  expect(letters.map((l) => l.reason)).toEqual(["envelope", "envelope", "envelope"]);
  expect(new Set(letters.flatMap((l) => l.records))).toEqual(new Set([field, deep, record]));
  expect(() => JSON.stringify(letters)).not.toThrow();
  const rows = await ask(place, "SELECT codneg FROM bovespa_raw ORDER BY codneg");
  expect(rows.map((row) => row.codneg)).toEqual(good.map((_, i) => `TESTE${i + 3}`));
});
