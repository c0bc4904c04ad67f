/** What an engine needs of the stores: whole objects as files on its disk. On a laptop they are there already. */
export type Store = {
  /** The object as a local file, and the ETag it had when it was looked up. Fails if it does not exist. */
  read: (bucket: "lake" | "state", key: string) => Promise<{ path: string; etag: string }>;
  /** Keys under a prefix, in order. */
  list: (bucket: "lake" | "state", prefix: string) => Promise<string[]>;
  /** Publishes a local file as an object; it fails if the key exists. The file is the store's afterwards. */
  write: (bucket: "lake" | "state", key: string, path: string) => Promise<void>;
  /** A folder on this machine for temporary files. */
  scratch: string;
};
