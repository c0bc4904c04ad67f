import { saoPauloDate } from "./calendar.ts";
import { FIELDS, type FieldOf, type Record01 } from "./cotahist.ts";
import { deeper, doubledKey } from "./json.ts";
import { eventId, type Told, TYPE } from "./message.ts";

/** The oracle's own judgement of messages and records, from the layout's columns and the documented laws. */

/** A row that arrived: its record, its lineage. */
export type Arrived = {
  record: Record01;
  event_id: string;
  message_id: string;
  sha256: string;
  version: string;
  scraped_at: string;
  scraped_on: string;
  origin_rows: number | null;
};

/** A dead letter: one per (message, reason). `records` as JSON; a body that is no message is itself the record. */
export type Letter = { reason: string; ticker: string; records: string[]; about: string };

export type Verdict = { rows: Arrived[]; letters: Letter[] };

const control = /[\u0000-\u001f\u007f]/;
const chars = (text: string): number => [...text].length;
const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length > 0 && chars(value) <= most && value.isWellFormed() && !control.test(value);
const isCount = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;

const isDay = (value: unknown): boolean => {
  if (typeof value !== "string" || !/^[1-9]\d{3}-\d\d-\d\d$/.test(value)) return false;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().slice(0, 10) === value;
};

const isInstant = (value: unknown): boolean => {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(value)) return false;
  const ms = Date.parse(`${value.replace(" ", "T")}Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString() === `${value.replace(" ", "T")}Z`;
};

/** Canonical: a sign only before what is not zero, no leading zeros, exactly so many decimals. */
const isAmount = (value: unknown, digits: number, decimals: number): boolean => {
  if (typeof value !== "string") return false;
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? [];
  if (whole === undefined || fraction.length !== decimals || value.includes(".") !== decimals > 0) return false;
  if (whole.length > 1 && whole.startsWith("0")) return false;
  if (whole.length > digits - decimals) return false;
  return !(sign === "-" && BigInt(whole + fraction) === 0n);
};

/** A column holds as many characters or digits as its field is wide. */
const holds = (f: FieldOf, value: unknown): boolean => {
  if (value === null) return !f.required;
  const width = f.to - f.from + 1;
  switch (f.kind) {
    case "text":
      return isText(value, width);
    case "number":
      return isCount(value, 0, 10 ** width - 1);
    case "amount":
      return isAmount(value, width, f.decimals);
    default:
      return isDay(value);
  }
};

const known = new Set([...FIELDS.map((f) => f.name), "origin_rows"]);

/** Why a record is refused, or null. `day`: São Paulo's day on which its origin was archived. */
export const reasonOf = (value: unknown, subject: string, day: string): string | null => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "invalid_field";
  const record = value as Record01;
  if (FIELDS.some((f) => !holds(f, record[f.name]))) return "invalid_field";
  const rows = record.origin_rows ?? null;
  if (rows !== null && !isCount(rows, 1, 2 ** 31 - 1)) return "invalid_field";
  if (Object.keys(record).some((name) => !known.has(name))) return "unknown_field";
  if (record.codneg !== subject) return "subject";
  if (FIELDS.some((f) => f.kind === "amount" && String(record[f.name]).startsWith("-"))) return "negative";
  if (![1, 10, 100, 1000, 10_000].includes(Number(record.fatcot))) return "quote_factor";
  const cents = (name: string) => BigInt(String(record[name]).replace(".", ""));
  if (cents("quatot") > 0n) {
    const [low, high] = [cents("premin"), cents("premax")];
    if (low > high) return "price_order";
    if (["preabe", "premed", "preult"].some((name) => cents(name) < low || cents(name) > high)) return "price_order";
  }
  if (record.tpmerc === "010" && record.prazot !== null) return "cash_term";
  if (String(record.datpre) < "1986-01-01") return "session_range";
  if (String(record.datpre) > day) return "future_session";
  return null;
};

/** A readable message, record by record. */
export const judged = (told: Told): Verdict => {
  const { origin } = told;
  const scraped_on = saoPauloDate(origin.scraped_at);
  const rows: Arrived[] = [];
  const refused = new Map<string, string[]>();
  for (const value of told.records) {
    const reason = reasonOf(value, told.subject, scraped_on);
    if (reason !== null) {
      if (!refused.has(reason)) refused.set(reason, []);
      refused.get(reason)!.push(JSON.stringify(value));
      continue;
    }
    const record = value as Record01;
    rows.push({
      record,
      event_id: eventId(origin, record),
      message_id: told.id,
      sha256: origin.sha256,
      version: origin.version,
      scraped_at: origin.scraped_at,
      scraped_on,
      origin_rows: (record.origin_rows ?? null) as number | null,
    });
  }
  const letters = [...refused].map(([reason, records]) => ({ reason, ticker: told.subject, records, about: told.id }));
  return { rows, letters };
};

const attributes = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"];
const added = ["rejectreason", "rejectmessage", "rejectpath", "rejectseen", "rejectreasons", "rejectattempts"];
const only = (value: object, names: readonly string[]): boolean => Object.keys(value).every((n) => names.includes(n));
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const wellFormed = (value: unknown, least: number, most: number): boolean =>
  typeof value === "string" && value.isWellFormed() && value.length >= least && chars(value) <= most;

const isEnvelope = (event: unknown): event is Record<string, unknown> & { data: Omit<Told, "id" | "subject"> } => {
  if (!isObject(event) || !only(event, [...attributes, ...added])) return false;
  const { data } = event;
  if (!isObject(data) || !only(data, ["origin", "records"])) return false;
  const { origin, records } = data;
  return (
    event.specversion === "1.0" &&
    isText(event.id, 128) &&
    wellFormed(event.source, 1, 1024) &&
    typeof event.type === "string" &&
    /^br\.pregao\.[a-z]+\.v\d+$/.test(event.type) &&
    isText(event.subject, 64) &&
    wellFormed(event.time, 0, 64) &&
    event.datacontenttype === "application/json" &&
    added.slice(0, 5).every((name) => event[name] === undefined || typeof event[name] === "string") &&
    (event.rejectattempts === undefined || Number.isSafeInteger(event.rejectattempts)) &&
    isObject(origin) &&
    only(origin, ["sha256", "version", "scraped_at"]) &&
    /^[0-9a-f]{64}$/.test(String(origin.sha256)) &&
    typeof origin.sha256 === "string" &&
    isText(origin.version, 64) &&
    isInstant(origin.scraped_at) &&
    (origin.scraped_at as string) >= "1990" &&
    Array.isArray(records) &&
    records.length <= 10_000
  );
};

/** A message's body as it was sent: any text. */
export const judgedBody = (body: string, wrapped = false): Verdict => {
  const whole = (reason: string): Verdict => ({
    rows: [],
    letters: [{ reason, ticker: "unreadable", records: [JSON.stringify(body)], about: "" }],
  });
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return whole("not_json");
  }
  // The reject of an unreadable body, sent again, is that body again.
  if (
    !wrapped &&
    isObject(event) &&
    event.datacontenttype === "text/plain" &&
    event.subject === "unreadable" &&
    typeof event.data === "string"
  )
    return judgedBody(event.data, true);
  if (!isEnvelope(event)) return whole("envelope");
  if (event.type !== TYPE) return whole("type");
  const { origin, records } = event.data;
  if (records.length === 0) return whole("empty");
  if (records.some((record) => deeper(record, 32))) return whole("envelope");
  if (doubledKey(body) !== null) return whole("envelope");
  return judged({ id: event.id as string, subject: event.subject as string, origin, records });
};
