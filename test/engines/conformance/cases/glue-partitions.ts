import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("glue");
const database = ok("CreateDatabase", { DatabaseInput: { Name: "<own>" } });
const table = ok("CreateTable", {
  DatabaseName: "<own>",
  TableInput: {
    Name: "quotes",
    StorageDescriptor: { Columns: [{ Name: "price", Type: "double" }], Location: "s3://lake/quotes/" },
    PartitionKeys: [
      { Name: "year", Type: "int" },
      { Name: "kind", Type: "string" },
    ],
  },
});
const own = (more: Step["with"] = {}): Step["with"] => ({ DatabaseName: "<own>", TableName: "quotes", ...more });
const input = (year: string, kind: string, location = `s3://lake/quotes/${year}/${kind}/`) => ({
  Values: [year, kind],
  StorageDescriptor: { Columns: [{ Name: "price", Type: "double" }], Location: location },
});
const create = (year: string, kind: string) => ok("CreatePartition", own({ PartitionInput: input(year, kind) }));
const three = ok(
  "BatchCreatePartition",
  own({ PartitionInputList: [input("2023", "spot"), input("2024", "option"), input("2024", "spot")] }),
);
const entity = "EntityNotFoundException";
const exists = "AlreadyExistsException";
const filter = (Expression: string, ...found: [string, string][]): Case => ({
  name: `GetPartitions: ${Expression}`,
  steps: [
    database,
    table,
    three,
    ok(
      "GetPartitions",
      own({ Expression }),
      found.length ? { Partitions: { $size: found.length } } : { Partitions: [] },
    ),
    ok("GetPartitions", own({ Expression }), { Partitions: { $has: found.map((Values) => ({ Values })) } }),
  ],
});
const spot23: [string, string] = ["2023", "spot"];
const option24: [string, string] = ["2024", "option"];
const spot24: [string, string] = ["2024", "spot"];

