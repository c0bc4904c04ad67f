import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ParquetColumn } from "../../engines/duckdb/parquet.ts";
import { openSession, type Session } from "../../engines/duckdb/session.ts";
import type { State } from "../state.ts";
import { type Acknowledged, convert, type Failure } from "./convert.ts";
import { evaluate, formatted } from "./prefix.ts";
import type { Records, Run } from "./records.ts";
import type { Stream, Streams } from "./streams.ts";

/** What a delivery needs of S3: a file becomes an object, and `within` runs in the transaction that makes it one. */
export type ObjectSink = {
  putFile: (bucket: string, key: string, path: string, options?: { within?: () => void }) => Promise<unknown>;
};

export type DeliveryDeps = {
  s3: ObjectSink;
  /** The Glue table's columns as they are now; looked up for each delivery. */
  table: (database: string, name: string) => { columns: { name: string; type: string }[] } | null;
  region: string;
  now: () => number;
  /** A delivery that failed; it is tried again by itself. */
  onFailure: (stream: string, error: unknown) => void;
};

export type Deliverer = {
  /** Looks whether a delivery is due. Called after anything that may have made it so. */
  wake: (stream: string) => void;
  /** Bytes that are acknowledged and not delivered. */
  backlog: (stream: string) => number;
  /** Counts records that were acknowledged at `arrived`; `backlog` was asked before they were added. */
  added: (stream: string, bytes: number, arrived: number) => void;
  busy: () => boolean;
  /** Starts nothing any more, and waits for what runs. What is not delivered waits for the next start. */
  stop: () => Promise<void>;
};

const MIB = 1024 * 1024;
/** A delivery of 128 MiB of JSON takes less; what does not fit spills. */
const MEMORY = "1GB";
/** The types that have a Parquet type here (core/columns.ts). */
const TYPE = /^(string|int|bigint|double|boolean|date|timestamp|decimal\(\d+,\d+\))$/;
/** The first pause after a failed delivery; it doubles up to the last. */
const RETRY_MS = 200;
const MAX_RETRY_MS = 30_000;
const CONVERSION_FAILED = "format-conversion-failed";

type Buffer = {
  bytes: number;
  oldest: number | null;
  running: boolean;
  timer: NodeJS.Timeout | null;
  /** In a row. Until the timer ends the pause after the last one, nothing is tried. */
  failures: number;
  resting: boolean;
};

/**
 * One delivery at a time per stream: the oldest records up to the buffer's size become one Parquet object, those that
 * cannot be converted lines of one error object. A record leaves in the very transaction that makes the object that
 * holds it, so a kill at any point neither loses nor doubles one. A delivery that fails is tried again with back-off,
 * for ever: nothing is given up.
 */
