import { beforeAll, expect, test } from "vitest";
import type { Outgoing } from "../../packages/aws/queues.ts";
import { random } from "../synthetic.ts";
import { rowsOf } from "./answers.ts";
import { archived, compare, expected } from "./index.ts";
import { corrected, fileOf, marketLines } from "./market.ts";
import { inDisorder, inParts, plainly, type Ran } from "./orders.ts";
import { inPieces, openRiver, outgoing, sendFile, shuffled } from "./river.ts";

/** B3 writes a session's file anew the same night. It is a row shorter: within the hundredth that needs no person. */
const session = "2024-11-08";
const lines = marketLines({ seed: 11, sessions: [session], papers: 60 });
const after = corrected(lines, 12);
const files = { old: fileOf(lines, session), new: fileOf(after, session) };
/** The same day in both headers: what orders them is the second part of the version, Last-Modified. */
const origins = {
  old: { scraped_at: "2024-11-09 00:10:00.000", version: `${session}/2024-11-08T23:30:00.000Z` },
  new: { scraped_at: "2024-11-09 02:10:00.000", version: `${session}/2024-11-09T01:11:00.000Z` },
};

let old: Outgoing[];
let correction: Outgoing[];
let plain: Ran;
beforeAll(async () => {
  old = await outgoing(files.old, origins.old);
  correction = await outgoing(files.new, origins.new);
  plain = await inParts([old, correction], plainly);
}, 120_000);

test("a correction replaces the session as a whole: changed prices, a row gone, one moved to another market", () => {
  expect(plain.differences).toEqual([]);
  const refined = rowsOf(plain.tables.bovespa_refined!);
  const others = rowsOf(plain.tables.bovespa_derivativos!);
  expect(refined.length + others.length).toBe(lines.length - 1);
  expect(new Set([...refined, ...others].map((row) => row.source_version))).toEqual(new Set([origins.new.version]));
  expect(others.filter((row) => row.tipo_mercado === "021")).toHaveLength(1);
  expect(rowsOf(plain.tables.bovespa_espera!)).toEqual([]);
  expect(rowsOf(plain.tables.bovespa_sessoes!).map((s) => [s.estado, s.linhas_vistas, s.mista])).toEqual([
    ["superada", null, "false"],
    ["completa", String(lines.length - 1), "false"],
  ]);
});

test("the correction that comes first is not undone by the old file", async () => {
  const ran = await inParts([correction, old], plainly);
  expect(ran.differences).toEqual([]);
  expect(ran.tables).toEqual(plain.tables);
});

test.each([1, 2])("in pieces, both at once, in any order, the end is the same (%i)", async (seed) => {
  const ran = await inDisorder([...inPieces(old), ...inPieces(correction)], {
    ...plainly,
    seed,
    shape: { batch: 10, mib: 0.05 },
    parts: 3,
    times: 2,
    callers: 2,
  });
  expect(ran.differences).toEqual([]);
  expect(ran.tables).toEqual(plain.tables);
  expect(ran.runs).toBeGreaterThan(1);
});

test("half of a correction is shown with what it does not replace, says so, and waits for the rest", async () => {
  const half = shuffled(inPieces(correction), random(3)).slice(0, 60);
  const ran = await inParts([old, half], plainly);
  expect(ran.differences).toEqual([]);
  expect(rowsOf(ran.tables.bovespa_sessoes!).map((s) => [s.estado, s.linhas_vistas, s.mista])).toEqual([
    ["completa", String(lines.length), "true"],
    ["parcial", "60", "true"],
  ]);
  const whole = await inParts([half, old, correction], plainly);
  expect(whole.tables).toEqual(plain.tables);
});

test("through the scraper, by header's day: every order of the two files ends as the oracle says", async () => {
  const later = fileOf(after, "2024-11-09");
  for (const order of [
    [files.old, later],
    [later, files.old],
    [later, files.old, later, files.old],
  ]) {
    const river = await openRiver({ batch: 100 });
    try {
      for (const bytes of order) await sendFile(river, bytes);
      await river.stack.idle();
      const inputs = await Promise.all(order.map((bytes) => archived(river.aws, bytes)));
      expect(await compare(river, expected(inputs))).toEqual([]);
    } finally {
      await river.close();
    }
  }
});
