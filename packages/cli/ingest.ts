import { open, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { download, inMemory, type OriginFile, type Scraped, scrape } from "../../functions/scrape.ts";
import { newestCommit } from "../aws/documents.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { type Account, followed } from "./account.ts";
import { count, plural } from "./output.ts";
import type { Place } from "./place.ts";

export type IngestOptions = { file?: string; url?: string; version?: string; wait?: boolean };

/** `pregao ingest`: an origin's file through the river; with --wait until every row of it has its place. */
export const ingest = async (place: Place, dataset: Dataset, options: IngestOptions): Promise<void> => {
  if (Boolean(options.file) === Boolean(options.url))
    throw new PregaoError("usage", "expected --file PATH or --url URL: where the origin's bytes are");
  const origin = options.file
    ? await openFile(options.file)
    : { file: await download(options.url!), close: async () => {} };
  try {
    const file = { ...origin.file, ...(options.version ? { version: options.version } : {}) };
    const { scraped, account } = await flow(place, dataset, file, Boolean(options.wait));
    place.output.result({ ...scraped, ...(account ? { account } : {}) }, () => screen(dataset, scraped, account));
  } finally {
    await origin.close();
  }
};

/** Sends a file and, if asked to, follows it to its tables; bars on the way. Throws unless every row was accepted. */
export const flow = async (
  place: Place,
  dataset: Dataset,
  file: OriginFile,
  wait: boolean,
  sent: (scraped: Scraped) => void = () => {},
): Promise<{ scraped: Scraped; account: Account | null }> => {
  const { output } = place;
  const before = await newestCommit(place.aws, dataset.name);
  let bar = output.bar("check", file.bytes.size);
  const scraped = await scrape(place.aws, dataset, file, {
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
  const handle = await open(path);
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

const screen = (dataset: Dataset, scraped: Scraped, account: Account | null): string => {
  const sessions = Object.keys(scraped.sessions);
  const lines = [
    `${scraped.source}: ${plural(scraped.rows, "row")} of ${plural(sessions.length, "session")} (${sessions[0]} to ${sessions.at(-1)}) in ${plural(scraped.messages, "message")}`,
    ...(scraped.fresh ? [] : [`  these bytes were archived before: the same messages again, ${again(account)}`]),
  ];
  if (!account) return [...lines, `  all accepted by the queue`, "", "Next: pregao status", ""].join("\n");
  return [
    ...lines,
    ...accountLines(account),
    "",
    account.rejected > 0
      ? `Next: pregao dlq list ${dataset.name}`
      : `Next: pregao query "SELECT count(*) FROM ${dataset.tables[0]!.name}"`,
    "",
  ].join("\n");
};

/** What bytes that came before bring: rows that are there already change nothing, refused records are letters once more. */
const again = (account: Account | null): string => {
  if (account === null) return "what is in the tables stays, what was refused is refused again";
  if (account.rejected === 0) return "which change nothing";
  return `of which ${plural(account.rejected, "record")} ${account.rejected === 1 ? "is" : "are"} refused again`;
};

/** The account of an origin as lines whose numbers add up. */
export const accountLines = (account: Account): string[] => {
  const tables = Object.entries(account.tables).filter(([, n]) => n > 0);
  return [
    `  ${count(account.sent)} sent = ${count(account.raw)} in raw + ${count(account.rejected)} rejected${account.repeated ? ` + ${count(account.repeated)} repeated` : ""}`,
    `  ${count(account.raw)} in raw = ${[...tables.map(([name, n]) => `${count(n)} in ${name}`), `${count(account.superseded)} superseded`].join(" + ")}`,
  ];
};
