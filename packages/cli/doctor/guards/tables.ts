import { databaseInput, movesByCommit, tableInput } from "../../../core/declaration.ts";
import type { TableSpec } from "../../../core/topology.ts";
import type { ViewInput } from "../../../core/view.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, restart, type Subject, type Wrong } from "../guard.ts";
import { at, canonical, differences, list, object, said } from "../shapes.ts";

type Table = Subject & { spec: TableSpec };
const tables = (e: Expected): Table[] =>
  e.topology.databases.flatMap((database) =>
    database.tables.map((spec) => ({ ...tableOf(database.name, spec.name), spec })),
  );
const tableOf = (database: string, name: string): Subject => {
  const id = `${database}|${name}`;
  return { type: "AWS::Glue::Table", id, name: id.replace("|", ".") };
};
const mend = (_: Subject, e: Expected): string => (e.laptop ? restart : deploy(e));

const columns = (value: unknown): string[] => list(value).map((one) => `${at(one, "Name")} ${at(one, "Type")}`);
const sameColumns = (what: string, wanted: readonly string[], came: readonly string[]): Wrong[] => {
  if (wanted.join() === came.join()) return [];
  const missing = wanted.filter((one) => !came.includes(one));
  const more = came.filter((one) => !wanted.includes(one));
  return [
    {
      expected: `${what} ${missing.length + more.length > 0 ? missing.join(", ") || "as declared" : wanted.join(", ")}`,
      came:
        missing.length + more.length > 0 ? more.join(", ") || "they are missing" : `another order: ${came.join(", ")}`,
    },
  ];
};

export const tableGuards: Guard[] = [
  guard<Subject & { spec: Expected["topology"]["databases"][number] }>({
    id: "table.database",
    protects: "the catalog says what the data are, and nothing lands outside the lake",
    laptop: true,
    subjects: (e) =>
      e.topology.databases.map((spec) => ({
        type: "AWS::Glue::Database",
        id: spec.name,
        name: spec.name,
        spec,
      })),
    check: (is, { spec }, e) => {
      const { Description, LocationUri } = databaseInput(spec, e.bucket("lake"));
      return differences({ Description, LocationUri }, (name) => at(is, "DatabaseInput", name));
    },
    mend,
  }),
  guard<Table>({
    id: "table.columns",
    protects: "Firehose, jobs and queries read the same columns: one that differs is dropped, or a query fails on it",
    laptop: true,
    subjects: tables,
    check: (is, { spec }, e) => {
      const wanted = tableInput(spec, e.bucket("lake"));
      const input = object(is.TableInput);
      return [
        ...sameColumns(
          "columns",
          columns(wanted.StorageDescriptor.Columns),
          columns(at(input, "StorageDescriptor", "Columns")),
        ),
        ...sameColumns("partitions", columns(wanted.PartitionKeys), columns(input.PartitionKeys)),
      ];
    },
    mend,
  }),
  guard<Table>({
    id: "table.format",
    protects: "files are read as the Parquet that they are",
    laptop: true,
    subjects: tables,
    check: (is, { spec }, e) => {
      const { InputFormat, OutputFormat, SerdeInfo } = tableInput(spec, e.bucket("lake")).StorageDescriptor;
      return [
        ...differences({ InputFormat, OutputFormat }, (name) => at(is, "TableInput", "StorageDescriptor", name)),
        ...differences({ SerializationLibrary: SerdeInfo.SerializationLibrary }, (name) =>
          at(is, "TableInput", "StorageDescriptor", "SerdeInfo", name),
        ),
      ];
    },
    mend,
  }),
  guard<Table>({
    id: "table.projection",
    protects: "a raw day is queried the moment it lands: nobody registers its partition",
    laptop: true,
    subjects: (e) => tables(e).filter(({ spec }) => spec.projection),
    check: (is, { spec }, e) => {
      const { Parameters } = tableInput(spec, e.bucket("lake"));
      const wanted = Object.fromEntries(
        Object.entries(Parameters).filter(([name]) => /^(projection\.|storage\.)/.test(name)),
      );
      return differences(wanted, (name) => object(at(is, "TableInput", "Parameters"))[name]);
    },
    mend,
  }),
  guard<Table>({
    id: "table.place",
    protects: "a table reads its own folder of the lake",
    laptop: true,
    // Commits move the others.
    subjects: (e) => tables(e).filter(({ spec }) => !movesByCommit(spec)),
    check: (is, { spec }, e) => {
      const wanted = tableInput(spec, e.bucket("lake")).StorageDescriptor.Location;
      const came = String(at(is, "TableInput", "StorageDescriptor", "Location") ?? "");
      return came.replace(/\/?$/, "/") === wanted
        ? []
        : [{ expected: `Location ${wanted}`, came: `Location ${said(came)}` }];
    },
    mend,
  }),
  guard<Subject & { spec: ViewInput }>({
    id: "table.views",
    protects: "a view says what it said when its query was tested",
    laptop: true,
    subjects: (e) =>
      e.topology.databases.flatMap((database) =>
        database.views.map((spec) => ({ ...tableOf(database.name, spec.Name), spec })),
      ),
    check: (is, { spec }) => {
      const came = String(at(is, "TableInput", "ViewOriginalText") ?? "");
      return canonical(came) === canonical(spec.ViewOriginalText)
        ? []
        : [{ expected: `view ${definition(spec.ViewOriginalText)}`, came: `view ${definition(came)}` }];
    },
    mend,
  }),
];

/** The SQL inside of a view's text. */
const definition = (text: string): string => {
  const encoded = /^\/\* Presto View: (\S+) \*\/$/.exec(text)?.[1];
  try {
    return said(
      object(new TextDecoder().decode(Uint8Array.from(atob(encoded ?? ""), (c) => c.charCodeAt(0)))).originalSql,
    );
  } catch {
    return said(text);
  }
};
