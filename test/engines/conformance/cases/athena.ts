import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("athena");
const glue = asking("glue");
const at = { ResultConfiguration: { OutputLocation: "s3://results/<own>/" } };
const run = (QueryString: string, more: Step["with"] = {}) =>
  ok(
    "StartQueryExecution",
    { QueryString, ...at, ...more },
    { QueryExecutionId: { $like: "[0-9a-f-]{36}" } },
    { id: "QueryExecutionId" },
  );
const bad = "InvalidRequestException";
const database = glue.ok("CreateDatabase", { DatabaseInput: { Name: "<own>", Description: "quotes" } });
const table = glue.ok("CreateTable", {
  DatabaseName: "<own>",
  TableInput: {
    Name: "quotes",
    TableType: "EXTERNAL_TABLE",
    StorageDescriptor: {
      Columns: [{ Name: "price", Type: "double", Comment: "in BRL" }],
      Location: "s3://results/none/",
    },
    PartitionKeys: [{ Name: "year", Type: "int" }],
  },
});
const catalog = { CatalogName: "AwsDataCatalog" };

/** Queries on the wire, and the catalog as Athena shows it. What SQL is answered is not asked here. */
export const athena: readonly Case[] = [
  {
    name: "StartQueryExecution: described as it was asked",
    steps: [
      database,
      run("SELECT 1 AS one", { QueryExecutionContext: { Database: "<own>", Catalog: "AwsDataCatalog" } }),
      ok(
        "GetQueryExecution",
        { QueryExecutionId: "<id>" },
        {
          QueryExecution: {
            QueryExecutionId: "<id>",
            Query: "SELECT 1 AS one",
            StatementType: "DML",
            WorkGroup: "primary",
            QueryExecutionContext: { Database: "<own>", Catalog: { $like: "[Aa]ws[Dd]ata[Cc]atalog" } },
            ResultConfiguration: { OutputLocation: "s3://results/<own>/<id>.csv" },
            Status: { State: { $like: "QUEUED|RUNNING|SUCCEEDED" }, SubmissionDateTime: { $date: [-60, 60] } },
            EngineVersion: { EffectiveEngineVersion: "Athena engine version 3" },
          },
        },
      ),
    ],
  },
  {
    name: "StartQueryExecution: the same token is the same query",
    steps: [
      run("SELECT 1", { ClientRequestToken: "<own>-0123456789012345678901234567" }),
      ok(
        "StartQueryExecution",
        { QueryString: "SELECT 1", ...at, ClientRequestToken: "<own>-0123456789012345678901234567" },
        { QueryExecutionId: "<id>" },
      ),
    ],
  },
  {
    name: "StartQueryExecution: the same token for another statement",
    steps: [
      run("SELECT 1", { ClientRequestToken: "<own>-0123456789012345678901234567" }),
      no(
        "StartQueryExecution",
        { QueryString: "SELECT 2", ...at, ClientRequestToken: "<own>-0123456789012345678901234567" },
        bad,
      ),
    ],
  },
  {
    name: "StartQueryExecution: an empty statement",
    steps: [no("StartQueryExecution", { QueryString: "", ...at }, bad)],
  },
  {
    name: "StartQueryExecution: a statement above 256 KiB",
    steps: [no("StartQueryExecution", { QueryString: { $repeat: ["x", 262_145] }, ...at }, bad)],
  },
  {
    name: "StartQueryExecution: a workgroup that there is not",
    steps: [no("StartQueryExecution", { QueryString: "SELECT 1", ...at, WorkGroup: "<own>" }, bad)],
  },
  {
    name: "StartQueryExecution: an output location that is none",
    steps: [
      no("StartQueryExecution", { QueryString: "SELECT 1", ResultConfiguration: { OutputLocation: "results" } }, bad),
    ],
  },
  {
    name: "StartQueryExecution: what is no statement at all",
    steps: [no("StartQueryExecution", { QueryString: "SELEC 1", ...at }, bad)],
  },
  {
    name: "GetQueryExecution: one that there is not",
    steps: [no("GetQueryExecution", { QueryExecutionId: "00000000-0000-0000-0000-000000000000" }, bad)],
  },
  {
    name: "BatchGetQueryExecution: what is missing is named",
    steps: [
      run("SELECT 1"),
      ok(
        "BatchGetQueryExecution",
        { QueryExecutionIds: ["<id>", "00000000-0000-0000-0000-000000000000"] },
        {
          QueryExecutions: [{ QueryExecutionId: "<id>" }],
          UnprocessedQueryExecutionIds: [
            { QueryExecutionId: "00000000-0000-0000-0000-000000000000", ErrorCode: { $any: true } },
          ],
        },
      ),
    ],
  },
  {
    name: "BatchGetQueryExecution: 51 ids",
    steps: [no("BatchGetQueryExecution", { QueryExecutionIds: { $times: [51, "id<i>"] } }, bad)],
  },
  {
    name: "StopQueryExecution: one that there is not",
    steps: [no("StopQueryExecution", { QueryExecutionId: "00000000-0000-0000-0000-000000000000" }, bad)],
  },
  {
    name: "GetQueryResults: one that there is not",
    steps: [no("GetQueryResults", { QueryExecutionId: "00000000-0000-0000-0000-000000000000" }, bad)],
  },
  {
    name: "GetQueryResults: MaxResults 1001",
    steps: [run("SELECT 1"), no("GetQueryResults", { QueryExecutionId: "<id>", MaxResults: 1001 }, bad)],
  },
  {
    name: "ListQueryExecutions: the newest first",
    steps: [run("SELECT 1"), ok("ListQueryExecutions", { MaxResults: 50 }, { QueryExecutionIds: { $has: ["<id>"] } })],
  },
  {
    name: "ListQueryExecutions: MaxResults 51",
    steps: [no("ListQueryExecutions", { MaxResults: 51 }, bad)],
  },
  {
    name: "GetWorkGroup: primary",
    steps: [
      ok(
        "GetWorkGroup",
        { WorkGroup: "primary" },
        {
          WorkGroup: {
            Name: "primary",
            State: "ENABLED",
            Configuration: { EngineVersion: { EffectiveEngineVersion: "Athena engine version 3" } },
          },
        },
      ),
    ],
  },
  { name: "GetWorkGroup: one that there is not", steps: [no("GetWorkGroup", { WorkGroup: "<own>" }, bad)] },
  {
    name: "ListWorkGroups: primary",
    steps: [ok("ListWorkGroups", {}, { WorkGroups: { $has: [{ Name: "primary", State: "ENABLED" }] } })],
  },
  {
    name: "GetDataCatalog: AwsDataCatalog",
    steps: [
      ok("GetDataCatalog", { Name: "AwsDataCatalog" }, { DataCatalog: { Name: "AwsDataCatalog", Type: "GLUE" } }),
    ],
  },
  { name: "GetDataCatalog: one that there is not", steps: [no("GetDataCatalog", { Name: "<own>" }, bad)] },
  {
    name: "ListDataCatalogs: AwsDataCatalog",
    steps: [
      ok("ListDataCatalogs", {}, { DataCatalogsSummary: { $has: [{ CatalogName: "AwsDataCatalog", Type: "GLUE" }] } }),
    ],
  },
  {
    name: "GetDatabase: as Glue has it",
    steps: [
      database,
      ok("GetDatabase", { ...catalog, DatabaseName: "<own>" }, { Database: { Name: "<own>", Description: "quotes" } }),
    ],
  },
  {
    name: "GetDatabase: one that Glue has not",
    steps: [no("GetDatabase", { ...catalog, DatabaseName: "<own>" }, "MetadataException")],
  },
  {
    name: "ListDatabases: as Glue has them",
    steps: [database, ok("ListDatabases", { ...catalog, MaxResults: 50 }, { DatabaseList: { $any: true } })],
  },
  {
    name: "ListDatabases: MaxResults 0",
    steps: [no("ListDatabases", { ...catalog, MaxResults: 0 }, bad)],
  },
  {
    name: "GetTableMetadata: as Glue has it",
    steps: [
      database,
      table,
      ok(
        "GetTableMetadata",
        { ...catalog, DatabaseName: "<own>", TableName: "quotes" },
        {
          TableMetadata: {
            Name: "quotes",
            TableType: "EXTERNAL_TABLE",
            CreateTime: { $date: [-60, 60] },
            Columns: [{ Name: "price", Type: "double", Comment: "in BRL" }],
            PartitionKeys: [{ Name: "year", Type: "int" }],
          },
        },
      ),
    ],
  },
  {
    name: "GetTableMetadata: one that Glue has not",
    steps: [
      database,
      no("GetTableMetadata", { ...catalog, DatabaseName: "<own>", TableName: "none" }, "MetadataException"),
    ],
  },
  {
    name: "ListTableMetadata: by expression",
    steps: [
      database,
      table,
      ok(
        "ListTableMetadata",
        { ...catalog, DatabaseName: "<own>", Expression: "quo.*" },
        { TableMetadataList: [{ Name: "quotes" }] },
      ),
      ok("ListTableMetadata", { ...catalog, DatabaseName: "<own>", Expression: "none" }, { TableMetadataList: [] }),
    ],
  },
  {
    name: "CreateNamedQuery: as it was saved",
    steps: [
      ok(
        "CreateNamedQuery",
        { Name: "<own>", Database: "default", QueryString: "SELECT 1", Description: "one" },
        { NamedQueryId: { $any: true } },
        { query: "NamedQueryId" },
      ),
      ok(
        "GetNamedQuery",
        { NamedQueryId: "<query>" },
        {
          NamedQuery: {
            Name: "<own>",
            Database: "default",
            QueryString: "SELECT 1",
            Description: "one",
            WorkGroup: "primary",
            NamedQueryId: "<query>",
          },
        },
      ),
      ok("ListNamedQueries", { MaxResults: 50 }, { NamedQueryIds: { $has: ["<query>"] } }),
    ],
  },
  {
    name: "CreateNamedQuery: no name",
    steps: [no("CreateNamedQuery", { Name: "", Database: "default", QueryString: "SELECT 1" }, bad)],
  },
  {
    name: "GetNamedQuery: one that there is not",
    steps: [no("GetNamedQuery", { NamedQueryId: "00000000-0000-0000-0000-000000000000" }, bad)],
  },
];
