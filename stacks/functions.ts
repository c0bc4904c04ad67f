/// <reference path="../.sst/platform/config.d.ts" />
import { environment } from "../packages/core/stage.ts";
import type { Stores } from "./lake.ts";
import { logGroup } from "./logs.ts";
import type { River } from "./river.ts";
import { role } from "./roles.ts";
import { logGroups } from "./statements.ts";

/** By the topology's names. */
export type Handlers = Record<string, sst.aws.Function>;

/** The stage in a function's environment. Lambda sets AWS_REGION itself, and refuses whoever names it. */
export const variables = ({ stage }: River): Record<string, string> => {
  const { AWS_REGION: _, ...ours } = environment(stage);
  return ours;
};

/** The functions of the topology, bundled by SST, each in its own role. Nothing starts them yet. */
export const functions = (river: River, { key }: Stores): Handlers =>
  Object.fromEntries(
    river.topology.functions.map(({ name, handler, timeout, memory }) => [
      name,
      new sst.aws.Function(`${name[0]!.toUpperCase()}${name.slice(1)}`, {
        name: river.name(name),
        handler,
        runtime: "nodejs24.x",
        architecture: "arm64",
        timeout: `${timeout} seconds`,
        memory: `${memory} MB`,
        role: role(river, name, "lambda", key.arn),
        // Its lines are JSON already.
        logging: { format: "text", logGroup: logGroup(river, key, logGroups.function(river.stage, name)).name },
        transform: {
          function: (args: aws.lambda.FunctionArgs) => {
            // Nothing but what it reads: SST's own, a key for links, opens nothing here.
            args.environment = { variables: variables(river) };
          },
        },
      }),
    ]),
  );
