import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { database, type Stage } from "../core/stage.ts";
import { withLayout } from "../core/table.ts";
import { bovespa } from "./bovespa/index.ts";
import { calendario } from "./calendario/index.ts";
import { carteira } from "./carteira/index.ts";

/** Everything that flows here. A new dataset is a folder beside these, a line in this list, and fixtures. */
export const datasets: readonly Dataset[] = [bovespa, calendario, carteira];

/**
 * The datasets with other partitions for the tables that `layouts` names, e.g. `{"bovespa_refined": ["year", "ticker"]}`.
 * Throws a PregaoError for a table that is not there or a layout it cannot have.
 */
export const catalogue = (layouts: Readonly<Record<string, readonly string[]>> = {}): Dataset[] => {
  const tables = datasets.flatMap((d) => d.tables.map((t) => t.name));
  const unknown = Object.keys(layouts).filter((name) => !tables.includes(name));
  if (unknown.length)
    throw new PregaoError(
      "layout",
      `layouts: expected refined tables (${tables.join(", ")}), came ${unknown.join(", ")}; name one of them or leave it out`,
    );
  return datasets.map((dataset) => ({
    ...dataset,
    tables: dataset.tables.map((table) => {
      const layout = layouts[table.name];
      return layout ? withLayout(table, layout) : table;
    }),
  }));
};

/** The datasets of a stage: in its layouts, in databases of its own. */
export const catalogueOf = (stage: Stage): Dataset[] =>
  catalogue(stage.layouts).map((dataset) => ({ ...dataset, database: database(stage, dataset.database) }));
