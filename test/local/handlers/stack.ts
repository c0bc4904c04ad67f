import { laptop } from "../../../packages/core/stage.ts";
import { start } from "../../../packages/local/index.ts";

/** A stack in a process of its own, for a test to kill: `node stack.ts <dir>` prints its URL. */
const stack = await start(
  {
    topology: {
      pace: "intraday",
      buckets: ["lake", "state", "results"],
      functions: [],
      queues: [],
      mappings: [],
      streams: [],
      notices: [],
      jobs: [],
      clocks: [],
      databases: [],
    },
    root: new URL("./", import.meta.url),
    engine: async () => {},
    translate: () => {
      throw new Error("no queries here");
    },
  },
  { dir: process.argv[2]!, stage: laptop() },
);
console.log(stack.url);
