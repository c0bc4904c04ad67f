import fc from "fast-check";
import { expect, test } from "vitest";
import type { Bytes } from "../../packages/core/dataset.ts";
import { validator } from "../../packages/core/table.ts";
import { type Block, decodeBlock, newBlock } from "../../packages/datasets/bovespa/decode.ts";
import { fields, LINE } from "../../packages/datasets/bovespa/layout.ts";
import { recordsOf, verbatim } from "../../packages/datasets/bovespa/rows.ts";
import { record } from "../../packages/datasets/bovespa/tables/raw.ts";
import { unzipped } from "../../packages/datasets/zip.ts";
import { bytesOf, type Fields, fixture, latin1, line, positions } from "./cotahist.ts";

const valid = validator(record);
const withoutOrigin = ({ origin_rows: _, ...rest }: Record<string, unknown>) => rest;

/** One block of lines, ended as they are in a file; a last line needs no end. */
const decodeLines = (lines: string[], end = "\r\n"): Block =>
  decodeBlock(latin1(lines.join(end)), lines.length, LINE + end.length);

const column = (block: Block, name: string) => block.columns[fields.findIndex((f) => f.name === name)]!;

const textOf = async (bytes: Bytes): Promise<string> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of unzipped(bytes)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces).toString("latin1");
};

test("the layout is the official one: every character of a line belongs to one field, and fields are the record's columns", () => {
  expect(fields.map((f) => f.name)).toEqual(Object.keys(record));
  expect(fields.map(({ name, at, width }) => ({ name, from: at + 1, width }))).toEqual(positions);
  let at = 2;
  for (const f of fields) {
    expect(f.at).toBe(at);
    at += f.width;
  }
  expect(at).toBe(LINE);
});

test.each([
  ["the day of 2024-11-08", fixture.day, 12_226],
  ["the year 2023 as it stood on 01-17", fixture.year, 104_390],
])(
  "%s: columns add up to the last cent as a plain reading of the text does, and no row is flagged",
  async (_, url, rows) => {
    const text = await textOf(bytesOf(url));
    const plain = text.split("\r\n").filter((each) => each.startsWith("01"));
    expect(plain.length).toBe(rows);
    const expected = { voltot: 0n, quatot: 0n, premed: 0n, totneg: 0n, expiries: 0 };
    for (const each of plain) {
      expected.voltot += BigInt(each.slice(170, 188));
      expected.quatot += BigInt(each.slice(152, 170));
      expected.premed += BigInt(each.slice(95, 108));
      expected.totneg += BigInt(each.slice(147, 152));
      if (each.slice(202, 210) !== "99991231") expected.expiries++;
    }
    const came = { voltot: 0n, quatot: 0n, premed: 0n, totneg: 0n, expiries: 0 };
    const body = latin1(text).subarray(247);
    const block = newBlock();
    let flagged = 0;
    for (let from = 0; from < rows; from += block.capacity) {
      const count = Math.min(block.capacity, rows - from);
      decodeBlock(body.subarray(from * 247, (from + count) * 247), count, 247, block);
      for (const name of ["voltot", "quatot", "premed", "totneg"] as const) {
        const values = (column(block, name) as { values: ArrayLike<number | bigint> }).values;
        for (let row = 0; row < count; row++) came[name] += BigInt(values[row]!);
      }
      const expiries = (column(block, "datven") as { values: Int32Array }).values;
      for (let row = 0; row < count; row++) {
        flagged += block.flags[row]!;
        if (expiries[row] !== 0) came.expiries++;
      }
      const records = recordsOf(block);
      for (let row = 0; row < count; row += 97) expect(records[row]).toEqual(verbatim(plain[from + row]!));
    }
    expect(flagged).toBe(0);
    expect(came).toEqual(expected);
  },
);

/** A field as it can come: mostly as it should, sometimes damaged. */
const digits = (width: number) =>
  fc.oneof(
    fc.bigInt(0n, 10n ** BigInt(width) - 1n).map((n) => String(n).padStart(width, "0")),
    fc.nat(9999).map((n) => String(n).padStart(width, "0").slice(-width)),
    fc.constantFrom("0".repeat(width), "9".repeat(width)),
  );
