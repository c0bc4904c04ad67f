import { hostname, userInfo } from "node:os";
import { log } from "../../../functions/log.ts";
import type { Replay } from "../../core/replay.ts";

/** A line of the component `dlq` in the river's log. */
export const audit = (message: string, metadata: Record<string, unknown>): void =>
  log("INFO", "dlq", message, metadata);

/** Who sits at a laptop. */
export const whoami = (): Replay["by"] => {
  const user = () => {
    try {
      return userInfo().username;
    } catch {
      return process.env.USER ?? "unknown";
    }
  };
  return { user: user().slice(0, 256), host: hostname().slice(0, 256) };
};
