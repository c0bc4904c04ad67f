import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { copyFile, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { refusal } from "./errors.ts";
import type { Range } from "./range.ts";

/**
 * Bodies of objects and parts, and the argument why a crash at any point is harmless.
 *
 * 1. A body is written to `.tmp/<id>` under an id that was never used before; file and folder are fsynced.
 * 2. One SQLite transaction names the id in the object's row (ETag, size, everything) and writes the notifications.
 * 3. In the same tick as the commit the file is renamed to `<bucket>/<key>`.
 *
 * The row is the truth, and `.tmp` is a redo log of step 3. So at start, for a file in `.tmp`: a row names its id, then
 * the rename is done (again); an upload's part names it, then it stays; nobody names it, then nothing was acknowledged
 * and it is removed. An overwrite cannot leave a row with another body's ETag: until the commit both row and file are
 * the old ones, after it the new body is durable under the id that the row names, whether the rename was lost (even to
 * a power cut) or not. A delete removes the row first: a file without a row is removed at start. Nothing happens
 * between a row being read and its file being opened, nor between commit and rename, since all of these are
 * synchronous: a reader in this process has the bytes of its row, also while the object is overwritten or deleted.
 */
export type Bodies = ReturnType<typeof bodiesIn>;

const COPY_BYTES = 1024 * 1024;
const readAt = promisify(read);

export type Append = (chunk: Uint8Array) => Promise<void>;

export const bodiesIn = (root: string, alarm: (message: string, metadata: Record<string, unknown>) => void) => {
  const temporary = join(root, ".tmp");
  mkdirSync(temporary, { recursive: true });
  /** Bodies that are committed but could not be renamed: they are read where they are until the next start. */
  const stranded = new Set<string>();

  const staged = (id: string): string => join(temporary, id);
  const placed = (bucket: string, place: string): string => join(root, bucket, ...place.split("/"));

  const syncFolder = async () => {
    const folder = await open(temporary, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  };

  /** Removes a file that nothing refers to any more; that it is gone already, or cannot go, harms nobody. */
  const discard = (id: string): void => {
    try {
      unlinkSync(staged(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        alarm("a temporary body could not be removed", { id, error: String(error) });
    }
  };

  /** A new durable body of what `fill` appends; if it throws, nothing is left of it. */
  const write = async (fill: (append: Append) => Promise<void>): Promise<string> => {
    const id = randomUUID();
    const file = await open(staged(id), "wx");
    try {
      try {
        await fill(async (chunk) => {
          for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
        });
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder();
    } catch (error) {
      discard(id);
      throw error;
    }
    return id;
  };

  /** Makes a file of this machine a body; it is moved, or copied if it lies on another file system. */
  const adopt = async (path: string): Promise<string> => {
    const id = randomUUID();
    try {
      await rename(path, staged(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
      await copyFile(path, staged(id));
      await rm(path);
    }
    const file = await open(staged(id), "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder();
    return id;
  };

  /** Hands the bytes of a range to `append`, in pieces of 1 MiB. */
  const pour = async (
    fd: number,
    { start, end }: Range,
    append: (chunk: Buffer) => Promise<void> | void,
  ): Promise<void> => {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(COPY_BYTES, end - start + 1)));
    for (let at = start; at <= end; ) {
      const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, end - at + 1), at);
      if (bytesRead === 0) throw new Error(`expected ${end - at + 1} more bytes of a body, came its end`);
      await append(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  };

  /** Where a row's body is. */
  const pathOf = (row: { bucket: string; place: string; body: string }): string =>
    stranded.has(row.body) ? staged(row.body) : placed(row.bucket, row.place);

  /** Opens a row's body, in the tick in which the row was read. A body that is not what the row says is not served. */
  const openBody = (row: { bucket: string; key: string; place: string; body: string; size: number }): number => {
    const path = pathOf(row);
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch (error) {
      alarm("the body of an object is missing", { bucket: row.bucket, key: row.key, path, error: String(error) });
      throw refusal(
        "InternalError",
        {},
        `expected the body of ${row.bucket}/${row.key} at ${path}, came ${error}; put the object again`,
      );
    }
    const { size } = fstatSync(fd);
    if (size === row.size) return fd;
    closeSync(fd);
    alarm("the body of an object was changed behind our back", {
      bucket: row.bucket,
      key: row.key,
      path,
      expected: row.size,
      came: size,
    });
    throw refusal(
      "InternalError",
      {},
      `expected ${row.size} bytes of ${row.bucket}/${row.key} at ${path}, came ${size}; put the object again`,
    );
  };

  /** Makes room for a place, before the commit: its folder exists and no empty folder stands in its way. Throws if it cannot. */
  const prepare = (bucket: string, place: string): void => {
    const path = placed(bucket, place);
    mkdirSync(dirname(path), { recursive: true });
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) removeEmptyFolders(path);
  };

  /** Step 3. It cannot undo the commit, so it never throws. */
  const publish = (id: string, bucket: string, place: string): void => {
    try {
      renameSync(staged(id), placed(bucket, place));
    } catch (error) {
      stranded.add(id);
      alarm("a committed body could not be moved to its place; the next start tries again", {
        id,
        bucket,
        place,
        error: String(error),
      });
    }
  };

  /** Removes the file of an object that no longer has a row, and the folders that are empty without it. */
  const withdraw = (row: { bucket: string; place: string; body: string }): void => {
    if (stranded.delete(row.body)) discard(row.body);
    const bucket = join(root, row.bucket);
    let path = placed(row.bucket, row.place);
    try {
      unlinkSync(path);
      for (path = dirname(path); path.length > bucket.length; path = dirname(path)) rmdirSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST")
        alarm("a deleted body could not be removed", { path, error: String(error) });
    }
  };

  const createFolder = (bucket: string): void => {
    mkdirSync(join(root, bucket), { recursive: true });
  };
  const removeFolder = (bucket: string): void => {
    const path = join(root, bucket);
    if (lstatSync(path, { throwIfNoEntry: false })) removeEmptyFolders(path);
  };

  return {
    root,
    temporary,
    staged,
    placed,
    pathOf,
    write,
    adopt,
    discard,
    pour,
    openBody,
    prepare,
    publish,
    withdraw,
    createFolder,
    removeFolder,
  };
};

/** Removes a folder that holds nothing but folders; leaves what holds a file. Not across links. */
const removeEmptyFolders = (path: string): void => {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmptyFolders(join(path, entry.name));
  try {
    rmdirSync(path);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
};
