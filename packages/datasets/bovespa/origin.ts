import { createHash } from "node:crypto";
import type { Bytes, OriginFormat, Survey, WireRecord } from "../../core/dataset.ts";
import { hashOf, newHashes } from "../distinct.ts";
import { BLOCK_ROWS, type Block, type Column, decodeBlock, NEVER, newBlock } from "./decode.ts";
import { find } from "./find.ts";
import { type Field, fieldOf, fields, LINE, SESSION, TICKER } from "./layout.ts";
import { fault, mustBeOneLine, SLAB_ROWS, type Slab, slabs } from "./lines.ts";
import { FIRST_SESSION, subject } from "./record.ts";
import { recordsOf, spelledDay } from "./rows.ts";

/** Rows grouped by ticker at a time: 32 MB of lines. Part of what makes messages deterministic: to change it changes them. */
const WINDOW_ROWS = 131_072;
/** Records handed on at a time, about 4 MB of them. A ticker with more in a window comes in several groups. */
const CHUNK_ROWS = 4096;

const EXPIRY = fieldOf("datven");
const never = new TextEncoder().encode("99991231");
const days = (block: Block, of: Field): Int32Array =>
  (block.columns[fields.indexOf(of)] as Column & { kind: "day" }).values;
const latin1 = (bytes: Uint8Array, at: number, width: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, width).toString("latin1");

/** As yyyymmdd; NO_DAY is below it. */
const firstSession = Number(FIRST_SESSION.replaceAll("-", ""));

/**
 * Decodes a slab into `block` and gives its sessions, yyyymmdd. A session that is no day, before the first file, of another
 * year than this file, or after the day on which it was generated rejects the file: nobody could say any more how many rows
 * which session has, and a session that looks complete supersedes.
 */
const decodeSlab = ({ bytes, rows, stride, line, sessions: { from, to } }: Slab, block: Block): Int32Array => {
  decodeBlock(bytes, rows, stride, block);
  const sessions = days(block, SESSION);
  const first = Math.max(firstSession, from);
  for (let row = 0; row < rows; row++) {
    const isDay = sessions[row]! >= first && sessions[row]! <= to;
    if (block.flags[row] === 0 && isDay) continue;
    const text = bytes.subarray(row * stride, row * stride + LINE);
    mustBeOneLine(text, line + row);
    if (!isDay)
      throw fault(
        "origin_session",
        line + row,
        `a session from ${spelledDay(first)} to ${spelledDay(to)}, by the header's year and date, as YYYYMMDD`,
        JSON.stringify(latin1(text, SESSION.at, SESSION.width)),
      );
  }
  return sessions;
};

/** A blank expiry and 99991231 are one record: equal rows must be equal bytes. */
const unify = ({ bytes, rows, stride }: Slab, block: Block): void => {
  const expiries = days(block, EXPIRY);
  for (let row = 0, p = EXPIRY.at; row < rows; row++, p += stride) {
    if (expiries[row] === NEVER && bytes[p] === 32) bytes.set(never, p);
  }
};

const survey = async (bytes: Bytes, progress?: (done: number) => void): Promise<Survey> => {
  const block = newBlock(SLAB_ROWS);
  const hashes = newHashes();
  const counts = new Map<number, number>();
  const count = (session: number, by: number) => counts.set(session, (counts.get(session) ?? 0) + by);
  let rows = 0;
  const reading = slabs(bytes, progress);
  let next = await reading.next();
  for (; !next.done; next = await reading.next()) {
    const slab = next.value;
    const sessions = decodeSlab(slab, block);
    unify(slab, block);
    const view = new DataView(slab.bytes.buffer, slab.bytes.byteOffset, slab.bytes.length);
    let since = 0;
    for (let row = 0; row < slab.rows; row++) {
      hashes.add(hashOf(view, row * slab.stride, row * slab.stride + LINE));
      if (sessions[row] === sessions[since]) continue;
      count(sessions[since]!, row - since);
      since = row;
    }
    count(sessions[since]!, slab.rows - since);
    rows += slab.rows;
  }
  if (rows === 0) throw fault("origin_empty", null, "at least one record", "a header and a trailer only");
  progress?.(bytes.size);
  const repeated = hashes.repeated();
  if (repeated) {
    for (const [session, times] of await repetitions(bytes, repeated)) count(session, -times);
  }
  const sessions = new Map(
    [...counts].sort(([a], [b]) => a - b).map(([session, distinct]) => [spelledDay(session), distinct]),
  );
  return { version: next.value, rows, sessions };
};

