import { createHash } from "node:crypto";
import { z } from "zod";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { type CatalogDeps, filled } from "./catalog.ts";
import { partitionFilter } from "./expression.ts";
import {
  atMost,
  epoch,
  keyOf,
  missing,
  nameText,
  type PartitionInput,
  pageSize,
  partitionInput,
  read,
  tokenAfter,
} from "./shapes.ts";
import { type CatalogStore, NO_VALUE, type StoredTable } from "./store.ts";

/** Limits of the API model. */
const MAX_WRITES = 100;
const MAX_DELETES = 25;
const MAX_READS = 1000;

const ofTable = z.looseObject({ DatabaseName: nameText, TableName: nameText });
const values = z.array(z.string());
const valueList = z.array(z.looseObject({ Values: values }));

/** What one entry of a batch came to: null is done. */
type EntryError = {
  PartitionValues?: string[];
  PartitionValueList?: string[];
  ErrorDetail: { ErrorCode: string; ErrorMessage: string };
};

/** Partitions of the Data Catalog: each is its list of values, one for each of the table's keys. */
export const partitionOperations = (
  state: State,
  store: CatalogStore,
  requireTable: (database: string, name: string) => StoredTable,
  deps: CatalogDeps,
) => {
  const checkValues = (table: StoredTable, given: readonly string[]) => {
    if (given.length !== table.keys.length)
      throw new AwsError(
        "InvalidInputException",
        `The number of partition keys do not match the number of partition values: expected ${table.keys.length} (${table.keys.map((key) => key.name).join(", ") || "no partitions"}), came ${given.length}`,
      );
    if (given.some((value) => value === ""))
      throw new AwsError("InvalidInputException", "Partition values cannot be empty");
  };
  const write = (table: StoredTable, list: readonly string[], input: PartitionInput, created: unknown) => {
    const { StorageDescriptor, Values: _, ...rest } = input;
    const descriptor = filled(StorageDescriptor ?? {});
    store.putPartition(table, list, descriptor.Location ?? null, {
      Parameters: {},
      ...rest,
      Values: list,
      DatabaseName: table.database,
      TableName: table.name,
      StorageDescriptor: descriptor,
      CreationTime: created,
      CatalogId: deps.account,
    });
  };
  const create = (table: StoredTable, input: PartitionInput) => {
    const list = input.Values ?? [];
    checkValues(table, list);
    if (store.partition(table, list)) throw new AwsError("AlreadyExistsException", "Partition already exists.");
    write(table, list, input, epoch(deps.now()));
  };
  const update = (table: StoredTable, list: readonly string[], input: PartitionInput) => {
    const before = store.partition(table, list) ?? missing("Partition");
    const target = input.Values ?? [...list];
    checkValues(table, target);
    if (JSON.stringify(target) !== JSON.stringify(list)) {
      if (store.partition(table, target)) throw new AwsError("AlreadyExistsException", "Partition already exists.");
      store.deletePartition(table, list);
    }
    write(table, target, input, before.body.CreationTime);
  };
  const remove = (table: StoredTable, list: readonly string[]) => {
    if (!store.deletePartition(table, list)) missing("Partition");
  };
  /** Does every entry it can and answers for the others one by one, all in one transaction. */
  const each = <T>(
    entries: readonly T[],
    act: (entry: T) => void,
    name: (entry: T) => Partial<EntryError>,
  ): { Errors: EntryError[] } => {
    const Errors: EntryError[] = [];
    for (const entry of entries)
      try {
        act(entry);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        Errors.push({ ...name(entry), ErrorDetail: { ErrorCode: error.code, ErrorMessage: error.message } });
      }
    return { Errors };
  };
  const segmentOf = (key: string, total: number): number =>
    createHash("sha1").update(key).digest().readUInt32BE(0) % total;

  return {
    CreatePartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionInput: partitionInput }), input);
      state.transaction(() => create(requireTable(asked.DatabaseName, asked.TableName), asked.PartitionInput));
      return {};
    },
    BatchCreatePartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionInputList: z.array(partitionInput) }), input);
      atMost(asked.PartitionInputList, MAX_WRITES, "partitionInputList");
      return state.transaction(() => {
        const table = requireTable(asked.DatabaseName, asked.TableName);
        return each(
          asked.PartitionInputList,
          (entry) => create(table, entry),
          (entry) => ({ PartitionValues: entry.Values ?? [] }),
        );
      });
    },
    GetPartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionValues: values }), input);
      const table = requireTable(asked.DatabaseName, asked.TableName);
      return { Partition: (store.partition(table, asked.PartitionValues) ?? missing("Partition")).body };
    },
    GetPartitions: (input: unknown) => {
      const asked = read(
        ofTable.extend({
          Expression: z.string().optional(),
          NextToken: z.string().optional(),
          MaxResults: z.int().optional(),
          Segment: z.object({ SegmentNumber: z.int().min(0), TotalSegments: z.int().min(1).max(10) }).optional(),
          ExcludeColumnSchema: z.boolean().optional(),
        }),
        input,
      );
      const size = pageSize(asked.MaxResults, MAX_READS);
      const table = requireTable(asked.DatabaseName, asked.TableName);
      const segment = asked.Segment;
      if (segment && segment.SegmentNumber >= segment.TotalSegments)
        throw new AwsError(
          "InvalidInputException",
          `Segment: expected a number below ${segment.TotalSegments}, came ${segment.SegmentNumber}`,
        );
      const filter = asked.Expression?.trim() ? partitionFilter(asked.Expression, table.keys) : null;
      const kept: string[][] = [];
      let more = false;
      for (const key of store.partitionKeys(table, keyOf(asked.NextToken))) {
        if (segment && segmentOf(key, segment.TotalSegments) !== segment.SegmentNumber) continue;
        const list = JSON.parse(key) as string[];
        if (filter && !filter(list.map((value) => (value === NO_VALUE ? null : value)))) continue;
        if (kept.length === size) {
          more = true;
          break;
        }
        kept.push(list);
      }
      const Partitions = kept.map((list) => {
        const { body } = store.partition(table, list)!;
        if (!asked.ExcludeColumnSchema) return body;
        const { Columns: _, ...descriptor } = body.StorageDescriptor as Record<string, unknown>;
        return { ...body, StorageDescriptor: descriptor };
      });
      return { Partitions, ...(more ? { NextToken: tokenAfter(JSON.stringify(kept.at(-1))) } : {}) };
    },
    BatchGetPartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionsToGet: valueList }), input);
      atMost(asked.PartitionsToGet, MAX_READS, "partitionsToGet");
      const table = requireTable(asked.DatabaseName, asked.TableName);
      const found = asked.PartitionsToGet.map((one) => store.partition(table, one.Values)).filter(
        (one) => one !== null,
      );
      return { Partitions: found.map((one) => one.body), UnprocessedKeys: [] };
    },
    UpdatePartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionValueList: values, PartitionInput: partitionInput }), input);
      state.transaction(() =>
        update(requireTable(asked.DatabaseName, asked.TableName), asked.PartitionValueList, asked.PartitionInput),
      );
      return {};
    },
    BatchUpdatePartition: (input: unknown) => {
      const entry = z.looseObject({ PartitionValueList: values, PartitionInput: partitionInput });
      const asked = read(ofTable.extend({ Entries: z.array(entry).min(1) }), input);
      atMost(asked.Entries, MAX_WRITES, "entries");
      return state.transaction(() => {
        const table = requireTable(asked.DatabaseName, asked.TableName);
        return each(
          asked.Entries,
          (one) => update(table, one.PartitionValueList, one.PartitionInput),
          (one) => ({ PartitionValueList: one.PartitionValueList }),
        );
      });
    },
    DeletePartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionValues: values }), input);
      state.transaction(() => remove(requireTable(asked.DatabaseName, asked.TableName), asked.PartitionValues));
      return {};
    },
    BatchDeletePartition: (input: unknown) => {
      const asked = read(ofTable.extend({ PartitionsToDelete: valueList }), input);
      atMost(asked.PartitionsToDelete, MAX_DELETES, "partitionsToDelete");
      return state.transaction(() => {
        const table = requireTable(asked.DatabaseName, asked.TableName);
        return each(
          asked.PartitionsToDelete,
          (one) => remove(table, one.Values),
          (one) => ({ PartitionValues: one.Values }),
        );
      });
    },
  };
};
