import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inMemory, keep } from "../../functions/origin.ts";
import { receive, release, remove as removeMessages, send } from "../../packages/aws/queues.ts";
import { put, remove } from "../../packages/aws/store.ts";
import { measureStage } from "../../packages/cli/cost/measure.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { publish } from "../../packages/cli/publish.ts";
import { rawTable } from "../../packages/cli/raw.ts";
import { reopen } from "../../packages/cli/verify/expected.ts";
import { check } from "../../packages/cli/verify/index.ts";
import { completesOf } from "../../packages/cli/verify/superseded.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { literal, openSession } from "../../packages/engines/duckdb/session.ts";
import { ask, testPlace } from "../place.ts";
import {
  accountOf as account,
  edited,
  explained,
  fileOf,
  sendBytes,
  sendSome,
  sha256,
  type TestPlace,
  tickerOf,
  verified,
  withText,
} from "./verify.fixture.ts";

let place: TestPlace;
/** Files that are there before the first test, by their source's name. */
const early: [string, Buffer][] = [];
beforeAll(async () => {
  place = await testPlace();
  await Promise.all(early.map(([source, bytes]) => sendBytes(place, bovespa, source, bytes)));
}, 120_000);
afterAll(() => place.remove());

/** A file of which all is published before the first test. */
const there = (source: string, bytes: Buffer): Buffer => {
  early.push([source, bytes]);
  return bytes;
};

const accountOf = (bytes: Buffer, options?: { repair?: boolean }) => account(place, bytes, options);

