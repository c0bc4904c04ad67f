import { eachLetter, type Letter } from "../../aws/letters.ts";
import { PregaoError } from "../../core/errors.ts";
import { stays } from "../../core/replay.ts";
import { beforeEnd } from "../door.ts";
import { count } from "../output.ts";
import type { Place } from "../place.ts";
import { byAge, chosen, compare, type DlqOptions, type Letterbox, limitOf, PATIENCE_MS, unseen } from "./choice.ts";
import type { Tried, Try } from "./trial.ts";

export type Tally = { letters: number; records: number };
export type Because = Tally & { reason: string; message: string };

/** What today's judge says of the letters asked for, and which of them are to be sent. */
export type Survey = {
  all: number;
  found: Tally;
  /** Names of the letters to be sent; no more than `--limit`, the oldest first. */
  names: string[];
  going: Tally;
  pass: Tally;
  refuse: Because[];
  stay: { failedBefore: Tally; refused: Because[]; beyondLimit: Tally };
};

/** Judges every letter asked for, once, and keeps of each no more than its name and its counts. */
export const survey = async (place: Place, box: Letterbox, options: DlqOptions, trying: Try): Promise<Survey> => {
  const wanted = chosen(options, Date.now());
  const patching = (options.patch ?? []).length > 0;
  const candidates: { name: string; seen: string; id: string; records: number; tried: Tried["trial"] }[] = [];
  const stay = { failedBefore: { letters: 0, records: 0 }, refused: new Map<string, Because>() };
  const found = { letters: 0, records: 0 };
  const tickers = new Set<string>();
  let all = 0;
  let broken: unknown;
  const visit = async (letter: Letter) => {
    all++;
    if (!wanted(letter)) return;
    const records = letter.records.length;
    add(found, { letters: 1, records });
    tickers.add(letter.ticker);
    if (broken) return;
    try {
      const { trial } = await trying(letter);
      const why = options.again ? null : stays(letter, trial);
      if (why === "failed_before") add(stay.failedBefore, { letters: 1, records });
      else if (why === "refused") {
        // All of its reasons are worth a line; the letter counts under the first.
        for (const [i, r] of trial.refused.entries()) because(stay.refused, { ...r, letters: i === 0 ? 1 : 0 });
      } else {
        const { name, seen, id } = letter;
        candidates.push({ name, seen, id, records, tried: trial });
      }
    } catch (error) {
      if (!(error instanceof PregaoError && patching)) throw error;
      broken = error;
    }
  };
  const { hidden, whole } = await eachLetter(place.aws, box.name, visit, { patience: PATIENCE_MS, beforeEnd });
  if (patching && tickers.size > 1)
    throw new PregaoError(
      "usage",
      `--patch sets the same value in every record: expected letters of one ticker, these are of ${count(tickers.size)}; add --ticker`,
    );
  if (broken) throw broken;
  const not = unseen(hidden, whole);
  if (not) place.output.say(not);
  const going = candidates.sort(byAge).slice(0, limitOf(options));
  const beyond = candidates.slice(going.length);
  const refuse = new Map<string, Because>();
  for (const { tried } of going) for (const r of tried.refused) because(refuse, { ...r, letters: 1 });
  return {
    all,
    found,
    names: going.map((c) => c.name),
    going: sum(going),
    pass: {
      letters: going.filter((c) => c.tried.passes > 0).length,
      records: going.reduce((total, c) => total + c.tried.passes, 0),
    },
    refuse: byReason(refuse),
    stay: { failedBefore: stay.failedBefore, refused: byReason(stay.refused), beyondLimit: sum(beyond) },
  };
};

const add = (to: Tally, more: Tally): void => {
  to.letters += more.letters;
  to.records += more.records;
};

const sum = (all: readonly { records: number }[]): Tally => ({
  letters: all.length,
  records: all.reduce((total, one) => total + one.records, 0),
});

/** Counts by reason; the first message of each stands for all. */
const because = (map: Map<string, Because>, { reason, message, letters, records }: Because): void => {
  const same = map.get(reason);
  if (same) add(same, { letters, records });
  else map.set(reason, { reason, message: message.slice(0, 300), letters, records });
};

const byReason = (map: ReadonlyMap<string, Because>): Because[] =>
  [...map.values()].sort((a, b) => b.records - a.records || compare(a.reason, b.reason));
