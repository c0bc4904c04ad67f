import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { calendarDays } from "../../packages/core/calendar.ts";
import { duckdbType, trinoType } from "../../packages/core/columns.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { type Catalogue, translateQuery } from "../../packages/trino/index.ts";

// What carteira asks in Trino's dialect, over rows as they stand in the tables.

const tables = [bovespa, calendario, carteira].flatMap((dataset) => dataset.tables);
const views = { ...bovespa.views, ...carteira.views };
const DATABASE = carteira.database;
const columnsOf = (name: string) => {
  const table = tables.find((one) => one.name === name);
  return table && Object.entries({ ...table.columns, ...table.partitions });
};
const catalogue: Catalogue = {
  database: DATABASE,
  table: (_, name) => {
    const view = views[name];
    const columns = columnsOf(name)?.map(([column, { type }]) => ({ name: column, type }));
    if (!view) return columns ? { columns } : null;
    const its = Object.entries(view.columns).map(([column, { type }]) => ({ name: column, type: trinoType(type) }));
    return { columns: [], view: { sql: view.sql, catalogue: null, database: DATABASE, columns: its } };
  },
};

const dir = mkdtempSync(join(tmpdir(), "carteira-trino-"));
let session: Session;
const filled = ["carteira_refined", "carteira_sessoes", "bovespa_refined", "bovespa_metrics_pregao"];
const create = async (name: string) =>
  session.run(
    `CREATE TABLE ${DATABASE}.${name} (${columnsOf(name)!.map(([column, { type }]) => `"${column}" ${duckdbType(type)}`)})`,
  );
type Row = Record<string, string | number | boolean>;
const insert = async (name: string, rows: readonly Row[]) => {
  const names = Object.keys(rows[0]!);
  const values = rows.map((row) => `(${names.map((column) => `'${row[column]}'`)})`);
  await session.run(`INSERT INTO ${DATABASE}.${name} (${names}) VALUES ${values}`);
};
beforeAll(async () => {
  session = await openSession({ scratch: dir, threads: 1, memory: "500MB" });
  await session.run(`CREATE SCHEMA ${DATABASE}`);
  for (const name of [...filled, "calendario"]) await create(name);
  const days = calendarDays().filter(({ data }) => data > "2024-10" && data < "2025-03");
  await insert("calendario", days);
});
afterAll(() => {
  session.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const name of filled) await session.run(`DELETE FROM ${DATABASE}.${name}`);
});

const ask = (sql: string) => session.rows(translateQuery(sql, catalogue).sql);

/** Quantities by ticker, `A3 B3=20` of which A3 has 10. */
const papers = (text: string): [string, string][] =>
  text
    .split(" ")
    .map((one) => one.split("=") as [string, string?])
    .map(([ticker, n = "10"]) => [ticker, n]);
/** Some rows of a portfolio whose file states `stated` papers; null: they are of no file. */
const portfolio = async (
  indice: string,
  data: string,
  text: string,
  { stated = papers(text).length as number | null, mista = false } = {},
) => {
  const origin = { origin_sha256: `${indice}${data}`, source_version: data, scraped_at: `${data} 14:00:00` };
  const rows = papers(text);
  await insert(
    "carteira_refined",
    rows.map(([ticker, quantidade_teorica]) => ({
      ...{ indice, data_pregao: data, ticker, nome: ticker, quantidade_teorica, participacao: "10.000" },
      ...{ ...origin, ...(stated === null ? {} : { origin_rows: stated }), year: data.slice(0, 4) },
    })),
  );
  if (stated === null) return;
  const estado = rows.length === stated ? "completa" : "parcial";
  const counts = { linhas_esperadas: stated, linhas_vistas: rows.length, estado, mista, year: data.slice(0, 4) };
  await insert("carteira_sessoes", [{ indice, data_pregao: data, ...origin, ...counts }]);
};
/** A session's quotes: papers, at these prices. */
const quotes = async (data: string, text: string, { estado = "completa", mista = false } = {}) => {
  await insert(
    "bovespa_refined",
    papers(text).map(([ticker, preco]) => ({
      ...{ data_pregao: data, ticker, preco_ultimo: preco, distribuicao: 1, isin: ticker, year: data.slice(0, 4) },
    })),
  );
  await insert("bovespa_metrics_pregao", [{ data_pregao: data, estado, mista, year: data.slice(0, 4) }]);
};

