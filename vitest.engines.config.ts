import { defineConfig } from "vitest/config";

/** Our rows and our SQL on engines and clients that others wrote. `npm run test:engines` installs them first. */
export default defineConfig({
  test: {
    include: ["test/engines/**/*.engines.ts"],
    pool: "forks",
    // A file starts a JVM that uses both cores of a small machine.
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
});
