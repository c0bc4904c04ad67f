import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { PregaoError } from "../../core/errors.ts";
import { encodePartition } from "../../core/table.ts";
import { VIEW_KIND } from "../../core/view.ts";
import type { KeptFile, Queries, QueryFigures, TableSource } from "../../engines/duckdb/query.ts";
import type { Translated } from "../../trino/index.ts";
import { type CatalogTable, PARQUET } from "../glue/index.ts";
import { NO_VALUE } from "../glue/store.ts";
import { AwsError } from "../service.ts";
import type { AthenaDeps } from "./carry.ts";
import { bodyOf, type Catalog, callGlue } from "./lookup.ts";
import { type Column, checked, inPath, type Options, optionsOf, refuse } from "./properties.ts";
import { folderOf } from "./sources.ts";
import { hiveType } from "./types.ts";
import type { Writer, Writes } from "./writes.ts";

type Keeping = Extract<Translated, { kind: "create table" | "insert" | "unload" }>;

/** Athena writes into no more partitions in one statement. */
const MOST_PARTITIONS = 100;

export type Kept = {
  figures: QueryFigures;
  /** `s3://…` of each file. */
  files: string[];
  /** In the transaction that ends the statement. */
  commit: () => void;
};

/**
 * CREATE TABLE AS, INSERT INTO and UNLOAD: rows become new files under names of their own, and the table, or its new
 * partitions, come to be in the transaction that ends the statement. Nothing that is there is overwritten.
 */
