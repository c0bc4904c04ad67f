import type { State } from "../state.ts";
import type { Objects } from "./sources.ts";

export type Writer = Objects & {
  putFile: (
    bucket: string,
    key: string,
    path: string,
    options?: { ifNoneMatch?: boolean },
  ) => Promise<{ etag: string }>;
  remove: (bucket: string, keys: readonly string[]) => void;
};

export type Writes = ReturnType<typeof writesOf>;

/**
 * The objects that statements under way have written or are about to. Each is written down before it is put, so what a
 * failure or a kill leaves behind is known, and goes; it stays when the statement's end takes its name off this list.
 */
export const writesOf = (state: State, s3: Pick<Writer, "remove">) => {
  state.db.exec(
    "CREATE TABLE IF NOT EXISTS athena_writes (execution TEXT NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (bucket, key)) STRICT;",
  );
  const insert = state.db.prepare("INSERT INTO athena_writes (execution, bucket, key) VALUES (?, ?, ?)");
  const find = state.db.prepare("SELECT bucket, key FROM athena_writes WHERE execution = ? OR ? IS NULL");
  const forget = state.db.prepare("DELETE FROM athena_writes WHERE execution = ? OR ? IS NULL");
  // Most statements write nothing: they need not ask.
  const here = new Set<string>();
  /** Removes what a statement wrote and did not publish, by what is written down; without one, what all of them did. */
  const sweep = (execution: string | null): void => {
    const rows = find.all(execution, execution);
    if (rows.length)
      state.transaction(() => {
        for (const row of rows) s3.remove(row.bucket as string, [row.key as string]);
        forget.run(execution, execution);
      });
  };
  return {
    /** Before an object is put. */
    announce: (execution: string, bucket: string, key: string): void => {
      here.add(execution);
      insert.run(execution, bucket, key);
    },
    /** They stay. For the transaction that publishes them. */
    settle: (execution: string): void => {
      forget.run(execution, execution);
    },
    /** Removes what a statement of this process wrote and did not publish. What throws may be called again. */
    clean: (execution: string): void => {
      if (!here.has(execution)) return;
      sweep(execution);
      here.delete(execution);
    },
    sweep,
  };
};
