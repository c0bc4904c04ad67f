import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { laptop } from "../../../packages/core/stage.ts";
import { start } from "../../../packages/local/index.ts";
import { translate } from "../../../packages/trino/index.ts";

/** packages/local with nothing in it. A job run does what its argument `--outcome` says. */
export const local = async (): Promise<{ url: string; stop: () => Promise<void> }> => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-conformance-"));
  const stack = await start(
    {
      topology: {
        pace: "intraday",
        buckets: ["results"],
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
      engine: ({ arguments: args, signal }) =>
        args["--outcome"] === "wait"
          ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))))
          : args["--outcome"] === "fail"
            ? Promise.reject(new Error("as it was told"))
            : Promise.resolve(),
      translate,
    },
    { dir, stage: laptop(), onLog: () => undefined, graceMs: 0 },
  );
  return {
    url: stack.url,
    stop: async () => {
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
