import fc from "fast-check";
import { expect, test } from "vitest";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { patched, readDeadLetter } from "../../packages/core/reject.ts";
import { type FailedDelivery, salvage } from "../../packages/core/salvage.ts";
import { digest, good, origin, toy } from "./toy.ts";

const judge = judgeOf(toy, digest);
const rowsOf = (body: string) => judge({ receipt: "r", body, sentAt: 0 }).rows;
/** Rows as the consumer gives them to Firehose. */
const rows = (records: readonly Record<string, unknown>[]): string[] =>
  messages(toy, { source: "f", origin }, { subject: "PETR4", records }, digest).flatMap((m) => rowsOf(m.body));
const failure: FailedDelivery = {
  rawData: "",
  lastErrorCode: "DataFormatConversion.MalformedData",
  lastErrorMessage: "Data does not match the schema.",
  arrivalTimestamp: Date.UTC(2024, 10, 9),
};
const rescued = (lines: readonly string[]) => salvage(toy, `${lines.join("\n")}\n`, failure, digest);
const arrival = { messageId: "q", sentAt: "2025-01-01T00:00:00.000Z" };
/** All of a row but the message in which it came. */
const content = (row: string) => ({ ...JSON.parse(row), message_id: "" });

const record = fc
  .record({
    negocios: fc.integer({ min: 0, max: 99_999 }),
    nota: fc.option(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }).filter((t) => /^[^\p{Cc}\p{Cs}]+$/u.test(t)),
    ),
    origin_rows: fc.option(fc.integer({ min: 1, max: 2_147_483_647 })),
  })
  .map((change) => ({ ...good, ...change }))
  .filter(({ nota }) => nota === null || [...nota].length <= 10);

test("each row of a record that Firehose gave back is a reject of its own, and sent again it is the row it was", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(record, { minLength: 1, maxLength: 8, selector: (r) => JSON.stringify(r) }),
      (records) => {
        const lines = rows(records);
        const rejects = rescued(lines);
        expect(lines.length).toBe(records.length);
        expect(new Set(rejects.map((r) => r.id)).size).toBe(lines.length);
        lines.forEach((line, i) => {
          expect(rejects[i]).toMatchObject({ reason: failure.lastErrorCode, group: "PETR4", records: 1 });
          expect(rowsOf(rejects[i]!.body).map(content)).toEqual([content(line)]);
        });
        expect(rescued(lines)).toEqual(rejects);
      },
    ),
    { numRuns: 200 },
  );
});

test("a row put right by a patch gets the id it would have had", () => {
  const [line] = rows([{ ...good, negocios: 7 }]);
  const [reject] = rescued([line!.replace('"negocios":7', '"negocios":3000000000')]);
  expect(judge({ receipt: "r", body: reject!.body, sentAt: 0 }).rejects.map((r) => r.reason)).toEqual([
    "invalid_field",
  ]);
  expect(rowsOf(patched(reject!.body, { negocios: 7 })).map(content)).toEqual([content(line!)]);
});

test.each([
  ["a row cut short", '{"dia":"2024-11-08","ativo":'],
  ["a row without its lineage", JSON.stringify(good)],
  ["a number", "7"],
  ["null", "null"],
  ["5,000 nested lists", `${"[".repeat(5_000)}${"]".repeat(5_000)}`],
])("%s is a reject with its text as it stands, and takes no neighbour with it", (_, line) => {
  const [first, last] = rows([good, { ...good, negocios: 4 }]);
  const rejects = rescued([first!, line, last!]);
  expect(rejects.map((r) => [r.reason, r.group])).toEqual([
    [failure.lastErrorCode, "PETR4"],
    [failure.lastErrorCode, "unreadable"],
    [failure.lastErrorCode, "PETR4"],
  ]);
  expect(readDeadLetter(rejects[1]!.body, arrival)).toMatchObject({
    reason: failure.lastErrorCode,
    message: failure.lastErrorMessage,
    seen: "2024-11-09T00:00:00.000Z",
    attempts: 1,
    records: [line],
  });
  const again = judge({ receipt: "r", body: rejects[1]!.body, sentAt: 0 });
  expect([again.rows, again.rejects.length]).toEqual([[], 1]);
  expect(readDeadLetter(again.rejects[0]!.body, arrival)).toMatchObject({
    seen: "2024-11-09T00:00:00.000Z",
    attempts: 2,
    records: [line],
  });
});

test("blank lines between rows are no rows", () => {
  const lines = rows([good]);
  expect(rescued(["", ...lines, " ", ""])).toEqual(rescued(lines));
});
