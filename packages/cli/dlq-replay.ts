import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { eachLetter, type Letter, takeLetters } from "../aws/letters.ts";
import { send } from "../aws/queues.ts";
import { record, restore, withdrawnOf } from "../aws/replays.ts";
import { copy } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import {
  eventsOf,
  type Outcome,
  outcomeKey,
  partKey,
  type Replay,
  replayKey,
  replayName,
  stays,
} from "../core/replay.ts";
import { confirmed } from "./confirm.ts";
import {
  byAge,
  chosen,
  compare,
  type DlqOptions,
  type Letterbox,
  limitOf,
  none,
  PATIENCE_MS,
  patches,
  short,
  unseen,
} from "./dlq-choice.ts";
import { audit } from "./dlq-log.ts";
import { type Sending, type Tried, type Try, tryOf } from "./dlq-trial.ts";
import { beforeEnd } from "./door.ts";
import { count, fields, plural, table } from "./output.ts";
import type { Place } from "./place.ts";

/** For how long this command tries to send some letters again. */
const SEND_MS = 60_000;

type Tally = { letters: number; records: number };
type Because = Tally & { reason: string; message: string };

/** What today's judge says of the letters asked for, and which of them are to be sent. */
type Survey = {
  all: number;
  found: Tally;
  /** Names of the letters to be sent; no more than `--limit`, the oldest first. */
  names: string[];
  going: Tally;
  pass: Tally;
  refuse: Because[];
  stay: { failedBefore: Tally; refused: Because[]; beyondLimit: Tally };
};

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
    `Send ${plural(asked.going.letters, "dead letter")} to ${box.name} again${mending.length ? ` with ${mending.join(", ")} in every record` : ""}? ${expectation(asked)}`,
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
      `  replay ${id}: ${expectation(asked)}`,
      ...explained(asked),
      "",
      `Next: pregao dlq list ${box.name}${box.raw ? `, or pregao dlq undo ${box.name} ${id}` : ""}\n`,
    ].join("\n"),
  );
};

