import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** What takes minutes: faults by the hundred, kills, floods, whole years. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  { test: { include: ["test/**/*.faults.ts"], testTimeout: 600_000, hookTimeout: 120_000 } },
);
