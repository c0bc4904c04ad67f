import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { patched, readDeadLetter } from "../../packages/core/reject.ts";
import { digest, good, origin, toy } from "./toy.ts";

const judge = judgeOf(toy, digest);
const incoming = (body: string) => ({ receipt: "r1", body, sentAt: Date.UTC(2024, 10, 9) });
const body = (records: unknown[], change: Record<string, unknown> = {}) =>
  JSON.stringify({
    specversion: "1.0",
    id: "m1",
    source: "f",
    type: "br.pregao.toy.v1",
    subject: "PETR4",
    time: "2024-11-09T01:11:00.000Z",
    datacontenttype: "application/json",
    data: { origin, records },
    ...change,
  });
const reasons = (text: string) => judge(incoming(text)).rejects.map((r) => r.reason);

test("a good record becomes one row with its lineage, and the São Paulo day of its arrival", () => {
  const { rows, rejects } = judge(incoming(body([{ ...good, origin_rows: 7 }])));
  expect(rejects).toEqual([]);
  expect(rows.map((r) => JSON.parse(r))).toEqual([
    {
      ...good,
      event_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      message_id: "m1",
      origin_sha256: origin.sha256,
      source_version: "2024-11-08",
      scraped_at: "2024-11-09 01:11:00.000",
      scraped_on: "2024-11-08", // 22:11 in São Paulo is the next day in UTC
      origin_rows: 7,
    },
  ]);
});

test("an event's id depends on its content and its origin, not on spelling, neighbours or delivery", () => {
  const id = (text: string) => JSON.parse(judge(incoming(text)).rows.at(-1)!).event_id;
  const { preco, ...rest } = good;
  const plain = id(body([good]));
  expect(id(body([{ ...rest, preco }]))).toBe(plain); // keys in another order
  expect(id(body([{ ...good, negocios: 9 }, good], { id: "m2" }))).toBe(plain);
  expect(id(body([{ ...good, origin_rows: 9 }]))).toBe(plain);
  expect(id(body([{ ...good, preco: "36.51" }]))).not.toBe(plain);
  expect(id(body([good], { data: { origin: { ...origin, sha256: "b".repeat(64) }, records: [good] } }))).not.toBe(plain);
});

test.each([
  ["not JSON", "{", ["not_json"]],
  ["an array", "[]", ["envelope"]],
  ["null", "null", ["envelope"]],
  ["an unknown attribute", body([good], { extra: 1 }), ["envelope"]],
  ["another dataset's type", body([good], { type: "br.pregao.outro.v1" }), ["type"]],
  ["a version to come", body([good], { type: "br.pregao.toy.v2" }), ["type"]],
  ["no records", body([]), ["empty"]],
  ["an instant that does not exist", body([good], { data: { origin: { ...origin, scraped_at: "2024-13-09 01:11:00.000" }, records: [good] } }), ["envelope"]],
  ["an unknown field", body([{ ...good, outro: 1 }]), ["unknown_field"]],
  ["a missing field", body([{ ...good, preco: undefined }]), ["invalid_field"]],
  ["a price as a number", body([{ ...good, preco: 36.5 }]), ["invalid_field"]],
  ["a price with too few decimals", body([{ ...good, preco: "36.5" }]), ["invalid_field"]],
  ["an exponent", body([{ ...good, preco: "3.65e1" }]), ["invalid_field"]],
  ["a leading zero", body([{ ...good, preco: "036.50" }]), ["invalid_field"]],
  ["minus zero", body([{ ...good, preco: "-0.00" }]), ["invalid_field"]],
  ["an empty text for an absent one", body([{ ...good, nota: "" }]), ["invalid_field"]],
  ["a control character", body([{ ...good, nota: "a\u0000b" }]), ["invalid_field"]],
  ["a day that does not exist", body([{ ...good, dia: "2024-02-30" }]), ["invalid_field"]],
  ["an integer beyond its limit", body([{ ...good, negocios: 100_000 }]), ["invalid_field"]],
  ["a broken law", body([{ ...good, preco: "38.00" }]), ["preco_acima_do_maximo"]],
  ["a record of another ticker", body([{ ...good, ativo: "VALE3" }]), ["subject"]],
  ["a record that is no object", body([7]), ["invalid_field"]],
])("%s is refused with its reason", (_, text, expected) => {
  expect(reasons(text)).toEqual(expected);
  expect(judge(incoming(text)).rows).toEqual([]);
});

