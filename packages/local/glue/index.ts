import type { JsonService, Operation } from "../service.ts";
import type { State } from "../state.ts";
import { catalogOperations } from "./catalog.ts";
import type { JobDeps } from "./job-runs.ts";
import { jobOperations } from "./jobs.ts";
import { partitionOperations } from "./partitions.ts";
import type { DatabaseInput, JobInput, TableInput } from "./shapes.ts";
import { catalogStore, type StoredTable } from "./store.ts";

export { namePattern } from "./catalog.ts";
export { databaseInput, movesByCommit, PARQUET, tableInput } from "./declare.ts";
export type { JobCall, JobEvent } from "./job-runs.ts";
export type { DatabaseInput, JobInput, TableInput } from "./shapes.ts";

export type GlueDeps = Pick<JobDeps, "run" | "onJobEvent" | "graceMs"> & {
  account?: string;
  region?: string;
  now?: () => number;
};

/** A column as the catalog has it: the type is Hive's text. */
export type CatalogColumn = { name: string; type: string };

/** A table as the other services see it. `columns` are those in the files, without the partition keys. */
export type CatalogTable = {
  database: string;
  name: string;
  columns: CatalogColumn[];
  partitionKeys: CatalogColumn[];
  /** `s3://bucket/prefix/`, or "" where none was given. */
  location: string;
  /** `EXTERNAL_TABLE`, `VIRTUAL_VIEW`, …, or "". */
  kind: string;
  parameters: Record<string, string>;
};

const columnsOf = (list: unknown): CatalogColumn[] =>
  ((list ?? []) as { Name: string; Type?: string }[]).map((column) => ({
    name: column.Name,
    type: column.Type ?? "string",
  }));

const described = (table: StoredTable): CatalogTable => {
  const descriptor = (table.body.StorageDescriptor ?? {}) as { Columns?: unknown; Location?: string };
  return {
    database: table.database,
    name: table.name,
    columns: columnsOf(descriptor.Columns),
    partitionKeys: table.keys,
    location: descriptor.Location ?? "",
    kind: (table.body.TableType as string | undefined) ?? "",
    parameters: (table.body.Parameters ?? {}) as Record<string, string>,
  };
};

/**
 * AWS Glue: the Data Catalog and jobs. `resume` ends the runs that an earlier process left under way; it is called by
 * the first operation at the latest, so whoever composes the services calls it once `onJobEvent` can be called.
 */
export const glue = (state: State, deps: GlueDeps) => {
  const now = deps.now ?? Date.now;
  const account = deps.account ?? "000000000000";
  const store = catalogStore(state);
  const catalog = catalogOperations(state, store, { account, now });
  const partitions = partitionOperations(state, store, catalog.requireTable, { account, now });
  const jobs = jobOperations(state, { ...deps, account, region: deps.region ?? "sa-east-1", now });
  const answers = { ...catalog.operations, ...partitions, ...jobs.operations };
  const operations: Record<string, Operation> = {};
  for (const [name, answer] of Object.entries(answers) as [string, (input: unknown) => unknown][])
    operations[name] = (input: never) => {
      jobs.resume();
      return answer(input);
    };
  const service: JsonService = { target: "AWSGlue", version: "1.1", operations };

  return {
    service,
    resume: jobs.resume,
    busy: jobs.busy,
    close: jobs.close,
    /** Makes the database if it does not exist. */
    createDatabase: (input: DatabaseInput) =>
      state.transaction(() => {
        if (!store.database(input.Name.toLowerCase())) catalog.createDatabase(input);
      }),
    /** Makes the table, or gives it this definition where it differs: its partitions stay. */
    createTable: (database: string, input: TableInput) =>
      state.transaction(() => catalog.declareTable(database, input)),
    /** Makes the job, or gives it this definition. */
    createJob: (input: JobInput & { Name: string }) =>
      state.transaction(() => jobs.putJob(input.Name, input, jobs.createdOn(input.Name))),
    table: (database: string, name: string): CatalogTable | null => {
      const found = store.table(database.toLowerCase(), name.toLowerCase());
      return found ? described(found) : null;
    },
    /** Every partition's values (null: Hive's default partition) and location. Not to be changed by the caller. */
    partitions: (database: string, name: string): readonly { values: (string | null)[]; location: string }[] =>
      store.locations(database.toLowerCase(), name.toLowerCase()),
    database: (name: string) => store.database(name.toLowerCase()),
    databases: () => store.databases(null, -1),
    tables: (database: string): StoredTable[] => store.tables(database.toLowerCase(), null, -1),
  };
};

export type Glue = ReturnType<typeof glue>;
