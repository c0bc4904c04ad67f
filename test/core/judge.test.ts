import fc from "fast-check";
import { expect, test } from "vitest";
import { PregaoError } from "../../packages/core/errors.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages, repeatedKey } from "../../packages/core/message.ts";
import { patched, readDeadLetter } from "../../packages/core/reject.ts";
import { body, digest, good, nested, origin, toy } from "./toy.ts";

const judge = judgeOf(toy, digest);
const incoming = (body: string) => ({ receipt: "r1", body, sentAt: Date.UTC(2024, 10, 9) });
/** A message whose origin says something else. */
const from = (change: Record<string, unknown>) =>
  body([good], { data: { origin: { ...origin, ...change }, records: [good] } });
const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
const arrival = { messageId: "q1", sentAt: "2024-11-09T00:00:00.000Z" };
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
  expect(id(body([good], { data: { origin: { ...origin, sha256: "b".repeat(64) }, records: [good] } }))).not.toBe(
    plain,
  );
});

test.each([
  ["not JSON", "{", ["not_json"]],
  ["an array", "[]", ["envelope"]],
  ["null", "null", ["envelope"]],
  ["an unknown attribute", body([good], { extra: 1 }), ["envelope"]],
  ["another dataset's type", body([good], { type: "br.pregao.outro.v1" }), ["type"]],
  ["a version to come", body([good], { type: "br.pregao.toy.v2" }), ["type"]],
  ["no records", body([]), ["empty"]],
  ...[
    "2024-13-09 01:11:00.000",
    "2026-02-30 01:11:00.000",
    "2024-11-09 24:00:00.000",
    "2024-11-09 01:60:00.000",
    "1989-12-31 23:59:59.999",
  ].map((scraped_at): [string, string, string[]] => [
    `${scraped_at}, no instant of an origin,`,
    from({ scraped_at }),
    ["envelope"],
  ]),
  ["an id with half a character", body([good], { id: "m\ud800" }), ["envelope"]],
  ["a source with half a character", body([good], { source: "f\udc00" }), ["envelope"]],
  ["a time with half a character", body([good], { time: "\ud800" }), ["envelope"]],
  ["a subject with half a character", body([{ ...good, ativo: "P\ud800" }], { subject: "P\ud800" }), ["envelope"]],
  ["a version with half a character", from({ version: "\udfff" }), ["envelope"]],
  ["an id with a line's end", body([good], { id: "m\n1" }), ["envelope"]],
  ["a text with half a character", body([{ ...good, nota: "a\ud83d" }]), ["invalid_field"]],
  ["a ticker with half a character", body([{ ...good, ativo: "P\ud800" }]), ["invalid_field"]],
  ["more rows in a session than an int holds", body([{ ...good, origin_rows: 3_000_000_000 }]), ["invalid_field"]],
  ["a session of no rows", body([{ ...good, origin_rows: 0 }]), ["invalid_field"]],
  ["a day of the year 0", body([{ ...good, dia: "0000-06-01" }]), ["invalid_field"]],
  ["a day of a year that is written with three digits", body([{ ...good, dia: "0999-06-01" }]), ["invalid_field"]],
  ["a record that nests 33 deep", body([{ ...good, nota: nested(31) }]), ["envelope"]],
  ["a field of 5,000 nested lists", body([good, { ...good, nota: nested(1) }]).replace("[[]]", deep), ["envelope"]],
  [
    "a record of 200,000 nested lists",
    body([good, 7]).replace(",7]", `,${"[".repeat(200_000)}${"]".repeat(200_000)}]`),
    ["envelope"],
  ],
  ["an attribute of 5,000 nested lists", body([good], { source: nested(1) }).replace("[[]]", deep), ["envelope"]],
  ["a field that is there twice", body([good]).replace('"preco"', '"preco":"1.00","preco"'), ["envelope"]],
  [
    "a field that is there twice, spelled in two ways",
    body([good]).replace('"preco"', '"pre\\u0063o" : "1.00","preco"'),
    ["envelope"],
  ],
  ["an attribute that is there twice", body([good]).replace('"id"', '"id":"m0","id"'), ["envelope"]],
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
  const { rows, rejects } = judge(
    incoming(
      body([good, { ...good, preco: "x" }, { ...good, negocios: 4 }, { ...good, outro: 1 }, { ...good, maximo: "y" }]),
    ),
  );
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
  expect(letter).toMatchObject({
    reason: "invalid_field",
    seen: "2024-11-09T00:00:00.000Z",
    attempts: 2,
    ticker: "PETR4",
  });
  const right = judge(incoming(patched(second!.body, { preco: "36.50" })));
  expect(right.rejects).toEqual([]);
  const plain = JSON.parse(judge(incoming(body([good]))).rows[0]!);
  expect(JSON.parse(right.rows[0]!).event_id).toBe(plain.event_id);
});

test("an unreadable body sent again is unreadable for the same reason, and wrapped once", () => {
  const [first] = judge(incoming("{")).rejects;
  const [second] = judge(incoming(first!.body)).rejects;
  expect(readDeadLetter(second!.body, { messageId: "q", sentAt: "" })).toMatchObject({
    reason: "not_json",
    attempts: 2,
    records: ["{"],
  });
  expect(second!.id).toBe(first!.id);
});

