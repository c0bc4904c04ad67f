import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { PregaoError } from "../core/errors.ts";
import { runningStack } from "../local/index.ts";
import { confirmed } from "./confirm.ts";
import type { Output } from "./output.ts";

/** `pregao reset`: deletes a state directory, if it is one and nothing runs on it. */
export const reset = async (dir: string, output: Output, yes?: boolean): Promise<void> => {
  if (!existsSync(dir)) {
    output.result({ dir, deleted: false }, () => `There is no state at ${dir}.\n`);
    return;
  }
  if (!existsSync(join(dir, "stage.json")))
    throw new PregaoError("state", `expected a state directory of pregao, ${dir} has no stage.json; nothing was deleted`);
  const found = await runningStack(dir);
  if (found) throw new PregaoError("state", `a river is running on ${dir} (process ${found.pid}): stop it first`);
  await confirmed(`Delete ${dir} and all that is in it?`, yes);
  await rm(dir, { recursive: true });
  output.result({ dir, deleted: true }, () => `${dir} deleted.\n\nNext: pregao demo\n`);
};
