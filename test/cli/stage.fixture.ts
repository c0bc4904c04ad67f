import { type Stage, stage as stageSchema } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { type Stack, start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { type Ended, folder, type Options, pregao } from "./command.ts";

/** A stage as a deploy would leave it: every physical name of it is another than a laptop's. */
export const prova: Stage = stageSchema.parse({
  name: "prova",
  account: "123456789012",
  region: "sa-east-1",
  pace: "intraday",
  layouts: {},
});

/** What stands before anything is written there. */
export const banner = `stage ${prova.name}, account ${prova.account}, region ${prova.region}`;

/** The environment of a person who may use the stage at `url`; `home` holds no profile. */
export const credentials = (url: string, home: string): Record<string, string | undefined> => ({
  ...nobody(home),
  AWS_ENDPOINT_URL: url,
  AWS_REGION: prova.region,
  AWS_ACCESS_KEY_ID: "somebody",
  AWS_SECRET_ACCESS_KEY: "secret",
});

/** Of a person whom AWS does not know: whatever this machine has is out of reach. */
export const nobody = (home: string): Record<string, string | undefined> => ({
  ...{ HOME: home, USERPROFILE: home, AWS_EC2_METADATA_DISABLED: "true" },
  ...{ AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined, AWS_PROFILE: undefined, AWS_ENDPOINT_URL: undefined },
  ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_SESSION_TOKEN: undefined },
  // A stand-in's metrics are not late.
  PREGAO_LATE_MS: "300",
});

export type Deployed = {
  stack: Stack;
  dir: string;
  home: string;
  env: Record<string, string | undefined>;
  /** The command with `--stage prova`, as a person with credentials runs it. */
  run: (args: readonly string[], options?: Options) => Promise<Ended>;
  close: () => Promise<void>;
};

/** The river under a stage's names in this process, on AWS's wire; a command reaches it by nothing else. */
export const deployed = async (stage: Stage = prova): Promise<Deployed> => {
  const { dir, remove } = folder();
  const home = folder();
  const river = {
    topology: { ...topology(catalogueOf(stage), stage.pace), clocks: [] },
    root: new URL("../../", import.meta.url),
    engine: refineJob,
    translate,
  };
  const stack = await start(river, { dir, stage });
  // What comes from no origin is made by a clock.
  await stack.invoke("advance", { datasets: river.topology.jobs.map((job) => job.dataset) });
  await stack.idle();
  const env = credentials(stack.url, home.dir);
  return {
    ...{ stack, dir, home: home.dir, env },
    run: (args, options = {}) =>
      pregao([...args, "--stage", stage.name], { cwd: home.dir, ...options, env: { ...env, ...options.env } }),
    close: async () => {
      await stack.stop();
      remove();
      home.remove();
    },
  };
};