export const keeper = (
  glue: Catalog,
  s3: Writer,
  writes: Writes,
  { declared, reserved }: Required<Pick<AthenaDeps, "declared" | "reserved">>,
  folder: string,
) => {
  const taken = (bucket: string, prefix: string): string[] => s3.list(bucket, prefix).map(({ key }) => key);
  const exists = (uri: string, what: string): never =>
    refuse("HIVE_PATH_ALREADY_EXISTS", `Target directory for ${what} already exists: ${uri}`);
  /** A folder inside a table's, or around it: what is written there would be rows of that table. */
  const aside = (uri: string): void => {
    for (const { Name } of glue.databases())
      for (const { name } of glue.tables(String(Name))) {
        const table = glue.table(String(Name), name);
        if (!table || table.kind === VIEW_KIND) continue;
        for (const other of placesOf(table))
          if (other.startsWith(uri) || uri.startsWith(other))
            refuse("NOT_SUPPORTED", `${uri} lies in the place of ${Name}.${name} (${other}): name another one`);
      }
  };
  /** How the URIs of a table's rows begin: its own folder, its partitions' and those that projection computes. */
  const placesOf = (table: CatalogTable): Set<string> => {
    const folders = [table.location, ...glue.partitions(table.database, table.name).map(({ location }) => location)]
      .filter((location) => /^s3[an]?:\/\/[^/]/.test(location))
      .map((location) => folderOf(location, table.name))
      .map(({ bucket, prefix }) => `s3://${bucket}/${prefix}`);
    // What comes before the first value need not end in a slash, and says nothing without a bucket.
    const [fixed = ""] = (table.parameters["storage.location.template"] ?? "").split("${");
    if (/^s3[an]?:\/\/[^/]+\//.test(fixed)) folders.push(fixed.replace(/^s3[an]?:/, "s3:"));
    return new Set(folders);
  };

  /** A new folder for a table's or an unload's files. */
  const fresh = (location: string, what: string) => {
    const { bucket, prefix } = folderOf(location, what);
    const uri = `s3://${bucket}/${prefix}`;
    if (reserved(bucket, prefix)) refuse("NOT_SUPPORTED", `${uri} is the river's own place: name another one`);
    aside(uri);
    if (taken(bucket, prefix).length) exists(uri, what);
    return { bucket, prefix, uri };
  };

  /** Runs the query and puts its files; `place` says under which folder a partition's go. */
  const put = async (
    id: string,
    engine: Queries,
    of: { sql: string; columns: readonly Column[]; keys: number; tables: TableSource[]; signal: AbortSignal } & Pick<
      Options,
      "compression"
    >,
    place: (values: readonly string[]) => { bucket: string; prefix: string },
  ) => {
    const scratch = join(folder, `${id}-${randomUUID()}`);
    try {
      const { files, rows, scannedBytes } = await engine.keep({ ...of, folder: scratch, most: MOST_PARTITIONS });
      const named = files.map((file: KeptFile) => ({ ...file, values: file.values.map(inPath) }));
      const uris: string[] = [];
      for (const { path, values } of named) {
        of.signal.throwIfAborted();
        const { bucket, prefix } = place(values);
        const key = `${prefix}${id}_${randomUUID()}.parquet`;
        writes.announce(id, bucket, key);
        await s3.putFile(bucket, key, path, { ifNoneMatch: true });
        uris.push(`s3://${bucket}/${key}`);
      }
      return { files: uris, figures: { rows, scannedBytes }, partitions: named.map(({ values }) => values) };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  };
  const folderName = (keys: readonly string[], values: readonly string[]): string =>
    keys
      .map((name, index) => `${name}=${values[index] === NO_VALUE ? NO_VALUE : encodePartition(values[index]!)}/`)
      .join("");
  const newPartitions = (
    database: string,
    name: string,
    list: readonly string[][],
    location: (values: readonly string[]) => string,
  ) => {
    for (const Values of list)
      callGlue(glue, "CreatePartition", {
        DatabaseName: database,
        TableName: name,
        PartitionInput: { Values, StorageDescriptor: { ...PARQUET, Location: location(Values) } },
      });
  };

  /** Reads a statement's own place: what it may write, and where. Throws before anything is run. */
  const create = (of: Extract<Keeping, { kind: "create table" }>, output: string) => {
    const { database, name } = of;
    if (!glue.database(database)) refuse("NOT_FOUND", `line 1:1: Schema '${database}' does not exist`);
    const { columns } = of.answer!;
    const options = optionsOf(of.properties, "create table");
    checked(columns, options.keys);
    const full = `${database}.${name}`;
    const { bucket, prefix, uri } = fresh(options.location ?? output, `table '${full}'`);
    const stored = columns.length - options.keys.length;
    const glued = ({ name: Name, type }: Column) => ({ Name, Type: hiveType(type)! });
    return {
      options,
      place: (values: readonly string[]) => ({ bucket, prefix: `${prefix}${folderName(options.keys, values)}` }),
      commit: (files: readonly string[], partitions: readonly string[][]) => {
        // Another statement may have come here first, or made a table inside or around.
        aside(uri);
        if (taken(bucket, prefix).some((key) => !files.includes(`s3://${bucket}/${key}`)))
          exists(uri, `table '${full}'`);
        if (glue.table(database, name)) refuse("TABLE_ALREADY_EXISTS", `Table '${full}' already exists`);
        const TableInput = {
          Name: name,
          ...(of.comment === null ? {} : { Description: of.comment }),
          TableType: "EXTERNAL_TABLE",
          Parameters: { EXTERNAL: "TRUE", classification: "parquet", has_encrypted_data: "false" },
          PartitionKeys: columns.slice(stored).map(glued),
          StorageDescriptor: { Columns: columns.slice(0, stored).map(glued), Location: uri, ...PARQUET },
        };
        callGlue(glue, "CreateTable", { DatabaseName: database, TableInput });
        if (options.keys.length)
          newPartitions(database, name, partitions, (values) => `${uri}${folderName(options.keys, values)}`);
      },
    };
  };

  const insert = (of: Extract<Keeping, { kind: "insert" }>, table: CatalogTable) => {
    const { database, name } = of;
    const full = `${database}.${name}`;
    if (declared(database, name))
      refuse(
        "NOT_SUPPORTED",
        `INSERT INTO ${full}: the river publishes into it, and nobody else; make a table of your own`,
      );
    if (table.parameters["projection.enabled"]?.toLowerCase() === "true")
      refuse("NOT_SUPPORTED", `INSERT INTO ${full}: its partitions are projected`);
    const { SerdeInfo, InputFormat } = bodyOf(glue, database, name).StorageDescriptor ?? {};
    if (!/parquet/i.test(`${SerdeInfo?.SerializationLibrary} ${InputFormat}`))
      refuse(
        "NOT_SUPPORTED",
        `INSERT INTO ${full}: expected a table of Parquet, its format is ${InputFormat ?? "not told"}`,
      );
    const keys = table.partitionKeys.map((key) => key.name);
    checked(of.answer.columns, keys);
    const own = (bucket: string, prefix: string): void => {
      if (reserved(bucket, prefix))
        refuse("NOT_SUPPORTED", `INSERT INTO ${full}: s3://${bucket}/${prefix} is the river's own place`);
    };
    const { bucket, prefix } = folderOf(table.location, full);
    own(bucket, prefix);
    const known = () =>
      new Map(
        glue
          .partitions(database, name)
          .map(({ values, location }) => [JSON.stringify(values.map((one) => one ?? NO_VALUE)), location]),
      );
    const base = `s3://${bucket}/${prefix}`;
    const before = known();
    const locationOf = (values: readonly string[]) =>
      before.get(JSON.stringify(values)) ?? `${base}${folderName(keys, values)}`;
    return {
      options: { keys, compression: "gzip" as const },
      place: (values: readonly string[]) => {
        if (!keys.length) return { bucket, prefix };
        const at = folderOf(locationOf(values), full);
        own(at.bucket, at.prefix);
        return at;
      },
      commit: (_: readonly string[], partitions: readonly string[][]) => {
        const now = glue.table(database, name);
        const same =
          now !== null &&
          now.location === table.location &&
          isDeepStrictEqual([now.columns, now.partitionKeys], [table.columns, table.partitionKeys]);
        if (!same) refuse("HIVE_METASTORE_ERROR", `${full} changed while it was written to`);
        if (!keys.length) return;
        const there = known();
        for (const values of partitions) {
          const location = there.get(JSON.stringify(values));
          if (location !== undefined && folderOf(location, full).prefix !== folderOf(locationOf(values), full).prefix)
            refuse("HIVE_METASTORE_ERROR", `a partition of ${full} moved while it was written to`);
        }
        newPartitions(
          database,
          name,
          partitions.filter((values) => !there.has(JSON.stringify(values))),
          locationOf,
        );
      },
    };
  };

  const unload = (of: Extract<Keeping, { kind: "unload" }>) => {
    const options = optionsOf(of.properties, "unload");
    checked(of.answer.columns, options.keys);
    const { bucket, prefix, uri } = fresh(of.location, "UNLOAD");
    return {
      options,
      place: (values: readonly string[]) => ({ bucket, prefix: `${prefix}${folderName(options.keys, values)}` }),
      commit: (files: readonly string[]) => {
        aside(uri);
        if (taken(bucket, prefix).some((key) => !files.includes(`s3://${bucket}/${key}`))) exists(uri, "UNLOAD");
      },
    };
  };

  /** `output`: the folder of a table that names no place of its own. `table`: the one that INSERT goes to. */
  return async (
    id: string,
    of: Keeping,
    from: {
      output: string;
      table: CatalogTable | null;
      tables: () => TableSource[];
      engine: () => Queries;
      signal: AbortSignal;
    },
  ): Promise<Kept> => {
    if (of.kind === "create table" && of.answer === null)
      return { figures: { rows: 0, scannedBytes: 0 }, files: [], commit: () => {} };
    const plan =
      of.kind === "create table"
        ? create(of, from.output)
        : of.kind === "insert"
          ? insert(of, from.table!)
          : unload(of);
    const commit = (files: readonly string[], partitions: readonly string[][]): void => {
      try {
        plan.commit(files, partitions);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        throw new PregaoError("HIVE_METASTORE_ERROR", `${error.code}: ${error.message}`);
      }
    };
    if (of.kind === "create table" && !of.data)
      return { figures: { rows: 0, scannedBytes: 0 }, files: [], commit: () => commit([], []) };
    const { sql, columns } = of.answer!;
    const { keys, compression } = plan.options;
    const done = await put(
      id,
      from.engine(),
      { sql, columns, keys: keys.length, tables: from.tables(), signal: from.signal, compression },
      plan.place,
    );
    return {
      figures: done.figures,
      files: done.files,
      commit: () => {
        commit(done.files, done.partitions);
        writes.settle(id);
      },
    };
  };
};
