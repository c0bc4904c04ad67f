import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ingested } from "../../packages/cli/ingest-screen.ts";
import { gate, honest } from "../origin/behaviours.ts";
import { type Recorded, recorded } from "../origin/server.ts";
import { document, folder, pregao, stackTrace, type Up, up } from "./command.ts";

const { dir, remove } = folder();
const state = join(dir, "state");
let origin: Recorded;
let river: Up;
beforeAll(async () => {
  origin = await recorded({ sessions: ["2021-12-29", "2021-12-30", "2022-01-03", "2022-01-04"], rows: 20 });
  river = await up(state);
}, 60_000);
afterAll(async () => {
  await Promise.all([origin?.close(), river?.stop()]);
  remove();
});

test("Ctrl-C in the middle of a backfill leaves whole files done and says how to go on, which asks for the rest alone", async () => {
  const args = ["ingest", "bovespa", "--from", "2021-12-29", "--to", "2022-01-04", "--mirror", origin.mirror];
  const at = ["--state", state];
  const second = gate();
  origin.answer("M012022", second.behaviour);
  let child: ChildProcess | undefined;
  const running = pregao([...args, ...at], {
    begun: (process) => {
      child = process;
    },
  });
  await origin.seen("M012022");
  child!.kill("SIGINT");
  const ended = await running;
  second.release();
  expect([ended.status, ended.out]).toEqual([130, ""]);
  expect(ended.err).toContain(
    `Next: pregao --state ${state} ${args.join(" ")}, which asks only for what is not there yet\n`,
  );
  expect(ended.err).not.toMatch(stackTrace);

  origin.answer("M012022", honest);
  origin.asked.length = 0;
  const again = await pregao([...args, "--wait", "--json", ...at]);
  expect([again.status, again.err, origin.asked.map(({ what }) => what)]).toEqual([0, "", ["M012022"]]);
  const [one] = document<{ ingested: Ingested[] }>(again).ingested;
  expect(one).toMatchObject({ there: 2, missing: [], downloads: [{ name: "M012022", is: "sent" }] });
  const rows = await pregao(["query", "SELECT count(*) AS n FROM bovespa_refined", "--json", ...at]);
  expect(document<{ n: unknown }[]>(rows).map(({ n }) => Number(n))).toEqual([80]);
}, 60_000);