test("a dead letter that no one of ours wrote was exhausted by SQS", () => {
  expect(readDeadLetter(body([good]), { messageId: "q1", sentAt: "2024-11-09T00:00:00.000Z" })).toMatchObject({
    id: "q1",
    reason: "exhausted",
    ticker: "PETR4",
  });
  expect(readDeadLetter("nonsense", { messageId: "q1", sentAt: "" })).toMatchObject({
    reason: "exhausted",
    records: ["nonsense"],
  });
});

test("a record that nests as deep as is allowed is refused alone, and read again as it came", () => {
  const value = { ...good, nota: nested(30) };
  const { rows, rejects } = judge(incoming(body([good, value])));
  expect([rows.length, rejects.map((r) => r.reason)]).toEqual([1, ["invalid_field"]]);
  expect(readDeadLetter(rejects[0]!.body, arrival).records).toEqual([value]);
});

test("a message that nests too deep is refused whole, and can be shown, replayed and not patched, without a throw", () => {
  const text = body([good, { ...good, nota: nested(1) }]).replace("[[]]", deep);
  const [first] = judge(incoming(text)).rejects;
  expect(first).toMatchObject({ reason: "envelope", path: "data.records[1]", records: 1 });
  expect(readDeadLetter(first!.body, arrival).records).toEqual([text]);
  const [second] = judge(incoming(first!.body)).rejects;
  expect(second!.id).toBe(first!.id);
  expect(readDeadLetter(second!.body, arrival)).toMatchObject({ reason: "envelope", attempts: 2, records: [text] });
  expect(() => patched(second!.body, { preco: "1.00" })).toThrow(PregaoError);
});

test.each([
  ["a message that SQS moved there", body([7]).replace(":[7]", `:[${deep}]`)],
  ["a reject that someone else wrote", body([7], { rejectreason: "mine" }).replace(":[7]", `:[${deep}]`)],
  ["a body that is no message", deep],
  ["records that are no list", body([], { data: { records: "abc" } })],
  ["a reject whose records are no list", body([], { rejectreason: "mine", data: { records: 7 } })],
  ["a reject without data", body([], { rejectreason: "mine", data: undefined })],
  ["a subject that is no text", body([], { subject: { toString: 1 } })],
  ["a subject of 5,000 nested lists", body([good], { subject: nested(1) }).replace("[[]]", deep)],
  ["null", "null"],
])("a dead letter is read, shown and patched whatever is in it: %s", (_, text) => {
  const letter = readDeadLetter(text, arrival);
  expect(letter.records).toHaveLength(1);
  expect(JSON.parse(JSON.stringify(letter)).body).toBe(text);
  try {
    JSON.parse(patched(text, { preco: "1.00" }));
  } catch (error) {
    expect(error).toBeInstanceOf(PregaoError);
  }
});

test("what a judge throws for one message refuses that message, with its body, and none of its neighbours", () => {
  const raw = toy.raw!;
  const faulty = judgeOf(
    { ...toy, raw: { ...raw, laws: [{ code: "x", path: "", broken: (r) => (r.nota === "x" ? fail() : null) }] } },
    digest,
  );
  const fail = () => {
    throw new RangeError("Maximum call stack size exceeded");
  };
  const text = body([good, { ...good, nota: "x" }]);
  const first = faulty(incoming(text));
  expect(first).toMatchObject({
    receipt: "r1",
    rows: [],
    rejects: [{ reason: "unjudgeable", message: expect.stringContaining("Maximum call stack"), records: 1 }],
  });
  expect(faulty(incoming(body([good]))).rows).toHaveLength(1);
  const [second] = faulty(incoming(first.rejects[0]!.body)).rejects;
  expect(readDeadLetter(second!.body, arrival)).toMatchObject({ reason: "unjudgeable", attempts: 2, records: [text] });
  expect(judge(incoming(second!.body)).rows).toHaveLength(2); // a judge put right takes it by replay
});

test("a key that is there twice is found wherever it is, and nothing else is taken for one", () => {
  const key = fc.constantFrom("a", "b", "\u0061", '"', '\\"', "{", "}", ":", "", "__proto__", "1");
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(key, fc.integer(), fc.constant(null)),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1), (v, indent) => {
      expect(repeatedKey(JSON.stringify(v, null, indent))).toBeNull();
      expect(repeatedKey(`[{"a":${JSON.stringify(v, null, indent)},"\\u0061"\n:0}]`)).toBe("a");
      expect(repeatedKey(`{"a":[{"b":0},{"b":${JSON.stringify(v, null, indent)}}],"b":0}`)).toBeNull();
    }),
    { numRuns: 1000 },
  );
});

test("whatever comes, a message has rows or rejects, and every record is in exactly one of them", () => {
  const record = fc.oneof(
    fc.constant(good),
    fc.record({ ...Object.fromEntries(Object.keys(good).map((k) => [k, fc.anything()])) }),
    fc.anything(),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.array(record, { minLength: 1, maxLength: 6 }).map((records) => body(records)),
      ),
      (text) => {
        const { rows, rejects } = judge(incoming(text));
        const refused = rejects.reduce((sum, r) => sum + r.records, 0);
        let sent = 1;
        try {
          const value = JSON.parse(text) as { data?: { records?: unknown[] } } | null;
          if (rejects.every((r) => !["not_json", "envelope", "type", "empty"].includes(r.reason)))
            sent = value!.data!.records!.length;
        } catch {}
        expect(rows.length + refused).toBe(sent);
        for (const r of rejects) expect(() => JSON.parse(r.body)).not.toThrow();
      },
    ),
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
