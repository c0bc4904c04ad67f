import type { Aws } from "../packages/aws/index.ts";
import { getBytes, list } from "../packages/aws/store.ts";
import { type Note, parseNote } from "../packages/core/backfill.ts";
import type { Dataset, Download, Origin } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { scrapedKey } from "../packages/core/run.ts";

/** Notes that are read at once. */
const READS = 32;

/** What is remembered of the dataset's downloads, by their names. */
export const notesOf = async (aws: Aws, dataset: Dataset): Promise<Map<string, Note>> => {
  const [before = "", after = ""] = scrapedKey(dataset.name, "\n").split("\n");
  const names: string[] = [];
  for await (const { key } of list(aws, "state", before)) names.push(key.slice(before.length, -after.length));
  return notesNamed(aws, dataset, names);
};

/** Of these downloads the notes that there are. */
export const notesNamed = async (aws: Aws, dataset: Dataset, names: readonly string[]): Promise<Map<string, Note>> => {
  const notes = new Map<string, Note>();
  for (let at = 0; at < names.length; at += READS)
    await Promise.all(
      names.slice(at, at + READS).map(async (name) => {
        const note = await noteOf(aws, dataset, name);
        if (note) notes.set(name, note);
      }),
    );
  return notes;
};

/** A note that is damaged is none: the download is asked for anew, and makes it again. */
export const noteOf = async (aws: Aws, dataset: Dataset, name: string): Promise<Note | null> => {
  const bytes = await getBytes(aws, "state", scrapedKey(dataset.name, name));
  try {
    return bytes && parseNote(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return null;
  }
};

/**
 * The tables keep, of two files of one session, the one of the higher version, then the one that was archived later; the
 * same bytes keep what they were archived with. So what an origin takes back cannot be had from it.
 * @throws PregaoError `superseded` if these bytes rank below those that the same download brought before
 */
export const checkRank = (
  { name }: Dataset,
  download: Download,
  before: Note,
  origin: Origin,
  sessions: readonly string[],
): void => {
  const shared = sessions.filter((session) => before.sessions[session] !== undefined);
  const below =
    origin.version < before.version || (origin.version === before.version && origin.scraped_at < before.scraped_at);
  if (shared.length === 0 || !below) return;
  throw new PregaoError(
    "superseded",
    `expected of ${download.name} what is newer than what it was, came bytes of version ${origin.version}, archived ${origin.scraped_at}, which rank below those of version ${before.version}, archived ${before.scraped_at}: the tables keep these, whatever is sent again. If what came is right: save ${before.url} in another form (of a zip, the text that is in it), and pregao ingest ${name} --file FILE --version ${before.version}.1`,
  );
};
