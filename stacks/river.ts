/// <reference path="../.sst/platform/config.d.ts" />
import type { Dataset } from "../packages/core/dataset.ts";
import { bucket, resource, type Stage, stage as stageSchema } from "../packages/core/stage.ts";
import { type Topology, topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { elsewhere, recorded } from "./recorded.ts";
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

const NEXT = "Next: npx sst deploy --stage dev";

/** A name that every physical name can hold. `local` is a laptop's, and cannot be deployed. */
const named = (name: string): string => {
  if (name === "local") throw new Error(`expected another stage than local, which is the laptop's. ${NEXT}`);
  const read = stageSchema.shape.name.safeParse(name);
  if (!read.success) throw new Error(`${read.error.issues[0]!.message}, came ${name}. ${NEXT}`);
  return name;
};

/** A stage is in one account and region: names of buckets and roles hold no region, and data does not move. */
const atHome = async (stage: Stage, before: Stage | null): Promise<void> => {
  const { name, account, region } = stage;
  if (before && before.account !== account)
    throw new Error(
      `expected account ${before.account}, in which ${name} is, came ${account}. Next: take that account's credentials`,
    );
  const home = before ? before.region : await elsewhere(bucket(stage, "state"), region);
  if (home && home !== region)
    throw new Error(
      `expected region ${home}, in which ${name} is, came ${region}: PREGAO_REGION=${home === "another" ? "that region" : home}, or deploy a stage of another name here`,
    );
};

/** The stage that is deployed, as it was chosen now or, where nothing is said of it now, when it was deployed before. */
export const river = async (): Promise<River> => {
  const name = named($app.stage);
  // What is misspelled is told before AWS is asked anything.
  settingsFrom(process.env, name);
  const [{ accountId: account }, { region }, before] = await Promise.all([
    aws.getCallerIdentity({}),
    aws.getRegion({}),
    recorded(name),
  ]);
  const settings = settingsFrom(process.env, name, before);
  const stage: Stage = { name, account, region, pace: settings.pace, layouts: settings.layouts };
  await atHome(stage, before?.stage ?? null);
  if (settings.role && !settings.role.startsWith(`arn:aws:iam::${account}:`))
    throw new Error(`PREGAO_ROLE: expected a role of account ${account}, came ${settings.role}`);
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
