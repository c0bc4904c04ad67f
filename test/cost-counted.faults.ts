import diagnostics from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measureFile, measureStage } from "../packages/cli/cost/measure.ts";
import { flow, openFile } from "../packages/cli/ingest.ts";
import { COUNTED } from "../packages/core/cost.ts";
import { topology } from "../packages/core/topology.ts";
import { bovespa } from "../packages/datasets/bovespa/index.ts";
import { datasets } from "../packages/datasets/index.ts";
import { openRiver, type TestRiver } from "./cli/stack.ts";

// The model's counts, counted again: requests as they arrive at the local S3, and what the demo's file leaves in a lake.

type Asked = { lists: number; writes: number; gets: number };
const asked: Asked = { lists: 0, writes: 0, gets: 0 };
const since = (): Asked => {
  const so = { ...asked };
  Object.assign(asked, { lists: 0, writes: 0, gets: 0 });
  return so;
};
const listen = (message: unknown) => {
  const { method, url = "", headers } = (message as { request: IncomingMessage }).request;
  if (headers["x-amz-target"] || url.startsWith("/_pregao") || url.includes("/functions/")) return;
  if (url.includes("list-type=2")) asked.lists += 1;
  else if (method === "GET" || method === "HEAD") asked.gets += 1;
  else if (method !== "DELETE") asked.writes += 1;
};

let river: TestRiver;
beforeAll(async () => {
  diagnostics.subscribe("http.server.request.start", listen);
  const { mappings } = topology(datasets, "intraday");
  river = await openRiver({ topology: (built) => ({ ...built, mappings }) });
  await river.make("calendario");
});
afterAll(async () => {
  diagnostics.unsubscribe("http.server.request.start", listen);
  await river.close();
});

test("an idle tick asks for no more than the model counts", async () => {
  await river.stack.invoke("advance", { datasets: ["bovespa", "calendario"] });
  for (const [name, input] of [
    ["advance", { datasets: ["bovespa", "calendario"] }],
    ["salvage", { datasets: ["bovespa"] }],
    ["clean", { datasets: ["bovespa", "calendario"] }],
  ] as const) {
    since();
    await river.stack.invoke(name, input);
    await river.idle();
    const { lists, gets, writes } = since();
    expect(
      [name, lists <= COUNTED.tick[name].lists, gets <= COUNTED.tick[name].gets, writes],
      `${lists}, ${gets}`,
    ).toEqual([name, true, true, 0]);
  }
});

test("a session's runs ask for no more than the model counts, and leave in the lake what the dataset says", async () => {
  since();
  // Nobody waits for the tables: who does looks, too.
  const { file, close } = await openFile(fileURLToPath(bovespa.demo!.file));
  await flow(river.place, bovespa, file, false).finally(close);
  await river.idle();
  const { lists, gets, writes } = since();
  const [stage] = await measureStage(river.place);
  const { run, tick } = COUNTED;
  const { runs, batch } = stage!;
  const bells = batch.rawObjects + runs;
  // The archive of the file is one write and three reads.
  expect(lists).toBeLessThanOrEqual(run.lists * runs + tick.advance.lists * bells);
  expect(gets).toBeLessThanOrEqual(run.gets * runs + tick.advance.gets * bells + 3);
  expect(writes).toBeLessThanOrEqual(run.writes * runs + 1);

  const shipped = await measureFile(river.place.datasets, null);
  expect(stage).toMatchObject({ sessions: 1, jobDpuSeconds: null, unitMonths: 12 });
  // How rows fall on objects is a matter of time; how many bytes they are nearly is not.
  const { rawObjects, rawBytes, refinedBytes, ...exact } = stage!.batch;
  const { rawObjects: objects, rawBytes: raw, refinedBytes: refined, ...same } = shipped.batch;
  expect(exact).toEqual(same);
  expect(Math.abs(rawBytes / raw - 1)).toBeLessThan(0.2);
  expect(Math.abs(refinedBytes / refined - 1)).toBeLessThan(0.2);
  expect(rawObjects).toBeGreaterThan(0);
  expect(rawObjects / objects).toBeLessThan(4);
});
