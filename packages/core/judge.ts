import { z } from "zod";
import { saoPauloDay } from "./calendar.ts";
import { integer } from "./columns.ts";
import type { Dataset, WireRecord } from "./dataset.ts";
import { type Digest, type Envelope, envelope, typeOf } from "./message.ts";
import { type Reject, rejectBody, rejectRecords, unwrap } from "./reject.ts";
import { holdsAll, validator } from "./table.ts";

/** A message as it was received. `receipt` is what says afterwards whether it is settled. */
export type Incoming = { receipt: string; body: string; sentAt: number };

/** One message, judged: rows as lines of JSON for the dataset's stream, and what was refused. Never both empty. */
export type Judged = { receipt: string; rows: string[]; rejects: Reject[] };

export type Judge = (incoming: Incoming) => Judged;

/**
 * The judge of a dataset's queue. Strict: an unknown key, a wrong type or a value out of range is an error, since
 * Firehose would drop or coerce it silently. A bad record takes none of its neighbours with it.
 */
export const judgeOf = (dataset: Dataset, digest: Digest): Judge => {
  const raw = dataset.raw;
  if (!raw) throw new Error(`dataset ${dataset.name} has no queue`);
  const names = Object.keys(raw.record);
  const record = validator(raw.record).extend({ origin_rows: z.int().min(1).nullable().optional() });
  const plain = holdsAll({ ...raw.record, origin_rows: { ...integer()("rows of its session"), holds: isCount } });
  const type = typeOf(dataset);

  /** The canonical JSON of a valid record: declared columns in declared order, so that equal records are equal text. */
  const canonical = (valid: WireRecord): string => {
    const ordered: WireRecord = {};
    for (const name of names) ordered[name] = valid[name];
    return JSON.stringify(ordered);
  };

  const judgeRecords = (event: Envelope, seen: string): Omit<Judged, "receipt"> => {
    const { origin, records } = event.data;
    const day = saoPauloDay(Date.parse(`${origin.scraped_at.replace(" ", "T")}Z`));
    const tail = `,"message_id":${JSON.stringify(event.id)},"origin_sha256":"${origin.sha256}","source_version":${JSON.stringify(origin.version)},"scraped_at":"${origin.scraped_at}","scraped_on":"${day}"`;
    const rows: string[] = [];
    const refused = new Map<string, { records: unknown[]; message: string; path: string }>();
    const refuse = (reason: string, message: string, path: string, value: unknown) => {
      const same = refused.get(reason);
      if (same) same.records.push(value);
      else refused.set(reason, { records: [value], message, path });
    };
    records.forEach((value, index) => {
      const parsed = plain(value) ? { success: true as const, data: value } : record.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const unknown = issue?.code === "unrecognized_keys";
        const field = unknown ? issue.keys.join(",") : (issue?.path.join(".") ?? "");
        const came = unknown ? "" : `, came ${show((value as WireRecord | null)?.[field])}`;
        refuse(unknown ? "unknown_field" : "invalid_field", `${field}: ${issue?.message}${came}`, `data.records[${index}].${field}`, value);
        return;
      }
      const valid = parsed.data as Record<string, string>;
      if (raw.subject(valid) !== event.subject) {
        refuse("subject", `expected records of ${event.subject} only, came ${show(raw.subject(valid))}`, `data.records[${index}]`, value);
        return;
      }
      for (const law of raw.laws) {
        const broken = law.broken(valid, { day });
        if (broken !== null) {
          refuse(law.code, broken, `data.records[${index}].${law.path}`, value);
          return;
        }
      }
      const json = canonical(valid);
      const id = digest(`${type}\n${origin.sha256}\n${json}`).slice(0, 32);
      rows.push(`${json.slice(0, -1)},"event_id":"${id}"${tail},"origin_rows":${valid.origin_rows ?? null}}`);
    });
    const rejects = [...refused].map(([reason, cause]) =>
      rejectRecords(event, cause.records, { reason, message: cause.message, path: cause.path, seen }, digest),
    );
    return { rows, rejects };
  };

  return ({ receipt, body, sentAt }) => {
    const seen = new Date(sentAt).toISOString();
    const whole = (text: string, reason: string, message: string, path: string, before?: { seen?: string; attempts: number }): Judged => ({
      receipt,
      rows: [],
      rejects: [rejectBody(dataset, text, { reason, message, path, seen: before?.seen ?? seen }, digest, (before?.attempts ?? 0) + 1)],
    });
    const parse = (text: string, before?: { seen?: string; attempts: number }): Judged => {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        return whole(text, "not_json", `expected JSON: ${(error as Error).message}`, "", before);
      }
      const inner = before ? null : unwrap(value);
      if (inner) return parse(inner.body, inner);
      const parsed = envelope.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const path = issue?.code === "unrecognized_keys" ? issue.keys.join(",") : (issue?.path.join(".") ?? "");
        return whole(text, "envelope", `${path || "message"}: ${issue?.message}`, path, before);
      }
      if (parsed.data.type !== type)
        return whole(text, "type", `expected type ${type} in this queue, came ${parsed.data.type}`, "type", before);
      if (parsed.data.data.records.length === 0)
        return whole(text, "empty", "expected at least one record", "data.records", before);
      return { receipt, ...judgeRecords(parsed.data, seen) };
    };
    return parse(body);
  };
};

const isCount = (value: unknown): boolean => value === null || (Number.isSafeInteger(value) && (value as number) >= 1);

/** A value as an error shows it: short, and never a whole payload. */
const show = (value: unknown): string => {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};
