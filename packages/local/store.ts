import { bucket, type Stage } from "../core/stage.ts";
import type { Store } from "../engines/store.ts";

/** What of the local S3 an engine's store needs; `bucket` is physical. */
export type ObjectFiles = {
  path: (bucket: string, key: string) => { path: string; etag: string } | null;
  putFile: (bucket: string, key: string, path: string, options: { ifNoneMatch: true }) => Promise<{ etag: string }>;
  list: (bucket: string, prefix: string) => readonly { key: string }[];
};

/** The engine's view of the local S3: its objects are files on this disk already, so nothing is copied. */
export const localStore = (s3: ObjectFiles, stage: Stage, scratch: string): Store => ({
  scratch,
  read: async (name, key) => {
    const found = s3.path(bucket(stage, name), key);
    if (!found) throw new Error(`expected the object ${name}/${key}, it does not exist`);
    return { path: found.path, etag: found.etag };
  },
  list: async (name, prefix) => s3.list(bucket(stage, name), prefix).map((object) => object.key),
  write: async (name, key, path) => {
    await s3.putFile(bucket(stage, name), key, path, { ifNoneMatch: true });
  },
});
