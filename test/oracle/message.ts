import { createHash } from "node:crypto";
import { FIELDS, type Record01, readCotahist } from "./cotahist.ts";

/** The oracle's own messages: a file's, by the documented rule of packing and of ids. */

export const TYPE = "br.pregao.bovespa.v1";
const MOST_BYTES = 256 * 1024;
const WINDOW_ROWS = 131_072;
const GROUP_ROWS = 4096;

export const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** What a message is about, read. `records` are as they stand in it. */
export type Told = {
  id: string;
  subject: string;
  origin: { sha256: string; version: string; scraped_at: string };
  records: unknown[];
};

/** A file as it was archived: `scraped_at`, `modified` and `version` stand in the archived object's metadata. */
export type FileInput = {
  file: Uint8Array;
  scraped_at: string;
  source?: string;
  modified?: string;
  version?: string;
};

/** The messages of a whole file: one ticker each, by windows of rows, as many records as fit in 256 KiB. */
export const messagesOf = (input: FileInput): Told[] => {
  const { generated, records } = readCotahist(input.file);
  const sha256 = createHash("sha256").update(input.file).digest("hex");
  const version = input.version || [generated, input.modified].filter(Boolean).join("/");
  const origin = { sha256, version, scraped_at: input.scraped_at };
  const told: Told[] = [];
  for (let window = 0; window < records.length; window += WINDOW_ROWS) {
    const byTicker = new Map<unknown, Record01[]>();
    for (const record of records.slice(window, window + WINDOW_ROWS)) {
      const same = byTicker.get(record.codneg);
      if (same) same.push(record);
      else byTicker.set(record.codneg, [record]);
    }
    for (const [ticker, all] of byTicker)
      for (let at = 0; at < all.length; at += GROUP_ROWS)
        told.push(...packed(ticker, all.slice(at, at + GROUP_ROWS), origin, input.source ?? ""));
  }
  return told;
};

const packed = (ticker: unknown, records: Record01[], origin: Told["origin"], source: string): Told[] => {
  const subject = typeof ticker === "string" ? ticker : "?";
  // What stands around the records, with an id of 32 characters.
  const around = Buffer.byteLength(
    JSON.stringify({
      specversion: "1.0",
      id: "0".repeat(32),
      source,
      type: TYPE,
      subject,
      time: `${origin.scraped_at.replace(" ", "T")}Z`,
      datacontenttype: "application/json",
      data: { origin, records: [] },
    }),
  );
  const told: Told[] = [];
  let part: Record01[] = [];
  let texts: string[] = [];
  let size = around;
  const close = () => {
    if (part.length === 0) return;
    const id = short(`${TYPE}\n${origin.sha256}\n${subject}\n${texts.join(",")}`);
    told.push({ id, subject, origin, records: part });
    part = [];
    texts = [];
    size = around;
  };
  for (const record of records) {
    const text = JSON.stringify(record);
    const bytes = Buffer.byteLength(text) + 1;
    if (size + bytes > MOST_BYTES) close();
    part.push(record);
    texts.push(text);
    size += bytes;
  }
  close();
  return told;
};

/** An event's id: of its type, its origin and its record's declared fields in their order. */
export const eventId = (origin: Told["origin"], record: Record01): string => {
  const ordered: Record01 = {};
  for (const { name } of FIELDS) ordered[name] = record[name] ?? null;
  return short(`${TYPE}\n${origin.sha256}\n${JSON.stringify(ordered)}`);
};
