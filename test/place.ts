import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { all } from "../packages/aws/queries.ts";
import { flow, openFile } from "../packages/cli/ingest.ts";
import type { Output } from "../packages/cli/output.ts";
import { openPlace, type Place, type PlaceOptions } from "../packages/cli/place.ts";
import type { Dataset } from "../packages/core/dataset.ts";

export const fixtures = join(import.meta.dirname, "fixtures");

/** What a command would have printed. */
export const silent = (): Output & { documents: unknown[]; screens: string[] } => {
  const documents: unknown[] = [];
  const screens: string[] = [];
  return {
    json: true,
    documents,
    screens,
    result: (document, screen) => {
      documents.push(document);
      screens.push(screen());
    },
    say: () => {},
    here: (text) => text,
    bar: () => ({ at: () => {}, of: () => {}, done: () => {} }),
  };
};

/** A river of the test's own, on a port of its own, in a folder that goes with it. */
export const testPlace = async (
  options: PlaceOptions = {},
): Promise<Place & { dir: string; output: ReturnType<typeof silent>; remove: () => Promise<void> }> => {
  const dir = options.state ?? mkdtempSync(join(tmpdir(), "pregao-test-"));
  const output = silent();
  const place = await openPlace({ ...options, state: dir }, output);
  return {
    ...place,
    dir: place.dir ?? dir,
    output,
    remove: async () => {
      await place.close(true);
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** A file through the whole river, until every row has its place. */
export const sendFile = async (place: Place, dataset: Dataset, path: string) => {
  const { file, close } = await openFile(path);
  try {
    return await flow(place, dataset, file, true);
  } finally {
    await close();
  }
};

/** The rows of a query in Athena's dialect, as text. */
export const ask = (place: Place, sql: string): Promise<Record<string, string | null>[]> =>
  all(place.aws, sql, place.database);
