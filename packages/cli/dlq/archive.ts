import { randomBytes } from "node:crypto";
import { archiveLetters, eachLetter } from "../../aws/letters.ts";
import { record } from "../../aws/replays.ts";
import { type PutAway, putAwayKey, replayName } from "../../core/replay.ts";
import { confirmed } from "../confirm.ts";
import { beforeEnd } from "../door.ts";
import { count, plural } from "../output.ts";
import type { Place } from "../place.ts";
import { audit, whoami } from "./audit.ts";
import { byAge, chosen, type DlqOptions, type Letterbox, limitOf, none, PATIENCE_MS, thing, unseen } from "./choice.ts";

/**
 * `dlq archive`: puts letters that nobody will mend into the archive before their ten days are over, where they are
 * stuck no more. `list`, `show` and `replay` find them there as before.
 */
export const archive = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const wanted = chosen(options, Date.now());
  const found: { name: string; seen: string; id: string; records: number }[] = [];
  let all = 0;
  const { hidden, whole } = await eachLetter(
    place.aws,
    box.name,
    (letter) => {
      if (letter.at === "archive") return "stop";
      all++;
      if (wanted(letter)) found.push({ ...letterOf(letter), records: letter.records.length });
      return undefined;
    },
    { patience: PATIENCE_MS, beforeEnd },
  );
  const not = unseen(hidden, whole);
  if (not) place.output.say(not);
  const going = found.sort(byAge).slice(0, limitOf(options));
  const records = going.reduce((sum, letter) => sum + letter.records, 0);
  if (going.length === 0) {
    place.output.result({ dataset: box.name, archive: null, letters: 0, records: 0, left: all }, () =>
      [
        all > 0 ? none(box, all) : `No dead letters in the queue of ${box.name}.\n`,
        `Next: pregao dlq list ${box.name}\n`,
      ].join("\n"),
    );
    return;
  }
  await confirmed(
    `Put ${plural(going.length, "dead letter")} of ${box.name} with ${plural(records, thing(box))} into the archive? They stay out of the tables, and can be sent again from there.`,
    options.yes,
  );
  const at = new Date().toISOString();
  const { reason, ticker, olderThan, since, limit } = options;
  const document: PutAway = {
    ...{ format: 1, archive: replayName(at, randomBytes(3).toString("hex")), dataset: box.name, at, by: whoami() },
    ...{ options: { reason, ticker, olderThan, since, limit }, letters: going.length, records },
    names: going.map(({ name }) => name),
  };
  await record(place.aws, putAwayKey(box.name, document.archive), document);
  const letters = await archiveLetters(place.aws, box.name, new Set(document.names), {
    patience: PATIENCE_MS,
    beforeEnd,
  });
  audit("dead letters put into the archive", {
    ...{ dataset: box.name, archive: document.archive, by: document.by },
    ...{ letters, missing: going.length - letters },
  });
  if (letters < going.length)
    place.output.say(
      `${plural(going.length - letters, "dead letter")} not moved: in the hands of another command by now, or settled by it`,
    );
  const result = { dataset: box.name, archive: document.archive, letters, records, left: all - letters };
  place.output.result(result, () =>
    [
      `${plural(letters, "dead letter")} of ${box.name} put into the archive; ${count(all - letters)} left in the queue.`,
      "",
      "Next: pregao status",
      "",
    ].join("\n"),
  );
};

const letterOf = ({ name, seen, id }: { name: string; seen: string; id: string }) => ({ name, seen, id });
