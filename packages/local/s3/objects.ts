import type { State } from "../state.ts";
import type { Bodies } from "./bodies.ts";
import { type Demand, enforce } from "./conditions.ts";
import { refusal } from "./errors.ts";
import { type EventName, eventRecord, type S3EventRecord } from "./event.ts";
import { escapedPlace, fold, foldersOf, plainPlace } from "./places.ts";
import type { StoredObject } from "./tables.ts";

/** An object about to exist: its body is durable under the id `body`, its place is not chosen yet. */
export type Draft = Omit<StoredObject, "place" | "modified">;

export type Objects = ReturnType<typeof objectsOf>;

type Deps = { region: string; now: () => number; onEvent: (record: S3EventRecord) => void };

/** Objects as rows: finding, creating and removing them, each change in one transaction with its notification. */
export const objectsOf = (state: State, bodies: Bodies, { region, now, onEvent }: Deps) => {
  const { db } = state;
  const bucketRow = db.prepare("SELECT 1 FROM s3_buckets WHERE name = ?");
  const row = db.prepare("SELECT * FROM s3_objects WHERE bucket = ? AND key = ?");
  const sameFold = db.prepare("SELECT 1 FROM s3_objects WHERE bucket = ? AND fold = ?");
  const inside = db.prepare(
    "SELECT 1 FROM s3_objects WHERE bucket = ? AND fold > ? || '/' AND fold < ? || '0' LIMIT 1",
  );
  const upsert = db.prepare(`
    INSERT OR REPLACE INTO s3_objects
      (bucket, key, size, etag, modified, body, place, fold, headers, metadata, checksum, tags, upload, parts)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const erase = db.prepare("DELETE FROM s3_objects WHERE bucket = ? AND key = ?");
  const retag = db.prepare("UPDATE s3_objects SET tags = ? WHERE bucket = ? AND key = ?");
  const next = db.prepare("UPDATE s3_sequence SET n = n + 1 RETURNING n");

  /** Conditional writes under way: a delete of their key makes them conflict. */
  const underWay = new Set<Demand>();

  const requireBucket = (bucket: string): void => {
    if (!bucketRow.get(bucket)) throw refusal("NoSuchBucket", { BucketName: bucket });
  };

  const find = (bucket: string, key: string): StoredObject | null => {
    const found = row.get(bucket, key);
    if (!found) return null;
    const json = (name: string) => JSON.parse((found[name] as string | null) ?? "null");
    return {
      ...(found as unknown as StoredObject),
      headers: json("headers"),
      metadata: json("metadata"),
      checksum: json("checksum"),
      tags: json("tags") ?? [],
      parts: json("parts"),
    };
  };

  /** Throws NoSuchBucket or NoSuchKey. */
  const require = (bucket: string, key: string): StoredObject => {
    requireBucket(bucket);
    const found = find(bucket, key);
    if (!found) throw refusal("NoSuchKey", { Key: key });
    return found;
  };

  /** Its own name, unless another key's file or folder is in the way, also where the file system ignores case. */
  const choosePlace = (bucket: string, key: string): string => {
    const plain = plainPlace(key);
    if (plain === null) return escapedPlace(key);
    const folded = fold(plain);
    const taken =
      [folded, ...foldersOf(folded)].some((name) => sameFold.get(bucket, name)) || inside.get(bucket, folded, folded);
    return taken ? escapedPlace(key) : plain;
  };

  const announce = (name: EventName, bucket: string, key: string, version?: { size: number; etag: string }) => {
    const sequence = Number(next.get()?.n);
    onEvent(eventRecord({ name, region, time: now(), sequence, bucket, key, ...(version ? { version } : {}) }));
  };

  /**
   * Checks a write's demand before its body is taken, and from then on watches for deletes of the key, until the
   * returned function is called. {@link create} checks again, which is what makes it atomic.
   */
  const watch = (demand: Demand): (() => void) => {
    requireBucket(demand.bucket);
    if (!demand.absent && demand.etag === null) return () => {};
    enforce(demand, find(demand.bucket, demand.key));
    underWay.add(demand);
    return () => void underWay.delete(demand);
  };

  /**
   * The object exists when this returns, or nothing has changed and it throws; then the body is gone, too. `also`
   * runs in the same transaction, before the notification is written; if it throws, nothing has happened.
   */
  const create = (draft: Draft, event: EventName, demand: Demand | null, also?: () => void): StoredObject => {
    try {
      return state.transaction(() => {
        requireBucket(draft.bucket);
        const old = find(draft.bucket, draft.key);
        if (demand) enforce(demand, old);
        const place = old?.place ?? choosePlace(draft.bucket, draft.key);
        bodies.prepare(draft.bucket, place);
        const object: StoredObject = { ...draft, place, modified: now() };
        upsert.run(
          object.bucket,
          object.key,
          object.size,
          object.etag,
          object.modified,
          object.body,
          place,
          fold(place),
          JSON.stringify(object.headers),
          JSON.stringify(object.metadata),
          object.checksum && JSON.stringify(object.checksum),
          object.tags.length ? JSON.stringify(object.tags) : null,
          object.upload,
          object.parts && JSON.stringify(object.parts),
        );
        // Before any other: whoever hears of the object finds its body in place.
        state.afterCommit(() => bodies.publish(object.body, object.bucket, place));
        also?.();
        announce(event, object.bucket, object.key, object);
        state.afterCommit(state.touch);
        return object;
      });
    } catch (error) {
      bodies.discard(draft.body);
      throw error;
    }
  };

  /** Removes an object if it is there; joins an open transaction. `etag` (or `*`) is an `If-Match`. */
  const remove = (bucket: string, key: string, etag: string | null = null): boolean =>
    state.transaction(() => {
      requireBucket(bucket);
      const old = find(bucket, key);
      if (etag !== null) enforce({ bucket, key, absent: false, etag, deleted: false }, old);
      if (!old) return false;
      erase.run(bucket, key);
      state.afterCommit(() => {
        // Inside one transaction the key may have been written again.
        if (find(bucket, key)?.place !== old.place) bodies.withdraw(old);
        for (const demand of underWay) if (demand.bucket === bucket && demand.key === key) demand.deleted = true;
      });
      announce("ObjectRemoved:Delete", bucket, key);
      state.afterCommit(state.touch);
      return true;
    });

  const setTags = (bucket: string, key: string, tags: [string, string][]): void => {
    require(bucket, key);
    state.transaction(() => retag.run(tags.length ? JSON.stringify(tags) : null, bucket, key));
  };

  return { requireBucket, find, require, watch, create, remove, setTags };
};
