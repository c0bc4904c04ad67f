import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
/** What reads a clock, files by a day, prints an instant, or does all of it at once. */
const suites = [
  ...["test/river.test.ts", "test/datasets/refine", "test/trino.test", "test/trino-nested"],
  ...["scrape", "look", "sessions", "archive", "advance-clock", "download"].map(
    (name) => `test/functions/${name}.test`,
  ),
  ...["test/core/calendar", "test/core/topology", "test/core/message", "test/core/judge.test"],
  ...[
    "test/local/athena-results",
    "test/local/athena-trino",
    "test/local/firehose-serde",
    "test/local/firehose-convert",
  ],
  ...["test/local/triggers-events", "test/local/cloudwatch"],
];

let running: ChildProcess | undefined;
/** One that ran out of its time is not left behind. */
afterEach(() => running?.kill("SIGKILL"));

const run = (zone: string): Promise<{ code: number | null; said: string }> =>
  new Promise((resolve, reject) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
    const child = spawn(
      process.execPath,
      [join(root, "node_modules/vitest/vitest.mjs"), "run", "--maxWorkers=1", "--reporter=dot", ...suites],
      { cwd: root, env: { ...env, TZ: zone, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] },
    );
    running = child;
    let said = "";
    const hear = (text: string) => {
      said += text;
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, said }));
  });

// Behind UTC, a machine's day starts late, ahead of it early; the first also changed its clocks twice a year.
test.each(["America/Sao_Paulo", "Asia/Tokyo"])(
  "the river's own tests pass on a machine in %s",
  async (zone) => {
    const { code, said } = await run(zone);
    expect(code, said.slice(-8000)).toBe(0);
  },
  1_200_000,
);
