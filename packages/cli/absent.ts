import { type Archived, openArchived } from "../../functions/origin.ts";
import { list } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { Row } from "./explain.ts";
import { isQuiet } from "./lake.ts";
import { type Line, linesOf, type Opened } from "./lines.ts";
import type { Place } from "./place.ts";
import { reopen } from "./verify/expected.ts";

/** Archived files that are looked into for a row of which nothing has arrived, the newest first, and their bytes in all. */
const FILES = 20;
const BYTES = 256 * 1024 ** 2;
/** For how long a look waits for quiet, ms. */
const SETTLE_MS = 1_000;

/** The archive's bytes, or null if they are damaged, which verify names. */
export const openedOr = (place: Place, dataset: Dataset, sha256: string): Promise<Opened | null> =>
  openArchived(place.aws, dataset, sha256).catch((error: unknown) => {
    if (error instanceof PregaoError || (error as { $metadata?: unknown }).$metadata) return null;
    throw error;
  });

type Found = { sha256: string; archived: Archived; lines: readonly Line[] };

/** The lines of a ticker's session in archived files. `left`: files that may hold the session and were not looked into. */
export const searched = async (
  place: Place,
  dataset: Dataset,
  of: { ticker: string; session: string },
): Promise<{ found: Found[]; left: number }> => {
  const files: { sha256: string; size: number; modified: Date }[] = [];
  // No file holds a session after the day on which it came.
  for await (const { key, size, modified } of list(place.aws, "origin", `${dataset.name}/`))
    if (modified.toISOString().slice(0, 10) >= of.session)
      files.push({ sha256: key.slice(dataset.name.length + 1), size, modified });
  files.sort((a, b) => b.modified.getTime() - a.modified.getTime());
  const found: Found[] = [];
  let bytes = 0;
  for (const [at, { sha256, size }] of files.entries()) {
    bytes += size;
    if (at >= FILES || (at > 0 && bytes > BYTES)) return { found, left: files.length - at };
    const opened = await openedOr(place, dataset, sha256);
    if (!opened) continue;
    const lines = await wholeLines(place, dataset, opened, sha256, of);
    if (lines.length > 0) found.push({ sha256, archived: opened.archived, lines });
  }
  return { found, left: 0 };
};

/** Bad answers of an origin are archived, too: of bytes that are no whole file nothing was ever sent, nor is missing. */
const wholeLines = async (
  place: Place,
  dataset: Dataset,
  opened: Opened,
  sha256: string,
  of: { ticker: string; session: string },
): Promise<readonly Line[]> => {
  try {
    const lines = await linesOf(dataset, opened, sha256, of);
    if (lines.length > 0) await reopen(place.aws, dataset, sha256);
    return lines;
  } catch (error) {
    if (error instanceof PregaoError) return [];
    throw error;
  }
};

/** Rows of a file that raw has not: lines of it that are in `lines`, with the messages that carry them. */
export const absentRows = async (
  place: Place,
  dataset: Dataset,
  { ticker, session }: { ticker: string; session: string },
  { sha256, archived, lines }: Found,
): Promise<Row[]> => {
  const { table, record } = dataset.raw!;
  const { origin, messages } = await reopen(place.aws, dataset, sha256);
  const carriers = new Map<string, string>();
  for await (const { message, rows } of messages(session)) {
    if (message.group !== ticker) continue;
    for (const { id } of rows) carriers.set(id, message.id);
  }
  const is = (await isQuiet(place, dataset, SETTLE_MS)) ? "missing" : "inFlight";
  return [...Map.groupBy(lines, ({ name }) => name)].map(([name, same]): Row => {
    const value = (column: string) => (same[0]!.record[column] as string | null | undefined) ?? null;
    return {
      ...{ event_id: name, is, table: null },
      key: Object.fromEntries(table.key.map((column) => [column, value(column)])),
      record: Object.fromEntries(Object.keys(record).map((column) => [column, value(column)])),
      origin: {
        ...{ sha256, source: archived.source, version: origin.version, scraped_at: origin.scraped_at },
        ...{ lines: same.map(({ line }) => line), archive: "whole" },
      },
      ...{ origin_rows: null, arrivals: [], not_in_raw: { message_id: carriers.get(name) ?? null } },
      ...{ put_right: [], withdrawn: null, superseded_by: null, instead: null, supersedes: [] },
    };
  });
};
