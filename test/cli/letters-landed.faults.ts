import type { Context, SQSEvent } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advance, handler } from "../../functions/advance.ts";
import { logTo } from "../../functions/log.ts";
import { copy, getBytes, list as objects, put, remove } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { publish } from "../../packages/cli/publish.ts";
import { environment } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { cutting, letters, post, type Replayed, replay } from "./letters.fixture.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
  await publish(place, bovespa, { ticker: "TESTE90" });
  await place.stack!.idle();
});
afterAll(() => place.remove());

const { landed } = dlq;
const again = (options: dlq.DlqOptions = {}) => replay(place, options, landed);
const keys = async (prefix: string) => {
  const all: { key: string; etag: string; size: number }[] = [];
  for await (const object of objects(place.aws, "lake", prefix)) all.push(object);
  return all;
};
const today = () => new Date().toISOString().slice(0, 10);
const arrive = async (key: string, bytes: Uint8Array | string) => {
  await put(place.aws, "lake", key, bytes);
  await place.stack!.idle();
};
const settle = async () => {
  const { takeLetters } = await import("../../packages/aws/letters.ts");
  const names = new Set((await letters(place, "landed")).map((l) => l.name));
  await takeLetters(place.aws, "landed", names, async (all) => new Set(all.map((l) => l.name)));
};

describe("a refused raw object", () => {
  test("that is sound now is copied under today's date, read, and its letter is gone", async () => {
    const [sound] = await keys("raw/bovespa/");
    const bytes = (await getBytes(place.aws, "lake", sound!.key))!;
    // No ingest date in its key: nobody could ever list it as settled.
    await arrive("raw/bovespa/by-hand é.parquet", bytes);
    const [letter] = await letters(place, "landed");
    expect(letter).toMatchObject({ reason: "key", ticker: "bovespa", attempts: 1 });

    expect(await again({ dryRun: true })).toMatchObject({ found: 1, pass: { letters: 1, records: 1 }, sent: 0 });
    expect(await keys("raw/bovespa/")).toHaveLength(2);
    expect(await again()).toMatchObject({ found: 1, sent: 1, left: 0 });
    expect(await letters(place, "landed")).toEqual([]);
    const copied = (await keys(`raw/bovespa/ingest_date=${today()}/replay-1-`))[0]!;
    expect(Buffer.from((await getBytes(place.aws, "lake", copied.key))!)).toEqual(Buffer.from(bytes));
    const [row] = await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE90'");
    expect(row).toEqual({ n: "1" });
    await dlq.listReplays(place, landed);
    expect(place.output.documents.at(-1)).toMatchObject([{ dataset: "landed", letters: 1, accepted: 1 }]);
  });

  test("that cannot be read today either stays, and sent again all the same it comes back with its history", async () => {
    await arrive(`raw/bovespa/ingest_date=${today()}/broken.parquet`, "this is no Parquet, whatever its name says");
    const [first] = await letters(place, "landed");
    expect(first).toMatchObject({ reason: "not_parquet", attempts: 1 });
    expect(await again()).toMatchObject({
      sent: 0,
      left: 1,
      stay: { refused: [{ reason: "not_parquet", letters: 1, message: expect.stringMatching(/PAR1/) }] },
    });
    expect(await again({ again: true })).toMatchObject({ sent: 1, left: 0, refuse: [{ reason: "not_parquet" }] });
    const [second, ...others] = await letters(place, "landed");
    expect(others).toEqual([]);
    expect(second).toMatchObject({ reason: "not_parquet", attempts: 2, seen: first!.seen });
    expect(second!.path).toMatch(/\/replay-1-\d{8}T\d{9}Z-[0-9a-f]{16}\.parquet$/);
    expect(await again()).toMatchObject({ sent: 0, stay: { failedBefore: { letters: 1 } } });
    await settle();
  });

  test("that was rewritten or is gone is copied by nobody, and its letter stays", async () => {
    const key = `raw/bovespa/ingest_date=${today()}/gone.parquet`;
    await arrive(key, "no Parquet, but as long as one could be");
    await remove(place.aws, "lake", key);
    expect(await again()).toMatchObject({ sent: 0, stay: { refused: [{ reason: "gone" }] } });
    await expect(again({ again: true })).rejects.toThrow(/0 of 1 dead letter sent again.*not there any more/);
    expect(await letters(place, "landed")).toHaveLength(1);
    await settle();
  });

  test("cut after the copy is copied to the same key again, which changes nothing", async () => {
    const [sound] = await keys("raw/bovespa/ingest_date=");
    await copy(place.aws, "lake", sound!, "raw/bovespa/again-by-hand.parquet");
    await place.stack!.idle();
    const before = (await keys("raw/bovespa/")).length;
    const cut = cutting(place, (command) => (command === "DeleteMessageBatchCommand" ? "before" : undefined));
    await expect(dlq.replay(cut, landed, { yes: true })).rejects.toThrow("cut before");
    await place.stack!.idle();
    expect(await again()).toMatchObject({ sent: 1 });
    expect((await keys("raw/bovespa/")).length).toBe(before + 1);
    expect(await letters(place, "landed")).toEqual([]);
    const [row] = await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE90'");
    expect(row).toEqual({ n: "1" });
  });
});

