import { laptop } from "../../../packages/core/stage.ts";
import { start } from "../../../packages/local/index.ts";

/** A stack in a process of its own, for a test to kill: `node stack.ts <dir>` prints its URL. */
const stack = await start(
  {
    topology: {
      pace: "intraday",
      buckets: ["lake", "state", "results"],
      functions: [{ name: "keep", handler: "keep.handler", timeout: 30, memory: 128 }],
      queues: [
        { name: "kept", visibility: 1, retention: 3600, deadLetter: { queue: "kept-dlq", maxReceive: 3 } },
        { name: "kept-dlq", visibility: 30, retention: 3600 },
      ],
      mappings: [{ queue: "kept", function: "keep", batch: 10, window: 0, concurrency: 2 }],
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
