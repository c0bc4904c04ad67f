import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Dataset } from "../../packages/core/dataset.ts";
import { disagreement, parseReport } from "../../packages/core/report.ts";
import { attemptFolder, type Run, recipeKey, runKey } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { bovespaRefined } from "../../packages/datasets/bovespa/tables/refined.ts";
import { rowOf } from "../engines-duckdb/cotahist.ts";
import { closeLake, type Lake, land, newLake, publish, runOf } from "../engines-duckdb/lake.ts";
import { runPython } from "./python.ts";
import { differing, rowsOf } from "./refine.rows.ts";

/** Spark on a machine that has other work to do, too. */
const LONG = 600_000;

/** Two tables that keep what they had and take what arrives; the second only of one ticker, and forgets it. */
const { data_pregao, quantidade_total, scraped_at } = bovespaRefined.columns;
const columns = { data_pregao, quantidade_total, scraped_at };
const year = bovespaRefined.partitions.year!;
const ticker = bovespaRefined.columns.ticker!;
const arriving = `SELECT datpre AS data_pregao, quatot AS quantidade_total, scraped_at,
  SUBSTR(CAST(datpre AS STRING), 1, 4) AS year, codneg AS ticker FROM raw`;
const small: Dataset = {
  ...bovespa,
  tables: [
    { ...bovespaRefined, name: "kept", columns, partitions: { year, ticker }, sort: ["data_pregao"] },
    {
      ...bovespaRefined,
      name: "passing",
      columns: { ...columns, ticker },
      partitions: { year },
      sort: ["data_pregao"],
    },
  ],
  steps: [
    {
      name: "kept",
      table: true,
      sql: `${arriving} UNION ALL SELECT data_pregao, quantidade_total, scraped_at, year, ticker FROM atual_kept`,
    },
    {
      name: "accounts",
      sql: "SELECT COUNT(*) AS rows_read, COUNT(*) AS rows_new, 0 AS rows_superseded, 0 AS rows_duplicate FROM raw",
    },
    { name: "passing", table: true, sql: `${arriving} WHERE codneg = 'A B'` },
  ],
  audits: [],
};

const lakes: Lake[] = [];
afterEach(() => lakes.splice(0).forEach(closeLake));
const lakeOf = async (): Promise<Lake> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "spark-s3-")), small);
  lakes.push(lake);
  return lake;
};
const names = small.tables.map((t) => t.name);

test(
  "on s3:// as on Glue: one file a partition under our names, nothing else in the attempt's folder",
  async () => {
    const [duckdb, spark] = [await lakeOf(), await lakeOf()];
    // What Spark and we escape in a path differs.
    const tickers = ["PETR4", "A B", "Ç~3", "X%20", "it's", "a+b&c"];
    const rows = tickers.map((name, i) => rowOf(bovespa.raw!.sample(name, "2024-11-08", i), {}));
    for (const lake of [duckdb, spark]) await publish(lake, runOf(lake, [await land(lake, "a", rows)], ["2024"]));
    const more = rows
      .filter((row) => row.codneg !== "A B")
      .map((row, i) => ({ ...row, event_id: `${row.event_id}`.slice(1), quatot: String(7 + i), datpre: "2024-11-07" }));
    const runs: Run[] = [];
    for (const lake of [duckdb, spark]) runs.push(runOf(lake, [await land(lake, "b", more)], ["2024"]));
    await publish(duckdb, runs[0]!);

    const run = runs[1]!;
    for (const [key, value] of [
      [runKey("bovespa", run.run), run],
      [recipeKey("bovespa", run.recipe), spark.recipe],
    ] as const) {
      const path = join(spark.dir, "state", key);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, JSON.stringify(value));
    }
    const script = join(import.meta.dirname, "spark_s3.py");
    const args = [spark.dir, "bovespa", String(run.run), "jr_2"];
    const { stdout } = await runPython(script, args, { timeoutMs: LONG });
    const report = parseReport(JSON.parse(stdout), "report");
    const files: Record<string, number> = {};
    for (const name of names) {
      const folder = attemptFolder(name, run.run, "jr_2");
      for (const path of readdirSync(join(spark.dir, "lake", folder), { recursive: true, encoding: "utf8" })) {
        const found = statSync(join(spark.dir, "lake", folder, path));
        if (found.isFile()) files[folder + path] = found.size;
      }
    }
    expect(disagreement(run, { attempt: "jr_2", report, files }, names, "year")).toBeNull();
    for (const [partition, { folder }] of Object.entries(report.tables.kept!))
      expect(folder).toBe(`${attemptFolder("kept", run.run, "jr_2")}${partition}/`);
    expect(Object.keys(report.tables.kept!)).toHaveLength(tickers.length);
    expect(report.tables.passing!["year=2024"]!.files).toMatchObject([{ rows: 0 }]);
    spark.tables = report.tables;
    expect(differing(await rowsOf(duckdb), await rowsOf(spark))).toEqual([]);
  },
  LONG,
);
