import fc from "fast-check";
import { type Arrival, KEYS, type World, world } from "./merge.oracle.ts";

/**
 * Every way in which five rows can come in two runs, or not: origin 1 has two rows, origin 2 replaces one of them and
 * drops the other, and one row says nothing about how many it is of. 4^5 worlds.
 */
export const exhaustive = (): World[] => {
  const rows: Arrival[] = [
    { rank: 0, stated: 2, key: 0, event: "e1" },
    { rank: 0, stated: 2, key: 1, event: "e2" },
    { rank: 1, stated: 2, key: 0, event: "e3" },
    { rank: 1, stated: 2, key: 2, event: "e4" },
    { rank: 0, stated: null, key: 0, event: "e5" },
  ];
  return Array.from({ length: 4 ** rows.length }, (_, n) => {
    const where = rows.map((_, i) => Math.floor(n / 4 ** i) % 4);
    return { rows, runs: [0, 1].map((run) => where.flatMap((w, i) => (w & (1 << run) ? [i] : []))) };
  });
};
/** Random worlds of four runs. */
export const sampled = (seed: number, count = 300): World[] => fc.sample(world(4), { numRuns: count, seed });

/**
 * Of every key: a row that says nothing of how many there are waits behind one of an unfinished origin, and comes back, to
 * the table where it belongs, when a greater origin is complete and what beat it is superseded.
 */
export const comebacks = (): World[] =>
  Array.from({ length: KEYS }, (_, key) => ({
    rows: [
      { rank: 0, stated: null, key, event: "e1" },
      { rank: 1, stated: 2, key, event: "e2" },
      { rank: 2, stated: 1, key: (key + 1) % KEYS, event: "e3" },
    ],
    runs: [[0, 1], [2], [], [1]],
  }));
