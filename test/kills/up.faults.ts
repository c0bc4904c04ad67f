import { afterAll, beforeAll, expect, test } from "vitest";
import { each, killed, type Point, undisturbed } from "./cycle.ts";
import { template } from "./river.ts";

let of: Awaited<ReturnType<typeof template>>;
let plain: Awaited<ReturnType<typeof undisturbed>>;

beforeAll(async () => {
  of = await template();
  plain = await undisturbed(of);
});
afterAll(() => of?.remove());

/** Each point at its first, middle or last pass, in turn. */
const pointsOf = (during: ReadonlyMap<string, { n: number; all: number }>): Point[] =>
  [...during]
    // The tests' own question.
    .filter(([name]) => !name.includes("_pregao"))
    .map(([name, { n, all }], i) => ({ name, pass: all - n + [1, Math.ceil(n / 2), n][i % 3]! }));

test("killed at any point between two side effects of an ingest, up finishes by itself after the next start, with the same tables and dead letters", async () => {
  expect(plain.expected.unrest).toEqual({});
  expect(plain.expected.letters).toHaveLength(5);
  const points = pointsOf(plain.during);
  let kills = 0;
  let turn = 0;
  const names = new Set<string>();
  const faults = await each(points, 2, async (point) => {
    // How often the last points of a run are passed depends on how its work was batched.
    const picture = (await killed(of, point, turn++ % 2 === 0)) ?? (await killed(of, { ...point, pass: 1 }, false));
    if (!picture) return;
    kills++;
    names.add(point.name);
    expect(picture).toEqual(plain.expected);
  });
  console.log(`${kills} kills at ${names.size} of ${plain.during.size} points`);
  expect(faults).toEqual([]);
  expect(kills).toBeGreaterThanOrEqual(50);
});

test("killed while it starts, up starts again and takes the ingest", async () => {
  const points = [...plain.starting].filter((_, i) => i % 5 === 0).map(([name, n]) => ({ name, pass: n }));
  const faults = await each(points, 2, async (point) => {
    expect(await killed(of, point, false)).toEqual(plain.expected);
  });
  expect(faults).toEqual([]);
});
