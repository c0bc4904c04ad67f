import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import type { DlqOptions } from "./dlq.ts";
import { complain, endBySignal } from "./door.ts";
import type { IngestOptions } from "./ingest.ts";
import { isGone, type Output, openOutput } from "./output.ts";
import type { Place, PlaceOptions } from "./place.ts";
import type { PublishOptions } from "./publish.ts";
import type { QueryOptions } from "./query.ts";

// Verbs are imported when they run: the SDK, DuckDB and the river take most of a second to load. What is wrong with a
// command line is found before a river is started for it.

type Global = PlaceOptions & { json?: boolean };

/** Exit status: 0 done, 1 failed, 2 wrong usage; 128 + n when signal n ended it. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const words = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  let state: string | undefined;
  const output = openOutput(words.includes("--json"), () => state);
  // A reader that has seen enough, as `head` does, is no failure of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error) => {
      if (!isGone(error)) throw error;
    });
  process.once("uncaughtException", (error) => process.exit(complain(error, output.json)));
  try {
    const program = commands(output);
    program.hook("preAction", (_, verb) => {
      state = optionsOf<Global>(verb).state;
    });
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = complain(error, output.json);
  }
};

const commands = (output: Output): Command => {
  const program = new Command("pregao")
    .description(
      "Market data of B3, from where it is published to tables that answer SQL. Local unless --stage says otherwise.",
    )
    .version(version(), "-V, --version", "print the version")
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "pregao: ")) })
    .showHelpAfterError("Run it with --help to see what is expected.")
    .addHelpText("after", "\nNext: pregao demo");

  const verb = (parent: Command, words: string, means: string, next: string): Command =>
    parent.command(words).description(means).addHelpText("after", `\nNext: pregao ${next}`);

  /** Runs a command on the stack that is running, or on one of its own, which may settle before the command ends. */
  const at = async (options: Global, work: (place: Place) => Promise<void>, settles = false): Promise<void> => {
    localOnly(options);
    endBySignal(output.json);
    const place = await openSoon(options, output);
    try {
      await work(place);
    } finally {
      await place.close(settles);
    }
  };

  verb(program, "demo", "a real session file through the whole river, then a query", "demo").action(
    (_, self: Command) => at(optionsOf(self), async (place) => (await import("./demo.ts")).demo(place), true),
  );

  verb(program, "up", "run the river on this machine until Ctrl-C", "up --port 4566")
    .option("--port <n>", "port to listen on (default: one the system chooses)", port)
    .addOption(layouts())
    .action(async (_, self: Command) => {
      const options = optionsOf<Global>(self);
      localOnly(options);
      await (await import("./up.ts")).up(options, output);
    });

  verb(program, "reset", "delete a state directory and all that is in it", "reset --state .pregao")
    .option("--yes", "do not ask")
    .action(async (_, self: Command) => {
      const options = optionsOf<Global & { yes?: boolean }>(self);
      localOnly(options);
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
      await at(options, (place) => publish(place, dataset, options, prepared), true);
    });

  const letters = program.command("dlq").description("what was refused: look at it, put it right, send it again");
  letters.addHelpText("after", "\nNext: pregao datasets, then pregao dlq list DATASET");
  for (const [name, means] of [
    ["list", "counts by reason"],
    ["show", "each one, with its reason and records"],
    ["replay", "send them again; one is deleted only after it was accepted"],
  ] as const) {
    const command = verb(letters, `${name} <dataset>`, means, `datasets, then pregao dlq ${name} DATASET`)
      .option("--reason <code>", "only this reason")
      .option("--ticker <ticker>", "only this ticker")
      .option("--limit <n>", "at most so many, oldest first");
    if (name === "replay")
      command
        .option("--patch <field=value>", "set a field of every record first; the value null for none", gathered, [])
        .option("--dry-run", "say what would be sent, send nothing")
        .option("--yes", "do not ask");
    command.action(async (of: string, _, self: Command) => {
      const options = optionsOf<Global & DlqOptions>(self);
      const dlq = await import("./dlq.ts");
      const box = of === dlq.landed.name ? dlq.landed : await queuedDataset(of, [dlq.landed.name]);
      dlq.check(box, options);
      await at(options, (place) => dlq[name](place, box, options), name === "replay");
    });
  }

  verb(
    program,
    "query [sql]",
    "a statement in Athena's dialect; - reads standard input",
    "schema DATASET for what there is to ask",
  )
    .option("-f, --file <path>", "a file that holds the statement")
    .addOption(
      new Option("--format <format>", "how to give the rows (default: table)").choices([
        "table",
        "csv",
        "json",
        "arrow",
        "parquet",
      ]),
    )
    .option("-o, --output <path>", "write there")
    .action(async (sql: string | undefined, _, self: Command) => {
      const options = optionsOf<Global & QueryOptions>(self);
      const { asked, query } = await import("./query.ts");
      const question = await asked(sql, options, output.json);
      await at(options, (place) => query(place, question));
    });

  verb(
    program,
    "status",
    "what is published, what is under way, what is stuck; exit status 1 if anything is",
    "status",
  ).action((_, self: Command) => at(optionsOf(self), async (place) => (await import("./status.ts")).status(place)));

  verb(program, "datasets", "what flows here", "datasets").action(async (_, self: Command) => {
    localOnly(optionsOf(self));
    const { datasets } = await import("../datasets/index.ts");
    (await import("./schema.ts")).listDatasets(output, datasets);
  });

  verb(
    program,
    "schema <dataset>",
    "the columns of its tables, and its saved queries",
    "datasets, then pregao schema DATASET",
  ).action(async (name: string, _, self: Command) => {
    localOnly(optionsOf(self));
    const { datasets } = await import("../datasets/index.ts");
    (await import("./schema.ts")).schema(output, datasetIn(datasets, name));
  });
  return everywhere(program);
};

