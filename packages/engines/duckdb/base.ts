import { statSync } from "node:fs";
import { PregaoError } from "../../core/errors.ts";
import type { Recipe } from "../../core/recipe.ts";
import { damage } from "../../core/report.ts";
import type { Run } from "../../core/run.ts";
import { partitionValues } from "../../core/table.ts";
import type { Store } from "../store.ts";
import { literal, type Session } from "./session.ts";
import type { PartFile } from "./views.ts";

/** A file that a run reads of what is published, with the size that its commit says. */
type BaseFile = { key: string; bytes: number; values: Record<string, string> };

/** The files of a table's base; none in a rebuild, which reads no base. */
export const baseOf = (run: Run, table: string): BaseFile[] =>
  run.rebuild
    ? []
    : Object.entries(run.tables[table] ?? {}).flatMap(([partition, { folder, files }]) =>
        files.map(({ name, bytes }) => ({ key: folder + name, bytes, values: partitionValues(partition) })),
      );

/** The file on this machine. @throws PregaoError `base` if it is not there, or not of its size */
export const readBase = async (store: Store, run: Run, recipe: Recipe, file: BaseFile): Promise<PartFile> => {
  const { path, found } = await look(store, file).catch((error: Error) => {
    throw damaged(run, recipe, file, error.message);
  });
  if (found !== file.bytes) throw damaged(run, recipe, file, `found ${found}`);
  return { path, values: file.values };
};

/**
 * Reads the whole base alone, once a run has failed: what was damaged may have its size still, and then no object of the
 * run is to blame.
 * @throws PregaoError `base` for the first file that cannot be read
 */
export const readWholeBase = async (session: Session, store: Store, run: Run, recipe: Recipe): Promise<void> => {
  for (const { name } of recipe.tables)
    for (const file of baseOf(run, name)) {
      const { path } = await readBase(store, run, recipe, file);
      await session
        .rows(`SELECT bit_xor(hash(r)) AS h FROM read_parquet(${literal(path)}, hive_partitioning = false) r`)
        .catch((error: Error) => {
          throw damaged(run, recipe, file, `it cannot be read: ${error.message}`);
        });
    }
};

const look = async (store: Store, { key }: BaseFile): Promise<{ path: string; found: number }> => {
  const { path } = await store.read("lake", key);
  return { path, found: statSync(path).size };
};

const damaged = ({ dataset }: Run, { unit }: Recipe, { key, bytes, values }: BaseFile, found: string): PregaoError => {
  const only = unit ? ` --unit ${values[unit.partition]}` : "";
  return new PregaoError(
    "base",
    damage(
      key,
      `expected ${bytes} bytes as its commit says, ${found}. What is published was damaged: restore it, or make it anew by pregao refine ${dataset} --rebuild${only}`,
    ),
    { key },
  );
};
