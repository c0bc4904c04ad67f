import type { Context } from "aws-lambda";
import { readCatalog } from "../packages/aws/catalog.ts";
import { commitNumber, newestRun } from "../packages/aws/documents.ts";
import type { Aws } from "../packages/aws/index.ts";
import { deadline } from "../packages/aws/retry.ts";
import { DELETES, folders, list, removeAll } from "../packages/aws/store.ts";
import { type Rule, ruleOf, type Traces, weekOld } from "../packages/core/clean.ts";
import type { Dataset } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { numberOf } from "../packages/core/run.ts";
import { log } from "./log.ts";
import { datasetNamed, openRiver } from "./river.ts";

export type Clock = { datasets: string[] };

/** `now`: this caller's clock, `until`: when to stop; both in ms since 1970. */
export type CleanOptions = { now: number; until: number };

/**
 * What was deleted: files, and of attempts' folders those that are gone with all their files. `kept` stay, whole or in
 * part; `left` is not 0 if files that should have gone are still there. `old` is the commit that decided, 0 for none.
 */
export type Cleaned = { old: number; files: number; bytes: number; folders: number; kept: number; left: number };

/** Deletes what is superseded for 7 days. Nothing else deletes files of tables; every call goes on where the last ended. */
export const handler = async (event: Clock, context: Context): Promise<void> => {
  const { aws, datasets } = openRiver();
  const until = deadline(context);
  let failed = 0;
  for (const name of event.datasets)
    try {
      const { left } = await clean(aws, datasetNamed(datasets, name), { now: Date.now(), until });
      if (left > 0) failed++;
    } catch (error) {
      failed++;
      log("ERROR", "clean", "stopped by an error; the next call goes on", { dataset: name, error: String(error) });
    }
  if (failed > 0)
    throw new Error(`${failed} of ${event.datasets.length} datasets are not clean; the next call goes on`);
};

/**
 * Deletes a dataset's superseded files; what goes is decided in core/clean.ts. Safe beside any other caller, and safe to
 * cut at any point. In memory: two commits, the folders they name, and a page of keys.
 */
export const clean = async (aws: Aws, dataset: Dataset, { now, until }: CleanOptions): Promise<Cleaned> => {
  const { catalog: _, ...traces } = await readTraces(aws, dataset.name, now);
  const done: Cleaned = { old: traces.old?.commit ?? 0, files: 0, bytes: 0, folders: 0, kept: 0, left: 0 };
  for (const { name, partitions } of dataset.tables) {
    // Last, and for each table: a catalog that is behind shows readers what no commit names any more.
    const catalog = await readCatalog(aws, dataset.database, [{ name, partitions }]);
    await cleanTable(aws, name, ruleOf({ ...traces, catalog }), until, done);
  }
  log(done.left > 0 ? "WARN" : "INFO", "clean", "superseded folders deleted", { dataset: dataset.name, ...done });
  return done;
};

const cleanTable = async (aws: Aws, table: string, rule: Rule, until: number, done: Cleaned): Promise<void> => {
  for await (const folder of folders(aws, "lake", `refined/${table}/`)) {
    if (!rule.attempt(table, folder).goes) {
      done.kept++;
      continue;
    }
    const before = done.left;
    let batch: File[] = [];
    let kept = false;
    for await (const { key, size } of list(aws, "lake", folder)) {
      if (!rule.file(key).goes) kept = true;
      else if (Date.now() >= until) return void done.left++;
      else if (batch.push({ key, size }) === DELETES) {
        await deleteFiles(aws, batch, until, done);
        batch = [];
      }
    }
    await deleteFiles(aws, batch, until, done);
    if (kept) done.kept++;
    else if (done.left === before) done.folders++;
  }
};

type File = { key: string; size: number };

const deleteFiles = async (aws: Aws, files: readonly File[], until: number, done: Cleaned): Promise<void> => {
  const keys = files.map(({ key }) => key);
  const left = await removeAll(aws, "lake", keys, until);
  const there = new Set(left.map(({ key }) => key));
  const gone = files.filter(({ key }) => !there.has(key));
  done.files += gone.length;
  done.bytes += gone.reduce((sum, { size }) => sum + size, 0);
  done.left += left.length;
  if (left[0])
    log("WARN", "clean", "files could not be deleted; the next call tries again", { files: left.length, ...left[0] });
};

const readTraces = async (aws: Aws, dataset: string, now: number): Promise<Traces> => {
  let old = 0;
  let newest = 0;
  for await (const { key, modified } of list(aws, "state", `commits/${dataset}/`)) {
    const commit = numberOf(key);
    if (!Number.isSafeInteger(commit))
      throw new PregaoError("document", `expected numbered documents only, came ${key}: remove what is not ours`);
    newest ||= commit;
    old = weekOld(old, { commit, modified: modified.getTime() }, now);
  }
  const commitOf = (n: number) => (n === 0 ? null : commitNumber(aws, dataset, n));
  return {
    old: await commitOf(old),
    newest: await commitOf(newest),
    run: await newestRun(aws, dataset),
    catalog: {},
  };
};
