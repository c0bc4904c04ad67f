import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ParquetColumn } from "../../packages/engines/duckdb/parquet.ts";
import { literal, openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { atOnce, convert, rowByRow } from "../../packages/local/firehose/convert.ts";

const columns: ParquetColumn[] = [
  { name: "s", type: "string" },
  { name: "i", type: "int" },
  { name: "b", type: "bigint" },
  { name: "x", type: "double" },
  { name: "t", type: "boolean" },
  { name: "d", type: "date" },
  { name: "z", type: "timestamp" },
  { name: "m", type: "decimal(18,6)" },
  { name: "absent", type: "string" },
];

let scratch: string;
let session: Session;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "convert-"));
  session = await openSession({ scratch });
});
afterAll(() => {
  session.close();
  rmSync(scratch, { recursive: true, force: true });
});

const conversion = (texts: string[], file: string) => {
  const data = texts.map((text) => new TextEncoder().encode(text));
  const records = data.map((bytes, seq) => ({ seq, arrived: 0, bytes: bytes.length }));
  return {
    columns,
    records,
    read: (seq: number) => data[seq]!,
    file: join(scratch, file),
    lines: join(scratch, "lines"),
  };
};
const rowsOf = (file: string) => session.rows(`SELECT * FROM ${literal(join(scratch, file))}`);

const wide = fc.record({
  s: fc.option(
    fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: "binary" }),
      fc.constantFrom("36.50", "\ud800", "a\udc00"),
    ),
  ),
  i: fc.option(fc.oneof(fc.integer(), fc.integer({ min: -5, max: 5 }).map(String))),
  b: fc.option(fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), fc.maxSafeInteger())),
  x: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
  t: fc.option(fc.boolean()),
  d: fc.option(
    fc
      .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((d) => d.toISOString().slice(0, 10)),
  ),
  z: fc.option(
    fc
      .date({ min: new Date("1900-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((d) => d.toISOString().replace("T", " ").replace("Z", "")),
  ),
  m: fc.option(fc.bigInt({ min: 1n - 10n ** 12n, max: 10n ** 12n - 1n }).map((n) => `${n}.000001`)),
  other: fc.option(fc.oneof(fc.string(), fc.integer(), fc.boolean())),
});
const plain = wide.map((row) => ({
  ...row,
  s: row.s === null ? null : row.s.replace(/[\p{Cc}\p{Cs}]/gu, ""),
  i: row.i === null ? null : Number(row.i) % 1_000_000_000,
  b: row.b === null ? null : String(BigInt(row.b) % 10n ** 18n),
  x: row.x === null || Math.abs(row.x) >= 1e300 || Object.is(row.x, -0) ? null : row.x,
}));

/** Never one value by one way and another by the other: a row must not depend on its neighbours. */
const agree = async (texts: string[]): Promise<boolean> => {
  const fast = await atOnce(session, conversion(texts, "fast.parquet"));
  const slow = await rowByRow(session, conversion(texts, "slow.parquet"));
  if (fast === null) return false;
  expect(slow.failed).toEqual([]);
  expect(fast).toBe(slow.rows);
  expect(await rowsOf("fast.parquet")).toEqual(await rowsOf("slow.parquet"));
  return true;
};
const packed = (rows: object[], size: number): string[] => {
  const out: string[] = [];
  for (let i = 0; i < rows.length; i += size)
    out.push(
      rows
        .slice(i, i + size)
        .map((r) => `${JSON.stringify(r)}\n`)
        .join(""),
    );
  return out;
};

test("both ways give the same rows, and canonical documents take the fast one", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plain, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 7 }),
      async (rows, size) => {
        expect(await agree(packed(rows, size))).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test("whatever the values are spelled like, the two ways never differ", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wide, { minLength: 1, maxLength: 8 }), async (rows) => {
      await agree(packed(rows, 3));
    }),
    { numRuns: 60 },
  );
});

