import { duckdbType, type GlueType } from "../../core/columns.ts";
import { type Fields, GONE, type Learned } from "./footers.ts";
import { literal, quoted } from "./session.ts";

/** Hive's types that are read: those of our own tables, and what others make tables of. */
export type FieldType = GlueType | "tinyint" | "smallint" | `varchar(${number})`;
export type Field = { name: string; type: FieldType };
/** A Parquet file; `etag` changes whenever its bytes do. `uri` is what its rows have as `$path`. */
export type TableFile = { path: string; etag: string; size: number; uri?: string };
/** Values of the partition keys, in their order, the same for every row of its files; null is no value. */
export type TablePartition = { values: readonly (string | null)[]; files: readonly TableFile[] };

/**
 * A table as a list of files. Types are the catalog's: a file without a column has nulls there, a file whose column
 * has another type makes the query fail.
 */
export type TableSource = {
  database: string;
  name: string;
  columns: readonly Field[];
  partitionKeys: readonly Field[];
  partitions: readonly TablePartition[];
  /** With a column `$path` after the others, each file's `uri`. */
  paths?: true;
};

/** The type as DuckDB names it in what it tells of a file. */
const typeName = (type: FieldType): string =>
  type === "int"
    ? "INTEGER"
    : type === "tinyint" || type === "smallint"
      ? type.toUpperCase()
      : type.startsWith("varchar")
        ? "VARCHAR"
        : duckdbType(type as GlueType);

/** In a view's column: the file's column as the catalog's type, or null when that would not be exact. */
const conversion = (type: FieldType, came: string, column: string): string | null => {
  const wanted = typeName(type);
  // Hive's timestamps have milliseconds: Trino rounds the rest, half up.
  if (type === "timestamp" && ["TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"].includes(came)) {
    const micros = `(epoch_us(${column}) + 500)`;
    return `make_timestamp(${micros} - ((${micros} % 1000) + 1000) % 1000)`;
  }
  // Trino cuts a text at the column's length.
  const length = /^varchar\((\d+)\)$/.exec(type)?.[1];
  if (length !== undefined && came === wanted) return `substring(${column}, 1, ${length})`;
  if (came === wanted) return column;
  const exact: Record<string, string[]> = {
    smallint: ["TINYINT"],
    int: ["SMALLINT", "TINYINT"],
    bigint: ["INTEGER", "SMALLINT", "TINYINT"],
    double: ["FLOAT"],
  };
  if (exact[type]?.includes(came)) return `CAST(${column} AS ${wanted})`;
  const [to, from] = [wanted, came].map((text) => /^DECIMAL\((\d+),(\d+)\)$/.exec(text));
  if (to && from && to[2] === from[2] && Number(from[1]) <= Number(to[1])) return `CAST(${column} AS ${wanted})`;
  return null;
};

