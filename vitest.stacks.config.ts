import { defineConfig } from "vitest/config";

/** What `sst deploy` would make, guard by guard. `npm run test:stacks` lays SST's platform out first. */
export default defineConfig({
  test: {
    include: ["test/stacks/**/*.stacks.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
