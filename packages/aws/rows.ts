import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { PregaoError } from "../core/errors.ts";
import type { TableMap } from "../core/run.ts";
import type { Aws } from "./index.ts";
import { getBytes } from "./store.ts";

/** A file that is read whole must fit a function's memory: a session a row is kilobytes a year. */
const FILE_BYTES = 16 * 1024 ** 2;

/**
 * The rows of a table's partitions as their files have them, without partition columns. For small tables only: each file
 * is read whole. @throws PregaoError `too_large`, `gone`
 */
export const rowsOf = async (
  aws: Aws,
  partitions: Readonly<TableMap[string]>,
  wanted: (partition: string) => boolean,
): Promise<Record<string, unknown>[]> => {
  const rows: Record<string, unknown>[] = [];
  for (const [partition, { folder, files }] of Object.entries(partitions)) {
    if (!wanted(partition)) continue;
    for (const { name, bytes } of files) {
      if (bytes > FILE_BYTES)
        throw new PregaoError("too_large", `expected at most ${FILE_BYTES} bytes in ${folder}${name}, came ${bytes}`);
      const read = await getBytes(aws, "lake", `${folder}${name}`);
      if (!read) throw new PregaoError("gone", `expected the file ${folder}${name} of a commit, it is there no more`);
      const file = new Uint8Array(read).buffer;
      for (const row of await parquetReadObjects({ file, compressors })) rows.push(row);
    }
  }
  return rows;
};
