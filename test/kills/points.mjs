// A preload for tests (`NODE_OPTIONS=--import=…/points.mjs`; threads that inherit the environment load it, too): it names
// every point between two side effects of a process, and ends the process at one of them, or fills its disk.
//
//   PREGAO_POINTS=FILE      appends the name of each point that is passed, one a line
//   PREGAO_KILL=NAME#N      SIGKILL at the n-th pass of the point in this thread
//   PREGAO_FULL=FILE        while this file is there, what matches PREGAO_FULL_AT gets ENOSPC
//   PREGAO_FULL_AT=REGEXP   of a point's name, without its :before or :after
//   PREGAO_PAGES=N          while PREGAO_FULL is there, SQLite may grow by N pages and no more
//
// A name is `<module>:<function>:<side effect>:<before|after>`, of the first frame of the product that is no mere carrier.
import fs from "node:fs";
import { ServerResponse } from "node:http";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

const { PREGAO_POINTS, PREGAO_KILL, PREGAO_FULL, PREGAO_FULL_AT, PREGAO_PAGES } = process.env;
const root = new URL("../../packages/", import.meta.url).href;
const [wanted, times] = PREGAO_KILL?.split(/#(?=\d+$)/) ?? [];
const fullAt = PREGAO_FULL_AT ? new RegExp(PREGAO_FULL_AT) : null;
const isFull = () => PREGAO_FULL !== undefined && fs.existsSync(PREGAO_FULL);

/** Frames that only carry what another asked for. */
const CARRIERS = /\/local\/(state|service)\.ts|\/sqs\/commits\.ts/;
const log = PREGAO_POINTS === undefined ? null : fs.openSync(PREGAO_POINTS, "a");
let passed = 0;

const pass = (name) => {
  if (log !== null) fs.writeSync(log, `${name}\n`);
  if (name === wanted && ++passed === Number(times)) process.kill(process.pid, "SIGKILL");
};

/** The nearest frame of the product that is no carrier, or its farthest, as `module:function`; null if there is none. */
const caller = () => {
  const lines = new Error().stack.split("\n").filter((line) => line.includes(root));
  const line = lines.find((l) => !CARRIERS.test(l)) ?? lines.at(-1);
  if (!line) return null;
  const [, named = "", file] = /at (?:async )?(?:(.*?) \()?(file:\/\/[^:]+?)\.[jt]s/.exec(line) ?? [];
  const module = fileURLToPath(`${file}.ts`).slice(fileURLToPath(root).length, -3);
  return `${module}:${named.replace(/^.*\./, "").replace(/[^\w$]/g, "") || "_"}`;
};

const noRoom = (what, path) =>
  Object.assign(new Error(`ENOSPC: no space left on device, ${what}${path ? ` '${path}'` : ""}`), {
    errno: -28,
    code: "ENOSPC",
    syscall: what,
    ...(path ? { path } : {}),
  });

Error.stackTraceLimit = 40;

/** Wraps a side effect: a point before it and one after it. `what` may tell it from others of the same caller. */
const around = (owner, method, what = () => method) => {
  const original = owner[method];
  owner[method] = function (...args) {
    const effect = what.call(this, args);
    const from = effect && caller();
    if (!from) return original.apply(this, args);
    const name = `${from}:${effect}`;
    if (fullAt?.test(name) && isFull()) {
      const error = noRoom(method, owner === fs && typeof args[0] === "string" ? args[0] : undefined);
      if (owner !== fs.promises && owner !== FileHandle) throw error;
      return Promise.reject(error);
    }
    pass(`${name}:before`);
    const result = original.apply(this, args);
    if (typeof result?.then !== "function") {
      pass(`${name}:after`);
      return result;
    }
    return result.then((value) => {
      pass(`${name}:after`);
      return value;
    });
  };
};

const handle = await fs.promises.open(fileURLToPath(import.meta.url));
const FileHandle = Object.getPrototypeOf(handle);
await handle.close();
for (const method of ["renameSync", "linkSync", "unlinkSync", "rmSync", "writeFileSync", "fsyncSync"])
  around(fs, method);
for (const method of ["rename", "rm", "copyFile", "writeFile", "unlink"]) around(fs.promises, method);
for (const method of ["write", "writev", "sync"]) around(FileHandle, method);
syncBuiltinESMExports();

const WRITES = /^\s*(INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER)\b/i;
const ofStatement = new WeakMap();
const { prepare, exec } = DatabaseSync.prototype;
/** Databases of which it is known how many pages they had when the disk was filled. */
const full = new WeakSet();

DatabaseSync.prototype.prepare = function (sql, ...rest) {
  const statement = prepare.call(this, sql, ...rest);
  ofStatement.set(statement, { db: this, sql });
  return statement;
};
const limit = (db) => {
  if (PREGAO_PAGES === undefined || isFull() === full.has(db)) return;
  if (full.delete(db)) exec.call(db, "PRAGMA max_page_count = 1073741823");
  else {
    const { page_count: pages } = prepare.call(db, "PRAGMA page_count").get();
    exec.call(db, `PRAGMA max_page_count = ${pages + Number(PREGAO_PAGES)}`);
    full.add(db);
  }
};
/** What lasts once it is done: a commit, or a write outside any transaction. */
const lasting = (db, sql) => {
  if (/^\s*BEGIN/i.test(sql)) limit(db);
  if (/^\s*COMMIT/i.test(sql)) return "commit";
  return !db.isTransaction && WRITES.test(sql) ? /^\s*(\w+)/.exec(sql)[1].toLowerCase() : null;
};
for (const method of ["run", "get", "all"])
  around(StatementSync.prototype, method, function () {
    const { db, sql } = ofStatement.get(this) ?? {};
    return db ? lasting(db, sql) : null;
  });
around(DatabaseSync.prototype, "exec", function ([sql]) {
  return lasting(this, sql);
});

/** An answer: what was done for it is done by now, and whoever asked does not know. */
around(ServerResponse.prototype, "end", function () {
  const { method, url, headers } = this.req ?? {};
  const [, bucket = "", prefix = ""] = url?.split("?")[0].split("/") ?? [];
  return `answer ${headers?.["x-amz-target"]?.split(".").at(-1) ?? `${method} ${bucket}/${prefix}`}`;
});
