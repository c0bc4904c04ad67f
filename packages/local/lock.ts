import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PregaoError } from "../core/errors.ts";
import { makeFolder } from "./folder.ts";

/** A stack as a second process finds it. `dir` is absolute, `engine` what runs its jobs, absent if an older stack wrote it. */
export type StackInfo = {
  pid: number;
  port: number;
  url: string;
  dir: string;
  version: number;
  started: string;
  engine?: string;
};

/** What runs the jobs of a stack that is not told otherwise. */
export const DEFAULT_ENGINE = "duckdb" as const;

/** Where a stack answers who it is. No bucket can have this name. */
export const STACK_PATH = "/_pregao/stack";
/** What another process asks for as long as it uses a stack. */
export const GUEST_PATH = "/_pregao/guest";
/** Of the state directory's contents. A stack of another version refuses it. */
export const STATE_VERSION = 1;

/** How long a stack that has the lock may take until it answers. */
const STARTING_MS = 15_000;
const LOOK_MS = 50;

export type Lock = {
  announce: (info: Required<Pick<StackInfo, "port" | "url" | "engine">>) => void;
  release: () => void;
};

const lockFile = (dir: string) => join(dir, "lock.sqlite");
const infoFile = (dir: string) => join(dir, "stack.json");

/**
 * SQLite's own lock of a file that holds nothing: the operating system gives it back when the process dies, however it
 * dies, and it works between two stacks of one process as well. A file with a pid could do neither.
 */
const tryLock = (dir: string): DatabaseSync | null => {
  const db = new DatabaseSync(lockFile(dir), { timeout: 250 });
  try {
    db.exec("BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db.close();
    if (/locked|busy/i.test(String(error))) return null;
    throw error;
  }
};

const readInfo = (dir: string): StackInfo | null => {
  try {
    return JSON.parse(readFileSync(infoFile(dir), "utf8")) as StackInfo;
  } catch {
    return null;
  }
};

/**
 * Takes the state directory for this process, making it if need be.
 * @throws PregaoError `state_in_use` (details: pid, url, port if known) or `state_version`.
 */
export const lockState = (given: string): Lock => {
  const dir = resolve(given);
  makeFolder(dir);
  const db = tryLock(dir);
  if (!db) {
    const info = readInfo(dir);
    throw new PregaoError(
      "state_in_use",
      `state directory ${dir}: expected nobody to use it, ${info ? `process ${info.pid} does, at ${info.url}` : "another process does"}; use that stack, stop it, or choose another directory`,
      info ?? {},
    );
  }
  rmSync(infoFile(dir), { force: true });
  return {
    announce: ({ port, url, engine }) => {
      const info: StackInfo = {
        pid: process.pid,
        port,
        url,
        dir,
        version: STATE_VERSION,
        started: new Date().toISOString(),
        engine,
      };
      writeFileSync(`${infoFile(dir)}.new`, `${JSON.stringify(info)}\n`);
      renameSync(`${infoFile(dir)}.new`, infoFile(dir));
    },
    release: () => {
      rmSync(infoFile(dir), { force: true });
      db.exec("ROLLBACK");
      db.close();
    },
  };
};

const answers = async (info: StackInfo): Promise<boolean> => {
  try {
    const response = await fetch(info.url + STACK_PATH, { signal: AbortSignal.timeout(2000) });
    const said = (await response.json()) as Partial<StackInfo>;
    return said.dir === info.dir && said.pid === info.pid;
  } catch {
    return false;
  }
};

/**
 * The stack that runs on a state directory, or null if none does. It waits for one that is just starting.
 * @throws PregaoError `state_in_use` if the directory is taken but nobody answers.
 */
export const runningStack = async (given: string): Promise<StackInfo | null> => {
  const dir = resolve(given);
  if (!existsSync(lockFile(dir))) return null;
  for (const until = Date.now() + STARTING_MS; ; await new Promise((next) => setTimeout(next, LOOK_MS))) {
    const free = tryLock(dir);
    if (free) {
      free.exec("ROLLBACK");
      free.close();
      return null;
    }
    const info = readInfo(dir);
    if (info && (await answers(info))) return info;
    if (Date.now() > until)
      throw new PregaoError(
        "state_in_use",
        `state directory ${dir}: a process uses it${info ? ` (${info.pid})` : ""}, but it does not answer; end it, or choose another directory`,
        info ?? {},
      );
  }
};
