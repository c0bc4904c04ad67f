import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { translateQuery as translate } from "../packages/trino/index.ts";

/** Decimals against arithmetic of whole numbers: Trino's rules of precision and scale, halves away from zero. */
let instance: DuckDBInstance;
let duckdb: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  duckdb = await instance.connect();
});
afterAll(() => {
  duckdb.closeSync();
  instance.closeSync();
});

const catalogue = { database: "db", table: () => null };
const one = async (sql: string) => {
  const translated = translate(sql, catalogue);
  const [row] = (await duckdb.runAndReadAll(translated.sql)).getRowsJson();
  return { value: row![0] as string, type: translated.columns[0]!.type };
};

const abs = (value: bigint) => (value < 0n ? -value : value);
const halfUp = (a: bigint, b: bigint): bigint => {
  const quotient = (2n * abs(a) + abs(b)) / (2n * abs(b));
  return a < 0n !== b < 0n ? -quotient : quotient;
};
const pointed = (value: bigint, scale: number): string => {
  const digits = abs(value)
    .toString()
    .padStart(scale + 1, "0");
  const text = scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return value < 0n ? `-${text}` : text;
};

type Number = { unscaled: bigint; precision: number; scale: number };
const decimal = (digits: number): fc.Arbitrary<Number> =>
  fc.integer({ min: 1, max: digits }).chain((precision) =>
    fc.record({
      precision: fc.constant(precision),
      scale: fc.integer({ min: 0, max: precision }),
      unscaled: fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
    }),
  );
const sql = ({ unscaled, precision, scale }: Number) =>
  `CAST(DECIMAL '${pointed(unscaled, scale)}' AS DECIMAL(${precision},${scale}))`;
const runs = { numRuns: 150 };

test("a decimal quotient is not a double's, and not truncated", async () => {
  await fc.assert(
    fc.asyncProperty(decimal(12), decimal(12), async (a, b) => {
      fc.pre(b.unscaled !== 0n);
      const scale = Math.max(a.scale, b.scale);
      const precision = Math.min(38, a.precision + b.scale + Math.max(b.scale - a.scale, 0));
      const expected = halfUp(a.unscaled * 10n ** BigInt(scale - a.scale + b.scale), b.unscaled);
      const { value, type } = await one(`SELECT ${sql(a)} / ${sql(b)}`);
      expect({ value, type }).toEqual({ value: pointed(expected, scale), type: `decimal(${precision},${scale})` });
    }),
    runs,
  );
});

test("a quotient by a literal is the quotient by the value", async () => {
  await fc.assert(
    fc.asyncProperty(decimal(18), fc.integer({ min: 1, max: 99_999 }), async (a, divisor) => {
      const { value } = await one(`SELECT ${sql(a)} / ${divisor}`);
      expect(value).toBe(pointed(halfUp(a.unscaled, BigInt(divisor)), a.scale));
    }),
    runs,
  );
});

test("AVG of decimals is exact, half up at the argument's scale", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 6 }),
      fc.array(fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }), { minLength: 1, maxLength: 12 }),
      async (scale, values) => {
        const rows = values.map((unscaled) => sql({ unscaled, precision: 18, scale })).join(", ");
        const { value, type } = await one(`SELECT avg(x) FROM (VALUES ${rows}) v(x)`);
        const total = values.reduce((sum, next) => sum + next, 0n);
        expect({ value, type }).toEqual({
          value: pointed(halfUp(total, BigInt(values.length)), scale),
          type: `decimal(18,${scale})`,
        });
      },
    ),
    runs,
  );
});

test("sums, differences and products keep every digit past DuckDB's 18", async () => {
  await fc.assert(
    fc.asyncProperty(decimal(18), decimal(18), fc.constantFrom("+", "-", "*"), async (a, b, op) => {
      const scale = op === "*" ? a.scale + b.scale : Math.max(a.scale, b.scale);
      const [x, y] = [a, b].map((side) => side.unscaled * 10n ** BigInt(op === "*" ? 0 : scale - side.scale)) as [
        bigint,
        bigint,
      ];
      const expected = op === "*" ? x * y : op === "+" ? x + y : x - y;
      expect((await one(`SELECT ${sql(a)} ${op} ${sql(b)}`)).value).toBe(pointed(expected, scale));
    }),
    runs,
  );
});

test("round, floor, ceil, truncate and casts go where Trino's go", async () => {
  await fc.assert(
    fc.asyncProperty(decimal(30), fc.integer({ min: 0, max: 8 }), async (a, places) => {
      const step = 10n ** BigInt(a.scale);
      const floor = a.unscaled / step - (a.unscaled < 0n && a.unscaled % step !== 0n ? 1n : 0n);
      const kept = Math.min(places, a.scale);
      const rounded = halfUp(a.unscaled, 10n ** BigInt(a.scale - kept)) * 10n ** BigInt(a.scale - kept);
      expect((await one(`SELECT round(${sql(a)}, ${places})`)).value).toBe(pointed(rounded, a.scale));
      expect((await one(`SELECT round(${sql(a)})`)).value).toBe(String(halfUp(a.unscaled, step)));
      expect((await one(`SELECT floor(${sql(a)})`)).value).toBe(String(floor));
      expect((await one(`SELECT ceil(${sql(a)})`)).value).toBe(String(a.unscaled % step === 0n ? floor : floor + 1n));
      expect((await one(`SELECT truncate(${sql(a)})`)).value).toBe(String(a.unscaled / step));
      expect((await one(`SELECT CAST(${sql(a)} AS decimal(38,${kept}))`)).value).toBe(
        pointed(halfUp(a.unscaled, 10n ** BigInt(a.scale - kept)), kept),
      );
      expect((await one(`SELECT CAST(${sql(a)} AS varchar)`)).value).toBe(pointed(a.unscaled, a.scale));
    }),
    { numRuns: 60 },
  );
});

test("a double is the nearest one to the decimal's digits, as Trino divides", async () => {
  await fc.assert(
    fc.asyncProperty(decimal(18), async (a) => {
      const { value } = await one(`SELECT CAST(${sql(a)} AS double)`);
      expect(Number(value)).toBe(Number(a.unscaled) / 10 ** a.scale);
    }),
    runs,
  );
});

test("division by zero is an error, of integers and of decimals", async () => {
  for (const divisor of ["0", "0.0", "(1 - 1)", "(0.5 - 0.5)"])
    for (const op of ["/", "%"]) await expect(one(`SELECT 7 ${op} ${divisor}`)).rejects.toThrow(/Division by zero/);
});

test("what 38 digits cannot hold is an error, never a wrong value", async () => {
  await expect(one("SELECT 99999999999999999999999999999999999999 * 10")).rejects.toThrow();
  await expect(one(`SELECT ${"9".repeat(30)}.5 / 0.000000000001`)).rejects.toThrow();
});
