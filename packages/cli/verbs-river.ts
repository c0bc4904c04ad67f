import { type Command, Option } from "commander";
import type { IngestOptions } from "./ingest-choice.ts";
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

/** A copy of the origins, or a proxy to them. */
const mirror = () =>
  new Option("--mirror <url>", "ask this server for https://HOST/PATH at URL/HOST/PATH")
    .env("PREGAO_MIRROR")
    .argParser(address);

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
    .addOption(mirror())
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
    "ingest [datasets...]",
    "fetch what the exchange publishes, or send a file that you have, through the river",
    "datasets, then pregao ingest DATASET --year 2024 --wait",
  )
    .option("--session <day>", "of this session, YYYY-MM-DD (default: the newest)")
    .option("--from <day>", "of every session from this one on")
    .option("--to <day>", "up to this one (default: today)")
    .option("--year <year>", "of every session of a year")
    .option("--only <parts>", "of what the dataset has in parts, these, by commas")
    .option("--again", "also what is there already")
    .addOption(mirror())
    .option("--file <path>", "instead, a file of the origin that you have: zip or text")
    .addOption(new Option("--url <url>", "instead, a file at this address").conflicts("file").argParser(address))
    .option("--version <text>", "the file's version, instead of the date in its header")
    .option("--wait", "until everything that was sent is published or rejected")
    .addOption(layouts())
    .addOption(engine())
    .action(async (names: string[], _, self: Command) => {
      const options = optionsOf<Global & IngestOptions>(self);
      const { datasets } = await import("../datasets/index.ts");
      const { chosen } = await import("./ingest-choice.ts");
      const choice = chosen(datasets, names, options, Date.now());
      const { ingest, openFile } = await import("./ingest.ts");
      if (choice.is === "given" && "file" in choice.at) await (await openFile(choice.at.file)).close();
      await at(options, (place) => ingest(place, choice, options), true);
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
