import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, pregao, stackTrace } from "../cli/command.ts";
import { ask, testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
const { dir, remove } = folder();
beforeAll(async () => {
  place = await testPlace();
});
afterAll(async () => {
  await place?.remove();
  remove();
});

/** Two at a time: each is a process. */
const all = async <T, R>(cases: readonly T[], run: (one: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  for (let at = 0; at < cases.length; at += 2) results.push(...(await Promise.all(cases.slice(at, at + 2).map(run))));
  return results;
};

describe("a place that is bad", () => {
  test("is named, with what to do instead, and exit status 1; nothing in it is touched", async () => {
    const newer = join(dir, "newer");
    mkdirSync(newer);
    writeFileSync(join(newer, "stage.json"), JSON.stringify(place.stage));
    const db = new DatabaseSync(join(newer, "pregao.sqlite"));
    db.exec("PRAGMA user_version = 99; CREATE TABLE theirs (a)");
    db.close();
    const torn = join(dir, "torn");
    mkdirSync(torn);
    writeFileSync(join(torn, "stage.json"), JSON.stringify(place.stage));
    writeFileSync(join(torn, "pregao.sqlite"), "this is no database, and long enough to be taken for one".repeat(20));
    const { port } = new URL(place.aws.endpoint!);
    const cases: [string[], RegExp][] = [
      [["up", "--state", newer], /expected version 1, came 99; choose another directory, or reset this one/],
      [
        ["up", "--state", torn],
        /expected its database to be readable, came .*choose another directory, or reset this one/,
      ],
      [["up", "--state", place.dir], /a river is already running on /],
      [
        ["up", "--state", join(dir, "second"), "--port", port],
        /expected port \d+ to be free, another program listens on it; stop that, or choose another port/,
      ],
      [
        ["up", "--state", "/proc/pregao"],
        /expected a state directory that can be made at \/proc\/pregao.*choose another --state/,
      ],
      [["status", "--state", join(dir, "nowhere")], /expected a state directory at .*nowhere, there is none/],
      [["up", "--state", join(place.dir, "log.ndjson", "x")], /ENOTDIR|a part of its path is no folder/],
      [
        ["query", "SELECT 1 AS a", "--format", "csv", "-o", "/dev/full", "--state", place.dir],
        /ENOSPC: the disk is full/,
      ],
    ];
    const ends = await all(cases, ([args]) => pregao(args));
    for (const [i, [args, says]] of cases.entries()) {
      const { status: exit, out, err } = ends[i]!;
      expect([args, exit, out]).toEqual([args, 1, ""]);
      expect([args, err]).toEqual([args, expect.stringMatching(says)]);
      expect(err).not.toMatch(stackTrace);
    }
    const after = new DatabaseSync(join(newer, "pregao.sqlite"), { readOnly: true });
    expect(after.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
    after.close();
    expect(await ask(place, "SELECT 1 AS a")).toEqual([{ a: "1" }]);
  });
});