export const openDeliverer = (state: State, streams: Streams, records: Records, deps: DeliveryDeps): Deliverer => {
  const scratch = join(state.dir, "firehose");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const buffers = new Map<string, Buffer>();
  const running = new Set<Promise<void>>();
  let stopped = false;
  let session: Promise<Session> | null = null;
  // Conversions share a DuckDB session, which runs one statement at a time.
  let turn: Promise<unknown> = Promise.resolve();

  const bufferOf = (name: string): Buffer => {
    let buffer = buffers.get(name);
    if (!buffer) {
      buffer = { ...records.pending(name), running: false, timer: null, failures: 0, resting: false };
      buffers.set(name, buffer);
    }
    return buffer;
  };

  const wake = (name: string): void => {
    if (stopped || !state.db.isOpen) return;
    const buffer = bufferOf(name);
    if (buffer.running || buffer.resting) return;
    if (buffer.timer) clearTimeout(buffer.timer);
    buffer.timer = null;
    const stream = streams.find(name);
    if (!stream) return;
    if (buffer.oldest === null) {
      if (stream.status === "DELETING") streams.remove(name);
      return;
    }
    const full = buffer.bytes >= stream.mib * MIB || stream.status === "DELETING";
    const wait = full ? 0 : buffer.oldest + stream.seconds * 1000 - deps.now();
    if (wait > 0) {
      wakeLater(name, buffer, wait);
      return;
    }
    buffer.running = true;
    const delivery = run(stream, buffer).finally(() => running.delete(delivery));
    running.add(delivery);
  };

  const wakeLater = (name: string, buffer: Buffer, ms: number): void => {
    buffer.timer = setTimeout(() => {
      buffer.resting = false;
      wake(name);
    }, ms).unref();
  };

  const run = async (stream: Stream, buffer: Buffer): Promise<void> => {
    try {
      await deliver(stream);
      buffer.failures = 0;
    } catch (error) {
      if (!stopped && state.db.isOpen) {
        buffer.resting = true;
        wakeLater(stream.name, buffer, Math.min(RETRY_MS * 2 ** buffer.failures, MAX_RETRY_MS));
        buffer.failures += 1;
        deps.onFailure(stream.name, error);
      }
    } finally {
      buffer.running = false;
      if (!stopped && state.db.isOpen) {
        Object.assign(buffer, records.pending(stream.name));
        wake(stream.name);
        state.touch();
      }
    }
  };

  const deliver = async (stream: Stream): Promise<void> => {
    const taken = records.take(stream.name, stream.mib * MIB);
    const oldest = taken.reduce((least, record) => Math.min(least, record.arrived), Number.POSITIVE_INFINITY);
    const columns = columnsOf(stream, deps.table(stream.database, stream.table));
    const id = identity(stream.name, taken);
    const [parquet, lines, failures] = ["parquet", "lines", "failures"].map((kind) => join(scratch, `${id}.${kind}`));
    try {
      const conversion = { columns, records: taken, read: records.read, file: parquet!, lines: lines! };
      const { failed } = await inTurn((open) => convert(open, conversion));
      if (stopped) return;
      const name = `${stream.name}-1-${formatted("yyyy-MM-dd-HH-mm-ss", oldest)}-${id}`;
      const bad = new Set(failed.map((failure) => failure.record));
      if (failed.length) {
        await writeErrors(failures!, stream, failed);
        const key = `${evaluate(stream.errors, oldest, CONVERSION_FAILED)}${name}`;
        const settled = runs(taken, (record) => bad.has(record));
        await deps.s3.putFile(stream.bucket, key, failures!, { within: () => records.settle(stream.name, settled) });
      }
      if (failed.length < taken.length) {
        const key = `${evaluate(stream.prefix, oldest)}${name}.parquet`;
        const settled = runs(taken, (record) => !bad.has(record));
        await deps.s3.putFile(stream.bucket, key, parquet!, { within: () => records.settle(stream.name, settled) });
      }
    } finally {
      await Promise.all([parquet!, lines!, failures!].map((path) => rm(path, { force: true })));
    }
  };

  const writeErrors = async (path: string, stream: Stream, failed: readonly Failure[]): Promise<void> => {
    const out = await open(path, "w");
    try {
      for (const failure of failed) await out.write(errorLine(stream, failure, records.read, deps));
    } finally {
      await out.close();
    }
  };

  const inTurn = <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const result = turn.then(async () => {
      session ??= openSession({ memory: MEMORY, scratch });
      return work(await session);
    });
    // After an error a session may be unusable (out of memory, a full disk): the next delivery opens another.
    turn = result.catch(async () => {
      const broken = session;
      session = null;
      await broken?.then(
        (open) => open.close(),
        () => undefined,
      );
    });
    return result;
  };

  return {
    wake,
    busy: () => streams.names().some((name) => bufferOf(name).running || bufferOf(name).oldest !== null),
    backlog: (name) => bufferOf(name).bytes,
    added: (name, bytes, arrived) => {
      const buffer = bufferOf(name);
      buffer.bytes += bytes;
      buffer.oldest = buffer.oldest === null ? arrived : Math.min(buffer.oldest, arrived);
    },
    stop: async () => {
      stopped = true;
      for (const buffer of buffers.values()) if (buffer.timer) clearTimeout(buffer.timer);
      await Promise.all(running);
      await turn;
      (await session)?.close();
    },
  };
};

/** The table's columns, or an error that names what a delivery waits for. */
const columnsOf = ({ name, database, table }: Stream, found: ReturnType<DeliveryDeps["table"]>): ParquetColumn[] => {
  if (!found?.columns.length)
    throw new Error(`stream ${name}: expected a table ${database}.${table} with columns, came none`);
  const odd = found.columns.find((column) => !TYPE.test(column.type));
  if (odd)
    throw new Error(
      `stream ${name}: column ${odd.name} of ${database}.${table} has the type ${odd.type}, which is not supported`,
    );
  return found.columns as ParquetColumn[];
};

/** The same records in one delivery have the same name: after a kill between rename and commit the file is replaced. */
const identity = (stream: string, taken: readonly Acknowledged[]): string => {
  const hex = createHash("sha256")
    .update(`${stream}\n${taken.map((record) => record.seq).join()}`)
    .digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
};

/** The records for which `keep` holds, as runs of neighbours in the stream: a delivery is settled in few statements. */
const runs = (taken: readonly Acknowledged[], keep: (record: Acknowledged) => boolean): Run[] => {
  const found: Run[] = [];
  let open: Run | null = null;
  for (const record of taken) {
    if (!keep(record)) open = null;
    else if (open) {
      open.last = record.seq;
      open.count += 1;
    } else {
      open = { first: record.seq, last: record.seq, count: 1 };
      found.push(open);
    }
  }
  return found;
};

/** A line of an error object, in Amazon's shape. */
const errorLine = (
  stream: Stream,
  { record, code, message }: Failure,
  read: (seq: number) => Uint8Array,
  deps: DeliveryDeps,
): string =>
  `${JSON.stringify({
    attemptsMade: 1,
    arrivalTimestamp: record.arrived,
    lastErrorCode: code,
    lastErrorMessage: message,
    attemptEndingTimestamp: deps.now(),
    rawData: Buffer.from(read(record.seq)).toString("base64"),
    sequenceNumber: String(record.seq).padStart(20, "0"),
    subSequenceNumber: null,
    dataCatalogTable: {
      catalogId: null,
      databaseName: stream.database,
      tableName: stream.table,
      region: deps.region,
      versionId: "LATEST",
      catalogArn: null,
    },
  })}\n`;
