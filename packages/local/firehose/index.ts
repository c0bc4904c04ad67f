import type { StreamSpec } from "../../core/topology.ts";
import type { JsonService } from "../service.ts";
import type { State } from "../state.ts";
import { type DeliveryDeps, openDeliverer } from "./deliver.ts";
import { checkPrefixes } from "./prefix.ts";
import { openRecords } from "./records.ts";
import { routes } from "./routes.ts";
import { openStreams } from "./streams.ts";

export type FirehoseDeps = Pick<DeliveryDeps, "s3" | "table"> & {
  account?: string;
  region?: string;
  now?: () => number;
  /** A delivery failed and will be tried again by itself. */
  onFailure?: (stream: string, error: unknown) => void;
  backlogBytes?: number;
};

export type Firehose = {
  service: JsonService;
  /** Makes the stream, or makes it again as the topology wants it now; `spec.name` and `bucket` are physical. */
  create: (spec: StreamSpec, bucket: string) => void;
  /** When the oldest record arrived that is acknowledged and not delivered, ms since 1970; null: none. */
  oldest: (stream: string) => number | null;
  /** Something acknowledged is not delivered yet. */
  busy: () => boolean;
  /** Starts no delivery any more and waits for the one that runs. What is left is delivered after the next start. */
  stop: () => Promise<void>;
};

const BACKLOG_BYTES = 1024 * 1024 * 1024;

/**
 * Amazon Data Firehose, Direct PUT to S3 with Parquet conversion. What it acknowledged is in the state's database
 * until the transaction that makes the object that holds it.
 */
export const firehose = (state: State, deps: FirehoseDeps): Firehose => {
  const { account = "000000000000", region = "sa-east-1", now = Date.now } = deps;
  const streams = openStreams(state);
  const records = openRecords(state);
  const deliverer = openDeliverer(state, streams, records, {
    s3: deps.s3,
    table: deps.table,
    region,
    now,
    onFailure: deps.onFailure ?? (() => undefined),
  });
  // What was acknowledged before a kill; its table and bucket may be made later in this turn.
  setImmediate(() => {
    if (state.db.isOpen) for (const name of streams.names()) deliverer.wake(name);
  });
  return {
    service: routes(state, streams, records, deliverer, {
      arn: (name) => `arn:aws:firehose:${region}:${account}:deliverystream/${name}`,
      now,
      backlogBytes: deps.backlogBytes ?? BACKLOG_BYTES,
    }),
    create: (spec, bucket) => {
      const { name, prefix, errors, mib, seconds, database, table } = spec;
      checkPrefixes(prefix, errors);
      const before = streams.find(name);
      streams.save({
        ...{ name, bucket, prefix, errors, mib, seconds, database, table, role: before?.role ?? "" },
        ...{ created: before?.created ?? now(), status: "ACTIVE", tags: before?.tags ?? {} },
      });
      deliverer.wake(name);
    },
    oldest: (stream) => records.pending(stream).oldest,
    busy: deliverer.busy,
    stop: deliverer.stop,
  };
};
