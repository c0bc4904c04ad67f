import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, release, remove as removeMessages } from "../../packages/aws/queues.ts";
import { list, put, remove } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq.ts";
import { publish } from "../../packages/cli/publish.ts";
import { refine } from "../../packages/cli/refine.ts";
import { check } from "../../packages/cli/verify.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, sendFile, testPlace } from "../place.ts";
import { cotahist, random } from "../synthetic.ts";
import {
  adds,
  edited,
  explained,
  sendBytes,
  sendSome,
  sha256,
  type TestPlace,
  tamper,
  verified,
  withText,
} from "./verify.fixture.ts";

let place: TestPlace;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

/** A small file of one session; each test has a day of its own, so that one river serves them all. */
const fileOf = (day: string, perSession = 60) => cotahist({ sessions: [day], perSession });

/** The account of one file. */
const accountOf = async (bytes: Buffer, options: { repair?: boolean } = {}) => {
  const found = await verified(place, bovespa, { origin: sha256(bytes), ...options });
  expect(found.accounts).toHaveLength(1);
  expect(adds(found.accounts[0]!)).toBe(true);
  return { ...found, account: found.accounts[0]! };
};
const tickerOf = (bytes: Buffer, line: number): string =>
  bytes.toString("latin1").split("\r\n")[line - 1]!.slice(12, 24).trim();

describe("a real session file", () => {
  const file = new URL(bovespa.demo!.file).pathname;
  beforeAll(async () => {
    await sendFile(place, bovespa, file);
  });

  test("is all there, row by row, and sent again it still is", async () => {
    const first = await verified(place, bovespa);
    expect(first).toMatchObject({ whole: true, quiet: true, status: 0 });
    expect(first.accounts).toMatchObject([
      { sent: 12_226, repeated: 0, raw: 12_226, published: 12_226, missing: 0, inFlight: 0, archive: "whole" },
    ]);
    expect(first.screen).toContain("Everything is there: 12,226 rows accounted for.");
    await sendFile(place, bovespa, file);
    expect(await verified(place, bovespa, { session: "2024-11-08" })).toMatchObject({
      whole: true,
      accounts: [{ sent: 12_226, published: 12_226 }],
    });
    expect((await verified(place, bovespa, { session: "2024-11-07" })).accounts).toEqual([]);
  });

  test("of which raw lost objects behind our back is missed row by row, and comes back from the archive", async () => {
    for await (const { key } of list(place.aws, "lake", "raw/bovespa/")) await remove(place.aws, "lake", key);
    const lost = await verified(place, bovespa);
    expect(lost).toMatchObject({ whole: false, status: 1 });
    expect(lost.accounts).toMatchObject([{ sent: 12_226, missing: 12_226, raw: 0 }]);
    expect(lost.accounts[0]!.problems.missing.ids).toHaveLength(1000);
    expect(lost.accounts[0]!.lost[0]).toMatchObject({ session: "2024-11-08", refused: false });
    expect(lost.screen).toContain("Next: pregao verify bovespa --repair");
    const repaired = await verified(place, bovespa, { repair: true });
    expect(repaired).toMatchObject({ whole: true, status: 0, repaired: { messages: 12_072, rows: 12_226 } });
    expect(repaired.accounts).toMatchObject([{ published: 12_226, raw: 12_226 }]);
  });

  test("explains a row from its line on", async () => {
    const { rows, screen } = await explained(place, bovespa, "PETR4", "2024-11-08");
    const line = (await textOf(file)).findIndex((l) => l.slice(2, 24) === "2024110802PETR4       ") + 1;
    expect(line).toBeGreaterThan(1);
    expect(rows).toMatchObject([
      {
        is: "published",
        table: "bovespa_refined",
        origin: { source: "COTAHIST_D08112024.ZIP", lines: [line], archive: "whole" },
        arrivals: [{ runs: [{ commit: { status: "published" } }] }],
      },
    ]);
    expect(screen).toContain(`COTAHIST_D08112024.ZIP, line ${line.toLocaleString("en-US")}`);
    await expect(explained(place, bovespa, "NADA9", "2024-11-08")).rejects.toThrow("nothing of NADA9");
  });
});

