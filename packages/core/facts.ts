import type { Commit } from "./commit.ts";
import type { Dataset } from "./dataset.ts";
import type { Submission } from "./report.ts";
import type { Accepted, ListedObject, Paused, Run } from "./run.ts";

/** table → partition (`""` for a table without) → key prefix in the lake, ending in `/`. */
export type Catalog = Record<string, Record<string, string>>;

/** One start of the job for a run. `ended` is final. How long it ran, and what it is billed for, nothing depends on. */
export type Attempt = { id: string; ended: boolean; reason: string | null; seconds?: number; dpuSeconds?: number };

/** What `advance` must know of a dataset. Tables in the order in which they are published: base first, then computed. */
export type Shape = {
  dataset: string;
  tables: string[];
  partitioned: Record<string, boolean>;
  unit: string | null;
  recipe: string;
  raw: boolean;
};

export const shapeOf = (dataset: Dataset, recipe: string): Shape => ({
  dataset: dataset.name,
  tables: dataset.tables.map((t) => t.name),
  partitioned: Object.fromEntries(dataset.tables.map((t) => [t.name, Object.keys(t.partitions).length > 0])),
  unit: dataset.unit?.partition ?? null,
  recipe,
  raw: dataset.raw !== undefined,
});

/**
 * What a person asks for once. `rebuild`: units to make anew from raw, also while the dataset is paused. `retryHeld`:
 * whatever is held by this commit or an older one is tried again, until it is published or was held alone once more.
 */
export type Wish = { rebuild?: readonly string[]; retryHeld?: number };

/** What is in the stores. `run` is the newest; `attempts` and `submissions` are its; `base` is commit `run.base`. */
export type Facts = {
  now: number;
  raw: ListedObject[];
  /** The newest commit that was known before `raw` was listed; 0: none. */
  listed: number;
  accepted: Accepted[];
  /** Not null: no new run is opened but a rebuild that is wished. */
  paused: Paused | null;
  /** Ids of the events that count as never arrived, sorted. */
  withdrawn: string[];
  catalog: Catalog;
  run: Run | null;
  attempts: Attempt[];
  submissions: Submission[];
  commit: Commit | null;
  base: Commit | null;
};

export const nothing: Facts = {
  now: 0,
  raw: [],
  listed: 0,
  accepted: [],
  paused: null,
  withdrawn: [],
  catalog: {},
  run: null,
  attempts: [],
  submissions: [],
  commit: null,
  base: null,
};
