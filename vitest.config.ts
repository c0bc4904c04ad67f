import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Each file owns its own embedded stack; a fork keeps native handles and environments apart.
    pool: "forks",
    // More than a small machine has cores: half of a river's time is waiting for windows and clocks.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
