import type { Judged } from "./judge.ts";
import { byteLength } from "./message.ts";

/** Firehose: a record is at most 1,000 KiB before base64 (PutRecordBatch, API reference). */
export const RECORD_BYTES = 1_024_000;

/** Of how much of each message something holds, by receipt: rows of a parcel, or 1 for a reject. */
export type Share = ReadonlyMap<string, number>;

/** A unit of delivery: it arrives whole or not at all, and knows every message that has something in it. */
export type Parcel = { data: string; bytes: number; receipts: Share };

/** How a parcel or a reject ended. An unknown outcome is `taken: false`. */
export type Outcome = { receipts: Share; taken: boolean };

/** Rows as newline-separated JSON, packed into as few records as their order allows: Firehose bills in 5 KB steps. */
export const packRows = (judged: Iterable<Judged>): Parcel[] => {
  const parcels: Parcel[] = [];
  let lines: string[] = [];
  let bytes = 0;
  let receipts = new Map<string, number>();
  const close = () => {
    if (lines.length) parcels.push({ data: `${lines.join("\n")}\n`, bytes, receipts });
    lines = [];
    bytes = 0;
    receipts = new Map();
  };
  for (const { receipt, rows } of judged)
    for (const line of rows) {
      const size = byteLength(line) + 1;
      if (bytes + size > RECORD_BYTES) close();
      lines.push(line);
      bytes += size;
      receipts.set(receipt, (receipts.get(receipt) ?? 0) + 1);
    }
  close();
  return parcels;
};

/**
 * The receipts that must come back. It starts from every receipt and removes those of whose rows and rejects every one
 * was taken: what was forgotten, in whole or in part, comes back instead of vanishing. Nor is a message settled that has
 * neither.
 */
export const unsettled = (
  judged: Iterable<Pick<Judged, "receipt" | "rows" | "rejects">>,
  outcomes: Iterable<Outcome>,
): string[] => {
  const owed = new Map<string, number>();
  const lost = new Set<string>();
  const all = [...judged];
  // A message that came twice in a batch is owed twice.
  for (const { receipt, rows, rejects } of all) {
    owed.set(receipt, (owed.get(receipt) ?? 0) + rows.length + rejects.length);
    if (rows.length + rejects.length === 0) lost.add(receipt);
  }
  for (const { receipts, taken } of outcomes)
    for (const [receipt, count] of receipts)
      if (taken) owed.set(receipt, (owed.get(receipt) ?? 0) - count);
      else lost.add(receipt);
  return all.map((j) => j.receipt).filter((receipt) => lost.has(receipt) || owed.get(receipt)! > 0);
};
