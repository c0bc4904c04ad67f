import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as A from "@aws-sdk/client-athena";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { calendarDays } from "../../packages/core/calendar.ts";
import { duckdbType, trinoType } from "../../packages/core/columns.ts";
import type { Table } from "../../packages/core/table.ts";
import { topology } from "../../packages/core/topology.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { athena } from "../../packages/local/athena/index.ts";
import { glue, tableInput } from "../../packages/local/glue/index.ts";
import { s3 } from "../../packages/local/s3/index.ts";
import { openState } from "../../packages/local/state.ts";
import { translate } from "../../packages/trino/index.ts";
import { serve } from "../local/glue-wire.ts";

const dir = mkdtempSync(join(tmpdir(), "views-"));
const state = openState(dir);
const catalog = glue(state, { run: async () => {}, onJobEvent: () => {} });
const store = s3(state, { region: "sa-east-1", onEvent: () => {} });
const service = athena(state, { glue: catalog, s3: store, translate, output: "s3://results/", threads: 2 });
const DATABASE = "bovespa_database";
let client: A.AthenaClient;
let stop: () => Promise<void>;
let maker: Session;

const tables = datasets.flatMap((dataset) => dataset.tables);
type Row = Record<string, string | number | null>;
/** Puts rows into a table; columns that are not given are null. */
const fill = async (name: string, rows: readonly Row[]) => {
  const table = tables.find((one) => one.name === name) as Table;
  const json = join(dir, `${name}.json`);
  writeFileSync(json, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const all = { ...table.columns, ...table.partitions };
  const types = Object.entries(all).map(([column, { type }]) => `"${column}": '${duckdbType(type)}'`);
  const keys = Object.keys(table.partitions);
  const parts = Map.groupBy(rows, (row) => keys.map((key) => `${key}=${row[key]}/`).join(""));
  for (const [folder, members] of parts) {
    const path = store.temporary();
    const where = keys.map((key) => `"${key}" = '${members[0]![key]}'`).join(" AND ") || "true";
    await maker.run(
      `COPY (SELECT ${Object.keys(table.columns)
        .map((column) => `"${column}"`)
        .join(
          ", ",
        )} FROM read_json('${json}', format = 'newline_delimited', columns = {${types.join(", ")}}) WHERE ${where}) TO '${path}' (FORMAT parquet)`,
    );
    await store.putFile("lake", `refined/${name}/${folder}part.parquet`, path);
    if (keys.length)
      catalog.service.operations.CreatePartition!(
        {
          DatabaseName: DATABASE,
          TableName: name,
          PartitionInput: {
            Values: keys.map((key) => String(members[0]![key])),
            StorageDescriptor: { Location: `s3://lake/refined/${name}/${folder}` },
          },
        } as never,
        {} as never,
      );
  }
};

const quoted = (ticker: string, day: string, close: string, more: Row = {}): Row => ({
  ticker,
  data_pregao: day,
  preco_abertura: close,
  preco_maximo: close,
  preco_minimo: close,
  preco_ultimo: close,
  total_negocios: 10,
  quantidade_total: 100,
  volume_total: "1000.00",
  distribuicao: "101",
  isin: `BR${ticker}`,
  data_processamento: day,
  dias_corridos: 0,
  dias_uteis: 0,
  year: day.slice(0, 4),
  month: day.slice(5, 7),
  ...more,
});
const option = (ticker: string, kind: string, expires: string): Row =>
  quoted(ticker, "2024-11-08", "1.5", { tipo_mercado: kind, preco_exercicio: "30.000000", data_vencimento: expires });

beforeAll(async () => {
  for (const bucket of ["lake", "results"]) store.createBucket(bucket);
  const server = await serve([service.service]);
  stop = server.stop;
  client = new A.AthenaClient({
    endpoint: server.url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
  });
  maker = await openSession({ scratch: join(dir, "maker") });
  for (const database of topology(datasets, "intraday").databases) {
    catalog.createDatabase({ Name: database.name });
    for (const table of database.tables) catalog.createTable(database.name, tableInput(table, "lake"));
    for (const view of database.views) catalog.createTable(database.name, view);
  }
  await fill("calendario", calendarDays() as unknown as Row[]);
  await fill("bovespa_refined", [
    quoted("PETR4", "2023-12-28", "40.000000"),
    quoted("PETR4", "2024-01-02", "42.000000"),
    quoted("PETR4", "2024-01-03", "21.000000", { distribuicao: "102" }),
    quoted("PETR4", "2024-01-04", "10.500000", { distribuicao: "102" }),
    quoted("VALE3", "2024-01-04", "0.000000"),
    quoted("VALE3", "2024-01-05", "70.000000", { total_negocios: 32_000, quantidade_total: 3_000_000_000 }),
  ]);
  await fill("bovespa_derivativos", [
    option("PETRK300", "070", "2040-11-15"),
    option("PETRW300", "080", "2040-11-16"),
    option("PETRA1", "070", "2024-11-15"),
    option("PETR4T", "030", "2040-11-15"),
  ]);
});
afterAll(async () => {
  maker.close();
  client.destroy();
  await stop();
  await service.close();
  state.close();
  rmSync(dir, { recursive: true, force: true });
});

const ask = async (QueryString: string) => {
  const { QueryExecutionId } = await client.send(
    new A.StartQueryExecutionCommand({ QueryString, QueryExecutionContext: { Database: DATABASE } }),
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
  const columns = ResultSet!.ResultSetMetadata!.ColumnInfo!.map((column) => {
    const { Name, Type, Precision, Scale } = column;
    return {
      name: Name!,
      type: Type === "decimal" ? `decimal(${Precision},${Scale})` : Type === "timestamp" ? "timestamp(3)" : Type!,
    };
  });
  const rows = ResultSet!
    .Rows!.slice(1)
    .map((row) =>
      Object.fromEntries(row.Data!.map((cell, index) => [columns[index]!.name, cell.VarCharValue ?? null])),
    );
  return { columns, rows };
};

const views = datasets.flatMap((dataset) => Object.entries(dataset.views));

test.each(views)("the view %s gives the columns that it declares, each with its meaning", async (name, view) => {
  const { columns } = await ask(`SELECT * FROM ${name} LIMIT 1`);
  expect(columns).toEqual(
    Object.entries(view.columns).map(([column, { type }]) => ({ name: column, type: trinoType(type) })),
  );
  expect(Object.values({ ...view.columns, view }).filter(({ means }) => means.trim() === "")).toEqual([]);
  expect(tables.map((table) => table.name)).not.toContain(name);
});

test.each(views)(
  "what the query of %s gives is of the declared types before it is coerced to them",
  async (_, view) => {
    // Text of a known length becomes text; nothing else is changed on the way.
    const { columns } = await ask(view.sql);
    expect(columns).toEqual(
      Object.entries(view.columns).map(([column, { type }]) => ({ name: column, type: trinoType(type) })),
    );
  },
);

/** The day in São Paulo. */
const today = (): string => new Intl.DateTimeFormat("sv-SE", { timeZone: "America/Sao_Paulo" }).format(Date.now());

describe("bovespa", () => {
  test("days of bovespa_hoje count to today in São Paulo, not to the row's arrival", async () => {
    const before = today();
    const [row] = (await ask("SELECT * FROM bovespa_hoje WHERE ticker = 'PETR4' AND data_pregao = DATE '2024-01-02'"))
      .rows;
    const days = new Map(calendarDays().map((day) => [day.data, day]));
    const [now, session] = [days.get(row!.data_referencia!)!, days.get("2024-01-02")!];
    expect([before, today()]).toContain(row!.data_referencia);
    expect([row!.dias_corridos, row!.dias_uteis]).toEqual([
      String(now.dia - session.dia),
      String(now.indice_util - session.indice_util),
    ]);
    expect(Number(row!.dias_uteis)).toBeLessThan(Number(row!.dias_corridos));
    expect((await ask("SELECT count(*) AS n FROM bovespa_hoje")).rows).toEqual([{ n: "6" }]);
  });

  test("a variation is against the paper's own session before, over the turn of a year, and none of two prices that do not compare", async () => {
    const { rows } = await ask(
      "SELECT ticker, data_pregao, data_anterior, dias_desde_anterior, variacao, ex_direitos, variacao_ajustada FROM bovespa_variacao ORDER BY ticker, data_pregao",
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      ["PETR4", "2023-12-28", null, null, null, "false", null],
      ["PETR4", "2024-01-02", "2023-12-28", "5", "0.050000000000000044", "false", "0.050000000000000044"],
      ["PETR4", "2024-01-03", "2024-01-02", "1", "-0.5", "true", null],
      ["PETR4", "2024-01-04", "2024-01-03", "1", "-0.5", "false", "-0.5"],
      ["VALE3", "2024-01-04", null, null, null, "false", null],
      ["VALE3", "2024-01-05", "2024-01-04", "1", null, "false", null],
    ]);
  });

  test("the newest quote of each paper, and its months", async () => {
    expect((await ask("SELECT ticker, data_pregao, preco_ultimo FROM bovespa_ultimo ORDER BY ticker")).rows).toEqual([
      { ticker: "PETR4", data_pregao: "2024-01-04", preco_ultimo: "10.500000" },
      { ticker: "VALE3", data_pregao: "2024-01-05", preco_ultimo: "70.000000" },
    ]);
    expect((await ask("SELECT * FROM bovespa_mensal WHERE ticker = 'PETR4' AND year = '2024'")).rows).toEqual([
      {
        ticker: "PETR4",
        year: "2024",
        month: "01",
        primeiro_pregao: "2024-01-02",
        ultimo_pregao: "2024-01-04",
        pregoes: "3",
        preco_abertura: "42.000000",
        preco_maximo: "42.000000",
        preco_minimo: "10.500000",
        preco_ultimo: "10.500000",
        total_negocios: "30",
        quantidade_total: "300",
        volume_total: "3000.00",
      },
    ]);
  });

  test("open options are those that have not expired, with the days that are left", async () => {
    const { rows } = await ask(
      "SELECT ticker, tipo, dias_corridos_vencimento, dias_uteis_vencimento FROM bovespa_opcoes_abertas ORDER BY ticker",
    );
    expect(rows.map(({ ticker, tipo }) => [ticker, tipo])).toEqual([
      ["PETRK300", "compra"],
      ["PETRW300", "venda"],
    ]);
    const days = new Map(calendarDays().map((day) => [day.data, day]));
    const [now, end] = [days.get(today())!, days.get("2040-11-15")!];
    expect(Number(rows[0]!.dias_uteis_vencimento)).toBe(end.indice_util - now.indice_util);
    expect(Number(rows[0]!.dias_corridos_vencimento)).toBe(end.dia - now.dia);
  });
});