describe("rows that somebody changed in a table's files", () => {
  const day = "2021-03-01";
  const bytes = fileOf(day);
  const one = `(SELECT min(event_id) FROM t WHERE origin_sha256 = '${sha256(bytes)}')`;
  const rebuilt = () => refine(place, bovespa, { rebuild: true, unit: ["2021"], yes: true });
  const first = async () =>
    (await ask(place, `SELECT min(event_id) AS id FROM bovespa_refined WHERE origin_sha256 = '${sha256(bytes)}'`))[0]!
      .id;

  test("dropped from it are missing, by name, and a rebuild brings them back", async () => {
    await sendBytes(place, bovespa, "dropped.txt", bytes);
    const id = await first();
    await tamper(place, bovespa, "bovespa_refined", "year=2021", `SELECT * FROM t WHERE event_id <> ${one}`);
    const { account, status, screen } = await accountOf(bytes);
    expect(status).toBe(1);
    expect(account).toMatchObject({ sent: 60, published: 59, missing: 1 });
    expect(account.problems.missing).toEqual({ count: 1, ids: [id] });
    expect(account.lost).toMatchObject([{ id, session: day }]);
    expect(screen).toContain("Next: pregao refine bovespa --rebuild");
    // Raw has it: there is nothing to send.
    expect(await accountOf(bytes, { repair: true })).toMatchObject({ whole: false, repaired: null });
    await rebuilt();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { published: 60, missing: 0 } });
  });

  test("written twice are doubled, and made up are invented; what mends that is said", async () => {
    const id = await first();
    await tamper(
      place,
      bovespa,
      "bovespa_refined",
      "year=2021",
      `SELECT * FROM t UNION ALL SELECT * FROM t WHERE event_id = ${one} UNION ALL SELECT * REPLACE ('${"f".repeat(32)}' AS event_id) FROM t WHERE event_id = ${one}`,
    );
    const { account, status, screen } = await accountOf(bytes);
    expect(status).toBe(1);
    expect(account.problems).toEqual({
      missing: { count: 0, ids: [] },
      doubled: { count: 1, ids: [id] },
      invented: { count: 1, ids: ["f".repeat(32)] },
      stale: { count: 0, ids: [] },
    });
    expect(screen).toContain("Next: pregao refine bovespa --rebuild");
    await rebuilt();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { published: 60 } });
  });

  test("of an origin that nobody knows are invented", async () => {
    const [event, origin] = ["e".repeat(32), "d".repeat(64)];
    await tamper(
      place,
      bovespa,
      "bovespa_derivativos",
      "year=2021/month=03",
      `SELECT * FROM t UNION ALL SELECT * REPLACE ('${event}' AS event_id, '${origin}' AS origin_sha256) FROM (SELECT * FROM t LIMIT 1)`,
    );
    const { accounts, status } = await verified(place, bovespa, { session: day });
    expect(status).toBe(1);
    expect(accounts.find((a) => a.sha256 === origin)!.problems.invented.ids).toEqual([event]);
    await rebuilt();
    expect(await verified(place, bovespa, { session: day })).toMatchObject({ whole: true, status: 0 });
  });

  test("that a greater complete file replaced, put back, are stale", async () => {
    const day = "2021-04-01";
    const older = fileOf(day);
    const newer = edited(older, "2021-04-02", (line) => withText(line, 171, "000000000000000777"));
    await sendBytes(place, bovespa, "older.txt", older);
    const [row] = await ask(
      place,
      `SELECT event_id, source_version FROM bovespa_refined WHERE origin_sha256 = '${sha256(older)}' ORDER BY event_id LIMIT 1`,
    );
    await sendBytes(place, bovespa, "newer.txt", newer);
    await tamper(
      place,
      bovespa,
      "bovespa_refined",
      "year=2021",
      `SELECT * FROM t UNION ALL SELECT * REPLACE ('${row!.event_id}' AS event_id, '${sha256(older)}' AS origin_sha256, '${row!.source_version}' AS source_version) FROM (SELECT * FROM t WHERE origin_sha256 = '${sha256(newer)}' LIMIT 1)`,
    );
    const { account, status } = await accountOf(older);
    expect(status).toBe(1);
    expect(account.problems.stale).toEqual({ count: 1, ids: [row!.event_id] });
    await rebuilt();
    expect(await accountOf(older)).toMatchObject({ whole: true, account: { published: 0, superseded: 60 } });
  });
});

