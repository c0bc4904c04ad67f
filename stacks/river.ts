/// <reference path="../.sst/platform/config.d.ts" />
import type { Dataset } from "../packages/core/dataset.ts";
import { bucket, resource, type Stage, stage as stageSchema } from "../packages/core/stage.ts";
import { type Topology, topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { type Settings, settingsFrom } from "./settings.ts";

/** What every reach of the river is built from. Names are plain text: a stage's account and region are known first. */
export type River = {
  stage: Stage;
  settings: Settings;
  datasets: readonly Dataset[];
  topology: Topology;
  /** Whether data outlives the stage, and nothing of it is removed by mistake. */
  production: boolean;
  /** The physical name of a queue, function, stream, job, role … of the topology, which it keeps whatever happens. */
  name: (logical: string) => string;
  bucket: (logical: string) => string;
};

/** The stage that is deployed. `local` is a laptop's name, and cannot be. */
export const river = async (): Promise<River> => {
  const { accountId } = await aws.getCallerIdentity({});
  const { region } = await aws.getRegion({});
  const settings = settingsFrom(process.env, $app.stage);
  if ($app.stage === "local")
    throw new Error("expected another stage than local, which is the laptop's. Next: sst deploy --stage dev");
  const stage = stageSchema.parse({
    name: $app.stage,
    account: accountId,
    region,
    pace: settings.pace,
    layouts: settings.layouts,
  });
  const datasets = catalogueOf(stage);
  return {
    stage,
    settings,
    datasets,
    topology: topology(datasets, stage.pace),
    production: $app.removal !== "remove",
    name: (logical) => resource(stage, logical),
    bucket: (logical) => bucket(stage, logical),
  };
};