describe("what is in no table, and rightly so", () => {
  // Low above high, and a quote factor of 7.
  const poison = there(
    "poison.txt",
    edited(fileOf("2022-03-01"), "2022-03-01", (line, i) =>
      i % 10 === 0 ? withText(line, 83, "9999999999999") : i % 10 === 1 ? withText(line, 211, "0000007") : line,
    ),
  );
  test("records that the judge refuses are rejected; a dead letter that was thrown away comes back", async () => {
    const [day, bytes] = ["2022-03-01", poison];
    const found = await accountOf(bytes);
    expect(found).toMatchObject({ whole: true, status: 0 });
    expect(found.account).toMatchObject({ sent: 30, published: 24, rejected: 6, raw: 24 });
    expect(found.screen).toContain("Next: pregao dlq list bovespa");
    const hand = await receive(place.aws, "bovespa-dlq", 30);
    const mine = hand.find((m) => m.body.includes(sha256(bytes)))!;
    await removeMessages(place.aws, "bovespa-dlq", [mine.receipt]);
    await release(
      place.aws,
      "bovespa-dlq",
      hand.filter((m) => m !== mine).map((m) => m.receipt),
    );
    const lost = await accountOf(bytes);
    expect(lost.status).toBe(1);
    expect(lost.account).toMatchObject({ rejected: 5, missing: 1 });
    expect(lost.account.lost).toMatchObject([{ refused: true, ticker: mine.group, session: day }]);
    const repaired = await accountOf(bytes, { repair: true });
    expect(repaired).toMatchObject({ whole: true, account: { rejected: 6, missing: 0 } });
    const { rejected, screen } = await explained(place, bovespa, mine.group, day);
    expect(rejected).toMatchObject([{ at: "queue", attempts: 1, records: [{ lines: [expect.any(Number)] }] }]);
    expect(screen).toContain("rejected: ");
  });

  const mended = there(
    "mended.txt",
    edited(fileOf("2022-03-02"), "2022-03-02", (line, i) => (i === 0 ? withText(line, 211, "0000007") : line)),
  );
  test("a record put right by a replay is sent again otherwise; taken back, it is rejected again", async () => {
    const bytes = mended;
    const ticker = tickerOf(bytes, 2);
    await dlq.replay(place, bovespa, { ticker, reason: "quote_factor", patch: ["fatcot=1"], yes: true });
    await place.stack!.idle();
    const found = await accountOf(bytes);
    expect(found).toMatchObject({ whole: true, account: { sent: 30, published: 29, replayed: 1, rejected: 0 } });
    await dlq.undo(place, bovespa, undefined, { yes: true });
    await place.stack!.idle();
    const back = await accountOf(bytes);
    expect(back).toMatchObject({ whole: true, account: { sent: 30, published: 29, replayed: 0, rejected: 1 } });
  });

  const first = there("first.txt", fileOf("2022-03-03", 200));
  test("a corrected file supersedes its session as a whole, and explain says which row stands for which", async () => {
    const day = "2022-03-03";
    // Another price for one, one that is gone, one that moved from cash to another market.
    const corrected = edited(first, "2022-03-04", (line, i) =>
      i === 0
        ? withText(line, 171, "000000000000000777")
        : i === 1
          ? null
          : i === 10
            ? withText(line, 25, "020")
            : line,
    );
    await sendBytes(place, bovespa, "corrected.txt", corrected);
    expect(await accountOf(first)).toMatchObject({
      whole: true,
      account: { sent: 200, published: 0, superseded: 200 },
    });
    expect(await accountOf(corrected)).toMatchObject({ whole: true, account: { sent: 199, published: 199 } });
    const short = await verified(place, bovespa, { origin: sha256(corrected).slice(0, 8) });
    expect(short.accounts).toMatchObject([{ source: "corrected.txt" }]);

    const one = await explained(place, bovespa, tickerOf(first, 2), day);
    expect(one.rows).toMatchObject([
      { is: "published", origin: { source: "corrected.txt", lines: [2] }, supersedes: [one.rows[1]!.event_id] },
      {
        is: "superseded",
        origin: { source: "first.txt", lines: [2] },
        superseded_by: { event_id: one.rows[0]!.event_id, version: "2022-03-04" },
      },
    ]);
    const gone = await explained(place, bovespa, tickerOf(first, 3), day);
    expect(gone.rows).toMatchObject([
      {
        is: "superseded",
        origin: { lines: [3] },
        superseded_by: { event_id: null, sha256: sha256(corrected) },
        arrivals: [{ runs: [{ commit: { status: "published" } }] }],
      },
    ]);
    expect(gone.screen).toContain("as a whole, which has no such row");
  });

  const halved = there("halved.txt", fileOf("2022-03-07"));
  test("half of a newer file replaces what it has come with, and nobody is missed or doubled for it", async () => {
    const newer = edited(halved, "2022-03-08", (line) => withText(line, 171, "000000000000000777"));
    const unsent = await sendSome(place, bovespa, newer, (i) => (i % 2 ? 1 : 0));
    expect((await accountOf(halved)).account).toMatchObject({ published: 15, superseded: 15, missing: 0 });
    const half = await accountOf(newer);
    expect(half.account).toMatchObject({ published: 15, missing: 15 });
    expect([...half.account.problems.missing.ids].sort()).toEqual(unsent);
    expect(await accountOf(newer, { repair: true })).toMatchObject({ whole: true, account: { published: 30 } });
    expect((await accountOf(halved)).account).toMatchObject({ published: 0, superseded: 30 });
  });

  test("what is on its way is in flight, not missing", async () => {
    const day = "2022-03-09";
    const bytes = fileOf(day);
    const paused = { at: new Date().toISOString(), why: "a test" };
    await put(place.aws, "state", "paused/bovespa.json", JSON.stringify(paused));
    await sendSome(place, bovespa, bytes, () => 1);
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { inFlight: 30, missing: 0 } });
    expect((await explained(place, bovespa, tickerOf(bytes, 2), day)).rows).toMatchObject([{ is: "inFlight" }]);
    await remove(place.aws, "state", "paused/bovespa.json");
    // A bell for what waits.
    await sendBytes(place, bovespa, "bell.txt", fileOf("2022-03-10", 10));
    await place.stack!.idle();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, account: { inFlight: 0, published: 30 } });
  });
});

test("messages without a file are accounted for from raw on", async () => {
  const session = "2020-03-02";
  await publish(place, bovespa, { session });
  await publish(place, bovespa, { session, ticker: "TESTE98" });
  await place.stack!.idle();
  const found = await verified(place, bovespa, { session });
  expect(found).toMatchObject({ whole: true, accounts: [{ archive: "none", sent: 2, published: 2 }] });
  expect(found.screen).toContain("without an archived file");
  const { rows } = await explained(place, bovespa, "TESTE98", session);
  expect(rows).toMatchObject([{ is: "published", origin: { archive: "none", lines: null }, origin_rows: null }]);
});

