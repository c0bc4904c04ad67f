import fc from "fast-check";
import { expect, test } from "vitest";
import { byteLength, MESSAGE_BYTES, messages } from "../../packages/core/message.ts";
import { packRows, RECORD_BYTES } from "../../packages/core/pack.ts";
import { digest, good, origin, toy } from "./toy.ts";

test("a length in UTF-8 is what an encoder says", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(byteLength(text)).toBe(Buffer.byteLength(text));
    }),
  );
});

const judgedBatch = fc
  .array(fc.record({ rows: fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 4 }) }), { maxLength: 8 })
  .map((batch) =>
    batch.map(({ rows }, i) => ({
      receipt: `r${i}`,
      rows: rows.map((n, k) => `${i}.${k}:${"x".repeat(n)}`),
      rejects: [],
    })),
  );

test("packing loses no row, changes no order, and keeps every record within Firehose's limit", () => {
  fc.assert(
    fc.property(judgedBatch, (judged) => {
      const parcels = packRows(judged);
      expect(parcels.flatMap((p) => p.data.split("\n").filter(Boolean))).toEqual(judged.flatMap((j) => j.rows));
      for (const p of parcels) {
        expect(p.bytes).toBe(Buffer.byteLength(p.data));
        expect(p.bytes).toBeLessThanOrEqual(RECORD_BYTES);
        const owners = new Map<string, number>();
        for (const line of p.data.split("\n").filter(Boolean)) {
          const owner = `r${line.split(".")[0]}`;
          owners.set(owner, (owners.get(owner) ?? 0) + 1);
        }
        expect(p.receipts).toEqual(owners);
      }
    }),
    { numRuns: 50 },
  );
});

test("a record is closed only for a row that no longer fits: those that fill it to the byte are one", () => {
  const sizes = (...bytes: number[]) =>
    packRows([{ receipt: "r", rows: bytes.map((n) => "x".repeat(n - 1)), rejects: [] }]).map((p) => p.bytes);
  expect(sizes(RECORD_BYTES - 2, 2)).toEqual([RECORD_BYTES]);
  expect(sizes(RECORD_BYTES - 2, 3)).toEqual([RECORD_BYTES - 2, 3]);
  fc.assert(
    fc.property(judgedBatch, (judged) => {
      const parcels = packRows(judged);
      for (const [i, next] of parcels.slice(1).entries())
        expect(parcels[i]!.bytes + next.data.indexOf("\n") + 1).toBeGreaterThan(RECORD_BYTES);
    }),
    { numRuns: 50 },
  );
});

test("messages carry every record once, in order, within the limit, and the same ones again give the same bytes", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 30_000, unit: "binary" }), { maxLength: 30 }), (texts) => {
      const records = texts.map((nota) => ({ ...good, nota }));
      const make = () => messages(toy, { source: "f", origin }, { subject: "PETR4", records }, digest);
      const sent = make();
      expect(sent.flatMap((m) => JSON.parse(m.body).data.records)).toEqual(JSON.parse(JSON.stringify(records)));
      for (const m of sent) expect(Buffer.byteLength(m.body)).toBeLessThanOrEqual(MESSAGE_BYTES);
      expect(sent.reduce((sum, m) => sum + m.rows, 0)).toBe(records.length);
      expect(make()).toEqual(sent);
      expect(new Set(sent.map((m) => m.id)).size).toBe(sent.length);
    }),
    { numRuns: 30 },
  );
});
