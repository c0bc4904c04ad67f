import { AwsError } from "./service.ts";

/** The code of what a full disk refuses. AWS has no such error; like its own 500s it is worth another attempt. */
export const NO_ROOM = "InsufficientStorage";

/** Whether the system, SQLite (13 is SQLITE_FULL) or DuckDB says of an error that the disk, or a quota of it, is full. */
export const isFull = (error: unknown): boolean => {
  const { code, errcode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; message?: unknown };
  if (code === "ENOSPC" || code === "EDQUOT" || errcode === 13) return true;
  return (
    typeof message === "string" && /database or disk is full|No space left on device|Disk quota exceeded/i.test(message)
  );
};

/** What a person is told, and can do. `dir` is the state directory, null where only its user knows it. */
export const noRoom = (dir: string | null): string =>
  `the disk of ${dir === null ? "the state directory" : `the state directory ${dir}`} is full: make room there. What was accepted is kept and goes on by itself; what was not is to be sent again`;

/** The answer to a request that failed for want of room; null if it failed for another reason. */
export const fullDisk = (error: unknown): AwsError | null =>
  !(error instanceof AwsError) && isFull(error) ? new AwsError(NO_ROOM, noRoom(null), 500) : null;
