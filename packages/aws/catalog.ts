import {
  BatchCreatePartitionCommand,
  BatchDeletePartitionCommand,
  BatchUpdatePartitionCommand,
  GetPartitionsCommand,
  GetTableCommand,
  type Table as GlueTable,
  type PartitionInput,
  type StorageDescriptor,
  UpdateTableCommand,
} from "@aws-sdk/client-glue";
import type { Catalog } from "../core/facts.ts";
import type { TableMap } from "../core/run.ts";
import { bucket } from "../core/stage.ts";
import { partitionName, partitionValues, type Table } from "../core/table.ts";
import type { Aws } from "./index.ts";
import { backOff } from "./retry.ts";

/** Entries a call: BatchCreatePartition and BatchUpdatePartition 100, BatchDeletePartition 25 (API reference). */
const WRITES = 100;
const DELETES = 25;

type Described = Pick<Table, "name" | "partitions">;

const isPartitioned = (table: Described): boolean => Object.keys(table.partitions).length > 0;

const locationOf = (aws: Aws, folder: string): string => `s3://${bucket(aws.stage, "lake")}/${folder}`;

/** A location as a key prefix of the lake; one elsewhere stays whole, and so equals no folder. */
const folderOf = (aws: Aws, location: string | undefined): string => {
  const folder = (location ?? "").replace(locationOf(aws, ""), "");
  return folder.endsWith("/") ? folder : `${folder}/`;
};

/** Every table's partitions and where they are, as the catalog says now. */
export const readCatalog = async (aws: Aws, database: string, tables: readonly Described[]): Promise<Catalog> =>
  Object.fromEntries(
    await Promise.all(
      tables.map(async (table) => [
        table.name,
        isPartitioned(table)
          ? await readPartitions(aws, database, table)
          : { "": folderOf(aws, (await readTable(aws, database, table.name)).StorageDescriptor?.Location) },
      ]),
    ),
  );

const readTable = async (aws: Aws, database: string, name: string): Promise<GlueTable> => {
  const { Table } = await aws.glue.send(new GetTableCommand({ DatabaseName: database, Name: name }));
  if (!Table) throw new Error(`Glue gave no table ${database}.${name}`);
  return Table;
};

const readPartitions = async (aws: Aws, database: string, table: Described): Promise<Record<string, string>> => {
  const names = Object.keys(table.partitions);
  const found: Record<string, string> = {};
  let token: string | undefined;
  do {
    const page = await aws.glue.send(
      new GetPartitionsCommand({
        DatabaseName: database,
        TableName: table.name,
        ExcludeColumnSchema: true,
        NextToken: token,
      }),
    );
    for (const { Values, StorageDescriptor } of page.Partitions ?? []) {
      const values = Object.fromEntries(names.map((name, index) => [name, Values?.[index] ?? ""]));
      found[partitionName(table, values)] = folderOf(aws, StorageDescriptor?.Location);
    }
    token = page.NextToken;
  } while (token);
  return found;
};

/**
 * Makes the catalog equal a map: each table's partitions and locations, none missing, none more. Tables in the order
 * given, base first; atomic per partition only. What a batch call refuses by entry is tried again, from a fresh look.
 * @throws Error with Glue's reason when a table does not become equal by `until` (ms since 1970).
 */
export const applyCatalog = async (
  aws: Aws,
  database: string,
  tables: readonly Described[],
  map: TableMap,
  until: number,
): Promise<void> => {
  for (const table of tables) {
    const wanted = Object.fromEntries(
      Object.entries(map[table.name] ?? {}).map(([name, entry]) => [name, entry.folder]),
    );
    if (isPartitioned(table)) await applyPartitions(aws, database, table, wanted, until);
    else if (wanted[""] !== undefined) await applyLocation(aws, database, table.name, wanted[""]);
  }
};

const applyLocation = async (aws: Aws, database: string, name: string, folder: string): Promise<void> => {
  const table = await readTable(aws, database, name);
  if (folderOf(aws, table.StorageDescriptor?.Location) === folder) return;
  const { Description, Owner, Retention, PartitionKeys, TableType, Parameters, StorageDescriptor } = table;
  await aws.glue.send(
    new UpdateTableCommand({
      DatabaseName: database,
      TableInput: {
        Name: name,
        Description,
        Owner,
        Retention,
        PartitionKeys,
        TableType,
        Parameters,
        StorageDescriptor: { ...StorageDescriptor, Location: locationOf(aws, folder) },
      },
    }),
  );
};

const applyPartitions = async (
  aws: Aws,
  database: string,
  table: Described,
  wanted: Record<string, string>,
  until: number,
): Promise<void> => {
  const descriptor = (await readTable(aws, database, table.name)).StorageDescriptor ?? {};
  for (let attempt = 0; ; attempt++) {
    const found = await readPartitions(aws, database, table);
    const missing = Object.keys(wanted).filter((name) => found[name] === undefined);
    const moved = Object.keys(wanted).filter((name) => found[name] !== undefined && found[name] !== wanted[name]);
    const excess = Object.keys(found).filter((name) => wanted[name] === undefined);
    if (missing.length + moved.length + excess.length === 0) return;
    const input = (name: string) => partitionInput(aws, table, descriptor, name, wanted[name] ?? "");
    const refused: (string | undefined)[] = [];
    const at = { DatabaseName: database, TableName: table.name };
    for (const names of chunks(missing, WRITES)) {
      const answer = await aws.glue.send(
        new BatchCreatePartitionCommand({ ...at, PartitionInputList: names.map(input) }),
      );
      refused.push(...(answer.Errors ?? []).map((e) => e.ErrorDetail?.ErrorCode));
    }
    for (const names of chunks(moved, WRITES)) {
      const Entries = names.map((name) => ({ PartitionValueList: valuesOf(table, name), PartitionInput: input(name) }));
      const answer = await aws.glue.send(new BatchUpdatePartitionCommand({ ...at, Entries }));
      refused.push(...(answer.Errors ?? []).map((e) => e.ErrorDetail?.ErrorCode));
    }
    for (const names of chunks(excess, DELETES)) {
      const PartitionsToDelete = names.map((name) => ({ Values: valuesOf(table, name) }));
      const answer = await aws.glue.send(new BatchDeletePartitionCommand({ ...at, PartitionsToDelete }));
      refused.push(...(answer.Errors ?? []).map((e) => e.ErrorDetail?.ErrorCode));
    }
    // Without a refusal the catalog is equal, or another caller is writing, too: the next reading of the facts tells.
    if (refused.length === 0) return;
    if (!(await backOff(attempt, until)))
      throw new Error(
        `${refused.length} partitions of ${database}.${table.name} refused by Glue: ${refused[0] ?? "no reason given"}`,
      );
  }
};

const valuesOf = (table: Described, name: string): string[] => {
  const values = partitionValues(name);
  return Object.keys(table.partitions).map((column) => values[column] ?? "");
};

const partitionInput = (
  aws: Aws,
  table: Described,
  descriptor: StorageDescriptor,
  name: string,
  folder: string,
): PartitionInput => ({
  Values: valuesOf(table, name),
  StorageDescriptor: { ...descriptor, Location: locationOf(aws, folder) },
});

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
