import * as A from "@aws-sdk/client-athena";
import { describe, expect, test } from "vitest";
import { declare, open } from "./athena.fixture.ts";

describe("metadata", () => {
  test("databases and tables are Glue's, workgroup and catalog the one there is", async () => {
    const stack = await open();
    declare(stack, "t", { a: "int" }, { year: "string" });
    const { client } = stack;
    const CatalogName = "AwsDataCatalog";
    const databases = await client.send(new A.ListDatabasesCommand({ CatalogName }));
    expect(databases.DatabaseList!.map((one) => one.Name)).toEqual(["db"]);
    const { TableMetadata } = await client.send(
      new A.GetTableMetadataCommand({ CatalogName, DatabaseName: "db", TableName: "t" }),
    );
    expect(TableMetadata).toMatchObject({
      Name: "t",
      Columns: [{ Name: "a", Type: "int" }],
      PartitionKeys: [{ Name: "year", Type: "string" }],
    });
    const { TableMetadataList } = await client.send(
      new A.ListTableMetadataCommand({ CatalogName, DatabaseName: "db" }),
    );
    expect(TableMetadataList).toHaveLength(1);
    await expect(
      client.send(new A.GetTableMetadataCommand({ CatalogName, DatabaseName: "db", TableName: "x" })),
    ).rejects.toThrow(A.MetadataException);
    const { WorkGroup } = await client.send(new A.GetWorkGroupCommand({ WorkGroup: "primary" }));
    expect(WorkGroup!.Configuration!.ResultConfiguration!.OutputLocation).toBe("s3://results/athena/");
    expect((await client.send(new A.ListDataCatalogsCommand({}))).DataCatalogsSummary).toEqual([
      { CatalogName, Type: "GLUE" },
    ]);
  });

  test("a saved query is found again", async () => {
    const { client } = await open();
    const { NamedQueryId } = await client.send(
      new A.CreateNamedQueryCommand({ Name: "q", Database: "db", QueryString: "SELECT 1" }),
    );
    const { NamedQuery } = await client.send(new A.GetNamedQueryCommand({ NamedQueryId }));
    expect(NamedQuery).toMatchObject({ Name: "q", Database: "db", QueryString: "SELECT 1", NamedQueryId });
    expect((await client.send(new A.ListNamedQueriesCommand({}))).NamedQueryIds).toEqual([NamedQueryId]);
  });
});