test("a bad record takes none of its neighbours with it, and is told apart by reason", () => {
  const { rows, rejects } = judge(incoming(body([good, { ...good, preco: "x" }, { ...good, negocios: 4 }, { ...good, outro: 1 }, { ...good, maximo: "y" }])));
  expect(rows).toHaveLength(2);
  expect(rejects.map((r) => [r.reason, r.records])).toEqual([
    ["invalid_field", 2],
    ["unknown_field", 1],
  ]);
  expect(rejects[0]).toMatchObject({ path: "data.records[1].preco", message: expect.stringContaining('came "x"') });
});

test("a reject sent again as it is keeps its first sight, counts its attempts, and passes once put right", () => {
  const [first] = judge(incoming(body([{ ...good, preco: "x" }]))).rejects;
  const [second] = judge({ ...incoming(first!.body), sentAt: Date.UTC(2025, 0, 1) }).rejects;
  const letter = readDeadLetter(second!.body, { messageId: "q", sentAt: "2025-01-01T00:00:00.000Z" });
  expect(letter).toMatchObject({ reason: "invalid_field", seen: "2024-11-09T00:00:00.000Z", attempts: 2, ticker: "PETR4" });
  const right = judge(incoming(patched(second!.body, { preco: "36.50" })));
  expect(right.rejects).toEqual([]);
  const plain = JSON.parse(judge(incoming(body([good]))).rows[0]!);
  expect(JSON.parse(right.rows[0]!).event_id).toBe(plain.event_id);
});

test("an unreadable body sent again is unreadable for the same reason, and wrapped once", () => {
  const [first] = judge(incoming("{")).rejects;
  const [second] = judge(incoming(first!.body)).rejects;
  expect(readDeadLetter(second!.body, { messageId: "q", sentAt: "" })).toMatchObject({ reason: "not_json", attempts: 2, records: ["{"] });
  expect(second!.id).toBe(first!.id);
});

test("a dead letter that no one of ours wrote was exhausted by SQS", () => {
  expect(readDeadLetter(body([good]), { messageId: "q1", sentAt: "2024-11-09T00:00:00.000Z" })).toMatchObject({ id: "q1", reason: "exhausted", ticker: "PETR4" });
  expect(readDeadLetter("nonsense", { messageId: "q1", sentAt: "" })).toMatchObject({ reason: "exhausted", records: ["nonsense"] });
});

test("whatever comes, a message has rows or rejects, and every record is in exactly one of them", () => {
  const record = fc.oneof(
    fc.constant(good),
    fc.record({ ...Object.fromEntries(Object.keys(good).map((k) => [k, fc.anything()])) }),
    fc.anything(),
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.array(record, { minLength: 1, maxLength: 6 }).map((records) => body(records))), (text) => {
      const { rows, rejects } = judge(incoming(text));
      const refused = rejects.reduce((sum, r) => sum + r.records, 0);
      let sent = 1;
      try {
        const value = JSON.parse(text) as { data?: { records?: unknown[] } } | null;
        if (rejects.every((r) => !["not_json", "envelope", "type", "empty"].includes(r.reason))) sent = value!.data!.records!.length;
      } catch {}
      expect(rows.length + refused).toBe(sent);
      for (const r of rejects) expect(() => JSON.parse(r.body)).not.toThrow();
    }),
    { numRuns: 500 },
  );
});

test("what messages() makes, the judge takes whole", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 99_999 }), { minLength: 1, maxLength: 50 }), (trades) => {
      const records = trades.map((negocios) => ({ ...good, negocios, origin_rows: trades.length }));
      const sent = messages(toy, { source: "f", origin }, { subject: "PETR4", records }, digest);
      const rows = sent.flatMap((m) => judge(incoming(m.body)).rows.map((r) => JSON.parse(r).negocios));
      expect(rows).toEqual(trades);
    }),
  );
});
