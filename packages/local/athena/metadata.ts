import { randomUUID } from "node:crypto";
import { z } from "zod";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import type { AthenaDeps } from "./carry.ts";
import { decode, encode, read } from "./routes.ts";

const CATALOG = "AwsDataCatalog";
const MAX_LISTED = 50;

const inCatalog = z.looseObject({ CatalogName: z.string().min(1) });
const paged = z.looseObject({
  NextToken: z.string().optional(),
  MaxResults: z.int().min(0).max(MAX_LISTED).optional(),
});
/** Of the catalog, at least one is asked for; of saved queries none is the default. */
const catalogPaged = paged.extend({ MaxResults: z.int().min(1).max(MAX_LISTED).optional() });
const namedQuery = z.looseObject({
  Name: z.string().min(1).max(128),
  Description: z.string().max(1024).optional(),
  Database: z.string().min(1).max(255),
  QueryString: z.string().min(1),
  ClientRequestToken: z.string().min(32).max(128).optional(),
  WorkGroup: z.string().optional(),
});

/** Catalogs, databases and tables as Athena shows them, the one workgroup, and saved queries. */
export const metadataRoutes = (state: State, deps: Pick<AthenaDeps, "glue" | "output" | "workgroup" | "now">) => {
  const { workgroup = "primary" } = deps;
  state.db.exec(
    "CREATE TABLE IF NOT EXISTS athena_queries (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, token TEXT UNIQUE, body TEXT NOT NULL) STRICT;",
  );
  const created = (deps.now ?? Date.now)() / 1000;
  const requireWorkGroup = (name: string | undefined): string => {
    if (name !== undefined && name !== workgroup)
      throw new AwsError("InvalidRequestException", `WorkGroup ${name} is not found.`);
    return workgroup;
  };
  const requireCatalog = (name: string) => {
    if (name.toLowerCase() !== CATALOG.toLowerCase())
      throw new AwsError("InvalidRequestException", `DataCatalog ${name} was not found`);
  };
  const metadata = (message: string): never => {
    throw new AwsError("MetadataException", message);
  };
  const engine = { SelectedEngineVersion: "AUTO", EffectiveEngineVersion: "Athena engine version 3" };
  const databaseOf = (body: Record<string, unknown>) => ({
    Name: body.Name,
    ...(body.Description === undefined ? {} : { Description: body.Description }),
    Parameters: body.Parameters ?? {},
  });
  const tableOf = (body: Record<string, unknown>) => ({
    Name: body.Name,
    CreateTime: body.CreateTime,
    LastAccessTime: body.LastAccessTime ?? body.CreateTime,
    TableType: body.TableType ?? "",
    Columns: ((body.StorageDescriptor ?? {}) as { Columns?: unknown[] }).Columns ?? [],
    PartitionKeys: body.PartitionKeys ?? [],
    Parameters: body.Parameters ?? {},
  });
  /** One page of a list; the token is how many came before. */
  const page = <T>(list: readonly T[], asked: { NextToken?: string | undefined; MaxResults?: number | undefined }) => {
    const from = decode(z.int().min(0), asked.NextToken, 0);
    const to = from + (asked.MaxResults || MAX_LISTED);
    return { items: list.slice(from, to), ...(to < list.length ? { NextToken: encode(to) } : {}) };
  };
  const requireDatabase = (name: string) => deps.glue.database(name) ?? metadata(`Database ${name} not found.`);

  const operations = {
    GetWorkGroup: (input: unknown) => {
      const { WorkGroup } = read(z.looseObject({ WorkGroup: z.string() }), input);
      return {
        WorkGroup: {
          Name: requireWorkGroup(WorkGroup),
          State: "ENABLED",
          Configuration: {
            ResultConfiguration: deps.output ? { OutputLocation: deps.output } : {},
            EnforceWorkGroupConfiguration: false,
            PublishCloudWatchMetricsEnabled: false,
            RequesterPaysEnabled: false,
            EngineVersion: engine,
          },
          Description: "",
          CreationTime: created,
        },
      };
    },
    ListWorkGroups: () => ({
      WorkGroups: [
        { Name: workgroup, State: "ENABLED", Description: "", CreationTime: created, EngineVersion: engine },
      ],
    }),
    GetDataCatalog: (input: unknown) => {
      requireCatalog(read(z.looseObject({ Name: z.string() }), input).Name);
      return { DataCatalog: { Name: CATALOG, Type: "GLUE", Parameters: {} } };
    },
    ListDataCatalogs: () => ({ DataCatalogsSummary: [{ CatalogName: CATALOG, Type: "GLUE" }] }),
    GetDatabase: (input: unknown) => {
      const asked = read(inCatalog.extend({ DatabaseName: z.string() }), input);
      requireCatalog(asked.CatalogName);
      return { Database: databaseOf(requireDatabase(asked.DatabaseName)) };
    },
    ListDatabases: (input: unknown) => {
      const asked = read(catalogPaged.extend(inCatalog.shape), input);
      requireCatalog(asked.CatalogName);
      const { items, ...rest } = page(deps.glue.databases(), asked);
      return { DatabaseList: items.map(databaseOf), ...rest };
    },
    GetTableMetadata: (input: unknown) => {
      const asked = read(inCatalog.extend({ DatabaseName: z.string(), TableName: z.string() }), input);
      requireCatalog(asked.CatalogName);
      requireDatabase(asked.DatabaseName);
      const found = deps.glue.tables(asked.DatabaseName).find((table) => table.name === asked.TableName.toLowerCase());
      return { TableMetadata: tableOf((found ?? metadata(`Table ${asked.TableName} not found.`)).body) };
    },
    ListTableMetadata: (input: unknown) => {
      const asked = read(
        catalogPaged.extend({
          CatalogName: z.string(),
          DatabaseName: z.string(),
          Expression: z.string().max(256).optional(),
        }),
        input,
      );
      requireCatalog(asked.CatalogName);
      requireDatabase(asked.DatabaseName);
      let pattern: RegExp | null = null;
      try {
        pattern = asked.Expression ? new RegExp(asked.Expression, "i") : null;
      } catch {
        throw new AwsError(
          "InvalidRequestException",
          `Expression: expected a regular expression, came ${asked.Expression}`,
        );
      }
      const { items, ...rest } = page(
        deps.glue.tables(asked.DatabaseName).filter((table) => !pattern || pattern.test(table.name)),
        asked,
      );
      return { TableMetadataList: items.map((table) => tableOf(table.body)), ...rest };
    },
    CreateNamedQuery: (input: unknown) => {
      const { ClientRequestToken: token, ...asked } = read(namedQuery, input);
      return state.transaction(() => {
        const same =
          token === undefined
            ? undefined
            : state.db.prepare("SELECT id FROM athena_queries WHERE token = ?").get(token);
        if (same) return { NamedQueryId: same.id };
        const id = randomUUID();
        const body = { ...asked, NamedQueryId: id, WorkGroup: requireWorkGroup(asked.WorkGroup) };
        state.db
          .prepare("INSERT INTO athena_queries (id, token, body) VALUES (?, ?, ?)")
          .run(id, token ?? null, JSON.stringify(body));
        return { NamedQueryId: id };
      });
    },
    GetNamedQuery: (input: unknown) => {
      const { NamedQueryId } = read(z.looseObject({ NamedQueryId: z.string() }), input);
      const row = state.db.prepare("SELECT body FROM athena_queries WHERE id = ?").get(NamedQueryId);
      if (!row) throw new AwsError("InvalidRequestException", `NamedQuery ${NamedQueryId} was not found`);
      return { NamedQuery: JSON.parse(row.body as string) as unknown };
    },
    ListNamedQueries: (input: unknown) => {
      const asked = read(paged.extend({ WorkGroup: z.string().optional() }), input);
      requireWorkGroup(asked.WorkGroup);
      const ids = state.db.prepare("SELECT id FROM athena_queries ORDER BY sequence DESC").all();
      const { items, ...rest } = page(
        ids.map((row) => row.id as string),
        asked,
      );
      return { NamedQueryIds: items, ...rest };
    },
  };
  return { operations, requireWorkGroup };
};
