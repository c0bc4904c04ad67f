import { z } from "zod";
import { text, timestamp } from "./columns.ts";
import type { Dataset, Origin, WireRecord } from "./dataset.ts";

/** Amazon allows 1 MiB; ours stay at 256 KiB, the size every SQS client and tool handles. Bytes of UTF-8. */
export const MESSAGE_BYTES = 256 * 1024;

/** UTC, `yyyy-MM-dd HH:mm:ss.SSS`, the only spelling of an instant on the wire. */
export const instant = (ms: number): string => new Date(ms).toISOString().replace("T", " ").replace("Z", "");

const origin = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in hexadecimal"),
  version: text(64)("source_version").wire,
  scraped_at: timestamp("scraped_at").wire.refine((at) => at >= "1990", "expected an instant since 1990"),
});

/** Text with a spelling in UTF-8, so that no two become one on the way. */
const wellFormed = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => value.isWellFormed(), "expected no half of a surrogate pair");

/** CloudEvents 1.0. The `reject*` attributes are there after a rejection, so that a reject can be sent again as it is. */
export const envelope = z.strictObject({
  specversion: z.literal("1.0"),
  id: text(128)("message_id").wire,
  source: wellFormed(1024).min(1),
  type: z.string().regex(/^br\.pregao\.[a-z]+\.v\d+$/, "expected br.pregao.<dataset>.v<n>"),
  subject: text(64)("subject").wire,
  time: wellFormed(64),
  datacontenttype: z.literal("application/json"),
  data: z.strictObject({ origin, records: z.array(z.unknown()).max(10_000) }),
  rejectreason: z.string().optional(),
  rejectmessage: z.string().optional(),
  rejectpath: z.string().optional(),
  rejectseen: z.string().optional(),
  rejectattempts: z.int().optional(),
  rejectreasons: z.string().optional(),
});

export type Envelope = z.infer<typeof envelope>;

/** Levels of lists and objects in one record, itself one of them. No column has any; what is deeper nobody could spell again. */
export const NESTING = 32;

/** Whether a value of JSON nests deeper than a record may. It looks no further down than that. */
export const nestsDeeper = (value: unknown, levels = NESTING): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1)));

/** A key that an object in this valid JSON has twice, or null: parsing keeps the last and says nothing of the others. */
export const repeatedKey = (json: string): string | null => {
  const token = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}]/g;
  const open: Set<string>[] = [];
  for (let found = token.exec(json); found; found = token.exec(json)) {
    const [whole, spelled, colon] = found;
    if (whole === "{") open.push(new Set());
    else if (whole === "}") open.pop();
    else if (colon) {
      const key = spelled!.includes("\\") ? (JSON.parse(`"${spelled}"`) as string) : spelled!;
      if (open.at(-1)!.has(key)) return key;
      open.at(-1)!.add(key);
    }
  }
  return null;
};

/** A message ready to be sent: `group` is the ticker (fair queues), `rows` how many records it carries. */
export type Message = { id: string; group: string; body: string; rows: number };

export type Digest = (text: string) => string;

export const typeOf = (dataset: Pick<Dataset, "name" | "version">): string =>
  `br.pregao.${dataset.name}.v${dataset.version}`;

/**
 * Messages of one subject, each with as many records as fit in {@link MESSAGE_BYTES}. The same records give the same
 * messages, to the byte. A single record that does not fit travels alone and is refused by the queue's own limit.
 */
export const messages = (
  dataset: Pick<Dataset, "name" | "version">,
  from: { source: string; origin: Origin },
  group: { subject: string; records: readonly WireRecord[] },
  digest: Digest,
): Message[] => {
  const head = (id: string) =>
    `{"specversion":"1.0","id":"${id}","source":${JSON.stringify(from.source)},"type":"${typeOf(dataset)}","subject":${JSON.stringify(group.subject)},"time":"${from.origin.scraped_at.replace(" ", "T")}Z","datacontenttype":"application/json","data":{"origin":${JSON.stringify(from.origin)},"records":[`;
  const tail = "]}}";
  const overhead = byteLength(head("0".repeat(32))) + tail.length;
  const out: Message[] = [];
  let parts: string[] = [];
  let size = overhead;
  const flush = () => {
    if (parts.length === 0) return;
    const records = parts.join(",");
    const id = digest(`${typeOf(dataset)}\n${from.origin.sha256}\n${group.subject}\n${records}`).slice(0, 32);
    out.push({ id, group: group.subject, body: head(id) + records + tail, rows: parts.length });
    parts = [];
    size = overhead;
  };
  for (const record of group.records) {
    const json = JSON.stringify(record);
    const bytes = byteLength(json) + 1;
    if (size + bytes > MESSAGE_BYTES) flush();
    parts.push(json);
    size += bytes;
  }
  flush();
  return out;
};

/** Length in UTF-8, without encoding. */
export const byteLength = (text: string): number => {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
};
