import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../packages/aws/index.ts";
import { all } from "../../packages/aws/queries.ts";
import { type Status, status } from "../../packages/cli/status/index.ts";
import { laptop } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { start } from "../../packages/local/index.ts";
import type { LogLine } from "../../packages/local/lambda.ts";
import { translate } from "../../packages/trino/index.ts";
import type { Recorded } from "../origin/server.ts";
import { silent } from "../place.ts";

/** The 20 sessions up to a day take a yearly file's units once: a run of them costs little. */
const NAMES = ["calendario", "bovespa"];

/**
 * A whole river whose clocks fetch from a recorded origin, at any time of our choosing, `America/Sao_Paulo`: time goes on
 * from there, and all of the river has the same.
 */
export const openEvenings = async (origin: Recorded, at: string) => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-schedule-"));
  const clock = join(dir, "clock");
  const lines: LogLine[] = [];
  const stage = laptop();
  const of = datasets.filter(({ name }) => NAMES.includes(name));
  let offset = 0;
  const set = (time: string) => {
    offset = Date.parse(`${time.replace(" ", "T")}:00-03:00`) - Date.now();
    writeFileSync(clock, String(offset));
  };
  let seen = 0;
  const asked = () => {
    const news = origin.asked.slice(seen).map(({ what, status }) => `${what} ${status}`);
    seen = origin.asked.length;
    return news;
  };
  set(at);
  const open = () =>
    start(
      {
        topology: topology(of, stage.pace),
        root: new URL("./", import.meta.url),
        engine: refineJob,
        translate,
      },
      {
        ...{ dir: join(dir, "state"), stage, web: true, retryDelays: [1, 1] },
        ...{ now: () => Date.now() + offset, onLog: (line: LogLine) => void lines.push(line) },
        env: { PREGAO_MIRROR: origin.mirror, PREGAO_TEST_CLOCK: clock },
      },
    );
  let stack = await open();
  let aws = connect(stage, stack.env);
  const river = {
    lines,
    asked,
    aws: () => aws,
    stack: () => stack,
    /** What `pregao status` says at this time. */
    status: async () => {
      const output = silent();
      const place = { aws, stage, datasets: of, database: "", output, dir, stack: null, close: async () => {} };
      await status(place, Date.now() + offset);
      process.exitCode = 0;
      return { document: output.documents[0] as Status, screen: output.screens[0]! };
    },
    ask: (sql: string) => all(aws, sql, bovespa.database),
    /** It is this time now; what that sets going has come to its end. What the origin was asked for meanwhile. */
    until: async (time: string): Promise<string[]> => {
      set(time);
      lines.length = 0;
      // A word with the stack, and its clocks look.
      await (await fetch(`${stack.url}/_pregao/idle`)).text();
      await stack.invoke("nobody", {});
      await stack.idle();
      return asked();
    },
    /** Off from now until then; what it missed is made up for. */
    off: async (time: string): Promise<string[]> => {
      aws.close();
      await stack.stop();
      set(time);
      lines.length = 0;
      stack = await open();
      aws = connect(stage, stack.env);
      await origin.seen("", origin.asked.length + 1);
      await stack.idle();
      return asked();
    },
    close: async () => {
      aws.close();
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await stack.idle();
  return river;
};
