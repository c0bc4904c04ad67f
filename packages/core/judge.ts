import { z } from "zod";
import { saoPauloDay } from "./calendar.ts";
import { INT_MAX, integer } from "./columns.ts";
import type { Dataset, WireRecord } from "./dataset.ts";
import { explained, fieldOf, show } from "./issue.ts";
import { type Digest, type Envelope, envelope, NESTING, nestsDeeper, repeatedKey, typeOf } from "./message.ts";
import { type Before, beforeOf, type Reject, rejectBody, rejectRecords, unwrap } from "./reject.ts";
import { holdsAll, validator } from "./table.ts";

/** A message as it was received. `receipt` is what says afterwards whether it is settled. */
export type Incoming = { receipt: string; body: string; sentAt: number };

/** One message, judged: rows as lines of JSON for the dataset's stream, and what was refused. Never both empty. */
export type Judged = { receipt: string; rows: string[]; rejects: Reject[] };

export type Judge = (incoming: Incoming) => Judged;

/**
 * The judge of a dataset's queue. Strict: an unknown key, a wrong type or a value out of range is an error, since
 * Firehose would drop or coerce it silently. A bad record takes none of its neighbours with it. It never throws for
 * what is in a message: whatever goes wrong with one refuses that one.
 */
export const judgeOf = (dataset: Dataset, digest: Digest): Judge => {
  const raw = dataset.raw;
  if (!raw) throw new Error(`dataset ${dataset.name} has no queue`);
  const names = Object.keys(raw.record);
  const record = validator(raw.record).extend({ origin_rows: z.int().min(1).max(INT_MAX).nullable().optional() });
  const plain = holdsAll({ ...raw.record, origin_rows: { ...integer()("rows of its session"), holds: isCount } });
  const type = typeOf(dataset);

  /** The canonical JSON of a valid record: declared columns in declared order, so that equal records are equal text. */
  const canonical = (valid: WireRecord): string => {
    const ordered: WireRecord = {};
    for (const name of names) ordered[name] = valid[name];
    return JSON.stringify(ordered);
  };

  /** São Paulo's day of the last origin: a file's messages have one. */
  let last = { at: "", day: "" };
  const arrivalOf = (at: string): string => {
    if (at !== last.at) last = { at, day: saoPauloDay(Date.parse(`${at.replace(" ", "T")}Z`)) };
    return last.day;
  };

  /**
   * A message as messages() spells it, made of its records' canonical texts, which are needed anyway. A body that
   * equals it has no key twice, and need not be looked through.
   */
  const spelled = (event: Envelope, texts: readonly string[]): string => {
    const records = event.data.records as { origin_rows: number | null }[];
    const all = texts.map((json, i) => `${json.slice(0, -1)},"origin_rows":${records[i]!.origin_rows}}`).join(",");
    const shell = JSON.stringify({ ...event, data: { origin: event.data.origin, records: [] } });
    return shell.replace('"records":[]', () => `"records":[${all}]`);
  };

  /** `texts`: of each record its canonical JSON if it holds, else null. */
  const judgeRecords = (
    event: Envelope,
    texts: readonly (string | null)[],
    seen: string,
    before: Before | undefined,
  ): Omit<Judged, "receipt"> => {
    const { origin, records } = event.data;
    const day = arrivalOf(origin.scraped_at);
    const tail = `,"message_id":${JSON.stringify(event.id)},"origin_sha256":"${origin.sha256}","source_version":${JSON.stringify(origin.version)},"scraped_at":"${origin.scraped_at}","scraped_on":"${day}"`;
    const rows: string[] = [];
    const refused = new Map<string, { records: unknown[]; message: string; path: string }>();
    const refuse = (reason: string, message: string, path: string, value: unknown) => {
      const same = refused.get(reason);
      if (same) same.records.push(value);
      else refused.set(reason, { records: [value], message, path });
    };
    records.forEach((value, index) => {
      const text = texts[index];
      const parsed = text ? { success: true as const, data: value } : record.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const unknown = issue?.code === "unrecognized_keys";
        const field = unknown ? issue.keys.join(",") : (issue?.path.join(".") ?? "");
        refuse(
          unknown ? "unknown_field" : "invalid_field",
          `${fieldOf(issue, "record")}: ${explained(issue, value)}`,
          `data.records[${index}]${field && `.${field}`}`,
          value,
        );
        return;
      }
      const valid = parsed.data as Record<string, string>;
      if (raw.subject(valid) !== event.subject) {
        refuse(
          "subject",
          `expected records of ${event.subject} only, came ${show(raw.subject(valid))}`,
          `data.records[${index}]`,
          value,
        );
        return;
      }
      for (const law of raw.laws) {
        const broken = law.broken(valid, { day });
        if (broken !== null) {
          refuse(law.code, broken, `data.records[${index}].${law.path}`, value);
          return;
        }
      }
      const json = text ?? canonical(valid);
      const id = digest(`${type}\n${origin.sha256}\n${json}`).slice(0, 32);
      rows.push(`${json.slice(0, -1)},"event_id":"${id}"${tail},"origin_rows":${valid.origin_rows ?? null}}`);
    });
    const rejects = [...refused].map(([reason, cause]) =>
      rejectRecords(event, cause.records, { reason, message: cause.message, path: cause.path, seen }, digest, before),
    );
    return { rows, rejects };
  };

  return ({ receipt, body, sentAt }) => {
    const seen = new Date(sentAt).toISOString();
    const whole = (text: string, reason: string, message: string, path: string, before?: Before): Judged => ({
      receipt,
      rows: [],
      rejects: [rejectBody(dataset, text, { reason, message, path, seen }, digest, before)],
    });
    const parse = (text: string, wrapped?: Before): Judged => {
      try {
        return judgeText(text, wrapped);
      } catch (error) {
        return whole(text, "unjudgeable", `the judge failed: ${(error as Error).message}`, "", wrapped);
      }
    };
    const judgeText = (text: string, wrapped?: Before): Judged => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        return whole(text, "not_json", `expected JSON: ${(error as Error).message}`, "", wrapped);
      }
      const inner = wrapped ? null : unwrap(value);
      if (inner) return parse(inner.body, inner);
      const before = wrapped ?? beforeOf(value);
      const event = envelope.safeParse(value);
      if (!event.success) {
        const [issue] = event.error.issues;
        const path = issue?.code === "unrecognized_keys" ? issue.keys.join(",") : (issue?.path.join(".") ?? "");
        return whole(
          text,
          "envelope",
          `${fieldOf(issue, "message")}: ${explained(issue, value, "attribute")}`,
          path,
          before,
        );
      }
      const { records } = event.data.data;
      if (event.data.type !== type)
        return whole(text, "type", `expected type ${type} in this queue, came ${event.data.type}`, "type", before);
      if (records.length === 0) return whole(text, "empty", "expected at least one record", "data.records", before);
      const texts = records.map((record) => (plain(record) ? canonical(record as WireRecord) : null));
      const deep = records.findIndex((record, index) => texts[index] === null && nestsDeeper(record));
      if (deep >= 0)
        return whole(
          text,
          "envelope",
          `expected lists and objects in at most ${NESTING} levels`,
          `data.records[${deep}]`,
          before,
        );
      const ours = texts.every((json) => json !== null) ? spelled(event.data, texts) : JSON.stringify(value);
      const key = text === ours ? null : repeatedKey(text);
      if (key !== null) return whole(text, "envelope", `expected each key once, came ${show(key)} twice`, key, before);
      return { receipt, ...judgeRecords(event.data, texts, seen, before) };
    };
    return parse(body);
  };
};

const isCount = (value: unknown): boolean =>
  value === null || (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= INT_MAX);
