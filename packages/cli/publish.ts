import { createReadStream, statSync } from "node:fs";
import { digest } from "../../functions/river.ts";
import { type Outgoing, send } from "../aws/queues.ts";
import { isSession, saoPauloDay } from "../core/calendar.ts";
import type { Dataset, Origin, WireRecord } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { expected, fieldOf, show } from "../core/issue.ts";
import { instant, messages, typeOf } from "../core/message.ts";
import { validator } from "../core/table.ts";
import { bytes, fields, plural, table } from "./output.ts";
import type { Place } from "./place.ts";

export type PublishOptions = { ticker?: string; count?: string; session?: string; file?: string; invalid?: boolean };

/** A ticker that no exchange uses, and the lowest version there is: a test message never replaces a real row. */
const TEST_TICKER = "TESTE99";
const LOWEST_VERSION = "0";
/** Test records are of the last sessions, one each: the calendar has about 9,000. */
const MOST_TESTS = 5_000;
const MOST_RECORDS = 100_000;
const MOST_BYTES = 128 * 1024 ** 2;
/** A record travels whole, in one message of at most 256 KiB. */
const MOST_OF_RECORD = 200_000;
const FIRST_DAY = "1990-01-01";
/** Messages whose outcome a document names one by one. */
const MOST_NAMED = 1000;
/** For how long this command tries to send a message. */
const SEND_MS = 60_000;

/** What will be sent; `what` says it in a sentence, `next` is the command that shows what became of it. */
export type Prepared = { messages: (Outgoing & { about: string })[]; what: string; next: string };

/**
 * `pregao publish`: test messages, one of each kind of mistake, or records of your own.
 * @throws PregaoError unless the queue accepted every message; its details say which it did.
 */
export const publish = async (
  place: Place,
  dataset: Dataset,
  options: PublishOptions,
  prepared?: Prepared,
): Promise<void> => {
  const { messages: outgoing, what, next } = prepared ?? (await prepare(dataset, options));
  const sent = await send(place.aws, dataset.name, outgoing, { until: Date.now() + SEND_MS });
  const accepted = sent.filter((s) => s.outcome === "accepted").length;
  const document = {
    dataset: dataset.name,
    messages: outgoing.length,
    accepted,
    sent: outgoing
      .slice(0, MOST_NAMED)
      .map((m, i) => ({ id: m.id, about: m.about, outcome: sent[i]?.outcome, reason: sent[i]?.reason })),
  };
  if (accepted !== outgoing.length) {
    const failed = sent.find((s) => s.outcome !== "accepted");
    throw new PregaoError(
      "not_accepted",
      `${accepted} of ${plural(outgoing.length, "message")} accepted by the queue ${dataset.name}; the first of the others: ${failed?.reason}. Run the same command again`,
      document,
    );
  }
  place.output.result(document, () =>
    [
      options.invalid
        ? table(
            fields("mistake", "outcome", "id"),
            outgoing.map((m, i) => [m.about, sent[i]?.outcome ?? "", m.id]),
          )
        : "",
      `${plural(accepted, "message")}, ${what}, accepted by the queue ${dataset.name}.`,
      "",
      `Next: pregao ${next}`,
      "",
    ]
      .slice(options.invalid ? 0 : 1)
      .join("\n"),
  );
};

/** What is to be sent; wrong options and wrong files end here, before anything is started or sent. */
export const prepare = async (dataset: Dataset, options: PublishOptions): Promise<Prepared> => {
  if (!dataset.raw)
    throw new PregaoError(
      "no_queue",
      `expected a dataset with a queue, ${dataset.name} is computed: there is none to publish to`,
    );
  const others = (["ticker", "count", "session", "invalid"] as const).filter((name) => options[name] !== undefined);
  if (options.file !== undefined && others.length)
    throw new PregaoError(
      "usage",
      `expected --file alone, came --${others.join(" and --")} too: the file's records say all that`,
    );
  if (options.invalid && options.count !== undefined)
    throw new PregaoError("usage", "expected --invalid or --count, came both: --invalid sends one of each kind");
  const now = Date.now();
  if (options.file !== undefined) {
    const records = await recordsOf(options.file);
    const outgoing = events(dataset, records, now);
    return {
      messages: named("your record", outgoing),
      what: `${plural(records.length, "record")} of ${options.file === "-" ? "standard input" : options.file}`,
      next: "status",
    };
  }
  const wanted = Number(options.count ?? 1);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_TESTS || options.count?.trim() === "")
    throw new PregaoError("usage", `expected --count N with a whole N from 1 to ${MOST_TESTS}, came ${options.count}`);
  const ticker = options.ticker ?? TEST_TICKER;
  const days = sessionsBack(dayOf(options.session, now), wanted);
  const session = days[0]!;
  checkTicker(dataset, ticker, session);
  if (options.invalid)
    return {
      messages: mistakes(dataset, ticker, session, now),
      what: "one of each kind of mistake",
      next: `dlq list ${dataset.name}`,
    };
  const records = days.map((day, i) => dataset.raw!.sample(ticker, day, i));
  return {
    messages: named("test record", events(dataset, records, now)),
    what: `${ticker} on ${days.length > 1 ? `${days.length} sessions from ${days.at(-1)} to ${session}` : session}`,
    next: `query "SELECT * FROM ${dataset.tables[0]!.name} WHERE ticker = '${ticker.replaceAll("'", "''")}'"`,
  };
};

const named = (about: string, outgoing: Outgoing[]) => outgoing.map((m) => ({ ...m, about }));

