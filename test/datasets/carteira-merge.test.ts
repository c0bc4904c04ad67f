import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { linha } from "../../packages/datasets/carteira/merge.ts";
import { closeLake, type Lake, land, newLake, publish, published, runOf } from "../engines-duckdb/lake.ts";
import { type Expected, nameOfOrigin, oracle, type World, yearsOf } from "./merge.oracle.ts";
import { comebacks, exhaustive, sampled } from "./merge.worlds.ts";
import { dayOfWorld, indexOfWorld, portfolioOf, rawPaper } from "./portfolios.ts";

const lakes: Lake[] = [];
afterEach(() => {
  for (const lake of lakes.splice(0)) closeLake(lake);
});
const lakeOf = async (dataset: Dataset): Promise<Lake> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "carteira-")), dataset);
  lakes.push(lake);
  return lake;
};

/** Worlds whose result is not that of the set of rows that arrived. */
const wrong = async (change: (sql: string, step: string) => string, worlds: readonly World[]) => {
  const steps = carteira.steps.map((step) => ({ ...step, sql: change(step.sql, step.name) }));
  const lake = await lakeOf({ ...carteira, assets: {}, audits: [], steps });
  for (let r = 0; r < Math.max(...worlds.map((w) => w.runs.length)); r++) {
    const rows = worlds.flatMap((w, n) => (w.runs[r] ?? []).map((i) => rawPaper(n, w.rows[i]!)));
    const half = Math.floor(rows.length / 2);
    const objects = [await land(lake, `${r}-a`, rows.slice(0, half)), await land(lake, `${r}-b`, rows.slice(half))];
    const report = await publish(lake, runOf(lake, objects, yearsOf(worlds.length)));
    expect(report.rows.read).toBe(rows.length);
  }
  const found = new Map<string, Record<string, unknown>[]>();
  for (const table of carteira.tables.map(({ name }) => name))
    for (const row of await published(lake, table)) {
      const name = `${table} ${row.data_pregao} ${row.indice}`;
      found.set(name, [...(found.get(name) ?? []), row]);
    }
  const resultOf = (n: number): Expected => {
    const of = (table: string) => found.get(`${table} ${dayOfWorld(n)} ${indexOfWorld(n)}`) ?? [];
    const named = (rows: Record<string, unknown>[]) => rows.map((r) => `${nameOfOrigin(r)} ${r.event_id}`).sort();
    return {
      published: named(of("carteira_refined")),
      waiting: named(of("carteira_espera")),
      sessions: of("carteira_sessoes").map((row) => ({
        origin: nameOfOrigin(row),
        seen: row.linhas_vistas as number | null,
        state: row.estado as string,
        mixed: row.mista as boolean,
      })),
    };
  };
  return worlds
    .map((w, n) => ({ n, expected: oracle(w.runs.flat().map((i) => w.rows[i]!)), came: resultOf(n) }))
    .filter(({ expected, came }) => JSON.stringify(expected) !== JSON.stringify(came));
};

describe("merging portfolios", () => {
  const worlds = [...comebacks(), ...exhaustive().filter((_, n) => n % 3 === 1), ...sampled(21, 200)];

  test("whatever way rows come, the result is that of the set that arrived, for each index of a day", async () => {
    expect((await wrong((sql) => sql, worlds)).slice(0, 3)).toEqual([]);
  }, 60_000);

  test.each([
    [
      "a file of one index supersedes those of another of the same day",
      "origens",
      /PARTITION BY o_sessao, o_indice/g,
      "PARTITION BY o_sessao",
    ],
    [
      "a portfolio that a run has nothing about is dropped, or kept twice",
      "carteira_refined",
      / AND tocado_indice = indice/g,
      "",
    ],
    [
      "two indexes that hold one paper are one key",
      "disputa",
      /PARTITION BY data_pregao, indice, ticker/g,
      "PARTITION BY data_pregao, ticker",
    ],
  ])(
    "the test notices when %s",
    async (_, step, from, to) => {
      let planted = 0;
      const plant = (sql: string, name: string) => {
        if (name !== step) return sql;
        planted += sql.match(from)?.length ?? 0;
        return sql.replace(from, to);
      };
      const noticed = await wrong(plant, sampled(22, 60)).then(
        (w) => w.length > 0,
        () => true,
      );
      expect(planted).toBeGreaterThan(0);
      expect(noticed).toBe(true);
    },
    60_000,
  );
});

