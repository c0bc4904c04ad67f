import { resource, type Stage } from "../../packages/core/stage.ts";
import type { Pace, Topology } from "../../packages/core/topology.ts";
import { topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";

/** A stage as it is declared, and as `sst deploy` would make it. */
export type Declared = { stage: Stage; topology: Topology; graph: Graph; name: (logical: string) => string };

export const declared = async (pace: Pace = "daily"): Promise<Declared> => {
  const stage: Stage = { name: "dev", account: ACCOUNT, region: REGION, pace, layouts: {} };
  return {
    stage,
    topology: topology(catalogueOf(stage), pace),
    graph: await graphOf({ env: { PREGAO_PACE: pace } }),
    name: (logical) => resource(stage, logical),
  };
};

/** Days for which a log group of the graph keeps; undefined: there is none of that name, or it keeps for ever. */
export const keeps = (graph: Graph, group: unknown): unknown =>
  graph.of("aws:cloudwatch/logGroup:LogGroup").find(({ inputs }) => inputs.name === group)?.inputs.retentionInDays;