/** For how long commands that start at one time on one state directory may take to find the one whose river they use. */
const FINDING_MS = 10_000;

const openSoon = async (options: Global, output: Output): Promise<Place> => {
  const { openPlace } = await import("./place.ts");
  for (const until = Date.now() + FINDING_MS; ; )
    try {
      return await openPlace(options, output);
    } catch (error) {
      if (!(error instanceof PregaoError) || error.code !== "state_in_use" || Date.now() > until) throw error;
    }
};

/** The options that are valid everywhere, before the verb or after it; a verb's help names its own first. */
const everywhere = (command: Command): Command => {
  for (const verb of command.commands) everywhere(verb);
  return command
    .option("--state <dir>", "state directory of the laptop's river (default: .pregao)", folder)
    .option("--stage <name>", "a deployed stage instead of the laptop")
    .option("--json", "one JSON document on standard output, and nothing else there");
};

/** A command's options over those of the commands it belongs to. */
const optionsOf = <T extends Global>(command: Command): T => ({
  ...(command.parent ? optionsOf(command.parent) : {}),
  ...(command.opts() as T),
});

/** What names another stage must not touch the laptop's. */
const localOnly = ({ stage }: Global): void => {
  if (stage !== undefined && stage !== "local")
    throw new PregaoError(
      "stage",
      `expected --stage local, came ${stage}: commands do not reach deployed stages yet; see CHANGELOG.md`,
    );
};

const datasetIn = (datasets: readonly Dataset[], name: string, others: readonly string[] = []): Dataset => {
  const dataset = datasets.find((d) => d.name === name);
  const names = [...datasets.map((d) => d.name), ...others].join(", ");
  if (!dataset)
    throw new PregaoError("unknown_dataset", `expected a dataset (${names}), came ${name}; pregao datasets lists them`);
  return dataset;
};

/** A dataset that has messages, files and dead letters. */
const queuedDataset = async (name: string, others: readonly string[] = []): Promise<Dataset> => {
  const { datasets } = await import("../datasets/index.ts");
  const dataset = datasetIn(datasets, name, others);
  if (dataset.raw) return dataset;
  const names = [...datasets.filter((d) => d.raw).map((d) => d.name), ...others].join(", ");
  throw new PregaoError(
    "no_queue",
    `expected a dataset with a queue (${names}), came ${name}: it is computed, so it has no files, messages or dead letters`,
  );
};

const version = (): string => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
};

const gathered = (value: string, before: string[]): string[] => [...before, value];

const layouts = (): Option =>
  new Option("--layout <table=columns>", "partitions of a table, for a new state directory, e.g. TABLE=year,ticker")
    .argParser(gathered)
    .default([], "as they are declared");

const port = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return Number(text);
};

const folder = (text: string): string => {
  if (text.trim() === "") throw new InvalidArgumentError("Expected a folder.");
  return text;
};

const address = (text: string): string => {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ""))
    throw new InvalidArgumentError("Expected an address that starts with http:// or https://.");
  return text;
};
