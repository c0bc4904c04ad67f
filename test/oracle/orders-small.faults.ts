import { beforeAll, expect, test } from "vitest";
import type { Outgoing } from "../../packages/aws/queues.ts";
import { fileOf, market, marketLines } from "./market.ts";
import { inDisorder, plainly, type Ran } from "./orders.ts";
import { inPieces, outgoing } from "./river.ts";

const sessions = ["2024-11-07", "2024-11-08"];
const at = { scraped_at: "2024-11-09 01:11:00.000", version: "2024-11-08" };

/** Two sessions of one file, and an older version of one of them that was sent by hand and says less. */
let sent: Outgoing[];
let plain: Ran;
beforeAll(async () => {
  const lines = marketLines({ seed: 5, sessions, papers: 12 });
  const older = marketLines({ seed: 6, sessions: [sessions[1]!], papers: 4 });
  sent = [
    ...(await outgoing(fileOf(lines, "2024-11-08"), at)),
    ...(await outgoing(fileOf(older, "2024-11-08"), { ...at, version: "2024-11-07" })),
    ...(await outgoing(market({ seed: 7, sessions: ["2024-11-06"], papers: 2, dirty: true }), at)),
  ];
  plain = await inDisorder(sent, plainly);
}, 120_000);

test("the plain run is what the oracle says", () => {
  expect(plain.differences).toEqual([]);
  expect(plain.tables.bovespa_refined!.split("\n").length).toBeGreaterThan(24);
});

test.each([1, 2])(
  "any order, up to three times, in many small objects, bells lost and doubled, four callers at once: the same bytes (%i)",
  async (seed) => {
    const ran = await inDisorder(inPieces(sent), {
      seed,
      shape: { batch: 7, mib: 0.005 },
      parts: 3,
      times: 3,
      lost: 0.3,
      doubled: 0.3,
      callers: 4,
      unreadable: 2,
    });
    expect(ran.differences).toEqual([]);
    expect(ran.tables).toEqual(plain.tables);
    expect(ran.objects).toBeGreaterThan(20);
    expect(ran.bells.lost * ran.bells.doubled).toBeGreaterThan(0);
  },
  120_000,
);
