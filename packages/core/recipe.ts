import type { GlueType } from "./columns.ts";
import type { Audit, Dataset, Step } from "./dataset.ts";
import type { Columns, Table } from "./table.ts";

/** A table as an engine sees it: nothing but names and types. */
export type RecipeTable = {
  name: string;
  columns: { name: string; type: GlueType }[];
  partitions: { name: string; type: GlueType }[];
  key: string[];
  sort: string[];
  rowGroup: number;
};

/**
 * All that an engine needs to know to carry out a run, besides the run itself: contract, SQL, calendar. It is stored
 * under its own digest and a run names that digest, so the same run document gives the same rows, whatever is deployed.
 *
 * While the steps run, these views exist: `raw` (the unit's rows of the run's objects, without those whose `event_id` is
 * in the run's `withdrawn`), `atual_<table>` (the unit's current rows; none in a rebuild), each asset, each earlier step
 * under its name. An object's rows of a unit that the run does not name fail it, or, in a rebuild, are left out.
 */
export type Recipe = {
  dataset: string;
  raw: RecipeTable | null;
  unit: { partition: string; sql: string } | null;
  tables: RecipeTable[];
  steps: Step[];
  audits: Audit[];
  /** Asset name → the digest it is stored under, and its columns. */
  assets: Record<string, { sha256: string; columns: { name: string; type: GlueType }[] }>;
};

const fields = (columns: Columns) => Object.entries(columns).map(([name, c]) => ({ name, type: c.type }));

const recipeTable = (t: Table): RecipeTable => ({
  name: t.name,
  columns: fields(t.columns),
  partitions: fields(t.partitions),
  key: [...t.key],
  sort: [...t.sort],
  rowGroup: t.rowGroup ?? 122_880,
});

/** The recipe of a dataset and the assets it names. `digest` is SHA-256 in hexadecimal. */
export const recipeOf = (
  dataset: Dataset,
  digest: (text: string) => string,
): { recipe: Recipe; assets: Map<string, string> } => {
  const assets = new Map<string, string>();
  const named: Recipe["assets"] = {};
  for (const [name, asset] of Object.entries(dataset.assets)) {
    const body = asset.rows();
    const sha256 = digest(body);
    assets.set(sha256, body);
    named[name] = { sha256, columns: fields(asset.columns) };
  }
  return {
    assets,
    recipe: {
      dataset: dataset.name,
      raw: dataset.raw ? recipeTable(dataset.raw.table) : null,
      unit: dataset.unit ? { partition: dataset.unit.partition, sql: dataset.unit.sql } : null,
      tables: dataset.tables.map(recipeTable),
      steps: [...dataset.steps],
      audits: [...dataset.audits],
      assets: named,
    },
  };
};