const whole = there("whole.txt", fileOf("2019-03-08", 20));
const torn = there("damaged.txt", fileOf("2019-03-07"));
test("an archived file whose bytes are others is named, and the others are accounted for", async () => {
  const [bytes, other] = [torn, whole];
  const path = join(place.dir, "s3/origin/bovespa", sha256(bytes));
  const stored = readFileSync(path);
  writeFileSync(path, Buffer.concat([stored.subarray(0, 1000), Buffer.from("~"), stored.subarray(1001)]));
  const damaged = await accountOf(bytes);
  expect(damaged.status).toBe(1);
  expect(damaged.account).toMatchObject({
    archive: "damaged",
    damage: expect.stringContaining(`bovespa/${sha256(bytes)} in the bucket origin: expected bytes with that SHA-256`),
    published: 30,
  });
  expect((await accountOf(other)).account).toMatchObject({ published: 20, missing: 0 });
  writeFileSync(path, stored.subarray(0, 1000));
  expect(await accountOf(bytes)).toMatchObject({
    status: 1,
    account: { archive: "damaged", damage: expect.stringContaining("could not be read") },
  });
  expect((await explained(place, bovespa, tickerOf(bytes, 2), "2019-03-07")).rows).toMatchObject([
    { is: "published", origin: { archive: "damaged", lines: null } },
  ]);
});

test("a bad answer that was archived is no file: nothing of it is missing, and explain finds no line in it", async () => {
  const bytes = fileOf("2019-03-11", 20);
  const { sha256: kept } = await keep(place.aws, bovespa, {
    source: "cut.txt",
    bytes: inMemory(bytes.subarray(0, 3000)),
  });
  const { status, accounts } = await verified(place, bovespa, { origin: kept });
  expect({ status, accounts }).toEqual({ status: 0, accounts: [] });
  await expect(explained(place, bovespa, tickerOf(bytes, 2), "2019-03-11")).rejects.toThrow("has arrived");
  expect((await measureStage(place))[0]).toMatchObject({ from: expect.not.stringContaining("cut.txt") });
});

test("a wrong origin and a day that is none are refused", async () => {
  await expect(verified(place, bovespa, { origin: "0123456789" })).rejects.toThrow("0123456789 names none");
  expect(() => check({ session: "2024-02-30" })).toThrow("YYYY-MM-DD");
  expect(() => check({ origin: "xyz" })).toThrow("SHA-256");
  expect(() => check({ origin: "0".repeat(64), session: "2024-11-08" })).toThrow("came both");
});

describe("what moves while it is looked at", () => {
  /** The same river, with something done before the first statement that is like this. */
  const disturbed = (like: RegExp, once: () => Promise<unknown>): TestPlace => {
    let waiting = true;
    const athena = new Proxy(place.aws.athena, {
      get: (client, name) =>
        name === "send"
          ? async (command: { input: { QueryString?: string } }) => {
              if (waiting && like.test(command.input.QueryString ?? "")) {
                waiting = false;
                await once();
              }
              return client.send(command as never);
            }
          : Reflect.get(client, name),
    });
    return { ...place, aws: { ...place.aws, athena } };
  };

  test("is judged again by fresh facts: rows that were sent after them are not missing", async () => {
    const bytes = fileOf("2017-03-01", 10);
    await sendSome(place, bovespa, bytes, () => 0);
    const { messages } = await reopen(place.aws, bovespa, sha256(bytes));
    // All of raw has been asked by then: what comes now is in no account.
    const late = disturbed(/FROM bovespa_refined WHERE origin_sha256 =/, async () => {
      for await (const { message } of messages()) await send(place.aws, "bovespa", [message]);
    });
    expect(await verified(late, bovespa, { origin: sha256(bytes) })).toMatchObject({
      whole: true,
      accounts: [{ missing: 0, published: 10 }],
    });
  });

  test("is not amiss because one look did not show a dead letter", async () => {
    const bytes = edited(fileOf("2017-03-02", 10), "2017-03-02", (l, i) => (i ? l : withText(l, 211, "0000007")));
    await sendBytes(place, bovespa, "one.txt", bytes);
    let blind = true;
    const sqs = new Proxy(place.aws.sqs, {
      get: (client, name) =>
        name === "send"
          ? (command: { constructor: { name: string }; input: { QueueUrl?: string } }) => {
              const isLook = blind && command.input.QueueUrl?.endsWith("bovespa-dlq");
              if (isLook && command.constructor.name === "ReceiveMessageCommand") return { Messages: [] };
              if (isLook && command.constructor.name === "GetQueueAttributesCommand") return { Attributes: {} };
              return client.send(command as never);
            }
          : Reflect.get(client, name),
    });
    const seeing = disturbed(/FROM bovespa_refined WHERE origin_sha256 =/, async () => {
      blind = false;
    });
    const found = await verified({ ...seeing, aws: { ...seeing.aws, sqs } }, bovespa, { origin: sha256(bytes) });
    expect(found).toMatchObject({ whole: true, accounts: [{ rejected: 1, missing: 0 }] });
  });
});

