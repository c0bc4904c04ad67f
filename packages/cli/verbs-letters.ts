import type { Command } from "commander";
import type { DlqOptions, Letterbox } from "./dlq/index.ts";
import { type Global, gathered, type Line, optionsOf, queuedDataset } from "./line.ts";
import type { Place } from "./place.ts";

/** A box of a place: what it replays and takes back goes to that stage's tables, in its layouts. */
const boxIn = ({ datasets }: Place, box: Letterbox): Letterbox => datasets.find((d) => d.name === box.name) ?? box;

/** Dead letters: what was refused. */
export const letterVerbs = ({ program, verb, at }: Line): void => {
  const letters = program.command("dlq").description("what was refused: look at it, put it right, send it again");
  letters.addHelpText("after", "\nNext: pregao datasets, then pregao dlq list DATASET");
  const boxNamed = async (of: string) => {
    const { landed } = await import("./dlq/index.ts");
    return of === landed.name ? landed : queuedDataset(of, [landed.name]);
  };
  for (const [name, means] of [
    ["list", "counts by reason and ticker, in the queue and in the archive"],
    ["show", "each one, with its reason and records"],
    ["archive", "put them into the archive now: nobody will mend them, and list, show and replay find them there"],
    ["replay", "send them again; one is deleted only after it was accepted"],
  ] as const) {
    const command = verb(letters, `${name} <dataset>`, means, `datasets, then pregao dlq ${name} DATASET`)
      .option("--reason <code>", "only this reason")
      .option("--ticker <ticker>", "only this ticker")
      .option(
        "--older-than <age>",
        "first seen longer ago: 90m, 12h, 3d, or before 2025-08-29 or 2025-08-29T21:30 in UTC",
      )
      .option("--since <age>", "first seen since then: 90m, 12h, 3d, 2025-08-29 or 2025-08-29T21:30 in UTC")
      .option("--limit <n>", "at most so many, oldest first");
    if (name === "replay")
      command
        .option("--patch <field=value>", "set a field of every record first; the value null for none", gathered, [])
        .option("--again", "also what failed again after a replay, and what today's rules would refuse")
        .option("--dry-run", "say how many records would pass today and why the others not; send nothing")
        .option("--yes", "do not ask");
    if (name === "archive") command.option("--yes", "do not ask");
    command.action(async (of: string, _, self: Command) => {
      const options = optionsOf<Global & DlqOptions>(self);
      const dlq = await import("./dlq/index.ts");
      const box = await boxNamed(of);
      dlq.check(box, options);
      const sends = name === "replay" && !options.dryRun;
      const reads = !sends && name !== "archive";
      await at(
        { ...options, still: !sends, existing: true, reads },
        (place) => dlq[name](place, boxIn(place, box), options),
        sends,
      );
    });
  }
  verb(
    letters,
    "replays <dataset>",
    "what was sent again, by whom and when",
    "datasets, then pregao dlq replays DATASET",
  ).action(async (of: string, _, self: Command) => {
    const box = await boxNamed(of);
    const { listReplays } = await import("./dlq/index.ts");
    await at({ ...optionsOf<Global>(self), still: true, existing: true, reads: true }, (place) =>
      listReplays(place, boxIn(place, box)),
    );
  });
  verb(
    letters,
    "undo <dataset> [replay]",
    "take a replay back, the last one unless named: its records leave the tables and are dead letters again",
    "datasets, then pregao dlq replays DATASET",
  )
    .option("--yes", "do not ask")
    .action(async (of: string, replay: string | undefined, _, self: Command) => {
      const options = optionsOf<Global & { yes?: boolean }>(self);
      const { undo, undoable } = await import("./dlq/index.ts");
      const box = await boxNamed(of);
      undoable(box, replay);
      await at({ ...options, existing: true }, (place) => undo(place, boxIn(place, box), replay, options), true);
    });
};
