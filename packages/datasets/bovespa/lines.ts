import type { Bytes } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { inOrder, unzipped } from "../zip.ts";
import { BLOCK_ROWS, exists } from "./decode.ts";
import { LINE } from "./layout.ts";

/** Whole lines of record type 01, their ends checked. The bytes are the reader's own and are reused for the next slab. */
export type Slab = {
  bytes: Uint8Array;
  rows: number;
  stride: number;
  /** Number of its first line, the header being 1. */
  line: number;
  /** The days, yyyymmdd, from and to which sessions can be in the file. */
  sessions: { from: number; to: number };
};

/**
 * What the first line states: its characters 3-31, which the trailer repeats, and the day of its generation. The name in it
 * says of which year the file is ("O nome do arquivo identifica o ano correspondente", the official layout), also of one
 * that is generated again years later.
 */
type Header = { repeated: string; day: string; sessions: Slab["sessions"]; end: End; stride: number };
type End = "CRLF" | "LF";

/** A slab has at most so many rows. */
export const SLAB_ROWS = BLOCK_ROWS;
const SLAB_BYTES = SLAB_ROWS * (LINE + 1);
const CR = 13;
const LF = 10;

/** A fault of the file as a whole: the reason no record of it may be sent. */
export const fault = (code: string, line: number | null, expected: string, came: string): PregaoError =>
  new PregaoError(
    code,
    `COTAHIST${line === null ? "" : `, line ${line}`}: expected ${expected}, came ${came}. Nothing of it was sent: download it again`,
    { ...(line === null ? {} : { line }), expected, came },
  );

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);

/**
 * The records of a COTAHIST file, zipped or not, in slabs, in constant memory; it returns the header's day
 * (`YYYY-MM-DD`). Throws a PregaoError unless the bytes are exactly: a header, lines of 245 characters with one kind of
 * end, all of type 01, and a trailer that repeats the header and counts the lines. Some faults show only at the end.
 */
export async function* slabs(bytes: Bytes, progress?: (done: number) => void): AsyncGenerator<Slab, string> {
  if (bytes.size === 0)
    throw fault(
      "origin_empty",
      null,
      "a zip or a text file",
      "no bytes at all: B3 answers so when there was no session",
    );
  const [p, k] = await bytes.read(0, 2);
  const pieces = p === 0x50 && k === 0x4b ? unzipped(bytes, progress) : inOrder(bytes, 0, bytes.size, progress);
  const buffer = new Uint8Array(SLAB_BYTES);
  let filled = 0;
  let header: Header | null = null;
  let line = 1;
  let ended = false;

  /** The whole lines in the buffer; what is left of it is moved to its start. */
  function* whole(): Generator<Slab> {
    let at = 0;
    if (!header) {
      header = headerOf(buffer.subarray(0, filled));
      at = header.stride;
      line = 2;
    }
    const { stride, end } = header;
    const lines = Math.floor((filled - at) / stride);
    if (ended && filled > at)
      throw fault("origin_trailer", line, "the end of the file after the trailer", "more bytes");
    let rows = 0;
    for (let p = at; rows < lines; rows++, p += stride) {
      if (!endsWell(buffer, p, end)) throw length(buffer.subarray(p, filled), line + rows, end);
      if (buffer[p] !== 48 || buffer[p + 1] !== 49) break;
    }
    const { sessions } = header;
    if (rows > 0) yield { bytes: buffer.subarray(at, at + rows * stride), rows, stride, line, sessions };
    line += rows;
    at += rows * stride;
    if (rows < lines) {
      trailer(latin1(buffer.subarray(at, at + LINE)), header, line);
      ended = true;
      at += stride;
      line++;
      if (filled > at) throw fault("origin_trailer", line, "the end of the file after the trailer", "more bytes");
    }
    buffer.copyWithin(0, at, filled);
    filled -= at;
  }

  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + buffer.length - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === buffer.length) yield* whole();
    }
  }
  if (filled > 0 || !header) yield* whole();
  // `whole` is a closure: the compiler does not see that it has set these.
  const { day, end } = header as unknown as Header;
  if (filled > 0) throw length(buffer.subarray(0, filled), line, end);
  if (!ended) throw fault("origin_trailer", line, "a trailer (99) as the last line", "the end of the file");
  return day;
}

