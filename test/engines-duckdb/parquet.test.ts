import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ParquetColumn, writeParquet } from "../../packages/engines/duckdb/parquet.ts";
import { literal, openSession, type Session } from "../../packages/engines/duckdb/session.ts";

let scratch: string;
let session: Session;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "parquet-"));
  session = await openSession({ scratch });
});
afterAll(() => {
  session.close();
  rmSync(scratch, { recursive: true, force: true });
});

const columns: ParquetColumn[] = [
  { name: "ticker", type: "string" },
  { name: "fatcot", type: "int" },
  { name: "quatot", type: "bigint" },
  { name: "razao", type: "double" },
  { name: "ativo", type: "boolean" },
  { name: "datpre", type: "date" },
  { name: "scraped_at", type: "timestamp" },
  { name: "preco", type: "decimal(18,6)" },
  { name: "voltot", type: "decimal(38,2)" },
];
const full = [
  "PETR4",
  -2147483648,
  9223372036854775807n,
  0.1,
  true,
  20035,
  1731103860123456n,
  -123456789012345678n,
  10n ** 38n - 1n,
];

describe("a Parquet file", () => {
  test("holds every type exactly, for DuckDB and for a reader that is not ours", async () => {
    const file = join(scratch, "types.parquet");
    const empty = columns.map(() => null);
    expect(
      await writeParquet(session, file, { columns, batches: [columns.map((_, c) => [full[c]!, empty[c]!])] }),
    ).toBe(2);
    expect(await session.rows(`SELECT * FROM ${literal(file)}`)).toEqual([
      {
        ticker: "PETR4",
        fatcot: -2147483648,
        quatot: "9223372036854775807",
        razao: 0.1,
        ativo: true,
        datpre: "2024-11-08",
        scraped_at: "2024-11-08 22:11:00.123456",
        preco: "-123456789012.345678",
        voltot: `${"9".repeat(36)}.99`,
      },
      Object.fromEntries(columns.map(({ name }) => [name, null])),
    ]);
    const [row] = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    expect(row).toMatchObject({
      ticker: "PETR4",
      fatcot: -2147483648,
      quatot: 9223372036854775807n,
      datpre: new Date("2024-11-08"),
      scraped_at: new Date("2024-11-08T22:11:00.123Z"),
    });
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    const stamp = schema.find((element) => element.name === "scraped_at");
    expect(stamp).toMatchObject({ type: "INT64", logical_type: { type: "TIMESTAMP", unit: "MICROS" } });
  });

  test("keeps NUL, emoji and quotes in text, and the order of rows across batches of any size", async () => {
    const file = join(scratch, "text.parquet");
    const texts = Array.from({ length: 5000 }, (_, i) => `${i} \u0000 😀 "çã" ${"x".repeat(i % 30)}`);
    const column = [{ name: "t", type: "string" as const }];
    async function* batches() {
      yield [texts.slice(0, 1)];
      yield [texts.slice(1, 4500)];
      yield [[]];
      yield [texts.slice(4500)];
    }
    expect(await writeParquet(session, file, { columns: column, batches: batches(), rowGroup: 2048 })).toBe(5000);
    const back = await parquetReadObjects({ file: await asyncBufferFromFile(file) });
    expect(back.map((row) => row.t)).toEqual(texts);
    const { row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    expect(row_groups.map((group) => Number(group.num_rows))).toEqual([2048, 2048, 904]);
  });

  test("of no rows is a file with columns, unless none is wanted", async () => {
    const [file, none] = [join(scratch, "empty.parquet"), join(scratch, "none.parquet")];
    expect(await writeParquet(session, file, { columns, batches: [] })).toBe(0);
    expect(await session.rows(`SELECT count(*) AS n, count(ticker) AS t FROM ${literal(file)}`)).toEqual([
      { n: "0", t: "0" },
    ]);
    expect(await writeParquet(session, none, { columns, batches: [], unlessEmpty: true })).toBe(0);
    expect(existsSync(none)).toBe(false);
  });

  test.each([
    ["an integer out of range", 1, 2147483648],
    ["a fraction in an integer column", 1, 0.5],
    ["a bigint of more than 64 bits", 2, 2n ** 63n],
    ["a decimal of too many digits", 7, 10n ** 18n],
  ])("refuses %s instead of wrapping it, and leaves no table behind", async (_what, at, value) => {
    const row = columns.map((_, c) => [c === at ? value : full[c]!]);
    await expect(writeParquet(session, join(scratch, "bad.parquet"), { columns, batches: [row] })).rejects.toThrow();
    expect(await session.rows("SELECT count(*) AS n FROM duckdb_tables()")).toEqual([{ n: "0" }]);
    expect(existsSync(join(scratch, "bad.parquet"))).toBe(false);
  });

  test("refuses columns of different lengths, which would shift one row's values to another", async () => {
    const ragged = columns.map((_, c) => (c === 3 ? [] : [full[c]!]));
    await expect(writeParquet(session, join(scratch, "r.parquet"), { columns, batches: [ragged] })).rejects.toThrow(
      /expected 9 columns/,
    );
  });
});
