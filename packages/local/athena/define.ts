import { PregaoError } from "../../core/errors.ts";
import { VIEW_KIND, viewInput } from "../../core/view.ts";
import type { Translated } from "../../trino/index.ts";
import { type Catalog, callGlue } from "./lookup.ts";
import { hiveType } from "./types.ts";

type Of<K extends Translated["kind"]> = Extract<Translated, { kind: K }>;

/**
 * What CREATE VIEW, DROP VIEW and DROP TABLE do to the catalog: the call happens in the transaction that ends the
 * statement, so a kill leaves both or neither. `declared`: tables and views that are the river's, not a person's to drop.
 */
export const definition = (
  glue: Catalog,
  of: Of<"create view"> | Of<"drop view" | "drop table">,
  declared: (database: string, name: string) => boolean,
): (() => void) => {
  const { database, name } = of;
  const full = `${database}.${name}`;
  const kind = () => glue.table(database, name)?.kind ?? null;
  const refuse = (code: string, message: string): never => {
    throw new PregaoError(code, `line 1:1: ${message}`);
  };
  /** What is the river's, by its name as the statement would have it. */
  const free = (statement: string): void => {
    if (declared(database, name))
      refuse("NOT_SUPPORTED", `${statement} ${full}: it is the river's; its definition is not a person's to change`);
  };
  const check = (): "create" | "replace" | "drop" | "nothing" => {
    if (of.kind === "create view") {
      if (!glue.database(database)) refuse("NOT_FOUND", `Schema '${database}' does not exist`);
      const now = kind();
      if (now === null) return "create";
      if (now !== VIEW_KIND) refuse("TABLE_ALREADY_EXISTS", `Table already exists: '${full}'`);
      if (!of.replace) refuse("TABLE_ALREADY_EXISTS", `View already exists: '${full}'`);
      free("CREATE OR REPLACE VIEW");
      return "replace";
    }
    const now = kind();
    const [what, other, code] =
      of.kind === "drop view"
        ? (["View", "TABLE", "GENERIC_USER_ERROR"] as const)
        : (["Table", "VIEW", now === null ? "TABLE_NOT_FOUND" : "GENERIC_USER_ERROR"] as const);
    if (now === null) return of.ifExists ? "nothing" : refuse(code, `${what} '${full}' does not exist`);
    if ((now === VIEW_KIND) !== (of.kind === "drop view"))
      refuse(
        code,
        `${what} '${full}' does not exist, but a ${other.toLowerCase()} with that name exists. Did you mean DROP ${other} ${full}?`,
      );
    if (of.kind === "drop table" && declared(database, name))
      refuse(
        "NOT_SUPPORTED",
        `DROP TABLE ${full}: the river publishes into it; its definition is not a person's to drop`,
      );
    if (of.kind === "drop view") free("DROP VIEW");
    return "drop";
  };
  check();
  return () => {
    const act = check();
    if (act === "drop") callGlue(glue, "DeleteTable", { DatabaseName: database, Name: name });
    if (of.kind !== "create view") return;
    const { text, columns, comment } = of;
    const TableInput = viewInput(
      name,
      {
        originalSql: text,
        catalog: "awsdatacatalog",
        schema: database,
        columns,
        ...(comment === null ? {} : { comment }),
      },
      columns.map((column) => ({ Name: column.name, Type: hiveType(column.type) ?? "string" })),
    );
    callGlue(glue, act === "replace" ? "UpdateTable" : "CreateTable", { DatabaseName: database, TableInput });
  };
};