const endsWell = (bytes: Uint8Array, at: number, end: End): boolean =>
  end === "LF" ? bytes[at + LINE] === LF : bytes[at + LINE] === CR && bytes[at + LINE + 1] === LF;

/** What the line at the start of `rest` is instead of 245 characters and their end. */
const cameOf = (rest: Uint8Array): string => {
  const at = rest.indexOf(LF);
  const crlf = at > 0 && rest[at - 1] === CR;
  if (at >= 0) return `${crlf ? at - 1 : at} characters and ${crlf ? "CRLF" : "LF"}`;
  return rest.length <= LINE + 1 ? `${rest.length} bytes and then the end of the file` : `more than ${LINE} characters`;
};

const length = (rest: Uint8Array, line: number, end: End): PregaoError =>
  fault("origin_line", line, `${LINE} characters and ${end}, as in line 1`, cameOf(rest));

/** Lines that look whole and yet hold an end of line were more than one. `row` is without its own end. */
export const mustBeOneLine = (row: Uint8Array, line: number): void => {
  const at = row.findIndex((byte) => byte === CR || byte === LF);
  if (at >= 0) throw fault("origin_line", line, `a line of ${LINE} characters`, `an end of line after ${at}`);
};

const headerOf = (bytes: Uint8Array): Header => {
  const text = latin1(bytes.subarray(0, LINE + 2));
  const start = text.slice(0, 31);
  if (text.length === 0) throw fault("origin_empty", null, "a text file", "no bytes at all");
  if (/^(?:\xef\xbb\xbf)?\s*</.test(text))
    throw fault(
      "origin_html",
      null,
      "a COTAHIST file",
      `an HTML or XML page, ${quote(text.trim())}: B3 answers so when there was no session`,
    );
  const [, year, day] = /^00COTAHIST\.(\d{4})BOVESPA (\d{8})$/.exec(start) ?? [];
  if (!day || !exists(Number(day))) {
    throw fault("origin_header", 1, 'the header "00COTAHIST.YYYYBOVESPA YYYYMMDD"', quote(start));
  }
  const end = endsWell(bytes, 0, "CRLF") ? "CRLF" : endsWell(bytes, 0, "LF") ? "LF" : null;
  if (!end) throw fault("origin_line", 1, `${LINE} characters and CRLF or LF`, cameOf(bytes));
  const stride = LINE + (end === "CRLF" ? 2 : 1);
  const sessions = { from: Number(`${year}0101`), to: Math.min(Number(`${year}1231`), Number(day)) };
  return {
    repeated: start.slice(2),
    sessions,
    day: `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`,
    end,
    stride,
  };
};

const trailer = (text: string, header: Header, line: number): void => {
  if (text.slice(0, 2) !== "99")
    throw fault("origin_type", line, "a record (01) or the trailer (99)", `type ${quote(text.slice(0, 2))}`);
  if (text.slice(2, 31) !== header.repeated)
    throw fault(
      "origin_trailer",
      line,
      `a trailer that repeats the header's ${quote(header.repeated)}`,
      quote(text.slice(2, 31)),
    );
  const total = text.slice(31, 42);
  if (!/^\d{11}$/.test(total)) throw fault("origin_trailer", line, "a trailer with a total of 11 digits", quote(total));
  if (Number(total) !== line)
    throw fault(
      "origin_total",
      line,
      `as many lines as the trailer counts, ${Number(total)}`,
      `${line}: the file was cut short or edited`,
    );
};
