import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Ingested } from "../../packages/cli/ingest-screen.ts";
import { recorded } from "../origin/server.ts";
import { each, type Picture, type Point } from "./cycle.ts";
import { client, command, idle, picture, tally, template, up } from "./river.ts";

const KILLS = 5;
const FILES = ["M122021", "M012022"];
const SESSIONS = ["2021-12-29", "2021-12-30", "2022-01-03", "2022-01-04"];
let of: Awaited<ReturnType<typeof template>>;
const folder = mkdtempSync(join(tmpdir(), "pregao-backfill-"));
beforeAll(async () => {
  of = await template();
});
afterAll(() => {
  of?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const origin = () => recorded({ sessions: SESSIONS, rows: 20 });

const backfill = (dir: string, mirror: string, env: Record<string, string> = {}) => {
  const days = ["--from", SESSIONS[0]!, "--to", SESSIONS.at(-1)!];
  const args = ["ingest", "bovespa", ...days, "--mirror", mirror, "--wait", "--json", "--state", dir];
  return command(args, env).ended;
};

const look = async (dir: string): Promise<Picture> => {
  const river = await up(dir);
  if (!river) throw new Error("the river did not start");
  const aws = client(river.url);
  try {
    await idle(river.url);
    return await picture(aws);
  } finally {
    aws.close();
    await river.stop();
  }
};

test("killed anywhere, a backfill is run again, asks for no file that was sent whole, and ends with the same tables", async () => {
  const plain = of.copy();
  const points = join(folder, "points");
  const first = await origin();
  expect(await backfill(plain, first.mirror, { PREGAO_POINTS: points })).toMatchObject({ status: 0 });
  await first.close();
  const expected = await look(plain);
  expect(expected.unrest).toEqual({});
  expect(expected.raw).toBe("80");

  const passed = readFileSync(points, "utf8").split("\n");
  const begun = passed.findIndex((name) => name.includes("answer HEAD origin/"));
  const names = [...tally(passed.slice(begun).join("\n"))];
  const chosen: Point[] = names
    .filter((_, i) => i % Math.floor(names.length / KILLS) === 0)
    .map(([name, n]) => ({ name, pass: Math.max(1, Math.floor(n / 2)) }));
  let kills = 0;
  const faults = await each(chosen, 2, async ({ name, pass }) => {
    const dir = of.copy();
    const from = await origin();
    const killed = await backfill(dir, from.mirror, { PREGAO_KILL: `${name}#${pass}` });
    if (killed.signal === "SIGKILL") kills++;
    expect([killed.signal, killed.status]).toEqual(killed.signal ? ["SIGKILL", null] : [null, 0]);
    const before = from.asked.length;
    const second = await backfill(dir, from.mirror);
    // A slow machine is told what it waits for.
    expect([second.status, second.err.replaceAll(/^still .*\n/gm, "")]).toEqual([0, ""]);
    const [{ there, missing, downloads }] = (JSON.parse(second.out) as { ingested: [Ingested] }).ingested;
    const asked = from.asked.slice(before).map(({ what }) => what);
    expect([missing, downloads.map((one) => one.name)]).toEqual([[], asked]);
    expect(asked).toEqual(FILES.slice(there / 2));
    expect(await look(dir)).toEqual(expected);
    await from.close();
    rmSync(dir, { recursive: true, force: true });
  });
  expect(faults).toEqual([]);
  expect(kills).toBeGreaterThanOrEqual(3);
});
