import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import {
  atMost,
  type Descriptor,
  databaseInput,
  epoch,
  keyOf,
  missing,
  nameText,
  pageSize,
  read,
  type TableInput,
  tableInput,
  tokenAfter,
} from "./shapes.ts";
import type { CatalogStore, StoredTable } from "./store.ts";

const MAX_PAGE = 100;
/** BatchDeleteTable takes at most so many names (API model). */
const MAX_DELETES = 100;

export type CatalogDeps = { account: string; now: () => number };

const lower = (name: string): string => name.toLowerCase();
const named = z.looseObject({ Name: nameText });
const inDatabase = z.looseObject({ DatabaseName: nameText });
const tableNamed = inDatabase.extend({ Name: nameText });
const paged = z.looseObject({
  NextToken: z.string().optional(),
  MaxResults: z.int().optional(),
  Expression: z.string().optional(),
});

/**
 * The descriptor with every member that readers take for granted: Trino ends in a null pointer where
 * NumberOfBuckets is missing, and leaves it out itself when it creates a view.
 */
export const filled = (descriptor: Descriptor): Descriptor => ({
  BucketColumns: [],
  Compressed: false,
  SortColumns: [],
  StoredAsSubDirectories: false,
  ...descriptor,
  Columns: (descriptor.Columns ?? []).map((column) => ({ ...column, Name: lower(column.Name) })),
  NumberOfBuckets: descriptor.NumberOfBuckets ?? 0,
  Parameters: descriptor.Parameters ?? {},
});

/** Hive's pattern for names: `*` is anything, `|` is or. */
export const namePattern = (expression: string): RegExp =>
  new RegExp(
    `^(?:${expression
      .replaceAll(".*", "*")
      .split("|")
      .map((part) =>
        part
          .split("*")
          .map((literal) => literal.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"))
          .join(".*"),
      )
      .join("|")})$`,
    "iu",
  );

