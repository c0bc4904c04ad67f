import { type Outgoing, peek, type ReceivedMessage, remove, send } from "../aws/queues.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { type DeadLetter, patched, readDeadLetter } from "../core/reject.ts";
import { confirmed } from "./confirm.ts";
import { count, fields, plural, printable, table } from "./output.ts";
import type { Place } from "./place.ts";

export type DlqOptions = { reason?: string; ticker?: string; limit?: string; patch?: string[]; dryRun?: boolean; yes?: boolean };

type Letter = DeadLetter & { receipts: string[] };

const SHOWN = 10;

/** `dlq list`: what was refused, by reason. */
export const list = async (place: Place, dataset: Dataset, options: DlqOptions): Promise<void> => {
  const letters = await look(place, dataset, options);
  const groups = [...Map.groupBy(letters, (l) => `${l.reason}\n${l.ticker}`).values()]
    .map((group) => ({
      reason: group[0]!.reason,
      ticker: group[0]!.ticker,
      letters: group.length,
      records: group.reduce((sum, l) => sum + l.records.length, 0),
      first: group.map((l) => l.seen).sort()[0]!,
      message: group[0]!.message,
    }))
    .sort((a, b) => b.records - a.records || (a.reason < b.reason ? -1 : 1));
  place.output.result(groups, () =>
    groups.length === 0
      ? `No dead letters in ${dataset.name}.\n`
      : table(
          fields("reason", "ticker", ["letters", "bigint"], ["records", "bigint"], "first seen", "message"),
          groups.map((g) => [g.reason, g.ticker, count(g.letters), count(g.records), g.first, short(g.message)]),
        ) + `\nNext: pregao dlq show ${dataset.name}${groups.length > 1 ? ` --reason ${groups[0]!.reason}` : ""}\n`,
  );
};

/** `dlq show`: each dead letter with its reason, the field it names, and its records. */
export const show = async (place: Place, dataset: Dataset, options: DlqOptions): Promise<void> => {
  const letters = await look(place, dataset, { limit: String(SHOWN), ...options });
  place.output.result(
    letters.map(({ receipts: _, body: __, ...letter }) => letter),
    () =>
      letters
        .map((l) =>
          [
            `${l.id}  ${l.reason}  ${printable(l.ticker)}`,
            `  ${printable(l.message)}`,
            `  at ${printable(l.path) || "the whole message"}, first seen ${l.seen}, ${plural(l.attempts, "attempt")}`,
            ...l.records.slice(0, 5).map((record) => `  ${printable(JSON.stringify(record))}`),
            ...(l.records.length > 5 ? [`  … and ${count(l.records.length - 5)} more`] : []),
          ].join("\n"),
        )
        .join("\n\n") +
      (letters.length === 0
        ? `No such dead letters in ${dataset.name}.\n`
        : `\n\nNext: pregao dlq replay ${dataset.name}, with --patch FIELD=VALUE to put a field right\n`),
  );
};

/**
 * `dlq replay`: sends rejects again. One is deleted only after its message was accepted; what is refused again comes
 * back with its first-seen date and one more attempt.
 */
export const replay = async (place: Place, dataset: Dataset, options: DlqOptions): Promise<void> => {
  const queue = `${dataset.name}-dlq`;
  const result = await peek(place.aws, queue, async (messages) => {
    const letters = select(messages, options);
    const outgoing: Outgoing[] = letters.map((l) => ({ id: l.id, group: l.ticker || "unreadable", body: patched(l.body, patches(dataset, options.patch)) }));
    if (letters.length === 0 || options.dryRun) return { found: letters.length, sent: 0, left: letters.length };
    await confirmed(`Send ${plural(letters.length, "dead letter")} to ${dataset.name} again?`, options.yes);
    const sent = await send(place.aws, dataset.name, outgoing);
    const accepted = letters.filter((_, i) => sent[i]?.outcome === "accepted");
    await remove(place.aws, queue, accepted.flatMap((l) => l.receipts));
    return { found: letters.length, sent: accepted.length, left: letters.length - accepted.length };
  });
  place.output.result({ dataset: dataset.name, dryRun: Boolean(options.dryRun), ...result }, () =>
    result.found === 0
      ? `No such dead letters in ${dataset.name}.\n`
      : options.dryRun
        ? `${plural(result.found, "dead letter")} would be sent again.\n`
        : `${plural(result.sent, "dead letter")} sent again, ${count(result.left)} left.\n\nNext: pregao dlq list ${dataset.name}\n`,
  );
  if (result.left && !options.dryRun) throw new PregaoError("replay", `${plural(result.left, "dead letter")} not accepted; nothing of them was deleted`);
};

const look = (place: Place, dataset: Dataset, options: DlqOptions): Promise<Letter[]> =>
  peek(place.aws, `${dataset.name}-dlq`, (messages) => select(messages, options));

/** The letters asked for, each once: a reject that was sent twice is one letter with two receipts. */
const select = (messages: readonly ReceivedMessage[], options: DlqOptions): Letter[] => {
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : Number(options.limit);
  if (!(limit > 0)) throw new PregaoError("usage", `expected --limit N with N above 0, came ${options.limit}`);
  const letters = new Map<string, Letter>();
  for (const message of messages) {
    const letter = readDeadLetter(message.body, message);
    const same = letters.get(letter.id);
    if (same) same.receipts.push(message.receipt);
    else letters.set(letter.id, { ...letter, receipts: [message.receipt] });
  }
  return [...letters.values()]
    .filter((l) => (!options.reason || l.reason === options.reason) && (!options.ticker || l.ticker === options.ticker))
    .sort((a, b) => (a.seen < b.seen ? -1 : 1))
    .slice(0, limit);
};

const patches = (dataset: Dataset, options: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    options.map((option) => {
      const at = option.indexOf("=");
      const field = option.slice(0, at);
      const columns = dataset.raw?.record ?? {};
      if (at < 1 || !columns[field])
        throw new PregaoError("usage", `expected --patch FIELD=VALUE with one of ${Object.keys(columns).join(", ")}; came ${option}`);
      const value = option.slice(at + 1);
      // Only `int` columns are numbers on the wire; decimals and 64-bit integers are text.
      return [field, value === "null" ? null : columns[field].type === "int" && value !== "" ? Number(value) : value];
    }),
  );

const short = (text: string): string => (text.length > 70 ? `${printable(text).slice(0, 69)}…` : printable(text));
