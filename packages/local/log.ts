import { createWriteStream, renameSync, statSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import type { LogLine } from "./lambda.ts";

/** A log that is larger at a start is put aside, and the one put aside before it goes. */
const LOG_BYTES = 64 * 1024 * 1024;

/** The log of a state directory: a line each, as JSON. Lines that a full disk does not take are counted, and missed. */
export const logFile = (dir: string): { write: (line: LogLine) => void; end: () => Promise<void> } => {
  const path = join(dir, "log.ndjson");
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES) renameSync(path, join(dir, "log.1.ndjson"));
  let stream: WriteStream | null = null;
  let lost = 0;
  const open = (): WriteStream => {
    const opened = createWriteStream(path, { flags: "a" });
    // A stream that failed once takes nothing more: the next line tries another.
    opened.on("error", () => {
      if (stream === opened) stream = null;
    });
    return opened;
  };
  const write = (line: LogLine): void => {
    stream ??= open();
    stream.write(`${JSON.stringify(line)}\n`, (error) => {
      if (error) lost++;
      else if (lost > 0) {
        const metadata = { lines: lost };
        lost = 0;
        write({
          timestamp: new Date().toISOString(),
          level: "WARN",
          component: "log",
          message: "lines of this log were lost: it could not be written, as on a full disk",
          metadata,
        });
      }
    });
  };
  return {
    write,
    end: () => new Promise((done) => (stream ? stream.end(() => done()) : done())),
  };
};
