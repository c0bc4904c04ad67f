import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { validator } from "../../packages/core/table.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { cotahist } from "../../packages/datasets/bovespa/origin.ts";
import { laws } from "../../packages/datasets/bovespa/record.ts";
import { mistakes, sample } from "../../packages/datasets/bovespa/sample.ts";
import { record } from "../../packages/datasets/bovespa/tables/raw.ts";
import { bytesOf, type Fields, file, fixture, line, read } from "./cotahist.ts";

const digest = (text: string) => hash("sha256", text, "hex");
const judge = judgeOf(bovespa, digest);
const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };

/** Records through the message and the judge, as in the river: rows, and rejects by reason. */
const judged = (groups: { subject: string; records: WireRecord[] }[]) => {
  const rows: string[] = [];
  const rejects: { reason: string; message: string; records: number }[] = [];
  for (const group of groups)
    for (const { body } of messages(bovespa, { source: "test", origin }, group, digest)) {
      const came = judge({ receipt: "r", body, sentAt: 0 });
      rows.push(...came.rows);
      rejects.push(...came.rejects.map(({ reason, message, records }) => ({ reason, message, records })));
    }
  return { rows, rejects };
};

test.each([
  ["2024-11-08", fixture.day, 12_226],
  ["2023 as it stood on 01-17", fixture.year, 104_390],
])(
  "no law of ours refuses what the exchange published: %s, every row through message and judge",
  async (_, url, rows) => {
    const bytes = bytesOf(url);
    const survey = await cotahist.survey(bytes);
    const events = new Set<string>();
    const rejects: unknown[] = [];
    for await (const chunk of cotahist.groups(bytes, survey)) {
      const came = judged(chunk);
      rejects.push(...came.rejects);
      for (const row of came.rows) events.add(/"event_id":"([0-9a-f]{32})"/.exec(row)![1]!);
    }
    expect(rejects).toEqual([]);
    expect(events.size).toBe(rows);
    expect([...survey.sessions.values()].reduce((a, b) => a + b)).toBe(rows);
  },
);

const law = (code: string, fields: Fields) =>
  read(file([line(fields), line({ codneg: "GOOD3" })])).then(({ groups }) => ({ code, ...judged(groups) }));

test.each<[string, Fields, string]>([
  ["price_order", { premin: "0000000003601" }, "preabe: expected between premin 36.01 and premax 37.00, came 36.00"],
  ["price_order", { premax: "0000000000999" }, "premin: expected at most premax 9.99, came 35.00"],
  ["price_order", { preult: "0000000003701" }, "preult: expected between premin 35.00 and premax 37.00, came 37.01"],
  ["price_order", { premed: "0000000000000" }, "premed: expected between premin 35.00 and premax 37.00, came 0.00"],
  ["quote_factor", { fatcot: "0000002" }, "fatcot: expected 1, 10, 100, 1000 or 10000, came 2"],
  ["quote_factor", { fatcot: "0000000" }, "fatcot: expected 1, 10, 100, 1000 or 10000, came 0"],
  ["cash_term", { prazot: "030" }, "prazot: expected none in the cash market (010), came 030"],
  [
    "invalid_field",
    { preabe: "0000000036,00" },
    'preabe: expected up to 11 digits and exactly 2 decimals, came "0000000036,00"',
  ],
  ["invalid_field", { datven: "00000601" }, 'datven: expected a day that exists, YYYY-MM-DD, came "00000601"'],
  ["invalid_field", { codneg: "            " }, "codneg: "],
  ["invalid_field", { nomres: "PETRO\tBRAS" }, "nomres: expected no control characters"],
])("a record that breaks %s is refused alone: %j", async (code, fields, message) => {
  const { rows, rejects } = await law(code, fields);
  expect(rows.length).toBe(1);
  expect(rejects.map(({ reason, records }) => ({ reason, records }))).toEqual([{ reason: code, records: 1 }]);
  expect(rejects[0]!.message.slice(0, message.length)).toBe(message);
});

test.each([
  ["1985-12-31", "session_range", "datpre: expected a session since 1986-01-01, B3's first file, came 1985-12-31"],
  ["1000-01-01", "session_range", "datpre: expected a session since 1986-01-01, B3's first file, came 1000-01-01"],
  ["0000-06-01", "invalid_field", 'datpre: expected a year from 1000 on, came "0000-06-01"'],
])("a session before there was a file of it is refused, though no file brought it: %s", (datpre, reason, message) => {
  const records = [{ ...sample("TESTE3", "2024-11-08", 0), datpre }, sample("TESTE3", "1986-01-02", 1)];
  const { rows, rejects } = judged([{ subject: "TESTE3", records }]);
  expect(rejects).toEqual([{ reason, message, records: 1 }]);
  expect(rows.length).toBe(1);
});