describe("completeness is counted exactly, however many objects and events do not count", () => {
  const day = "2016-03-01";
  const bytes = there("counted.txt", fileOf(day, 10));
  test.each([
    ["more withdrawn than a statement names", 4, 0],
    ["more open objects than a statement names", 0, 4],
    ["more of both", 4, 4],
  ])("%s", async (_, events, objects) => {
    const all = await ask(
      place,
      `SELECT event_id, "$path" AS path FROM bovespa_raw WHERE origin_sha256 = '${sha256(bytes)}' ORDER BY event_id`,
    );
    const key = all[0]!.path!.replace("s3://lake/", "");
    const others = Array.from({ length: 8 }, (_, n) => `raw/bovespa/ingest_date=2016-03-01/${n}.parquet`);
    const count = (without: { events: string[]; objects: string[] }, named: number) =>
      completesOf(
        place,
        {
          dataset: bovespa,
          raw: rawTable(place, bovespa),
          withdrawn: new Set(without.events),
          open: new Map(without.objects.map((one) => [one, "pending" as const])),
        },
        [day, day],
        named,
      );
    const unrelated = {
      events: Array.from({ length: events }, (_, n) => String(n).repeat(32)),
      objects: others.slice(0, objects),
    };
    const whole = await count({ events: [], objects: [] }, 1000);
    expect([...whole.values()]).toMatchObject([{ sha256: sha256(bytes), rows: 10 }]);
    expect(await count(unrelated, 3)).toEqual(whole);
    const some = {
      events: events ? [...unrelated.events, all[3]!.event_id!] : [],
      objects: objects ? [...unrelated.objects, key] : [],
    };
    expect(await count(some, 1000)).toEqual(new Map());
    expect(await count(some, 3)).toEqual(new Map());
  });
});

describe("raw objects that are none", () => {
  const day = "2015-03-02";
  const today = new Date().toISOString().slice(0, 10);
  const keys = ["page", "price"].map((name) => `raw/bovespa/ingest_date=${today}/${name}.parquet`);
  const bytes = there("before.txt", fileOf(day, 10));
  beforeAll(async () => {
    await put(place.aws, "lake", keys[0]!, "<html>not Parquet at all</html>");
    const session = await openSession({ scratch: join(place.dir, "other") });
    const path = join(place.dir, "other.parquet");
    await session.run(`COPY (SELECT 1.5::DOUBLE AS preult, 1 AS event_id) TO ${literal(path)} (FORMAT parquet)`);
    session.close();
    await put(place.aws, "lake", keys[1]!, readFileSync(path));
    await place.stack!.idle();
  });
  afterAll(async () => {
    for (const key of keys) await remove(place.aws, "lake", key);
  });

  test("fail a plain query by name; verify, explain and ingest --wait leave them out and say so", async () => {
    const plain = "SELECT count(DISTINCT event_id) AS n FROM bovespa_raw";
    await expect(ask(place, plain)).rejects.toThrow(/HIVE_BAD_DATA.*s3:\/\/lake\/raw\/bovespa\/.*\.parquet/);
    const paths = keys.map((key) => `'s3://lake/${key}'`).join(", ");
    expect(await ask(place, `${plain} WHERE "$path" NOT IN (${paths})`)).toHaveLength(1);
    expect(await ask(place, `${plain} WHERE ingest_date < DATE '${today}'`)).toHaveLength(1);
    const found = await accountOf(bytes);
    expect(found).toMatchObject({ whole: true, unreadable: keys, account: { published: 10, raw: 10 } });
    expect(found.screen).toContain("Left out: 2 raw objects that are no Parquet or of other columns");
    const { rows, unreadable, screen } = await explained(place, bovespa, tickerOf(bytes, 2), day);
    expect({ rows, unreadable }).toMatchObject({ rows: [{ is: "published" }], unreadable: keys });
    expect(screen).toContain("Not looked into: 2 raw objects");
    const after = fileOf("2015-03-03", 10);
    expect((await sendBytes(place, bovespa, "after.txt", after)).account).toMatchObject({ raw: 10 });
  });
});