/** A ticker that makes the record invalid would only be found in the dead letters. */
const checkTicker = (dataset: Dataset, ticker: string, session: string): void => {
  const parsed = validator(dataset.raw!.record).safeParse(dataset.raw!.sample(ticker, session, 0));
  const [issue] = parsed.error?.issues ?? [];
  if (issue)
    throw new PregaoError("usage", `--ticker ${show(ticker)}: ${fieldOf(issue, "record")}: ${expected(issue)}`);
};

/** Records without a file: their origin is their own content, and no session is ever complete by them. */
const events = (dataset: Dataset, records: readonly WireRecord[], now: number): Outgoing[] => {
  const origin: Origin = { sha256: digest(JSON.stringify(records)), version: LOWEST_VERSION, scraped_at: instant(now) };
  const groups = Map.groupBy(records, (record) => subjectOf(dataset, record));
  return [...groups].flatMap(([subject, members]) =>
    messages(dataset, { source: "pregao:publish", origin }, { subject, records: members }, digest),
  );
};

const subjectOf = (dataset: Dataset, record: WireRecord): string => {
  const subject = dataset.raw!.subject(record);
  return typeof subject === "string" && subject !== "" ? subject.slice(0, 64) : "unknown";
};

/** One message for each kind of mistake: those of a record, and those of a message as a whole. */
const mistakes = (dataset: Dataset, ticker: string, session: string, now: number): (Outgoing & { about: string })[] => {
  const good = events(dataset, [dataset.raw!.sample(ticker, session, 0)], now)[0]!;
  const event = JSON.parse(good.body) as Record<string, unknown>;
  const whole = (name: string, body: string) => ({ id: digest(body).slice(0, 32), group: ticker, body, about: name });
  return [
    ...dataset.raw!.mistakes(ticker, session).map(({ code, record }) => {
      const origin: Origin = {
        sha256: digest(JSON.stringify(record)),
        version: LOWEST_VERSION,
        scraped_at: instant(now),
      };
      const [message] = messages(
        dataset,
        { source: "pregao:publish", origin },
        { subject: ticker, records: [record] },
        digest,
      );
      return { ...message!, about: code };
    }),
    whole("not_json", good.body.slice(0, -2)),
    whole("envelope", JSON.stringify({ ...event, subject: undefined })),
    whole("type", JSON.stringify({ ...event, type: `${typeOf(dataset).replace(/v\d+$/, "v999")}` })),
    whole("empty", JSON.stringify({ ...event, data: { ...(event.data as object), records: [] } })),
  ];
};

/** Newline-separated JSON, one record a line; what is no record of the dataset is refused by the consumer, by reason. */
const recordsOf = async (file: string): Promise<WireRecord[]> => {
  const records: WireRecord[] = [];
  for (const [at, text] of (await textOf(file)).split(/\r?\n/).entries()) {
    const problem = (expected: string, came: string) =>
      new PregaoError("file", `${file}, line ${at + 1}: expected ${expected}, came ${came}; nothing was sent`);
    if (!text.trim()) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw problem("one JSON object a line", (error as Error).message);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw problem("a JSON object", text.slice(0, 40));
    if (Buffer.byteLength(text) > MOST_OF_RECORD)
      throw problem(`a record of at most ${MOST_OF_RECORD} bytes`, "a longer one");
    records.push(value as WireRecord);
    if (records.length > MOST_RECORDS)
      throw problem(`at most ${MOST_RECORDS} records`, "more: send them in several files");
  }
  if (records.length === 0)
    throw new PregaoError("file", `${file}: expected at least one record, a JSON object a line; it has none`);
  return records;
};

/** A file's text, or that of standard input. What is no UTF-8 is refused: it would travel as other text. */
const textOf = async (file: string): Promise<string> => {
  if (file !== "-") {
    const there = statSync(file, { throwIfNoEntry: false });
    if (!there || there.isDirectory())
      throw new PregaoError("file", `expected a file of records at ${file}, there is ${there ? "a folder" : "none"}`);
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of file === "-" ? process.stdin : createReadStream(file)) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > MOST_BYTES)
      throw new PregaoError(
        "file",
        `${file}: expected at most ${bytes(MOST_BYTES)} of records: send them in several files`,
      );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new PregaoError("file", `${file}: expected UTF-8 text, one JSON object a line; it is something else`);
  }
};

const dayOf = (session: string | undefined, now: number): string => {
  const today = saoPauloDay(now);
  if (session === undefined) return today;
  const ms = /^\d{4}-\d\d-\d\d$/.test(session) ? Date.parse(`${session}T12:00:00Z`) : Number.NaN;
  // JavaScript reads 31 February as a day of March.
  if (
    !Number.isFinite(ms) ||
    new Date(ms).toISOString().slice(0, 10) !== session ||
    session < FIRST_DAY ||
    session > today
  )
    throw new PregaoError(
      "usage",
      `expected --session YYYY-MM-DD, a day from ${FIRST_DAY} to today, ${today}; came ${session}`,
    );
  return session;
};

/** The last `n` days on which the exchange traded, up to `day` (`YYYY-MM-DD`), the newest first. */
const sessionsBack = (day: string, n: number): string[] => {
  const sessions: string[] = [];
  for (let ms = Date.parse(`${day}T12:00:00Z`); sessions.length < n; ms -= 86_400_000) {
    const date = new Date(ms).toISOString().slice(0, 10);
    if (date < FIRST_DAY)
      throw new PregaoError(
        "usage",
        `expected --count up to the ${sessions.length} sessions from ${FIRST_DAY} to ${day}, one record each; came ${n}`,
      );
    if (isSession(date)) sessions.push(date);
  }
  return sessions;
};
