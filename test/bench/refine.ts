import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { findSpark } from "../../packages/engines/spark/find.ts";
import { rawObjects } from "./refine-rows.ts";

/**
 * `node test/bench/refine.ts [--engine duckdb|spark]… [rows…]`: each engine makes the tables of a year of synthetic rows,
 * then merges one session more into them. Seconds of the job as Glue sees it and of the engine alone, peak memory of
 * this machine's Glue with all that it starts, files. JSON.
 */
const GOALS: Record<string, number> = { duckdb: 20, spark: 90 };
const words = process.argv.slice(2);
const chosen = words.flatMap((word, i) => (words[i - 1] === "--engine" ? [word] : []));
const sizes = words.filter((word) => /^\d/.test(word)).map(Number);
const LOOK_MS = 100;

/** What a process and all that it started hold in memory just now, MiB. Pages that two of them share count twice. */
const memoryOf = (pid: number): number => {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,rss="], { encoding: "utf8" }).trim().split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number, number]);
  const tree = new Set([pid]);
  for (let before = 0; before !== tree.size; ) {
    before = tree.size;
    for (const [child, parent] of rows) if (tree.has(parent)) tree.add(child);
  }
  return rows.reduce((sum, [child, , rss]) => sum + (tree.has(child) ? rss : 0), 0) / 1024;
};

/** What refine-job.ts says of an engine, and its peak memory. */
const measured = (engine: string, args: readonly string[]): Promise<object> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [new URL("./refine-job.ts", import.meta.url).pathname, engine, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    let peak = 0;
    const look = setInterval(() => {
      if (child.pid !== undefined) peak = Math.max(peak, memoryOf(child.pid));
    }, LOOK_MS);
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      clearInterval(look);
      if (code !== 0) return reject(new Error(`refine-job.ts ${engine} ended with ${code}`));
      const parts = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object);
      resolve({ ...Object.assign({}, ...parts), peak_mib: Math.round(peak) });
    });
  });

export const refine = async (engines: readonly string[], rows: readonly number[]) => {
  const found: Record<string, Record<string, object>> = {};
  for (const count of rows) {
    const dir = mkdtempSync(join(tmpdir(), "pregao-refine-"));
    try {
      process.stderr.write(`${count} rows …\n`);
      const { files, unit, next } = await rawObjects(join(dir, "raw"), count);
      for (const engine of engines) {
        process.stderr.write(`${count} rows, ${engine} …\n`);
        const made = await measured(engine, [join(dir, engine), unit, next, ...files]);
        rmSync(join(dir, engine), { recursive: true, force: true });
        found[engine] = { ...found[engine], [count]: { ...made, ...(count === 3e6 ? { goal_s: GOALS[engine] } : {}) } };
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return { cores: availableParallelism(), ...found };
};

/** The engines that can run here. */
export const enginesHere = (): Promise<string[]> =>
  findSpark().then(
    () => ["duckdb", "spark"],
    () => ["duckdb"],
  );

if (import.meta.main)
  console.log(
    JSON.stringify(
      await refine(chosen.length ? chosen : await enginesHere(), sizes.length ? sizes : [1e5, 1e6, 3e6]),
      null,
      2,
    ),
  );
