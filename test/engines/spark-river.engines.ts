import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { BatchStopJobRunCommand } from "@aws-sdk/client-glue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { originKey } from "../../functions/origin.ts";
import { attempts, jobName } from "../../packages/aws/jobs.ts";
import { create, head } from "../../packages/aws/store.ts";
import type { TableMap } from "../../packages/core/run.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { sparkJob } from "../../packages/engines/spark/job.ts";
import { rawObjects } from "../bench/refine-rows.ts";
import { type Ended, pregao } from "../cli/command.ts";
import { openGlue } from "../glue-jobs.ts";
import { testPlace } from "../place.ts";
import { python } from "./python.ts";
import { differing, type Rows, rowsOf } from "./refine.rows.ts";

/** Spark on a machine that has other work to do, too. */
const LONG = 600_000;

const yearly = join(import.meta.dirname, "../fixtures/cotahist/COTAHIST_A2023.ZIP");
const before = process.env.PREGAO_PYTHON;
let dir: string;
let session: Session;

beforeAll(async () => {
  process.env.PREGAO_PYTHON = python;
  dir = mkdtempSync(join(tmpdir(), "spark-river-"));
  session = await openSession({ scratch: join(dir, "scratch"), threads: 2 });
});
afterAll(() => {
  session.close();
  rmSync(dir, { recursive: true, force: true });
  if (before === undefined) delete process.env.PREGAO_PYTHON;
  else process.env.PREGAO_PYTHON = before;
});

/** Every row of every table that a state directory has published. */
const published = (state: string): Promise<Rows> => {
  const commits = join(state, "s3/state/commits/bovespa");
  // Keys count down.
  const [newest] = readdirSync(commits).sort();
  const { tables } = JSON.parse(readFileSync(join(commits, newest!), "utf8")) as { tables: TableMap };
  return rowsOf({ dir: join(state, "s3"), tables, session });
};

/** The same bytes, archived at the same instant: what is made of them depends on nothing else. */
const archive = async (from: string, to: string): Promise<void> => {
  const [a, b] = [await testPlace({ state: from }), await testPlace({ state: to })];
  try {
    const [sha256] = readdirSync(join(from, "s3/origin/bovespa"));
    const key = originKey("bovespa", sha256!);
    const { metadata } = (await head(a.aws, "origin", key))!;
    await create(b.aws, "origin", key, readFileSync(join(from, "s3/origin", key)), metadata);
  } finally {
    await Promise.all([a.close(true), b.close(true)]);
  }
};

type Process = { pid: number; ppid: number; args: string };

/** All of this machine: of /proc where there is one, as an image may lack `ps`. */
const processes = (): Process[] => {
  if (!existsSync("/proc/self/stat")) {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8", maxBuffer: 2 ** 26 });
    return lines.split("\n").flatMap((line) => {
      const [, pid, ppid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return pid ? [{ pid: Number(pid), ppid: Number(ppid), args: args! }] : [];
    });
  }
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      // The name, in brackets, may hold anything.
      const [, ppid] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return [{ pid: Number(pid), ppid: Number(ppid), args }];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
};

/** Processes below this one whose command has a word, by id. */
const descendants = (word: string): number[] => {
  const all = processes();
  const tree = new Set([process.pid]);
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const { pid, ppid } of all) if (tree.has(ppid)) tree.add(pid);
  }
  return all.filter(({ pid, args }) => tree.has(pid) && args.includes(word)).map(({ pid }) => pid);
};
/** Every process of Spark's that was seen: one whose parent is gone is nobody's descendant any more. */
const seen = new Set<number>();
const jvm = (): number[] => {
  const running = descendants("org.apache.spark.deploy.SparkSubmit");
  for (const pid of [...running, ...descendants("refine.py")]) seen.add(pid);
  return running;
};

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return false;
  }
};

/** Waits until none of the processes that were seen is there: the test runs out of time if one stays. */
const noneLeft = async (): Promise<void> => {
  await until(() => [...seen].every((pid) => !lives(pid)));
  expect([jvm(), descendants("refine.py")]).toEqual([[], []]);
  seen.clear();
};