/** Publishes portfolios in one run over an empty lake; the laws that spoke. */
const refined = async (rows: WireRecord[], into?: Lake) => {
  const lake = into ?? (await lakeOf(carteira));
  const years = [...new Set(rows.map((row) => String(row.data).slice(0, 4)))];
  const report = await publish(lake, runOf(lake, [await land(lake, `run${lake.run}`, rows)], years));
  return { lake, laws: report.audit.map((f) => `${f.severity} ${f.law} ${f.session}`), audit: report.audit };
};

describe("a portfolio", () => {
  test("comes out as it was published: class, quantities and weights, exact", async () => {
    const { lake, laws } = await refined(portfolioOf("2024-11-08", "IBOV", 5));
    expect(laws).toEqual([]);
    expect(linha.split(/,\s*/)).toEqual([
      ...Object.keys(carteira.tables[0]!.columns).slice(0, 12),
      ...["year", "month", "day", "source_version", "scraped_at", "event_id", "origin_sha256", "origin_rows"],
    ]);
    const [first] = await published(lake, "carteira_refined");
    expect(first).toMatchObject({
      ...{ data_pregao: "2024-11-08", indice: "IBOV", ticker: "PAP0", nome: "PAPEL 0", classe: "UNT" },
      ...{
        especificacao: "UNT ATZ N2",
        setor: null,
        quantidade_teorica: "1000",
        participacao: "20.000",
        redutor: "16023322.16744128",
      },
      ...{
        quantidade_total: "5010",
        participacao_total: "100.000",
        year: "2024",
        month: "11",
        day: "08",
        origin_rows: 5,
      },
    });
  });

  type Change = (row: WireRecord, i: number) => WireRecord | null;
  test.each<[string, Change, string]>([
    [
      "a quantity that the total does not know",
      (row, i) => (i === 0 ? { ...row, qtde_teorica: "999" } : row),
      "hold totais",
    ],
    ["papers that state two totals", (row, i) => (i === 0 ? { ...row, qtde_total: "5011" } : row), "hold totais"],
    ["weights that are not a hundred", (row, i) => (i === 0 ? { ...row, part: "19.989" } : row), "hold totais"],
    ["a weight that cannot be read", (row, i) => (i === 0 ? { ...row, part: "20,000" } : row), "hold contrato"],
    [
      "a reductor that cannot be read",
      (row, i) => (i === 0 ? { ...row, redutor: "16.023.322,16744128" } : row),
      "hold contrato",
    ],
    ["papers that state two reductors", (row, i) => (i === 0 ? { ...row, redutor: "1.00000000" } : row), "hold totais"],
    ["a paper that states none of it", (row, i) => (i === 0 ? { ...row, redutor: null } : row), "hold totais"],
    [
      "papers that state two sums of weights",
      (row, i) => (i === 0 ? { ...row, part_total: "99.999" } : row),
      "hold totais",
    ],
    ["papers that never came", (row, i) => (i === 0 ? null : row), "warn sessao_incompleta"],
    ["a day without a session", (row) => ({ ...row, data: "2024-11-15" }), "warn dia_de_pregao"],
  ])("with %s is told of by name", async (_, change, law) => {
    const rows = portfolioOf("2024-11-08", "IBOV", 5).flatMap((row, i): WireRecord[] => {
      const changed = change(row, i);
      return changed ? [changed] : [];
    });
    // The neighbour on the same day is sound, and not complained of.
    const { laws, audit } = await refined([...rows, ...portfolioOf("2024-11-08", "IBXX", 5)]);
    expect(laws.map((one) => one.split(" ").slice(0, 2).join(" "))).toContain(law);
    expect(audit.filter(({ detail }) => detail.includes("IBXX"))).toEqual([]);
  });

  test("a rewritten one with fewer papers waits for a person, and says of which index", async () => {
    const { lake } = await refined(portfolioOf("2024-11-08", "IBOV", 5));
    const again = portfolioOf("2024-11-08", "IBOV", 4, { source_version: "2024-11-09", origin_sha256: "b".repeat(64) });
    const { audit } = await refined(again, lake);
    expect(audit.map(({ severity, law, detail }) => `${severity} ${law} ${detail}`)).toEqual([
      "hold sessao_encolheu IBOV: a origem diz ter 4 linhas, outra menor e completa tem 5",
    ]);
  });

  const told = (audit: Awaited<ReturnType<typeof refined>>["audit"]) =>
    audit.map(({ severity, law, session, detail, origin }) => [`${severity} ${law} ${session} ${detail}`, origin?.[0]]);
  /** What is of no file, as a person tries it. */
  const loose = (codigo: string, change: WireRecord = {}): WireRecord => ({
    ...portfolioOf("2024-11-08", "IBOV", 1)[0]!,
    ...{ codigo, origin_rows: null, event_id: `loose ${codigo}`, source_version: "0", origin_sha256: "f".repeat(64) },
    ...change,
  });

  test("a test message beside a portfolio silences its laws, or is counted among its papers", async () => {
    const sound = portfolioOf("2024-11-08", "IBOV", 5);
    expect((await refined([...sound, loose("TESTE3")])).laws).toEqual([]);
    const wrong = sound.map((row, i) => (i === 0 ? { ...row, qtde_teorica: "999" } : row));
    expect(told((await refined([...wrong, loose("TESTE3")])).audit)).toEqual([
      ["hold totais 2024-11-08 IBOV: quantidades somam 5009 de 5010, participações 100.000%", "I"],
    ]);
    // One that wins a paper of the file leaves the file's portfolio without it.
    const won = await refined([...sound, loose("PAP0", { source_version: "9" })]);
    expect(told(won.audit).map(([what]) => what)).toContain(
      "hold papeis_da_carteira 2024-11-08 IBOV: esperados 5 papéis, publicados 4",
    );
  });

  test("more papers come of a file than it says to have, and it is taken for whole", async () => {
    const more = portfolioOf("2024-11-08", "IBOV", 5, { origin_rows: 4 });
    expect(told((await refined(more)).audit)).toEqual([
      ["hold papeis_da_carteira 2024-11-08 IBOV: esperados 4 papéis, publicados 5", "I"],
      ["warn linhas_a_mais 2024-11-08 IBOV: esperadas 4 linhas, vistas 5", "I"],
    ]);
  });

  test("a paper twice in a portfolio is published, or nobody knows of which file", async () => {
    const steps = carteira.steps.map((step) =>
      step.name === "carteira_refined" ? { ...step, sql: `${step.sql} UNION ALL SELECT ${linha} FROM disputa` } : step,
    );
    const lake = await lakeOf({ ...carteira, steps });
    expect(told((await refined(portfolioOf("2024-11-08", "IBOV", 5), lake)).audit)).toContainEqual([
      "hold chave_unica 2024-11-08 IBOV: 5 papéis com mais de uma linha, por exemplo PAP0",
      "I",
    ]);
  });

  test("one index's portfolio is taken for another's: B3's answer does not say whose it is", async () => {
    const copy = portfolioOf("2024-11-08", "IBOV", 5).map((row) => ({
      ...row,
      indice: "SMLL",
      event_id: `s ${row.event_id}`,
    }));
    const again = copy.map((row) => ({ ...row, origin_sha256: "c".repeat(64) }));
    const repeated = "hold carteira_repetida 2024-11-08 SMLL: total e redutor são também os de IBOV";
    const { lake, laws } = await refined([
      ...portfolioOf("2024-11-08", "IBOV", 5),
      ...portfolioOf("2024-11-07", "SMLL", 5),
    ]);
    expect(laws).toEqual([]);
    expect(told((await refined(again, lake)).audit)).toEqual([[repeated, "c"]]);
    // Both at once: each is told of. Without a reductor, or on another day, nothing is alike.
    expect(
      told((await refined([...portfolioOf("2024-11-08", "IBOV", 5), ...again])).audit).map(([what]) => what),
    ).toEqual(["hold carteira_repetida 2024-11-08 IBOV: total e redutor são também os de SMLL", repeated]);
    const none = [...portfolioOf("2024-11-08", "IBOV", 5), ...again].map((row) => ({ ...row, redutor: null }));
    expect((await refined(none)).laws).toEqual([]);
    // What a person tries on the day is no portfolio.
    const tried = loose("TESTE3", { indice: "TESTE", qtde_total: "5010" });
    expect((await refined([...portfolioOf("2024-11-08", "IBOV", 5), tried])).laws).toEqual([]);
  });
});
