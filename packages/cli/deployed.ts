import { logTo } from "../../functions/log.ts";
import { connect } from "../aws/index.ts";
import { stageNamed } from "../aws/stages.ts";
import { PregaoError } from "../core/errors.ts";
import type { Stage } from "../core/stage.ts";
import { catalogueOf } from "../datasets/index.ts";
import { lineOf, readable } from "./log.ts";
import type { Output } from "./output.ts";
import type { Place, PlaceOptions } from "./place.ts";

/**
 * A deployed stage, found by its name in the account and region of this process' environment and profile. Says which it
 * is before anything is done there, unless the command only `reads`.
 * @throws PregaoError `usage` for options that are a laptop's, and as {@link stageNamed}.
 */
export const openDeployed = async (name: string, options: PlaceOptions, output: Output): Promise<Place> => {
  checkDeployed(name, options);
  const stage = await stageNamed(name);
  if (!options.reads) output.say(bannerOf(stage));
  logTo((line) => warn(line, output));
  const aws = connect(stage, process.env, { own: true });
  const datasets = catalogueOf(stage);
  return {
    ...{ aws, stage, datasets, output },
    database: datasets.find((d) => d.raw)?.database ?? "default",
    dir: null,
    stack: null,
    close: async () => aws.close(),
  };
};

/** What only a laptop's river has. @throws PregaoError `usage`. */
const checkDeployed = (name: string, { state, layout, engine }: PlaceOptions): void => {
  const given = [
    ...(state === undefined ? [] : ["--state, which is a folder of a laptop's"]),
    ...(layout?.length ? ["--layout, which a deploy sets (PREGAO_LAYOUTS)"] : []),
    ...(engine === undefined ? [] : ["--engine, which is Glue's there"]),
  ];
  if (given.length)
    throw new PregaoError("usage", `expected --stage ${name} without ${given.join(" and ")}. Next: pregao status`);
};

/** Where a command is about to do something; an endpoint of somebody's own is said, too. */
export const bannerOf = ({ name, account, region }: Stage, endpoint = process.env.AWS_ENDPOINT_URL): string =>
  `stage ${name}, account ${account}, region ${region}${endpoint ? `, at ${endpoint}` : ""}`;

/** Steps that run in this process have no log there: what a person must know is told here, the rest is in the documents. */
const warn = (text: string, output: Output): void => {
  const { entry } = lineOf(text);
  if (entry && /^(WARN|ERROR)$/.test(entry.level ?? "")) output.say(readable(entry));
};
