import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { calendarDays } from "../../packages/core/calendar.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { closeLake, type Lake, land, newLake, publish, published, runOf } from "../engines-duckdb/lake.ts";
import {
  type Arrival,
  type Expected,
  nameOfOrigin,
  oracle,
  rawRow,
  sessionOf,
  type World,
  yearsOf,
} from "./merge.oracle.ts";
import { comebacks, exhaustive, sampled } from "./merge.worlds.ts";

/** The dataset without what comes after the merge, and with a calendar of the worlds' years: a run costs little. */
const small = (change: (name: string, sql: string) => string = (_, sql) => sql): Dataset => {
  const lines = calendarDays().filter(({ data }) => data >= "2021-01-01" && data < "2025-01-01");
  const rows = () => `${lines.map((day) => JSON.stringify(day)).join("\n")}\n`;
  return {
    ...bovespa,
    assets: { calendario: { ...bovespa.assets.calendario!, rows } },
    tables: bovespa.tables.filter(({ name }) => !name.startsWith("bovespa_metrics")),
    steps: bovespa.steps
      .filter(({ name }) => !name.startsWith("bovespa_metrics"))
      .map((step) => ({ ...step, sql: change(step.name, step.sql) })),
    audits: [],
  };
};

const withLake = async <T>(dataset: Dataset, work: (lake: Lake) => Promise<T>): Promise<T> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "merge-")), dataset);
  try {
    return await work(lake);
  } finally {
    closeLake(lake);
  }
};

/** Carries worlds through their runs, each in its own session, from Parquet to Parquet; the tables' rows by session. */
const carry = async (dataset: Dataset, worlds: readonly World[]): Promise<Map<string, Record<string, unknown>[]>> =>
  withLake(dataset, async (lake) => {
    const runs = Math.max(...worlds.map((w) => w.runs.length));
    for (let r = 0; r < runs; r++) {
      const rows = worlds.flatMap((w, n) => (w.runs[r] ?? []).map((i) => rawRow(n, w.rows[i]!)));
      // Two objects a run, cut where it falls.
      const half = Math.floor(rows.length / 2);
      const objects = [await land(lake, `${r}-a`, rows.slice(0, half)), await land(lake, `${r}-b`, rows.slice(half))];
      const report = await publish(lake, runOf(lake, objects, yearsOf(worlds.length)));
      expect(report.rows.read).toBe(rows.length);
    }
    const found = new Map<string, Record<string, unknown>[]>();
    for (const table of ["bovespa_refined", "bovespa_derivativos", "bovespa_espera", "bovespa_sessoes"])
      for (const row of await published(lake, table)) {
        const session = `${table} ${row.data_pregao}`;
        found.set(session, [...(found.get(session) ?? []), row]);
      }
    return found;
  });

const resultOf = (found: Map<string, Record<string, unknown>[]>, n: number): Expected => {
  const of = (table: string) => found.get(`${table} ${sessionOf(n)}`) ?? [];
  const named = (rows: Record<string, unknown>[]) => rows.map((row) => `${nameOfOrigin(row)} ${row.event_id}`).sort();
  return {
    published: named([...of("bovespa_refined"), ...of("bovespa_derivativos")]),
    waiting: named(of("bovespa_espera")),
    sessions: of("bovespa_sessoes").map((row) => ({
      origin: nameOfOrigin(row),
      seen: row.linhas_vistas as number | null,
      state: row.estado as string,
      mixed: row.mista as boolean,
    })),
  };
};

const arrivedIn = (w: World): Arrival[] => w.runs.flat().map((i) => w.rows[i]!);

/** Worlds whose result is not the oracle's. */
const wrong = async (dataset: Dataset, worlds: readonly World[]) => {
  const found = await carry(dataset, worlds);
  return worlds
    .map((w, n) => ({ world: w, expected: oracle(arrivedIn(w)), came: resultOf(found, n) }))
    .filter(({ expected, came }) => JSON.stringify(expected) !== JSON.stringify(came))
    .map(({ world: w, expected, came }) => ({
      runs: JSON.stringify(w.runs),
      rows: w.rows.map((r) => JSON.stringify(r)),
      expected: JSON.stringify(expected),
      came: JSON.stringify(came),
    }));
};

