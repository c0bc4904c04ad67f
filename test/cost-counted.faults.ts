import diagnostics from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../packages/aws/queues.ts";
import { measureFile, measureStage } from "../packages/cli/cost/measure.ts";
import { flow, openFile } from "../packages/cli/ingest.ts";
import { COUNTED } from "../packages/core/cost.ts";
import { lately } from "../packages/core/gaps.ts";
import { instant, messages } from "../packages/core/message.ts";
import { topology } from "../packages/core/topology.ts";
import { bovespa } from "../packages/datasets/bovespa/index.ts";
import { carteira } from "../packages/datasets/carteira/index.ts";
import { datasets } from "../packages/datasets/index.ts";
import { digest, openRiver, record, type TestRiver } from "./cli/stack.ts";
import { paper } from "./datasets/portfolios.ts";

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

test("an idle tick asks for no more than the model counts, when each dataset has a year of sessions in two years' files", async () => {
  const now = Date.now();
  const { from, to } = lately(now, 0);
  for (const session of [from, to]) await river.file("1", [record("TEST11", session, 0)], 1);
  for (const data of [from, to]) {
    const origin = { sha256: digest(data), version: data, scraped_at: instant(now) };
    const whole = { qtde_teorica: "1000", part: "100.000", qtde_total: "1000" };
    const records = [{ ...paper(data, "IBOV", "TEST11", whole), origin_rows: 1 }];
    const group = { subject: "TEST11", records };
    await send(river.aws, carteira.name, messages(carteira, { source: "f.csv", origin }, group, digest), {});
  }
  await river.idle();
  const { clocks } = topology(datasets, "intraday");
  for (const name of ["advance", "salvage", "clean"] as const) {
    const { input } = clocks.find((clock) => clock.name === name)!;
    // What is done once, the first does.
    await river.stack.invoke(name, input);
    await river.idle();
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