describe("what is in no table, and rightly so", () => {
  test("records that the judge refuses are rejected; a dead letter that was thrown away comes back", async () => {
    const day = "2022-03-01";
    // Low above high, and a quote factor of 7.
    const bytes = edited(fileOf(day), day, (line, i) =>
      i % 10 === 0 ? withText(line, 83, "9999999999999") : i % 10 === 1 ? withText(line, 211, "0000007") : line,
    );
    await sendBytes(place, bovespa, "poison.txt", bytes);
    const found = await accountOf(bytes);
    expect(found).toMatchObject({ whole: true, status: 0 });
    expect(found.account).toMatchObject({ sent: 60, published: 48, rejected: 12, raw: 48 });
    expect(found.screen).toContain("Next: pregao dlq list bovespa");
    const hand = await receive(place.aws, "bovespa-dlq", 30);
    await removeMessages(place.aws, "bovespa-dlq", [hand[0]!.receipt]);
    await release(
      place.aws,
      "bovespa-dlq",
      hand.slice(1).map((m) => m.receipt),
    );
    const lost = await accountOf(bytes);
    expect(lost.status).toBe(1);
    expect(lost.account).toMatchObject({ rejected: 11, missing: 1 });
    expect(lost.account.lost).toMatchObject([{ refused: true, ticker: hand[0]!.group, session: day }]);
    const repaired = await accountOf(bytes, { repair: true });
    expect(repaired).toMatchObject({ whole: true, account: { rejected: 12, missing: 0 } });
    const { rejected, screen } = await explained(place, bovespa, hand[0]!.group, day);
    expect(rejected).toMatchObject([{ at: "queue", attempts: 1, records: [{ lines: [expect.any(Number)] }] }]);
    expect(screen).toContain("rejected: ");
  });

  test("a record put right by a replay is sent again otherwise; taken back, it is rejected again", async () => {
    const day = "2022-03-02";
    const bytes = edited(fileOf(day), day, (line, i) => (i === 0 ? withText(line, 211, "0000007") : line));
    await sendBytes(place, bovespa, "mended.txt", bytes);
    const ticker = tickerOf(bytes, 2);
    await dlq.replay(place, bovespa, { ticker, reason: "quote_factor", patch: ["fatcot=1"], yes: true });
    await place.stack!.idle();
    const found = await accountOf(bytes);
    expect(found).toMatchObject({ whole: true, account: { sent: 60, published: 59, replayed: 1, rejected: 0 } });
    await dlq.undo(place, bovespa, undefined, { yes: true });
    await place.stack!.idle();
    const back = await accountOf(bytes);
    expect(back).toMatchObject({ whole: true, account: { sent: 60, published: 59, replayed: 0, rejected: 1 } });
  });

  test("a corrected file supersedes its session as a whole, and explain says which row stands for which", async () => {
    const day = "2022-03-03";
    const first = fileOf(day, 200);
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
    await sendBytes(place, bovespa, "first.txt", first);
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

  test("half of a newer file replaces what it has come with, and nobody is missed or doubled for it", async () => {
    const first = fileOf("2022-03-07");
    const newer = edited(first, "2022-03-08", (line) => withText(line, 171, "000000000000000777"));
    await sendBytes(place, bovespa, "first.txt", first);
    const unsent = await sendSome(place, bovespa, newer, (i) => (i % 2 ? 1 : 0));
    expect((await accountOf(first)).account).toMatchObject({ published: 30, superseded: 30, missing: 0 });
    const half = await accountOf(newer);
    expect(half.account).toMatchObject({ published: 30, missing: 30 });
    expect([...half.account.problems.missing.ids].sort()).toEqual(unsent);
    expect(await accountOf(newer, { repair: true })).toMatchObject({ whole: true, account: { published: 60 } });
    expect((await accountOf(first)).account).toMatchObject({ published: 0, superseded: 60 });
  });

  test("what is on its way is in flight, not missing", async () => {
    const day = "2022-03-09";
    const bytes = fileOf(day);
    const paused = { at: new Date().toISOString(), why: "a test" };
    await put(place.aws, "state", "paused/bovespa.json", JSON.stringify(paused));
    await sendSome(place, bovespa, bytes, () => 1);
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { inFlight: 60, missing: 0 } });
    expect((await explained(place, bovespa, tickerOf(bytes, 2), day)).rows).toMatchObject([{ is: "inFlight" }]);
    await remove(place.aws, "state", "paused/bovespa.json");
    // A bell for what waits.
    await sendBytes(place, bovespa, "bell.txt", fileOf("2022-03-10", 10));
    await place.stack!.idle();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, account: { inFlight: 0, published: 60 } });
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

test("an archived file whose bytes are others is named, and the others are accounted for", async () => {
  const [bytes, other] = [fileOf("2019-03-07"), fileOf("2019-03-08", 20)];
  await sendBytes(place, bovespa, "whole.txt", other);
  await sendBytes(place, bovespa, "damaged.txt", bytes);
  const path = join(place.dir, "s3/origin/bovespa", sha256(bytes));
  const stored = readFileSync(path);
  writeFileSync(path, Buffer.concat([stored.subarray(0, 1000), Buffer.from("~"), stored.subarray(1001)]));
  const found = await verified(place, bovespa);
  expect(found.status).toBe(1);
  expect(found.accounts.find((a) => a.sha256 === sha256(bytes))).toMatchObject({
    archive: "damaged",
    damage: expect.stringContaining(`bovespa/${sha256(bytes)} in the bucket origin: expected bytes with that SHA-256`),
    published: 60,
  });
  expect(found.accounts.find((a) => a.sha256 === sha256(other))).toMatchObject({ published: 20, missing: 0 });
  writeFileSync(path, stored.subarray(0, 1000));
  expect(await verified(place, bovespa)).toMatchObject({
    status: 1,
    accounts: expect.arrayContaining([
      expect.objectContaining({ archive: "damaged", damage: expect.stringContaining("could not be read") }),
    ]),
  });
  expect((await explained(place, bovespa, tickerOf(bytes, 2), "2019-03-07")).rows).toMatchObject([
    { is: "published", origin: { archive: "damaged", lines: null } },
  ]);
});

test("a wrong origin and a day that is none are refused", async () => {
  await expect(verified(place, bovespa, { origin: "0123456789" })).rejects.toThrow("0123456789 names none");
  expect(() => check({ session: "2024-02-30" })).toThrow("YYYY-MM-DD");
  expect(() => check({ origin: "xyz" })).toThrow("SHA-256");
  expect(() => check({ origin: "0".repeat(64), session: "2024-11-08" })).toThrow("came both");
});

describe("any mix of what was sent, how often, and what is wrong with it", () => {
  test.each([1, 2, 3])("adds up, misses exactly what was not sent, and is repaired (seed %i)", async (seed) => {
    const next = random(seed);
    const days = [`201${seed}-11-06`, `201${seed}-11-07`];
    const base = cotahist({ sessions: days, perSession: 100, seed });
    for (const n of [0, 1, 2]) {
      const rows: string[] = [];
      const bytes = edited(base, `201${seed}-12-0${n + 1}`, (line) => {
        const dice = next();
        if (dice < 0.05) return null;
        if (dice < 0.15) return withText(line, 211, "0000007");
        // The same line twice is one event.
        if (dice < 0.2 && rows.length > 0) return rows[Math.floor(next() * rows.length)]!;
        const changed = dice < 0.5 ? withText(line, 171, String(Math.floor(next() * 1e6)).padStart(18, "0")) : line;
        rows.push(changed);
        return changed;
      });
      const unsent = await sendSome(place, bovespa, bytes, () => Math.floor(next() * 4));
      const { account, whole } = await accountOf(bytes);
      expect(whole).toBe(false);
      expect(account.problems).toMatchObject({ doubled: { count: 0 }, invented: { count: 0 }, stale: { count: 0 } });
      expect([...account.problems.missing.ids].sort()).toEqual(unsent);
      expect(await accountOf(bytes, { repair: true })).toMatchObject({
        whole: true,
        status: 0,
        account: { missing: 0 },
      });
    }
  });
});

const textOf = async (zip: string): Promise<string[]> => {
  const { inMemory } = await import("../../functions/scrape.ts");
  const { unzipped } = await import("../../packages/datasets/zip.ts");
  const pieces: Buffer[] = [];
  for await (const piece of unzipped(inMemory(readFileSync(zip)))) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("latin1").split("\r\n");
};
