import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import type { Aws } from "../../packages/aws/index.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { cotahist } from "../synthetic.ts";
import { bytes } from "./cycle.ts";
import { client, command, idle, ingest, picture, template, up } from "./river.ts";

let of: Awaited<ReturnType<typeof template>>;
let expected: Awaited<ReturnType<typeof picture>>;
const folder = mkdtempSync(join(tmpdir(), "pregao-disk-"));
const file = join(folder, "COTAHIST_D08032024.TXT");

beforeAll(async () => {
  of = await template();
  writeFileSync(file, bytes);
  const river = (await up(of.copy()))!;
  const aws = client(river.url);
  await ingest(aws, bytes);
  await later(aws);
  await idle(river.url);
  expected = await picture(aws);
  aws.close();
  await river.stop();
});
afterAll(() => {
  of?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A later session. A job that failed alone on its object is tried again once another run is published. */
const later = (aws: Aws) => {
  const file = {
    source: "COTAHIST_D11032024.TXT",
    bytes: inMemory(cotahist({ sessions: ["2024-03-11"], perSession: 10 })),
  };
  return scrape(aws, bovespa, file);
};

const SAYS = /the disk of the state directory .*is full: make room there/;

/** Resolves when `done` is true, or after so many ms: whichever comes first. */
const until = async (ms: number, done: () => boolean): Promise<void> => {
  for (const end = Date.now() + ms; Date.now() < end && !done(); ) await wait(20);
};

/** Ingests into a river whose disk is full until `room` is made, then again if need be; what it ends with. */
const through = async (url: string, isFull: () => boolean, room: () => void) => {
  const aws = client(url);
  try {
    let over = false;
    const sent = ingest(aws, bytes)
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        over = true;
      });
    await until(20_000, () => over || isFull());
    // It stays so for a while, so that everybody runs into it.
    await until(3_000, () => over);
    room();
    if (!(await sent)) await ingest(aws, bytes);
    await idle(url);
    await later(aws);
    await idle(url);
    return await picture(aws);
  } finally {
    aws.close();
  }
};

describe("a disk that is full", () => {
  const mark = join(folder, "full");
  const fill = () => writeFileSync(mark, "");
  const room = () => rmSync(mark, { force: true });
  /** What a river ends with that found its disk full: from its start on, or `later`, once it had started. */
  const survived = async (environment: Record<string, string>, later = false) => {
    if (!later) fill();
    const river = (await up(of.copy(), { PREGAO_FULL: mark, ...environment }))!;
    fill();
    try {
      return await through(river.url, () => true, room);
    } finally {
      await river.stop();
      room();
    }
  };

  test.each([
    ["the bodies of objects", "s3/bodies:.*:(write|sync|rename|copyFile)$"],
    ["Firehose's files", "firehose/(deliver|convert):.*:(write|writev)$"],
    ["the engine's report", "duckdb/refine:.*:writeFileSync"],
  ])("for %s loses nothing that was accepted, and all goes on once there is room", async (_, at) => {
    expect(await survived({ PREGAO_FULL_AT: at })).toEqual(expected);
  });

  test.each([0, 10, 40])(
    "for SQLite, with %s pages left, loses nothing that was accepted, and all goes on once there is room",
    async (pages) => {
      expect(await survived({ PREGAO_PAGES: String(pages) }, true)).toEqual(expected);
    },
  );

  test("is named to who sends, with what to do, and the sender's exit status is 1", async () => {
    fill();
    try {
      const dir = of.copy();
      const ended = await command(["ingest", "bovespa", "--file", file, "--json", "--state", dir], {
        PREGAO_FULL: mark,
        PREGAO_FULL_AT: "s3/bodies:.*:write$",
      }).ended;
      expect([ended.status, JSON.parse(ended.out)]).toEqual([
        1,
        { error: "disk_full", message: expect.stringMatching(SAYS) },
      ]);
      const river = (await up(of.copy(), { PREGAO_FULL: mark, PREGAO_PAGES: "0" }))!;
      const aws = client(river.url);
      // A sender waits a minute for room; what it is told meanwhile is the same.
      await expect(ingest(aws, bytes, Date.now() + 8_000)).rejects.toThrow(SAYS);
      aws.close();
      await river.stop();
    } finally {
      room();
    }
  });
});

/** A file system of our own needs a name space that a user may not be allowed to make. */
const mountable = (() => {
  try {
    execFileSync("unshare", ["-Urm", "mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!mountable)("a file system that is really full", () => {
  const MIB = 1024 ** 2;
  const SIZE = 64 * MIB;
  /** Runs a command with `dir` on a file system of its own, filled with what `from` holds. */
  const onDisk = (dir: string, from: string) => [
    "unshare",
    "-Urm",
    "sh",
    "-c",
    `mount -t tmpfs -o size=${SIZE} none "$0" && cp -a "$1/." "$0/" && shift && exec "$@"`,
    dir,
    from,
  ];

  test.each([0, 200, 1000, 3000])(
    "with %s KiB left when the ingest begins loses nothing that was accepted, and goes on once there is room",
    async (kib) => {
      const dir = mkdtempSync(join(folder, "disk-"));
      const river = (await up(dir, {}, { wrap: onDisk(dir, of.copy()) }))!;
      const inside = join(`/proc/${river.child.pid}/root`, dir);
      const ballast = join(inside, "ballast");
      const free = () => {
        const { bavail, bsize } = statfsSync(inside);
        return bavail * bsize;
      };
      try {
        writeFileSync(ballast, Buffer.alloc(free() - kib * 1024));
        expect(
          await through(
            river.url,
            () => free() === 0,
            () => rmSync(ballast),
          ),
        ).toEqual(expected);
      } finally {
        await river.stop();
      }
    },
  );
});
