import { writeFileSync } from "node:fs";
import * as A from "@aws-sdk/client-athena";
import { describe, expect, test } from "vitest";
import { declare, open, partition, put, rows, start, until } from "./athena.fixture.ts";

describe("tables", () => {
  test("partition values come from the catalog, whatever the path says", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { year: "string", n: "int" });
    await put(stack, "t/run=1/year=2023/n=1/a.parquet", "SELECT 1 AS a");
    await put(stack, "elsewhere/x/a.parquet", "SELECT 2 AS a");
    await put(stack, "t/run=1/year=1999/n=9/a.parquet", "SELECT 3 AS a");
    await put(stack, "t/run=2/year=2026/n=4/a.parquet", "SELECT 4 AS a, 'wrong' AS year");
    await put(stack, "t/run=2/year=x/n=5/a.parquet", "SELECT 5 AS a");
    partition(stack, "t", ["2023", "1"], "s3://lake/t/run=1/year=2023/n=1/");
    partition(stack, "t", ["2024", "2"], "s3://lake/elsewhere/x");
    partition(stack, "t", ["2025", "3"], "s3://lake/t/run=1/year=1999/n=9/");
    partition(stack, "t", ["2026", "4"], "s3://lake/t/run=2/year=2026/n=4/");
    partition(stack, "t", ["__HIVE_DEFAULT_PARTITION__", "5"], "s3://lake/t/run=2/year=x/n=5/");
    const all = '-- db.t | a integer, year varchar, n integer\nSELECT * FROM "db"."t"';
    expect(await rows(stack, `${all} ORDER BY a`)).toEqual([
      ["1", "2023", "1"],
      ["2", "2024", "2"],
      ["3", "2025", "3"],
      ["4", "2026", "4"],
      ["5", null, "5"],
    ]);
    expect(await rows(stack, `${all} WHERE year = '2025'`)).toEqual([["3", "2025", "3"]]);
    expect(await rows(stack, `${all} WHERE n = 1`)).toEqual([["1", "2023", "1"]]);
    expect(await rows(stack, `${all} WHERE year IS NULL`)).toEqual([["5", null, "5"]]);
  });

  test("a column that the folder's names happen to spell is read from the file", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", run: "string" }, { year: "string" });
    await put(stack, "t/run=1/year=2023/a.parquet", "SELECT 1 AS a, 'file' AS run");
    partition(stack, "t", ["2023"], "s3://lake/t/run=1/year=2023/");
    expect(await rows(stack, '-- db.t | a integer, run varchar, year varchar\nSELECT * FROM "db"."t"')).toEqual([
      ["1", "file", "2023"],
    ]);
  });

  test("names with characters that mean something to SQL or to DuckDB's patterns are only names", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { k: "string" });
    const odd = 'it\'s *[x]? "q" é';
    await put(stack, "t/k=p/f[1]*?'.parquet", "SELECT 1 AS a");
    await put(stack, "t/k=p/f1.parquet", "SELECT 2 AS a");
    await put(stack, "t/k=p/{f1,f2}.parquet", "SELECT 3 AS a");
    await put(stack, "t/k=p/f\\1.parquet", "SELECT 4 AS a");
    await put(stack, "t/k=p/$f%20 ~.parquet", "SELECT 5 AS a");
    partition(stack, "t", [odd], "s3://lake/t/k=p/");
    expect(await rows(stack, '-- db.t | a integer, k varchar\nSELECT * FROM "db"."t" ORDER BY a')).toEqual([
      ["1", odd],
      ["2", odd],
      ["3", odd],
      ["4", odd],
      ["5", odd],
    ]);
  });

  test("a table without files has its columns and no rows", async () => {
    const stack = await open();
    declare(stack, "t", { a: "decimal(18,6)", d: "date" }, { year: "string" });
    const query = '-- db.t | a decimal(18,6), d date, year varchar\nSELECT * FROM "db"."t"';
    expect(await rows(stack, query)).toEqual([]);
    partition(stack, "t", ["2024"], "s3://lake/t/year=2024/");
    await put(stack, "t/year=2024/_SUCCESS", "SELECT 1 AS other");
    expect(await rows(stack, query)).toEqual([]);
  });

  test("a file without a column has nulls there; a later one with it has its values", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", b: "string", c: "bigint" });
    await put(stack, "t/1.parquet", "SELECT 1 AS a");
    await put(stack, "t/2.parquet", "SELECT 'x' AS B, 2 AS A, 7::INTEGER AS c, 0 AS extra");
    expect(await rows(stack, '-- db.t | a integer, b varchar, c bigint\nSELECT * FROM "db"."t" ORDER BY a')).toEqual([
      ["1", null, null],
      ["2", "x", "7"],
    ]);
  });

  test("a file whose column has another type fails the query that reads it, with its name", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int", b: "decimal(18,6)" }, { year: "string" });
    await put(stack, "t/year=2023/1.parquet", "SELECT 1 AS a, 1.5::DECIMAL(18,6) AS b");
    await put(stack, "t/year=2024/2.parquet", "SELECT 2 AS a, 1.5::DOUBLE AS b");
    for (const year of ["2023", "2024"]) partition(stack, "t", [year], `s3://lake/t/year=${year}/`);
    const sql = (what: string) =>
      `-- db.t | x ${what === "b" ? "decimal(18,6)" : "integer"}\nSELECT ${what} FROM "db"."t"`;
    await expect(rows(stack, sql("b"))).rejects.toThrow(
      /HIVE_BAD_DATA: column b of db.t: expected decimal\(18,6\), came DOUBLE in .*2\.parquet/,
    );
    await expect(rows(stack, '-- db.t | n bigint\nSELECT count(b) FROM "db"."t"')).rejects.toThrow("HIVE_BAD_DATA");
    await expect(rows(stack, '-- db.t | n integer\nSELECT a FROM "db"."t" WHERE b > 0')).rejects.toThrow(
      "HIVE_BAD_DATA",
    );
    expect(await rows(stack, `${sql("a")} ORDER BY 1`)).toEqual([["1"], ["2"]]);
    expect(await rows(stack, `${sql("b")} WHERE year = '2023'`)).toEqual([["1.500000"]]);
  });

  test("a file that is no Parquet fails the query with its name", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" });
    const path = stack.store.temporary();
    writeFileSync(path, "this is no parquet file");
    await stack.store.putFile("lake", "t/1.parquet", path);
    await expect(rows(stack, '-- db.t | a integer\nSELECT a FROM "db"."t"')).rejects.toThrow(
      /HIVE_BAD_DATA: .*1\.parquet/,
    );
  });

  test("a key that was written anew is read anew", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" });
    const query = '-- db.t | a integer\nSELECT a FROM "db"."t"';
    for (const value of [1, 2, 3]) {
      await put(stack, "t/1.parquet", `SELECT ${value} AS a`);
      expect(await rows(stack, query)).toEqual([[String(value)]]);
    }
    await put(stack, "t/1.parquet", "SELECT 'x' AS a");
    await expect(rows(stack, query)).rejects.toThrow("HIVE_BAD_DATA");
  });

  test("timestamps are rounded to milliseconds, half up, before 1970 too", async () => {
    const stack = await open();
    declare(stack, "t", { ts: "timestamp" });
    await put(
      stack,
      "t/1.parquet",
      "SELECT unnest([TIMESTAMP '2024-11-08 01:02:03.1235', TIMESTAMP '2024-11-08 01:02:03.123499', TIMESTAMP '1969-12-31 23:59:59.9985', TIMESTAMP '1969-12-31 23:59:59.998499']) AS ts",
    );
    await put(stack, "t/2.parquet", "SELECT TIMESTAMPTZ '2024-11-08 00:00:00-03' AS ts");
    expect(await rows(stack, '-- db.t | ts timestamp(3)\nSELECT ts FROM "db"."t"')).toEqual([
      ["2024-11-08 01:02:03.124"],
      ["2024-11-08 01:02:03.123"],
      ["1969-12-31 23:59:59.999"],
      ["1969-12-31 23:59:59.998"],
      ["2024-11-08 03:00:00.000"],
    ]);
  });

  test("a projected date partition is read from the folders, within its range; what is registered is not looked at", async () => {
    const stack = await open({ now: () => Date.parse("2024-11-10T23:30:00Z") });
    declare(
      stack,
      "raw",
      { a: "int" },
      { ingest_date: "date" },
      {
        Parameters: {
          "projection.enabled": "true",
          "projection.ingest_date.type": "date",
          "projection.ingest_date.format": "yyyy-MM-dd",
          "projection.ingest_date.range": "2024-11-01,NOW",
          "storage.location.template": "s3://lake/raw/ingest_date=$" + "{ingest_date}/",
        },
      },
    );
    for (const [n, day] of ["2024-10-31", "2024-11-01", "2024-11-10", "2024-11-11", "other"].entries())
      await put(stack, `raw/ingest_date=${day}/${n}.parquet`, `SELECT ${n} AS a`);
    expect(await rows(stack, '-- db.raw | a integer, ingest_date date\nSELECT * FROM "db"."raw" ORDER BY a')).toEqual([
      ["1", "2024-11-01"],
      ["2", "2024-11-10"],
    ]);
  });

  test("a table that cannot be answered faithfully is refused by name", async () => {
    const stack = await open();
    declare(stack, "list", { a: "array<int>" });
    declare(stack, "view", {}, {}, { TableType: "VIRTUAL_VIEW", ViewOriginalText: "SELECT 1" });
    await expect(rows(stack, "-- db.list | a integer\nSELECT 1")).rejects.toThrow("NOT_SUPPORTED: column a of db.list");
    await expect(rows(stack, "-- db.view | a integer\nSELECT 1")).rejects.toThrow("db.view is a view of Hive's");
  });

  test("many queries at once each get their own answer", async () => {
    const stack = await open({ concurrency: 3 });
    declare(stack, "t", { a: "int" }, { year: "string" });
    for (const year of [2022, 2023, 2024]) {
      await put(stack, `t/year=${year}/1.parquet`, `SELECT ${year} AS a`);
      partition(stack, "t", [String(year)], `s3://lake/t/year=${year}/`);
    }
    const ids = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        start(stack, `-- db.t | a integer, n integer\nSELECT a, ${n} FROM "db"."t" WHERE year = '${2022 + (n % 3)}'`),
      ),
    );
    await until(stack.state, () => !stack.service.busy());
    for (const [n, QueryExecutionId] of ids.entries()) {
      const page = await stack.client.send(new A.GetQueryResultsCommand({ QueryExecutionId }));
      expect(page.ResultSet!.Rows![1]!.Data!.map((cell) => cell.VarCharValue)).toEqual([
        String(2022 + (n % 3)),
        String(n),
      ]);
    }
  });
});
