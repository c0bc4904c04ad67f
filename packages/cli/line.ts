import { type Command, InvalidArgumentError, Option } from "commander";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { complain, endBySignal } from "./door.ts";
import type { Output } from "./output.ts";
import type { Place, PlaceOptions } from "./place.ts";
import { ENGINES } from "./stack.ts";

export type Global = PlaceOptions & { json?: boolean };

/** What the verbs are made with: where they belong, where they say what came, and what runs them. */
export type Line = {
  program: Command;
  output: Output;
  /** A verb of `parent`, with the command that its help ends with. */
  verb: (parent: Command, words: string, means: string, next: string) => Command;
  /**
   * Runs a command on the stage that is named; or on the stack that is running, or on one of its own, which may settle
   * before the command ends.
   */
  at: (options: Global, work: (place: Place) => Promise<void>, settles?: boolean) => Promise<void>;
};

export const lineOf = (program: Command, output: Output): Line => ({
  program,
  output,
  verb: (parent, words, means, next) =>
    parent.command(words).description(means).addHelpText("after", `\nNext: pregao ${next}`),
  at: async (options, work, settles = false) => {
    endBySignal(output);
    const place = await openSoon(options, output);
    try {
      await work(place);
    } catch (error) {
      // Before anybody else's command is waited for.
      process.exitCode = complain(error, output);
    } finally {
      await place.close(settles);
    }
  },
});

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
export const everywhere = (command: Command): Command => {
  for (const verb of command.commands) everywhere(verb);
  return command
    .option("--state <dir>", "state directory of the laptop's river (default: .pregao)", folder)
    .option("--stage <name>", "a deployed stage instead of the laptop")
    .option("--json", "one JSON document on standard output, and nothing else there");
};

/** A command's options over those of the commands it belongs to. */
export const optionsOf = <T extends Global>(command: Command): T => ({
  ...(command.parent ? optionsOf(command.parent) : {}),
  ...(command.opts() as T),
});

/** Whether a stage is named that is no laptop's. */
export const isDeployed = <T extends { stage?: string }>(options: T): options is T & { stage: string } =>
  options.stage !== undefined && options.stage !== "local";

/** For verbs of a laptop's own river. `instead` is what does the like of a deployed stage. @throws PregaoError `usage`. */
export const localOnly = ({ stage }: Global, verb: string, instead: string): void => {
  if (isDeployed({ stage }))
    throw new PregaoError("usage", `expected ${verb} without --stage ${stage}: it is of a laptop's river. ${instead}`);
};

export const datasetIn = (datasets: readonly Dataset[], name: string, others: readonly string[] = []): Dataset => {
  const dataset = datasets.find((d) => d.name === name);
  const names = [...datasets.map((d) => d.name), ...others].join(", ");
  if (!dataset)
    throw new PregaoError("unknown_dataset", `expected a dataset (${names}), came ${name}; pregao datasets lists them`);
  return dataset;
};

/** The dataset named, or the first that has what is asked for. */
export const datasetOr = async (name: string | undefined, has: "raw" | "sessions"): Promise<Dataset> => {
  const { datasets } = await import("../datasets/index.ts");
  return queuedDataset(name ?? datasets.find((d) => d.raw && d[has])?.name ?? "");
};

/** A dataset that has messages, files and dead letters. */
export const queuedDataset = async (name: string, others: readonly string[] = []): Promise<Dataset> => {
  const { datasets } = await import("../datasets/index.ts");
  const dataset = datasetIn(datasets, name, others);
  if (dataset.raw) return dataset;
  const names = [...datasets.filter((d) => d.raw).map((d) => d.name), ...others].join(", ");
  throw new PregaoError(
    "no_queue",
    `expected a dataset with a queue (${names}), came ${name}: it is computed, so it has no files, messages or dead letters`,
  );
};

export const gathered = (value: string, before: string[]): string[] => [...before, value];

export const layouts = (): Option =>
  new Option("--layout <table=columns>", "partitions of a table, for a new state directory, e.g. TABLE=year,ticker")
    .argParser(gathered)
    .default([], "as they are declared");

export const engine = (): Option =>
  new Option("--engine <name>", "what makes the tables; spark is that of AWS Glue, and asks for PySpark").choices(
    ENGINES,
  );

export const port = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return Number(text);
};

const folder = (text: string): string => {
  if (text.trim() === "") throw new InvalidArgumentError("Expected a folder.");
  return text;
};

export const address = (text: string): string => {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ""))
    throw new InvalidArgumentError("Expected an address that starts with http:// or https://.");
  return text;
};
