import { mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import base from "./vitest.config.ts";

/** What takes minutes, the longest first: one that starts last is waited for alone. */
const LONG = [
  ...["seeds", "kills/up", "zones", "oracle/orders.", "kills/readers", "kills/ingest", "faults/matrix.", "cli/verify."],
  ...["river-year", "kills/disk", "advance-search", "cli/stage.", "poison"],
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.includes(name));
      return at < 0 ? LONG.length : at;
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** Faults by the hundred, kills, floods, whole years. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  {
    test: {
      include: ["test/**/*.faults.ts"],
      // Nothing here waits for what a third could use: three are as slow as two, and each of them slower.
      maxWorkers: 2,
      testTimeout: 900_000,
      hookTimeout: 120_000,
      sequence: { sequencer: LongestFirst },
    },
  },
);
