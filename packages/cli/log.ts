import {
  appendFileSync,
  closeSync,
  existsSync,
  type FSWatcher,
  fstatSync,
  openSync,
  readSync,
  statSync,
  watch,
} from "node:fs";
import { basename, dirname } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { logTo } from "../../functions/log.ts";
import { BLOCK, type Entry, files, type Line, lineOf } from "../local/logs/lines.ts";
import { printable } from "./output.ts";

export { backwards, type Entry, LEVELS, type Level, type Line, lineOf } from "../local/logs/lines.ts";

/**
 * What functions log in this process goes to the directory's log from now on: standard output is for a command's result.
 * A line that cannot be written (a full disk, a directory that was deleted) is lost: no work fails for its log.
 */
export const logInto = (dir: string): void =>
  logTo((line) => {
    try {
      appendFileSync(files(dir)[0]!, `${line}\n`);
    } catch {}
  });

/** Where the last whole line of the log ends, in bytes; 0 if there is no log yet. */
export const endOf = (dir: string): number => {
  const path = files(dir)[0]!;
  if (!existsSync(path)) return 0;
  const file = openSync(path, "r");
  try {
    for (let to = fstatSync(file).size; to > 0; ) {
      const from = Math.max(0, to - BLOCK);
      const block = Buffer.alloc(to - from);
      readSync(file, block, 0, block.length, from);
      const at = block.lastIndexOf(10);
      if (at >= 0) return from + at + 1;
      to = from;
    }
    return 0;
  } finally {
    closeSync(file);
  }
};

/**
 * The lines that are written after `from` (bytes), as they come, until the signal aborts: over renames, a directory that
 * is deleted, and one that is made later. A line is given once it is whole. `dir` is absolute.
 */
export async function* following(dir: string, from: number, signal: AbortSignal): AsyncGenerator<Line> {
  const [path] = files(dir);
  const changes = changesOf(dir, signal);
  let file = open(path!);
  let at = file === null ? 0 : from;
  let decoder = new StringDecoder("utf8");
  let rest = "";
  const block = Buffer.alloc(BLOCK);
  try {
    for (;;) {
      // Asked before the reading: what changes during it is looked at next time.
      const changed = changes.next();
      for (;;) {
        if (file === null) {
          file = open(path!);
          at = 0;
          decoder = new StringDecoder("utf8");
          rest = "";
          if (file === null) break;
        }
        // Asked before the reading, too: who has the name no more is written to no more.
        const gone = isGone(file, path!);
        if (fstatSync(file).size < at) at = 0;
        const read = readSync(file, block, 0, BLOCK, at);
        at += read;
        const parts = (rest + decoder.write(block.subarray(0, read))).split("\n");
        rest = parts.pop() ?? "";
        for (const text of parts) if (text !== "") yield lineOf(text);
        if (read > 0) continue;
        if (!gone) break;
        closeSync(file);
        file = null;
      }
      if (!(await changed)) return;
    }
  } finally {
    if (file !== null) closeSync(file);
    changes.close();
  }
}

const open = (path: string): number | null => {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
};

/** The open file has another name by now, or none. */
const isGone = (file: number, path: string): boolean => {
  const named = statSync(path, { throwIfNoEntry: false });
  const { ino, dev } = fstatSync(file);
  return !named || named.ino !== ino || named.dev !== dev;
};

/** Whether the log may have changed since it was last asked; false once the signal has aborted. */
const changesOf = (dir: string, signal: AbortSignal) => {
  let dirty = false;
  let wake: (() => void) | undefined;
  const ring = () => {
    dirty = true;
    wake?.();
  };
  const watched = watchDirectory(dir, ring);
  signal.addEventListener("abort", ring, { once: true });
  return {
    next: async (): Promise<boolean> => {
      while (!dirty && !signal.aborted)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      dirty = false;
      return !signal.aborted;
    },
    close: () => {
      signal.removeEventListener("abort", ring);
      watched();
    },
  };
};

/**
 * Rings for whatever happens to a directory's log, also if the directory is made only later or made anew: until then the
 * nearest one above it is watched. Returns what ends it.
 */
const watchDirectory = (dir: string, ring: () => void): (() => void) => {
  let watcher: FSWatcher | undefined;
  let at = "";
  const look = (): void => {
    const nearest = nearestTo(dir);
    const inode = statSync(nearest, { bigint: true, throwIfNoEntry: false })?.ino;
    if (at === `${nearest} ${inode}`) return;
    watcher?.close();
    at = `${nearest} ${inode}`;
    const whole = nearest === dir;
    try {
      watcher = watch(nearest, (_, name) => {
        // The river's database is written there all the time.
        if (whole && name !== null && !name.startsWith("log.") && name !== basename(dir)) return;
        look();
        if (whole) ring();
      });
      watcher.on("error", look);
    } catch (error) {
      // It went while it was looked at: the one above it is there.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    // What happened before it was watched.
    ring();
    look();
  };
  look();
  return () => watcher?.close();
};

/** The directory itself, or the nearest above it that exists. */
const nearestTo = (dir: string): string => {
  let path = dir;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
};

const SHOWN_CHARACTERS = 300;

/** A line as a person reads it. */
export const readable = ({ timestamp = "", level = "", component = "", message = "", metadata = {} }: Entry): string =>
  [
    printable(String(timestamp)),
    level.padEnd(5),
    printable(String(component)).padEnd(8),
    printable(String(message)),
    ...counts(metadata),
  ]
    .join("  ")
    .trimEnd();

/** What a line counts and names; nothing where there is nothing. */
const counts = (metadata: Record<string, unknown>): string[] =>
  Object.entries(metadata)
    .filter(([, value]) => value !== null && value !== "" && value !== undefined)
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)] as const)
    .filter(([, text]) => text !== "{}" && text !== "[]")
    .map(([name, text]) =>
      printable(`${name}=${text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text}`),
    );
