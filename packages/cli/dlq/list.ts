import { eachLetter, type Letter } from "../../aws/letters.ts";
import { depth } from "../../aws/queues.ts";
import { beforeEnd } from "../door.ts";
import { ago, count, fields, fitted, plural, printable } from "../output.ts";
import type { Place } from "../place.ts";
import {
  byAge,
  chosen,
  compare,
  type DlqOptions,
  type Letterbox,
  limitOf,
  none,
  PATIENCE_MS,
  thing,
  unseen,
} from "./choice.ts";

/** Letters that a screen shows unless told otherwise; a document has all that fit. */
const SHOWN = 10;
const RECORDS_SHOWN = 5;
/** Bodies that `show` holds at once: the oldest letters up to this. */
const SHOW_BYTES = 64 * 1024 * 1024;

/** Of the message that stands for a group. */
const MESSAGE_CHARACTERS = 300;

type Group = {
  reason: string;
  ticker: string;
  letters: number;
  records: number;
  /** Of the letters: in the archive in S3, and refused again after a replay. */
  archived: number;
  again: number;
  /** When the oldest and the youngest were first seen. */
  first: string;
  last: string;
  message: string;
};

/** `dlq list`: what was refused, by reason and ticker, in the queue and in the archive. */
export const list = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const most = limitOf(options);
  const { letters, all } = await look(
    place,
    box,
    options,
    ({ reason, ticker, records, at, attempts, seen, id, message }) => ({
      ...{ reason, ticker, at, attempts, seen, id },
      records: records.length,
      message: message.slice(0, MESSAGE_CHARACTERS),
      bytes: 0,
    }),
  );
  const wanted = letters.sort(byAge).slice(0, most);
  const groups = [...Map.groupBy(wanted, (l) => `${l.reason}\n${l.ticker}`).values()]
    .map(
      (group): Group => ({
        reason: group[0]!.reason,
        ticker: group[0]!.ticker,
        letters: group.length,
        records: group.reduce((sum, l) => sum + l.records, 0),
        archived: group.filter((l) => l.at === "archive").length,
        again: group.filter((l) => l.attempts > 1).length,
        first: group[0]!.seen,
        last: group.at(-1)!.seen,
        message: group[0]!.message,
      }),
    )
    .sort((a, b) => b.records - a.records || compare(a.reason, b.reason) || compare(a.ticker, b.ticker));
  const { visible, inFlight } = await depth(place.aws, box.name);
  const queued = visible + inFlight;
  if (queued > 0)
    place.output.say(
      `${plural(queued, "message")} ${queued === 1 ? "is" : "are"} still in the queue ${box.name}: what of them is refused comes yet`,
    );
  place.output.result(groups, () =>
    [
      groups.length === 0 ? none(box, all) : tableOf(box, groups),
      groups.length === 0
        ? "Next: pregao status\n"
        : `Next: pregao dlq show ${box.name}${groups.length > 1 ? ` --reason ${groups[0]!.reason}` : ""}\n`,
    ].join("\n"),
  );
};

const tableOf = (box: Letterbox, groups: readonly Group[]): string => {
  // Mostly none was: a screen has room for better things.
  const again = groups.some((g) => g.again > 0);
  const columns = fields(
    "reason",
    "ticker",
    ["letters", "bigint"],
    [`${thing(box)}s`, "bigint"],
    ...(again ? [["again", "bigint"] as [string, string]] : []),
    "where",
    "first seen",
    "message",
  );
  const rows = groups.map((g) => [
    g.reason,
    g.ticker,
    count(g.letters),
    count(g.records),
    ...(again ? [count(g.again)] : []),
    whereabouts(g),
    ago(g.first),
    g.message,
  ]);
  return fitted(columns, rows, columns.length - 1);
};

const whereabouts = ({ letters, archived }: Group): string =>
  archived === 0
    ? "queue"
    : archived === letters
      ? "archive"
      : `${count(letters - archived)} queue, ${count(archived)} archive`;

/** `dlq show`: each dead letter with its reason, the field it names, its records, and where it is. */
export const show = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const most = limitOf(options);
  const { letters, all, matching } = await look(
    place,
    box,
    options,
    (letter) => ({ ...letter, bytes: 2 * letter.body.length }),
    most,
  );
  const wanted = letters.sort(byAge).slice(0, most);
  const expected = Math.min(matching, most);
  if (wanted.length < expected)
    place.output.say(
      `the oldest ${count(wanted.length)} of ${count(expected)}: more do not fit; choose with --reason, --ticker or --since`,
    );
  const shown = options.limit === undefined ? wanted.slice(0, SHOWN) : wanted;
  place.output.result(
    wanted.map(({ body: _, bytes: __, name: ___, ...letter }) => letter),
    () =>
      [
        ...(wanted.length === 0 ? [none(box, all)] : shown.map(screen)),
        ...(shown.length < matching && shown.length < most
          ? [`The oldest ${count(shown.length)} of ${count(matching)}; --limit N shows more, dlq list counts them.\n`]
          : []),
        wanted.length === 0
          ? `Next: pregao dlq list ${box.name}\n`
          : `Next: pregao dlq replay ${box.name} --dry-run${box.raw ? ", with --patch FIELD=VALUE to put a field right" : ""}\n`,
      ].join("\n"),
  );
};

type Kept = { seen: string; id: string; bytes: number };

/**
 * What `keep` keeps of each letter asked for, and how many there are in all. It says so when some are in other hands.
 * Memory: {@link SHOW_BYTES} of what is kept, and the oldest `most` letters of it.
 */
const look = async <T extends Kept>(
  place: Place,
  box: Letterbox,
  options: DlqOptions,
  keep: (letter: Letter) => T,
  most = Number.POSITIVE_INFINITY,
): Promise<{ letters: T[]; all: number; matching: number }> => {
  const wanted = chosen(options, Date.now());
  let letters: T[] = [];
  let all = 0;
  let matching = 0;
  let bytes = 0;
  const prune = () => {
    letters.sort(byAge);
    let sum = 0;
    const end = letters.findIndex((l, index) => {
      sum += l.bytes;
      return index >= most || (index > 0 && sum > SHOW_BYTES);
    });
    letters = end < 0 ? letters : letters.slice(0, end);
    bytes = letters.reduce((total, l) => total + l.bytes, 0);
  };
  const { hidden, whole } = await eachLetter(
    place.aws,
    box.name,
    (letter) => {
      all++;
      if (!wanted(letter)) return;
      matching++;
      const kept = keep(letter);
      letters.push(kept);
      bytes += kept.bytes;
      if (bytes > 2 * SHOW_BYTES || letters.length > 2 * most + 1000) prune();
    },
    { patience: PATIENCE_MS, beforeEnd },
  );
  prune();
  const not = unseen(hidden, whole);
  if (not) place.output.say(not);
  return { letters, all, matching };
};

const screen = (l: Letter): string =>
  [
    `${printable(l.id)}  ${printable(l.reason)}  ${printable(l.ticker)}`,
    `  ${printable(l.message)}`,
    `  at ${printable(l.path) || "the whole message"}, first seen ${ago(l.seen)}, ${plural(l.attempts, "attempt")}${l.before.length ? `, before: ${l.before.map(printable).join(", ")}` : ""}, in the ${l.at}`,
    ...l.records.slice(0, RECORDS_SHOWN).map((record) => `  ${printable(JSON.stringify(record) ?? "")}`),
    ...(l.records.length > RECORDS_SHOWN ? [`  … and ${count(l.records.length - RECORDS_SHOWN)} more`] : []),
    "",
  ].join("\n");
