import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { list } from "../../packages/aws/store.ts";
import { forgetGone } from "../../packages/cli/raw.ts";
import type { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";
import { sendBytes, type TestPlace, verified } from "./verify.fixture.ts";

/** A river whose raw objects' files are elsewhere: on a disk that is not mounted, or in a folder that somebody moved. */

let place: TestPlace;
let keys: string[];
beforeAll(async () => {
  place = await testPlace();
  await sendBytes(place, bovespa, "one.txt", cotahist({ sessions: ["2021-03-01"], perSession: 30 }));
  keys = await raw();
});
afterAll(() => place.remove());

const raw = async () => {
  const found: string[] = [];
  for await (const { key } of list(place.aws, "lake", "raw/bovespa/")) found.push(key);
  return found;
};
const folder = () => join(place.dir, "s3/lake/raw");
const elsewhere = () => join(place.dir, "elsewhere");

test("a repair deletes no object because the disk with all of them is not mounted: with it they come back", async () => {
  renameSync(folder(), elsewhere());
  await expect(verified(place, bovespa, { repair: true })).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining(`is under ${join(place.dir, "s3/lake")}`),
  } satisfies Partial<PregaoError>);
  expect(await raw()).toEqual(keys);
  renameSync(elsewhere(), folder());
  expect(await verified(place, bovespa)).toMatchObject({ whole: true, gone: [], status: 0 });
});

test("a repair of a deployed stage deletes no object because its files are not on this disk, whatever its endpoint", async () => {
  renameSync(folder(), elsewhere());
  expect(await forgetGone({ ...place, dir: null }, bovespa, true)).toEqual([]);
  expect(await raw()).toEqual(keys);
  renameSync(elsewhere(), folder());
});

test("a person may say that all of them are gone: their rows are sent again", async () => {
  rmSync(folder(), { recursive: true });
  const repaired = await verified(place, bovespa, { repair: true, yes: true });
  expect(repaired).toMatchObject({ whole: true, gone: [], status: 0, repaired: { rows: 30 } });
  expect((await raw()).filter((key) => keys.includes(key))).toEqual([]);
});
