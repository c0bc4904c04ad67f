import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { rowOf } from "../engines-duckdb/cotahist.ts";
import { closeLake, type Lake, land, newLake, publish, published, runOf } from "../engines-duckdb/lake.ts";

let lakes: Lake[] = [];
beforeEach(() => {
  lakes = [];
});
afterEach(() => {
  for (const lake of lakes) closeLake(lake);
});
const lakeOf = async (dataset: Dataset = bovespa): Promise<Lake> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "refine-")), dataset);
  lakes.push(lake);
  return lake;
};
/** Publishes rows in one run over an empty lake; years from the rows. */
const refined = async (rows: WireRecord[], dataset?: Dataset, lake?: Lake) => {
  const into = lake ?? (await lakeOf(dataset));
  const years = [...new Set(rows.map((row) => String(row.datpre).slice(0, 4)))];
  const report = await publish(into, runOf(into, [await land(into, `run${into.run}`, rows)], years));
  return { lake: into, report, laws: report.audit.map((f) => `${f.severity} ${f.law} ${f.session ?? "-"}`) };
};
const sample = (ticker: string, session: string, change: WireRecord = {}): WireRecord =>
  rowOf(bovespa.raw!.sample(ticker, session, 0), change);

describe("a refined row", () => {
  test("prices are per unit, exact, for every quote factor", async () => {
    const rows = [1, 10, 100, 1000, 10_000].map((fatcot, i) =>
      sample(`FATC${i}`, "2024-11-08", {
        fatcot,
        preult: "36.65",
        premin: "0.01",
        premax: "99999999999.99",
        preexe: "12.34",
      }),
    );
    const { lake } = await refined([
      ...rows,
      ...rows.map((row, i) => rowOf({ ...row, tpmerc: "070", event_id: `o${i}` })),
    ]);
    const of = async (table: string, column: string) =>
      (await published(lake, table, `ticker, CAST(${column} AS VARCHAR) AS v`, "ORDER BY ticker")).map((r) => r.v);
    expect(await of("bovespa_refined", "preco_ultimo")).toEqual([
      "36.650000",
      "3.665000",
      "0.366500",
      "0.036650",
      "0.003665",
    ]);
    expect(await of("bovespa_refined", "preco_minimo")).toEqual([
      "0.010000",
      "0.001000",
      "0.000100",
      "0.000010",
      "0.000001",
    ]);
    expect((await of("bovespa_refined", "preco_maximo"))[0]).toBe("99999999999.990000");
    expect(await of("bovespa_derivativos", "preco_exercicio")).toEqual([
      "12.340000",
      "1.234000",
      "0.123400",
      "0.012340",
      "0.001234",
    ]);
  });

  test("days count from the session to its own arrival: over the holiday of 15 November", async () => {
    const { lake } = await refined([
      sample("AAAA3", "2024-11-08", { scraped_on: "2024-11-18" }),
      sample("AAAA3", "2024-11-18", { scraped_on: "2024-11-18" }),
    ]);
    const rows = await published(
      lake,
      "bovespa_refined",
      "data_processamento, dias_corridos, dias_uteis, month, day, dia_semana",
    );
    expect(rows).toEqual([
      {
        data_processamento: "2024-11-18",
        dias_corridos: 10,
        dias_uteis: 5,
        month: "11",
        day: "08",
        dia_semana: 5,
        year: "2024",
      },
      {
        data_processamento: "2024-11-18",
        dias_corridos: 0,
        dias_uteis: 0,
        month: "11",
        day: "18",
        dia_semana: 1,
        year: "2024",
      },
    ]);
  });

  test("a session before the calendar is kept, with no days", async () => {
    const { lake, laws } = await refined([sample("AAAA3", "1986-03-03")]);
    expect(await published(lake, "bovespa_refined", "dias_corridos, dias_uteis, dia_semana")).toEqual([
      { dias_corridos: null, dias_uteis: null, dia_semana: null, year: "1986" },
    ]);
    expect(laws).toEqual(["warn dia_de_pregao 1986-03-03"]);
  });

  test("volatility is exact at its thresholds, and no day without a price has any", async () => {
    const day = (ticker: string, premin: string, premax: string) => sample(ticker, "2024-11-08", { premin, premax });
    const { lake } = await refined([
      day("A5", "100.00", "105.00"),
      day("B4", "100.00", "104.99"),
      day("C1", "100.00", "101.00"),
      day("D2", "100.00", "101.01"),
      day("E0", "0.00", "0.00"),
    ]);
    const rows = await published(
      lake,
      "bovespa_refined",
      "ticker, alta_volatilidade AS alta, baixa_volatilidade AS baixa",
    );
    expect(rows.map((r) => `${r.ticker} ${r.alta} ${r.baixa}`)).toEqual([
      "A5 true false",
      "B4 false false",
      "C1 false true",
      "D2 false false",
      "E0 false false",
    ]);
  });

  test("a wrapped count of trades is flagged, never corrected; one large trade of an illiquid paper is none", async () => {
    const wrapped = ["2024-11-04", "2024-11-05", "2024-11-06"].map((session, i) =>
      sample("PETR4", session, { totneg: i === 2 ? 80 : 90_000, voltot: "2298000000.00" }),
    );
    const illiquid = ["2024-11-04", "2024-11-05", "2024-11-06"].map((session, i) =>
      sample("RARO3", session, { totneg: 2, voltot: i === 2 ? "500000.00" : "1000.00" }),
    );
    const none = sample("ZERO3", "2024-11-04", { totneg: 0, voltot: "1000000.00" });
    const { lake, laws } = await refined([...wrapped, ...illiquid, none]);
    const rows = await published(lake, "bovespa_refined", "ticker, total_negocios", "WHERE negocios_suspeitos");
    expect(rows).toEqual([
      { ticker: "PETR4", total_negocios: 80, year: "2024" },
      { ticker: "ZERO3", total_negocios: 0, year: "2024" },
    ]);
    expect(laws).toContain("warn negocios_suspeitos 2024-11-06");
  });

  test("a cash row with a term is not lost: it is kept among the others", async () => {
    const { lake } = await refined([sample("AAAA3", "2024-11-08"), sample("AAAA3", "2024-11-08", { prazot: "030" })]);
    expect(await published(lake, "bovespa_refined", "ticker")).toHaveLength(1);
    expect(await published(lake, "bovespa_derivativos", "ticker, tipo_mercado, prazo_termo")).toMatchObject([
      { ticker: "AAAA3", tipo_mercado: "010", prazo_termo: "030" },
    ]);
  });
});

