import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytes, each, type Picture, type Point } from "./cycle.ts";
import { client, command, idle, picture, tally, template, up } from "./river.ts";

const KILLS = 16;
let of: Awaited<ReturnType<typeof template>>;
const folder = mkdtempSync(join(tmpdir(), "pregao-ingest-"));
const file = join(folder, "COTAHIST_D08032024.TXT");
beforeAll(async () => {
  of = await template();
  writeFileSync(file, bytes);
});
afterAll(() => {
  of?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const ingest = (dir: string, env: Record<string, string> = {}) =>
  command(["ingest", "bovespa", "--file", file, "--wait", "--json", "--state", dir], env).ended;

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

test("killed anywhere, an ingest with a river of its own is run again and ends with the same tables", async () => {
  const plain = of.copy();
  const points = join(folder, "points");
  expect(await ingest(plain, { PREGAO_POINTS: points })).toMatchObject({ status: 0 });
  const expected = await look(plain);
  expect(expected.unrest).toEqual({});
  expect(expected.letters).toHaveLength(3);

  const passed = readFileSync(points, "utf8");
  const sent = passed.split("\n").findIndex((name) => name.includes("answer HEAD origin/"));
  const names = [...tally(passed.split("\n").slice(sent).join("\n"))];
  const chosen: Point[] = names
    .filter((_, i) => i % Math.floor(names.length / KILLS) === 0)
    .map(([name, n]) => ({ name, pass: Math.max(1, Math.floor(n / 2)) }));
  let kills = 0;
  const faults = await each(chosen, 2, async ({ name, pass }) => {
    const dir = of.copy();
    const first = await ingest(dir, { PREGAO_KILL: `${name}#${pass}` });
    if (first.signal === "SIGKILL") kills++;
    expect([first.signal, first.status]).toEqual(first.signal ? ["SIGKILL", null] : [null, 0]);
    const second = await ingest(dir);
    expect([second.status, second.err]).toEqual([0, ""]);
    expect(JSON.parse(second.out)).toMatchObject({ account: { sent: 300, raw: 297, rejected: 3, superseded: 0 } });
    expect(await look(dir)).toEqual(expected);
    rmSync(dir, { recursive: true, force: true });
  });
  expect(faults).toEqual([]);
  expect(kills).toBeGreaterThanOrEqual(10);
});
