import { depth, type Outgoing, peek, type ReceivedMessage, remove, send } from "../aws/queues.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { type DeadLetter, patched, readDeadLetter } from "../core/reject.ts";
import { confirmed } from "./confirm.ts";
import { ago, count, fields, plural, printable, table } from "./output.ts";
import type { Place } from "./place.ts";

export type DlqOptions = {
  reason?: string;
  ticker?: string;
  limit?: string;
  patch?: string[];
  dryRun?: boolean;
  yes?: boolean;
};
/** What has dead letters: a dataset with a queue, or a queue of the river's own. */
export type Letterbox = Pick<Dataset, "name" | "raw">;

/** Bells that nobody understood, and raw objects that were refused as a whole. */
export const landed: Letterbox = { name: "landed" };

type Letter = DeadLetter & { receipts: string[] };

/** Letters that a screen shows unless told otherwise; a document has all. */
const SHOWN = 10;
const RECORDS_SHOWN = 5;
/** For how long this command tries to send a letter again. */
const SEND_MS = 60_000;

/** `dlq list`: what was refused, by reason and ticker. */
export const list = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const { letters, all } = await look(place, box, options);
  const groups = [...Map.groupBy(letters, (l) => `${l.reason}\n${l.ticker}`).values()]
    .map((group) => ({
      reason: group[0]!.reason,
      ticker: group[0]!.ticker,
      letters: group.length,
      records: group.reduce((sum, l) => sum + l.records.length, 0),
      first: group[0]!.seen,
      message: group[0]!.message,
    }))
    .sort((a, b) => b.records - a.records || compare(a.reason, b.reason) || compare(a.ticker, b.ticker));
  place.output.result(groups, () =>
    [
      letters.length === 0
        ? nothing(box, all)
        : table(
            fields("reason", "ticker", ["letters", "bigint"], ["records", "bigint"], "first seen", "message"),
            groups.map((g) => [g.reason, g.ticker, count(g.letters), count(g.records), ago(g.first), short(g.message)]),
          ),
      letters.length === 0
        ? "Next: pregao status\n"
        : `Next: pregao dlq show ${box.name}${groups.length > 1 ? ` --reason ${groups[0]!.reason}` : ""}\n`,
    ].join("\n"),
  );
};

/** `dlq show`: each dead letter with its reason, the field it names, and its records. */
export const show = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const { letters, all } = await look(place, box, options);
  const shown = options.limit === undefined ? letters.slice(0, SHOWN) : letters;
  place.output.result(
    letters.map(({ receipts: _, body: __, ...letter }) => letter),
    () =>
      [
        ...(letters.length === 0 ? [nothing(box, all)] : shown.map(screen)),
        ...(shown.length < letters.length
          ? [
              `The oldest ${count(shown.length)} of ${count(letters.length)}; --limit N shows more, dlq list counts them.\n`,
            ]
          : []),
        letters.length === 0
          ? `Next: pregao dlq list ${box.name}\n`
          : `Next: pregao dlq replay ${box.name}${box.raw ? ", with --patch FIELD=VALUE to put a field right" : ""}\n`,
      ].join("\n"),
  );
};

/**
 * `dlq replay`: sends rejects again. One is deleted only after its message was accepted; what is refused again comes
 * back with its first-seen date and one more attempt.
 */
export const replay = async (place: Place, box: Letterbox, options: DlqOptions): Promise<void> => {
  const queue = `${box.name}-dlq`;
  const fields = patches(box, options.patch);
  const result = await peek(place.aws, queue, async (messages) => {
    const all = read(messages);
    const letters = select(all, options);
    const tickers = new Set(letters.map((l) => l.ticker));
    if (Object.keys(fields).length > 0 && tickers.size > 1)
      throw new PregaoError(
        "usage",
        `--patch sets the same value in every record: expected letters of one ticker, these are of ${count(tickers.size)}; add --ticker`,
      );
    const outgoing: Outgoing[] = letters.map((l) => ({
      id: l.id,
      group: l.ticker || "unreadable",
      body: mended(l, fields),
    }));
    const found = { found: letters.length, all: all.length };
    if (letters.length === 0 || options.dryRun) return { ...found, sent: 0, left: letters.length, reason: "" };
    const mending = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    await confirmed(
      `Send ${plural(letters.length, "dead letter")} to ${box.name} again${mending.length ? ` with ${mending.join(", ")} in every record` : ""}?`,
      options.yes,
    );
    const sent = await send(place.aws, box.name, outgoing, { until: Date.now() + SEND_MS });
    const accepted = letters.filter((_, i) => sent[i]?.outcome === "accepted");
    await remove(
      place.aws,
      queue,
      accepted.flatMap((l) => l.receipts),
    );
    const reason = sent.find((s) => s.outcome !== "accepted")?.reason ?? "";
    return { ...found, sent: accepted.length, left: letters.length - accepted.length, reason };
  });
  const { all, reason, ...counts } = result;
  const document = { dataset: box.name, dryRun: Boolean(options.dryRun), ...counts };
  if (result.left && !options.dryRun)
    throw new PregaoError(
      "not_accepted",
      `${count(result.sent)} of ${plural(result.found, "dead letter")} sent again; the others were not accepted (${reason}) and stay where they are. Run the same command again`,
      document,
    );
  place.output.result(document, () =>
    result.found === 0
      ? `${nothing(box, Array.from({ length: all }))}\nNext: pregao dlq list ${box.name}\n`
      : options.dryRun
        ? `${plural(result.found, "dead letter")} would be sent again.\n\nNext: the same without --dry-run\n`
        : `${plural(result.sent, "dead letter")} sent again.\n\nNext: pregao dlq list ${box.name}\n`,
  );
};