/** How many rows of each session equal an earlier one. Told apart by SHA-256, 128 bits of it as in an `event_id`. */
const repetitions = async (bytes: Bytes, repeated: (hash: number) => boolean): Promise<Map<number, number>> => {
  const block = newBlock(SLAB_ROWS);
  const seen = new Set<string>();
  const times = new Map<number, number>();
  for await (const slab of slabs(bytes)) {
    const sessions = decodeSlab(slab, block);
    unify(slab, block);
    const view = new DataView(slab.bytes.buffer, slab.bytes.byteOffset, slab.bytes.length);
    for (let row = 0, p = 0; row < slab.rows; row++, p += slab.stride) {
      if (!repeated(hashOf(view, p, p + LINE))) continue;
      const digest = createHash("sha256")
        .update(slab.bytes.subarray(p, p + LINE))
        .digest()
        .toString("latin1", 0, 16);
      if (seen.has(digest)) times.set(sessions[row]!, (times.get(sessions[row]!) ?? 0) + 1);
      seen.add(digest);
    }
  }
  return times;
};

type Group = { subject: string; records: WireRecord[] };

async function* groups(bytes: Bytes, survey: Survey): AsyncGenerator<Group[]> {
  let window = new Uint8Array(0);
  let filled = 0;
  let stride = 0;
  for await (const slab of slabs(bytes)) {
    if (stride === 0) {
      stride = slab.stride;
      window = new Uint8Array(Math.min(WINDOW_ROWS, survey.rows) * stride);
    }
    for (let at = 0; at < slab.bytes.length; ) {
      const part = slab.bytes.subarray(at, at + window.length - filled);
      window.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < window.length) continue;
      yield* grouped(window, filled / stride, stride, survey);
      filled = 0;
    }
  }
  if (filled > 0) yield* grouped(window, filled / stride, stride, survey);
}

/** The rows of a window by ticker, tickers in the order in which they first come, rows in file order. */
function* grouped(window: Uint8Array, rows: number, stride: number, survey: Survey): Generator<Group[]> {
  const numbers = new Map<string, number>();
  const ofRow = new Uint32Array(rows);
  const ends: number[] = [];
  for (let row = 0; row < rows; row++) {
    const ticker = latin1(window.subarray(row * stride, (row + 1) * stride), TICKER.at, TICKER.width);
    const number = numbers.get(ticker) ?? numbers.size;
    if (number === ends.length) {
      numbers.set(ticker, number);
      ends.push(0);
    }
    ofRow[row] = number;
    ends[number]!++;
  }
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const order = new Uint32Array(rows);
  for (let row = rows - 1, at = ends.slice(); row >= 0; row--) order[--at[ofRow[row]!]!] = row;

  const block = newBlock();
  const gathered = new Uint8Array(BLOCK_ROWS * stride);
  /** Records of `order`'s rows from `start` to `end`. */
  const make = (start: number, end: number): WireRecord[] => {
    const records: WireRecord[] = [];
    for (let from = start; from < end; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, end - from);
      for (let i = 0; i < count; i++) {
        const row = order[from + i]!;
        gathered.set(window.subarray(row * stride, (row + 1) * stride), i * stride);
      }
      for (const record of recordsOf(decodeBlock(gathered, count, stride, block))) {
        const expected = survey.sessions.get(record.datpre as string);
        if (expected === undefined) throw new Error(`session ${record.datpre} was not in the survey of these bytes`);
        record.origin_rows = expected;
        records.push(record);
      }
    }
    return records;
  };

  let pieces: number[] = [];
  let start = 0;
  const flush = (end: number): Group[] => {
    const records = make(start, end);
    const groups = pieces.map((to, i) => {
      const of = records.slice((pieces[i - 1] ?? start) - start, to - start);
      return { subject: subject(of[0] as WireRecord), records: of };
    });
    pieces = [];
    start = end;
    return groups;
  };
  for (let i = 0, at = 0; i < ends.length; i++) {
    const end = ends[i]!;
    if (pieces.length && end - start > CHUNK_ROWS) yield flush(at);
    for (; at < end; at = pieces.at(-1)!) {
      if (at - start >= CHUNK_ROWS) yield flush(at);
      pieces.push(Math.min(end, at + CHUNK_ROWS));
    }
  }
  if (pieces.length) yield flush(rows);
}

/** COTAHIST, daily, monthly or yearly, as a zip or as text. */
export const cotahist: OriginFormat = { survey, groups, find };
