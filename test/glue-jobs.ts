import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { connect } from "../packages/aws/index.ts";
import { attempts, type JobRun, startJob } from "../packages/aws/jobs.ts";
import { create, getJson, head } from "../packages/aws/store.ts";
import { recipeOf } from "../packages/core/recipe.ts";
import { parseReport, type Report } from "../packages/core/report.ts";
import { assetKey, type RawObject, type Run, recipeKey, reportKey, runKey } from "../packages/core/run.ts";
import { laptop } from "../packages/core/stage.ts";
import { topology } from "../packages/core/topology.ts";
import { bovespa } from "../packages/datasets/bovespa/index.ts";
import { catalogue } from "../packages/datasets/index.ts";
import { type River, start } from "../packages/local/index.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const POLL_MS = 50;

/**
 * S3 and Glue of a laptop with an engine, and nobody who opens runs: whoever has this opens them by hand. `dir` is the
 * state directory.
 */
export const openGlue = async (dir: string, engine: River["engine"]) => {
  const stage = laptop();
  const shape = topology(catalogue(), stage.pace);
  const stack = await start(
    {
      topology: { ...shape, clocks: [], notices: [], mappings: [], streams: [] },
      root: new URL("../", import.meta.url),
      engine,
      translate: () => {
        throw new Error("nobody asks here");
      },
    },
    { dir, stage, onLog: () => {}, graceMs: 0 },
  );
  const aws = connect(stage, { AWS_ENDPOINT_URL: stack.url });
  const { recipe, assets } = recipeOf(bovespa, sha256);
  const digest = sha256(JSON.stringify(recipe));
  for (const [key, body] of assets) await create(aws, "state", assetKey(key), body);
  await create(aws, "state", recipeKey(bovespa.name, digest), JSON.stringify(recipe));
  return {
    aws,
    /** Puts a file into raw as one object. */
    land: async (path: string): Promise<RawObject> => {
      const key = `raw/bovespa/ingest_date=2024-01-02/${basename(path)}`;
      await create(aws, "lake", key, readFileSync(path));
      const { etag, size } = (await head(aws, "lake", key))!;
      return { key, etag, size };
    },
    /** Writes the document of run `number`, which stands on what `base` says was published, and starts its job. */
    begin: async (number: number, objects: RawObject[], units: string[], base: Report | null = null): Promise<Run> => {
      const run: Run = {
        format: 1,
        dataset: bovespa.name,
        run: number,
        base: number - 1,
        opened_at: new Date().toISOString(),
        recipe: digest,
        objects,
        units,
        tables: base?.tables ?? {},
        through: null,
        rejects: [],
        accepted: [],
        rebuild: false,
        withdrawn: [],
      };
      await create(aws, "state", runKey(bovespa.name, number), JSON.stringify(run));
      await startJob(aws, run);
      return run;
    },
    /** The newest attempt at a run once it has ended, and its report if it left one. */
    ended: async (number: number): Promise<{ attempt: JobRun; report: Report | null }> => {
      for (;;) {
        const [attempt] = await attempts(aws, bovespa.name, number);
        if (attempt && !["STARTING", "RUNNING", "STOPPING"].includes(attempt.state)) {
          const key = reportKey(bovespa.name, number, attempt.id);
          const found = await getJson(aws, "state", key);
          return { attempt, report: found === null ? null : parseReport(found, key) };
        }
        await wait(POLL_MS);
      }
    },
    close: async (): Promise<void> => {
      aws.close();
      await stack.stop();
    },
  };
};
