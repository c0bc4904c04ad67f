import { PregaoError } from "../../core/errors.ts";
import type { Properties } from "../../trino/index.ts";
import { NO_VALUE } from "../glue/store.ts";
import { hiveType } from "./types.ts";

/** With Trino's type. */
export type Column = { name: string; type: string };

const compressions = { SNAPPY: "snappy", GZIP: "gzip", ZSTD: "zstd", NONE: "uncompressed" } as const;

export const refuse = (code: string, message: string): never => {
  throw new PregaoError(code, message);
};

export type Options = {
  location: string | null;
  keys: string[];
  compression: (typeof compressions)[keyof typeof compressions];
};

/** What WITH (…) asks for; what would be another format or layout is refused by name. */
export const optionsOf = (properties: Properties, kind: "create table" | "unload"): Options => {
  const rest = { ...properties };
  const take = (name: string): string | null => {
    const value = rest[name];
    delete rest[name];
    if (value === undefined) return null;
    return typeof value === "string"
      ? value
      : refuse("INVALID_TABLE_PROPERTY", `${name}: expected a text, came ${value}`);
  };
  const format =
    take("format") ??
    (kind === "unload"
      ? refuse("INVALID_PROPERTY", "UNLOAD: format is required: expected WITH (format = 'PARQUET')")
      : "PARQUET");
  if (format.toUpperCase() !== "PARQUET")
    refuse("NOT_SUPPORTED", `format ${format} is not written locally: expected PARQUET, or run it on Athena (--stage)`);
  const location = kind === "create table" ? take("external_location") : null;
  const wanted = rest.partitioned_by ?? [];
  delete rest.partitioned_by;
  if (!Array.isArray(wanted)) refuse("INVALID_TABLE_PROPERTY", "partitioned_by: expected ARRAY['column', …]");
  const named = ["write_compression", "parquet_compression", "compression"].flatMap((name) => take(name) ?? []);
  if (named.length > 1) refuse("INVALID_TABLE_PROPERTY", "expected one compression, came several");
  const compression = compressions[(named[0] ?? "GZIP").toUpperCase() as keyof typeof compressions];
  if (!compression)
    refuse(
      "NOT_SUPPORTED",
      `compression ${named[0]} is not written locally: expected ${Object.keys(compressions).join(", ")}`,
    );
  const [other] = Object.keys(rest);
  if (other) refuse("NOT_SUPPORTED", `the property ${other} is not answered locally: run it on Athena (--stage)`);
  return { location, keys: (wanted as string[]).map((name) => name.toLowerCase()), compression };
};

/** A partition's value in a path: Hive has no empty one, and Trino takes printable ASCII only. */
export const inPath = (value: string | null): string => {
  if (value === null) return NO_VALUE;
  if (value === NO_VALUE)
    refuse("INVALID_PARTITION_VALUE", `expected a partition's value, came ${NO_VALUE}: Hive takes that for null`);
  if (value === "" || !/^[\x20-\x7e]*$/.test(value))
    refuse(
      "INVALID_PARTITION_VALUE",
      `Hive partition keys can only contain printable ASCII characters (0x20 - 0x7E), at least one. Invalid value: ${JSON.stringify(value)}`,
    );
  return value;
};
const partitionable = /^(varchar(\(\d+\))?|tinyint|smallint|integer|bigint|boolean|date)$/;

export const checked = (columns: readonly Column[], keys: readonly string[]): void => {
  const last = columns.slice(columns.length - keys.length).map(({ name }) => name);
  const missing = keys.filter((name) => !columns.some((column) => column.name === name));
  if (missing.length) refuse("INVALID_TABLE_PROPERTY", `Partition columns ${missing.join(", ")} not present in schema`);
  if (keys.length >= columns.length) refuse("INVALID_TABLE_PROPERTY", "Table contains only partition columns");
  if (keys.some((name, index) => last[index] !== name))
    refuse(
      "HIVE_COLUMN_ORDER_MISMATCH",
      `Partition keys must be the last columns in the table and in the same order as the table properties: [${keys.join(", ")}]`,
    );
  for (const { name, type } of columns) {
    if (/^timestamp/.test(type) && !["timestamp", "timestamp(3)"].includes(type) && !type.endsWith("zone"))
      refuse(
        "NOT_SUPPORTED",
        `Incorrect timestamp precision for ${type}; the configured precision is MILLISECONDS; column name: ${name}`,
      );
    if (hiveType(type) === null) refuse("NOT_SUPPORTED", `Unsupported Hive type: ${type}: column ${name}`);
    if (keys.includes(name) && !partitionable.test(type))
      refuse("NOT_SUPPORTED", `a partition key of type ${type} is not written locally: column ${name}`);
  }
};
