import type { Dataset } from "./dataset.ts";
import { PregaoError } from "./errors.ts";
import { type Digest, type Envelope, nestsDeeper } from "./message.ts";
import { ingestDate } from "./run.ts";

/**
 * What was refused, why, and in a form that can be sent again as it is. One per (message, reason); its id comes from
 * its content, so refusing the same thing twice is one reject.
 */
export type Reject = {
  id: string;
  group: string;
  reason: string;
  message: string;
  path: string;
  /** How many records it carries; 1 for a body that could not be read at all. */
  records: number;
  body: string;
};

type Cause = { reason: string; message: string; path: string; seen: string };

/** What a reject knows of the times it was refused before: when first, how often, and the last reasons, the newest last. */
export type Before = { seen?: string; attempts: number; reasons: string[] };

/** Reasons that a reject remembers, and the characters of each: an attribute has no use for a whole life. */
const REASONS = 10;
const REASON_CHARACTERS = 64;

/** The `reject*` attributes of what is refused now, after what it was refused for before. */
const attributes = (cause: Cause, before: Before | undefined) => {
  const reasons = (before?.reasons ?? []).slice(-REASONS).map((reason) => reason.slice(0, REASON_CHARACTERS));
  return {
    rejectreason: cause.reason,
    rejectmessage: cause.message,
    rejectpath: cause.path,
    rejectseen: before?.seen ?? cause.seen,
    rejectattempts: (before?.attempts ?? 0) + 1,
    // CloudEvents' attributes are no lists.
    ...(reasons.length ? { rejectreasons: reasons.join(",") } : {}),
  };
};

/** What an event that was refused before says of it; undefined if it was not. */
export const beforeOf = (value: unknown): Before | undefined => {
  const event = value as Record<string, unknown> | null;
  if (typeof event !== "object" || event === null || typeof event.rejectreason !== "string") return;
  return {
    ...(typeof event.rejectseen === "string" ? { seen: event.rejectseen } : {}),
    attempts: Number.isSafeInteger(event.rejectattempts) ? (event.rejectattempts as number) : 0,
    reasons: [...earlierReasons(event), event.rejectreason],
  };
};

const earlierReasons = ({ rejectreasons }: Record<string, unknown>): string[] =>
  typeof rejectreasons === "string" && rejectreasons !== "" ? rejectreasons.split(",") : [];

/** The reject of some records of a readable message. `before`: of an envelope around it, else what it says itself. */
export const rejectRecords = (
  event: Envelope,
  records: readonly unknown[],
  cause: Cause,
  digest: Digest,
  before: Before | undefined = beforeOf(event),
): Reject => {
  const id = digest(`${event.id}\n${cause.reason}\n${JSON.stringify(records)}`).slice(0, 32);
  const body = JSON.stringify({
    ...event,
    id,
    data: { origin: event.data.origin, records },
    ...attributes(cause, before),
  });
  return { id, group: event.subject, ...cause, records: records.length, body };
};

/** A body that is no message of ours travels whole, as text inside an envelope of its own. */
export const rejectBody = (
  dataset: Pick<Dataset, "name">,
  body: string,
  cause: Cause,
  digest: Digest,
  before?: Before,
): Reject => {
  const id = digest(`${dataset.name}\n${cause.reason}\n${body}`).slice(0, 32);
  return {
    id,
    group: "unreadable",
    ...cause,
    records: 1,
    body: JSON.stringify({
      specversion: "1.0",
      id,
      source: "pregao:consume",
      type: `br.pregao.${dataset.name}.unreadable`,
      subject: "unreadable",
      time: before?.seen ?? cause.seen,
      datacontenttype: "text/plain",
      data: body,
      ...attributes(cause, before),
    }),
  };
};

/**
 * A raw object that was refused as a whole: its dead letter says where it is, and its rows stay there. One that a replay
 * had copied goes on with the history in its name.
 */
export const rejectObject = (
  dataset: Pick<Dataset, "name">,
  bucket: string,
  object: { key: string; etag: string; size: number; reason: string; message: string },
  seen: string,
  digest: Digest,
): Reject => {
  const { key, etag, size, reason, message } = object;
  const id = digest(`${dataset.name}\n${reason}\n${etag} ${key}`).slice(0, 32);
  const before = copiedBefore(key);
  return {
    id,
    group: dataset.name,
    reason,
    message,
    path: key,
    records: 1,
    body: JSON.stringify({
      specversion: "1.0",
      id,
      source: "pregao:advance",
      type: `br.pregao.${dataset.name}.object`,
      subject: dataset.name,
      time: before?.seen ?? seen,
      datacontenttype: "application/json",
      data: { records: [{ bucket, key, etag, size }] },
      ...attributes({ reason, message, path: key, seen }, before),
    }),
  };
};

