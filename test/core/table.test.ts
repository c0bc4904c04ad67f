import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bigint,
  boolean,
  type Column,
  date,
  decimal,
  double,
  duckdbType,
  integer,
  optional,
  text,
  timestamp,
  trinoType,
} from "../../packages/core/columns.ts";
import { instant } from "../../packages/core/message.ts";
import {
  glueColumns,
  jsonSchema,
  partitionName,
  partitionValues,
  validator,
  withLayout,
} from "../../packages/core/table.ts";

const table = {
  name: "t",
  means: "tabela",
  columns: { ticker: text(12)("código"), preco: decimal(18, 6)("preço") },
  key: ["ticker"],
  partitions: { year: text(4)("ano") },
  sort: ["ticker"],
};

test("one declaration gives every engine's type", () => {
  expect(glueColumns(table.columns)).toEqual([
    { Name: "ticker", Type: "string", Comment: "código" },
    { Name: "preco", Type: "decimal(18,6)", Comment: "preço" },
  ]);
  expect(Object.values(table.columns).map((c) => duckdbType(c.type))).toEqual(["VARCHAR", "DECIMAL(18,6)"]);
  expect([trinoType("string"), trinoType("int"), trinoType("timestamp"), trinoType("decimal(18,6)")]).toEqual([
    "varchar",
    "integer",
    "timestamp(3)",
    "decimal(18,6)",
  ]);
  expect(jsonSchema({ dia: date("dia") }).properties?.dia).toMatchObject({ type: "string", format: "date" });
  expect(jsonSchema(table.columns)).toMatchObject({
    type: "object",
    additionalProperties: false,
    required: ["ticker", "preco"],
  });
});

test("a decimal on the wire has one spelling: every exact number passes in it, and in no other", () => {
  const check = validator({ preco: decimal(18, 6)("preço") });
  const spelled = (unscaled: bigint) => {
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(7, "0");
    return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
  };
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), (unscaled) => {
      const text = spelled(unscaled);
      expect(check.safeParse({ preco: text }).success).toBe(true);
      for (const other of [
        `0${text}`,
        `+${text}`,
        `${text}0`,
        text.replace(".", ","),
        `${text} `,
        text.replace(/\.\d+$/, ""),
      ])
        expect(check.safeParse({ preco: other }).success).toBe(false);
    }),
  );
  expect(check.safeParse({ preco: spelled(10n ** 18n) }).success).toBe(false);
});

test("a partition's name says its values, whatever is in them, and stays one folder deep each", () => {
  const two = { partitions: { year: text(4)("ano"), ticker: text(12)("código") } };
  fc.assert(
    fc.property(fc.string(), fc.string(), (year, ticker) => {
      const name = partitionName(two, { year, ticker });
      expect(partitionValues(name)).toEqual({ year, ticker });
      expect(name.split("/")).toHaveLength(2);
      expect(name).toMatch(/^[A-Za-z0-9_.%=/-]*$/);
    }),
  );
});

test("a layout moves columns into the partitions, and refuses what would break a run", () => {
  const byTicker = withLayout(table, ["year", "ticker"]);
  expect(Object.keys(byTicker.columns)).toEqual(["preco"]);
  expect(Object.keys(byTicker.partitions)).toEqual(["year", "ticker"]);
  expect(byTicker.sort).toEqual([]);
  expect(() => withLayout(table, ["year", "nada"])).toThrow("nada");
  expect(() => withLayout(table, ["year", "ticker", "ticker"])).toThrow("each column once");
  expect(() => withLayout(table, ["ticker"])).toThrow("expected year to stay");
  expect(() => withLayout(table, ["year", "preco"])).toThrow("not text");
});

test("the quick check takes exactly what the schema takes", () => {
  const columns: Column[] = [text(5), integer(99), bigint, decimal(8, 2), double, boolean, date, timestamp].map(
    (make) => make("x"),
  );
  const value = fc.oneof(
    fc.anything(),
    fc.string({ unit: "binary", maxLength: 7 }),
    fc.stringMatching(/^-?\d{0,20}(\.\d{0,3})?$/),
    fc.integer({ min: -5, max: 120 }),
    fc.double(),
    fc.boolean(),
    fc
      .tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 33 }))
      .map(([y, m, d]) => `${String(y).padStart(4, "0")}-${String(m).padStart(2, "0")}-${String(d).padStart(2, "0")}`),
    fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 6 }),
    fc.stringMatching(/^(0000|0001|0999|1000|2024|9999)-(02|11)-(28|29|30) (00|23|24):(59|60):(00|59|60)\.\d{3}$/),
    fc.constantFrom(
      "0000-06-01",
      "0999-12-31",
      "1000-01-01",
      "😀😀😀😀😀",
      "😀😀😀😀😀😀",
      "\ud800",
      "a\udc00",
      "\udc00\ud800",
      "\ud83d\ude00",
    ),
    fc.constantFrom(
      "2024-02-29",
      "2023-02-29",
      "1900-02-29",
      "2000-02-29",
      "2024-11-08 01:02:03.004",
      "-0",
      "-0.00",
      "0.00",
      "",
    ),
  );
  fc.assert(
    fc.property(value, (v) => {
      for (const c of columns) {
        expect(c.holds(v), `${c.type} ${fc.stringify(v)}`).toBe(c.wire.safeParse(v).success);
        expect(optional(c).holds(v)).toBe(optional(c).wire.safeParse(v).success);
      }
    }),
    { numRuns: 3000 },
  );
});

test("an instant on the wire is one that exists, in its only spelling, with a year of four digits that needs no padding", () => {
  const { holds } = timestamp("z");
  const part = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, "0"));
  const year = fc.oneof(fc.integer({ min: 1000, max: 9999 }), fc.constantFrom(1000, 1900, 2000, 2024)).map(String);
  fc.assert(
    fc.property(year, part(13), part(32), part(25), part(61), part(61), fc.nat(999), (y, mo, d, h, mi, s, ms) => {
      const text = `${y}-${mo}-${d} ${h}:${mi}:${s}.${String(ms).padStart(3, "0")}`;
      const at = Date.parse(`${text.replace(" ", "T")}Z`);
      expect(holds(text)).toBe(Number.isFinite(at) && instant(at) === text);
    }),
    { numRuns: 3000 },
  );
  for (const text of [
    "0999-12-31 23:59:59.999",
    "2026-02-30 00:00:00.000",
    "2024-11-09 24:00:00.000",
    "2024-11-09T00:00:00.000",
    "2024-11-09 00:00:00.00",
  ])
    expect([text, holds(text)]).toEqual([text, false]);
});
