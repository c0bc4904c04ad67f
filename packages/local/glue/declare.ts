import type { TableSpec } from "../../core/topology.ts";
import type { TableInput } from "./shapes.ts";

/** What a descriptor says of files of Parquet. */
export const PARQUET = {
  InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
  OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
  SerdeInfo: { SerializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", Parameters: {} },
};

/** How a table of the topology is declared to Glue: Parquet at `s3://<bucket>/<location>`, dates projected if it says so. */
export const tableInput = (spec: TableSpec, bucket: string): TableInput => ({
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
          "storage.location.template": `s3://${bucket}/${spec.location}${spec.projection}=\${${spec.projection}}/`,
        }
      : {}),
  },
  PartitionKeys: spec.partitions,
  StorageDescriptor: {
    Columns: spec.columns,
    Location: `s3://${bucket}/${spec.location}`,
    ...PARQUET,
  },
});
