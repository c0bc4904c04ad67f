import { promises, Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";
import type { Bytes } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";

/** How a zip begins and how its last record does (APPNOTE, 4.3.7 and 4.3.16); after that come 18 bytes and a comment. */
const BEGINS = Buffer.from("PK\x03\x04");
const ENDS = Buffer.from("PK\x05\x06");
const END_BYTES = 22 + 64 * 1024;

/** Whether bytes have the shape of a zip, from its start to its end: what was cut on the way has lost its last record. */
export const isZip = (bytes: Uint8Array): boolean =>
  BEGINS.equals(bytes.subarray(0, 4)) && Buffer.from(bytes.slice(-END_BYTES)).includes(ENDS);

/** A text larger than this, or packed more tightly, is no data file: 2025 is 0.7 GB at a ratio of 8, 2026 will be twice that. */
const MAX_TEXT = 4_000_000_000;
const MAX_RATIO = 200;
/** Bytes asked for at a time: few requests where a read is one over a network. */
export const READ = 4 * 1024 * 1024;
const INFLATED = 256 * 1024;

const broken = (came: string): PregaoError =>
  new PregaoError(
    "origin_zip",
    `expected a whole zip with one text file in it, came ${came}. Nothing of it was sent: download it again`,
  );

/** yauzl asks for ranges of a file; ours come from anywhere. A failure to read is kept apart from a faulty zip. */
class Ranges extends RandomAccessReader {
  readonly #bytes: Bytes;
  failure: unknown = null;
  constructor(bytes: Bytes) {
    super();
    this.#bytes = bytes;
  }
  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, read?: number) => void,
  ) {
    this.#bytes.read(position, position + length).then(
      (part) => {
        buffer.set(part.subarray(0, length), offset);
        callback(null, Math.min(part.length, length));
      },
      (error) => {
        this.failure = error;
        callback(error);
      },
    );
  }
}

/**
 * The text inside a zip that holds exactly one file, in pieces, in constant memory. The central directory is read at
 * random, the data in order. Throws a PregaoError `origin_zip` when it is not whole, encrypted, of several files, with
 * a path, larger or more tightly packed than real data, or when its checksum differs: that one only at the end, so a
 * caller must not act on a piece before the last has come.
 */
export async function* unzipped(bytes: Bytes, progress?: (done: number) => void): AsyncGenerator<Uint8Array> {
  const { entry, start } = await only(bytes);
  let size = 0;
  let checksum = 0;
  try {
    for await (const piece of pieces(bytes, entry, start, progress)) {
      size += piece.length;
      if (size > entry.uncompressedSize)
        throw broken(`more than the ${entry.uncompressedSize} bytes its directory states`);
      checksum = crc32(piece, checksum);
      yield piece;
    }
  } catch (error) {
    if (String((error as { code?: unknown }).code).startsWith("Z_"))
      throw broken(`data that does not inflate (${(error as Error).message})`);
    throw error;
  }
  if (size !== entry.uncompressedSize)
    throw broken(`${size} bytes where its directory states ${entry.uncompressedSize}`);
  if (checksum !== entry.crc32 >>> 0) throw broken("data whose checksum (CRC-32) differs from its directory's");
}

async function* pieces(
  bytes: Bytes,
  entry: Entry,
  start: number,
  progress?: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  const packed = inOrder(bytes, start, start + entry.compressedSize, progress);
  if (entry.compressionMethod === 0) {
    yield* packed;
    return;
  }
  const inflate = createInflateRaw({ chunkSize: INFLATED });
  // Whatever ends the feeding early destroys `inflate` with it, and the loop below throws or has left.
  const fed = promises.pipeline(Readable.from(packed, { highWaterMark: 1 }), inflate).catch(() => {});
  for await (const piece of inflate) yield piece as Uint8Array;
  await fed;
}

/** The bytes of a range, in order; ends early where the bytes do. */
export async function* inOrder(
  bytes: Bytes,
  from: number,
  to: number,
  progress?: (done: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const piece = await bytes.read(at, Math.min(at + READ, to));
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
    progress?.(at);
  }
}

/** The one file of a zip, and where its data starts. */
const only = async (bytes: Bytes): Promise<{ entry: Entry; start: number }> => {
  const reader = new Ranges(bytes);
  let zip: ZipFile | null = null;
  try {
    zip = await fromRandomAccessReaderPromise(reader, bytes.size, { autoClose: false });
    if (zip.entryCount !== 1) throw broken(`one with ${zip.entryCount} files`);
    for await (const entry of zip.eachEntry()) {
      refuse(entry);
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      return { entry, start: fileDataStart };
    }
    throw broken("one without files");
  } catch (error) {
    if (reader.failure) throw reader.failure;
    if (error instanceof PregaoError) throw error;
    throw broken(`one that cannot be read (${(error as Error).message})`);
  } finally {
    zip?.close();
  }
};

const refuse = (entry: Entry): void => {
  const { fileName: name, compressionMethod: method, compressedSize: packed, uncompressedSize: size } = entry;
  if (/[/\\]/.test(name)) throw broken(`a path, ${JSON.stringify(name.slice(0, 80))}`);
  if (entry.isEncrypted()) throw broken("an encrypted one");
  if (method !== 0 && method !== 8) throw broken(`compression method ${method} (stored or deflated can be read)`);
  if (size > MAX_TEXT) throw broken(`${size} bytes of text, more than the ${MAX_TEXT} allowed`);
  if (size > packed * MAX_RATIO)
    throw broken(`${size} bytes packed into ${packed}, tighter than 1:${MAX_RATIO}: a zip bomb`);
};
