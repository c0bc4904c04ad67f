import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** What judges the pure core within seconds: no stacks, and no searches, which are run once for every mutant. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  {
    test: {
      include: [
        "test/core/{judge,verdict,pack,commit,clean,advance,advance-rebuild,salvage,table}.test.ts",
        "test/core/advance-loop.test.ts",
      ],
    },
  },
);
