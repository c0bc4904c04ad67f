import type { State } from "../state.ts";
import type { Acknowledged } from "./convert.ts";

/** Records of one stream that follow each other in it, with none between them. */
export type Run = { first: number; last: number; count: number };

export type Records = {
  /** In the open transaction; once it commits, the record is acknowledged. Gives its number, never used twice. */
  add: (stream: string, arrived: number, data: Uint8Array) => number;
  /** What is acknowledged and not delivered, oldest first, up to `bytes`; at least one record if there is any. */
  take: (stream: string, bytes: number) => Acknowledged[];
  read: (seq: number) => Uint8Array;
  /** In the transaction of the object that holds them. Throws if one is gone: somebody else delivered it. */
  settle: (stream: string, runs: readonly Run[]) => void;
  pending: (stream: string) => { bytes: number; oldest: number | null };
};

/** The acknowledged records: durable until the object that holds them is. */
export const openRecords = (state: State): Records => {
  state.db.exec(`
    CREATE TABLE IF NOT EXISTS firehose_records (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, arrived INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS firehose_records_stream ON firehose_records (stream, seq, arrived, bytes);`);
  const insert = state.db.prepare("INSERT INTO firehose_records (stream, arrived, bytes, data) VALUES (?, ?, ?, ?)");
  const oldest = state.db.prepare("SELECT seq, arrived, bytes FROM firehose_records WHERE stream = ? ORDER BY seq");
  const data = state.db.prepare("SELECT data FROM firehose_records WHERE seq = ?");
  const remove = state.db.prepare("DELETE FROM firehose_records WHERE stream = ? AND seq BETWEEN ? AND ?");
  const total = state.db.prepare(
    "SELECT coalesce(sum(bytes), 0) AS bytes, min(arrived) AS oldest FROM firehose_records WHERE stream = ?",
  );
  return {
    add: (stream, arrived, bytes) => Number(insert.run(stream, arrived, bytes.byteLength, bytes).lastInsertRowid),
    take: (stream, bytes) => {
      const taken: Acknowledged[] = [];
      let sum = 0;
      for (const row of oldest.iterate(stream)) {
        const record = row as Acknowledged;
        sum += record.bytes;
        if (taken.length > 0 && sum > bytes) break;
        taken.push({ seq: record.seq, arrived: record.arrived, bytes: record.bytes });
      }
      return taken;
    },
    read: (seq) => {
      const row = data.get(seq);
      if (!row) throw new Error(`record ${seq} was delivered by somebody else`);
      return row.data as Uint8Array;
    },
    settle: (stream, runs) => {
      for (const { first, last, count } of runs)
        if (Number(remove.run(stream, first, last).changes) !== count)
          throw new Error(`records ${first} to ${last} of ${stream}: expected ${count}; somebody else delivered some`);
    },
    pending: (stream) => {
      const row = total.get(stream)!;
      return { bytes: row.bytes as number, oldest: row.oldest as number | null };
    },
  };
};
