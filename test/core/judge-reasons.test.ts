import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PregaoError } from "../../packages/core/errors.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { body, digest, good, nested, origin, toy } from "./toy.ts";

// A reject is read by a person who must put it right: it says where (`path`), what was expected and what came.

const incoming = (body: string) => ({ receipt: "r1", body, sentAt: 0 });
const judge = (body: string) => judgeOf(toy, digest)(incoming(body));
const note = (nota: unknown) => body([{ ...good, nota }]);

test.each([
  ["not JSON", "{", "", /^expected JSON: ./],
  ["no object", "null", "", /^message: expected an object, came null$/],
  ["a list", "[]", "", /^message: expected an object, came \[\]$/],
  [
    "a wrong attribute",
    body([good], { specversion: "2.0" }),
    "specversion",
    /^specversion: expected "1\.0", came "2\.0"$/,
  ],
  [
    "an attribute inside",
    body([good], { data: { origin: { ...origin, sha256: "x" }, records: [good] } }),
    "data.origin.sha256",
    /^data\.origin\.sha256: expected a SHA-256 in hexadecimal, came "x"$/,
  ],
  [
    "an unknown attribute",
    body([good], { extra: 1 }),
    "extra",
    /^extra: no attribute is declared with the name "extra"$/,
  ],
  ["no subject", body([good], { subject: undefined }), "subject", /^subject: expected text, came nothing$/],
  ["an empty subject", body([good], { subject: "" }), "subject", /^subject: expected at least 1 character, came ""$/],
  [
    "an attribute that would steer a terminal",
    body([good], { specversion: "\u009b31m\u202e" }),
    "specversion",
    /^specversion: expected "1\.0", came "\\u009b31m\\u202e"$/,
  ],
  ["unknown attributes", body([good], { extra: 1, more: 2 }), "extra,more", /^extra,more: .*"extra", "more"$/],
  [
    "another type",
    body([good], { type: "br.pregao.outro.v1" }),
    "type",
    /^expected type br\.pregao\.toy\.v1 in this queue, came br\.pregao\.outro\.v1$/,
  ],
  ["no records", body([]), "data.records", /^expected at least one record$/],
  [
    "a record that nests too deep",
    body([good, { ...good, nota: nested(31) }]),
    "data.records[1]",
    /^expected lists and objects in at most 32 levels$/,
  ],
  [
    "a key that is there twice",
    body([good]).replace('"preco"', '"preco":"1.00","preco"'),
    "preco",
    /^expected each key once, came "preco" twice$/,
  ],
  [
    "a field",
    body([good, { ...good, preco: "x" }]),
    "data.records[1].preco",
    /^preco: expected up to 11 digits and exactly 2 decimals, came "x"$/,
  ],
  [
    "a missing field",
    body([{ ...good, preco: undefined }]),
    "data.records[0].preco",
    /^preco: expected text, came nothing$/,
  ],
  [
    "an unknown field",
    body([{ ...good, outro: 1 }]),
    "data.records[0].outro",
    /^outro: no column is declared with the name "outro"$/,
  ],
  [
    "unknown fields",
    body([{ ...good, outro: 1, mais: 2 }]),
    "data.records[0].outro,mais",
    /^outro,mais: no columns are declared with the names "outro", "mais"$/,
  ],
  [
    "another ticker",
    body([good, { ...good, ativo: "VALE3" }]),
    "data.records[1]",
    /^expected records of PETR4 only, came "VALE3"$/,
  ],
  ["a law", body([{ ...good, preco: "38.00" }]), "data.records[0].preco", /^expected at most 37\.00, came 38\.00$/],
  ["a record that is no object", body([good, 7]), "data.records[1]", /^record: expected an object, came 7$/],
  ["a record that is null", body([null]), "data.records[0]", /^record: expected an object, came null$/],
])("a reject says where it is, what was expected and what came: %s", (_, text, path, message) => {
  const [reject, ...others] = judge(text).rejects;
  expect(others).toEqual([]);
  expect(reject!.path).toBe(path);
  expect(reject!.message).toMatch(message);
});

