/// <reference path="../.sst/platform/config.d.ts" />
import { databaseInput, movesByCommit, tableInput } from "../packages/core/declaration.ts";
import { stageParameter } from "../packages/core/stage.ts";
import type { TableSpec, Topology } from "../packages/core/topology.ts";
import type { ViewInput } from "../packages/core/view.ts";
import { audit } from "./audit.ts";
import { guardedBucket, type Rule } from "./bucket.ts";
import { choices } from "./choices.ts";
import { type StageKey, stageKey } from "./key.ts";
import { RESULTS } from "./permissions.ts";
import type { River } from "./river.ts";

export type Stores = {
  key: StageKey;
  /** By logical name. */
  buckets: Record<string, aws.s3.Bucket>;
  /** What makes the buckets private and encrypted: there before anything is put into them. */
  guards: $util.Resource[];
  databases: Record<string, aws.glue.CatalogDatabase>;
  /** Tables and views, by name. */
  tables: Record<string, aws.glue.CatalogTable>;
};

/** After this many days an object goes where S3 finds out by itself how often it is read; all of its tiers answer at once. */
const TIER_DAYS = 30;
/** Superseded files: the cleaner has already kept them for a week; intraday they are many times what is current. */
const SUPERSEDED_DAYS = 7;
/** Athena gives a result again for at most seven days; a person has read it by then. */
const RESULT_DAYS = 30;

/** Where everything is kept: the key, the buckets, Glue's database with its tables, and what the stage is. */
export const lake = (river: River): Stores => {
  const key = stageKey(river);
  const rules = rulesOf(river.topology);
  const made = river.topology.buckets.map((name) => guardedBucket(river, key, name, { rules: rules[name] ?? [] }));
  const buckets = Object.fromEntries(river.topology.buckets.map((name, index) => [name, made[index]!.bucket]));
  if (river.settings.audit) audit(river, key);
  if (river.settings.catalogEncryption) encryptCatalog();
  new aws.ssm.Parameter("stage", {
    name: stageParameter(river.stage.name),
    description: "What the stage is: what commands with --stage read",
    type: "String",
    value: JSON.stringify(river.stage),
  });
  choices(river);
  return { key, buckets, guards: made.flatMap(({ guards }) => guards), ...catalog(river) };
};

const tiered = (prefix: string): Rule => ({
  id: `tier-${prefix || "all"}`,
  status: "Enabled",
  filter: { prefix },
  transitions: [{ days: TIER_DAYS, storageClass: "INTELLIGENT_TIERING" }],
});
const goes = (prefix: string): Rule => ({
  id: `results-${prefix}`,
  status: "Enabled",
  filter: { prefix },
  expiration: { days: RESULT_DAYS },
  noncurrentVersionExpiration: { noncurrentDays: 1 },
});

/** By bucket. State is not there: documents too small for S3 to tier, read by every step. */
const rulesOf = ({ databases }: Topology): Record<string, Rule[]> => {
  const refined = databases.flatMap(({ tables }) => tables.filter((table) => !table.projection));
  return {
    origin: [tiered("")],
    lake: [
      tiered(""),
      ...refined.map(
        ({ name, location }): Rule => ({
          id: `superseded-${name}`,
          status: "Enabled",
          filter: { prefix: location },
          noncurrentVersionExpiration: { noncurrentDays: SUPERSEDED_DAYS },
        }),
      ),
    ],
    // A result is named by its execution's id, which is a UUID. Beside them, under tables/, is what people made by CREATE
    // TABLE AS: theirs, and live.
    results: [..."0123456789abcdef"].map((digit) => goes(`${RESULTS.people}${digit}`)).concat(goes(RESULTS.analyst)),
  };
};

/** A setting of the whole account and region, by AWS's own key: with ours every reader of any database needed it, too. */
const encryptCatalog = (): void => {
  new aws.glue.DataCatalogEncryptionSettings(
    "catalogEncryption",
    {
      dataCatalogEncryptionSettings: {
        encryptionAtRest: { catalogEncryptionMode: "SSE-KMS", sseAwsKmsKeyId: "alias/aws/glue" },
        connectionPasswordEncryption: { returnConnectionPasswordEncrypted: false },
      },
    },
    // Taking it away would open the catalog of every other stage.
    { retainOnDelete: true },
  );
};

const catalog = (river: River): Pick<Stores, "databases" | "tables"> => {
  const keep = { retainOnDelete: river.production };
  const databases: Stores["databases"] = {};
  const tables: Stores["tables"] = {};
  for (const spec of river.topology.databases) {
    const { Name, Description, LocationUri } = databaseInput(spec, river.bucket("lake"));
    const database = new aws.glue.CatalogDatabase(
      Name,
      { name: Name, description: Description, locationUri: LocationUri },
      keep,
    );
    databases[Name] = database;
    for (const table of spec.tables)
      tables[table.name] = new aws.glue.CatalogTable(table.name, tableArgs(river, database, table), keep);
    for (const view of spec.views)
      tables[view.Name] = new aws.glue.CatalogTable(view.Name, viewArgs(database, view), keep);
  }
  return { databases, tables };
};

type Column = { Name: string; Type: string; Comment?: string };
const column = ({ Name, Type, Comment }: Column) => ({ name: Name, type: Type, ...(Comment && { comment: Comment }) });

/** Partitions are no part of it: those of refined tables are what the newest commit says, and a deployment leaves them. */
const tableArgs = (river: River, database: aws.glue.CatalogDatabase, spec: TableSpec): aws.glue.CatalogTableArgs => {
  const input = tableInput(spec, river.bucket("lake"));
  const { Columns, Location, InputFormat, OutputFormat, SerdeInfo } = input.StorageDescriptor;
  return {
    databaseName: database.name,
    name: input.Name,
    description: input.Description,
    tableType: input.TableType,
    parameters: input.Parameters,
    partitionKeys: input.PartitionKeys.map(column),
    storageDescriptor: {
      columns: Columns.map(column),
      // Asked for last, as a commit may move it meanwhile.
      location: movesByCommit(spec)
        ? database.name.apply((there) => locationNow(there, input.Name, Location))
        : Location,
      inputFormat: InputFormat,
      outputFormat: OutputFormat,
      serDeInfo: { serializationLibrary: SerdeInfo.SerializationLibrary },
    },
  };
};

/** Glue's provider says so of a table, or of its database, that is not there. */
const MISSING = /No Glue table .* found|EntityNotFound/;

/**
 * Where a commit put the table, while it is there. Pulumi would otherwise write the location that it remembers with any
 * change of the table, and until `advance` came by queries would read the files of all runs at once.
 */
const locationNow = (databaseName: string, name: string, declared: string): Promise<string> =>
  aws.glue.getCatalogTable({ databaseName, name }).then(
    (table) => table.storageDescriptors[0]?.location ?? declared,
    (error: unknown) => {
      if (MISSING.test(String(error))) return declared;
      throw error;
    },
  );

/** Athena demands a serde of every descriptor, and the provider leaves an empty one out: a view's is named and is none. */
const NO_SERDE = { name: "-", serializationLibrary: "-" };

const viewArgs = (database: aws.glue.CatalogDatabase, view: ViewInput): aws.glue.CatalogTableArgs => ({
  databaseName: database.name,
  name: view.Name,
  tableType: view.TableType,
  parameters: view.Parameters,
  partitionKeys: [],
  storageDescriptor: { columns: view.StorageDescriptor.Columns.map(column), location: "", serDeInfo: NO_SERDE },
  viewOriginalText: view.ViewOriginalText,
  viewExpandedText: view.ViewExpandedText,
});
