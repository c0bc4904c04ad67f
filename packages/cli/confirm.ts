import { PregaoError } from "../core/errors.ts";

/**
 * Asks before what cannot be taken back, on standard error: standard output is for results. Without a terminal there is
 * nobody to ask: --yes is expected.
 */
export const confirmed = async (question: string, yes = false): Promise<void> => {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new PregaoError("usage", `${question} There is no terminal to ask on: expected --yes.`);
  const { default: confirm } = await import("@inquirer/confirm");
  const answer = await confirm({ message: question, default: false }, { output: process.stderr }).catch(
    (error: Error) => {
      if (error.name === "ExitPromptError") return false;
      throw error;
    },
  );
  if (!answer) throw new PregaoError("cancelled", "cancelled; nothing was changed");
};
