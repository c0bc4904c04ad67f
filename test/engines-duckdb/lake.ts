import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { type Recipe, recipeOf } from "../../packages/core/recipe.ts";
import type { Report } from "../../packages/core/report.ts";
import { assetKey, type RawObject, type Run, type TableMap } from "../../packages/core/run.ts";
import { partitionValues } from "../../packages/core/table.ts";
import { type Cell, writeParquet } from "../../packages/engines/duckdb/parquet.ts";
import { refine } from "../../packages/engines/duckdb/refine.ts";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import type { Store } from "../../packages/engines/store.ts";

export const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** A store that is a folder; an object's ETag is the digest of its bytes. `reads` counts what was asked for. */
export const folderStore = (dir: string): Store & { reads: string[] } => {
  const at = (bucket: string, key: string) => join(dir, bucket, key);
  const reads: string[] = [];
  const keys = (folder: string, prefix: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder, { withFileTypes: true }).flatMap((e) =>
          e.isDirectory() ? keys(join(folder, e.name), `${prefix}${e.name}/`) : [`${prefix}${e.name}`],
        )
      : [];
  return {
    reads,
    scratch: join(dir, "scratch"),
    read: async (bucket, key) => {
      reads.push(key);
      const path = at(bucket, key);
      if (!existsSync(path)) throw new Error(`no such object: ${bucket} ${key}`);
      return { path, etag: sha256(readFileSync(path)) };
    },
    list: async (bucket, prefix) =>
      keys(join(dir, bucket), "")
        .filter((key) => key.startsWith(prefix))
        .sort(),
    write: async (bucket, key, path) => {
      const to = at(bucket, key);
      if (existsSync(to)) throw new Error(`exists already: ${bucket} ${key}`);
      mkdirSync(dirname(to), { recursive: true });
      renameSync(path, to);
    },
  };
};

/** The cell of a column from a row's wire value. */
const cell = (type: string, value: unknown): Cell => {
  if (value === null || value === undefined) return null;
  if (type === "date") return Date.parse(`${value}T00:00:00Z`) / 86_400_000;
  if (type === "timestamp") return BigInt(Date.parse(`${String(value).replace(" ", "T")}Z`)) * 1000n;
  if (type === "bigint") return BigInt(value as string);
  return value as Cell;
};

export type Lake = {
  dir: string;
  store: ReturnType<typeof folderStore>;
  recipe: Recipe;
  session: Session;
  /** The map and number of the last run that was carried out. */
  tables: TableMap;
  run: number;
};

/** A lake in a folder, empty, for a dataset; with the session its files are written and read by. */
export const newLake = async (dir: string, dataset: Dataset): Promise<Lake> => {
  const store = folderStore(dir);
  const { recipe, assets } = recipeOf(dataset, sha256);
  for (const [digest, body] of assets) {
    const path = join(dir, "state", assetKey(digest));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, body);
  }
  const session = await openSession({ scratch: join(dir, "test scratch"), threads: 1, memory: "1GB" });
  return { dir, store, recipe, session, tables: {}, run: 0 };
};

export const closeLake = (lake: Lake): void => {
  lake.session.close();
  rmSync(lake.dir, { recursive: true, force: true });
};

/** Puts raw rows (as they stand in the consumer's JSON) into the lake as one object. */
export const land = async (lake: Lake, name: string, rows: readonly WireRecord[]): Promise<RawObject> => {
  const columns = lake.recipe.raw!.columns;
  const key = `raw/${lake.recipe.dataset}/ingest_date=2024-11-09/${name}.parquet`;
  const path = join(lake.dir, "lake", key);
  mkdirSync(dirname(path), { recursive: true });
  const batch = columns.map((c) => rows.map((row) => cell(c.type, row[c.name])));
  await writeParquet(lake.session, path, { columns, batches: [batch] });
  const bytes = readFileSync(path);
  return { key, etag: sha256(bytes), size: bytes.length };
};

/** The run that would be opened over these objects: it stands on what was published last. */
export const runOf = (lake: Lake, objects: RawObject[], units: string[], change: Partial<Run> = {}): Run => {
  const column = lake.recipe.unit?.partition;
  const current: TableMap = {};
  for (const [table, partitions] of Object.entries(lake.tables)) {
    current[table] = Object.fromEntries(
      Object.entries(partitions).filter(([name]) => !column || units.includes(partitionValues(name)[column] ?? "")),
    );
  }
  return {
    format: 1,
    dataset: lake.recipe.dataset,
    run: lake.run + 1,
    base: lake.run,
    opened_at: "2024-11-09T01:30:00.000Z",
    recipe: "r".repeat(64),
    objects,
    units,
    tables: current,
    through: null,
    rejects: [],
    accepted: [],
    rebuild: false,
    withdrawn: [],
    ...change,
  };
};

/** Carries a run out and publishes it. */
export const publish = async (
  lake: Lake,
  run: Run,
  options: { memory?: string; threads?: number } = {},
): Promise<Report> => {
  const report = await refine({
    run,
    recipe: lake.recipe,
    attempt: "jr_1",
    store: lake.store,
    threads: 1,
    memory: "1GB",
    ...options,
  });
  const tables: TableMap = { ...lake.tables };
  for (const [table, partitions] of Object.entries(report.tables)) tables[table] = { ...tables[table], ...partitions };
  lake.tables = tables;
  lake.run = run.run;
  return report;
};

/** Rows of a published table, with its partition columns, as JSON: exact, see Session.rows. */
export const published = async (
  lake: Lake,
  table: string,
  select = "*",
  tail = "",
): Promise<Record<string, unknown>[]> => {
  const rows: Record<string, unknown>[] = [];
  for (const [partition, entry] of Object.entries(lake.tables[table] ?? {})) {
    const values = partitionValues(partition);
    for (const file of entry.files) {
      const path = join(lake.dir, "lake", entry.folder, file.name);
      const found = await lake.session.rows(
        `SELECT ${select} FROM read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false) ${tail}`,
      );
      rows.push(...found.map((row) => ({ ...row, ...values })));
    }
  }
  return rows;
};
