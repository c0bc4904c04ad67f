import { readFileSync } from "node:fs";
import { Command } from "commander";
import { complain } from "./door.ts";
import { everywhere, type Global, lineOf, optionsOf } from "./line.ts";
import { type Address, isGone, type Output, openOutput } from "./output.ts";
import { answerVerbs } from "./verbs-answers.ts";
import { letterVerbs } from "./verbs-letters.ts";
import { riverVerbs } from "./verbs-river.ts";
import { runVerbs } from "./verbs-runs.ts";

// Verbs are imported when they run: the SDK, DuckDB and the river take most of a second to load. What is wrong with a
// command line is found before a river is started for it.

/** Exit status: 0 done, 1 failed, 2 wrong usage; 128 + n when signal n ended it. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const words = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  let address: Address = {};
  const output = openOutput(words.includes("--json"), () => address);
  // A reader that has seen enough, as `head` does, is no failure of ours.
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error) => {
      if (!isGone(error)) throw error;
    });
  process.once("uncaughtException", (error) => process.exit(complain(error, output)));
  try {
    const program = commands(output);
    program.hook("preAction", (_, verb) => {
      address = optionsOf<Global>(verb);
    });
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = complain(error, output);
  }
};

/** Everything the command line understands. */
export const commands = (output: Output): Command => {
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

  const line = lineOf(program, output);
  riverVerbs(line);
  letterVerbs(line);
  answerVerbs(line);
  runVerbs(line);
  return everywhere(program);
};

const version = (): string => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
};
