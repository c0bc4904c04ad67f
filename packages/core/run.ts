/** A raw object as Firehose left it: rewritten, it is another object. */
export type RawObject = { key: string; etag: string; size: number };

export type FileEntry = { name: string; bytes: number; rows: number };

/** Where a partition's rows are: `folder` (bucket `lake`, ends in `/`) with exactly these files, made by `recipe`. */
export type PartitionEntry = { folder: string; files: FileEntry[]; recipe: string };

/** table → partition (`year=2024`, or `""` for a table without) → where it is. */
export type TableMap = Record<string, Record<string, PartitionEntry>>;

export type Accepted = { law: string; session: string | null; origin: string | null };

/** What is to be done, complete: the same document gives the same rows. Created once, never changed. */
export type Run = {
  dataset: string;
  run: number;
  /** The commit it stands on: `run - 1`. */
  base: number;
  opened_at: string;
  /** Digest of the recipe (contract, SQL, calendar), stored as `recipes/<dataset>/<digest>.json` in the state bucket. */
  recipe: string;
  /** Read under these ETags only. */
  objects: RawObject[];
  /** The units it recomputes as a whole, e.g. years; `[""]` for a dataset without a unit. */
  units: string[];
  /** The current partitions of these units, of every table, from commit `base`. */
  tables: TableMap;
  /** Every raw object of an ingest date up to this one is settled once this run has its commit. Null: none yet. */
  through: string | null;
  /** Raw objects refused while planning; their dead letters are sent before the commit. */
  rejects: (RawObject & { reason: string; message: string })[];
  accepted: Accepted[];
  rebuild: boolean;
};

/** The state bucket's keys count down, so that a listing starts with the newest. */
const down = (n: number) => String(9_999_999_999 - n).padStart(10, "0");
export const runKey = (dataset: string, n: number): string => `runs/${dataset}/${down(n)}.json`;
export const commitKey = (dataset: string, n: number): string => `commits/${dataset}/${down(n)}.json`;
export const reportKey = (dataset: string, n: number, attempt: string): string => `reports/${dataset}/${down(n)}/${attempt}.json`;
export const recipeKey = (dataset: string, sha256: string): string => `recipes/${dataset}/${sha256}.json`;
export const assetKey = (sha256: string): string => `assets/${sha256}.ndjson`;
export const numberOf = (key: string): number => 9_999_999_999 - Number(/(\d{10})(?:\.json|\/)/.exec(key)?.[1]);

/** The folder of an attempt at a run, for one table; an attempt refuses one that is not empty. Ends in `/`. */
export const attemptFolder = (table: string, run: number, attempt: string): string => `refined/${table}/run=${run}-${attempt}/`;
