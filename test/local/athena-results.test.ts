import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { javaDouble } from "../../packages/engines/duckdb/text.ts";
import { type Cells, readRows, resultWriter } from "../../packages/local/athena/results.ts";

const dir = mkdtempSync(join(tmpdir(), "results-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const cell = fc.option(
  fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("", '"', ",", "\n", '",\n"', '""', "é€😀", "NULL")),
  { freq: 4 },
);

describe("result files", () => {
  test("every page of every result is the rows that were written, nulls and line breaks included", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 3 })
          .chain((width) =>
            fc.tuple(
              fc.array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 8 }),
              fc.integer({ min: 0, max: 300 }),
              fc.integer({ min: 1, max: 1000 }),
            ),
          ),
        async ([some, times, size]) => {
          const rows: Cells[] = Array.from({ length: times }, () => some).flat();
          const header = (some[0] ?? ["x"]).map((_, n) => `c"${n}`);
          const path = join(dir, "r.csv");
          const writer = await resultWriter(path, "csv", header);
          for (let at = 0; at < rows.length; at += 2048) await writer.add(rows.slice(at, at + 2048));
          const index = await writer.end();
          expect(index.rows).toBe(rows.length + 1);
          const read: Cells[] = [];
          for (let from = 0; from < index.rows; from += size) read.push(...(await readRows(path, index, from, size)));
          expect(read).toEqual([header, ...rows]);
          expect(await readRows(path, index, index.rows, 10)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [-1.5, "-1.5"],
    [100, "100.0"],
    [0.001, "0.001"],
    [0.000999, "9.99E-4"],
    [9999999, "9999999.0"],
    [1e7, "1.0E7"],
    [12345678.9, "1.23456789E7"],
    [1e21, "1.0E21"],
    [0.1 + 0.2, "0.30000000000000004"],
    [Number.MIN_VALUE, "4.9E-324"],
    [Number.MAX_VALUE, "1.7976931348623157E308"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("the double %s is spelled as Java spells it", (value, text) => {
    expect(javaDouble(value)).toBe(text);
  });
});
