import { AwsError } from "../service.ts";
import type { State } from "../state.ts";

/** A Direct PUT stream into S3, with conversion to Parquet by a Glue table. */
export type Stream = {
  name: string;
  bucket: string;
  prefix: string;
  errors: string;
  /** A delivery starts at this many MiB of record data, or this many seconds after the first record; 0 is at once. */
  mib: number;
  seconds: number;
  database: string;
  table: string;
  role: string;
  /** The role that reads the table, and the table's region: kept and given back, without effect here. */
  reader?: string;
  region?: string;
  created: number;
  status: "ACTIVE" | "DELETING";
  tags: Record<string, string>;
};

export type Streams = {
  /** An active stream, or Amazon's ResourceNotFoundException. */
  active: (name: string) => Stream;
  find: (name: string) => Stream | null;
  save: (stream: Stream) => void;
  remove: (name: string) => void;
  /** In order of name. */
  names: () => string[];
};

/** The streams there are. */
export const openStreams = (state: State): Streams => {
  state.db.exec("CREATE TABLE IF NOT EXISTS firehose_streams (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT");
  const one = state.db.prepare("SELECT body FROM firehose_streams WHERE name = ?");
  const all = state.db.prepare("SELECT name FROM firehose_streams ORDER BY name");
  const upsert = state.db.prepare(
    "INSERT INTO firehose_streams VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
  );
  const drop = state.db.prepare("DELETE FROM firehose_streams WHERE name = ?");
  const find = (name: string): Stream | null => {
    const row = one.get(name);
    return row ? (JSON.parse(row.body as string) as Stream) : null;
  };
  return {
    find,
    active: (name) => {
      const stream = find(name);
      if (stream?.status !== "ACTIVE")
        throw new AwsError("ResourceNotFoundException", `Firehose ${name} not found under this account.`);
      return stream;
    },
    save: (stream) => void upsert.run(stream.name, JSON.stringify(stream)),
    remove: (name) => void drop.run(name),
    names: () => all.all().map((row) => row.name as string),
  };
};
