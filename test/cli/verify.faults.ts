import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { receive, release } from "../../packages/aws/queues.ts";
import { list, remove } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { sendFile, testPlace } from "../place.ts";
import { cotahist, random } from "../synthetic.ts";
import {
  accountOf as account,
  edited,
  explained,
  sendBytes,
  sendSome,
  sha256,
  type TestPlace,
  verified,
  withText,
} from "./verify.fixture.ts";

let place: TestPlace;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const accountOf = (bytes: Buffer, options?: { repair?: boolean }) => account(place, bytes, options);

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

test("a dead letter in the hands of another is not seen, which is said, and its record is not missing", async () => {
  const day = "2022-06-01";
  const bytes = edited(cotahist({ sessions: [day], perSession: 10 }), day, (line, i) =>
    i === 0 ? withText(line, 211, "0000007") : line,
  );
  await sendBytes(place, bovespa, "held.txt", bytes);
  const hand = await receive(place.aws, "bovespa-dlq", 120);
  const found = await accountOf(bytes);
  expect(found).toMatchObject({ whole: true, quiet: false, unseen: expect.stringMatching(/dead letters? not seen/) });
  expect(found.account).toMatchObject({ rejected: 0, inFlight: 1, missing: 0 });
  expect(found.screen).toContain("not seen: another command is looking at them");
  const ticker = hand.find((m) => m.body.includes(sha256(bytes)))!.group;
  await expect(explained(place, bovespa, ticker, day)).rejects.toThrow(
    /nothing of .* \(but \d+ dead letters? not seen/,
  );
  await release(
    place.aws,
    "bovespa-dlq",
    hand.map((m) => m.receipt),
  );
  expect(await accountOf(bytes)).toMatchObject({ quiet: true, unseen: null, account: { rejected: 1, inFlight: 0 } });
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

describe("any history of what was poisoned, put right, taken back and sent again", () => {
  test.each([1, 2, 3])("leaves an account that adds up, line by line (seed %i)", async (seed) => {
    const next = random(seed);
    const day = `200${seed}-11-06`;
    const bytes = edited(cotahist({ sessions: [day], perSession: 20, seed }), day, (line, i) =>
      i === 0 || next() < 0.2 ? withText(line, 211, "0000007") : line,
    );
    const ticker = bytes.toString("latin1").split("\r\n")[1]!.slice(12, 24).trim();
    const acts = [
      () => sendBytes(place, bovespa, "history.txt", bytes),
      // Of which one is refused again, and stays a dead letter of another record.
      ...["fatcot=1", "fatcot=1000", "fatcot=9"].map(
        (patch) => () =>
          dlq.replay(place, bovespa, { ticker, reason: "quote_factor", patch: [patch], again: true, yes: true }),
      ),
      () => dlq.undo(place, bovespa, undefined, { yes: true }),
    ];
    await acts[0]!();
    for (let n = 0; n < 6; n++) {
      // There may be no letter to send, or nothing to take back.
      await acts[Math.floor(next() * acts.length)]!().catch((error: unknown) => {
        if (!(error instanceof PregaoError)) throw error;
      });
      await place.stack!.idle();
      expect(await accountOf(bytes)).toMatchObject({ whole: true, account: { sent: 20, missing: 0 } });
    }
  });
});

const textOf = async (zip: string): Promise<string[]> => {
  const { inMemory } = await import("../../functions/origin.ts");
  const { unzipped } = await import("../../packages/datasets/zip.ts");
  const pieces: Buffer[] = [];
  for await (const piece of unzipped(inMemory(readFileSync(zip)))) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("latin1").split("\r\n");
};