const day = fc.oneof(
  fc
    .date({ min: new Date("1986-01-01"), max: new Date("2099-12-31"), noInvalidDate: true })
    .map((d) => d.toISOString().slice(0, 10).replaceAll("-", "")),
  fc.constantFrom("20240229", "20230228", "20000229", "19960229"),
);
const words = (width: number) =>
  fc.string({
    unit: fc
      .integer({ min: 33, max: 255 })
      .filter((c) => c !== 127)
      .map((c) => String.fromCharCode(c)),
    minLength: 1,
    maxLength: width,
  });

const whole = fc.record(
  Object.fromEntries(
    fields.map((f) => {
      if (f.kind === "day") return [f.name, day];
      if (f.kind === "expiry") return [f.name, fc.oneof(day, fc.constantFrom("99991231", "        "))];
      if (f.kind === "text") return [f.name, words(f.width)];
      return [f.name, digits(f.width)];
    }),
  ),
) as fc.Arbitrary<Fields>;

test("rows that are as the layout says: block by block and character by character give one record, and it is valid", () => {
  fc.assert(
    fc.property(fc.array(whole, { minLength: 1, maxLength: 20 }), fc.constantFrom("\r\n", "\n"), (rows, end) => {
      const lines = rows.map(line);
      const block = decodeLines(lines, end);
      const records = recordsOf(block);
      lines.forEach((each, row) => {
        expect(block.flags[row]).toBe(0);
        expect(records[row]).toEqual(verbatim(each));
        expect(valid.safeParse(withoutOrigin(records[row]!)).success).toBe(true);
        expect(Object.keys(records[row]!)).toEqual([...Object.keys(record), "origin_rows"]);
      });
    }),
    { numRuns: 300 },
  );
});

test("a row with any byte at any place: flagged exactly when its record is invalid, never changed into another value", () => {
  const damage = fc.array(
    fc.tuple(
      fc.integer({ min: 2, max: LINE - 1 }),
      fc.oneof(fc.nat(255), fc.constantFrom(0x2f, 0x3a, 0x2e, 0x2d, 0x20, 0x00, 0x7f, 0xb5)),
    ),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(whole, damage, (row, changes) => {
      const bytes = latin1(line(row));
      for (const [at, byte] of changes) bytes[at] = byte;
      const block = decodeBlock(bytes, 1, LINE + 2);
      const plain = verbatim(Buffer.from(bytes).toString("latin1"));
      expect(recordsOf(block)[0]).toEqual(plain);
      const blank = ["codbdi", "codneg", "tpmerc"].some((name) => plain[name] === null);
      if (!blank) expect(valid.safeParse(withoutOrigin(plain)).success).toBe(block.flags[0] === 0);
    }),
    { numRuns: 3000 },
  );
});

test("every byte in every digit: only 0 to 9 are digits, wherever the word of four begins", () => {
  for (const f of fields.filter((each) => each.kind === "decimal" || each.kind === "count"))
    for (let i = 0; i < f.width; i++)
      for (let byte = 0; byte < 256; byte++) {
        const bytes = latin1(line());
        bytes[f.at + i] = byte;
        const { flags } = decodeBlock(bytes, 1, LINE);
        if ((flags[0] === 0) !== (byte >= 48 && byte <= 57)) throw new Error(`${f.name}, digit ${i}, byte ${byte}`);
      }
});

test("every byte in every text: only control characters are refused, accents and the upper half of latin-1 stay", () => {
  for (const f of fields.filter((each) => each.kind === "text"))
    for (let i = 0; i < f.width; i++)
      for (let byte = 0; byte < 256; byte++) {
        const bytes = latin1(line());
        bytes[f.at + i] = byte;
        const { flags } = decodeBlock(bytes, 1, LINE);
        if ((flags[0] !== 0) !== (byte < 32 || byte === 127))
          throw new Error(`${f.name}, character ${i}, byte ${byte}`);
      }
  const [named] = recordsOf(decodeLines([line({ nomres: "AÇÚCAR & ÃO" })]));
  expect(named!.nomres).toBe("AÇÚCAR & ÃO");
  expect(recordsOf(decodeLines([line({ nomres: "\x80\x93\xa0\xff" })]))[0]!.nomres).toBe("\u0080\u0093\u00a0\u00ff");
});