/** Judges every letter asked for, once, and keeps of each no more than its name and its counts. */
const survey = async (place: Place, box: Letterbox, options: DlqOptions, trying: Try): Promise<Survey> => {
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

/**
 * Sends exactly the letters of the survey, wherever they are now. The order of each part: what is to be sent is written
 * down, it is sent, how it ended is written down, what was accepted is deleted. Cut anywhere, a letter is sent twice at
 * most, which gives the same rows.
 */
const carryOut = async (place: Place, box: Letterbox, options: DlqOptions, trying: Try, asked: Survey) => {
  const { aws } = place;
  const at = new Date().toISOString();
  const id = replayName(at, randomBytes(3).toString("hex"));
  const { yes: _, dryRun: __, reason, ticker, limit, patch, again, olderThan, since } = options;
  const header: Replay = {
    ...{ format: 1, replay: id, dataset: box.name, at, by: whoami() },
    options: { reason, ticker, olderThan, since, limit, patch, again },
    ...asked.going,
  };
  await record(aws, replayKey(box.name, id, "replay"), header);
  const withdrawn = box.raw ? await withdrawnOf(aws, box.name) : new Set<string>();
  let parts = 0;
  let sent = 0;
  let why = "";
  const act = async (letters: readonly Letter[]): Promise<ReadonlySet<string>> => {
    const tried = await Promise.all(letters.map(async (letter) => ({ letter, ...(await trying(letter)) })));
    const key = partKey(box.name, id, ++parts);
    await record(aws, key, {
      format: 1,
      letters: tried.map(({ letter: { name, id, reason, ticker, seen, attempts, body }, sending }) => ({
        ...{ name, id, reason, ticker, seen, attempts, body },
        sent: "to" in sending ? sending.to : sending.body === body ? null : sending.body,
      })),
    });
    if (withdrawn.size > 0) {
      const events = tried.flatMap(({ rows }) => eventsOf(box as Dataset, rows).events);
      await restore(
        aws,
        box.name,
        events.filter((event) => withdrawn.has(event)),
      );
    }
    const ends = await sendAgain(place, box, tried);
    const accepted = tried.filter((_, i) => ends[i] === null).map(({ letter }) => letter.name);
    const outcome: Outcome = {
      ...{ format: 1, at: new Date().toISOString(), accepted: accepted.length },
      not: tried.flatMap(({ letter }, i) => (ends[i] ? [{ name: letter.name, ...ends[i] }] : [])),
    };
    why ||= outcome.not[0]?.why ?? "";
    await record(aws, outcomeKey(key), outcome);
    sent += accepted.length;
    return new Set(accepted);
  };
  const missing = await takeLetters(aws, box.name, new Set(asked.names), act, { patience: PATIENCE_MS, beforeEnd });
  audit(place, "dead letters sent again", {
    dataset: box.name,
    replay: id,
    by: header.by,
    letters: asked.names.length,
    sent,
    missing,
  });
  return { id, sent, missing, why };
};

type NotSent = Omit<Outcome["not"][number], "name">;

/** Null: it was accepted. */
const sendAgain = async (
  place: Place,
  box: Letterbox,
  tried: readonly { letter: Letter; sending: Sending }[],
): Promise<(NotSent | null)[]> => {
  const ends: (NotSent | null)[] = tried.map(() => null);
  const messages = tried.flatMap(({ letter, sending }, index) =>
    "body" in sending ? [{ letter, sending, index }] : [],
  );
  const outgoing = messages.map(({ letter, sending }) => ({
    id: letter.id,
    group: letter.ticker || "unreadable",
    body: sending.body,
  }));
  const sent = await send(place.aws, box.name, outgoing, { until: Date.now() + SEND_MS });
  messages.forEach(({ index }, i) => {
    const { outcome = "unknown", reason = "no answer" } = sent[i] ?? {};
    if (outcome !== "accepted") ends[index] = { outcome, why: reason.slice(0, 1000) };
  });
  for (const [index, { sending }] of tried.entries())
    if ("object" in sending && !(await copy(place.aws, "lake", sending.object, sending.to)))
      ends[index] = { outcome: "refused", why: `${sending.object.key} is not there any more, or is another version` };
  return ends;
};

/** Who sits at a laptop. */
export const whoami = (): Replay["by"] => {
  const user = () => {
    try {
      return userInfo().username;
    } catch {
      return process.env.USER ?? "unknown";
    }
  };
  return { user: user().slice(0, 256), host: hostname().slice(0, 256) };
};

const expectation = ({ pass, refuse }: Survey): string => {
  const back = refuse.reduce((total, r) => total + r.records, 0);
  return `${plural(pass.records, "record")} of ${plural(pass.letters, "letter")} would pass today${back ? `, ${plural(back, "record")} come back` : ""}.`;
};

const forecast = (box: Letterbox, asked: Survey): string[] => [
  `${plural(asked.found.letters, "dead letter")} of ${box.name}, ${plural(asked.found.records, "record")}: ${plural(asked.names.length, "letter")} would be sent again.`,
  ...(asked.names.length ? [`  ${expectation(asked)}`] : []),
  ...explained(asked),
  ...reasons("Would come back:", asked.refuse),
  ...reasons("Would be refused, and are left where they are:", asked.stay.refused),
  "",
];

/** Why letters that were asked for are not sent. */
const explained = ({ stay }: Survey): string[] => {
  const refused = stay.refused.reduce((total, r) => total + r.letters, 0);
  return [
    ...(stay.failedBefore.letters
      ? [
          `  left where they are: ${plural(stay.failedBefore.letters, "letter")} that failed again after a replay; --again sends them too`,
        ]
      : []),
    ...(refused
      ? [
          `  left where they are: ${plural(refused, "letter")} that would be refused again today; --again sends them too`,
        ]
      : []),
    ...(stay.beyondLimit.letters ? [`  beyond --limit: ${plural(stay.beyondLimit.letters, "letter")}`] : []),
  ];
};

const reasons = (title: string, all: readonly Because[]): string[] =>
  all.length === 0
    ? []
    : [
        "",
        title,
        table(
          fields("reason", ["letters", "bigint"], ["records", "bigint"], "for example"),
          all.map((r) => [r.reason, count(r.letters), count(r.records), short(r.message)]),
        ),
      ];