describe("metrics", () => {
  test("the mean is of exact sums, extremes and first and last are those of the month", async () => {
    const rows = [
      sample("AAAA3", "2024-11-04", {
        voltot: "0.01",
        preabe: "10.00",
        premin: "9.00",
        premax: "12.00",
        preult: "11.00",
        quatot: "999999999999999999",
      }),
      sample("AAAA3", "2024-11-08", {
        voltot: "0.02",
        preabe: "11.00",
        premin: "8.00",
        premax: "11.50",
        preult: "9.50",
        quatot: "999999999999999999",
      }),
      sample("AAAA3", "2024-12-02", { voltot: "5.00" }),
    ];
    const { lake } = await refined(rows);
    const [november, december] = await published(lake, "bovespa_metrics", "*", "ORDER BY month");
    expect(november).toMatchObject({
      month: "11",
      pregoes: 2,
      primeiro_pregao: "2024-11-04",
      ultimo_pregao: "2024-11-08",
      volume_medio_diario: 0.015,
      volume_total: "0.03",
      quantidade_total: "1999999999999999998",
      volume_maximo: "0.02",
      volume_minimo: "0.01",
      preco_abertura: "10.000000",
      preco_maximo: "12.000000",
      preco_minimo: "8.000000",
      preco_ultimo: "9.500000",
    });
    expect(december).toMatchObject({ month: "12", pregoes: 1, volume_medio_diario: 5 });
  });

  test("a session of test messages only is there, as such", async () => {
    const { lake } = await refined([sample("TSTE3", "2024-11-08")]);
    expect(await published(lake, "bovespa_metrics_pregao")).toMatchObject([
      { estado: "avulsa", linhas_esperadas: null, linhas_publicadas: 1, linhas_avulsas: 1, mista: false },
    ]);
    expect(await published(lake, "bovespa_sessoes")).toEqual([]);
  });
});

