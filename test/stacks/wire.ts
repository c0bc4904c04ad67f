import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Aws, connect } from "../../packages/aws/index.ts";
import type { Stage } from "../../packages/core/stage.ts";
import { type Topology, topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { start } from "../../packages/local/index.ts";
import { ACCOUNT, REGION } from "./graph.ts";

export const stageNamed = (name: string, more: Partial<Stage> = {}): Stage => ({
  ...{ name, account: ACCOUNT, region: REGION, pace: "daily", layouts: {} },
  ...more,
});
export const declaredBy = (stage: Stage): Topology => topology(catalogueOf(stage), stage.pace);

/** What a laptop answers under a stage's names, to AWS's own clients: it has what the topology says, and does nothing. */
export const laptopOf = async (stage: Stage): Promise<{ aws: Aws; close: () => Promise<void> }> => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-stacks-"));
  const never = () => {
    throw new Error("nothing runs here");
  };
  const stack = await start(
    {
      topology: declaredBy(stage),
      root: new URL("../../", import.meta.url),
      engine: async () => never(),
      translate: never,
    },
    { dir, stage, still: true, onLog: () => {} },
  );
  const aws = connect(stage, { AWS_ENDPOINT_URL: stack.url });
  const close = async () => {
    aws.close();
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { aws, close };
};
