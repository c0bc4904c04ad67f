import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { PregaoError } from "../core/errors.ts";
import { lockState, runningStack } from "../local/lock.ts";
import { confirmed } from "./confirm.ts";
import type { Output } from "./output.ts";

/** What makes a directory a state directory; they go last, so that a reset that was cut short can be done again. */
const MARKS = ["stage.json", "lock.sqlite"];
/** What a river puts there: packages/local, and place.ts. */
const OURS =
  /^(stage\.json|stack\.json(\.new)?|s3|firehose|athena|scratch|(pregao|lock)\.sqlite(-\w+)?|log(\.1)?\.ndjson)$/;

/** `pregao reset`: deletes a state directory, if it is one, nothing else is in it, and nothing runs on it. */
export const reset = async (dir: string, output: Output, yes?: boolean): Promise<void> => {
  if (!existsSync(dir)) {
    output.result({ dir, deleted: false }, () => `There is no state at ${dir}.\n\nNext: pregao demo\n`);
    return;
  }
  check(dir);
  const found = await runningStack(dir);
  if (found)
    throw new PregaoError(
      "state_in_use",
      `a river is running on ${dir} (process ${found.pid}): end it first, nothing was deleted`,
      found,
    );
  await confirmed(`Delete ${dir} and all that is in it?`, yes);
  const lock = lockState(dir);
  try {
    // Again, under the lock: a question can stay unanswered for long.
    const names = check(dir).sort((a, b) => MARKS.indexOf(a) - MARKS.indexOf(b));
    for (const name of names) rmSync(join(dir, name), { recursive: true, force: true });
  } finally {
    lock.release();
  }
  if (!lstatSync(dir).isSymbolicLink() && readdirSync(dir).length === 0) rmdirSync(dir);
  output.result({ dir, deleted: true }, () => `${dir} deleted.\n\nNext: pregao demo\n`);
};

/** What is in a state directory. Throws if it is none, or holds what no river put there. */
const check = (dir: string): string[] => {
  if (!statSync(dir).isDirectory())
    throw new PregaoError("state", `expected a state directory of pregao, ${dir} is none; nothing was deleted`);
  const names = readdirSync(dir);
  if (!MARKS.some((mark) => names.includes(mark)))
    throw new PregaoError(
      "state",
      `expected a state directory of pregao, ${dir} has no ${MARKS[0]}; nothing was deleted. Name another with --state`,
    );
  const others = names.filter((name) => !OURS.test(name));
  if (others.length)
    throw new PregaoError(
      "state",
      `expected nothing but pregao's own in ${dir}, it also holds ${others.slice(0, 5).join(", ")}${others.length > 5 ? " and more" : ""}; nothing was deleted. Move that away, or delete the directory yourself`,
    );
  return names;
};
