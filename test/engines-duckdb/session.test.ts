import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { literal, openSession, quoted } from "../../packages/engines/duckdb/session.ts";

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "session-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

describe("a DuckDB session", () => {
  test("gives money and 64-bit integers as exact text, never as doubles", async () => {
    const session = await openSession({ scratch });
    const rows = await session.rows(
      `SELECT 12345678901234567.89::DECIMAL(19,2) AS voltot, 9007199254740993::BIGINT AS quatot, count(*) AS n,
        DATE '2024-11-08' AS d, TIMESTAMP '2024-11-08 22:11:00.123' AS t, 7 AS i, 0.5::DOUBLE AS x, NULL AS nothing, true AS b`,
    );
    session.close();
    expect(rows).toEqual([
      {
        voltot: "12345678901234567.89",
        quatot: "9007199254740993",
        n: "1",
        d: "2024-11-08",
        t: "2024-11-08 22:11:00.123",
        i: 7,
        x: 0.5,
        nothing: null,
        b: true,
      },
    ]);
  });

  test("reads and writes instants as UTC whatever the machine's zone is", async () => {
    const before = process.env.TZ;
    process.env.TZ = "America/Sao_Paulo";
    try {
      const session = await openSession({ scratch });
      const [row] = await session.rows(
        "SELECT current_setting('TimeZone') AS zone, '2024-11-08 00:30:00+00'::TIMESTAMPTZ::DATE AS day",
      );
      session.close();
      expect(row).toEqual({ zone: "UTC", day: "2024-11-08" });
    } finally {
      process.env.TZ = before;
    }
  });

  test("binds parameters, so that a quote in a ticker is no SQL", async () => {
    const session = await openSession({ scratch });
    expect(await session.rows("SELECT $1 AS a, $2 AS b", ["O'X", 3])).toEqual([{ a: "O'X", b: 3 }]);
    expect(await session.rows(`SELECT ${literal("O'X")} AS ${quoted('a"b')}`)).toEqual([{ 'a"b': "O'X" }]);
    session.close();
  });

  test("does not fetch extensions from the network", async () => {
    const session = await openSession({ scratch });
    const rows = await session.rows(
      "SELECT name, value FROM duckdb_settings() WHERE name IN ('autoinstall_known_extensions', 'autoload_known_extensions') ORDER BY name",
    );
    session.close();
    expect(rows.map((row) => row.value)).toEqual(["false", "false"]);
  });

  test("spills into a folder of its own and leaves nothing behind", async () => {
    const [one, two] = [
      await openSession({ scratch, memory: "64MB", threads: 1 }),
      await openSession({ scratch, memory: "64MB", threads: 1 }),
    ];
    expect(readdirSync(scratch)).toHaveLength(2);
    for (const session of [one, two])
      expect(
        await session.rows(
          "SELECT count(*) AS n FROM (SELECT DISTINCT i, i::VARCHAR || repeat('x', 40) FROM range(1500000) t(i))",
        ),
      ).toEqual([{ n: "1500000" }]);
    one.close();
    two.close();
    two.close();
    expect(readdirSync(scratch)).toEqual([]);
    expect(existsSync(scratch)).toBe(true);
  });
});