test("quantities and amounts beyond 2^53 are exact: no double on the way", () => {
  const edges = [
    0n,
    1n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    9n * 10n ** 15n - 1n,
    9n * 10n ** 15n,
    10n ** 18n - 1n,
  ];
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...edges), fc.bigInt(0n, 10n ** 18n - 1n)), (value) => {
      const padded = String(value).padStart(18, "0");
      const block = decodeLines([line({ quatot: padded, voltot: padded })]);
      expect((column(block, "quatot") as { values: BigInt64Array }).values[0]).toBe(value);
      const [came] = recordsOf(block);
      expect(came!.quatot).toBe(String(value));
      expect(came!.voltot).toBe(`${value / 100n}.${String(value % 100n).padStart(2, "0")}`);
    }),
    { numRuns: 2000, examples: edges.map((edge) => [edge]) },
  );
});

test("only days that exist are days, in the decoder as in the column", () => {
  const any = fc
    .tuple(fc.nat(9999), fc.nat(14), fc.nat(33))
    .map(([y, m, d]) => [String(y).padStart(4, "0"), String(m).padStart(2, "0"), String(d).padStart(2, "0")] as const);
  fc.assert(
    fc.property(any, ([y, m, d]) => {
      const block = decodeLines([line({ datpre: y + m + d })]);
      expect(block.flags[0] === 0).toBe(record.datpre.wire.safeParse(`${y}-${m}-${d}`).success);
    }),
    {
      numRuns: 3000,
      examples: [
        [["1900", "02", "29"]],
        [["2000", "02", "29"]],
        [["0000", "06", "01"]],
        [["0999", "12", "31"]],
        [["1000", "01", "01"]],
        [["2023", "04", "31"]],
      ],
    },
  );
});

test("a bad day followed by a good one, and a good by a bad: a remembered day says nothing about its neighbour", () => {
  const block = decodeLines(
    ["20241108", "20241308", "20241308", "20241108", "        "].map((datpre) => line({ datpre })),
  );
  expect([...block.flags.subarray(0, 5)]).toEqual([0, 1, 1, 0, 1]);
  const reused = decodeBlock(latin1(line()), 1, LINE, block);
  expect(reused.flags[0]).toBe(0);
});

test("no number where a value failed to parse: damaged fields travel as they stand and are refused", () => {
  const damaged: [keyof Fields, string][] = [
    ["preabe", "1234567890.12"],
    ["preabe", "-123456789.12"],
    ["preabe", "            0"],
    ["preabe", "000000000036,"],
    ["voltot", "123456789012345.67"],
    ["quatot", "-12345678901234567"],
    ["ptoexe", "123456.789012"],
    ["totneg", "    5"],
    ["fatcot", "1e00001"],
    ["datpre", "2024-1-1"],
    ["datven", "00000000"],
  ];
  for (const [name, value] of damaged) {
    const [came] = recordsOf(decodeLines([line({ [name]: value })]));
    expect([name, String(came![name]).replaceAll("'", "")]).toEqual([name, value]);
    const parsed = valid.safeParse(withoutOrigin(came!));
    expect([name, value, parsed.success]).toEqual([name, value, false]);
    expect(parsed.error!.issues.map((issue) => issue.path)).toEqual([[name]]);
  }
});

test("text ends at its last character: spaces inside and in front stay, blank is absent", () => {
  const [came] = recordsOf(decodeLines([line({ especi: " ON  N1   ", nomres: "            ", prazot: "000" })]));
  expect(came).toMatchObject({ especi: " ON  N1", nomres: null, prazot: "000", datven: null });
});

test("a block that does not fit is refused, not read beyond its end", () => {
  expect(() => decodeBlock(latin1(line()), 2, 247)).toThrow(RangeError);
  expect(() => decodeBlock(new Uint8Array(0), 1, 247)).toThrow(RangeError);
  expect(() => decodeBlock(new Uint8Array(247 * 3), 3, 247, newBlock(2))).toThrow(RangeError);
});
