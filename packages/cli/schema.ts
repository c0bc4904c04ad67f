import { trinoType } from "../core/columns.ts";
import type { Dataset } from "../core/dataset.ts";
import { jsonSchema, type Table } from "../core/table.ts";
import type { View } from "../core/view.ts";
import type { Output } from "./output.ts";
import { fields, table } from "./output.ts";

/** `pregao datasets`: what flows here. */
export const listDatasets = (output: Output, datasets: readonly Dataset[]): void => {
  const document = datasets.map((d) => ({
    name: d.name,
    means: d.means,
    database: d.database,
    queue: d.raw ? d.name : null,
    tables: tablesOf(d).map((t) => t.name),
    views: Object.keys(d.views),
  }));
  const most = Math.max(...document.flatMap((d) => [...d.tables, ...d.views]).map((name) => name.length));
  output.result(document, () =>
    [
      ...datasets.flatMap((d) => [
        `${d.name}: ${d.means}${d.raw ? "" : " (computed: no file or message of it)"}`,
        ...tablesOf(d).map((t) => `  ${t.name.padEnd(most)}  ${t.means}`),
        ...Object.entries(d.views).map(([name, view]) => `  ${name.padEnd(most)}  (view) ${view.means}`),
        "",
      ]),
      `Next: pregao schema ${datasets[0]?.name}`,
      "",
    ].join("\n"),
  );
};

/** `pregao schema`: the columns of a dataset's tables and views, and its saved queries; with --json its records' JSON Schema, too. */
export const schema = (output: Output, dataset: Dataset): void => {
  const tables = tablesOf(dataset);
  const views = Object.entries(dataset.views);
  const document = {
    dataset: dataset.name,
    database: dataset.database,
    record: dataset.raw ? jsonSchema(dataset.raw.record) : null,
    tables: tables.map((t) => ({ name: t.name, means: t.means, key: t.key, sort: t.sort, columns: columnsOf(t) })),
    views: views.map(([name, view]) => ({ name, means: view.means, columns: viewColumns(view), sql: view.sql })),
    queries: dataset.queries,
  };
  output.result(document, () =>
    [
      ...tables.flatMap((t) => {
        const rows = columnsOf(t).map((c) => [c.name, c.type, roleOf(t, c), c.means]);
        return [
          `${dataset.database}.${t.name}: ${t.means}`,
          "",
          table(fields("column", "type", "role", "means"), rows),
        ];
      }),
      ...views.flatMap(([name, view]) => [
        `${dataset.database}.${name} (view): ${view.means}`,
        "",
        table(
          fields("column", "type", "means"),
          viewColumns(view).map((c) => [c.name, c.type, c.means]),
        ),
      ]),
      ...Object.values(dataset.queries).flatMap(({ means, sql }) => [`${means}:`, "", indented(sql), ""]),
      `Next: pregao query "SELECT * FROM ${dataset.tables[0]?.name} LIMIT 5"`,
      "",
    ].join("\n"),
  );
};

/** Raw first, then the refined ones. */
const tablesOf = (dataset: Dataset): Table[] => [...(dataset.raw ? [dataset.raw.table] : []), ...dataset.tables];

const columnsOf = (t: Table) => [
  ...Object.entries(t.columns).map(([name, c]) => ({
    name,
    type: trinoType(c.type),
    partition: false,
    means: c.means,
  })),
  ...Object.entries(t.partitions).map(([name, c]) => ({
    name,
    type: trinoType(c.type),
    partition: true,
    means: c.means,
  })),
];

const viewColumns = (view: View) =>
  Object.entries(view.columns).map(([name, c]) => ({ name, type: trinoType(c.type), means: c.means }));

const roleOf = (t: Table, { name, partition }: { name: string; partition: boolean }): string =>
  [...(t.key.includes(name) ? ["key"] : []), ...(partition ? ["partition"] : [])].join(", ");

const indented = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
