import { existsSync } from "node:fs";
import { PregaoError } from "../../core/errors.ts";
import { pathLiteral, type TableFile } from "./relation.ts";
import type { Session } from "./session.ts";

/** Column in lower case → DuckDB's type. */
export type Fields = ReadonlyMap<string, string>;
/** What a file has, as far as was asked. */
type Shape = { etag: string; fields: Fields };
/** What a file has, or what is wrong with it: that fails whatever opens it, and nothing else. */
export type Learned = { fields: Fields } | { fault: string };

/** Of a file that is listed and not there. */
export const GONE = "is gone";

/** Footers that are remembered; more only cost being read again. */
const MAX_SHAPES = 100_000;
/** Files whose footers are read by one statement. */
const FOOTERS_AT_ONCE = 1000;
type Element = { file_name: string; name: string; duckdb_type: string | null; num_children: string | null };

/** The schemas of files. One that is no Parquet fails the whole statement: it is found by halves. */
const footersOf = async (
  session: Session,
  files: readonly TableFile[],
): Promise<{ rows: Element[]; faults: ReadonlyMap<string, string> }> => {
  try {
    const rows = await session.rows<Element>(
      `SELECT file_name, name, duckdb_type, num_children FROM parquet_schema([${files.map((file) => pathLiteral(file.path)).join(", ")}]) ORDER BY file_name, column_id`,
    );
    return { rows, faults: new Map() };
  } catch (error) {
    const [first] = files;
    const { message } = error as Error;
    // What cannot be opened now says nothing about its bytes.
    if (!first || /^IO Error/.test(message))
      throw new PregaoError("HIVE_CANNOT_OPEN_SPLIT", `a file could not be opened: ${message}`);
    if (files.length === 1)
      return { rows: [], faults: new Map([[first.path, `is no Parquet: ${message.split("\n")[0] ?? ""}`]]) };
    const half = Math.ceil(files.length / 2);
    const [left, right] = [await footersOf(session, files.slice(0, half)), await footersOf(session, files.slice(half))];
    return { rows: left.rows.concat(right.rows), faults: new Map([...left.faults, ...right.faults]) };
  }
};

/** What each file has, by path. Footers that are not known yet are read. */
export const footerReader = () => {
  const shapes = new Map<string, Shape>();
  const signatures = new Map<string, Fields>();
  return async (session: Session, files: readonly TableFile[]): Promise<ReadonlyMap<string, Learned>> => {
    const found = new Map<string, Learned>();
    const unknown: TableFile[] = [];
    for (const file of files) {
      const shape = shapes.get(file.path);
      // Somebody took it away, or an object was deleted meanwhile.
      if (!existsSync(file.path)) found.set(file.path, { fault: GONE });
      else if (shape?.etag === file.etag) found.set(file.path, { fields: shape.fields });
      else unknown.push(file);
    }
    if (shapes.size + unknown.length > MAX_SHAPES) shapes.clear();
    for (let at = 0; at < unknown.length; at += FOOTERS_AT_ONCE) {
      const some = unknown.slice(at, at + FOOTERS_AT_ONCE);
      const { rows, faults } = await footersOf(session, some);
      for (const [path, fault] of faults) found.set(path, { fault });
      const byFile = Map.groupBy(rows, (row) => row.file_name);
      for (const file of some) {
        if (faults.has(file.path)) continue;
        const fields = new Map<string, string>();
        const elements = byFile.get(file.path) ?? [];
        // Depth first, the root's element first: children of a nested column are not columns.
        for (let index = 1; index < elements.length; ) {
          const { name, duckdb_type } = elements[index]!;
          const column = name.toLowerCase();
          fields.set(column, fields.has(column) ? "ambiguous: two columns of this name" : (duckdb_type ?? "nested"));
          for (let left = 1; left > 0 && index < elements.length; index++)
            left += Number(elements[index]!.num_children ?? 0) - 1;
        }
        const signature = JSON.stringify([...fields]);
        const known = signatures.get(signature) ?? fields;
        signatures.set(signature, known);
        shapes.set(file.path, { etag: file.etag, fields: known });
        found.set(file.path, { fields: known });
      }
    }
    return found;
  };
};
