import type { DatabaseSync } from "node:sqlite";
import type { Checksum } from "./checksums.ts";

/** Everything of S3 but the bodies. What a listing reads comes first in a row: the rest may lie on overflow pages. */
export const createTables = (db: DatabaseSync): void =>
  db.exec(`
    CREATE TABLE IF NOT EXISTS s3_buckets (
      name TEXT PRIMARY KEY, created INTEGER NOT NULL, notification TEXT
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS s3_objects (
      bucket TEXT NOT NULL REFERENCES s3_buckets(name), key TEXT NOT NULL,
      size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL,
      body TEXT NOT NULL, place TEXT NOT NULL, fold TEXT NOT NULL,
      headers TEXT NOT NULL, checksum TEXT, metadata TEXT NOT NULL, tags TEXT, upload TEXT, parts TEXT,
      PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX IF NOT EXISTS s3_objects_fold ON s3_objects (bucket, fold);
    CREATE TABLE IF NOT EXISTS s3_uploads (
      id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES s3_buckets(name), key TEXT NOT NULL, started INTEGER NOT NULL,
      headers TEXT NOT NULL, metadata TEXT NOT NULL, tags TEXT, algorithm TEXT, type TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS s3_uploads_key ON s3_uploads (bucket, key, id);
    CREATE TABLE IF NOT EXISTS s3_parts (
      upload TEXT NOT NULL REFERENCES s3_uploads(id) ON DELETE CASCADE, number INTEGER NOT NULL,
      body TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL, checksum TEXT,
      PRIMARY KEY (upload, number)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS s3_sequence (n INTEGER NOT NULL);
    INSERT INTO s3_sequence SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM s3_sequence);
  `);

/** The object headers that S3 keeps and gives back, under their lower-case names. */
export type Entity = Record<string, string>;
export type Metadata = Record<string, string>;
/** A part inside a finished multipart object. */
export type PartRecord = { number: number; size: number; checksum: string | null };

/** An object. `modified` is in milliseconds since 1970, `etag` without quotes. */
export type StoredObject = {
  bucket: string;
  key: string;
  size: number;
  etag: string;
  modified: number;
  body: string;
  place: string;
  headers: Entity;
  metadata: Metadata;
  checksum: Checksum | null;
  tags: [string, string][];
  /** The multipart upload it came from, so that completing that again, after a lost answer, finds it. */
  upload: string | null;
  parts: PartRecord[] | null;
};
