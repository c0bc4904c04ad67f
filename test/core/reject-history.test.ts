import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import {
  copyKey,
  patched,
  readDeadLetter,
  refusedObject,
  rejectBody,
  rejectObject,
} from "../../packages/core/reject.ts";
import { bodyOf, eventsOf, passedOf, stays, trialOf } from "../../packages/core/replay.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";

const judge = judgeOf(bovespa, digest);
const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
const sample = (i: number) => bovespa.raw!.sample("PETR4", "2024-11-08", i);
const kinds: Record<string, (i: number) => WireRecord> = {
  good: sample,
  invalid_field: (i) => ({ ...sample(i), preult: "12,34" }),
  negative: (i) => ({ ...sample(i), voltot: "-1.00" }),
  unknown_field: (i) => ({ ...sample(i), mais: 1 }),
};
const messageOf = (records: readonly WireRecord[]) =>
  messages(bovespa, { source: "test", origin }, { subject: "PETR4", records }, digest)[0]!.body;
const at = (minute: number) => Date.UTC(2024, 10, 9, 2, minute);
const judged = (body: string, minute = 0) => judge({ receipt: "r", body, sentAt: at(minute) });
const read = (body: string) => readDeadLetter(body, { messageId: "m", sentAt: "2024-11-09T00:00:00.000Z" });

describe("the history of a reject", () => {
  test.each([
    ["a record that breaks a law", messageOf([kinds.negative!(0)]), "negative"],
    ["a body that is no JSON", "{", "not_json"],
    ["a message of another version", messageOf([sample(0)]).replace(".v1", ".v9"), "type"],
    [
      "a message with a key twice",
      messageOf([sample(0)]).replace('{"datpre"', '{"datpre":"2020-01-01","datpre"'),
      "envelope",
    ],
  ])("of %s goes on with each replay: first seen, attempts, and the reasons before", (_, body, reason) => {
    let sent = body;
    for (let attempt = 1; attempt <= 4; attempt++) {
      const [reject] = judged(sent, attempt).rejects;
      sent = reject!.body;
      expect(read(sent)).toMatchObject({
        reason,
        attempts: attempt,
        seen: new Date(at(1)).toISOString(),
        before: Array.from({ length: attempt - 1 }, () => reason),
      });
    }
  });

  test("is not lost when what was readable is refused whole, nor when what was wrapped is read again", () => {
    const [first] = judged(messageOf([kinds.negative!(0)]), 1).rejects;
    const [second] = judged(first!.body.replace(".v1", ".v9"), 2).rejects;
    expect(read(second!.body)).toMatchObject({ reason: "type", attempts: 2, before: ["negative"] });
    const [third] = judged(second!.body.replace(".v9", ".v1"), 3).rejects;
    expect(read(third!.body)).toMatchObject({
      reason: "negative",
      attempts: 3,
      before: ["negative", "type"],
      seen: new Date(at(1)).toISOString(),
    });
  });

  test("is bounded, whatever the reasons were", () => {
    let body = JSON.stringify({
      ...JSON.parse(messageOf([kinds.negative!(0)])),
      rejectreason: "x".repeat(10_000),
      rejectreasons: Array.from({ length: 1000 }, (_, i) => `r${i}`).join(","),
    });
    for (let i = 0; i < 30; i++) body = judged(body).rejects[0]!.body;
    expect(read(body).before).toEqual(Array.from({ length: 10 }, () => "negative"));
    expect(body.length).toBeLessThan(3000);
  });

  test("of a raw object goes on in the name of its copy", () => {
    const object = { key: "raw/bovespa/x.parquet", etag: "e", size: 7, reason: "key", message: "no date" };
    const seen = "2024-11-09T02:03:04.005Z";
    const first = read(rejectObject(bovespa, "lake", object, seen, digest).body);
    expect(refusedObject(first.body)).toEqual({ dataset: "bovespa", key: object.key, etag: "e", size: 7 });
    const key = copyKey(first, "2024-12-01", digest);
    expect(key).toMatch(/^raw\/bovespa\/ingest_date=2024-12-01\/replay-1-20241109T020304005Z-[0-9a-f]{16}\.parquet$/);
    expect(copyKey(first, "2024-12-01", digest)).toBe(key);
    const second = read(rejectObject(bovespa, "lake", { ...object, key }, "2024-12-01T00:00:00.000Z", digest).body);
    expect(second).toMatchObject({ attempts: 2, seen, path: key });
    expect(copyKey(second, "2024-12-02", digest)).toContain("/replay-2-20241109T020304005Z-");
  });

  test.each([
    [
      "of another dataset's folder",
      { type: "br.pregao.bovespa.object", data: { records: [{ key: "raw/other/x", etag: "e", size: 1 }] } },
    ],
    ["of no key", { type: "br.pregao.bovespa.object", data: { records: [{ etag: "e", size: 1 }] } }],
    ["of records", { type: "br.pregao.bovespa.v1", data: { records: [{ key: "raw/bovespa/x", etag: "e", size: 1 }] } }],
    ["of nothing", null],
  ])("a letter %s names no object to copy", (_, body) => {
    expect(refusedObject(JSON.stringify(body))).toBeNull();
  });
});

