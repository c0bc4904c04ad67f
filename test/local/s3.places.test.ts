import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { escapedPlace, fold, keyAt, plainPlace } from "../../packages/local/s3/places.ts";
import { type Stack, startStack } from "./s3.stack.ts";

const nasty = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    ".escaped",
    ".Escaped",
    "a",
    "A",
    "%2e%2e",
    "%",
    "~",
    "a~",
    "é",
    "e\u0301",
    "\u0001",
    "\\",
    "ß",
    "x".repeat(256),
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
);
/** Keys as a request can carry them: well-formed, not empty, up to 1,024 bytes. */
const keys = fc
  .array(nasty, { minLength: 1, maxLength: 5 })
  .map((segments) => segments.join("/").toWellFormed())
  .filter((key) => key !== "" && Buffer.byteLength(key) <= 1024);

describe("places of keys", () => {
  it("are reversible, inside the bucket, and names that every file system can hold", () => {
    fc.assert(
      fc.property(keys, (key) => {
        for (const place of [plainPlace(key), escapedPlace(key)]) {
          if (place === null) continue;
          expect(keyAt(place)).toBe(key);
          expect(relative("/bucket", join("/bucket", place))).toBe(place);
          for (const name of place.split("/")) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("never make one escaped name a file and a folder, nor let two keys share one where case is ignored", () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        fc.pre(a !== b);
        const [one, two] = [escapedPlace(a), escapedPlace(b)];
        expect(fold(one)).not.toBe(fold(two));
        expect(two.startsWith(`${one}/`)).toBe(false);
      }),
      { numRuns: 1000 },
    );
    const long = "a".repeat(200);
    expect(escapedPlace(`${long}b`).startsWith(`${escapedPlace(long)}/`)).toBe(false);
  });

  it("are the key itself for normal keys", () => {
    for (const key of [
      "raw/x/ingest_date=2024-11-08/a.parquet",
      "100%/50%25",
      "ção/PETR4 b+c.parquet",
      "a/...",
      ".hidden",
      "~",
    ])
      expect(plainPlace(key)).toBe(key);
    for (const key of [
      "a/../b",
      "../b",
      "./a",
      "a//b",
      "/a",
      "a/",
      ".escaped/a",
      "x".repeat(256),
      "e\u0301",
      "a\\b",
      "a\u0000",
    ])
      expect(plainPlace(key)).toBeNull();
  });
});

describe("keys that get into each other's way on a disk", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.stop());
  const Bucket = "lake";
  const put = (Key: string) => stack.client.send(new PutObjectCommand({ Bucket, Key, Body: `body of ${Key}` }));
  const get = async (Key: string) =>
    (await stack.client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
  const remove = (Key: string) => stack.client.send(new DeleteObjectCommand({ Bucket, Key }));

  it("all live side by side, whatever the order they came in, through deletes and a restart", async () => {
    const groups = [
      ["a", "a/b", "a/b/c", "A", "A/b"],
      ["z/y/x", "z/y", "z"],
      ["dir/", "dir", "dir/file"],
      ["../up", "x/../../../up", "./a", "a//b", "/", "//", "/a"],
      ["\u00e9", "e\u0301"],
      [".escaped/a", ".tmp/a"],
      [`${"l".repeat(300)}/m`, "l".repeat(300)],
      ["k\u0001\u007f\uffff\u{10ffff}", "a\\..\\b"],
    ];
    const all = groups.flat();
    for (const key of all) await put(key);
    for (const key of all) expect(await get(key)).toBe(`body of ${key}`);
    expect(existsSync(join(stack.dir, "up"))).toBe(false);
    expect(existsSync(join(stack.dir, "s3/up"))).toBe(false);
    expect(readFileSync(join(stack.dir, "s3/lake/a"), "utf8")).toBe("body of a");
    const sorted = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(stack.s3.list("lake", "").map((o) => o.key)).toEqual(sorted);
    stack = await stack.restart();
    expect(stack.s3.recovery).toEqual({ redone: 0, removed: 0, missing: [] });
    for (const key of all) expect(await get(key)).toBe(`body of ${key}`);
    for (const [i, key] of all.entries()) {
      await remove(key);
      for (const other of all.slice(i + 1)) expect(stack.s3.path("lake", other)).not.toBeNull();
    }
    stack = await stack.restart();
    expect(stack.s3.recovery).toEqual({ redone: 0, removed: 0, missing: [] });
    // The room of a deleted key is free again, as a folder or as a file.
    await put("z/y/x/w");
    expect(existsSync(join(stack.dir, "s3/lake/z/y/x/w"))).toBe(true);
  });
});
