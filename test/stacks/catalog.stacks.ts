import { GetDatabasesCommand, GetTablesCommand, type Table } from "@aws-sdk/client-glue";
import { beforeAll, describe, expect, test } from "vitest";
import { bucket } from "../../packages/core/stage.ts";
import { viewDefinition } from "../../packages/core/view.ts";
import type { Resource } from "./evaluate.ts";
import { type Graph, graphOf } from "./graph.ts";
import { declaredBy, laptopOf, stageNamed } from "./wire.ts";

const TABLE = "aws:glue/catalogTable:CatalogTable";
const DATABASE = "aws:glue/catalogDatabase:CatalogDatabase";
/** Glue's most (CommentString, DescriptionString; API reference). The provider counts bytes. */
const COMMENT = 255;
const DESCRIPTION = 2048;

const stage = stageNamed("dev");
const declared = declaredBy(stage);

let graph: Graph;
beforeAll(async () => {
  graph = await graphOf();
});

type Column = { name: string; type: string; comment?: string };
type Descriptor = {
  columns: Column[];
  location: string;
  inputFormat?: string;
  outputFormat?: string;
  serDeInfo: { name?: string; serializationLibrary: string };
};
const descriptor = ({ inputs }: Resource) => inputs.storageDescriptor as Descriptor;
const table = (of: Graph, name: string): Resource => of.one(TABLE, (inputs) => inputs.name === name);
const isView = ({ inputs }: Resource) => inputs.tableType === "VIRTUAL_VIEW";

/** A table of the graph, and one of Glue's answers, in the same words. */
const built = (one: Resource) => ({
  name: one.inputs.name,
  database: one.inputs.databaseName,
  description: one.inputs.description,
  type: one.inputs.tableType,
  parameters: one.inputs.parameters,
  partitions: one.inputs.partitionKeys,
  columns: descriptor(one).columns,
  location: descriptor(one).location,
  input: descriptor(one).inputFormat,
  output: descriptor(one).outputFormat,
  serde: isView(one) ? undefined : descriptor(one).serDeInfo.serializationLibrary,
  original: one.inputs.viewOriginalText,
  expanded: one.inputs.viewExpandedText,
});
const columns = (all: { Name?: string | undefined; Type?: string | undefined; Comment?: string | undefined }[] = []) =>
  all.map(({ Name, Type, Comment }) => ({ name: Name, type: Type, ...(Comment && { comment: Comment }) }));
const answered = (one: Table) => ({
  name: one.Name,
  database: one.DatabaseName,
  description: one.Description,
  type: one.TableType,
  parameters: one.Parameters,
  partitions: columns(one.PartitionKeys),
  columns: columns(one.StorageDescriptor?.Columns),
  location: one.StorageDescriptor?.Location,
  input: one.StorageDescriptor?.InputFormat,
  output: one.StorageDescriptor?.OutputFormat,
  serde: one.StorageDescriptor?.SerdeInfo?.SerializationLibrary,
  original: one.ViewOriginalText,
  expanded: one.ViewExpandedText,
});
const byName = (a: { name?: unknown }, b: { name?: unknown }) => String(a.name).localeCompare(String(b.name));

describe.each([
  stageNamed("dev"),
  stageNamed("production"),
  stageNamed("porticker", { layouts: { bovespa_refined: ["year", "ticker"] } }),
])("what a laptop answers under the names of $name", (of) => {
  test("the graph has other databases, tables, columns, comments, projections or views than Glue over the wire", async () => {
    const evaluated = await graphOf({ stage: of.name, env: { PREGAO_LAYOUTS: JSON.stringify(of.layouts) } });
    const { aws, close } = await laptopOf(of);
    try {
      const { DatabaseList = [] } = await aws.glue.send(new GetDatabasesCommand({}));
      expect(evaluated.of(DATABASE).map(({ inputs }) => inputs)).toEqual(
        DatabaseList.map(({ Name, Description, LocationUri }) => ({
          name: Name,
          description: Description,
          locationUri: LocationUri,
        })),
      );
      const tables: Table[] = [];
      for (const { Name } of DatabaseList) {
        const { TableList = [], NextToken } = await aws.glue.send(new GetTablesCommand({ DatabaseName: Name }));
        expect(NextToken).toBeUndefined();
        tables.push(...TableList);
      }
      const here = evaluated.of(TABLE).map(built);
      expect(here.toSorted(byName)).toEqual(tables.map(answered).toSorted(byName));
    } finally {
      await close();
    }
  });
});

