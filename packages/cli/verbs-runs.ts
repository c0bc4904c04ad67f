import type { Command } from "commander";
import type { AcceptOptions } from "./accept.ts";
import { datasetIn, engine, type Global, type Line, optionsOf } from "./line.ts";
import type { PauseOptions } from "./pause.ts";
import type { RefineOptions } from "./refine.ts";

/** How a person steers the runs. */
export const runVerbs = ({ program, verb, at }: Line): void => {
  verb(
    program,
    "refine <dataset>",
    "bring what is pending into the tables now; with --rebuild make units anew from raw",
    "datasets, then pregao refine DATASET",
  )
    .option("--retry-held", "try again also what is held")
    .option("--rebuild", "make units anew from raw, by today's SQL, columns and calendar")
    .option("--without-gone", "with --rebuild: also without raw objects that are gone")
    .option("--unit <unit...>", "with --rebuild: only these units, e.g. years (default: all)")
    .addOption(engine())
    .option("--yes", "do not ask")
    .action(async (name: string, _, self: Command) => {
      const options = optionsOf<Global & RefineOptions>(self);
      datasetIn((await import("../datasets/index.ts")).datasets, name);
      const { check, refine } = await import("./refine.ts");
      check(options);
      await at(
        { ...options, existing: true },
        (place) => refine(place, datasetIn(place.datasets, name), options),
        true,
      );
    });

  verb(
    program,
    "pause <dataset>",
    "open no new run until it is resumed; what arrives waits in raw",
    "datasets, then pregao pause DATASET",
  )
    .option("--why <text>", "what status will say")
    .action(async (name: string, _, self: Command) => {
      const options = optionsOf<Global & PauseOptions>(self);
      datasetIn((await import("../datasets/index.ts")).datasets, name);
      const { check, pause } = await import("./pause.ts");
      check(options);
      await at({ ...options, still: true, existing: true }, (place) =>
        pause(place, datasetIn(place.datasets, name), options),
      );
    });

  verb(
    program,
    "resume <dataset>",
    "open runs again, the next one at once",
    "datasets, then pregao resume DATASET",
  ).action(async (name: string, _, self: Command) => {
    const options = optionsOf<Global>(self);
    datasetIn((await import("../datasets/index.ts")).datasets, name);
    const { resume } = await import("./pause.ts");
    await at({ ...options, existing: true }, (place) => resume(place, datasetIn(place.datasets, name)), true);
  });

  verb(
    program,
    "accept <dataset>",
    "publish what a law holds, as it is: a person has looked at it",
    "status, then pregao accept DATASET --law LAW",
  )
    .option("--law <law>", "the law that is broken, as status names it")
    .option("--session <day>", "only what is held of this session, YYYY-MM-DD")
    .option("--origin <sha256>", "only what is held of this file; its first digits are enough")
    .option("--yes", "do not ask")
    .action(async (name: string, _, self: Command) => {
      const options = optionsOf<Global & AcceptOptions>(self);
      datasetIn((await import("../datasets/index.ts")).datasets, name);
      const { accept, check } = await import("./accept.ts");
      check(options);
      await at(
        { ...options, existing: true },
        (place) => accept(place, datasetIn(place.datasets, name), options),
        true,
      );
    });
};
