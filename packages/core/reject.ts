import type { Dataset } from "./dataset.ts";
import { PregaoError } from "./errors.ts";
import { type Digest, type Envelope, nestsDeeper } from "./message.ts";

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

/** The reject of some records of a readable message. */
export const rejectRecords = (event: Envelope, records: readonly unknown[], cause: Cause, digest: Digest): Reject => {
  const id = digest(`${event.id}\n${cause.reason}\n${JSON.stringify(records)}`).slice(0, 32);
  const body = JSON.stringify({
    ...event,
    id,
    data: { origin: event.data.origin, records },
    rejectreason: cause.reason,
    rejectmessage: cause.message,
    rejectpath: cause.path,
    rejectseen: event.rejectseen ?? cause.seen,
    rejectattempts: (event.rejectattempts ?? 0) + 1,
  });
  return { id, group: event.subject, ...cause, records: records.length, body };
};

/** A body that is no message of ours travels whole, as text inside an envelope of its own. */
export const rejectBody = (
  dataset: Pick<Dataset, "name">,
  body: string,
  cause: Cause,
  digest: Digest,
  attempts = 1,
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
      time: cause.seen,
      datacontenttype: "text/plain",
      data: body,
      rejectreason: cause.reason,
      rejectmessage: cause.message,
      rejectpath: cause.path,
      rejectseen: cause.seen,
      rejectattempts: attempts,
    }),
  };
};

/** A raw object that was refused as a whole: its dead letter says where it is, and its rows stay there. */
export const rejectObject = (
  dataset: Pick<Dataset, "name">,
  bucket: string,
  object: { key: string; etag: string; size: number; reason: string; message: string },
  seen: string,
  digest: Digest,
): Reject => {
  const { key, etag, size, reason, message } = object;
  const id = digest(`${dataset.name}\n${reason}\n${etag} ${key}`).slice(0, 32);
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
      time: seen,
      datacontenttype: "application/json",
      data: { records: [{ bucket, key, etag, size }] },
      rejectreason: reason,
      rejectmessage: message,
      rejectpath: key,
      rejectseen: seen,
      rejectattempts: 1,
    }),
  };
};

/** If a body is the reject of an unreadable body: what it wraps, and how often it was refused. */
export const unwrap = (value: unknown): { body: string; seen?: string; attempts: number } | null => {
  const event = value as Record<string, unknown> | null;
  if (typeof event !== "object" || event === null) return null;
  if (event.datacontenttype !== "text/plain" || typeof event.data !== "string" || event.subject !== "unreadable")
    return null;
  return {
    body: event.data,
    ...(typeof event.rejectseen === "string" ? { seen: event.rejectseen } : {}),
    attempts: typeof event.rejectattempts === "number" ? event.rejectattempts : 0,
  };
};

/** One dead letter as a person sees it. */
export type DeadLetter = {
  id: string;
  reason: string;
  message: string;
  path: string;
  ticker: string;
  seen: string;
  attempts: number;
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
