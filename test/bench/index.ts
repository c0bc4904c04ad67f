import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { cotahist, sessionsOf } from "../synthetic.ts";
import { child } from "./child.ts";
import { decode } from "./decode.ts";
import { polite } from "./polite.ts";
import { enginesHere, refine } from "./refine.ts";

/** `npm run bench [part …]`: every figure of the project in one JSON document; goals beside what they are goals for. */
const yearly = new URL("../fixtures/cotahist/COTAHIST_A2023.ZIP", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const part = async (name: string, run: () => Promise<unknown>): Promise<[string, unknown][]> => {
  if (wanted.length && !wanted.includes(name)) return [];
  process.stderr.write(`${name} …\n`);
  return [[name, await run()]];
};

const dir = mkdtempSync(join(tmpdir(), "pregao-bench-"));
try {
  const results = [
    [
      "machine",
      {
        cores: availableParallelism(),
        cpu: cpus()[0]?.model,
        memory_gib: Math.round(totalmem() / 2 ** 30),
        node: process.version,
      },
    ] as [string, unknown],
    ...(await part("polite", polite)),
    ...(await part("decode", decode)),
    ...(await part("river", async () => {
      type River = { file_to_queryable_s: number };
      const runs: { river: River; direct: { direct_s: number } }[] = [];
      // In turn, so that a drift of the machine's speed hits both.
      for (let i = 0; i < 3; i++)
        runs.push({
          river: await child<River>("./ingest.ts", yearly),
          direct: await child<{ direct_s: number }>("./direct.ts", yearly),
        });
      runs.sort((a, b) => a.river.file_to_queryable_s - b.river.file_to_queryable_s);
      const { river, direct } = runs[1]!;
      return {
        river,
        direct,
        ratio: Math.round((river.file_to_queryable_s / direct.direct_s) * 10) / 10,
        goal_s: 5,
        goal_peak_mib: 1024,
      };
    })),
    ...(await part("layout", () => child("./ingest.ts", yearly, "bovespa_refined=year,ticker"))),
    ...(await part("latency", async () => ({ ...(await child<object>("./latency.ts", "100")), goal_p99_s: 3 }))),
    ...(await part("query", async () => ({ ...(await child<object>("./query.ts", yearly)), goal_p95_ms: 100 }))),
    ...(await part("refine", async () => refine(await enginesHere(), [1e5, 1e6, 3e6]))),
    ...(await part("scale", async () => {
      const out: Record<string, unknown> = {};
      for (const rows of [10_000, 100_000, 1_000_000]) {
        const file = join(dir, `COTAHIST_${rows}.TXT`);
        const sessions = sessionsOf(2023).slice(0, Math.max(1, rows / 10_000));
        writeFileSync(file, cotahist({ sessions, perSession: rows / sessions.length }));
        out[rows] = await child("./ingest.ts", file);
        rmSync(file);
      }
      return out;
    })),
  ];
  console.log(JSON.stringify(Object.fromEntries(results), null, 2));
} finally {
  rmSync(dir, { recursive: true, force: true });
}