/** The version of a raw object that a dead letter is about, and the dataset whose it is; null if it is about none. */
export const refusedObject = (body: string): { dataset: string; key: string; etag: string; size: number } | null => {
  try {
    const { type, data } = JSON.parse(body) as { type?: unknown; data?: { records?: Record<string, unknown>[] } };
    const dataset = typeof type === "string" ? /^br\.pregao\.([a-z]+)\.object$/.exec(type)?.[1] : undefined;
    const { key, etag, size } = data?.records?.[0] ?? {};
    if (!dataset || typeof key !== "string" || typeof etag !== "string" || typeof size !== "number") return null;
    return key.startsWith(`raw/${dataset}/`) ? { dataset, key, etag, size } : null;
  } catch {
    return null;
  }
};

/**
 * Where a replay copies a refused raw object on `day` (UTC, `YYYY-MM-DD`): under that day, which is open, since nothing
 * lists a closed one. How often it was refused and since when stands in the name: the reject of the copy goes on with it.
 */
export const copyKey = (letter: DeadLetter, day: string, digest: Digest): string => {
  const { dataset, key, etag } = refusedObject(letter.body)!;
  const since = letter.seen.replace(/[^0-9TZ]/g, "");
  return `raw/${dataset}/ingest_date=${day}/replay-${letter.attempts}-${since}-${digest(`${etag} ${key}`).slice(0, 16)}.parquet`;
};

const copiedBefore = (key: string): Before | undefined => {
  const found = /\/replay-(\d{1,6})-(\d{8})T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{16}\.parquet$/.exec(key);
  if (!found || ingestDate(key) === null) return;
  const [, attempts, date, h, m, s, ms] = found as unknown as string[];
  const day = `${date!.slice(0, 4)}-${date!.slice(4, 6)}-${date!.slice(6)}`;
  return { seen: `${day}T${h}:${m}:${s}.${ms}Z`, attempts: Number(attempts), reasons: [] };
};

/** If a body is the reject of an unreadable body: what it wraps, and what it was refused for before. */
export const unwrap = (value: unknown): ({ body: string } & Before) | null => {
  const event = value as Record<string, unknown> | null;
  if (typeof event !== "object" || event === null) return null;
  if (event.datacontenttype !== "text/plain" || typeof event.data !== "string" || event.subject !== "unreadable")
    return null;
  return { body: event.data, ...(beforeOf(event) ?? { attempts: 0, reasons: [] }) };
};

/** One dead letter as a person sees it. */
export type DeadLetter = {
  id: string;
  reason: string;
  message: string;
  path: string;
  ticker: string;
  seen: string;
  /** How often it was refused: more than once means that it failed again after a replay. */
  attempts: number;
  /** What it was refused for before, the newest last. */
  before: string[];
  /** As they stand in the body; the body itself, as text, if one nests too deep to be spelled again. */
  records: unknown[];
  /** What `replay` sends: the body as it is. */
  body: string;
};

/**
 * The only reader of a dead-letter queue's bodies. A body that is no reject of ours was moved there by SQS itself,
 * after too many receives: reason `exhausted`.
 */
export const readDeadLetter = (body: string, arrival: { messageId: string; sentAt: string }): DeadLetter => {
  try {
    const event = JSON.parse(body) as Record<string, unknown>;
    if (event && typeof event === "object" && typeof event.rejectreason === "string") {
      return {
        id: String(event.id),
        reason: event.rejectreason,
        message: String(event.rejectmessage ?? ""),
        path: String(event.rejectpath ?? ""),
        ticker: String(event.subject ?? ""),
        seen: String(event.rejectseen ?? arrival.sentAt),
        attempts: Number(event.rejectattempts ?? 1),
        before: earlierReasons(event),
        records: recordsOf(event, body),
        body,
      };
    }
    return exhausted(body, arrival, String(event?.subject ?? ""), recordsOf(event, body));
  } catch {
    return exhausted(body, arrival, "", [body]);
  }
};

const recordsOf = (event: Record<string, unknown> | null, body: string): unknown[] => {
  const data = event?.data as { records?: unknown } | string | null | undefined;
  if (typeof data === "string") return [data];
  const records = Array.isArray(data?.records) ? data.records : [event];
  return records.some((record) => nestsDeeper(record)) ? [body] : records;
};

const exhausted = (
  body: string,
  arrival: { messageId: string; sentAt: string },
  ticker: string,
  records: unknown[],
): DeadLetter => ({
  id: arrival.messageId,
  reason: "exhausted",
  message: "received too often without being settled; SQS moved it here",
  path: "",
  ticker,
  seen: arrival.sentAt,
  attempts: 1,
  before: [],
  records,
  body,
});

/**
 * The body of a reject with fields of its records set to other values; without patches, the body as it is. Throws a
 * PregaoError (`patch`) if it is no message with records, or one that cannot be spelled again.
 */
export const patched = (body: string, patches: Readonly<Record<string, unknown>>): string => {
  if (Object.keys(patches).length === 0) return body;
  try {
    const event = JSON.parse(body) as Record<string, unknown>;
    const data = event.data as { records: unknown[] };
    return JSON.stringify({
      ...event,
      data: {
        ...data,
        records: data.records.map((record) => ({ ...(record as Record<string, unknown>), ...patches })),
      },
    });
  } catch {
    throw new PregaoError("patch", "expected records to patch, this dead letter is not a readable message");
  }
};