test.each<[string, string[]]>([
  ["d", ["0001-01-01", "0999-12-31", "1582-10-10", "9999-12-31"].map((day) => `"${day}"`)],
  ["z", ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.9"].map((time) => `"${time}"`)],
  [
    "x",
    ["1e307", "1e-400", "4.9e-324", "1.5E+1", "0e5", "-0.0", "-0e5", "1234567890123456789012", "0.30000000000000004"],
  ],
  ["b", ['"7"', '"-0"', '"999999999999999999"', '"-999999999999999999"']],
  ["i", ["-0", "999999999", "-999999999"]],
  ["m", ['"007.5"', '"-0"', '"-0.5"', '"-999999999999.999999"', '"1"']],
  ["s", ['"\\"\\/\\\\\\b\\f\\n\\r\\t"', '"çã😀\u2028"', '""', '" "']],
])("spellings of %s at the edges are read alike by both ways", async (name, values) => {
  for (const value of values) expect(await agree([`{"${name}":${value}}`]), value).toBe(true);
});

test.each([
  ["x", "1e400"],
  ["d", '"0000-02-30"'],
  ["d", '"0000-01-01"'],
  ["z", '"0000-01-01 00:00:00"'],
  ["d", '"2023-02-29"'],
])("%s of %s is an error by both ways", async (name, value) => {
  expect(await atOnce(session, conversion([`{"${name}":${value}}`], "fast.parquet"))).toBeNull();
  expect((await rowByRow(session, conversion([`{"${name}":${value}}`], "slow.parquet"))).failed).toHaveLength(1);
});

test.each([
  ["a number in a text column", '{"s":"a"}\n{"s":36.5}\n', { s: "36.5" }],
  ["a key in another case", '{"s":"a"}\n{"S":"b"}\n', { s: "b" }],
  ["a key that comes twice", '{"s":"a","s":"b"}\n{"s":"c","s":"d"}\n', { s: "d" }],
  ["a missing key", '{"s":"a","i":1}\n{"s":"b"}\n', { s: "b", i: null }],
  ["spaces between tokens", '{"s":"a"}\n{ "s" : "b" }\n', { s: "b" }],
  ["documents without newlines", '{"s":"a"}{"s":"b"}', { s: "b" }],
  ["an escaped control character", '{"s":"a"}\n{"s":"\\u0000"}\n', { s: "\0" }],
  ["an instant in ISO", '{"z":"2024-11-08 00:00:00"}\n{"z":"2024-11-08T00:00:00Z"}\n', { z: "2024-11-08 00:00:00" }],
  ["a hexadecimal number", '{"b":"1"}\n{"b":"0x10"}\n', { b: "16" }],
  ["a sign before zero", '{"x":1}\n{"x":-0}\n', { x: 0 }],
  ["a sign before zero in text", '{"x":1}\n{"x":"-0"}\n', { x: -0 }],
  ["zeros before a number", '{"b":"1"}\n{"b":"007"}\n', { b: "7" }],
  ["a decimal as a number", '{"m":"1.5"}\n{"m":0.1}\n', { m: "0.100000" }],
])("%s leaves the fast way, instead of being read as something else", async (_what, text, last) => {
  expect(await atOnce(session, conversion([text], "fast.parquet"))).toBeNull();
  expect(await rowByRow(session, conversion([text], "slow.parquet"))).toEqual({ rows: 2, failed: [] });
  expect((await rowsOf("slow.parquet")).at(-1)).toMatchObject(last);
});

test.each([
  ["a byte order mark", '\ufeff{"s":"a"}\n'],
  ["an array", '[{"s":"a"}]\n'],
  ["a blank record among others", " \n"],
  ["a day that does not exist", '{"d":"2024-02-30"}\n'],
  ["a key in two cases", '{"s":"a","S":"b"}\n'],
  ["half a surrogate pair", '{"s":"\\ud800"}\n'],
  ["an instant with an offset", '{"z":"2024-11-08 22:11:00-03:00"}\n'],
  ["a number that text would spell otherwise", '{"s":36.50}\n'],
  ["two documents, of which one is bad", '{"s":"a"}\n{"i":"x"}\n'],
  ["an hour that does not exist", '{"z":"2024-02-20 24:00:00"}\n'],
])("%s is an error of its record alone, whatever its neighbours are", async (_what, bad) => {
  const good = '{"s":"a","d":null,"z":null}\n';
  const result = await convert(session, conversion([good.repeat(3000), bad, good], "mixed.parquet"));
  expect(result.rows).toBe(3001);
  expect(result.failed.map((failure) => failure.record.seq)).toEqual([1]);
});

test("a delivery whose records all failed makes no file", async () => {
  const result = await convert(session, conversion(["[]", "{"], "none.parquet"));
  expect(result).toMatchObject({ rows: 0, failed: [{ record: { seq: 0 } }, { record: { seq: 1 } }] });
  expect(existsSync(join(scratch, "none.parquet"))).toBe(false);
});

test("many small records keep their order", async () => {
  const texts = Array.from({ length: 9000 }, (_, i) => JSON.stringify({ s: `T${i}`, i, b: "1" }));
  expect(await agree(texts)).toBe(true);
  const rows = await rowsOf("fast.parquet");
  expect(rows.map((row) => row.i)).toEqual(texts.map((_, i) => i));
});