/** Databases and tables of the Data Catalog. Names are kept in lower case, as Hive has them. */
export const catalogOperations = (state: State, store: CatalogStore, deps: CatalogDeps) => {
  const requireDatabase = (name: string): Record<string, unknown> =>
    store.database(lower(name)) ?? missing(`Database ${name}`);
  const requireTable = (database: string, name: string): StoredTable => {
    requireDatabase(database);
    return store.table(lower(database), lower(name)) ?? missing(`Table ${name}`);
  };

  const bodyOf = (database: string, { StorageDescriptor, PartitionKeys, ...rest }: TableInput) => ({
    Retention: 0,
    Parameters: {},
    ...rest,
    Name: lower(rest.Name),
    DatabaseName: database,
    ...(StorageDescriptor ? { StorageDescriptor: filled(StorageDescriptor) } : {}),
    PartitionKeys: (PartitionKeys ?? []).map((key) => ({ ...key, Name: lower(key.Name) })),
  });
  const write = (database: string, input: TableInput, before: StoredTable | null, archive: boolean) => {
    const version = before ? Number(before.body.VersionId) + 1 : 0;
    const now = epoch(deps.now());
    const body = {
      ...bodyOf(database, input),
      CreateTime: before?.body.CreateTime ?? now,
      UpdateTime: now,
      CreatedBy: `arn:aws:iam::${deps.account}:root`,
      IsRegisteredWithLakeFormation: false,
      CatalogId: deps.account,
      VersionId: String(version),
    };
    store.putTable(database, body.Name, version, body, archive);
  };
  const createDatabase = (input: unknown) => {
    const database = read(databaseInput, input);
    const name = lower(database.Name);
    if (store.database(name)) throw new AwsError("AlreadyExistsException", `Database ${name} already exists.`);
    store.putDatabase(name, {
      Parameters: {},
      ...database,
      Name: name,
      CreateTime: epoch(deps.now()),
      CatalogId: deps.account,
    });
  };
  const createTable = (database: string, input: unknown) => {
    requireDatabase(database);
    const table = read(tableInput, input);
    if (store.table(lower(database), lower(table.Name)))
      throw new AwsError("AlreadyExistsException", `Table ${lower(table.Name)} already exists.`);
    write(lower(database), table, null, false);
  };
  /** Makes the table, or gives it this definition where it differs from the one it has. */
  const declareTable = (database: string, input: TableInput) => {
    requireDatabase(database);
    const before = store.table(lower(database), lower(input.Name));
    const wanted = bodyOf(lower(database), input);
    const {
      CreateTime: _c,
      UpdateTime: _u,
      CreatedBy: _b,
      IsRegisteredWithLakeFormation: _l,
      CatalogId: _i,
      VersionId: _v,
      ...has
    } = before?.body ?? {};
    if (!before || !isDeepStrictEqual(has, JSON.parse(JSON.stringify(wanted))))
      write(lower(database), input, before, before !== null);
  };
  /** One page of what `list` gives after a key, `keep` deciding what belongs to it. */
  const page = <T>(
    input: z.infer<typeof paged>,
    list: (after: string | null, limit: number) => T[],
    key: (item: T) => string,
    keep: (item: T) => boolean,
  ) => {
    const size = pageSize(input.MaxResults, MAX_PAGE);
    const kept: T[] = [];
    let after = keyOf(input.NextToken);
    for (;;) {
      const some = list(after, MAX_PAGE + 1);
      for (const item of some) {
        if (!keep(item)) continue;
        if (kept.length === size) return { items: kept, NextToken: tokenAfter(key(kept[size - 1]!)) };
        kept.push(item);
      }
      if (some.length <= MAX_PAGE) return { items: kept };
      after = key(some[some.length - 1]!);
    }
  };

  const operations = {
    CreateDatabase: (input: unknown) => {
      state.transaction(() => createDatabase(read(z.looseObject({ DatabaseInput: z.unknown() }), input).DatabaseInput));
      return {};
    },
    GetDatabase: (input: unknown) => ({ Database: requireDatabase(read(named, input).Name) }),
    GetDatabases: (input: unknown) => {
      const { items, ...rest } = page(
        read(paged, input),
        store.databases,
        (one) => one.Name as string,
        () => true,
      );
      return { DatabaseList: items, ...rest };
    },
    UpdateDatabase: (input: unknown) => {
      const { Name, DatabaseInput } = read(named.extend({ DatabaseInput: databaseInput }), input);
      state.transaction(() => {
        const before = requireDatabase(Name);
        store.putDatabase(lower(Name), {
          Parameters: {},
          ...DatabaseInput,
          Name: lower(Name),
          CreateTime: before.CreateTime,
          CatalogId: deps.account,
        });
      });
      return {};
    },
    DeleteDatabase: (input: unknown) => {
      const { Name } = read(named, input);
      state.transaction(() => store.deleteDatabase(lower(Name)) || missing(`Database ${Name}`));
      return {};
    },
    CreateTable: (input: unknown) => {
      const { DatabaseName, TableInput } = read(inDatabase.extend({ TableInput: z.unknown() }), input);
      state.transaction(() => createTable(DatabaseName, TableInput));
      return {};
    },
    GetTable: (input: unknown) => {
      const { DatabaseName, Name } = read(tableNamed, input);
      return { Table: requireTable(DatabaseName, Name).body };
    },
    GetTables: (input: unknown) => {
      const asked = read(paged.extend({ DatabaseName: nameText }), input);
      requireDatabase(asked.DatabaseName);
      const pattern = asked.Expression ? namePattern(asked.Expression) : null;
      const { items, ...rest } = page(
        asked,
        (after, limit) => store.tables(lower(asked.DatabaseName), after, limit),
        (table) => table.name,
        (table) => !pattern || pattern.test(table.name),
      );
      return { TableList: items.map((table) => table.body), ...rest };
    },
    UpdateTable: (input: unknown) => {
      const asked = read(
        inDatabase.extend({
          TableInput: tableInput,
          SkipArchive: z.boolean().optional(),
          VersionId: z.string().optional(),
        }),
        input,
      );
      state.transaction(() => {
        const before = requireTable(asked.DatabaseName, asked.TableInput.Name);
        if (asked.VersionId !== undefined && asked.VersionId !== before.body.VersionId)
          throw new AwsError(
            "ConcurrentModificationException",
            `Update table failed due to concurrent modifications: expected version ${asked.VersionId}, came ${before.body.VersionId}.`,
          );
        write(before.database, asked.TableInput, before, !asked.SkipArchive);
      });
      return {};
    },
    DeleteTable: (input: unknown) => {
      const { DatabaseName, Name } = read(tableNamed, input);
      state.transaction(() => {
        const table = requireTable(DatabaseName, Name);
        store.deleteTable(table.database, table.name);
      });
      return {};
    },
    BatchDeleteTable: (input: unknown) => {
      const { DatabaseName, TablesToDelete } = read(inDatabase.extend({ TablesToDelete: z.array(z.string()) }), input);
      atMost(TablesToDelete, MAX_DELETES, "tablesToDelete");
      return state.transaction(() => {
        requireDatabase(DatabaseName);
        const failed = TablesToDelete.filter((name) => !store.deleteTable(lower(DatabaseName), lower(name)));
        return {
          Errors: failed.map((name) => ({
            TableName: name,
            ErrorDetail: { ErrorCode: "EntityNotFoundException", ErrorMessage: `Table ${name} not found.` },
          })),
        };
      });
    },
    GetTableVersions: (input: unknown) => {
      const { DatabaseName, TableName } = read(inDatabase.extend({ TableName: nameText }), input);
      const table = requireTable(DatabaseName, TableName);
      const older = store.versions(table.database, table.name);
      return {
        TableVersions: [
          { Table: table.body, VersionId: table.body.VersionId },
          ...older.map(({ version, body }) => ({ Table: body, VersionId: String(version) })),
        ],
      };
    },
    GetTableVersion: (input: unknown) => {
      const asked = read(inDatabase.extend({ TableName: nameText, VersionId: z.string().optional() }), input);
      const table = requireTable(asked.DatabaseName, asked.TableName);
      if (asked.VersionId === undefined || asked.VersionId === table.body.VersionId)
        return { TableVersion: { Table: table.body, VersionId: table.body.VersionId } };
      const found = store
        .versions(table.database, table.name)
        .find(({ version }) => String(version) === asked.VersionId);
      if (!found) return missing(`Version ${asked.VersionId} of table ${asked.TableName}`);
      return { TableVersion: { Table: found.body, VersionId: asked.VersionId } };
    },
    // An error here instead of an empty list makes Trino retry for most of a minute.
    GetColumnStatisticsForTable: () => ({ ColumnStatisticsList: [], Errors: [] }),
    GetColumnStatisticsForPartition: () => ({ ColumnStatisticsList: [], Errors: [] }),
    GetUserDefinedFunctions: () => ({ UserDefinedFunctions: [] }),
  };
  return { operations, requireTable, createDatabase, declareTable };
};