describe("a reject shows what came, and never a whole payload:", () => {
  const came = (text: string) => judge(text).rejects[0]!.message.replace(/^.*, came /, "");

  test("60 characters of JSON are shown as they are", () => {
    expect(came(note("x".repeat(58)))).toBe(`"${"x".repeat(58)}"`);
  });
  test("of more, the first 55 in quotes that are closed, and no half of an escape", () => {
    expect(came(note("x".repeat(59)))).toBe(`"${"x".repeat(55)}"...`);
    expect(came(note(`${"x".repeat(54)}\n${"x".repeat(9)}`))).toBe(`"${"x".repeat(54)}"...`);
    expect(came(note(`${"x".repeat(53)}\\${"x".repeat(9)}`))).toBe(`"${"x".repeat(53)}\\\\"...`);
    expect(came(note("x".repeat(100_000)))).toHaveLength(60);
  });
});

test("what the judge could not judge has no field, and says what failed", () => {
  const raw = toy.raw!;
  const broken = () => {
    throw new PregaoError("x", "boom");
  };
  const faulty = judgeOf({ ...toy, raw: { ...raw, laws: [{ code: "x", path: "preco", broken }] } }, digest);
  expect(faulty(incoming(body([good]))).rejects).toMatchObject([
    { reason: "unjudgeable", path: "", message: "the judge failed: boom" },
  ]);
});

test("a law of a day knows São Paulo's, not UTC's: a session of today is none of tomorrow's", () => {
  const raw = toy.raw!;
  const law = {
    code: "future",
    path: "dia",
    broken: (r: Record<string, string>, { day }: { day: string }) =>
      r.dia! > day ? `expected ${day} or before` : null,
  };
  const strict = judgeOf({ ...toy, raw: { ...raw, laws: [law] } }, digest);
  const { rows, rejects } = strict(incoming(body([good, { ...good, dia: "2024-11-09" }])));
  expect(rows).toHaveLength(1);
  expect(rejects).toMatchObject([
    { reason: "future", path: "data.records[1].dia", message: "expected 2024-11-08 or before" },
  ]);
});

test("one judge of two origins tells their days apart, back and forth", () => {
  const one = judgeOf(toy, digest);
  const days = ["2024-11-09 02:59:59.999", "2024-11-09 03:00:00.000", "2024-11-09 02:59:59.999"].map((scraped_at) => {
    const { rows } = one(incoming(body([good], { data: { origin: { ...origin, scraped_at }, records: [good] } })));
    return (JSON.parse(rows[0]!) as { scraped_on: string }).scraped_on;
  });
  expect(days).toEqual(["2024-11-08", "2024-11-09", "2024-11-08"]);
});

test("a dataset without a queue has no judge", () => {
  const { raw: _, ...quiet } = toy;
  expect(() => judgeOf(quiet, digest)).toThrow("dataset toy has no queue");
});

test("however a message is spelled, and whatever stands beside a record, its rows and what is refused are the same", () => {
  const record = fc.record({
    ...Object.fromEntries(Object.entries(good).map(([name, value]) => [name, fc.constant(value)])),
    negocios: fc.constantFrom(0, 99_999, 100_000, -1, "3"),
    nota: fc.constantFrom(null, "", "a", '"}', "$&", 1),
    origin_rows: fc.constantFrom(null, 1, 3, 2_147_483_647, 2_147_483_648, 0, 1.5, "3"),
  });
  const isGood = (r: Record<string, unknown>) =>
    (r.negocios === 0 || r.negocios === 99_999) &&
    (r.nota === null || (typeof r.nota === "string" && r.nota !== "")) &&
    [null, 1, 3, 2_147_483_647].includes(r.origin_rows as number | null);
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 4 }), (records) => {
      const [sent] = messages(toy, { source: "f", origin }, { subject: "PETR4", records }, digest);
      const { rows, rejects } = judge(sent!.body);
      const event = JSON.parse(sent!.body) as { data: { records: Record<string, unknown>[] } };
      const turned = event.data.records.map((r) => Object.fromEntries(Object.entries(r).reverse()));
      expect(judge(JSON.stringify(event, null, 2))).toEqual({ receipt: "r1", rows, rejects });
      expect(judge(JSON.stringify({ ...event, data: { ...event.data, records: turned } })).rows).toEqual(rows);
      const kept = rows.map((row) => {
        const { event_id: _, ...row_ } = JSON.parse(row) as Record<string, unknown>;
        return Object.fromEntries(Object.keys(records[0]!).map((name) => [name, row_[name]]));
      });
      expect(kept).toEqual(records.filter(isGood));
      expect(rejects.map((r) => [r.reason, r.records])).toEqual(
        kept.length < records.length ? [["invalid_field", records.length - kept.length]] : [],
      );
    }),
    { numRuns: 300 },
  );
});
