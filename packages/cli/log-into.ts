import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { logTo } from "../../functions/log.ts";
import type { Place } from "./place.ts";

/** What functions log in this process goes to the river's log: standard output is for a command's result. */
export const logInto = (place: Place): void =>
  logTo((line) => appendFileSync(join(place.dir, "log.ndjson"), `${line}\n`));