/** What can be wrong with the options, found before anything is started. @throws PregaoError `usage`. */
export const check = (box: Letterbox, options: DlqOptions): void => {
  limitOf(options);
  patches(box, options.patch);
};

/** The letters asked for, and all of them; it says so when some are in other hands and were not seen. */
const look = async (
  place: Place,
  box: Letterbox,
  options: DlqOptions,
): Promise<{ letters: Letter[]; all: readonly unknown[] }> => {
  const queue = `${box.name}-dlq`;
  const all = await peek(place.aws, queue, read);
  const { inFlight } = await depth(place.aws, queue);
  if (inFlight)
    place.output.say(
      `${plural(inFlight, "dead letter")} not seen: another command is looking at them, or one was interrupted; they are back within 5 minutes`,
    );
  return { letters: select(all, options), all };
};

/** Each letter once, the oldest first: a reject that was sent twice is one letter with two receipts. */
const read = (messages: readonly ReceivedMessage[]): Letter[] => {
  const letters = new Map<string, Letter>();
  for (const message of messages) {
    const letter = readDeadLetter(message.body, message);
    // One that was put right has the id it had before: only equal bodies are one letter.
    const name = `${letter.id}\n${message.body}`;
    const same = letters.get(name);
    if (same) same.receipts.push(message.receipt);
    else letters.set(name, { ...letter, receipts: [message.receipt] });
  }
  return [...letters.values()].sort((a, b) => compare(a.seen, b.seen) || compare(a.id, b.id));
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const select = (letters: readonly Letter[], options: DlqOptions): Letter[] =>
  letters
    .filter((l) => options.reason === undefined || l.reason === options.reason)
    .filter((l) => options.ticker === undefined || l.ticker === options.ticker)
    .slice(0, limitOf(options));

const limitOf = ({ limit }: DlqOptions): number => {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const n = Number(limit);
  if (!Number.isSafeInteger(n) || n < 1 || limit.trim() === "")
    throw new PregaoError("usage", `expected --limit N with a whole N above 0, came ${limit}`);
  return n;
};

/** Fields and the values they are to have, as they travel; checked as the consumer will check them. */
const patches = (box: Letterbox, options: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    options.map((option) => {
      const at = option.indexOf("=");
      const field = option.slice(0, at);
      const columns = box.raw?.record ?? {};
      if (!box.raw) throw new PregaoError("usage", `${box.name} has no records to patch: expected no --patch`);
      const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
      if (at < 1 || !column)
        throw new PregaoError(
          "usage",
          `expected --patch FIELD=VALUE with a FIELD of ${Object.keys(columns).join(", ")}; came ${option}`,
        );
      const text = option.slice(at + 1);
      // Only `int` columns are numbers on the wire; decimals and 64-bit integers are text.
      const value = text === "null" ? null : column.type === "int" && text.trim() !== "" ? Number(text) : text;
      const parsed = column.wire.safeParse(value);
      if (!parsed.success)
        throw new PregaoError(
          "usage",
          `--patch ${field}: ${parsed.error.issues[0]?.message ?? "another value"}; came ${text}`,
        );
      return [field, value];
    }),
  );

/** A letter's body with fields put right. */
const mended = (letter: Letter, fields: Readonly<Record<string, unknown>>): string => {
  try {
    return patched(letter.body, fields);
  } catch {
    throw new PregaoError(
      "patch",
      `dead letter ${letter.id} (${letter.reason}) is no message with records, so no field of it can be patched; nothing was sent. Choose others with --reason or --ticker`,
    );
  }
};

const screen = (l: Letter): string =>
  [
    `${printable(l.id)}  ${printable(l.reason)}  ${printable(l.ticker)}`,
    `  ${printable(l.message)}`,
    `  at ${printable(l.path) || "the whole message"}, first seen ${ago(l.seen)}, ${plural(l.attempts, "attempt")}`,
    ...l.records.slice(0, RECORDS_SHOWN).map((record) => `  ${printable(JSON.stringify(record) ?? "")}`),
    ...(l.records.length > RECORDS_SHOWN ? [`  … and ${count(l.records.length - RECORDS_SHOWN)} more`] : []),
    "",
  ].join("\n");

const nothing = (box: Letterbox, all: readonly unknown[]): string =>
  all.length
    ? `None of the ${plural(all.length, "dead letter")} of ${box.name} is like that.\n`
    : `No dead letters in ${box.name}.\n`;

const short = (text: string): string => (text.length > 70 ? `${printable(text).slice(0, 69)}…` : printable(text));
