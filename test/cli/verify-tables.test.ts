import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refine } from "../../packages/cli/refine.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import {
  accountOf as account,
  edited,
  fileOf,
  sendBytes,
  sha256,
  type TestPlace,
  tamper,
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

describe("rows that somebody changed in a table's files", () => {
  const day = "2021-03-01";
  const bytes = there("dropped.txt", fileOf(day));
  const one = `(SELECT min(event_id) FROM t WHERE origin_sha256 = '${sha256(bytes)}')`;
  const rebuilt = () => refine(place, bovespa, { rebuild: true, unit: ["2021"], yes: true });
  const first = async () =>
    (await ask(place, `SELECT min(event_id) AS id FROM bovespa_refined WHERE origin_sha256 = '${sha256(bytes)}'`))[0]!
      .id;

  test("dropped from it are missing, by name, and a rebuild brings them back", async () => {
    const id = await first();
    await tamper(place, bovespa, "bovespa_refined", "year=2021", `SELECT * FROM t WHERE event_id <> ${one}`);
    const { account, status, screen } = await accountOf(bytes);
    expect(status).toBe(1);
    expect(account).toMatchObject({ sent: 30, published: 29, missing: 1 });
    expect(account.problems.missing).toEqual({ count: 1, ids: [id] });
    expect(account.lost).toMatchObject([{ id, session: day }]);
    expect(screen).toContain("Next: pregao refine bovespa --rebuild");
    // Raw has it: there is nothing to send.
    expect(await accountOf(bytes, { repair: true })).toMatchObject({ whole: false, repaired: null });
    await rebuilt();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { published: 30, missing: 0 } });
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
      inventedInRaw: { count: 0, ids: [] },
      stale: { count: 0, ids: [] },
    });
    expect(screen).toContain("Next: pregao refine bovespa --rebuild");
    await rebuilt();
    expect(await accountOf(bytes)).toMatchObject({ whole: true, status: 0, account: { published: 30 } });
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

  const older = there("older.txt", fileOf("2021-04-01"));
  test("that a greater complete file replaced, put back, are stale", async () => {
    const newer = edited(older, "2021-04-02", (line) => withText(line, 171, "000000000000000777"));
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
    expect(await accountOf(older)).toMatchObject({ whole: true, account: { published: 0, superseded: 30 } });
  });
});