describe("merging", () => {
  test("a row that comes back from waiting comes back to its own table", async () => {
    expect(await wrong(small(), comebacks())).toEqual([]);
  }, 60_000);

  test("five rows in two runs: in all 1,024 ways the result is that of the set that arrived", async () => {
    expect(await wrong(small(), exhaustive())).toEqual([]);
  }, 60_000);

  for (const seed of [1, 2, 3])
    test(`random origins, splits and repetitions over four runs: the result is that of the set that arrived (${seed})`, async () => {
      expect((await wrong(small(), sampled(seed))).slice(0, 3)).toEqual([]);
    }, 60_000);

  test("whole rows are the same, in every column, whatever way they came", async () => {
    const worlds = sampled(4, 200);
    const text = (rows: Map<string, Record<string, unknown>[]>) =>
      [...rows].map(([session, of]) => [session, of.map((row) => JSON.stringify(row)).sort()]).sort();
    const chained = text(await carry(small(), worlds));
    const once = text(
      await carry(
        small(),
        worlds.map((w) => ({ ...w, runs: [w.runs.flat()] })),
      ),
    );
    const reversed = text(
      await carry(
        small(),
        worlds.map((w) => ({ ...w, runs: w.runs.toReversed() })),
      ),
    );
    expect(once).toEqual(chained);
    expect(reversed).toEqual(chained);
  }, 60_000);
});

/** The old sins, planted again. A test that lets one live proves nothing about the rule. */
const mutants: { sin: string; step: string; from: string; to: string; besides?: [string, string] }[] = [
  {
    sin: "completeness is kept as a number, to which what arrives is added",
    step: "origens",
    from: "COUNT(DISTINCT event_id) AS vistas",
    to: "COUNT(DISTINCT CASE WHEN fonte = 0 THEN event_id END) AS vistas",
    besides: ["linhas_esperadas, 0, 0,", "linhas_esperadas, COALESCE(linhas_vistas, 0), 0,"],
  },
  {
    sin: "what has lost its key is not counted as arrived",
    step: "linhas",
    from: "FROM atual_bovespa_espera JOIN tocadas ON tocada = data_pregao",
    to: "FROM atual_bovespa_espera JOIN tocadas ON tocada = data_pregao WHERE FALSE",
  },
  {
    sin: "the origin that came last wins, whatever its version",
    step: "origens",
    from: "ORDER BY o_versao NULLS FIRST, o_instante NULLS FIRST",
    to: "ORDER BY o_instante NULLS FIRST, o_versao NULLS FIRST",
  },
  {
    sin: "rows of one origin and one key depend on which was kept",
    step: "disputa",
    from: "ORDER BY ordem DESC, event_id DESC, fonte) AS posicao",
    to: "ORDER BY ordem DESC, fonte DESC, event_id DESC) AS posicao",
  },
  {
    sin: "a session that this run has nothing about is dropped",
    step: "bovespa_derivativos",
    from: "LEFT JOIN tocadas",
    to: "JOIN tocadas",
  },
  {
    sin: "an event that came twice completes a session whose other row never came",
    step: "origens",
    from: "COUNT(DISTINCT event_id)",
    to: "COUNT(*)",
  },
  {
    sin: "completeness is counted among the winners",
    step: "bovespa_espera",
    from: "declaradas > 0 AND (ordem_completa IS NULL OR ordem > ordem_completa)",
    to: "FALSE",
  },
  {
    sin: "a row without origin_rows does not come back when what beat it is superseded",
    step: "bovespa_espera",
    from: "declaradas = 0 AND avulsas = 1",
    to: "FALSE",
  },
  {
    sin: "the complete origin goes back once its rows were superseded",
    step: "origens",
    from: "OR era_completa = 1",
    to: "",
  },
  {
    sin: "more rows than stated are not complete",
    step: "origens",
    from: "vistas >= o_declaradas",
    to: "vistas = o_declaradas",
  },
  {
    sin: "rows of lesser origins stay where their key did not return",
    step: "disputa",
    from: "WHERE declaradas = 0 OR ordem_completa IS NULL OR ordem >= ordem_completa",
    to: "",
  },
  {
    sin: "a row without origin_rows is superseded by a complete origin",
    step: "disputa",
    from: "WHERE declaradas = 0 OR",
    to: "WHERE",
  },
  {
    sin: "origins are ordered by when they came, without their version",
    step: "origens",
    from: "ORDER BY o_versao NULLS FIRST, ",
    to: "ORDER BY ",
  },
  { sin: "copies wait, each of them", step: "bovespa_espera", from: "AND copia = 0", to: "" },
  {
    sin: "the session's origins are forgotten",
    step: "bovespa_sessoes",
    from: "WHERE o_declaradas > 0",
    to: "WHERE o_declaradas > 0 AND vistas > 0",
  },
];

describe("the tests of merging notice when", () => {
  test.each(mutants)(
    "$sin",
    async ({ step, from, to, besides: [also, instead] = ["", ""] }) => {
      let planted = 0;
      const dataset = small((name, sql) => {
        if (name !== step) return sql;
        planted += sql.split(from).length - 1;
        expect(sql).toContain(also);
        return sql.replace(from, to).replace(also, instead);
      });
      expect(planted).toBe(1);
      // A mutant that ends in an error is noticed as well.
      const worlds = sampled(5, 150);
      const noticed = await wrong(dataset, worlds).then(
        (w) => w.length > 0,
        () => true,
      );
      expect(noticed).toBe(true);
    },
    60_000,
  );
});
