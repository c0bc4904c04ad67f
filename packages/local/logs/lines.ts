import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

// The log of a state directory: `log.ndjson`, one JSON object a line. A river that starts and finds it large renames it
// to `log.1.ndjson`; nobody writes to that any more.

export const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR"] as const;
export type Level = (typeof LEVELS)[number];

/** One line: `text` as it stands in the file, `entry` what it says; null if it is no JSON object (a crash tore it). */
export type Line = { text: string; entry: Entry | null };
export type Entry = {
  timestamp?: string;
  level?: string;
  component?: string;
  message?: string;
  metadata?: Record<string, unknown>;
};

/** Bytes that are read at once. */
export const BLOCK = 64 * 1024;

/** The log and the one before it. */
export const files = (dir: string): string[] => [join(dir, "log.ndjson"), join(dir, "log.1.ndjson")];

export const lineOf = (text: string): Line => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { text, entry: value as Entry };
  } catch {
    // Below.
  }
  return { text, entry: null };
};

/** The lines that were written so far, the newest first, block by block: whoever has enough reads no further. */
export function* backwards(dir: string, end?: number): Generator<Line> {
  for (const [at, path] of files(dir).entries()) {
    if (!existsSync(path)) continue;
    const file = openSync(path, "r");
    try {
      yield* blocks(file, at === 0 && end !== undefined ? end : fstatSync(file).size);
    } finally {
      closeSync(file);
    }
  }
}

function* blocks(file: number, end: number): Generator<Line> {
  let rest = Buffer.alloc(0);
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - BLOCK);
    const block = Buffer.alloc(to - from);
    readSync(file, block, 0, block.length, from);
    const whole = Buffer.concat([block, rest]);
    const first = from === 0 ? 0 : whole.indexOf(10) + 1;
    // A line that is longer than the block has its start further up.
    if (from > 0 && first === 0) rest = whole;
    else {
      const lines = whole.subarray(first).toString("utf8").split("\n");
      for (const text of lines.reverse()) if (text !== "") yield lineOf(text);
      rest = Buffer.from(whole.subarray(0, first));
    }
    to = from;
  }
}
