import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

/** The tests of core in `MUTANTS_TESTS`, by name: test/mutants/core.ts says which judge what. Without, all of them. */
const names = process.env.MUTANTS_TESTS?.split(",") ?? ["*"];

/** What judges the pure core within seconds: no stacks and no searches, since they are run for every mutant. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: ["test/core/*-{search,model}.test.ts"] } },
  { test: { include: names.map((name) => `test/core/${name}.test.ts`) } },
);
