import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import type { Outgoing } from "../../packages/aws/queues.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { corrected, filesOf, marketLines } from "./market.ts";
import { inDisorder, inParts, plainly, type Ran } from "./orders.ts";
import { inPieces, outgoing } from "./river.ts";

/** Three sessions over a year's end, their correction, and rows by hand that say nothing of how many there are. */
const sessions = ["2021-12-29", "2021-12-30", "2022-01-03"];
const lines = marketLines({ seed: 31, sessions, papers: 60 });
let sent: Outgoing[];
let plain: Ran;
const yearly = async (...of: [...Parameters<typeof filesOf>, Parameters<typeof outgoing>[1]]): Promise<Outgoing[]> => {
  const [rows, generated, origin] = of;
  return (await Promise.all(filesOf(rows, generated).map((file) => outgoing(file, origin)))).flat();
};
beforeAll(async () => {
  const [first, second, hand] = await Promise.all([
    yearly(lines, "2022-01-03", { scraped_at: "2022-01-04 00:10:00.000", version: "2022-01-03" }),
    yearly(corrected(lines, 32), "2022-01-03", {
      scraped_at: "2022-01-04 02:10:00.000",
      version: "2022-01-03/2022-01-04T01:11:00.000Z",
    }),
    yearly(lines.slice(0, 30), "2022-01-01", { scraped_at: "2022-01-05 00:00:00.000", version: "9" }),
  ]);
  const silent = hand.map((m) => ({ ...m, body: m.body.replaceAll(/"origin_rows":\d+/g, '"origin_rows":null') }));
  sent = [...inPieces(first), ...second, ...silent];
  plain = await inParts([sent], plainly);
}, 300_000);

test("the plain run is what the oracle says", () => {
  expect(plain.differences).toEqual([]);
});

test.each([1, 2, 3, 4, 5, 6])(
  "random order, up to three times, small objects, bells lost and doubled, four callers at once: the same bytes (%i)",
  async (seed) => {
    const ran = await inDisorder(sent, {
      seed,
      shape: { batch: 5 + 3 * seed, mib: 0.02 * seed },
      parts: 2 * seed,
      times: 3,
      lost: 0.25,
      doubled: 0.25,
      callers: 4,
      unreadable: 2,
    });
    expect(ran.differences).toEqual([]);
    expect(ran.tables).toEqual(plain.tables);
    expect(ran.objects).toBeGreaterThan(5);
  },
);

test("a real session in any order, every message up to three times: the same bytes as in the file's order", async () => {
  const real = await outgoing(readFileSync(new URL(bovespa.demo!.file)), {
    scraped_at: "2024-11-09 01:11:00.000",
    version: "2024-11-08",
  });
  const once = await inParts([real], plainly);
  expect(once.differences).toEqual([]);
  const ran = await inDisorder(real, {
    seed: 9,
    shape: { batch: 500, mib: 2 },
    parts: 5,
    times: 3,
    lost: 0.3,
    doubled: 0.3,
    callers: 4,
    unreadable: 2,
  });
  expect(ran.tables).toEqual(once.tables);
  expect(ran.objects).toBeGreaterThan(5);
});