describe("quality holds the run when", () => {
  const many = (count: number, change: WireRecord) =>
    Array.from({ length: count }, (_, i) => sample(`T${i}`, "2024-11-08", { origin_rows: count, ...change }));
  const newer = { source_version: "2024-11-09", origin_sha256: "b".repeat(64) };

  test("an origin that would replace a complete session has more than 1 % fewer rows, in whatever order they come", async () => {
    const { lake } = await refined(many(200, {}));
    expect((await refined(many(198, newer), undefined, lake)).laws).toEqual([]);
    const shorter = await refined(
      many(195, { ...newer, source_version: "2024-11-10", origin_sha256: "c".repeat(64) }),
      undefined,
      lake,
    );
    expect(shorter.laws).toEqual(["hold sessao_encolheu 2024-11-08"]);
    expect(shorter.report.audit[0]!.origin).toBe("c".repeat(64));
    // A message that calls itself the whole session, before the file that it hides.
    const forged = await refined([sample("T0", "2024-11-08", { origin_rows: 1, ...newer })]);
    expect((await refined(many(200, {}), undefined, forged.lake)).laws).toEqual(["hold sessao_encolheu 2024-11-08"]);
  });

  test("a shorter origin that is superseded anyway arrives with the one that is complete: that holds nothing", async () => {
    expect((await refined([...many(100, {}), ...many(200, newer)])).laws).toEqual([]);
  });

  test("a value is lost on the way", async () => {
    expect((await refined([sample("AAAA3", "2024-11-08", { fatcot: 7 })])).laws).toContain("hold contrato 2024-11-08");
    expect((await refined([sample("AAAA3", "2024-11-08", { voltot: "1,5" })])).laws).toContain(
      "hold contrato 2024-11-08",
    );
  });

  /** The dataset with one mistake in its SQL. */
  const broken = (name: string, from: string, to: string): Dataset => ({
    ...bovespa,
    steps: bovespa.steps.map((step) => {
      if (step.name !== name) return step;
      expect(step.sql).toContain(from);
      return { ...step, sql: step.sql.replace(from, to) };
    }),
  });

  test("a key is published twice", async () => {
    const two = [sample("AAAA3", "2024-11-08"), sample("AAAA3", "2024-11-08", { source_version: "2024-11-09" })];
    expect((await refined(two, broken("avista", "posicao = 1", "posicao <= 2"))).laws).toContain(
      "hold chave_unica 2024-11-08",
    );
    const options = two.map((row) => ({ ...row, tpmerc: "070" }));
    expect((await refined(options, broken("bovespa_derivativos", "posicao = 1", "posicao <= 2"))).laws).toContain(
      "hold chave_unica 2024-11-08",
    );
  });

  test("rows or money of a whole session are lost", async () => {
    const { laws } = await refined(many(10, {}), broken("avista", "a_vista = 1", "a_vista = 1 AND ticker <> 'T3'"));
    expect(laws).toEqual(["hold linhas_da_sessao 2024-11-08", "hold volume_preservado 2024-11-08"]);
    const cents = await refined(
      many(10, {}),
      broken(
        "derivadas",
        "TRY_CAST(r.voltot AS DECIMAL(18,2))",
        "TRY_CAST(r.voltot AS DECIMAL(18,2)) + CASE WHEN r.codneg = 'T3' THEN 0.01 ELSE 0.00 END",
      ),
    );
    expect(cents.laws).toEqual(["hold volume_preservado 2024-11-08"]);
  });
});

describe("quality warns when", () => {
  const whole = { origin_rows: 1 };

  test("a session is on no trading day, incomplete, mixed, or has more rows than it says", async () => {
    expect((await refined([sample("AAAA3", "2024-11-15", whole)])).laws).toEqual(["warn dia_de_pregao 2024-11-15"]);
    expect((await refined([sample("AAAA3", "2024-11-08", { origin_rows: 2 })])).laws).toEqual([
      "warn sessao_incompleta 2024-11-08",
    ]);
    const { lake } = await refined([sample("AAAA3", "2024-11-08", whole)]);
    const mixed = await refined(
      [sample("BBBB3", "2024-11-08", { origin_rows: 2, source_version: "2024-11-09" })],
      undefined,
      lake,
    );
    expect(mixed.report.audit).toMatchObject([
      { law: "sessao_incompleta", detail: "vistas 1 de 2 linhas; o pregão está misturado com o da origem completa" },
    ]);
    const more = await refined([sample("AAAA3", "2024-11-08", whole), sample("BBBB3", "2024-11-08", whole)]);
    expect(more.laws).toContain("warn linhas_a_mais 2024-11-08");
  });

  test("volume is not average price times quantity, or a price is out of the day's range", async () => {
    expect((await refined([sample("AAAA3", "2024-11-08", { ...whole, voltot: "1.00" })])).laws).toEqual([
      "warn volume_divergente 2024-11-08",
    ]);
    expect((await refined([sample("AAAA3", "2024-11-08", { ...whole, preult: "1.00" })])).laws).toEqual([
      "warn preco_incoerente 2024-11-08",
    ]);
  });

  test("a trading day between the first and the last of the year is missing", async () => {
    const { report } = await refined([sample("AAAA3", "2024-11-08", whole), sample("AAAA3", "2024-11-13", whole)]);
    expect(report.audit).toEqual([
      {
        law: "calendario_completo",
        severity: "warn",
        session: "2024-11-11",
        origin: null,
        detail: "faltam 2 pregões de 2024-11-11 a 2024-11-12",
      },
    ]);
  });
});
