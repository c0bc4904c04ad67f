import { PregaoError } from "../../core/errors.ts";
import { encodePartition } from "../../core/table.ts";
import { VIEW_KIND } from "../../core/view.ts";
import type { Translated } from "../../trino/index.ts";
import { namePattern } from "../glue/index.ts";
import { bodyOf, type Catalog, type TableBody, viewOf } from "./lookup.ts";
import type { Cells } from "./results.ts";

type Kind = Translated["kind"];
export type Shown = { columns: string[]; rows: Cells[] };

/** Hive pads names and types to this width. */
const WIDTH = 20;
const padded = (...cells: (string | undefined)[]): string => cells.map((cell) => (cell ?? "").padEnd(WIDTH)).join("\t");
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

type Column = { Name: string; Type?: string; Comment?: string };
const columnsOf = (body: TableBody): { columns: Column[]; keys: Column[] } => ({
  columns: body.StorageDescriptor?.Columns ?? [],
  keys: body.PartitionKeys ?? [],
});

/** DESCRIBE as Hive prints it: one cell a line, padded and with tabs; partition keys once more at the end. */
const described = (body: TableBody): Cells[] => {
  const { columns, keys } = columnsOf(body);
  const line = ({ Name, Type, Comment }: Column): Cells => [padded(Name, Type ?? "string", Comment)];
  const all = [...columns, ...keys].map(line);
  if (keys.length === 0) return all;
  const blank: Cells = ["\t \t "];
  return [
    ...all,
    blank,
    ["# Partition Information\t \t "],
    [`# ${padded("col_name", "data_type", "comment")}`],
    blank,
    ...keys.map(line),
  ];
};

const listed = (items: readonly string[]): string[] =>
  items.map((item, index) => `  ${item}${index < items.length - 1 ? ", " : ")"}`);
const column = ({ Name, Type, Comment }: Column): string =>
  `\`${Name}\` ${Type ?? "string"}${Comment === undefined ? "" : ` COMMENT ${quoted(Comment)}`}`;

/** A statement that makes the table, as Hive prints it. */
const createTable = (database: string, body: TableBody): string[] => {
  const { columns, keys } = columnsOf(body);
  const descriptor = body.StorageDescriptor ?? {};
  const serde = Object.entries(descriptor.SerdeInfo?.Parameters ?? {});
  const properties = Object.entries(body.Parameters ?? {}).filter(([name]) => !["EXTERNAL", "comment"].includes(name));
  const means = body.Description ?? body.Parameters?.comment;
  return [
    `CREATE EXTERNAL TABLE \`${database}.${body.Name}\`(`,
    ...listed(columns.map(column)),
    ...(means ? [`COMMENT ${quoted(means)}`] : []),
    ...(keys.length ? ["PARTITIONED BY ( ", ...listed(keys.map(column))] : []),
    "ROW FORMAT SERDE ",
    `  ${quoted(descriptor.SerdeInfo?.SerializationLibrary ?? "")} `,
    ...(serde.length ? ["WITH SERDEPROPERTIES ( ", ...listed(serde.map((pair) => pair.map(quoted).join("=")))] : []),
    "STORED AS INPUTFORMAT ",
    `  ${quoted(descriptor.InputFormat ?? "")} `,
    "OUTPUTFORMAT ",
    `  ${quoted(descriptor.OutputFormat ?? "")}`,
    "LOCATION",
    `  ${quoted(descriptor.Location ?? "")}`,
    ...(properties.length ? ["TBLPROPERTIES (", ...listed(properties.map((pair) => pair.map(quoted).join("=")))] : []),
  ];
};

/** The answers that only the catalog is asked for; null when the statement is another. */
export const shown = (glue: Catalog, of: Translated): Shown | null => {
  const wanted = namePattern(("pattern" in of && of.pattern) || "*");
  const names = (list: readonly string[]): Cells[] => list.filter((name) => wanted.test(name)).map((name) => [name]);
  const lines = (list: readonly string[]): Cells[] => list.map((line) => [line]);
  const requireDatabase = (database: string) => {
    if (!glue.database(database)) throw new PregaoError("SCHEMA_NOT_FOUND", `Schema ${database} does not exist`);
  };
  const requireKind = (kind: Kind, name: string, view: boolean) => {
    if (view !== (kind === "show create view"))
      throw new PregaoError(
        "NOT_SUPPORTED",
        view ? `${name} is a view: SHOW CREATE VIEW ${name}` : `${name} is no view: SHOW CREATE TABLE ${name}`,
      );
  };
  switch (of.kind) {
    case "show databases":
      return { columns: ["database_name"], rows: names(glue.databases().map((one) => String(one.Name))) };
    case "show tables":
    case "show views": {
      requireDatabase(of.database);
      const all = glue.tables(of.database);
      const asked = of.kind === "show views" ? all.filter(({ body }) => body.TableType === VIEW_KIND) : all;
      return { columns: [of.kind === "show views" ? "views" : "tab_name"], rows: names(asked.map(({ name }) => name)) };
    }
    case "describe":
      return { columns: ["col_name", "data_type", "comment"], rows: described(bodyOf(glue, of.database, of.name)) };
    case "show columns": {
      const { columns, keys } = columnsOf(bodyOf(glue, of.database, of.name));
      return { columns: ["field"], rows: [...columns, ...keys].map(({ Name }) => [Name.padEnd(WIDTH)]) };
    }
    case "show table properties": {
      const all = Object.entries(bodyOf(glue, of.database, of.name).Parameters ?? {});
      if (of.property === undefined)
        return { columns: ["prpt_name", "prpt_value"], rows: all.map((pair) => [pair.join("\t")]) };
      const found = all.find(([name]) => name === of.property);
      const text = found?.[1] ?? `Table ${of.database}.${of.name} does not have property: ${of.property}`;
      return { columns: ["prpt_name"], rows: [[text]] };
    }
    case "show create table": {
      const body = bodyOf(glue, of.database, of.name);
      requireKind(of.kind, `${of.database}.${of.name}`, body.TableType === VIEW_KIND);
      return { columns: ["createtab_stmt"], rows: lines(createTable(of.database, body)) };
    }
    case "show create view": {
      requireKind(of.kind, `${of.database}.${of.name}`, glue.table(of.database, of.name)?.kind === VIEW_KIND);
      const { sql, comment } = viewOf(glue, of.database, of.name);
      const means = comment === undefined ? "" : ` COMMENT '${comment.replaceAll("'", "''")}'`;
      const text = `CREATE VIEW "${of.database}"."${of.name}"${means} AS\n${sql}`;
      return { columns: ["Create View"], rows: lines(text.split("\n")) };
    }
    case "show partitions":
      return { columns: ["partition"], rows: partitions(glue, of.database, of.name) };
    default:
      return null;
  }
};

const partitions = (glue: Catalog, database: string, name: string): Cells[] => {
  const table = glue.table(database, name);
  const keys = table?.partitionKeys ?? [];
  if (keys.length === 0) throw new PregaoError("NOT_SUPPORTED", `Table ${database}.${name} is not a partitioned table`);
  const value = (one: string | null | undefined) => (one == null ? "__HIVE_DEFAULT_PARTITION__" : encodePartition(one));
  return glue
    .partitions(database, name)
    .map(({ values }) => [keys.map((key, index) => `${key.name}=${value(values[index])}`).join("/")]);
};