describe("carteira_movimentos", () => {
  const moves = async (indice = "IBOV") =>
    (
      await ask(
        `SELECT data_anterior, data_pregao, ticker, movimento, variacao_quantidade, year FROM carteira_movimentos
         WHERE indice = '${indice}' AND movimento <> 'nenhum' ORDER BY data_pregao, ticker`,
      )
    ).map((row) => Object.values(row).join(" "));

  test("a paper that left comes back as an entry, not as one that was always there", async () => {
    await portfolio("IBOV", "2024-11-06", "A3 B3");
    await portfolio("IBOV", "2024-11-07", "A3");
    await portfolio("IBOV", "2024-11-08", "A3 B3=30");
    expect(await moves()).toEqual([
      "2024-11-06 2024-11-07 B3 saida -10 2024",
      "2024-11-07 2024-11-08 B3 entrada 30 2024",
    ]);
  });

  test("another index's dates are none of this one's", async () => {
    await portfolio("IBOV", "2024-11-06", "A3 B3");
    await portfolio("IBOV", "2024-11-08", "A3=11 B3");
    await portfolio("SMLL", "2024-11-05", "C3");
    await portfolio("SMLL", "2024-11-07", "C3 D3");
    await portfolio("SMLL", "2024-11-08", "D3");
    expect(await moves()).toEqual(["2024-11-06 2024-11-08 A3 quantidade 1 2024"]);
    expect(await moves("SMLL")).toEqual([
      "2024-11-05 2024-11-07 D3 entrada 10 2024",
      "2024-11-07 2024-11-08 C3 saida -10 2024",
    ]);
  });

  test("the turn of a year parts no two dates; a movement is of the new one's year", async () => {
    await portfolio("IBOV", "2024-12-30", "A3 B3");
    await portfolio("IBOV", "2025-01-02", "A3 C3");
    expect(await moves()).toEqual([
      "2024-12-30 2025-01-02 B3 saida -10 2025",
      "2024-12-30 2025-01-02 C3 entrada 10 2025",
    ]);
  });

  test("a portfolio that has not all come makes papers leave and come", async () => {
    await portfolio("IBOV", "2024-11-06", "A3 B3");
    await portfolio("IBOV", "2024-11-07", "A3", { stated: 2 });
    await portfolio("IBOV", "2024-11-08", "A3 B3=11");
    await portfolio("IBOV", "2024-11-11", "A3", { mista: true });
    await portfolio("IBOV", "2024-11-12", "B3", { stated: 2 });
    expect(await moves()).toEqual(["2024-11-06 2024-11-08 B3 quantidade 1 2024"]);
  });

  test("a test message is a portfolio of one paper, or an entry into a whole one", async () => {
    await portfolio("IBOV", "2024-11-06", "A3 B3");
    await portfolio("IBOV", "2024-11-07", "TESTE3", { stated: null });
    await portfolio("IBOV", "2024-11-08", "A3=11 B3");
    await portfolio("IBOV", "2024-11-08", "TESTE3", { stated: null });
    expect(await moves()).toEqual(["2024-11-06 2024-11-08 A3 quantidade 1 2024"]);
  });
});

