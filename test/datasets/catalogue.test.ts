import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { lineageNames } from "../../packages/core/dataset.ts";
import { catalogue, datasets } from "../../packages/datasets/index.ts";

test("names are unique: a dataset, a table, a view", () => {
  const unique = (names: string[]) => expect(names).toEqual([...new Set(names)]);
  unique(datasets.map((d) => d.name));
  unique(datasets.flatMap((d) => [...(d.raw ? [d.raw.table] : []), ...d.tables].map((t) => `${d.database}.${t.name}`)));
  for (const d of datasets) unique([...d.steps.map((s) => s.name), ...Object.keys(d.assets), "raw"]);
});

test.each(datasets)("$name: every table has its step, its unit, and a key and a sort of its own columns", (dataset) => {
  expect(
    dataset.steps
      .filter((step) => step.table)
      .map((step) => step.name)
      .sort(),
  ).toEqual(dataset.tables.map((t) => t.name).sort());
  for (const table of dataset.tables) {
    const columns = { ...table.columns, ...table.partitions };
    expect(Object.keys(table.columns).filter((name) => name in table.partitions)).toEqual([]);
    for (const name of [...table.key, ...table.sort]) expect(columns).toHaveProperty(name);
    if (dataset.unit) expect(table.partitions).toHaveProperty(dataset.unit.partition);
    for (const column of Object.values(columns)) expect(column.means).not.toBe("");
  }
  if (dataset.demo) {
    expect(existsSync(dataset.demo.file)).toBe(true);
    expect(dataset.queries).toHaveProperty(dataset.demo.query);
  }
});

test("sessions stand in a column that their table does not have, or a series is looked for that there is none of", () => {
  for (const { sessions, tables, raw } of datasets) {
    if (!sessions) continue;
    const table = tables.find((t) => t.name === sessions.table)!;
    for (const column of [sessions.column, sessions.ticker, sessions.series])
      if (column !== undefined) expect({ ...table.columns, ...table.partitions }).toHaveProperty(column);
    expect(sessions.series !== undefined).toBe(raw?.publication?.parts !== undefined);
  }
});

test.each(datasets.filter((d) => d.raw))("$name: a raw row is the record, its lineage, and nothing else", ({ raw }) => {
  expect(Object.keys(raw!.table.columns)).toEqual([...Object.keys(raw!.record), ...lineageNames]);
  expect(raw!.record).toHaveProperty(raw!.session);
});

test("a layout changes the partitions of the table it names and of no other; what cannot be is refused by name", () => {
  const changed = catalogue({ bovespa_refined: ["year", "ticker"] });
  const tables = changed.flatMap((d) => d.tables);
  const refined = tables.find((t) => t.name === "bovespa_refined")!;
  expect(Object.keys(refined.partitions)).toEqual(["year", "ticker"]);
  expect(refined.columns).not.toHaveProperty("ticker");
  expect(refined.sort).not.toContain("ticker");
  expect(tables.filter((t) => !datasets.some((d) => d.tables.includes(t))).map((t) => t.name)).toEqual([
    "bovespa_refined",
  ]);
  expect(catalogue()).toEqual([...datasets]);
  expect(() => catalogue({ bovespa_refinado: ["year"] })).toThrow(/expected refined tables .*came bovespa_refinado/);
  expect(() => catalogue({ bovespa_refined: ["ticker"] })).toThrow(/expected year to stay/);
  expect(() => catalogue({ bovespa_refined: ["year", "nada"] })).toThrow(/nada/);
});
