import confirm from "@inquirer/confirm";
import { PregaoError } from "../core/errors.ts";

/** Asks before what cannot be taken back. Without a terminal there is nobody to ask: --yes is expected. */
export const confirmed = async (question: string, yes = false): Promise<void> => {
  if (yes) return;
  if (!process.stdin.isTTY) throw new PregaoError("usage", `${question} Expected --yes, as there is no terminal to ask on.`);
  if (!(await confirm({ message: question, default: false }))) throw new PregaoError("cancelled", "cancelled; nothing was changed");
};
