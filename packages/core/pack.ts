import type { Judged } from "./judge.ts";
import { byteLength } from "./message.ts";

/** Firehose: a record is at most 1,000 KiB before base64 (PutRecordBatch, API reference). */
export const RECORD_BYTES = 1_024_000;

/** A unit of delivery: it arrives whole or not at all, and knows every message that has something in it. */
export type Parcel = { data: string; bytes: number; receipts: ReadonlySet<string> };

/** How a parcel ended. An unknown outcome is `taken: false`. */
export type Outcome = { receipts: ReadonlySet<string>; taken: boolean };

/** Rows as newline-separated JSON, packed into as few records as their order allows: Firehose bills in 5 KB steps. */
export const packRows = (judged: Iterable<Judged>): Parcel[] => {
  const parcels: Parcel[] = [];
  let lines: string[] = [];
  let bytes = 0;
  let receipts = new Set<string>();
  const close = () => {
    if (lines.length) parcels.push({ data: `${lines.join("\n")}\n`, bytes, receipts });
    lines = [];
    bytes = 0;
    receipts = new Set();
  };
  for (const { receipt, rows } of judged)
    for (const line of rows) {
      const size = byteLength(line) + 1;
      if (bytes + size > RECORD_BYTES) close();
      lines.push(line);
      bytes += size;
      receipts.add(receipt);
    }
  close();
  return parcels;
};

/**
 * The receipts that must come back. It starts from every receipt and removes those whose parcels were all taken: what
 * was forgotten comes back instead of vanishing. A message without a parcel is not settled.
 */
export const unsettled = (judged: Iterable<{ receipt: string }>, outcomes: Iterable<Outcome>): string[] => {
  const taken = new Set<string>();
  const lost = new Set<string>();
  for (const outcome of outcomes) for (const receipt of outcome.receipts) (outcome.taken ? taken : lost).add(receipt);
  return [...judged].map((j) => j.receipt).filter((receipt) => lost.has(receipt) || !taken.has(receipt));
};
