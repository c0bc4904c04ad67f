import { join } from "node:path";
import type { Report } from "../../packages/core/report.ts";
import type { RawObject } from "../../packages/core/run.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { sparkJob } from "../../packages/engines/spark/job.ts";
import { openGlue } from "../glue-jobs.ts";

/**
 * One engine's job over raw objects, by Glue as the river starts it: a run of all of them, then one of a session more.
 * Prints what each took, a line of JSON each. Arguments: engine, a folder, unit, the object that comes later, the objects.
 */
const [engine, dir, unit, next, ...files] = process.argv.slice(2);
if (!dir || !unit || !next) throw new Error("expected ENGINE DIR UNIT NEXT FILE…");
const glue = await openGlue(join(dir, "state"), engine === "spark" ? sparkJob : refineJob);

const refined = async (name: string, number: number, objects: RawObject[], base: Report | null): Promise<Report> => {
  const began = performance.now();
  await glue.begin(number, objects, [unit], base);
  const { attempt, report } = await glue.ended(number);
  if (report === null) throw new Error(`the job ended ${attempt.state}: ${attempt.reason}`);
  const written = Object.values(report.tables).flatMap((partitions) => Object.values(partitions));
  const bytes = written.reduce((sum, { files: [file] }) => sum + file!.bytes, 0);
  const made = {
    rows: report.rows.read,
    job_s: Math.round(performance.now() - began) / 1000,
    refine_s: report.seconds,
    files: written.length,
    mib: Math.round((bytes / 2 ** 20) * 10) / 10,
  };
  console.log(JSON.stringify({ [name]: made }));
  return report;
};

try {
  const objects: RawObject[] = [];
  for (const file of files) objects.push(await glue.land(file));
  const first = await refined("all", 1, objects, null);
  await refined("session_more", 2, [await glue.land(next)], first);
} finally {
  await glue.close();
}