/** Partitions of the Data Catalog, and their batches. */
export const gluePartitions: readonly Case[] = [
  {
    name: "CreatePartition: as it was made",
    steps: [
      database,
      table,
      create("2024", "spot"),
      ok("GetPartition", own({ PartitionValues: ["2024", "spot"] }), {
        Partition: {
          Values: ["2024", "spot"],
          DatabaseName: "<own>",
          TableName: "quotes",
          CreationTime: { $date: [-60, 60] },
          CatalogId: "<account>",
          StorageDescriptor: { Location: "s3://lake/quotes/2024/spot/", NumberOfBuckets: 0 },
        },
      }),
    ],
  },
  {
    name: "CreatePartition: values that there are",
    steps: [
      database,
      table,
      create("2024", "spot"),
      no("CreatePartition", own({ PartitionInput: input("2024", "spot") }), exists),
    ],
  },
  {
    name: "CreatePartition: fewer values than keys",
    steps: [
      database,
      table,
      no(
        "CreatePartition",
        own({ PartitionInput: { Values: ["2024"], StorageDescriptor: {} } }),
        "InvalidInputException",
      ),
    ],
  },
  {
    name: "CreatePartition: a table that there is not",
    steps: [database, no("CreatePartition", own({ PartitionInput: input("2024", "spot") }), entity)],
  },
  {
    name: "BatchCreatePartition: values that there are fail alone, with HTTP 200",
    steps: [
      database,
      table,
      create("2024", "spot"),
      ok("BatchCreatePartition", own({ PartitionInputList: [input("2023", "spot"), input("2024", "spot")] }), {
        Errors: [{ PartitionValues: ["2024", "spot"], ErrorDetail: { ErrorCode: exists } }],
      }),
      ok("GetPartition", own({ PartitionValues: ["2023", "spot"] })),
    ],
  },
  {
    name: "BatchCreatePartition: 100 entries",
    steps: [
      database,
      table,
      ok(
        "BatchCreatePartition",
        own({ PartitionInputList: { $times: [100, { Values: ["2024", "k<i>"], StorageDescriptor: {} }] } }),
      ),
      ok("GetPartitions", own(), { Partitions: { $size: 100 } }),
    ],
  },
  {
    name: "BatchCreatePartition: 101 entries",
    steps: [
      database,
      table,
      no(
        "BatchCreatePartition",
        own({ PartitionInputList: { $times: [101, { Values: ["2024", "k<i>"] }] } }),
        "ValidationException",
      ),
      ok("GetPartitions", own(), { Partitions: [] }),
    ],
  },
  {
    name: "BatchCreatePartition: a table that there is not",
    steps: [database, no("BatchCreatePartition", own({ PartitionInputList: [input("2024", "spot")] }), entity)],
  },
  {
    name: "GetPartition: one that there is not",
    steps: [database, table, no("GetPartition", own({ PartitionValues: ["2024", "spot"] }), entity)],
  },
  {
    name: "GetPartition: a table that there is not",
    steps: [database, no("GetPartition", own({ PartitionValues: ["2024", "spot"] }), entity)],
  },
  {
    name: "GetPartitions: all, in pages",
    steps: [
      database,
      table,
      three,
      ok("GetPartitions", own(), { Partitions: { $size: 3 }, NextToken: { $none: true } }),
      ok("GetPartitions", own({ MaxResults: 2 }), { Partitions: { $size: 2 } }, { next: "NextToken" }),
      ok("GetPartitions", own({ MaxResults: 2, NextToken: "<next>" }), {
        Partitions: { $size: 1 },
        NextToken: { $none: true },
      }),
    ],
  },
  {
    name: "GetPartitions: MaxResults 1001",
    steps: [database, table, no("GetPartitions", own({ MaxResults: 1001 }), "ValidationException")],
  },
  {
    name: "GetPartitions: without their columns",
    steps: [
      database,
      table,
      three,
      ok("GetPartitions", own({ ExcludeColumnSchema: true, MaxResults: 1 }), {
        Partitions: [{ StorageDescriptor: { Columns: { $none: true }, Location: { $any: true } } }],
      }),
    ],
  },
  {
    name: "GetPartitions: a segment beyond the last",
    steps: [
      database,
      table,
      no("GetPartitions", own({ Segment: { SegmentNumber: 3, TotalSegments: 3 } }), "InvalidInputException"),
    ],
  },
  filter("year = 2024", option24, spot24),
  filter("year='2024'", option24, spot24),
  filter("((year = '2024')) AND ((kind in ('spot', 'index')))", spot24),
  filter("year > 2023 AND kind <> 'spot'", option24),
  filter("year >= 2023 OR kind = 'spot'", spot23, option24, spot24),
  filter("year between 2020 and 2023", spot23),
  filter("kind like 'opt%'", option24),
  filter("year in (2023, 2024) and not kind = 'spot'", option24),
  filter("year < 2000"),
  {
    name: "GetPartitions: an expression that is none",
    steps: [database, table, three, no("GetPartitions", own({ Expression: "year = = 2024" }), "InvalidInputException")],
  },
  {
    name: "GetPartitions: an expression over what is no key",
    steps: [database, table, three, no("GetPartitions", own({ Expression: "price = 1" }), "InvalidInputException")],
  },
  {
    name: "GetPartitions: a table that there is not",
    steps: [database, no("GetPartitions", own(), entity)],
  },
  {
    name: "BatchGetPartition: what is missing is left out",
    steps: [
      database,
      table,
      three,
      ok("BatchGetPartition", own({ PartitionsToGet: [{ Values: ["2024", "spot"] }, { Values: ["1999", "spot"] }] }), {
        Partitions: [{ Values: ["2024", "spot"] }],
        UnprocessedKeys: [],
      }),
    ],
  },
  {
    name: "UpdatePartition: another location, and other values",
    steps: [
      database,
      table,
      three,
      ok(
        "UpdatePartition",
        own({ PartitionValueList: ["2024", "spot"], PartitionInput: input("2024", "spot", "s3://lake/other/") }),
      ),
      ok("GetPartition", own({ PartitionValues: ["2024", "spot"] }), {
        Partition: { StorageDescriptor: { Location: "s3://lake/other/" } },
      }),
      ok("UpdatePartition", own({ PartitionValueList: ["2024", "spot"], PartitionInput: input("2025", "spot") })),
      no("GetPartition", own({ PartitionValues: ["2024", "spot"] }), entity),
      ok("GetPartition", own({ PartitionValues: ["2025", "spot"] })),
    ],
  },
  {
    name: "UpdatePartition: one that there is not",
    steps: [
      database,
      table,
      no(
        "UpdatePartition",
        own({ PartitionValueList: ["2024", "spot"], PartitionInput: input("2024", "spot") }),
        entity,
      ),
    ],
  },
  {
    name: "BatchUpdatePartition: one that there is not fails alone, with HTTP 200",
    steps: [
      database,
      table,
      three,
      ok(
        "BatchUpdatePartition",
        own({
          Entries: [
            { PartitionValueList: ["2024", "spot"], PartitionInput: input("2024", "spot", "s3://lake/other/") },
            { PartitionValueList: ["1999", "spot"], PartitionInput: input("1999", "spot") },
          ],
        }),
        { Errors: [{ PartitionValueList: ["1999", "spot"], ErrorDetail: { ErrorCode: entity } }] },
      ),
      ok("GetPartition", own({ PartitionValues: ["2024", "spot"] }), {
        Partition: { StorageDescriptor: { Location: "s3://lake/other/" } },
      }),
    ],
  },
  {
    name: "BatchUpdatePartition: 101 entries",
    steps: [
      database,
      table,
      no(
        "BatchUpdatePartition",
        own({
          Entries: {
            $times: [101, { PartitionValueList: ["2024", "k<i>"], PartitionInput: { Values: ["2024", "k<i>"] } }],
          },
        }),
        "ValidationException",
      ),
    ],
  },
  {
    name: "BatchUpdatePartition: no entry",
    steps: [database, table, no("BatchUpdatePartition", own({ Entries: [] }), "ValidationException")],
  },
  {
    name: "DeletePartition: twice",
    steps: [
      database,
      table,
      three,
      ok("DeletePartition", own({ PartitionValues: ["2024", "spot"] })),
      no("DeletePartition", own({ PartitionValues: ["2024", "spot"] }), entity),
    ],
  },
  {
    name: "BatchDeletePartition: one that there is not fails alone, with HTTP 200",
    steps: [
      database,
      table,
      three,
      ok(
        "BatchDeletePartition",
        own({ PartitionsToDelete: [{ Values: ["2024", "spot"] }, { Values: ["1999", "spot"] }] }),
        {
          Errors: [{ PartitionValues: ["1999", "spot"], ErrorDetail: { ErrorCode: entity } }],
        },
      ),
      no("GetPartition", own({ PartitionValues: ["2024", "spot"] }), entity),
    ],
  },
  {
    name: "BatchDeletePartition: 26 entries",
    steps: [
      database,
      table,
      no(
        "BatchDeletePartition",
        own({ PartitionsToDelete: { $times: [26, { Values: ["2024", "k<i>"] }] } }),
        "ValidationException",
      ),
    ],
  },
  {
    name: "GetColumnStatisticsForPartition: none",
    steps: [
      database,
      table,
      three,
      ok("GetColumnStatisticsForPartition", own({ PartitionValues: ["2024", "spot"], ColumnNames: ["price"] }), {
        ColumnStatisticsList: [],
      }),
    ],
  },
];
