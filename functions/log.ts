type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** Not by the console: Lambda's puts the time, the request and the level before each line, which is JSON no more then. */
let write = (line: string): void => void process.stdout.write(`${line}\n`);

/** Where lines go in a process whose standard output is for something else. */
export const logTo = (to: (line: string) => void): void => {
  write = to;
};

/** One JSON object a line. Metadata holds counts, sizes, durations and ids: never a credential, never a whole payload. */
export const log = (level: Level, component: string, message: string, metadata: Record<string, unknown> = {}): void => {
  if (level === "DEBUG" && !process.env.PREGAO_DEBUG) return;
  write(JSON.stringify({ timestamp: new Date().toISOString(), level, component, message, metadata }));
};
