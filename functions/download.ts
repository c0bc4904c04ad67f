import type { Note } from "../packages/core/backfill.ts";
import type { Download, OriginRequest, Publication } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { type Got, httpDate, type Validators, type Web } from "../packages/web/index.ts";
import { inMemory, ORIGIN_BYTES, type OriginFile } from "./origin.ts";

/** How something is asked for. `until` in ms since 1970. */
export type Asking = {
  web: Web;
  until?: number;
  /** Bytes of the answer; null: the origin does not say how many there will be. */
  bytes?: (done: number, total: number | null) => void;
  signal?: AbortSignal;
};

/** What came of a download: bytes as they are archived, with what to ask on condition next time. */
export type Came =
  | { is: "bytes"; file: OriginFile; validators: Validators }
  | { is: "unchanged"; note: Note }
  | { is: "absent"; why: string };

/** No answer in pages has more. */
const PAGES = 100;

/**
 * A file by URL of at most `most` bytes, whatever it is: they are for the format to check, once they are archived.
 * @throws PregaoError what the web does, 404 too
 */
export const fileAt = async (url: string, asking: Asking, most: number = ORIGIN_BYTES): Promise<OriginFile> => {
  const got = await get({ url, most, absent: ({ status }) => status === 404, check: () => {} }, asking);
  if (got.is === "bytes") return { source: url, bytes: inMemory(got.bytes), ...changed(got.modified) };
  throw new PregaoError(
    "origin_status",
    `expected 200 from ${url}, came 404. Nothing of it was sent: check the address, and whether there is such a file`,
    { status: 404 },
  );
};

/**
 * Asks for a download, page by page if it has any; on condition that it is not what the note says, if it came as one answer
 * then. @throws PregaoError what the web does; `origin_pages` if a page is not there
 */
export const asked = async (
  publication: Publication,
  download: Download,
  note: Note | null,
  asking: Asking,
): Promise<Came> => {
  const answers: Uint8Array[] = [];
  let first: { url: string; got: Extract<Got, { is: "bytes" }> } | null = null;
  for (;;) {
    const request = publication.next(download, answers);
    if (request === null) break;
    if (answers.length === PAGES)
      throw new PregaoError(
        "origin_pages",
        `expected at most ${PAGES} pages of ${download.name}, ${request.url} is more`,
      );
    const got = await get(request, asking, answers.length === 0 && note ? validatorsOf(note) : undefined);
    if (got.is === "unchanged" && note) return { is: "unchanged", note };
    if (got.is === "absent" && answers.length === 0) return { is: "absent", why: got.why };
    if (got.is !== "bytes")
      throw new PregaoError(
        "origin_pages",
        `expected page ${answers.length + 1} of ${download.name} at ${request.url}, came none of it (${got.is})`,
      );
    first ??= { url: request.url, got };
    answers.push(got.bytes);
  }
  if (!first) throw new Error(`${download.name} asks for nothing`);
  const single = answers.length === 1;
  const file: OriginFile = {
    source: first.url,
    bytes: inMemory(publication.bytes(download, answers)),
    ...(single ? changed(first.got.modified) : {}),
  };
  return { is: "bytes", file, validators: single ? validatorsOf(first.got) : {} };
};

const get = (
  request: OriginRequest,
  { web, until, bytes, signal }: Asking,
  known: Validators | undefined = undefined,
): Promise<Got> =>
  web.get(request, {
    ...(known && Object.keys(known).length > 0 ? { known } : {}),
    ...(until === undefined ? {} : { until }),
    ...(bytes ? { progress: bytes } : {}),
    ...(signal ? { signal } : {}),
  });

const validatorsOf = ({ etag, modified }: Validators): Validators => ({
  ...(etag === undefined ? {} : { etag }),
  ...(modified === undefined ? {} : { modified }),
});

/** When an answer says that its file was changed, of its Last-Modified; nothing of a date that HTTP does not know. */
const changed = (modified: string | undefined): { modified?: string } => {
  const at = httpDate(modified);
  return at === null ? {} : { modified: new Date(at).toISOString() };
};