describe("checks", () => {
  const found = async (name: string) =>
    (await ask(`SELECT sessao, ticker, detalhe FROM (${carteira.checks![name]!.sql}) x ORDER BY 1, 2, 3`)).map((row) =>
      Object.values(row).join(" "),
    );
  const outside = () => found("cotado_fora_da_carteira");
  const days = ["2024-11-13", "2024-11-14", "2024-11-18"] as const;
  const quoteAll = async () => {
    for (const day of days) await quotes(day, "A3 B3");
  };

  test("a quoted paper that one day's portfolio lost, between two sessions that have it, over a weekend and a holiday", async () => {
    await quoteAll();
    for (const day of days) await portfolio("IBOV", day, day === days[1] ? "A3" : "A3 B3");
    expect(await outside()).toEqual([
      `${days[1]} B3 IBOV: cotado, na carteira de ${days[0]} e na de ${days[2]}, fora da do dia`,
    ]);
  });

  test.each(days)("half of the portfolio of %s is taken for its papers", async (half) => {
    await quoteAll();
    for (const day of days)
      await portfolio("IBOV", day, day === days[1] ? "A3" : "A3 B3", day === half ? { stated: 3 } : {});
    expect(await outside()).toEqual([]);
  });

  test("a test message makes a portfolio's day", async () => {
    await quoteAll();
    await portfolio("IBOV", days[0], "A3 B3");
    await portfolio("IBOV", days[1], "A3", { stated: null });
    await portfolio("IBOV", days[2], "A3 B3");
    expect(await outside()).toEqual([]);
    await portfolio("SMLL", days[0], "A3 Z3", { stated: null });
    expect(await found("membro_sem_cotacao")).toEqual([]);
  });

  test("a paper that left and came back a rebalancing later, of which a few days are known, is told as lost", async () => {
    const sparse = ["2024-10-01", "2024-11-14", "2025-01-06"];
    for (const day of sparse) {
      await quotes(day, "A3 B3");
      await portfolio("IBOV", day, day === sparse[1] ? "A3" : "A3 B3");
    }
    expect(await outside()).toEqual([]);
    // The session before is known too, the one after is not.
    await portfolio("IBOV", "2024-11-13", "A3 B3");
    expect(await outside()).toEqual([]);
  });

  test.each([{ estado: "parcial" }, { mista: true }])("half a session's quotes are judged by: %j", async (half) => {
    for (const day of days) await quotes(day, "A3 B3", day === days[1] ? half : {});
    for (const day of days) await portfolio("IBOV", day, day === days[1] ? "A3 C3" : "A3 B3 C3");
    expect(await outside()).toEqual([]);
    expect((await found("membro_sem_cotacao")).map((one) => one.slice(0, 13))).toEqual(
      [days[0], days[2]].map((day) => `${day} C3`),
    );
  });
});

describe("queries", () => {
  const answer = async (name: string) => ask(carteira.queries[name]!.sql);

  test("the newest portfolio is one that has not all come, or a test message's", async () => {
    await portfolio("IBOV", "2024-11-06", "A3 B3");
    await portfolio("IBOV", "2024-11-07", "A3", { stated: 2 });
    await portfolio("IBOV", "2024-11-08", "TESTE3", { stated: null });
    await portfolio("SMLL", "2024-11-08", "C3");
    expect((await answer("carteira")).map(({ data_pregao, ticker }) => `${data_pregao} ${ticker}`)).toEqual([
      "2024-11-06 A3",
      "2024-11-06 B3",
    ]);
  });

  test("from the morning's portfolio until the evening's quotes nothing contributes", async () => {
    await quotes("2024-11-06", "A3=100 B3=100");
    await quotes("2024-11-07", "A3=110 B3=95");
    for (const day of ["2024-11-06", "2024-11-07", "2024-11-08"]) await portfolio("IBOV", day, "A3 B3");
    const of = async () =>
      (await answer("contribuicao")).map((row) => `${row.data_pregao} ${row.ticker} ${row.contribuicao}`);
    expect(await of()).toEqual(["2024-11-07 A3 1", "2024-11-07 B3 -0.5"]);
    await quotes("2024-11-08", "A3=110", { estado: "parcial" });
    expect(await of()).toEqual(["2024-11-07 A3 1", "2024-11-07 B3 -0.5"]);
  });
});
