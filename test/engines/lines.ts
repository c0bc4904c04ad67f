import type { Readable } from "node:stream";

/** Hears each line of a process, ended by a line feed alone: readline takes U+2028 and U+2029, which JSON may hold, for ends. */
export const onLine = (from: Readable, hear: (line: string) => void): void => {
  let rest = "";
  from.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) hear(line);
  });
};
