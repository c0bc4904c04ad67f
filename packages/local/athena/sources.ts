import { PregaoError } from "../../core/errors.ts";
import type { Field, FieldType, TableFile, TablePartition, TableSource } from "../../engines/duckdb/query.ts";
import type { CatalogColumn, CatalogTable, Glue } from "../glue/index.ts";

/** What of S3 a query needs: which objects there are, and where they lie. */
export type Objects = {
  list: (bucket: string, prefix: string) => { key: string; etag: string; size: number }[];
  path: (bucket: string, key: string) => { path: string; etag: string } | null;
};
export type Place = { bucket: string; key: string };

/** Hive's name of a type as one of ours, or NOT_SUPPORTED. */
const typeOf = ({ name, type }: CatalogColumn, table: CatalogTable): FieldType => {
  const plain = type.toLowerCase().replaceAll(" ", "");
  if (["string", "tinyint", "smallint", "int", "bigint", "double", "boolean", "date", "timestamp"].includes(plain))
    return plain as FieldType;
  const text = /^varchar\((\d+)\)$/.exec(plain);
  if (text) return `varchar(${Number(text[1])})`;
  if (plain === "integer") return "int";
  const decimal = /^decimal(?:\((\d+)(?:,(\d+))?\))?$/.exec(plain);
  if (decimal) return `decimal(${Number(decimal[1] ?? 10)},${Number(decimal[2] ?? 0)})`;
  throw new PregaoError(
    "NOT_SUPPORTED",
    `column ${name} of ${table.database}.${table.name}: expected string, varchar, tinyint, smallint, int, bigint, double, boolean, date, timestamp or decimal, came ${type}`,
  );
};
export const fieldsOf = (table: CatalogTable, columns: readonly CatalogColumn[]): Field[] =>
  columns.map((column) => ({ name: column.name, type: typeOf(column, table) }));

/** `s3://bucket/prefix/` from a location, which is a folder with or without its slash. */
export const folderOf = (location: string, what: string): { bucket: string; prefix: string } => {
  const found = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/s.exec(location);
  if (!found)
    throw new PregaoError(
      "HIVE_UNKNOWN_ERROR",
      `location of ${what}: expected s3://bucket/prefix/, came ${JSON.stringify(location)}`,
    );
  const prefix = found[2] ?? "";
  return { bucket: found[1]!, prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/` };
};

/** Hive does not see what begins with a dot or an underscore, nor what is empty. */
const isData = (key: string, prefix: string, size: number): boolean =>
  size > 0 &&
  !key
    .slice(prefix.length)
    .split("/")
    .some((part) => part.startsWith(".") || part.startsWith("_"));

/** `NOW`, `NOW-3YEARS` or a date, as a day in UTC. */
const rangeDay = (text: string, now: number, what: string): string => {
  const relative = /^NOW(?:([+-])(\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?$/.exec(
    text.trim().replaceAll(" ", ""),
  );
  if (relative) {
    const date = new Date(now);
    const amount = Number(`${relative[1] ?? "+"}${relative[2] ?? 0}`);
    const unit = relative[3];
    if (unit === "YEAR") date.setUTCFullYear(date.getUTCFullYear() + amount);
    else if (unit === "MONTH") date.setUTCMonth(date.getUTCMonth() + amount);
    else
      date.setTime(
        date.getTime() + amount * ({ WEEK: 604_800, DAY: 86_400, HOUR: 3600, MINUTE: 60 }[unit ?? ""] ?? 1) * 1000,
      );
    return date.toISOString().slice(0, 10);
  }
  if (/^\d{4}-\d\d-\d\d$/.test(text.trim())) return text.trim();
  throw new PregaoError("INVALID_TABLE_PROPERTY", `${what}: expected yyyy-MM-dd or NOW±n, came ${text}`);
};

/** Finds the files of tables. `places` says where each came from, to see afterwards that it is still the same. */
export const sourceReader = (glue: Pick<Glue, "partitions">, objects: Objects, now: () => number) => {
  const filesUnder = (bucket: string, prefix: string): { key: string; file: TableFile }[] =>
    objects.list(bucket, prefix).flatMap(({ key, etag, size }) => {
      const found = isData(key, prefix, size) ? objects.path(bucket, key) : null;
      return found ? [{ key, file: { path: found.path, etag, size, uri: `s3://${bucket}/${key}` } }] : [];
    });

  /** Partitions that are computed instead of looked up: the folders that are there and that Athena would compute. */
  const projected = (table: CatalogTable, places: Map<TableFile, Place>): TablePartition[] => {
    const what = `${table.database}.${table.name}`;
    const properties = table.partitionKeys.map(({ name }) => {
      const property = (part: string) => table.parameters[`projection.${name}.${part}`];
      const [type, format, range] = [property("type"), property("format"), property("range")];
      if (type?.toLowerCase() !== "date" || format !== "yyyy-MM-dd" || !range)
        throw new PregaoError(
          "NOT_SUPPORTED",
          `projection of ${what}: expected every partition key to be of type date with format yyyy-MM-dd and a range, came ${name}: ${type}, ${format}, ${range}`,
        );
      const [from, to] = range.split(",");
      return { name, from: rangeDay(from ?? "", now(), what), to: rangeDay(to ?? "", now(), what) };
    });
    const base = table.location.endsWith("/") ? table.location : `${table.location}/`;
    const template =
      table.parameters["storage.location.template"] ??
      `${base}${properties.map(({ name }) => `${name}=\${${name}}`).join("/")}/`;
    const { bucket, prefix } = folderOf(template, what);
    const names: string[] = [];
    const pattern = prefix
      .split(/(\$\{\w+\})/)
      .map((part) => {
        if (!part.startsWith("${")) return part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
        names.push(part.slice(2, -1).toLowerCase());
        return "([^/]+)";
      })
      .join("");
    const folder = new RegExp(`^${pattern}`);
    const byValues = new Map<string, { values: string[]; files: TableFile[] }>();
    for (const { key, file } of filesUnder(bucket, prefix.split("${")[0]!)) {
      const found = folder.exec(key);
      if (!found) continue;
      const values = properties.map(({ name }) => found[names.indexOf(name) + 1] ?? "");
      if (
        !properties.every(
          ({ from, to }, index) =>
            /^\d{4}-\d\d-\d\d$/.test(values[index]!) && values[index]! >= from && values[index]! <= to,
        )
      )
        continue;
      const partition = byValues.get(values.join("/")) ?? { values, files: [] };
      byValues.set(values.join("/"), partition);
      partition.files.push(file);
      places.set(file, { bucket, key });
    }
    return [...byValues.values()];
  };

  return (table: CatalogTable, places: Map<TableFile, Place>): TableSource => {
    const what = `${table.database}.${table.name}`;
    const under = (location: string) => {
      const { bucket, prefix } = folderOf(location, what);
      return filesUnder(bucket, prefix).map(({ key, file }) => {
        places.set(file, { bucket, key });
        return file;
      });
    };
    const partitions =
      table.partitionKeys.length === 0
        ? [{ values: [], files: under(table.location) }]
        : table.parameters["projection.enabled"]?.toLowerCase() === "true"
          ? projected(table, places)
          : glue
              .partitions(table.database, table.name)
              .map(({ values, location }) => ({ values, files: under(location) }));
    return {
      database: table.database,
      name: table.name,
      columns: fieldsOf(table, table.columns),
      partitionKeys: fieldsOf(table, table.partitionKeys),
      partitions,
    };
  };
};