/** Looks until a fact is there. */
const until = async <T>(look: () => T | undefined | false): Promise<T> => {
  for (;;) {
    const found = look();
    if (found) return found;
    await wait(50);
  }
};

test(
  "pregao ingest … --engine spark --wait publishes what DuckDB publishes, every row of every table",
  async () => {
    const [duckdb, spark] = [join(dir, "duckdb"), join(dir, "spark")];
    const ingest = (state: string, engine: string): Promise<Ended> =>
      pregao(["ingest", "bovespa", "--file", yearly, "--engine", engine, "--wait", "--json", "--state", state]);
    const one = await ingest(duckdb, "duckdb");
    expect(one, one.err).toMatchObject({ status: 0 });
    await archive(duckdb, spark);
    const other = await ingest(spark, "spark");
    expect(other, other.err).toMatchObject({ status: 0 });
    const account = (ended: Ended) => (JSON.parse(ended.out) as { account: { sent: number; tables: object } }).account;
    expect(account(other).sent).toBe(104_390);
    expect(account(other).tables).toEqual(account(one).tables);
    expect(differing(await published(duckdb), await published(spark))).toEqual([]);
    const reports = join(spark, "s3/state/reports/bovespa");
    for (const run of readdirSync(reports))
      for (const report of readdirSync(join(reports, run)))
        expect(JSON.parse(readFileSync(join(reports, run, report), "utf8"))).toMatchObject({ engine: "spark 3.5.6" });
  },
  LONG,
);

describe("a job run", () => {
  let raw: Awaited<ReturnType<typeof rawObjects>>;
  beforeAll(async () => {
    raw = await rawObjects(join(dir, "raw"), 12_000);
  });

  test(
    "whose JVM is killed in the middle fails, leaves no report and no process, and the next attempt succeeds",
    async () => {
      const state = join(dir, "killed");
      const glue = await openGlue(state, sparkJob);
      const plain = await openGlue(join(dir, "plain"), refineJob);
      try {
        const objects = [await glue.land(raw.files[0]!)];
        await glue.begin(1, objects, [raw.unit]);
        const refined = join(state, "s3/lake/refined/bovespa_refined");
        const pid = await until(() => existsSync(refined) && jvm()[0]);
        process.kill(pid, "SIGKILL");
        const { attempt, report } = await glue.ended(1);
        expect(attempt).toMatchObject({ state: "FAILED" });
        expect(report).toBeNull();
        await noneLeft();

        await glue.begin(1, objects, [raw.unit]);
        const again = await glue.ended(1);
        expect(again.attempt).toMatchObject({ state: "SUCCEEDED" });
        expect(again.attempt.id).not.toBe(attempt.id);
        await plain.begin(1, [await plain.land(raw.files[0]!)], [raw.unit]);
        const expected = await plain.ended(1);
        const rows = (of: string, tables: TableMap) => rowsOf({ dir: join(dir, of, "s3"), tables, session });
        expect(
          differing(await rows("plain", expected.report!.tables), await rows("killed", again.report!.tables)),
        ).toEqual([]);
        expect(again.report!.rows).toEqual(expected.report!.rows);
      } finally {
        await Promise.all([glue.close(), plain.close()]);
      }
    },
    LONG,
  );

  test(
    "that is stopped is STOPPED, and so is its JVM; one that a closing stack lets go of dies with it",
    async () => {
      const glue = await openGlue(join(dir, "stopped"), sparkJob);
      try {
        const objects = [await glue.land(raw.files[0]!)];
        await glue.begin(1, objects, [raw.unit]);
        await until(() => jvm().length > 0);
        const [running] = await attempts(glue.aws, "bovespa", 1);
        await glue.aws.glue.send(
          new BatchStopJobRunCommand({ JobName: jobName(glue.aws, "bovespa"), JobRunIds: [running!.id] }),
        );
        const { attempt, report } = await glue.ended(1);
        expect(attempt).toMatchObject({ id: running!.id, state: "STOPPED" });
        expect(report).toBeNull();
        await noneLeft();
        await glue.begin(2, objects, [raw.unit]);
        await until(() => jvm().length > 0);
      } finally {
        await glue.close();
      }
      await noneLeft();
    },
    LONG,
  );
});
