import fc from "fast-check";
import { expect, test } from "vitest";
import { type Judged, judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { type Outcome, packRows, type Share, unsettled } from "../../packages/core/pack.ts";
import { digest, good, body as message, origin, toy } from "./toy.ts";

/** The consumer's verdict: which messages may be forgotten, given what became of what was in them. */

const judge = judgeOf(toy, digest);
const envelope = (records: unknown[], id: string): string => message(records, { id });

const record = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 99_999 }).map((negocios) => ({ ...good, negocios })) },
  { weight: 1, arbitrary: fc.constant({ ...good, preco: "x" }) },
  { weight: 1, arbitrary: fc.constant({ ...good, outro: 1 }) },
);
const body = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.array(record, { maxLength: 6 }), fc.nat())
      .map(([records, id]) => envelope(records, `m${id}`)),
  },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.json() },
);

/** How a store answered for one thing: only the first lets a message go. Of what was forgotten nobody says anything. */
const ends = ["taken", "taken", "taken", "taken", "refused", "unknown", "thrown", "forgotten"] as const;

/** Parcels of so many rows at most, as packRows makes them of its own limit: a message is spread over many. */
const cut = (judged: readonly Judged[], rows: number): Share[] => {
  const owners = judged.flatMap(({ receipt, rows: of }) => of.map(() => receipt));
  return Array.from({ length: Math.ceil(owners.length / rows) }, (_, i) => {
    const share = new Map<string, number>();
    for (const receipt of owners.slice(i * rows, (i + 1) * rows)) share.set(receipt, (share.get(receipt) ?? 0) + 1);
    return share;
  });
};

test("a message is acknowledged if all its rows were taken and all its rejects accepted, and in no other case", () => {
  let acknowledged = 0;
  let returned = 0;
  fc.assert(
    fc.property(
      fc.array(body, { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.constantFrom(...ends)),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      (bodies, stream, perParcel, twice) => {
        const once = bodies.map((text, i) => judge({ receipt: `r${i}`, body: text, sentAt: 0 }));
        // SQS may deliver a message twice in a batch.
        const judged = twice ? [...once, once[0]!] : once;
        const rejects = judged.flatMap(({ receipt, rejects: of }) => of.map((): Share => new Map([[receipt, 1]])));
        const things = [...cut(judged, perParcel), ...rejects];
        const said = [...stream.take(things.length)];
        const outcomes = things.flatMap((receipts, i): Outcome[] =>
          said[i] === "forgotten" ? [] : [{ receipts, taken: said[i] === "taken" }],
        );
        const back = new Set(unsettled(judged, outcomes));
        for (const { receipt } of judged) {
          const all = things.every((share, i) => !share.has(receipt) || said[i] === "taken");
          expect(back.has(receipt)).toBe(!all);
          if (all) acknowledged++;
          else returned++;
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(Math.min(acknowledged, returned)).toBeGreaterThan(500);
});

test("a message with nothing in it that could have been taken comes back", () => {
  expect(unsettled([{ receipt: "r", rows: [], rejects: [] }], [])).toEqual(["r"]);
});

test("a doubt about any part of a message outweighs whatever else was counted: it comes back", () => {
  const judged = [{ receipt: "r", rows: ["{}"], rejects: [] }];
  const said = (taken: boolean): Outcome => ({ receipts: new Map([["r", 1]]), taken });
  expect(unsettled(judged, [said(false), said(true)])).toEqual(["r"]);
  expect(unsettled(judged, [said(true), said(false)])).toEqual(["r"]);
  expect(unsettled(judged, [said(true)])).toEqual([]);
});

test("the parcels that are made hold every row of every message, and nothing of what was refused", () => {
  fc.assert(
    fc.property(fc.array(body, { maxLength: 12 }), (bodies) => {
      const judged = bodies.map((text, i) => judge({ receipt: `r${i}`, body: text, sentAt: 0 }));
      const held = new Map<string, number>();
      for (const { receipts } of packRows(judged))
        for (const [receipt, count] of receipts) held.set(receipt, (held.get(receipt) ?? 0) + count);
      for (const { receipt, rows } of judged) expect(held.get(receipt) ?? 0).toBe(rows.length);
    }),
  );
});

test("every message that is judged has rows or rejects, and never throws, whatever is done to a real one", () => {
  const [real] = messages(
    toy,
    { source: "f", origin },
    { subject: "PETR4", records: [good, { ...good, negocios: 4 }] },
    digest,
  );
  const text = real!.body;
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.nat({ max: text.length }), fc.nat({ max: 4 }), fc.string({ unit: "binary", maxLength: 3 })),
        { minLength: 1, maxLength: 4 },
      ),
      (cuts) => {
        let changed = text;
        for (const [at, length, into] of cuts) changed = changed.slice(0, at) + into + changed.slice(at + length);
        const { rows, rejects } = judge({ receipt: "r", body: changed, sentAt: 0 });
        expect(rows.length + rejects.length).toBeGreaterThan(0);
        expect(rejects.map((r) => r.reason)).not.toContain("unjudgeable");
        // A reject is a message that can be sent again, and is refused again.
        for (const reject of rejects) {
          const again = judge({ receipt: "r", body: reject.body, sentAt: 0 });
          expect(again.rows).toEqual([]);
          expect(again.rejects.map((r) => r.reason)).toEqual([reject.reason]);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test("an event's id is its content's alone: equal records have equal ids, others others", () => {
  const value = fc.record({
    negocios: fc.nat({ max: 3 }),
    preco: fc.constantFrom("1.00", "10.00", "11.00"),
    nota: fc.option(fc.constantFrom("a", "b", "ab", '"', "\\", "null", "1")),
    origin_rows: fc.option(fc.integer({ min: 1, max: 3 })),
    sha256: fc.constantFrom("a", "b").map((c) => c.repeat(64)),
  });
  const ids = new Map<string, string>();
  fc.assert(
    fc.property(value, fc.nat({ max: 3 }), ({ sha256, origin_rows, ...change }, message) => {
      const content = { ...good, maximo: "99.00", ...change };
      const text = JSON.stringify({
        ...(JSON.parse(envelope([{ ...content, origin_rows }], `m${message}`)) as object),
        data: { origin: { ...origin, sha256 }, records: [{ ...content, origin_rows }] },
      });
      const { rows } = judge({ receipt: "r", body: text, sentAt: 0 });
      const id = (JSON.parse(rows[0]!) as { event_id: string }).event_id;
      const key = JSON.stringify([sha256, content]);
      // The other way round: whoever has this id has this content.
      expect(ids.get(id) ?? key).toBe(key);
      ids.set(id, key);
    }),
    { numRuns: 2000 },
  );
  expect(new Set(ids.values()).size).toBe(ids.size);
  expect(ids.size).toBe(4 * 3 * 8 * 2);
});
