import type { TableSpec, Topology } from "./topology.ts";

/** What a descriptor of Glue's says of files of Parquet. */
export const PARQUET = {
  InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
  OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
  SerdeInfo: { SerializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", Parameters: {} },
};

/** How a database of the topology is declared to Glue: what is made in it without a place of its own lies in the lake. */
export const databaseInput = (spec: Topology["databases"][number], lake: string) => ({
  Name: spec.name,
  Description: spec.comment,
  LocationUri: `s3://${lake}/`,
});

/** How a table of the topology is declared to Glue: Parquet at `s3://<lake>/<location>`, dates projected if it says so. */
export const tableInput = (spec: TableSpec, lake: string) => ({
  Name: spec.name,
  Description: spec.comment,
  TableType: "EXTERNAL_TABLE",
  Parameters: {
    classification: "parquet",
    EXTERNAL: "TRUE",
    ...(spec.projection
      ? {
          "projection.enabled": "true",
          [`projection.${spec.projection}.type`]: "date",
          [`projection.${spec.projection}.format`]: "yyyy-MM-dd",
          [`projection.${spec.projection}.range`]: "2020-01-01,NOW",
          "storage.location.template": `s3://${lake}/${spec.location}${spec.projection}=\${${spec.projection}}/`,
        }
      : {}),
  } as Record<string, string>,
  PartitionKeys: spec.partitions,
  StorageDescriptor: {
    Columns: spec.columns,
    Location: `s3://${lake}/${spec.location}`,
    ...PARQUET,
  },
});

/**
 * Whether a commit says where the table is, by the table's own location: an unpartitioned one that is refined. Whoever
 * declares such a table again leaves its location as it is: at the declared one lie the files of every run there was.
 */
export const movesByCommit = (spec: TableSpec): boolean => !spec.projection && spec.partitions.length === 0;
