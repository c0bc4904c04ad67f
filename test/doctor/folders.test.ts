import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Diagnosis } from "../../packages/cli/doctor/diagnosis.ts";
import { machine } from "../../packages/cli/doctor/laptop.ts";
import { riverOf } from "../../packages/cli/doctor/river.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { document, folder, pregao } from "../cli/command.ts";

// A state directory that is none: what the doctor says to do must not fail with what it has just found.

let own: ReturnType<typeof folder>;
beforeAll(() => {
  own = folder();
});
afterAll(() => own.remove());

const found = (diagnosis: Diagnosis, guard: string) =>
  diagnosis.guards.find(({ id }) => id === guard)!.findings.find(({ state }) => state === "broken");

test("a folder of somebody else's files is said to be that, and the demo goes beside them", async () => {
  const dir = join(own.dir, "theirs");
  mkdirSync(dir);
  writeFileSync(join(dir, "thesis.doc"), "");
  const ended = await pregao(["doctor", "--state", dir, "--json"]);
  const diagnosis = document<Diagnosis>(ended);
  expect(found(diagnosis, "laptop.river")).toMatchObject({
    came: expect.stringContaining("thesis.doc"),
    mend: `pregao --state ${join(dir, "river")} demo`,
  });
  expect(diagnosis.next).toBe(`pregao --state ${join(dir, "river")} demo`);
  expect(ended.status).toBe(1);
}, 60_000);

test("a file is no state directory: nobody is told to change its owner", async () => {
  const file = join(own.dir, "a file");
  writeFileSync(file, "");
  for (const state of [file, join(file, "below")]) {
    const diagnosis = document<Diagnosis>(await pregao(["doctor", "--state", state, "--json"]));
    const broken = diagnosis.guards.filter(({ state: is }) => is === "broken");
    expect(broken.map(({ id }) => id)).toEqual(["laptop.state", "laptop.river"]);
    for (const { findings } of broken)
      expect(findings).toMatchObject([{ came: `${file} is a file`, mend: `pregao --state '${file}.d' demo` }]);
  }
}, 60_000);

test("a stage.json that cannot be read is not mended by a demo on the same folder, and stays as it is", async () => {
  const dir = join(own.dir, "corrupt");
  mkdirSync(dir);
  writeFileSync(join(dir, "stage.json"), '{"name": "lo');
  const diagnosis = document<Diagnosis>(await pregao(["doctor", "--state", dir, "--json"]));
  const { came, mend } = found(diagnosis, "laptop.river")!;
  expect(came).toContain(join(dir, "stage.json"));
  expect(mend).toMatch(new RegExp(`^pregao --state ${dir}\\.new demo \\(.*stage\\.json.*\\)$`));
  expect(diagnosis.next).toBe(`pregao --state ${dir}.new demo`);
  expect(readFileSync(join(dir, "stage.json"), "utf8")).toBe('{"name": "lo');
  expect(existsSync(`${dir}.new`)).toBe(false);
}, 60_000);

test("a river in use, or of another version, is mended by something else than a demo on it", () => {
  const mend = (code: string) => riverOf("/x/state", new PregaoError(code, "expected a, came b")).findings[0]?.mend;
  expect(mend("no_state")).toBe("pregao demo");
  expect(mend("state_in_use")).toMatch(/^pregao status \(/);
  for (const code of ["state", "state_version", "state_damaged"])
    expect(mend(code)).toMatch(/^pregao --state \/x\/state\.new demo/);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder of one's own without rights is given them back, and no owner",
  async () => {
    const dir = join(own.dir, "shut");
    mkdirSync(dir);
    chmodSync(dir, 0o500);
    const state = (await machine(dir, "duckdb")).find(({ id }) => id === "laptop.state");
    chmodSync(dir, 0o700);
    expect(state).toMatchObject({ state: "broken", findings: [{ mend: `chmod -R u+rwX ${dir}` }] });
  },
);