describe("a letter of what landed", () => {
  test("is one, however many callers at once refuse the object, each for itself", async () => {
    for (let i = 0; i < 4; i++) {
      await put(place.aws, "lake", `raw/bovespa/ingest_date=${today()}/by-four-${i}.parquet`, `no Parquet, ${i}`);
      await Promise.all([1, 2, 3, 4].map(() => advance(place.aws, bovespa)));
    }
    await place.stack!.idle();
    const found = await letters(place, "landed");
    expect(found.map((l) => l.path.replace(/.*by-four/, "")).sort()).toEqual([0, 1, 2, 3].map((i) => `-${i}.parquet`));
    await settle();
  });

  test("is one, however often a message that is no bell is delivered", async () => {
    const attributes = { SentTimestamp: String(Date.parse("2024-11-09T02:00:00.000Z")) };
    const batch = { Records: [{ messageId: "1", body: "dong", attributes }] } as SQSEvent;
    Object.assign(process.env, environment(place.stage), {
      AWS_ENDPOINT_URL: place.aws.endpoint,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    });
    const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
    logTo(() => undefined);
    for (let i = 0; i < 3; i++) expect(await handler(batch, context)).toEqual({ batchItemFailures: [] });
    expect(await letters(place, "landed")).toMatchObject([{ reason: "no_bell", seen: "2024-11-09T02:00:00.000Z" }]);
    await settle();
  });

  test("of an object that cannot be looked at is counted as that, and the others all the same", async () => {
    await arrive(`raw/bovespa/ingest_date=${today()}/hidden.parquet`, "no Parquet that anybody may read");
    await arrive(`raw/bovespa/ingest_date=${today()}/plain.parquet`, "no Parquet, and everybody may read it");
    const barred = cutting(place, (command, { Key }) =>
      command === "GetObjectCommand" && String(Key).endsWith("hidden.parquet") ? "before" : undefined,
    );
    await dlq.replay(barred, landed, { dryRun: true });
    const { found, stay } = place.output.documents.at(-1) as Replayed;
    expect([found, stay.refused.map((r) => [r.reason, r.letters])]).toEqual([
      2,
      [
        ["not_parquet", 1],
        ["unread", 1],
      ],
    ]);
    await settle();
  });
});

describe("a bell that nobody understood", () => {
  test("keeps its history, and is not wrapped once more for every replay", async () => {
    await post(place, "landed", [{ id: "1", group: "x", body: "ding dong" }]);
    await place.stack!.idle();
    const [first] = await letters(place, "landed");
    expect(first).toMatchObject({ reason: "no_bell", records: ["ding dong"] });
    expect(await again()).toMatchObject({
      sent: 0,
      stay: { refused: [{ reason: "no_bell", message: "expected JSON" }] },
    });
    expect(await again({ again: true })).toMatchObject({ sent: 1 });
    expect(await letters(place, "landed")).toMatchObject([
      { id: first!.id, records: ["ding dong"], attempts: 2, before: ["no_bell"], seen: first!.seen },
    ]);
    expect(await again()).toMatchObject({ sent: 0, stay: { failedBefore: { letters: 1 } } });
    await dlq.list(place, landed, {});
    expect(place.output.documents.at(-1)).toMatchObject([{ reason: "no_bell", letters: 1 }]);
    await settle();
  });
});
