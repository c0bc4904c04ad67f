import { type Column, trinoType } from "./columns.ts";
import { PregaoError } from "./errors.ts";

/** A view: a saved query that is read as a table. `sql` is in Trino's dialect; its columns are those, in that order. */
export type View = {
  means: string;
  columns: Readonly<Record<string, Pick<Column, "means" | "type">>>;
  sql: string;
};

/** What a view's definition holds, as Trino and Athena keep it in the catalog (ConnectorViewDefinition). */
export type ViewDefinition = {
  originalSql: string;
  catalog?: string | undefined;
  schema?: string | undefined;
  /** Types are Trino's. */
  columns: readonly { name: string; type: string; comment?: string | undefined }[];
  comment?: string | undefined;
};

const PREFIX = "/* Presto View: ";
const SUFFIX = " */";
export const VIEW_KIND = "VIRTUAL_VIEW";

const base64 = (text: string): string => {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
};
const fromBase64 = (text: string): string =>
  new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));

export type ViewInput = {
  Name: string;
  TableType: string;
  Parameters: Record<string, string>;
  PartitionKeys: [];
  StorageDescriptor: { Columns: GlueViewColumn[]; Location: string; SerdeInfo: Record<string, never> };
  ViewOriginalText: string;
  ViewExpandedText: string;
};

/**
 * A view as Glue's CreateTable takes it, so that Athena and Trino read it. `columns` are what the catalog's readers
 * see, with Hive's types. Whoever asks it reads with rights of their own (Trino demands an owner otherwise).
 */
export const viewInput = (name: string, definition: ViewDefinition, columns: readonly GlueViewColumn[]): ViewInput => ({
  Name: name,
  TableType: VIEW_KIND,
  // By these two Trino tells its views from others. A Description would stand in the comment's place, and the view
  // would be a table to it: what the view means is in its definition.
  Parameters: { presto_view: "true", comment: "Presto View" },
  PartitionKeys: [],
  // Trino ends in a null pointer where SerdeInfo is missing.
  StorageDescriptor: { Columns: columns.map((column) => ({ ...column })), Location: "", SerdeInfo: {} },
  ViewOriginalText: `${PREFIX}${base64(JSON.stringify({ ...definition, runAsInvoker: true }))}${SUFFIX}`,
  ViewExpandedText: "/* Presto View */",
});

const OURS = "pregao_view";
/** The same view, marked as the river's own. Readers of views ignore the parameter. */
export const asOurs = (view: ViewInput): ViewInput => ({
  ...view,
  Parameters: { ...view.Parameters, [OURS]: "true" },
});
/** Whether it is the river's: a person's view may have the name of one. */
export const isOurs = (parameters: Readonly<Record<string, string>>): boolean => parameters[OURS] === "true";

export type GlueViewColumn = { Name: string; Type: string; Comment?: string };

/** The definition of a dataset's view in `database`. */
export const definitionOf = (view: View, database: string): ViewDefinition => ({
  originalSql: view.sql.trim(),
  catalog: "awsdatacatalog",
  schema: database,
  columns: Object.entries(view.columns).map(([name, { type, means }]) => ({
    name,
    type: trinoType(type),
    comment: means,
  })),
  comment: view.means,
});

/** The inverse of {@link viewInput}'s text. @throws PregaoError INVALID_VIEW for a view of Hive's or a damaged one. */
export const viewDefinition = (name: string, text: unknown): ViewDefinition => {
  if (typeof text !== "string" || !text.startsWith(PREFIX) || !text.endsWith(SUFFIX))
    throw new PregaoError("NOT_SUPPORTED", `${name} is a view of Hive's: expected one that Athena or Trino made`);
  try {
    const found = JSON.parse(fromBase64(text.slice(PREFIX.length, -SUFFIX.length))) as Partial<ViewDefinition>;
    if (typeof found.originalSql !== "string" || !Array.isArray(found.columns)) throw new Error("no query");
    return found as ViewDefinition;
  } catch {
    throw new PregaoError(
      "INVALID_VIEW",
      `Invalid view JSON: the definition of ${name} is damaged; create the view again`,
    );
  }
};
