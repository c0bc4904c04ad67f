import { join, resolve } from "node:path";

/** The repository, and where SST's platform is laid out in it. */
export const root = resolve(import.meta.dirname, "../..");
export const platform = join(root, ".sst/platform");
