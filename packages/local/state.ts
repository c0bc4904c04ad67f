import { EventEmitter } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeFolder } from "./folder.ts";

/**
 * All of the stand-in's memory but the bodies of objects: one SQLite database, so that an object and its notifications,
 * or a receive and its count, commit together, and `kill -9` has one recovery story. Each service creates its own
 * tables when it is made.
 */
export type State = {
  dir: string;
  db: DatabaseSync;
  /** Runs `work` in one transaction; joins the one that is open. Synchronous, so nothing interleaves. */
  transaction: <T>(work: () => T) => T;
  /**
   * Runs once the open transaction has committed (at once if there is none): waking whoever waits for a fact. The same
   * function runs once a transaction, in the place where it was asked for last. It cannot undo the commit, so what it
   * throws reaches neither the transaction's caller nor the hooks after it.
   */
  afterCommit: (work: () => void) => void;
  /** Emits "change" after anything happened that somebody may wait for. */
  changes: EventEmitter;
  touch: () => void;
  close: () => void;
};

/** Nobody would hear of it otherwise. */
const shout = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });

/** `alarm` is given what hooks throw after a commit. */
export const openState = (dir: string, alarm: (error: unknown) => void = shout): State => {
  makeFolder(dir);
  const db = new DatabaseSync(join(dir, "pregao.sqlite"));
  // NORMAL: what was acknowledged survives a killed process; after a power cut the state is a consistent one of moments
  // before. An fsync for each commit took a quarter of a whole ingest. Bodies are large: large pages, a long log.
  db.exec(`PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -65536; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;`);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const changes = new EventEmitter().setMaxListeners(0);
  const touch = () => {
    changes.emit("change");
  };
  let waiting: Set<() => void> | null = null;
  const transaction = <T>(work: () => T): T => {
    if (waiting) return work();
    begin.run();
    const after = new Set<() => void>();
    waiting = after;
    let result: T;
    try {
      result = work();
      commit.run();
    } catch (error) {
      waiting = null;
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
    waiting = null;
    for (const next of after)
      try {
        next();
      } catch (error) {
        alarm(error);
      }
    return result;
  };
  const afterCommit = (work: () => void): void => {
    if (waiting) {
      waiting.delete(work);
      waiting.add(work);
    } else work();
  };
  return {
    dir,
    db,
    transaction,
    afterCommit,
    changes,
    touch,
    close: () => db.close(),
  };
};
