type Level = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** One JSON object a line. Metadata holds counts, sizes, durations and ids: never a credential, never a whole payload. */
export const log = (level: Level, component: string, message: string, metadata: Record<string, unknown> = {}): void => {
  if (level === "DEBUG" && !process.env.PREGAO_DEBUG) return;
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level, component, message, metadata }));
};
