import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { log, logTo } from "../../functions/log.ts";
import type { Place } from "./place.ts";

/** What functions log in this process goes to the river's log: standard output is for a command's result. */
export const logInto = (place: Place): void =>
  logTo((line) => appendFileSync(join(place.dir, "log.ndjson"), `${line}\n`));

/** A line of the component `dlq` in the river's log. */
export const audit = (place: Place, message: string, metadata: Record<string, unknown>): void => {
  logInto(place);
  log("INFO", "dlq", message, metadata);
};
