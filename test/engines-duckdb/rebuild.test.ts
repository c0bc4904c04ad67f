import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { calendarDays } from "../../packages/core/calendar.ts";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import type { RawObject, Run, TableMap } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { rawRow, sessionOf, type World, world } from "../datasets/merge.oracle.ts";
import { rowOf } from "./cotahist.ts";
import { closeLake, type Lake, land, newLake, publish, published, runOf } from "./lake.ts";

let lakes: Lake[] = [];
beforeEach(() => {
  lakes = [];
});
afterEach(() => {
  for (const lake of lakes) closeLake(lake);
});
const lakeOf = async (dataset: Dataset): Promise<Lake> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "rebuild-")), dataset);
  lakes.push(lake);
  return lake;
};

/** With a calendar of the worlds' years: a run costs little. All tables, the metrics too. */
const lines = calendarDays().filter(({ data }) => data >= "2021-01-01" && data < "2025-01-01");
const small: Dataset = {
  ...bovespa,
  assets: {
    calendario: { ...bovespa.assets.calendario!, rows: () => `${lines.map((d) => JSON.stringify(d)).join("\n")}\n` },
  },
  audits: [],
};

/** Every other world lies in the next year, so that objects touch two units. */
const sessionIn = (n: number): string => {
  const day = sessionOf(n);
  return n % 2 === 0 ? day : `2022${day.slice(4)}`;
};
/** The event ids of different worlds are different: they are withdrawn one by one. */
const rowIn = (n: number, row: World["rows"][number]): WireRecord => ({
  ...rawRow(n, row),
  datpre: sessionIn(n),
  event_id: `w${n}${row.event}`,
});
const UNITS = ["2021", "2022"];

const contents = async (lake: Lake): Promise<Record<string, string[]>> =>
  Object.fromEntries(
    await Promise.all(
      small.tables.map(async ({ name }) => [
        name,
        (await published(lake, name)).map((row) => JSON.stringify(Object.entries(row).sort())).sort(),
      ]),
    ),
  );

const ofUnit = (tables: TableMap, unit: string): TableMap =>
  Object.fromEntries(
    Object.entries(tables).map(([table, parts]) => [
      table,
      Object.fromEntries(Object.entries(parts).filter(([name]) => name.startsWith(`year=${unit}`))),
    ]),
  );
const rebuildOf = (lake: Lake, objects: RawObject[], unit: string, more: Partial<Run> = {}): Run =>
  runOf(lake, objects, [unit], { rebuild: true, ...more });

/** Carries worlds through their runs, two objects each, as they arrived; all raw objects. */
const arrive = async (
  lake: Lake,
  worlds: readonly World[],
  withdrawn: readonly string[] = [],
): Promise<RawObject[]> => {
  const all: RawObject[] = [];
  for (let r = 0; r < Math.max(...worlds.map((w) => w.runs.length)); r++) {
    const rows = worlds.flatMap((w, n) => (w.runs[r] ?? []).map((i) => rowIn(n, w.rows[i]!)));
    const half = Math.floor(rows.length / 2);
    const objects = [await land(lake, `${r}-a`, rows.slice(0, half)), await land(lake, `${r}-b`, rows.slice(half))];
    await publish(lake, runOf(lake, objects, UNITS, { withdrawn: [...withdrawn] }));
    all.push(...objects);
  }
  return all;
};

const sample = (ticker: string, session: string, change: WireRecord = {}): WireRecord =>
  rowOf(bovespa.raw!.sample(ticker, session, 0), change);