/** DuckDB takes `*`, `?` and `[` in a path for a pattern unless they stand in brackets. */
export const pathLiteral = (path: string): string => literal(path.replace(/[*?[]/g, "[$&]"));

/**
 * The folder names `key=value` of a path by key, when DuckDB's reading of them is the table's own: every partition key
 * is there once with its value, in plain characters, and no other name is a column of the table. Null otherwise.
 */
const hiveKeys = (path: string, table: TableSource, values: readonly (string | null)[]): string[] | null => {
  const found = new Map<string, string>();
  for (const part of path.split("/").slice(0, -1)) {
    const pair = /^([^=]+)=([^=]*)$/.exec(part);
    if (!pair) continue;
    if (found.has(pair[1]!) || /[?\\\n]/.test(part)) return null;
    found.set(pair[1]!, pair[2]!);
  }
  for (const [index, key] of table.partitionKeys.entries()) {
    const value = values[index] ?? null;
    if (
      value === null ||
      found.get(key.name) !== value ||
      !/^[\w.-]+$/.test(value) ||
      /^(null|__HIVE_.*)$/i.test(value)
    )
      return null;
  }
  const own = new Set(table.partitionKeys.map((key) => key.name));
  const names = [...found.keys()];
  const others = names.filter((name) => !own.has(name)).map((name) => name.toLowerCase());
  return [...table.columns, ...table.partitionKeys].some((field) => others.includes(field.name)) ? null : names.sort();
};

const PATH = "$path";

/** The `uri` of a row's file, from the path that DuckDB gives as `$path`. As a rule all end alike. */
const uriOf = (files: readonly TableFile[]): string => {
  const [first] = files;
  const uri = first?.uri ?? "";
  let same = 0;
  while (same < uri.length && uri.at(-1 - same) === first?.path.at(-1 - same)) same++;
  const [head, start] = [uri.slice(0, uri.length - same), first?.path.slice(0, first.path.length - same) ?? ""];
  if (files.every((file) => file.path.startsWith(start) && file.uri === head + file.path.slice(start.length)))
    return `${literal(head)} || substr(${quoted(PATH)}, ${[...start].length + 1})`;
  const list = (texts: string[]) => `[${texts.map(literal).join(", ")}]`;
  return `${list(files.map((file) => file.uri ?? ""))}[list_position(${list(files.map((file) => file.path))}, ${quoted(PATH)})]`;
};

const nameOf = (file: TableFile): string => file.uri ?? file.path;

/**
 * The table as one SELECT. Files are grouped so that one reader meets one shape; see {@link hiveKeys}. A file that is
 * no Parquet or has a column of another type stands alone: a condition on `$path` or a partition then leaves it out
 * before it is opened, as Trino's connector does, and what does open it fails with its name.
 */
export const relation = (table: TableSource, learned: ReadonlyMap<string, Learned>): string => {
  type Group = {
    hive: string[] | null;
    values: readonly (string | null)[];
    fields: Fields;
    files: TableFile[];
    /** It has one file, which is not as it should be. */
    alone: boolean;
  };
  const groups = new Map<string, Group>();
  const wanted = [...table.columns, ...table.partitionKeys];
  const selects: string[] = [];
  for (const { values, files } of table.partitions)
    for (const file of files) {
      const { path } = file;
      const known = learned.get(path)!;
      if ("fault" in known) {
        selects.push(faulty(table, values, file, known.fault));
        continue;
      }
      const { fields } = known;
      const alone = table.columns.some(({ name, type }) => {
        const came = fields.get(name);
        return came !== undefined && conversion(type, came, name) === null;
      });
      const inFile = table.partitionKeys.some((key) => fields.has(key.name));
      const hive = inFile || alone ? null : hiveKeys(path, table, values);
      const shape = wanted.map(({ name }) => fields.get(name) ?? "");
      const key = JSON.stringify([hive ?? values, hive !== null, shape, alone ? path : null]);
      const group = groups.get(key);
      if (group) group.files.push(file);
      else groups.set(key, { hive, values, fields, files: [file], alone });
    }
  for (const { hive, values, fields, files, alone } of groups.values()) {
    const columns = table.columns.map(({ name, type }) => {
      const came = fields.get(name);
      const sql = came === undefined ? `CAST(NULL AS ${typeName(type)})` : conversion(type, came, quoted(name));
      if (sql === null) {
        // It fails when it is read, as in Trino: who does not ask for this column or partition gets an answer.
        const reason = `HIVE_BAD_DATA: column ${name} of ${table.database}.${table.name}: expected ${type}, came ${came} in ${nameOf(files[0]!)}`;
        return `CAST(CASE WHEN ${quoted(name)} IS NOT NULL THEN error(${literal(reason)}) END AS ${typeName(type)}) AS ${quoted(name)}`;
      }
      return `${sql} AS ${quoted(name)}`;
    });
    const keys = hive
      ? table.partitionKeys.map(({ name }) => `${quoted(name)} AS ${quoted(name)}`)
      : valuesOf(table, values);
    const types = hive?.map((name) => {
      const key = table.partitionKeys.find((one) => one.name === name);
      return `${literal(name)}: ${typeName(key?.type ?? "string")}`;
    });
    const reading = types?.length
      ? `hive_partitioning = true, hive_types = {${types.join(", ")}}`
      : "hive_partitioning = false";
    const uri = alone ? literal(files[0]!.uri ?? "") : uriOf(files);
    const place = table.paths ? [`${uri} AS ${quoted(PATH)}`] : [];
    const from = `read_parquet([${files.map((file) => pathLiteral(file.path)).join(", ")}], ${reading}${table.paths ? `, filename = ${literal(PATH)}` : ""})`;
    selects.push(`SELECT ${[...columns, ...keys, ...place].join(", ")} FROM ${from}`);
  }
  if (selects.length > 0) return selects.join("\nUNION ALL\n");
  const all = table.paths ? [...wanted, { name: PATH, type: "string" as const }] : wanted;
  return `SELECT ${all.map(({ name, type }) => `CAST(NULL AS ${typeName(type)}) AS ${quoted(name)}`).join(", ")} WHERE false`;
};

/** Partition keys that are not read from the file's path. */
const valuesOf = ({ partitionKeys }: TableSource, values: readonly (string | null)[]): string[] =>
  partitionKeys.map(({ name, type }, index) => {
    const value = values[index] ?? null;
    return `CAST(${value === null ? "NULL" : literal(value)} AS ${typeName(type)}) AS ${quoted(name)}`;
  });

/** A file that is no Parquet, or gone: what would read it fails, unless its path or partition has ruled it out before. */
const faulty = (table: TableSource, values: readonly (string | null)[], file: TableFile, fault: string): string => {
  const error = `error(${literal(`${fault === GONE ? "HIVE_FILESYSTEM_ERROR" : "HIVE_BAD_DATA"}: ${nameOf(file)} ${fault}`)})`;
  // No constants: a condition on a column must not rule the file out.
  const columns = table.columns.map(
    ({ name, type }) => `CAST(CASE WHEN ${error} IS NULL THEN NULL END AS ${typeName(type)}) AS ${quoted(name)}`,
  );
  const place = table.paths ? [`${literal(file.uri ?? "")} AS ${quoted(PATH)}`] : [];
  return `SELECT ${[...columns, ...valuesOf(table, values), ...place].join(", ")} FROM (SELECT 1) WHERE ${error} IS NULL`;
};
