import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { PregaoError } from "../../core/errors.ts";
import type { Bodies } from "./bodies.ts";
import { fold } from "./places.ts";

/** What a start found to repair. `missing` are objects whose body is not what their row says: a person must act. */
export type Recovery = { redone: number; removed: number; missing: { bucket: string; key: string; path: string }[] };

/**
 * Makes files and rows agree after a crash, by the argument in bodies.ts: finishes renames whose commit is known,
 * removes what nothing names, and reports what cannot be repaired. Reads every row and every folder once. Throws
 * PregaoError s3_orphans, and touches nothing, if there are bodies but no bucket: then it is the database that is gone.
 */
export const recover = (db: DatabaseSync, bodies: Bodies): Recovery => {
  const result: Recovery = { redone: 0, removed: 0, missing: [] };
  const remove = (path: string) => {
    unlinkSync(path);
    result.removed++;
  };

  // First, so that no file of a deleted key stands where the folder of another key must be.
  const known = db.prepare("SELECT 1 FROM s3_objects WHERE bucket = ? AND fold = ?");
  const sweep = (bucket: string, folder: string, place: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const inside = place ? `${place}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        sweep(bucket, path, inside);
        if (readdirSync(path).length === 0) rmdirSync(path);
      } else if (!known.get(bucket, fold(inside))) remove(path);
    }
  };
  const buckets = new Set(
    db
      .prepare("SELECT name FROM s3_buckets")
      .all()
      .map((row) => row.name as string),
  );
  if (buckets.size === 0) refuseOrphans(bodies.root);
  for (const entry of readdirSync(bodies.root, { withFileTypes: true })) {
    const folder = join(bodies.root, entry.name);
    if (!entry.isDirectory() || folder === bodies.temporary) continue;
    sweep(entry.name, folder, "");
    if (!buckets.has(entry.name)) rmdirSync(folder);
  }
  for (const bucket of buckets) bodies.createFolder(bucket);

  const staged = new Set(readdirSync(bodies.temporary));
  for (const found of db.prepare("SELECT bucket, key, place, body, size FROM s3_objects").iterate()) {
    const row = found as { bucket: string; key: string; place: string; body: string; size: number };
    if (staged.delete(row.body)) {
      bodies.prepare(row.bucket, row.place);
      bodies.publish(row.body, row.bucket, row.place);
      result.redone++;
    }
    const path = bodies.pathOf(row);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile() || stat.size !== row.size) result.missing.push({ bucket: row.bucket, key: row.key, path });
  }
  for (const part of db
    .prepare("SELECT u.bucket, u.key, p.body FROM s3_parts p JOIN s3_uploads u ON u.id = p.upload")
    .iterate()) {
    const { bucket, key, body } = part as { bucket: string; key: string; body: string };
    if (!staged.delete(body)) result.missing.push({ bucket, key, path: bodies.staged(body) });
  }
  for (const id of staged) remove(bodies.staged(id));
  return result;
};

const refuseOrphans = (root: string): void => {
  for (const folder of readdirSync(root, { withFileTypes: true })) {
    if (!folder.isDirectory() || folder.name === ".tmp") continue;
    const file = readdirSync(join(root, folder.name), { withFileTypes: true, recursive: true }).find(
      (e) => !e.isDirectory(),
    );
    if (file)
      throw new PregaoError(
        "s3_orphans",
        `expected the database that belongs to the objects in ${root}, came one that knows no bucket (and ${join(file.parentPath, file.name)}); bring the database back, or move ${root} away`,
      );
  }
};
