import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import { argument } from "../output.ts";
import { type Checked, checked } from "./diagnosis.ts";
import type { Finding } from "./guard.ts";

type Trouble = { came: string; mend: string };

/** The folder, or the next one above that is there. */
export const nearest = (dir: string): string => (existsSync(dir) || dirname(dir) === dir ? dir : nearest(dirname(dir)));

/** A river of its own elsewhere: nothing of what is in the way is touched. */
export const another = (dir: string): string => `pregao --state ${argument(dir)} demo`;

/** A file where a folder should be; null if there is none. */
export const fileInTheWay = (dir: string): Trouble | null => {
  const found = nearest(dir);
  return statSync(found).isDirectory() ? null : { came: `${found} is a file`, mend: another(`${found}.d`) };
};

/** A folder that has files, and none of a river's. A folder that nobody may look into says so elsewhere. */
const foreign = (dir: string): Trouble | null => {
  if (!existsSync(dir) || existsSync(join(dir, "stage.json"))) return null;
  try {
    const [name] = readdirSync(dir);
    if (name === undefined) return null;
    return { came: `${dir} holds ${name}, and no stage.json`, mend: another(join(dir, "river")) };
  } catch {
    return null;
  }
};

/** Errors of a river, by code, that a demo in the same folder would meet again. */
const elsewhere: Record<string, string> = {
  state: "or put stage.json right: what lies beside it is whole",
  state_version: "or run the pregao that made the folder",
  state_damaged: "what was archived is kept where it is: pregao ingest takes its files again",
};

const troubleOf = (dir: string, error: unknown): Trouble => {
  const [came = ""] = (error as Error).message.split(" Next: ");
  const code = error instanceof PregaoError ? error.code : "";
  const inTheWay = fileInTheWay(dir) ?? (code === "no_state" ? foreign(dir) : null);
  if (inTheWay) return inTheWay;
  if (code === "no_state") return { came, mend: "pregao demo" };
  if (code === "state_in_use") return { came, mend: "pregao status (asks the one that runs; it may be about to end)" };
  return { came, mend: `${another(`${dir}.new`)} (${elsewhere[code] ?? `or put right what is wrong in ${dir}`})` };
};

/** Whether there is a river to look at. `error`: why there is none; null if there is. */
export const riverOf = (dir: string, error: unknown): Checked => {
  const empty: Finding = {
    ...{ guard: "laptop.river", resource: dir, state: "holds" },
    ...{ expected: null, came: null, why: null, mend: null },
  };
  return checked("laptop.river", "there is a river in the state directory, and it answers", [
    error === null ? empty : { ...empty, state: "broken", expected: "a river that answers", ...troubleOf(dir, error) },
  ]);
};
