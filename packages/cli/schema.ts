import { trinoType } from "../core/columns.ts";
import type { Dataset } from "../core/dataset.ts";
import { jsonSchema, type Table } from "../core/table.ts";
import { fields, table } from "./output.ts";
import type { Output } from "./output.ts";

/** `pregao datasets`: what flows here. */
export const listDatasets = (output: Output, datasets: readonly Dataset[]): void => {
  const rows = datasets.map((d) => ({
    name: d.name,
    means: d.means,
    database: d.database,
    tables: [...(d.raw ? [d.raw.table.name] : []), ...d.tables.map((t) => t.name)],
  }));
  output.result(rows, () =>
    `${table(fields("dataset", "database", "tables", "means"), rows.map((d) => [d.name, d.database, d.tables.join(", "), d.means]))}\nNext: pregao schema ${rows[0]?.name}\n`,
  );
};

/** `pregao schema`: the columns of a dataset's tables, and with --json the JSON Schema of its records too. */
export const schema = (output: Output, dataset: Dataset): void => {
  const tables = [...(dataset.raw ? [dataset.raw.table] : []), ...dataset.tables];
  const document = {
    dataset: dataset.name,
    database: dataset.database,
    record: dataset.raw ? jsonSchema(dataset.raw.record) : null,
    tables: tables.map((t) => ({ name: t.name, means: t.means, key: t.key, sort: t.sort, columns: columnsOf(t) })),
    queries: dataset.queries,
  };
  output.result(document, () =>
    tables
      .map((t) => {
        const rows = columnsOf(t).map((c) => [c.name, c.type, c.partition ? "partition" : t.key.includes(c.name) ? "key" : "", c.means]);
        return `${dataset.database}.${t.name}: ${t.means}\n\n${table(fields("column", "type", "", "means"), rows)}`;
      })
      .join("\n")
      .concat(`\nNext: pregao query "SELECT * FROM ${dataset.tables[0]?.name} LIMIT 5"\n`),
  );
};

const columnsOf = (t: Table) => [
  ...Object.entries(t.columns).map(([name, c]) => ({ name, type: trinoType(c.type), partition: false, means: c.means })),
  ...Object.entries(t.partitions).map(([name, c]) => ({ name, type: trinoType(c.type), partition: true, means: c.means })),
];
