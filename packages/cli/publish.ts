import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { digest } from "../../functions/river.ts";
import { type Outgoing, send } from "../aws/queues.ts";
import { isSession, saoPauloDay } from "../core/calendar.ts";
import type { Dataset, Origin, WireRecord } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { instant, messages, typeOf } from "../core/message.ts";
import { count, fields, plural, table } from "./output.ts";
import type { Place } from "./place.ts";

export type PublishOptions = { ticker?: string; count?: string; session?: string; file?: string; invalid?: boolean };

/** A ticker that no exchange uses, and the lowest version there is: a test message never replaces a real row. */
const TEST_TICKER = "TESTE99";
const LOWEST_VERSION = "0";
/** Test records are of the last sessions, one each: the calendar has about 9,000. */
const MOST_TESTS = 5_000;
const MOST_OF_FILE = 100_000;

/** `pregao publish`: test messages, one of each kind of mistake, or records of your own. */
export const publish = async (place: Place, dataset: Dataset, options: PublishOptions): Promise<void> => {
  if (!dataset.raw) throw new PregaoError("no_queue", `${dataset.name} is computed: it has no queue to publish to`);
  const now = Date.now();
  const [session = ""] = sessionsBack(options.session ?? saoPauloDay(now), 1);
  const ticker = options.ticker ?? TEST_TICKER;
  const wanted = Number(options.count ?? 1);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_TESTS) throw new PregaoError("usage", `expected --count from 1 to ${MOST_TESTS}, came ${options.count}`);
  const outgoing: (Outgoing & { about: string })[] = options.invalid
    ? mistakes(dataset, ticker, session, now)
    : options.file
      ? about("your record", events(dataset, await recordsOf(options.file), now))
      : about("test record", events(dataset, sessionsBack(session, wanted).map((day, i) => dataset.raw!.sample(ticker, day, i)), now));
  const sent = await send(place.aws, dataset.name, outgoing);
  const accepted = sent.filter((s) => s.outcome === "accepted").length;
  const document = {
    dataset: dataset.name,
    messages: outgoing.length,
    accepted,
    sent: outgoing.slice(0, 1000).map((m, i) => ({ id: m.id, about: m.about, outcome: sent[i]?.outcome, reason: sent[i]?.reason })),
  };
  place.output.result(document, () =>
    [
      options.invalid
        ? table(fields("mistake", "outcome", "id"), outgoing.map((m, i) => [m.about, sent[i]?.outcome ?? "", m.id]))
        : `${plural(accepted, "message")} of ${options.file ? count(outgoing.length) : `${ticker} on ${session}`} accepted by the queue ${dataset.name}.\n`,
      options.invalid
        ? `\nNext: pregao dlq list ${dataset.name}\n`
        : `\nNext: pregao query "SELECT * FROM ${dataset.tables[0]!.name} WHERE ticker = '${options.file ? outgoing[0]?.group : ticker}'"\n`,
    ].join(""),
  );
  if (accepted !== outgoing.length) {
    const failed = sent.find((s) => s.outcome !== "accepted");
    throw new PregaoError("publish", `${plural(outgoing.length - accepted, "message")} not accepted: ${failed?.reason}`);
  }
};

const about = (text: string, outgoing: Outgoing[]) => outgoing.map((m) => ({ ...m, about: text }));

/** Records without a file: their origin is their own content, and no session is ever complete by them. */
const events = (dataset: Dataset, records: readonly WireRecord[], now: number): Outgoing[] => {
  const origin: Origin = { sha256: digest(JSON.stringify(records)), version: LOWEST_VERSION, scraped_at: instant(now) };
  const groups = Map.groupBy(records, (record) => subjectOf(dataset, record));
  return [...groups].flatMap(([subject, members]) => messages(dataset, { source: "pregao:publish", origin }, { subject, records: members }, digest));
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
      const origin: Origin = { sha256: digest(JSON.stringify(record)), version: LOWEST_VERSION, scraped_at: instant(now) };
      const [message] = messages(dataset, { source: "pregao:publish", origin }, { subject: ticker, records: [record] }, digest);
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
  let line = 0;
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const text of lines) {
    line++;
    if (!text.trim()) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new PregaoError("file", `${file}, line ${line}: expected one JSON object a line, came ${(error as Error).message}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new PregaoError("file", `${file}, line ${line}: expected a JSON object, came ${text.slice(0, 40)}`);
    records.push(value as WireRecord);
    if (records.length > MOST_OF_FILE) throw new PregaoError("file", `${file}: expected at most ${MOST_OF_FILE} records`);
  }
  if (records.length === 0) throw new PregaoError("file", `${file}: expected at least one record, it has none`);
  return records;
};

/** The last `n` days on which the exchange traded, up to `day` (`YYYY-MM-DD`), the newest first. */
const sessionsBack = (day: string, n: number): string[] => {
  const start = Date.parse(`${day}T12:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || !Number.isFinite(start)) throw new PregaoError("usage", `expected --session YYYY-MM-DD, came ${day}`);
  const sessions: string[] = [];
  for (let ms = start; sessions.length < n && ms > Date.UTC(1990, 0, 1); ms -= 86_400_000) {
    const date = new Date(ms).toISOString().slice(0, 10);
    if (isSession(date)) sessions.push(date);
  }
  return sessions;
};
