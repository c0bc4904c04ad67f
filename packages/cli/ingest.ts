import { open as openHandle, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { fileAt } from "../../functions/download.ts";
import { type Scraped, scrape, scrapeAnswer } from "../../functions/messages.ts";
import { inMemory, keep, type OriginFile } from "../../functions/origin.ts";
import { newestCommit } from "../aws/documents.ts";
import type { Bytes, Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { openWeb, type Web } from "../web/index.ts";
import { type Account, followed } from "./account.ts";
import type { Choice, IngestOptions } from "./ingest-choice.ts";
import { ingestPublished } from "./ingest-published.ts";
import { fileScreen } from "./ingest-screen.ts";
import { datasetIn } from "./line.ts";
import { count, plural } from "./output.ts";
import type { Place } from "./place.ts";

/** Whoever asks origins for this command. */
export type OpenWeb = () => Web;

/** `pregao ingest`: what the origin publishes, or a file of it, through the river; with --wait until every row has its place. */
export const ingest = async (
  place: Place,
  choice: Choice,
  options: IngestOptions,
  open: OpenWeb = () => openWeb(options.mirror === undefined ? {} : { mirror: options.mirror }),
): Promise<void> => {
  if (choice.is === "published") return ingestPublished(place, choice, options, open);
  const dataset = datasetIn(place.datasets, choice.dataset);
  const isAnswer = "url" in choice.at;
  const origin = "url" in choice.at ? await openAddress(choice.at.url, place, open) : await openFile(choice.at.file);
  try {
    const bytes = await asOrigin(dataset, origin.file, choice).catch(async (error) => {
      // What an origin answered stays to be looked at.
      if (isAnswer) await keep(place.aws, dataset, origin.file);
      throw error;
    });
    const file = { ...origin.file, bytes, ...(options.version ? { version: options.version } : {}) };
    const send = isAnswer ? scrapeAnswer : scrape;
    const { scraped, account } = await flow(place, dataset, file, Boolean(options.wait), () => {}, send);
    place.output.result({ ...scraped, ...(account ? { account } : {}) }, () => fileScreen(dataset, scraped, account));
  } finally {
    await origin.close();
  }
};

/** The bytes at an address, asked for as politely as what is published. */
const openAddress = async (
  url: string,
  place: Place,
  open: OpenWeb,
): Promise<{ file: OriginFile; close: () => Promise<void> }> => {
  const web = open();
  const bar = place.output.bar("fetch", 1);
  const bytes = (done: number, total: number | null) => {
    bar.of(total ?? done);
    bar.at(done);
  };
  try {
    return { file: await fileAt(url, { web, bytes }), close: async () => {} };
  } finally {
    bar.done();
    await web.close();
  }
};

/** What a person has, as the origin's own bytes, where they are not that as they are. */
const asOrigin = async (
  dataset: Dataset,
  { source, bytes }: OriginFile,
  { part, session }: { part?: string; session?: string },
): Promise<Bytes> => {
  const fromFile = dataset.raw?.publication?.fromFile;
  if (!fromFile) return bytes;
  if (bytes.size > SNAPSHOT_BYTES)
    throw new PregaoError("too_large", `expected at most ${SNAPSHOT_BYTES} bytes, ${source} has ${bytes.size}`);
  const of = { file: source, ...(part ? { part } : {}), ...(session ? { session } : {}) };
  return inMemory(fromFile(await bytes.read(0, bytes.size), of));
};

/** Sends a file and, if asked to, follows it to its tables; bars on the way. Throws unless every row was accepted. */
export const flow = async (
  place: Place,
  dataset: Dataset,
  file: OriginFile,
  wait: boolean,
  sent: (scraped: Scraped) => void = () => {},
  send: typeof scrapeAnswer = scrape,
): Promise<{ scraped: Scraped; account: Account | null }> => {
  const { output } = place;
  const before = await newestCommit(place.aws, dataset.name);
  let bar = output.bar("check", file.bytes.size);
  const scraped = await send(place.aws, dataset, file, {
    checked: (done) => bar.at(done),
    surveyed: (rows) => {
      bar.done();
      bar = output.bar("send", rows);
    },
    sent: (rows) => bar.at(rows),
  }).finally(() => bar.done());
  if (scraped.accepted.rows !== scraped.rows)
    throw new PregaoError(
      "not_accepted",
      `${plural(scraped.refused, "row")} refused by the queue and ${count(scraped.unknown)} with unknown outcome, of ${count(scraped.rows)} (${scraped.reason ?? "no reason given"}). Run the same command again: what was accepted before stays the same`,
    );
  sent(scraped);
  if (!wait) return { scraped, account: null };
  const refining = output.bar("publish", scraped.rows);
  const account = await followed(place, dataset, scraped, before, (rows) => refining.at(rows)).finally(() =>
    refining.done(),
  );
  return { scraped, account };
};

/** Files up to this size are read once, whole: what is hashed, archived, checked and sent is then one and the same. */
const SNAPSHOT_BYTES = 256 * 1024 ** 2;

/** A file as random access to its bytes. A larger one is read in pieces, and refused if it changes meanwhile. */
export const openFile = async (path: string): Promise<{ file: OriginFile; close: () => Promise<void> }> => {
  const info = await stat(path).catch(() => null);
  if (!info?.isFile())
    throw new PregaoError("file", `expected a file at ${path}, there is ${info ? "something else" : "none"}`);
  const source = basename(path);
  if (info.size <= SNAPSHOT_BYTES)
    return { file: { source, bytes: inMemory(await readFile(path)) }, close: async () => {} };
  const handle = await openHandle(path);
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    const now = await handle.stat();
    if (now.size !== info.size || now.mtimeMs !== info.mtimeMs)
      throw new PregaoError(
        "file_changed",
        `${path} was changed while it was read: run the command again when nobody writes to it`,
      );
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(end, info.size) - start));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  };
  return { file: { source, bytes: { size: info.size, read } }, close: () => handle.close() };
};
