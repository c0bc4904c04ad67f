import { z } from "zod";
import type { Column } from "./columns.ts";
import { PregaoError } from "./errors.ts";

export type Columns = Record<string, Column>;

/**
 * A table, declared once. `columns` are stored in its files, in this order; `partitions` are in the folder's name
 * (`year=2024/`) and in the catalog only. `key` names the columns that make a row unique, `sort` its order in a file.
 */
export type Table = {
  name: string;
  means: string;
  columns: Columns;
  key: readonly string[];
  partitions: Columns;
  sort: readonly string[];
  /** Rows in a Parquet row group: small ones let min and max prune by ticker. */
  rowGroup?: number;
};

export type Row<T extends { columns: Columns }> = { [K in keyof T["columns"]]: z.infer<T["columns"][K]["wire"]> };

export const validator = (columns: Columns) =>
  z.strictObject(Object.fromEntries(Object.entries(columns).map(([name, c]) => [name, c.wire])));

/** Whether {@link validator} takes a value, without saying why not: what it refuses, the validator explains. */
export const holdsAll = (columns: Columns): ((value: unknown) => boolean) => {
  const names = Object.keys(columns);
  const checks = Object.values(columns).map((c) => c.holds);
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    const record = value as Record<string, unknown>;
    for (let i = 0; i < names.length; i++) if (!checks[i]!(record[names[i]!])) return false;
    return Object.keys(record).length === names.length;
  };
};

export const jsonSchema = (columns: Columns) => z.toJSONSchema(validator(columns));

export type GlueColumn = { Name: string; Type: string; Comment: string };
export const glueColumns = (columns: Columns): GlueColumn[] =>
  Object.entries(columns).map(([Name, c]) => ({ Name, Type: c.type, Comment: c.means }));

/** The table with other partitions: any of its columns can become one, and what was one becomes a column again. */
export const withLayout = (table: Table, partitions: readonly string[]): Table => {
  const all: Columns = { ...table.columns, ...table.partitions };
  const unknown = partitions.filter((name) => !all[name]);
  if (new Set(partitions).size !== partitions.length)
    throw new PregaoError(
      "layout",
      `layout of ${table.name}: expected each column once, came ${partitions.join(", ")}`,
    );
  if (unknown.length || partitions.length === 0)
    throw new PregaoError(
      "layout",
      `layout of ${table.name}: expected one or more of its columns (${Object.keys(all).join(", ")}), got ${unknown.join(", ") || "none"}`,
    );
  const notText = partitions.filter((name) => all[name]?.type !== "string");
  if (notText.length) throw new PregaoError("layout", `layout of ${table.name}: ${notText.join(", ")} is not text`);
  if (Object.keys(table.partitions).some((name) => !partitions.includes(name)))
    throw new PregaoError(
      "layout",
      `layout of ${table.name}: expected ${Object.keys(table.partitions).join(", ")} to stay among its partitions, or a run could not replace a unit alone`,
    );
  return {
    ...table,
    columns: Object.fromEntries(Object.entries(all).filter(([name]) => !partitions.includes(name))),
    partitions: Object.fromEntries(partitions.map((name) => [name, all[name] as Column])),
    sort: table.sort.filter((name) => !partitions.includes(name)),
  };
};

/** A partition's name, which is also its folder: `year=2024/ticker=PETR4`; a table without partitions has the one "". */
export const partitionName = (
  table: { partitions: Readonly<Record<string, unknown>> },
  values: Record<string, string>,
): string =>
  Object.keys(table.partitions)
    .map((name) => `${name}=${encodePartition(values[name] ?? "")}`)
    .join("/");

/** Hive's escaping of a partition value in a path: everything but letters, digits and `_ . -` as %XX of its UTF-8. */
export const encodePartition = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The inverse of {@link partitionName}: name → value. */
export const partitionValues = (name: string): Record<string, string> =>
  Object.fromEntries(
    name
      .split("/")
      .filter(Boolean)
      .map((part) => {
        const at = part.indexOf("=");
        return [part.slice(0, at), decodeURIComponent(part.slice(at + 1))];
      }),
  );
