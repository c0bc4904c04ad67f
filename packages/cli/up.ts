import { PregaoError } from "../core/errors.ts";
import { type Topology, topology } from "../core/topology.ts";
import { nextTick } from "../local/clock.ts";
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
      ...(options.web ? [looking(topology(place.datasets, place.stage.pace), Date.now()), ""] : []),
      `Next, in another terminal: ${options.web ? "pregao tail" : "pregao demo"}`,
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

const saoPaulo = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "America/Sao_Paulo",
  dateStyle: "short",
  timeStyle: "short",
});

/** When clocks look next for new files of each origin, after an instant in ms since 1970: nothing else is seen until then. */
export const looking = ({ clocks }: Topology, now: number): string => {
  const first = new Map<string, number>();
  for (const clock of clocks) {
    const next = clock.web ? nextTick(clock, now) : null;
    const { dataset } = clock.input as { dataset: string };
    if (next !== null) first.set(dataset, Math.min(next, first.get(dataset) ?? next));
  }
  const all = [...first].sort((a, b) => a[1] - b[1]).map(([name, at]) => `${name} at ${saoPaulo.format(at)}`);
  return all.length > 0
    ? `It looks next for new files of ${all.join(", of ")} in São Paulo; pregao tail shows it.`
    : "No clock looks for new files.";
};
