import { PregaoError } from "../../core/errors.ts";
import { confirmed } from "../confirm.ts";
import { count, plural } from "../output.ts";
import type { Place } from "../place.ts";
import { type DlqOptions, type Letterbox, none, patches } from "./choice.ts";
import { expectation, explained, forecast } from "./forecast.ts";
import { carryOut } from "./sending.ts";
import { survey } from "./survey.ts";
import { tryOf } from "./trial.ts";

/**
 * `dlq replay`: sends letters again. Left where they are, unless `--again`: those that failed again after a replay, and
 * those of which today's judge would let no record pass. A letter is deleted only after its message was accepted; a
 * record that is refused again comes back as a letter of its own, with its history.
 */
export const replay = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const patch = patches(box, options.patch);
  const trying = tryOf(place, box, patch);
  const asked = await survey(place, box, options, trying);
  const document = {
    dataset: box.name,
    dryRun: Boolean(options.dryRun),
    found: asked.found.letters,
    records: asked.found.records,
    pass: asked.pass,
    refuse: asked.refuse,
    stay: asked.stay,
  };
  if (options.dryRun || asked.names.length === 0) {
    place.output.result({ ...document, replay: null, sent: 0, left: asked.found.letters }, () =>
      [
        ...(asked.found.letters === 0 ? [none(box, asked.all)] : forecast(box, asked)),
        options.dryRun && asked.names.length > 0
          ? "Next: the same without --dry-run\n"
          : `Next: pregao dlq list ${box.name}\n`,
      ].join("\n"),
    );
    return;
  }
  const mending = Object.entries(patch).map(([name, value]) => `${name}=${value}`);
  await confirmed(
    `Send ${plural(asked.going.letters, "dead letter")} to ${box.name} again${mending.length ? ` with ${mending.join(", ")} in every record` : ""}? ${expectation(box, asked)}`,
    options.yes,
  );
  const { id, sent, missing, why } = await carryOut(place, box, options, trying, asked);
  const left = asked.found.letters - sent;
  const result = { ...document, replay: id, sent, left };
  const refused = asked.names.length - sent - missing;
  if (refused > 0)
    throw new PregaoError(
      "not_accepted",
      `${count(sent)} of ${plural(asked.names.length, "dead letter")} sent again (replay ${id}); ${count(refused)} were not accepted (${why}) and stay where they are. Run the same command again`,
      result,
    );
  if (missing > 0)
    place.output.say(
      `${plural(missing, "dead letter")} not sent: in the hands of another command by now, or settled by it`,
    );
  place.output.result(result, () =>
    [
      `${plural(sent, "dead letter")} sent again.`,
      `  replay ${id}: ${expectation(box, asked)}`,
      ...explained(asked),
      "",
      `Next: pregao dlq list ${box.name}${box.raw ? `, or pregao dlq undo ${box.name} ${id}` : ""}\n`,
    ].join("\n"),
  );
};
