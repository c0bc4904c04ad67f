import { asking, type Case, type Json, type Step } from "../case.ts";

const { ok, no } = asking("glue");
const database = ok("CreateDatabase", { DatabaseInput: { Name: "<own>", Description: "quotes" } });
const own = (more: Step["with"] = {}): Step["with"] => ({ DatabaseName: "<own>", ...more });
const descriptor: Json = {
  Columns: [
    { Name: "ticker", Type: "string", Comment: "its code" },
    { Name: "price", Type: "decimal(18,2)" },
  ],
  Location: "s3://lake/refined/",
  InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
  OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
  SerdeInfo: { SerializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
  NumberOfBuckets: 0,
};
const tableInput = (Name: string, more: Step["with"] = {}): Json => ({
  Name,
  TableType: "EXTERNAL_TABLE",
  PartitionKeys: [
    { Name: "year", Type: "int" },
    { Name: "kind", Type: "string" },
  ],
  StorageDescriptor: descriptor,
  Parameters: { classification: "parquet" },
  ...more,
});
const table = ok("CreateTable", own({ TableInput: tableInput("quotes") }));
const entity = "EntityNotFoundException";
const exists = "AlreadyExistsException";

/** Databases and tables of the Data Catalog. */
export const glueCatalog: readonly Case[] = [
  {
    name: "CreateDatabase: as it was made",
    steps: [
      database,
      ok(
        "GetDatabase",
        { Name: "<own>" },
        {
          Database: {
            Name: "<own>",
            Description: "quotes",
            CreateTime: { $date: [-60, 60] },
            CatalogId: "<account>",
          },
        },
      ),
    ],
  },
  {
    name: "CreateDatabase: a name that there is",
    steps: [database, no("CreateDatabase", { DatabaseInput: { Name: "<own>" } }, exists)],
  },
  {
    name: "CreateDatabase: names are kept in lower case",
    steps: [
      ok("CreateDatabase", { DatabaseInput: { Name: "<own>UPPER" } }),
      ok("GetDatabase", { Name: "<own>upper" }, { Database: { Name: "<own>upper" } }),
    ],
  },
  {
    name: "CreateDatabase: an empty name",
    steps: [no("CreateDatabase", { DatabaseInput: { Name: "" } }, "ValidationException")],
  },
  {
    name: "CreateDatabase: a name of 256 characters",
    steps: [no("CreateDatabase", { DatabaseInput: { Name: { $repeat: ["a", 256] } } }, "ValidationException")],
  },
  {
    name: "CreateDatabase: no input",
    steps: [no("CreateDatabase", {}, "ValidationException")],
  },
  { name: "GetDatabase: one that there is not", steps: [no("GetDatabase", { Name: "<own>" }, entity)] },
  { name: "GetDatabase: no name", steps: [no("GetDatabase", {}, "ValidationException")] },
  {
    name: "GetDatabases: all of them are in the pages",
    steps: [database, ok("GetDatabases", {}, { DatabaseList: { $has: [{ Name: "<own>" }] } })],
  },
  {
    name: "GetDatabases: MaxResults 1",
    steps: [
      database,
      ok("CreateDatabase", { DatabaseInput: { Name: "<own>-b" } }),
      ok("GetDatabases", { MaxResults: 1 }, { DatabaseList: { $size: 1 }, NextToken: { $any: true } }),
    ],
  },
  {
    name: "GetDatabases: MaxResults 101",
    steps: [no("GetDatabases", { MaxResults: 101 }, "ValidationException")],
  },
  {
    name: "UpdateDatabase: another description",
    steps: [
      database,
      ok("UpdateDatabase", { Name: "<own>", DatabaseInput: { Name: "<own>", Description: "other" } }),
      ok("GetDatabase", { Name: "<own>" }, { Database: { Description: "other" } }),
    ],
  },
  {
    name: "UpdateDatabase: one that there is not",
    steps: [no("UpdateDatabase", { Name: "<own>", DatabaseInput: { Name: "<own>" } }, entity)],
  },
  {
    name: "DeleteDatabase: its tables go with it",
    steps: [
      database,
      table,
      ok("DeleteDatabase", { Name: "<own>" }),
      no("GetTable", own({ Name: "quotes" }), entity),
      no("DeleteDatabase", { Name: "<own>" }, entity),
    ],
  },
  {
    name: "CreateTable: as it was made",
    steps: [
      database,
      table,
      ok("GetTable", own({ Name: "quotes" }), {
        Table: {
          Name: "quotes",
          DatabaseName: "<own>",
          TableType: "EXTERNAL_TABLE",
          CreateTime: { $date: [-60, 60] },
          UpdateTime: { $date: [-60, 60] },
          Retention: 0,
          PartitionKeys: [
            { Name: "year", Type: "int" },
            { Name: "kind", Type: "string" },
          ],
          StorageDescriptor: descriptor,
          Parameters: { classification: "parquet" },
          IsRegisteredWithLakeFormation: false,
          CatalogId: "<account>",
          VersionId: "0",
        },
      }),
    ],
  },
  {
    name: "CreateTable: what readers take for granted of a view is filled in",
    steps: [
      database,
      ok(
        "CreateTable",
        own({
          TableInput: {
            Name: "v",
            TableType: "VIRTUAL_VIEW",
            StorageDescriptor: { Columns: [{ Name: "a", Type: "int" }] },
            ViewOriginalText: "/* Presto View: e30= */",
            ViewExpandedText: "/* Presto View */",
            Parameters: { presto_view: "true" },
          },
        }),
      ),
      ok("GetTable", own({ Name: "v" }), {
        Table: {
          TableType: "VIRTUAL_VIEW",
          ViewOriginalText: "/* Presto View: e30= */",
          ViewExpandedText: "/* Presto View */",
          StorageDescriptor: { NumberOfBuckets: 0 },
        },
      }),
    ],
  },
  {
    name: "CreateTable: a name that there is",
    steps: [database, table, no("CreateTable", own({ TableInput: tableInput("quotes") }), exists)],
  },
  {
    name: "CreateTable: a database that there is not",
    steps: [no("CreateTable", own({ TableInput: tableInput("quotes") }), entity)],
  },
  {
    name: "CreateTable: no name",
    steps: [database, no("CreateTable", own({ TableInput: {} }), "ValidationException")],
  },
  { name: "GetTable: one that there is not", steps: [database, no("GetTable", own({ Name: "quotes" }), entity)] },
  { name: "GetTable: a database that there is not", steps: [no("GetTable", own({ Name: "quotes" }), entity)] },
  {
    name: "GetTables: by pattern, in pages",
    steps: [
      database,
      ok("CreateTable", own({ TableInput: tableInput("bovespa_raw") })),
      ok("CreateTable", own({ TableInput: tableInput("bovespa_refined") })),
      ok("CreateTable", own({ TableInput: tableInput("other") })),
      ok("GetTables", own(), {
        TableList: { $has: [{ Name: "bovespa_raw" }, { Name: "bovespa_refined" }, { Name: "other" }] },
      }),
      ok("GetTables", own({ Expression: "bovespa_.*" }), { TableList: { $size: 2 } }),
      ok("GetTables", own({ MaxResults: 2 }), { TableList: { $size: 2 } }, { next: "NextToken" }),
      ok("GetTables", own({ MaxResults: 2, NextToken: "<next>" }), {
        TableList: { $size: 1 },
        NextToken: { $none: true },
      }),
    ],
  },
  { name: "GetTables: a database that there is not", steps: [no("GetTables", own(), entity)] },
  {
    name: "UpdateTable: versions are kept",
    steps: [
      database,
      table,
      ok("UpdateTable", own({ TableInput: tableInput("quotes", { Description: "second" }) })),
      ok("GetTable", own({ Name: "quotes" }), { Table: { Description: "second", VersionId: "1" } }),
      ok("GetTableVersions", own({ TableName: "quotes" }), {
        TableVersions: [
          { VersionId: "1", Table: { Description: "second" } },
          { VersionId: "0", Table: { Description: { $none: true } } },
        ],
      }),
      ok("GetTableVersion", own({ TableName: "quotes", VersionId: "0" }), { TableVersion: { VersionId: "0" } }),
    ],
  },
  {
    name: "UpdateTable: SkipArchive keeps no old version",
    steps: [
      database,
      table,
      ok("UpdateTable", own({ TableInput: tableInput("quotes", { Description: "second" }), SkipArchive: true })),
      ok("GetTableVersions", own({ TableName: "quotes" }), { TableVersions: { $size: 1 } }),
    ],
  },
  {
    name: "UpdateTable: an older VersionId",
    steps: [
      database,
      table,
      ok("UpdateTable", own({ TableInput: tableInput("quotes") })),
      no("UpdateTable", own({ TableInput: tableInput("quotes"), VersionId: "0" }), "ConcurrentModificationException"),
    ],
  },
  {
    name: "UpdateTable: one that there is not",
    steps: [database, no("UpdateTable", own({ TableInput: tableInput("quotes") }), entity)],
  },
  {
    name: "GetTableVersion: one that there is not",
    steps: [database, table, no("GetTableVersion", own({ TableName: "quotes", VersionId: "7" }), entity)],
  },
  {
    name: "DeleteTable: twice",
    steps: [
      database,
      table,
      ok("DeleteTable", own({ Name: "quotes" })),
      no("DeleteTable", own({ Name: "quotes" }), entity),
    ],
  },
  {
    name: "BatchDeleteTable: one that there is not fails alone, with HTTP 200",
    steps: [
      database,
      table,
      ok("BatchDeleteTable", own({ TablesToDelete: ["quotes", "none"] }), {
        Errors: [{ TableName: "none", ErrorDetail: { ErrorCode: entity } }],
      }),
      no("GetTable", own({ Name: "quotes" }), entity),
    ],
  },
  {
    name: "BatchDeleteTable: 101 names",
    steps: [
      database,
      no("BatchDeleteTable", own({ TablesToDelete: { $times: [101, "t<i>"] } }), "ValidationException"),
    ],
  },
  {
    name: "GetColumnStatisticsForTable: none",
    steps: [
      database,
      table,
      ok("GetColumnStatisticsForTable", own({ TableName: "quotes", ColumnNames: ["price"] }), {
        ColumnStatisticsList: [],
      }),
    ],
  },
  {
    name: "GetUserDefinedFunctions: none",
    steps: [database, ok("GetUserDefinedFunctions", own({ Pattern: ".*" }), { UserDefinedFunctions: [] })],
  },
];
