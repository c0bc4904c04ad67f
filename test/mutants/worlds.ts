import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calendarDays } from "../../packages/core/calendar.ts";
import { duckdbType } from "../../packages/core/columns.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { literal, openSession, quoted, type Session } from "../../packages/engines/duckdb/session.ts";
import { rawRow, type World } from "../datasets/merge.oracle.ts";
import type { Record01 } from "../oracle/cotahist.ts";
import type { Arrived } from "../oracle/judge.ts";
import { type Merged, mergeSession } from "../oracle/merge.ts";
import { type Cells, derivativesTable, refinedTable, sessionsTable, waitingTable } from "../oracle/rows.ts";

/** The steps of the merge over many small worlds at once, in memory, against the oracle: every column, run by run. */

export const MERGED = ["bovespa_refined", "bovespa_derivativos", "bovespa_espera", "bovespa_sessoes"] as const;
type Table = (typeof MERGED)[number];
type Account = { rows_read: number; rows_new: number; rows_superseded: number; rows_duplicate: number };

const steps = bovespa.steps.filter((step) => !step.name.startsWith("bovespa_metrics"));
export type Sql = ReadonlyMap<string, string>;
export const sqlOf = (change: Readonly<Record<string, string>> = {}): Sql =>
  new Map(steps.map((step) => [step.name, change[step.name] ?? step.sql]));

const arrivedOf = (row: WireRecord): Arrived => ({
  record: row as Record01,
  event_id: String(row.event_id),
  message_id: String(row.message_id),
  sha256: String(row.origin_sha256),
  version: String(row.source_version),
  scraped_at: String(row.scraped_at),
  scraped_on: String(row.scraped_on),
  origin_rows: row.origin_rows as number | null,
});

const identity = (row: Arrived): string =>
  JSON.stringify([row.record.datpre, row.version, row.scraped_at, row.sha256, row.origin_rows, row.event_id]);

type Must = { tables: Record<Table, string[]>; account: Account };

/** After each run, what must be in the tables, and what became of its rows. */
const mustBe = (runs: readonly (readonly Arrived[])[]): Must[] => {
  const bySession = new Map<string, Arrived[]>();
  let kept = new Set<string>();
  return runs.map((rows) => {
    for (const row of rows) {
      const session = String(row.record.datpre);
      bySession.set(session, [...(bySession.get(session) ?? []), row]);
    }
    const merged = new Map<string, Merged>([...bySession].map(([session, all]) => [session, mergeSession(all)]));
    const published = [...merged.values()].flatMap((m) => m.published);
    const waiting = [...merged.values()].flatMap((m) => m.waiting);
    const unseen = new Set(rows.map(identity).filter((id) => !kept.has(id))).size;
    const fresh = published.filter((row) => !kept.has(identity(row))).length;
    kept = new Set([...published, ...waiting].map(identity));
    const tables = {
      bovespa_refined: refinedTable(published),
      bovespa_derivativos: derivativesTable(published),
      bovespa_espera: waitingTable(waiting),
      bovespa_sessoes: sessionsTable(merged),
    };
    return {
      tables: Object.fromEntries(Object.entries(tables).map(([name, cells]) => [name, texts(cells)])) as Must["tables"],
      account: {
        rows_read: rows.length,
        rows_new: fresh,
        rows_superseded: unseen - fresh,
        rows_duplicate: rows.length - unseen,
      },
    };
  });
};

const texts = (rows: readonly Cells[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

export type Check = {
  /** The first thing that is not as it must be, or null. A statement that fails is one. */
  wrong: (sql: Sql) => Promise<string | null>;
  close: () => void;
};

/** Loads worlds once, each in its own session, and checks any SQL against them. */
export const checkOf = async (worlds: readonly World[]): Promise<Check> => {
  const dir = mkdtempSync(join(tmpdir(), "merge-mutants-"));
  const session = await openSession({ scratch: dir, threads: 1, memory: "1GB" });
  const count = Math.max(...worlds.map((w) => w.runs.length));
  // The last run has nothing to say.
  const runs = Array.from({ length: count + 1 }, (_, r) =>
    worlds.flatMap((w, n) => (w.runs[r] ?? []).map((i) => rawRow(n, w.rows[i]!))),
  );
  const raw = Object.entries(bovespa.raw!.table.columns).map(([name, c]) => ({ name, type: duckdbType(c.type) }));
  const load = async (name: string, rows: readonly unknown[], columns: readonly { name: string; type: string }[]) => {
    const path = join(dir, `${name}.json`);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const types = columns.map((c) => `${literal(c.name)}: ${literal(c.type)}`).join(", ");
    await session.run(
      `CREATE TABLE ${quoted(name)} AS SELECT * FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {${types}})`,
    );
  };
  for (const [r, rows] of runs.entries()) await load(`raw ${r}`, rows, raw);
  const calendar = bovespa.assets.calendario!;
  await load(
    "calendario",
    calendarDays().filter(({ data }) => data >= "2021-01-01" && data < "2025-01-01"),
    Object.entries(calendar.columns).map(([name, c]) => ({ name, type: duckdbType(c.type) })),
  );
  for (const table of bovespa.tables) {
    const all = Object.entries({ ...table.columns, ...table.partitions });
    await session.run(
      `CREATE TABLE ${quoted(`empty ${table.name}`)} (${all.map(([name, c]) => `${quoted(name)} ${duckdbType(c.type)}`).join(", ")})`,
    );
  }
  const must = mustBe(runs.map((rows) => rows.map(arrivedOf)));
  return {
    wrong: (sql) => differing(session, sql, must),
    close: () => {
      session.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

const differing = async (session: Session, sql: Sql, must: readonly Must[]): Promise<string | null> => {
  try {
    for (const table of MERGED)
      await session.run(
        `CREATE OR REPLACE TEMP TABLE ${quoted(`atual_${table}`)} AS SELECT * FROM ${quoted(`empty ${table}`)}`,
      );
    for (const [r, { tables, account }] of must.entries()) {
      await session.run(`CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM ${quoted(`raw ${r}`)}`);
      for (const [name, text] of sql) await session.run(`CREATE OR REPLACE TEMP TABLE ${quoted(name)} AS ${text}`);
      for (const table of MERGED) {
        const came = await textsOf(session, table);
        const different = came.length !== tables[table].length || came.some((row, i) => row !== tables[table][i]);
        if (different) return `${table} after run ${r}`;
      }
      const [counted] = await session.rows("SELECT * FROM accounts");
      for (const [name, value] of Object.entries(account))
        if (String(counted?.[name]) !== String(value)) return `${name} of run ${r}`;
      for (const table of MERGED)
        await session.run(`CREATE OR REPLACE TEMP TABLE ${quoted(`atual_${table}`)} AS SELECT * FROM ${quoted(table)}`);
    }
    return null;
  } catch (error) {
    return `fails: ${(error as Error).message.split("\n")[0]}`;
  }
};

const textsOf = async (session: Session, name: Table): Promise<string[]> => {
  const table = bovespa.tables.find((t) => t.name === name)!;
  const columns = Object.entries({ ...table.columns, ...table.partitions }).map(([column, { type }]) =>
    type === "timestamp"
      ? `strftime(${quoted(column)}, '%Y-%m-%d %H:%M:%S.%g') AS ${quoted(column)}`
      : `CAST(${quoted(column)} AS VARCHAR) AS ${quoted(column)}`,
  );
  return texts(await session.rows<Cells>(`SELECT ${columns.join(", ")} FROM ${quoted(name)}`));
};