test.each<[string, Fields]>([
  ["markets and BDI codes nobody has told us of", { tpmerc: "999", codbdi: "ZZ" }],
  ["a forward with its term", { tpmerc: "030", codbdi: "62", prazot: "030", datven: "20241210" }],
  ["100,000 trades that show as none", { totneg: "00000" }],
  [
    "a row without trades that keeps its last price",
    {
      preabe: "0".repeat(13),
      premax: "0".repeat(13),
      premin: "0".repeat(13),
      premed: "0".repeat(13),
      quatot: "0".repeat(18),
    },
  ],
  [
    "prices of all digits",
    {
      preabe: "9".repeat(13),
      premax: "9".repeat(13),
      premed: "9".repeat(13),
      preult: "9".repeat(13),
      quatot: "9".repeat(18),
      voltot: "9".repeat(18),
    },
  ],
  ["money that is not average times quantity", { voltot: "000000000000000001" }],
  ["an option of next century", { tpmerc: "070", datven: "21000101", prazot: "000" }],
])("%s is accepted", async (_, fields) => {
  expect((await law("", fields)).rejects).toEqual([]);
});

test("one damaged field is one reject, and takes no neighbour with it", async () => {
  const lines = Array.from({ length: 6 }, (_, i) => line({ totneg: String(i).padStart(5, "0") }));
  const at = fc.integer({ min: 10, max: 244 });
  const byte = fc.nat(255).filter((b) => b !== 10 && b !== 13);
  await fc.assert(
    fc.asyncProperty(fc.nat(5), at, byte, async (row, position, value) => {
      const data = file(lines);
      data[247 * (row + 1) + position] = value;
      const { rows, rejects } = judged((await read(data)).groups);
      expect(rows.length + rejects.reduce((sum, reject) => sum + reject.records, 0)).toBe(6);
      expect(rows.length).toBeGreaterThanOrEqual(5);
    }),
    { numRuns: 200 },
  );
});

test("prices compare as numbers, not as text: 9.99 is below 10.00", () => {
  const order = laws.find((each) => each.code === "price_order")!;
  const base = { ...sample("TESTE3", "2024-11-08", 0), quatot: "100" } as Record<string, string>;
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), fc.nat(200_000), (low, price, high) => {
      const spell = (cents: number) => (cents / 100).toFixed(2);
      const came = {
        ...base,
        premin: spell(low),
        premax: spell(high),
        preabe: spell(price),
        premed: spell(price),
        preult: spell(price),
      };
      expect(order.broken(came, { day: "2024-11-08" }) === null).toBe(low <= price && price <= high);
    }),
  );
});

test("samples are valid, each another record, and say the same to whoever asks again", () => {
  const records = Array.from({ length: 1000 }, (_, i) => sample("TESTE3", "2024-11-08", i));
  const { rows, rejects } = judged([{ subject: "TESTE3", records }]);
  expect(rejects).toEqual([]);
  expect(rows.length).toBe(1000);
  expect(new Set(records.map((each) => JSON.stringify(each))).size).toBe(1000);
  expect(sample("TESTE3", "2024-11-08", 7)).toEqual(records[7]);
  expect(Object.keys(records[0]!)).toEqual(Object.keys(record));
  for (const ticker of ["X", "PREGAO99", "TESTE3A4B5C6"])
    expect(validator(record).safeParse(sample(ticker, "2024-11-08", 3)).success).toBe(true);
});

test("every mistake is refused for its own reason and no other; every reason a record can have is among them", () => {
  const all = mistakes("TESTE3", "2024-11-08");
  for (const { code, record } of all) {
    const { rows, rejects } = judged([{ subject: "TESTE3", records: [record] }]);
    expect([code, rows.length, rejects.map((each) => each.reason)]).toEqual([code, 0, [code]]);
  }
  expect(all.map((each) => each.code).sort()).toEqual(
    ["unknown_field", "invalid_field", "subject", ...laws.map((each) => each.code)].sort(),
  );
  for (const each of all.filter(({ code }) => laws.some((l) => l.code === code))) {
    const broken = laws.filter((l) => l.broken(each.record as Record<string, string>, { day: "2024-11-08" }) !== null);
    expect(broken.map((l) => l.code)).toEqual([each.code]);
  }
});