describe("what an undo gives back", () => {
  const records = fc
    .array(fc.constantFrom(...Object.keys(kinds)), { minLength: 1, maxLength: 8 })
    .map((names) => names.map((name, i) => kinds[name]!(i % 3)));
  /** As it is, and as the text that an unreadable body's reject wraps. */
  const letterOf = (body: string, wrapped: boolean) =>
    wrapped
      ? rejectBody(
          bovespa,
          body,
          { reason: "unjudgeable", message: "", path: "", seen: "2024-11-09T02:00:00.000Z" },
          digest,
        ).body
      : body;

  test("passes whole when it is judged, and makes the very rows that had passed", () => {
    fc.assert(
      fc.property(records, fc.boolean(), (all, wrapped) => {
        const body = letterOf(messageOf(all), wrapped);
        const before = judged(body);
        const back = bodyOf(body, passedOf(bovespa, body, before).records);
        if (before.rows.length === 0) {
          expect(back).toBeNull();
          return;
        }
        const after = judged(back!);
        expect(after.rejects).toEqual([]);
        expect(eventsOf(bovespa, after.rows)).toEqual(eventsOf(bovespa, before.rows));
        expect(read(back!).records.length).toBe(wrapped ? 1 : before.rows.length);
        if (before.rejects.length === 0) expect(back).toBe(body);
      }),
      { numRuns: 200 },
    );
  });

  test("is the records as they were before the patch, of those alone that the patch let pass", () => {
    fc.assert(
      fc.property(records, (all) => {
        const patch = { preult: sample(0).preult, premax: "99.00" };
        const body = messageOf(all);
        const sent = patched(body, patch);
        const back = bodyOf(body, passedOf(bovespa, sent, judged(sent)).records);
        const alone = all.filter((one) => judged(patched(messageOf([one]), patch)).rows.length === 1);
        expect(back === null ? [] : read(back).records).toEqual(alone);
      }),
      { numRuns: 100 },
    );
  });

  test("a letter stays for what it failed before, or if nothing of it would pass; a part that passes takes it along", () => {
    const trial = (names: string[]) => trialOf(judged(messageOf(names.map((name, i) => kinds[name]!(i)))));
    expect(stays({ attempts: 1 }, trial(["good", "negative"]))).toBeNull();
    expect(stays({ attempts: 1 }, trial(["negative"]))).toBe("refused");
    expect(stays({ attempts: 2 }, trial(["good"]))).toBe("failed_before");
    expect(trial(["negative", "negative", "good", "unknown_field"])).toMatchObject({
      passes: 1,
      refused: [
        { reason: "negative", records: 2 },
        { reason: "unknown_field", records: 1 },
      ],
    });
  });
});
