import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
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

/** The dataset without what comes after the merge, and with a calendar of the worlds' years: a run costs little. */
export const small = (change: (name: string, sql: string) => string = (_, sql) => sql): Dataset => {
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
export const carry = async (
  dataset: Dataset,
  worlds: readonly World[],
): Promise<Map<string, Record<string, unknown>[]>> =>
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
export const wrong = async (dataset: Dataset, worlds: readonly World[]) => {
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
