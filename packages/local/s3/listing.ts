import type { DatabaseSync } from "node:sqlite";

/** `headers` and `checksum` as they are stored: JSON, and null without a checksum. */
export type Entry = {
  key: string;
  etag: string;
  size: number;
  modified: number;
  headers: string;
  checksum: string | null;
};
/** `next` is where the following page begins, null on the last. */
export type Page = { entries: Entry[]; prefixes: string[]; next: string | null };
export type Listing = ReturnType<typeof listingOf>;

/** Greater than every key: those have at most 1,024 bytes. */
const TOP = "\u{10ffff}".repeat(257);

/** UTF-8 order, which is S3's and SQLite's; JavaScript's own differs beyond U+FFFF. */
const greater = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0;

/** The least text that is greater than everything that starts with `prefix`. */
export const afterPrefix = (prefix: string): string => {
  const points = [...prefix];
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) as number;
    if (point < 0x10ffff) return points.join("") + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1);
  }
  return TOP;
};

/** Pages of a bucket's keys, read by range scans of the primary key: memory and time are those of the page, not of the bucket. */
export const listingOf = (db: DatabaseSync) => {
  const range = db.prepare(
    "SELECT key, etag, size, modified, headers, checksum FROM s3_objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key",
  );

  /**
   * Up to `limit` keys and common prefixes after the position `after` (a key or a common prefix). A prefix costs one
   * seek, however many keys it stands for; a position inside a common prefix is after the whole of it.
   */
  const page = (bucket: string, { prefix = "", delimiter = "", after = "", limit = 1000 }): Page => {
    const result: Page = { entries: [], prefixes: [], next: null };
    if (limit === 0) return result;
    const until = prefix === "" ? TOP : afterPrefix(prefix);
    const cut = (key: string): string | null => {
      const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 ? null : key.slice(0, at + delimiter.length);
    };
    let from: string | null = greater(after, prefix) ? after : prefix;
    const rolled = after.startsWith(prefix) ? cut(after) : null;
    if (rolled !== null) from = afterPrefix(rolled);
    let last = "";
    while (from !== null) {
      const start: string = from;
      from = null;
      for (const found of range.iterate(bucket, start, until)) {
        const entry = found as unknown as Entry;
        if (entry.key === after && after !== "") continue;
        if (result.entries.length + result.prefixes.length === limit) {
          result.next = last;
          break;
        }
        const common = cut(entry.key);
        last = common ?? entry.key;
        if (common !== null) {
          result.prefixes.push(common);
          from = afterPrefix(common);
          break;
        }
        result.entries.push(entry);
      }
    }
    return result;
  };

  /** All keys under a prefix, in order. */
  const all = (bucket: string, prefix: string): Entry[] =>
    range.all(bucket, prefix, prefix === "" ? TOP : afterPrefix(prefix)) as unknown as Entry[];

  return { page, all };
};
