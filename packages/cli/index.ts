import { Command, CommanderError } from "commander";
import { datasetNamed } from "../../functions/river.ts";
import { PregaoError } from "../core/errors.ts";
import { datasets } from "../datasets/index.ts";
import { demo } from "./demo.ts";
import * as dlq from "./dlq.ts";
import { ingest } from "./ingest.ts";
import { openOutput } from "./output.ts";
import { openPlace, type Place, type PlaceOptions, stateDir } from "./place.ts";
import { publish, type PublishOptions } from "./publish.ts";
import { query, type QueryOptions } from "./query.ts";
import { reset } from "./reset.ts";
import { listDatasets, schema } from "./schema.ts";
import { status } from "./status.ts";
import { up } from "./up.ts";

type Global = PlaceOptions & { json?: boolean };

/** Exit status: 0 done, 1 failed, 2 wrong usage. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const program = commands();
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = complain(error, argv.includes("--json"));
  }
};

/** The one door through which errors reach a person. */
const complain = (error: unknown, json: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const known = error instanceof PregaoError;
  if (json) process.stdout.write(`${JSON.stringify({ error: known ? error.code : "internal", message: (error as Error).message })}\n`);
  process.stderr.write(known ? `pregao: ${error.message}\n` : `pregao: unexpected: ${(error as Error)?.stack ?? error}\n`);
  return known && error.code === "usage" ? 2 : 1;
};

const commands = (): Command => {
  const program = new Command("pregao")
    .description("Market data of B3, from where it is published to tables that answer SQL. Local unless --stage says otherwise.")
    .exitOverride()
    .showHelpAfterError("Run with --help to see what is expected.");

  /** A verb's own command, with the options that are valid everywhere. */
  const verb = (parent: Command, words: string, means: string): Command =>
    parent
      .command(words)
      .description(means)
      .exitOverride()
      .option("--state <dir>", "state directory of the laptop's river (default: .pregao)")
      .option("--stage <name>", "a deployed stage instead of the laptop")
      .option("--json", "one JSON document on standard output, and nothing else there");

  const output = (options: Global) => openOutput(Boolean(options.json));
  /** Runs a command on the stack that is running, or on one of its own that settles before the command ends. */
  const at = async (options: Global, work: (place: Place) => Promise<void>, settles = false): Promise<void> => {
    const place = await openPlace(options, output(options));
    try {
      await work(place);
    } finally {
      await place.close(settles);
    }
  };
  const layout: [string, string, (value: string, before: string[]) => string[], string[]] = [
    "--layout <table=columns>",
    "partitions of a table, for a new state directory, e.g. bovespa_refined=year,ticker",
    (value, before) => [...before, value],
    [],
  ];

  verb(program, "demo", "a real session file through the whole river, then a query").action((o: Global) => at(o, (place) => demo(place), true));

  verb(program, "up", "run the river on this machine until Ctrl-C")
    .option("--port <n>", "port to listen on (default: one the system chooses)")
    .option(...layout)
    .action((o: Global) => up(o, output(o)));

  verb(program, "reset", "delete a state directory and all that is in it")
    .option("--yes", "do not ask")
    .action((o: Global & { yes?: boolean }) => reset(stateDir(o), output(o), o.yes));

  verb(program, "ingest <dataset>", "send an origin's file through the river")
    .option("--file <path>", "a file of the origin: zip or text")
    .option("--url <url>", "where to download it")
    .option("--version <text>", "the file's version, instead of the date in its header")
    .option("--wait", "until everything that was sent is published or rejected")
    .option(...layout)
    .action((name: string, o: Global & { file?: string; url?: string; version?: string; wait?: boolean }) =>
      at(o, (place) => ingest(place, datasetNamed(place.datasets, name), o), true),
    );

  verb(program, "publish <dataset>", "send test messages")
    .option("--ticker <ticker>", "instead of one that no exchange uses")
    .option("--count <n>", "how many records")
    .option("--session <day>", "YYYY-MM-DD, instead of the last session")
    .option("--file <path>", "records of your own, one JSON object a line")
    .option("--invalid", "one of each kind of mistake")
    .action((name: string, o: Global & PublishOptions) => at(o, (place) => publish(place, datasetNamed(place.datasets, name), o), true));

  const letters = program.command("dlq").description("what was refused: look at it, put it right, send it again").exitOverride();
  for (const [name, means, action] of [
    ["list", "counts by reason", dlq.list],
    ["show", "each one, with its reason and records", dlq.show],
    ["replay", "send them again; one is deleted only after it was accepted", dlq.replay],
  ] as const) {
    const command = verb(letters, `${name} <dataset>`, means)
      .option("--reason <code>", "only this reason")
      .option("--ticker <ticker>", "only this ticker")
      .option("--limit <n>", "at most so many, oldest first");
    if (name === "replay")
      command
        .option("--patch <field=value>", "set a field of every record first", (value: string, before: string[]) => [...before, value], [])
        .option("--dry-run", "say what would be sent, send nothing")
        .option("--yes", "do not ask");
    command.action((dataset: string, o: Global & dlq.DlqOptions) =>
      at(o, (place) => action(place, datasetNamed(place.datasets, dataset), o), name === "replay"),
    );
  }

  verb(program, "query [sql]", "a statement in Athena's dialect; - reads standard input")
    .option("-f, --file <path>", "a file that holds the statement")
    .option("--format <format>", "table, csv, json, arrow or parquet (default: table)")
    .option("-o, --output <path>", "write there")
    .action((sql: string | undefined, o: Global & QueryOptions) => at(o, (place) => query(place, sql, o)));

  verb(program, "status", "what is published, what is under way, what is stuck; exit status 1 if anything is").action((o: Global) =>
    at(o, status),
  );

  verb(program, "datasets", "what flows here").action((o: Global) => listDatasets(output(o), datasets));
  verb(program, "schema <dataset>", "the columns of its tables").action((name: string, o: Global) =>
    schema(output(o), datasetNamed(datasets, name)),
  );
  return program;
};
