import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

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
  /** Runs once the open transaction has committed (at once if there is none): waking whoever waits for a fact. */
  afterCommit: (work: () => void) => void;
  /** Emits "change" after anything happened that somebody may wait for. */
  changes: EventEmitter;
  touch: () => void;
  close: () => void;
};

export const openState = (dir: string): State => {
  mkdirSync(dir, { recursive: true });
  const db = new DatabaseSync(join(dir, "pregao.sqlite"));
  // NORMAL: what was acknowledged survives a killed process; after a power cut the state is a consistent one of moments
  // before. An fsync for each commit took a quarter of a whole ingest. Bodies are large: large pages, a long log.
  db.exec(`PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -65536; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;`);
  const changes = new EventEmitter().setMaxListeners(0);
  const touch = () => {
    changes.emit("change");
  };
  let waiting: (() => void)[] | null = null;
  const transaction = <T>(work: () => T): T => {
    if (waiting) return work();
    const after: (() => void)[] = [];
    waiting = after;
    db.exec("BEGIN IMMEDIATE");
    let result: T;
    try {
      result = work();
      db.exec("COMMIT");
    } catch (error) {
      waiting = null;
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
    waiting = null;
    for (const next of after) next();
    return result;
  };
  return {
    dir,
    db,
    transaction,
    afterCommit: (work) => (waiting ? void waiting.push(work) : work()),
    changes,
    touch,
    close: () => db.close(),
  };
};