describe("tables", () => {
  test("a table or view of the topology is missing, in another database, or there is one more", () => {
    const wanted = declared.databases.flatMap(({ name, tables, views }) => [
      ...tables.map((one) => `${name}.${one.name}`),
      ...views.map((view) => `${name}.${view.Name}`),
    ]);
    const made = graph.of(TABLE).map(({ inputs }) => `${inputs.databaseName}.${inputs.name}`);
    expect(made.toSorted()).toEqual(wanted.toSorted());
    expect(graph.of(DATABASE).map(({ inputs }) => inputs.name)).toEqual(declared.databases.map(({ name }) => name));
  });

  test("the database says nothing of itself, or lies in another stage's bucket", () => {
    for (const { inputs } of graph.of(DATABASE)) {
      expect(inputs.description).toMatch(/\p{Letter}{3}/u);
      expect(inputs.locationUri).toBe(`s3://${bucket(stage, "lake")}/`);
    }
  });

  test("Glue refuses a comment or a description for its length", () => {
    for (const one of graph.of(TABLE)) {
      for (const { name, comment } of [...descriptor(one).columns, ...(one.inputs.partitionKeys as Column[])]) {
        expect(comment, `${one.inputs.name}.${name}`).toMatch(/\S/);
        expect(Buffer.byteLength(comment!), `${one.inputs.name}.${name}`).toBeLessThanOrEqual(COMMENT);
      }
      expect(Buffer.byteLength(String(one.inputs.description ?? ""))).toBeLessThanOrEqual(DESCRIPTION);
    }
  });

  test("raw's partitions must be registered, or a query looks for them where they are not", () => {
    const raw = declared.databases.flatMap(({ tables }) => tables.filter((one) => one.projection));
    expect(raw).not.toEqual([]);
    for (const spec of raw) {
      const one = table(graph, spec.name);
      const location = `s3://${bucket(stage, "lake")}/${spec.location}`;
      expect(descriptor(one).location).toBe(location);
      expect(one.inputs.parameters).toMatchObject({
        "projection.enabled": "true",
        [`projection.${spec.projection}.type`]: "date",
        [`projection.${spec.projection}.format`]: "yyyy-MM-dd",
        [`projection.${spec.projection}.range`]: expect.stringMatching(/,NOW$/),
        "storage.location.template": `${location}${spec.projection}=\${${spec.projection}}/`,
      });
      expect(one.inputs.partitionKeys).toMatchObject([{ name: spec.projection }]);
    }
    // A projection hides the partitions that commits register.
    const projected = graph.of(TABLE).filter(({ inputs }) => JSON.stringify(inputs.parameters).includes("projection"));
    expect(projected.map(({ inputs }) => inputs.name).sort()).toEqual(raw.map(({ name }) => name).sort());
  });

  test("a view that Athena cannot open: without a serde, or of another stage's database", () => {
    const views = graph.of(TABLE).filter(isView);
    expect(views).not.toEqual([]);
    for (const one of views) {
      expect(one.inputs.parameters).toMatchObject({ presto_view: "true", comment: "Presto View" });
      expect(descriptor(one).serDeInfo.serializationLibrary).toMatch(/./);
      const definition = viewDefinition(String(one.inputs.name), one.inputs.viewOriginalText);
      expect(definition.schema).toBe(one.inputs.databaseName);
      expect(definition.columns.map(({ name }) => name)).toEqual(descriptor(one).columns.map(({ name }) => name));
    }
  });

  test("a deployment takes the catalog from the commits: partitions, or where an unpartitioned table lies", async () => {
    expect(graph.of("aws:glue/partition:Partition")).toEqual([]);
    const moved = declared.databases.flatMap(({ name, tables }) =>
      tables.filter((one) => !one.projection && one.partitions.length === 0).map((one) => ({ database: name, ...one })),
    );
    expect(moved).not.toEqual([]);
    for (const { database, name, location } of moved) {
      expect(descriptor(table(graph, name)).location).toBe(`s3://${bucket(stage, "lake")}/${location}`);
      const now = `s3://${bucket(stage, "lake")}/${location}run=9999999990-jr_1/`;
      const later = await graphOf({ env: { TEST_TABLES: JSON.stringify({ [`${database}.${name}`]: now }) } });
      expect(descriptor(table(later, name)).location).toBe(now);
    }
    const [{ database, name }] = moved as [(typeof moved)[number]];
    const env = { TEST_TABLES: JSON.stringify({ [`${database}.${name}`]: "denied" }) };
    await expect(graphOf({ env }), "a location that cannot be read is no location").rejects.toThrow("AccessDenied");
  });

  test("production's database and tables go with the stage; those of another stage stay", async () => {
    const kept = await graphOf({ stage: "production" });
    expect([...kept.of(TABLE), ...kept.of(DATABASE)].filter(({ retained }) => !retained)).toEqual([]);
    expect([...graph.of(TABLE), ...graph.of(DATABASE)].filter(({ retained }) => retained)).toEqual([]);
  });
});

test("a stage encrypts the whole account's catalog unasked, or by a key that other stages' readers have not", async () => {
  const SETTINGS = "aws:glue/dataCatalogEncryptionSettings:DataCatalogEncryptionSettings";
  expect(graph.of(SETTINGS)).toEqual([]);
  const asked = await graphOf({ env: { PREGAO_CATALOG_ENCRYPTION: "true" } });
  // Whoever takes it away when the stage goes opens the catalog of every other one.
  expect(asked.one(SETTINGS).retained).toBe(true);
  expect(asked.one(SETTINGS).inputs.dataCatalogEncryptionSettings).toMatchObject({
    encryptionAtRest: { catalogEncryptionMode: "SSE-KMS", sseAwsKmsKeyId: "alias/aws/glue" },
  });
});
