import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import { send } from "../../packages/aws/queues.ts";
import { getBytes, list, put } from "../../packages/aws/store.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { patched, readDeadLetter } from "../../packages/core/reject.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { peek } from "../peek.ts";
import { ask, testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
const judge = judgeOf(bovespa, digest);
/** Rows of a ticker as the consumer gives them to Firehose. */
const rowsOf = (ticker: string, count: number): string[] => {
  const records = Array.from({ length: count }, (_, i) => bovespa.raw!.sample(ticker, "2024-11-08", i));
  return messages(bovespa, { source: "test", origin }, { subject: ticker, records }, digest).flatMap(
    ({ body }) => judge({ receipt: "r", body, sentAt: 0 }).rows,
  );
};
const ids = (rows: readonly string[]) => rows.map((row) => JSON.parse(row).event_id as string).sort();
const letters = () =>
  peek(place.aws, "bovespa-dlq", (all) => all.map((message) => readDeadLetter(message.body, message)));
const reasons = (all: readonly { reason: string }[]) =>
  Object.fromEntries([...Map.groupBy(all, (l) => l.reason)].map(([reason, same]) => [reason, same.length]));
const arrived = async () => (await ask(place, "SELECT event_id FROM bovespa_raw")).map((row) => row.event_id!).sort();

const whole = rowsOf("TESTE1", 2);
const cut = rowsOf("TESTE3", 3);
const misfit = rowsOf("TESTE4", 3);
const broken = '{"datpre":"2024-11-08","codneg":"TES';
/** Firehose fails a record as a whole for one of its rows; what was to arrive of each. */
const given = [
  whole,
  [cut[0]!, broken, cut[1]!, cut[2]!],
  [misfit[0]!, misfit[1]!, misfit[2]!.replace(/"totneg":\d+/, '"totneg":"muitos"')],
];
const patch = JSON.parse(misfit[2]!).totneg as number;

test("what Firehose could not convert is rejected row by row under its code, its neighbours arrive", async () => {
  await place.aws.firehose.send(
    new PutRecordBatchCommand({
      DeliveryStreamName: "bovespa",
      Records: given.map((rows) => ({ Data: Buffer.from(`${rows.join("\n")}\n`) })),
    }),
  );
  await place.stack!.idle();
  expect(await arrived()).toEqual(ids(whole));
  const all = await letters();
  expect(reasons(all)).toEqual({ "DataFormatConversion.ParseError": 4, "DataFormatConversion.MalformedData": 3 });
  expect(all.filter((l) => l.ticker === "unreadable").map((l) => l.records)).toEqual([[broken]]);
  expect(new Set(all.map((l) => l.id)).size).toBe(7);
});

test("the same error object again makes the same rejects: each is one letter, however often it came", async () => {
  const before = await letters();
  const keys: string[] = [];
  for await (const { key } of list(place.aws, "lake", "errors/bovespa/")) keys.push(key);
  expect(keys).toHaveLength(1);
  await put(place.aws, "lake", `${keys[0]}-again`, (await getBytes(place.aws, "lake", keys[0]!))!);
  await place.stack!.idle();
  const after = await letters();
  expect(after).toHaveLength(2 * before.length);
  const bodies = (all: typeof after) => new Set(all.map((l) => l.body));
  expect(bodies(after)).toEqual(bodies(before));
});

test("a replay gives every row the event_id it was to have, and what nobody can read comes back with its reason", async () => {
  const replayed = (await letters()).map((letter) => {
    const damaged = (letter.records[0] as { totneg?: unknown }).totneg === "muitos";
    return {
      id: letter.id,
      group: letter.ticker,
      body: damaged ? patched(letter.body, { totneg: patch }) : letter.body,
    };
  });
  await send(place.aws, "bovespa", replayed);
  await place.stack!.idle();
  const came = await arrived();
  expect([...new Set(came)]).toEqual(ids([...whole, ...cut, ...misfit]));
  const unread = (await letters()).filter((l) => l.reason === "not_json");
  expect(unread.map((l) => [l.attempts, l.records])).toEqual([
    [2, [broken]],
    [2, [broken]],
  ]);
});