describe("a rebuild from raw", () => {
  for (const seed of [1, 2])
    test(`gives the rows that came by any splits, orders and repetitions of arrivals, in every table (${seed})`, async () => {
      const lake = await lakeOf(small);
      const worlds = fc.sample(world(3), { numRuns: 80, seed });
      const objects = await arrive(lake, worlds);
      const before = await contents(lake);
      for (const unit of UNITS) {
        const report = await publish(lake, rebuildOf(lake, objects, unit));
        for (const partitions of Object.values(report.tables))
          for (const name of Object.keys(partitions)) expect(name).toContain(`year=${unit}`);
        const arrived = worlds.flatMap((w, n) =>
          sessionIn(n).startsWith(unit) ? w.runs.flat().map((i) => rowIn(n, w.rows[i]!)) : [],
        );
        expect(report.rows.read).toBe(arrived.length);
      }
      expect(await contents(lake)).toEqual(before);
    }, 120_000);

  test("with rows withdrawn is the result of the rows that are left, and so is a run that never saw them", async () => {
    const worlds = fc.sample(world(3), { numRuns: 80, seed: 3 });
    const ids = [
      ...new Set(
        worlds.flatMap((w, n) => w.rows.filter((_, i) => (n + i) % 3 === 0).map((row) => `w${n}${row.event}`)),
      ),
    ].sort();
    const gone = new Set(ids);
    const left = worlds.map((w, n) => ({
      ...w,
      runs: w.runs.map((run) => run.filter((i) => !gone.has(`w${n}${w.rows[i]!.event}`))),
    }));
    const [without, never, rebuilt] = [await lakeOf(small), await lakeOf(small), await lakeOf(small)];
    await arrive(without, left);
    const expected = await contents(without);
    await arrive(never, worlds, ids);
    expect(await contents(never)).toEqual(expected);
    const objects = await arrive(rebuilt, worlds);
    expect(await contents(rebuilt)).not.toEqual(expected);
    for (const unit of UNITS) {
      const report = await publish(rebuilt, rebuildOf(rebuilt, objects, unit, { withdrawn: ids }));
      const counted = left.flatMap((w, n) => (sessionIn(n).startsWith(unit) ? w.runs.flat() : [])).length;
      expect(report.rows.read).toBe(counted);
      expect(report.rows.new + report.rows.superseded + report.rows.duplicate).toBe(counted);
      const events = new Set(
        left.flatMap((w, n) =>
          sessionIn(n).startsWith(unit) ? w.runs.flat().map((i) => `${w.rows[i]!.rank} w${n}${w.rows[i]!.event}`) : [],
        ),
      );
      expect(Object.values(report.origins).reduce((sum, o) => sum + o.events, 0)).toBe(events.size);
    }
    expect(await contents(rebuilt)).toEqual(expected);
  }, 120_000);

  const tickers = async (lake: Lake) =>
    (await published(lake, "bovespa_refined", "ticker")).map((r) => `${r.year} ${r.ticker}`).sort();

  test("reads no base: what is in the tables and not in raw is gone, of its own unit only", async () => {
    const lake = await lakeOf(small);
    const a = await land(lake, "a", [sample("AAAA3", "2021-11-08"), sample("AAAA3", "2022-11-08")]);
    const b = await land(lake, "b", [sample("BBBB3", "2021-11-08"), sample("BBBB3", "2022-11-08")]);
    await publish(lake, runOf(lake, [a, b], UNITS));
    const other = ofUnit(lake.tables, "2022");
    await publish(lake, rebuildOf(lake, [a], "2021"));
    expect(await tickers(lake)).toEqual(["2021 AAAA3", "2022 AAAA3", "2022 BBBB3"]);
    expect(ofUnit(lake.tables, "2022")).toEqual(other);
  }, 60_000);

  test("whose base is not there any more is made all the same", async () => {
    const lake = await lakeOf(small);
    const a = await land(lake, "a", [sample("AAAA3", "2021-11-08")]);
    await publish(lake, runOf(lake, [a], ["2021"]));
    const lost = Object.fromEntries(
      Object.entries(lake.tables).map(([table, parts]) => [
        table,
        Object.fromEntries(Object.entries(parts).map(([p, e]) => [p, { ...e, folder: `refined/lost/${p}/` }])),
      ]),
    );
    await publish(lake, rebuildOf(lake, [a], "2021", { tables: lost }));
    expect(await tickers(lake)).toEqual(["2021 AAAA3"]);
  }, 60_000);

  test("of rows that are all withdrawn leaves files of no rows, in every partition that was there", async () => {
    const lake = await lakeOf(small);
    const row = sample("AAAA3", "2021-11-08");
    const a = await land(lake, "a", [row]);
    await publish(lake, runOf(lake, [a], ["2021"]));
    const before = Object.entries(lake.tables).map(([table, parts]) => [table, Object.keys(parts)]);
    const report = await publish(lake, rebuildOf(lake, [a], "2021", { withdrawn: [String(row.event_id)] }));
    expect(report.rows).toEqual({ read: 0, new: 0, superseded: 0, duplicate: 0 });
    expect(report.origins).toEqual({});
    expect(Object.entries(report.tables).map(([table, parts]) => [table, Object.keys(parts)])).toEqual(before);
    for (const { name } of small.tables) expect(await published(lake, name)).toEqual([]);
    await publish(lake, runOf(lake, [await land(lake, "b", [sample("BBBB3", "2021-11-08")])], ["2021"]));
    expect(await tickers(lake)).toEqual(["2021 BBBB3"]);
  }, 60_000);

  test("of nothing is refused: its tables would be empty", async () => {
    const lake = await lakeOf(small);
    await publish(lake, runOf(lake, [await land(lake, "a", [sample("AAAA3", "2021-11-08")])], ["2021"]));
    await expect(publish(lake, rebuildOf(lake, [], "2021"))).rejects.toMatchObject({ code: "rebuild" });
    expect(await lake.store.list("state", "reports/bovespa/9999999997/")).toEqual([]);
  }, 60_000);

  test("reads its objects under their ETags only", async () => {
    const lake = await lakeOf(small);
    const a = await land(lake, "a", [sample("AAAA3", "2021-11-08")]);
    await publish(lake, runOf(lake, [a], ["2021"]));
    await land(lake, "a", [sample("AAAA3", "2021-11-08"), sample("CCCC3", "2021-11-08")]);
    await expect(publish(lake, rebuildOf(lake, [a], "2021"))).rejects.toMatchObject({ code: "object_changed" });
  }, 60_000);
});

test("ten thousand withdrawn events are left out, and only they", async () => {
  const lake = await lakeOf(small);
  const rows = Array.from({ length: 50 }, (_, n) => sample(`AAA${n}`, "2021-11-08"));
  const others = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(32, "0"));
  const withdrawn = [...others, ...rows.slice(0, 10).map((row) => String(row.event_id))].sort();
  const report = await publish(lake, runOf(lake, [await land(lake, "a", rows)], ["2021"], { withdrawn }));
  expect(report.rows).toEqual({ read: 40, new: 40, superseded: 0, duplicate: 0 });
  const ids = (await published(lake, "bovespa_refined", "event_id")).map((r) => String(r.event_id));
  expect(ids.sort()).toEqual(
    rows
      .slice(10)
      .map((row) => String(row.event_id))
      .sort(),
  );
}, 60_000);
