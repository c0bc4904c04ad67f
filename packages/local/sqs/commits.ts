import type { State } from "../state.ts";

export type Commits = <T>(work: () => T) => Promise<T>;

/**
 * Group commit: the work of all requests that arrived in one turn of the event loop shares one transaction and one
 * fsync. Each has a savepoint of its own, so that what one throws undoes nothing of the others. Nobody hears of success
 * before the commit; if it fails, everybody hears of that.
 */
export const commits = (state: State): Commits => {
  type Entry = { work: () => unknown; done: (value: unknown) => void; failed: (error: unknown) => void };
  const mark = state.db.prepare("SAVEPOINT one");
  const back = state.db.prepare("ROLLBACK TO one");
  const free = state.db.prepare("RELEASE one");
  let waiting: Entry[] = [];

  const attempt = (entry: Entry): (() => void) => {
    mark.run();
    try {
      const value = entry.work();
      free.run();
      return () => entry.done(value);
    } catch (error) {
      if (!state.db.isTransaction) throw error;
      back.run();
      free.run();
      return () => entry.failed(error);
    }
  };
  const flush = () => {
    const batch = waiting;
    waiting = [];
    try {
      const answers = state.transaction(() => batch.map(attempt));
      for (const answer of answers) answer();
    } catch (error) {
      for (const entry of batch) entry.failed(error);
    }
  };
  return <T>(work: () => T): Promise<T> =>
    new Promise((done, failed) => {
      waiting.push({ work, done: done as (value: unknown) => void, failed });
      if (waiting.length === 1) setImmediate(flush);
    });
};
