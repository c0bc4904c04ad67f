import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as A from "@aws-sdk/client-athena";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { athena } from "../../packages/local/athena/index.ts";
import { glue } from "../../packages/local/glue/index.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState } from "../../packages/local/state.ts";
import { translate } from "../../packages/trino/index.ts";
import { serve } from "./glue-wire.ts";

const dir = mkdtempSync(join(tmpdir(), "athena-trino-"));
const state = openState(dir);
const catalog = glue(state, { run: async () => {}, onJobEvent: () => {} });
const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
const service = athena(state, { glue: catalog, s3: store, translate, output: "s3://results/athena/", threads: 2 });
let client: A.AthenaClient;
let stop: () => Promise<void>;

beforeAll(async () => {
  for (const bucket of ["lake", "results"]) store.createBucket(bucket);
  const server = await serve([service.service]);
  stop = server.stop;
  client = new A.AthenaClient({
    endpoint: server.url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  catalog.createDatabase({ Name: "bolsa" });
  catalog.createTable("bolsa", {
    Name: "cotacoes",
    TableType: "EXTERNAL_TABLE",
    PartitionKeys: [{ Name: "year", Type: "string" }],
    StorageDescriptor: {
      Location: "s3://lake/cotacoes/",
      Columns: [
        { Name: "ticker", Type: "string" },
        { Name: "data_pregao", Type: "date" },
        { Name: "volume_total", Type: "decimal(18,2)" },
        { Name: "total_negocios", Type: "int" },
      ],
    },
  });
  const maker = await openSession({ scratch: join(dir, "maker") });
  for (const year of [2023, 2024]) {
    const path = store.temporary();
    await maker.run(
      `COPY (SELECT * FROM (VALUES ('PETR4', DATE '${year}-01-02', 10.01::DECIMAL(18,2), 7), ('PETR4', DATE '${year}-01-03', 10.02, 8), ('VALE3', DATE '${year}-01-02', NULL, 9)) t(ticker, data_pregao, volume_total, total_negocios)) TO '${path}' (FORMAT parquet)`,
    );
    await store.putFile("lake", `cotacoes/run=1-jr_0/year=${year}/part-0.parquet`, path);
    catalog.service.operations.CreatePartition!(
      {
        DatabaseName: "bolsa",
        TableName: "cotacoes",
        PartitionInput: {
          Values: [String(year)],
          StorageDescriptor: { Location: `s3://lake/cotacoes/run=1-jr_0/year=${year}/` },
        },
      } as never,
      {} as never,
    );
  }
  maker.close();
});
afterAll(async () => {
  client.destroy();
  await stop();
  await service.close();
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

const run = async (QueryString: string) => {
  const { QueryExecutionId } = await client.send(
    new A.StartQueryExecutionCommand({
      QueryString,
      QueryExecutionContext: { Database: "bolsa", Catalog: "AwsDataCatalog" },
    }),
  );
  await new Promise<void>((resolve) => {
    const look = () => {
      if (service.busy()) return;
      state.changes.off("change", look);
      resolve();
    };
    state.changes.on("change", look);
    look();
  });
  const { QueryExecution } = await client.send(new A.GetQueryExecutionCommand({ QueryExecutionId }));
  if (QueryExecution!.Status!.State !== "SUCCEEDED") throw new Error(QueryExecution!.Status!.StateChangeReason);
  const { ResultSet } = await client.send(new A.GetQueryResultsCommand({ QueryExecutionId }));
  return {
    execution: QueryExecution!,
    types: ResultSet!.ResultSetMetadata!.ColumnInfo!.map((column) => column.Type),
    rows: ResultSet!.Rows!.map((row) => row.Data!.map((value) => value.VarCharValue ?? null)),
  };
};

test("the average of decimals is Trino's: a decimal of the same scale, half up, without nulls", async () => {
  const { rows, types } = await run(
    "SELECT ticker, avg(volume_total) AS volume_medio, count(*) AS pregoes, sum(total_negocios) / count(*) AS media FROM cotacoes WHERE year = '2024' GROUP BY ticker ORDER BY ticker",
  );
  expect(rows).toEqual([
    ["ticker", "volume_medio", "pregoes", "media"],
    ["PETR4", "10.02", "2", "7"],
    ["VALE3", null, "1", "9"],
  ]);
  expect(types).toEqual(["varchar", "decimal", "bigint", "bigint"]);
});

test("the whole name of a table is understood, and * has the partition keys last", async () => {
  const { rows } = await run(
    'SELECT * FROM "AwsDataCatalog"."bolsa"."cotacoes" WHERE ticker = \'VALE3\' ORDER BY year',
  );
  expect(rows).toEqual([
    ["ticker", "data_pregao", "volume_total", "total_negocios", "year"],
    ["VALE3", "2023-01-02", null, "9", "2023"],
    ["VALE3", "2024-01-02", null, "9", "2024"],
  ]);
});

test.each([
  ["SHOW TABLES", ["cotacoes"]],
  ["SHOW DATABASES", ["bolsa"]],
  ["SHOW PARTITIONS cotacoes", ["year=2023", "year=2024"]],
])("%s is answered from the catalog, as text without a header", async (statement, wanted) => {
  const { execution, rows } = await run(statement);
  expect(rows).toEqual(wanted.map((name) => [name]));
  expect(execution.StatementType).toBe("UTILITY");
  const location = execution.ResultConfiguration!.OutputLocation!;
  expect(location).toMatch(/\.txt$/);
  const { path } = store.path("results", location.slice("s3://results/".length))!;
  expect(readFileSync(path, "utf8")).toBe(`${wanted.join("\n")}\n`);
});

test.each([
  ["SELECT nothing FROM cotacoes", /COLUMN_NOT_FOUND: line 1:8/],
  ["SELECT ticker FROM gone", /TABLE_NOT_FOUND: line 1:20/],
  ["SELEC 1", /^line 1:1: /],
  ["SELECT 1 / 0 FROM cotacoes", /[Dd]ivision by zero/],
])("%s fails with a reason that says where", async (statement, reason) => {
  await expect(run(statement)).rejects.toThrow(reason);
});

const paths = [2023, 2024].map((year) => `s3://lake/cotacoes/run=1-jr_0/year=${year}/part-0.parquet`);

describe("the hidden column $path", () => {
  test("says where a row's file lies, and a filter by it finds the rows of one file", async () => {
    const { rows, types } = await run('SELECT "$path", count(*) AS n FROM cotacoes GROUP BY "$path" ORDER BY "$path"');
    expect(rows).toEqual([["$path", "n"], ...paths.map((path) => [path, "3"])]);
    expect(types).toEqual(["varchar", "bigint"]);
    const one = await run(
      `SELECT c.year, "$PATH" FROM cotacoes c WHERE c."$path" = '${paths[1]}' AND ticker = 'VALE3'`,
    );
    expect(one.rows).toEqual([
      ["year", "$PATH"],
      ["2024", paths[1]],
    ]);
  });

  test("is in no * and no DESCRIBE, in no derived table that does not name it, and in no table given other names", async () => {
    expect((await run("SELECT * FROM cotacoes LIMIT 1")).rows[0]).not.toContain("$path");
    expect((await run("DESCRIBE cotacoes")).rows.flat()).not.toContain("$path");
    const inner = await run("SELECT p FROM (SELECT \"$path\" AS p FROM cotacoes WHERE year = '2023') LIMIT 1");
    expect(inner.rows).toEqual([["p"], [paths[0]]]);
    await expect(run('SELECT "$path" FROM (SELECT * FROM cotacoes)')).rejects.toThrow("$path does not exist");
    await expect(run('SELECT "$path" FROM cotacoes AS t(a, b, c, d, e)')).rejects.toThrow("$path does not exist");
    await expect(run("SELECT $path FROM cotacoes")).rejects.toThrow('line 1:8: unexpected "$"');
  });

  test("belongs to its side of a join, and is ambiguous without a name", async () => {
    const { rows } = await run(
      "SELECT DISTINCT a.\"$path\", b.\"$path\" FROM cotacoes a JOIN cotacoes b ON a.ticker = b.ticker WHERE a.year = '2023' AND b.year = '2024'",
    );
    expect(rows.slice(1)).toEqual([paths]);
    await expect(run('SELECT "$path" FROM cotacoes a CROSS JOIN cotacoes b')).rejects.toThrow("ambiguous");
  });

  test("is the key's own text where its file could not lie under the key's name", async () => {
    const key = "avulsas/a\\b 'c'.parquet";
    await store.putFile("lake", key, await file(1));
    catalog.createTable("bolsa", {
      Name: "avulsas",
      TableType: "EXTERNAL_TABLE",
      StorageDescriptor: { Location: "s3://lake/avulsas/", Columns: [{ Name: "n", Type: "int" }] },
    });
    expect((await run('SELECT n, "$path" FROM avulsas')).rows.slice(1)).toEqual([["1", `s3://lake/${key}`]]);
    await store.putFile("lake", "avulsas/d.parquet", await file(2));
    expect((await run('SELECT n, "$path" FROM avulsas ORDER BY n')).rows.slice(1)).toEqual([
      ["1", `s3://lake/${key}`],
      ["2", "s3://lake/avulsas/d.parquet"],
    ]);
  });

  test("of a table without files has its type", async () => {
    catalog.createTable("bolsa", {
      Name: "vazia",
      TableType: "EXTERNAL_TABLE",
      StorageDescriptor: { Location: "s3://lake/vazia/", Columns: [{ Name: "n", Type: "int" }] },
    });
    expect(await run('SELECT "$path" FROM vazia')).toMatchObject({ rows: [["$path"]], types: ["varchar"] });
  });
});

/** A Parquet file with one row, n. */
const file = async (n: number): Promise<string> => {
  const path = store.temporary();
  const maker = await openSession({ scratch: join(dir, "maker") });
  await maker.run(`COPY (SELECT ${n} AS n) TO '${path}' (FORMAT parquet)`);
  maker.close();
  return path;
};

describe("objects that are no rows of their table", () => {
  const at = (name: string) => `s3://lake/cruas/dia=2024-01-0${name}`;
  const [junk, other, good] = [at("1/junk.parquet"), at("1/other.parquet"), at("1/good.parquet")];
  beforeAll(async () => {
    catalog.createTable("bolsa", {
      Name: "cruas",
      TableType: "EXTERNAL_TABLE",
      PartitionKeys: [{ Name: "dia", Type: "date" }],
      Parameters: {
        "projection.enabled": "true",
        "projection.dia.type": "date",
        "projection.dia.format": "yyyy-MM-dd",
        "projection.dia.range": "2024-01-01,2024-12-31",
      },
      StorageDescriptor: {
        Location: "s3://lake/cruas/",
        Columns: [
          { Name: "ticker", Type: "string" },
          { Name: "preco", Type: "decimal(18,2)" },
        ],
      },
    });
    const maker = await openSession({ scratch: join(dir, "maker") });
    const put = async (uri: string, sql: string | null) => {
      const path = store.temporary();
      if (sql) await maker.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
      else writeFileSync(path, "<html>not Parquet at all</html>");
      await store.putFile("lake", uri.slice("s3://lake/".length), path);
    };
    await put(junk, null);
    await put(other, "SELECT 'B' AS ticker, 1.5::DOUBLE AS preco");
    await put(good, "SELECT 'A' AS ticker, 1.5::DECIMAL(18,2) AS preco");
    for (let i = 0; i < 40; i++)
      await put(at(`2/${i}.parquet`), `SELECT 'C${i}' AS ticker, ${i}::DECIMAL(18,2) AS preco`);
    maker.close();
  });
  const count = async (where: string) => (await run(`SELECT count(preco) AS n FROM cruas ${where}`)).rows[1]?.[0];

  test("fail a plain query, even one that asks for no column, with their name", async () => {
    await expect(run("SELECT count(*) FROM cruas")).rejects.toThrow(`HIVE_BAD_DATA: ${junk} is no Parquet`);
    await expect(run("SELECT ticker FROM cruas LIMIT 1")).rejects.toThrow(junk);
    await expect(count(`WHERE "$path" <> '${junk}'`)).rejects.toThrow(
      `HIVE_BAD_DATA: column preco of bolsa.cruas: expected decimal(18,2), came DOUBLE in ${other}`,
    );
    await expect(count(`WHERE "$path" = '${junk}'`)).rejects.toThrow(junk);
  });

  test.each([
    [`WHERE "$path" NOT IN ('${junk}', '${other}')`, "41"],
    [`WHERE ("$path" <> '${junk}') AND NOT ("$path" = '${other}') AND ticker LIKE 'C%'`, "40"],
    [`WHERE "$path" = '${good}'`, "1"],
    [`WHERE "$path" IN ('${good}', '${at("2/7.parquet")}')`, "2"],
    ["WHERE dia > DATE '2024-01-01'", "40"],
    [`WHERE dia BETWEEN DATE '2024-01-01' AND DATE '2024-01-02' AND "$path" NOT IN ('${junk}', '${other}')`, "41"],
  ])("are not opened by a query that rules them out: %s", async (where, n) => {
    expect(await count(where)).toBe(n);
  });

  test("are ruled out for each reference to the table by itself", async () => {
    const readable = `"$path" NOT IN ('${junk}', '${other}')`;
    const joined = (left: string, right: string) =>
      run(
        `SELECT count(*) AS n FROM (SELECT ticker FROM cruas WHERE ${left}) l JOIN (SELECT ticker FROM cruas WHERE ${right}) w ON l.ticker = w.ticker`,
      );
    expect((await joined(readable, readable)).rows[1]).toEqual(["41"]);
    await expect(joined(readable, "ticker <> 'A'")).rejects.toThrow(junk);
    expect((await run(`SELECT count(DISTINCT "$path") AS n FROM cruas WHERE 1 = 1 AND ${readable}`)).rows[1]).toEqual([
      "41",
    ]);
  });
});
