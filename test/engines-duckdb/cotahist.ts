import { readFileSync } from "node:fs";
import type { Bytes, WireRecord } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { sha256 } from "./lake.ts";

export const bytesOf = (buffer: Uint8Array): Bytes => ({
  size: buffer.length,
  read: async (start, end) => buffer.subarray(start, end),
});

/** The bundled real file of 2024-11-08 as raw rows, what the consumer would have sent to Firehose; read once. */
let rows: Promise<WireRecord[]> | undefined;
export const realSession = (): Promise<WireRecord[]> => {
  rows ??= decode(readFileSync(bovespa.demo!.file));
  return rows;
};

const decode = async (file: Uint8Array): Promise<WireRecord[]> => {
  const { format } = bovespa.raw!;
  const bytes = bytesOf(file);
  const survey = await format.survey(bytes);
  const all: WireRecord[] = [];
  for await (const groups of format.groups(bytes, survey))
    for (const group of groups) for (const record of group.records) all.push(rowOf(record));
  return all;
};

export const lineage = {
  message_id: "m",
  origin_sha256: "a".repeat(64),
  source_version: "2024-11-08",
  scraped_at: "2024-11-09 01:11:00.000",
  scraped_on: "2024-11-08",
};

/** A record of the wire as a raw row. `change` overrides columns, lineage included. */
export const rowOf = (record: WireRecord, change: WireRecord = {}): WireRecord => {
  const row = { origin_rows: null, ...lineage, ...record, ...change };
  return { event_id: sha256(JSON.stringify(row)).slice(0, 32), ...row };
};
