import { type Command, Option } from "commander";
import { PregaoError } from "../core/errors.ts";
import type { IngestOptions } from "./ingest.ts";
import {
  address,
  datasetIn,
  engine,
  type Global,
  type Line,
  layouts,
  localOnly,
  optionsOf,
  port,
  queuedDataset,
} from "./line.ts";
import type { PublishOptions } from "./publish.ts";

/** What runs the river and sends into it. */
export const riverVerbs = ({ program, output, verb, at }: Line): void => {
  verb(program, "demo", "a real session file through the whole river, then a query", "demo")
    .addOption(engine())
    .action((_, self: Command) => {
      const options = optionsOf<Global>(self);
      localOnly(options, "demo", "Next: pregao ingest DATASET --file FILE --wait");
      return at(options, async (place) => (await import("./demo.ts")).demo(place), true);
    });

  verb(program, "up", "run the river on this machine until Ctrl-C", "up --port 4566")
    .option("--port <n>", "port to listen on (default: one the system chooses)", port)
    .option("--web", "fetch new sessions from the exchange, in the evening")
    .addOption(layouts())
    .addOption(engine())
    .action(async (_, self: Command) => {
      const options = optionsOf<Global>(self);
      localOnly(options, "up", "A deployed one always runs. Next: pregao status");
      await (await import("./up.ts")).up(options, output);
    });

  verb(program, "reset", "delete a state directory and all that is in it", "reset --state .pregao")
    .option("--yes", "do not ask")
    .action(async (_, self: Command) => {
      const options = optionsOf<Global & { yes?: boolean }>(self);
      localOnly(
        options,
        "reset",
        `docs/deploy.md says how a stage is taken away. Next: npx sst remove --stage ${options.stage}`,
      );
      const { stateDir } = await import("./place.ts");
      await (await import("./reset.ts")).reset(stateDir(options), output, options.yes);
    });

  verb(
    program,
    "ingest <dataset>",
    "send an origin's file through the river",
    "datasets, then pregao ingest DATASET --file FILE --wait",
  )
    .option("--file <path>", "a file of the origin: zip or text")
    .addOption(new Option("--url <url>", "where to download it").conflicts("file").argParser(address))
    .option("--version <text>", "the file's version, instead of the date in its header")
    .option("--wait", "until everything that was sent is published or rejected")
    .addOption(layouts())
    .addOption(engine())
    .action(async (name: string, _, self: Command) => {
      const options = optionsOf<Global & IngestOptions>(self);
      await queuedDataset(name);
      const { ingest, openFile } = await import("./ingest.ts");
      if (options.file !== undefined) await (await openFile(options.file)).close();
      else if (options.url === undefined)
        throw new PregaoError("usage", "expected --file PATH or --url URL: where the origin's bytes are");
      await at(options, (place) => ingest(place, datasetIn(place.datasets, name), options), true);
    });

  verb(program, "publish <dataset>", "send test messages", "datasets, then pregao publish DATASET --invalid")
    .option("--ticker <ticker>", "instead of one that no exchange uses")
    .option("--count <n>", "how many records (default: 1)")
    .option("--session <day>", "YYYY-MM-DD, instead of the last session")
    .option("--file <path>", "records of your own, one JSON object a line; - reads standard input")
    .option("--invalid", "one of each kind of mistake")
    .action(async (name: string, _, self: Command) => {
      const options = optionsOf<Global & PublishOptions>(self);
      const dataset = await queuedDataset(name);
      const { prepare, publish } = await import("./publish.ts");
      const prepared = await prepare(dataset, options);
      await at(options, (place) => publish(place, datasetIn(place.datasets, name), options, prepared), true);
    });
};
