import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and those above it. Not `mkdir` with `recursive`: where the system says of a new folder that it does
 * not exist (/proc), Node tries for ever. Throws what the system says.
 */
export const makeFolder = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process was first.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
};
