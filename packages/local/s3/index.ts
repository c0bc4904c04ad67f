import { createHash } from "node:crypto";
import { closeSync, openSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { State } from "../state.ts";
import { bodiesIn } from "./bodies.ts";
import { bucketsOf } from "./buckets.ts";
import { completionOf } from "./completion.ts";
import { demandOf } from "./conditions.ts";
import type { S3EventRecord } from "./event.ts";
import { listingOf } from "./listing.ts";
import { listsOf } from "./lists.ts";
import { objectsOf } from "./objects.ts";
import { readingOf } from "./reading.ts";
import { type Recovery, recover } from "./recovery.ts";
import type { Operation } from "./request.ts";
import { routesOf } from "./routes.ts";
import { createTables, type Entity, type Metadata } from "./tables.ts";
import { taggingOf } from "./tagging.ts";
import { uploadsOf } from "./uploads.ts";
import { writingOf } from "./writing.ts";

export type { S3EventRecord } from "./event.ts";

export type S3Deps = {
  region: string;
  /** Called inside the transaction that makes or removes an object: what it writes commits with it, and if it throws, nothing has happened. */
  onEvent: (record: S3EventRecord) => void;
  now?: () => number;
  /** Where trouble that a person must act on is told; one JSON line on standard error unless given. */
  alarm?: (message: string, metadata: Record<string, unknown>) => void;
};

export type S3 = {
  /** Answers a request of S3's REST protocol: path style, or `bucket.localhost`. Signatures are not checked. */
  handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  /** The operations it answers, by AWS's names. */
  operations: Readonly<Record<string, Operation>>;
  /** Makes a bucket unless it exists. */
  createBucket: (name: string) => void;
  /** Where an object's body is now, and what it is; null if there is none. `modified` in milliseconds since 1970. */
  path: (
    bucket: string,
    key: string,
  ) => { path: string; etag: string; size: number; metadata: Metadata; lastModified: number } | null;
  /** A fresh path on the file system of the bodies, so that {@link S3.putFile} can rename it. Left behind, it is removed at the next start. */
  temporary: () => string;
  /**
   * Makes a file an object. The file is taken over, also on failure. Resolves once the object is durable and its
   * notification written. Throws AwsError PreconditionFailed if `ifNoneMatch` and the key exists, NoSuchBucket.
   * `within` runs in the transaction that makes the object: what it writes commits with it, and if it throws, nothing
   * has happened.
   */
  putFile: (
    bucket: string,
    key: string,
    path: string,
    options?: { metadata?: Metadata; contentType?: string; ifNoneMatch?: boolean; within?: () => void },
  ) => Promise<{ etag: string }>;
  /** Removes objects, with their notifications, in one transaction; joins an open one. Keys that do not exist are no error. */
  remove: (bucket: string, keys: readonly string[]) => void;
  /** All objects under a prefix, in the order of S3 (bytes of UTF-8). */
  list: (bucket: string, prefix: string) => { key: string; etag: string; size: number }[];
  /** What the start had to repair. */
  recovery: Recovery;
  /** Nothing here goes on by itself. */
  busy: () => boolean;
};

const toStandardError = (message: string, metadata: Record<string, unknown>): void =>
  console.error(
    JSON.stringify({ timestamp: new Date().toISOString(), level: "ERROR", component: "s3", message, metadata }),
  );

let temporaries = 0;

/** S3 in `<state.dir>/s3`. Repairs what a crash left, before it returns; tells about objects whose bodies are gone. */
export const s3 = (state: State, { region, onEvent, now = Date.now, alarm = toStandardError }: S3Deps): S3 => {
  createTables(state.db);
  const bodies = bodiesIn(join(state.dir, "s3"), alarm);
  const recovery = recover(state.db, bodies);
  if (recovery.missing.length)
    alarm(
      `expected the bodies of ${recovery.missing.length} object(s) as they were put, came none or others: put these objects again, or delete them`,
      { missing: recovery.missing.slice(0, 100) },
    );

  const objects = objectsOf(state, bodies, { region, now, onEvent });
  const listing = listingOf(state.db);
  const uploads = uploadsOf(state, objects, bodies, now);
  const buckets = bucketsOf(state, objects, bodies, uploads, region, now);
  const operations: Record<string, Operation> = {
    ...buckets.operations,
    ...listsOf(state.db, objects, listing),
    ...readingOf(objects, bodies),
    ...writingOf(state, objects, bodies),
    ...taggingOf(objects),
    ...uploads.operations,
    ...completionOf(objects, bodies, uploads),
  };

  const putFile: S3["putFile"] = async (
    bucket,
    key,
    path,
    { metadata = {}, contentType, ifNoneMatch = false, within } = {},
  ) => {
    const demand = demandOf(bucket, key, (name) => (ifNoneMatch && name === "if-none-match" ? "*" : undefined));
    const body = await bodies.adopt(path);
    let release = () => {};
    let known: { size: number; etag: string };
    try {
      release = objects.watch(demand);
      const { size } = statSync(bodies.staged(body));
      const fd = openSync(bodies.staged(body), "r");
      const md5 = createHash("md5");
      try {
        await bodies.pour(fd, { start: 0, end: size - 1 }, (chunk) => void md5.update(chunk));
      } finally {
        closeSync(fd);
      }
      known = { size, etag: md5.digest("hex") };
    } catch (error) {
      release();
      bodies.discard(body);
      throw error;
    }
    try {
      const headers: Entity = contentType ? { "content-type": contentType } : {};
      objects.create(
        { bucket, key, body, ...known, headers, metadata, checksum: null, tags: [], upload: null, parts: null },
        "ObjectCreated:Put",
        demand,
        within,
      );
      return { etag: known.etag };
    } finally {
      release();
    }
  };

  return {
    handle: routesOf(operations, { now, alarm }),
    operations,
    createBucket: (name) => void buckets.create(name),
    path: (bucket, key) => {
      const found = objects.find(bucket, key);
      return (
        found && {
          path: bodies.pathOf(found),
          etag: found.etag,
          size: found.size,
          metadata: found.metadata,
          lastModified: found.modified,
        }
      );
    },
    temporary: () => join(bodies.temporary, `file-${process.pid}-${++temporaries}`),
    putFile,
    remove: (bucket, keys) =>
      state.transaction(() => {
        for (const key of keys) objects.remove(bucket, key);
      }),
    list: (bucket, prefix) => listing.all(bucket, prefix).map(({ key, etag, size }) => ({ key, etag, size })),
    recovery,
    busy: () => false,
  };
};
