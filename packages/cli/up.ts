import { PregaoError } from "../core/errors.ts";
import type { Output } from "./output.ts";
import { openPlace, type PlaceOptions } from "./place.ts";

/** `pregao up`: the river on this machine, on Amazon's wire protocols, until it is told to stop. */
export const up = async (options: PlaceOptions & { port?: number | string }, output: Output): Promise<void> => {
  const port = Number(options.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new PregaoError("usage", `expected --port from 0 to 65535, came ${options.port}`);
  const place = await openPlace({ ...options, port }, output);
  if (!place.stack)
    throw new PregaoError("state", `a river is already running on ${place.dir}, at ${place.aws.endpoint}`);
  const url = place.stack.url;
  output.result({ url, state: place.dir, region: place.stage.region, pid: process.pid }, () =>
    [
      `pregao is up at ${url}, state in ${place.dir}`,
      "",
      `  export AWS_ENDPOINT_URL=${url}`,
      `  export AWS_REGION=${place.stage.region} AWS_DEFAULT_REGION=${place.stage.region} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local`,
      // Version 1 of the aws CLI asks AWS itself for queues, whatever AWS_ENDPOINT_URL says.
      "  aws --endpoint-url $AWS_ENDPOINT_URL sqs list-queues",
      "",
      "Next, in another terminal: pregao demo",
      "Stop with Ctrl-C.",
      "",
    ].join("\n"),
  );
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  output.say("stopping; what is under way goes on at the next start");
  place.aws.close();
  await place.stack.stop();
};
