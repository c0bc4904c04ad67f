import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newestCommit } from "../../packages/aws/documents.ts";
import { send } from "../../packages/aws/queues.ts";
import { put, remove } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { publish } from "../../packages/cli/publish.ts";
import { refine } from "../../packages/cli/refine.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { literal, openSession } from "../../packages/engines/duckdb/session.ts";
import { ask, testPlace } from "../place.ts";
import {
  accountOf as account,
  adds,
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
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const accountOf = (bytes: Buffer, options?: { repair?: boolean }) => account(place, bytes, options);

describe("the numbers of an account", () => {
  // What each line of the screen says adds up: `accountOf` looks at every identity.
  test("of a record put right by a replay, taken back, put right otherwise and sent again", async () => {
    const day = "2015-03-02";
    const bytes = edited(fileOf(day, 10), day, (line, i) => (i === 0 ? withText(line, 211, "0000007") : line));
    const ticker = tickerOf(bytes, 2);
    const replay = async (...patch: string[]) => {
      await dlq.replay(place, bovespa, { ticker, reason: "quote_factor", patch, again: true, yes: true });
      await place.stack!.idle();
    };
    await sendBytes(place, bovespa, "history.txt", bytes);
    await replay("fatcot=1");
    const once = await accountOf(bytes);
    expect(once.account).toMatchObject({ replayed: 1, made: { count: 1, published: 1 }, inRaw: { published: 10 } });
    expect(once.screen).toContain("10 sent = 9 published + 1 sent again otherwise\n");
    expect(once.screen).toContain("1 made by replays = 1 published\n");
    const one = await explained(place, bovespa, ticker, day);
    expect(one.rows).toMatchObject([
      {
        is: "published",
        origin: { lines: [] },
        put_right: [{ lines: [2], changes: [{ field: "fatcot", from: 7, to: 1 }] }],
      },
    ]);
    expect(one.screen).toMatch(/put right +by replay \S+ of \S+@\S+: fatcot 7 → 1; line 2 as it was/);

    await dlq.undo(place, bovespa, undefined, { yes: true });
    await place.stack!.idle();
    const back = await accountOf(bytes);
    expect(back.account).toMatchObject({ rejected: 1, made: { count: 1, withdrawn: 1 }, inRaw: { withdrawn: 1 } });
    const gone = await explained(place, bovespa, ticker, day);
    expect(gone.rows).toMatchObject([{ is: "withdrawn", withdrawn: { replay: expect.any(String) } }]);
    expect(gone.screen).toMatch(/withdrawn +by an undo of replay \S+, \S+, by \S+@/);

    await replay("fatcot=1000");
    expect((await accountOf(bytes)).account).toMatchObject({
      replayed: 1,
      raw: 11,
      made: { count: 2, published: 1, withdrawn: 1 },
    });
    await sendBytes(place, bovespa, "history.txt", bytes);
    expect((await accountOf(bytes)).account).toMatchObject({ rejected: 1, made: { count: 2, published: 1 } });
  });

  test("of a message without a file that was put right", async () => {
    const session = "2015-03-03";
    await publish(place, bovespa, { session, ticker: "TESTE97", invalid: true });
    await place.stack!.idle();
    const before = await verified(place, bovespa, { session });
    expect(before.accounts).toMatchObject([{ archive: "none", published: 0 }]);
    expect(adds(before.accounts[0]!)).toBe(true);
    expect(before.screen).toContain("Next: pregao dlq list bovespa");
    await dlq.replay(place, bovespa, { ticker: "TESTE97", reason: "quote_factor", patch: ["fatcot=1"], yes: true });
    await place.stack!.idle();
    const after = await verified(place, bovespa, { session });
    expect(after.accounts).toMatchObject([{ replayed: 1, made: { count: 1, published: 1 } }]);
    expect(adds(after.accounts[0]!)).toBe(true);
    const { rows, screen } = await explained(place, bovespa, "TESTE97", session);
    expect(rows).toMatchObject([{ is: "published", put_right: [{ changes: [{ field: "fatcot" }] }] }]);
    expect(screen).toContain("no file: it came in a message of its own");
  });
});

describe("files that somebody takes off the disk", () => {
  const day = "2014-03-05";
  const bytes = fileOf(day, 10);
  const pathOf = async () => {
    const [row] = await ask(
      place,
      `SELECT "$path" AS path FROM bovespa_raw WHERE origin_sha256 = '${sha256(bytes)}' LIMIT 1`,
    );
    return join(place.dir, "s3", row!.path!.replace("s3://", ""));
  };

  test("of raw: their rows are missing, explain says so, and a repair sends them again", async () => {
    await sendBytes(place, bovespa, "taken.txt", bytes);
    const path = await pathOf();
    rmSync(path);
    const lost = await accountOf(bytes);
    expect(lost).toMatchObject({ whole: false, status: 1, account: { missing: 10, raw: 0 } });
    expect(lost.gone).toEqual([path.slice(path.indexOf("raw/"))]);
    const told = await explained(place, bovespa, tickerOf(bytes, 2), day);
    expect(told.rows).toMatchObject([
      { is: "missing", not_in_raw: { message_id: expect.any(String) }, origin: { lines: [2] } },
    ]);
    expect(told.screen).toContain("Next: pregao verify bovespa --repair");
    // The object held rows of others too: all of them come back.
    const all = await verified(place, bovespa, { repair: true });
    expect(all.accounts.filter((a) => !adds(a))).toEqual([]);
    expect(all.accounts.filter((a) => a.missing > 0)).toEqual([]);
    expect(await accountOf(bytes)).toMatchObject({ whole: true, gone: [], account: { published: 10 } });
  });

  test("of a table: the error names it and what makes it anew", async () => {
    const { tables } = (await newestCommit(place.aws, "bovespa"))!;
    const { folder, files } = tables.bovespa_refined!["year=2014"]!;
    rmSync(join(place.dir, "s3/lake", folder, files[0]!.name));
    await expect(verified(place, bovespa, { origin: sha256(bytes) })).rejects.toThrow(
      new RegExp(`${files[0]!.name} cannot be read.*pregao refine bovespa --rebuild --unit 2014$`, "s"),
    );
    await refine(place, bovespa, { rebuild: true, unit: ["2014"], yes: true });
    expect(await accountOf(bytes)).toMatchObject({ whole: true });
  });
});

test("a row of an archived file of which nothing arrived is missing, not unknown, and small letters are forgiven", async () => {
  const day = "2013-03-05";
  const bytes = fileOf(day, 10);
  await sendSome(place, bovespa, bytes, () => 0);
  const ticker = tickerOf(bytes, 2);
  const { rows, screen } = await explained(place, bovespa, ticker.toLowerCase(), day);
  expect(rows).toMatchObject([{ is: "missing", origin: { source: "some.txt", lines: [2] } }]);
  expect(screen).toMatch(/^missing: not in raw/m);
  await expect(explained(place, bovespa, "nada3", day)).rejects.toThrow("nothing of nada3 or NADA3");
  const repaired = await accountOf(bytes, { repair: true });
  expect(repaired).toMatchObject({ whole: true, repaired: { rows: 10 } });
  expect(repaired.screen).toMatch(/Next: pregao explain [A-Z0-9]+ 2013-03-05 --dataset bovespa/);
});

test("a row in raw that no file has is told from one in a table only, with its object", async () => {
  const day = "2012-03-05";
  const bytes = fileOf(day, 10);
  await sendBytes(place, bovespa, "foreign.txt", bytes);
  const [row] = await ask(
    place,
    `SELECT "$path" AS path FROM bovespa_raw WHERE origin_sha256 = '${sha256(bytes)}' LIMIT 1`,
  );
  const key = row!.path!.replace("s3://lake/", "");
  const planted = join(place.dir, "planted.parquet");
  const session = await openSession({ scratch: join(place.dir, "plant") });
  try {
    await session.run(
      `COPY (SELECT * REPLACE ('${"a".repeat(32)}' AS event_id) FROM read_parquet(${literal(join(place.dir, "s3/lake", key))}, hive_partitioning = false) WHERE origin_sha256 = '${sha256(bytes)}' LIMIT 1) TO ${literal(planted)} (FORMAT parquet)`,
    );
  } finally {
    session.close();
  }
  const at = `${key.slice(0, key.lastIndexOf("/"))}/planted.parquet`;
  await put(place.aws, "state", "paused/bovespa.json", JSON.stringify({ at: new Date().toISOString(), why: "a test" }));
  await put(place.aws, "lake", at, readFileSync(planted));
  await place.stack!.idle();
  const { account, screen, status } = await accountOf(bytes);
  await remove(place.aws, "lake", at);
  await remove(place.aws, "state", "paused/bovespa.json");
  expect(status).toBe(1);
  expect(account.problems).toMatchObject({
    invented: { count: 0 },
    inventedInRaw: { count: 1, ids: ["a".repeat(32)] },
  });
  expect(account).toMatchObject({ raw: 11, inRaw: { invented: 1 }, objects: [{ key: at, is: "pending" }] });
  expect(screen).toContain(`in ${at}, pending`);
  expect(screen).toContain("Next: pregao status");
});

test("dead letters and nothing else are not nothing", async () => {
  const other = await testPlace();
  try {
    await send(other.aws, "bovespa", [{ id: "1", group: "x", body: "no json" }]);
    await other.stack!.idle();
    const { screen } = await verified(other, bovespa);
    expect(screen).toContain("1 dead letter names no file");
    expect(screen).toContain("Next: pregao dlq list bovespa");
  } finally {
    await other.remove();
  }
});
