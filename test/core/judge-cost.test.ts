import { beforeEach, expect, test, vi } from "vitest";
import { INT_MAX, text } from "../../packages/core/columns.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages, repeatedKey } from "../../packages/core/message.ts";
import { digest, good, origin, toy } from "./toy.ts";

// What a valid message costs: its records are taken without the schema, which only explains what is wrong with one, and
// its text is not looked through, which only finds keys that are there twice. Both are ten times slower than the rest.

vi.mock(import("../../packages/core/message.ts"), async (original) => {
  const module = await original();
  return { ...module, repeatedKey: vi.fn(module.repeatedKey) };
});

let explained = 0;
const raw = toy.raw!;
const ativo = text(12)("ativo");
const counted: Dataset = {
  ...toy,
  raw: { ...raw, record: { ...raw.record, ativo: { ...ativo, wire: ativo.wire.refine(() => ++explained > 0) } } },
};

const took = (body: string) => {
  const { rows, rejects } = judgeOf(counted, digest)({ receipt: "r", body, sentAt: 0 });
  return {
    rows: rows.length,
    refused: rejects.map((r) => r.reason),
    explained,
    looked: vi.mocked(repeatedKey).mock.calls.length,
  };
};
const sent = (records: Record<string, unknown>[], source = "f") =>
  messages(toy, { source, origin }, { subject: "PETR4", records }, digest)[0]!.body;

beforeEach(() => {
  explained = 0;
  vi.mocked(repeatedKey).mockClear();
});

test.each([
  ["of one record", [{ ...good, origin_rows: 7 }]],
  ["of many", [1, 2, 3].map((negocios) => ({ ...good, negocios, origin_rows: 3 }))],
  ["whose session's rows nobody counted", [{ ...good, origin_rows: null }]],
  ["of a session of one row", [{ ...good, origin_rows: 1 }]],
  ["of a session of as many rows as an int holds", [{ ...good, origin_rows: INT_MAX }]],
  ["of texts that mean something to a replacement", [{ ...good, nota: "$& $' $`", origin_rows: 7 }]],
  ["of texts that look like JSON", [{ ...good, nota: '"\\{}[]:é', origin_rows: 7 }]],
])("a valid message as messages() spells it is neither explained nor looked through: %s", (_, records) => {
  expect(took(sent(records))).toEqual({ rows: records.length, refused: [], explained: 0, looked: 0 });
});

test("nor is one whose source looks like its records", () => {
  expect(took(sent([{ ...good, origin_rows: 7 }], '"records":[]'))).toMatchObject({ rows: 1, explained: 0, looked: 0 });
});

test("only the bad record of a message is explained", () => {
  const records = [7, 0, 7].map((origin_rows) => ({ ...good, origin_rows }));
  expect(took(sent(records))).toMatchObject({ rows: 2, refused: ["invalid_field"], explained: 1 });
});

test("a message that someone else spelled is looked through, and taken all the same", () => {
  const body = JSON.stringify(JSON.parse(sent([{ ...good, origin_rows: 7 }])), null, 1);
  expect(took(body)).toEqual({ rows: 1, refused: [], explained: 0, looked: 1 });
});
