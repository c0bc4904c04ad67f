import fc from "fast-check";
import { dayNumber, dayOf } from "../../packages/core/calendar.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";

/** A row as the law of merging sees it. `stated` is origin_rows; a greater `rank` is a greater origin. */
export type Arrival = { rank: number; stated: number | null; key: number; event: string };

/** Everything that ever arrives about one session, and in which runs; a row can come several times, also in one run. */
export type World = { rows: Arrival[]; runs: number[][] };

const isNull = (row: Arrival) => row.stated === null;
/** Origins: (version, instant, digest), then origin_rows, a missing one first. */
const above = (a: Arrival, b: Arrival): boolean => {
  if (a.rank !== b.rank) return a.rank > b.rank;
  if ((a.stated ?? 0) !== (b.stated ?? 0)) return (a.stated ?? 0) > (b.stated ?? 0);
  return a.event > b.event;
};
const originOf = (row: Arrival): string => `${row.rank}/${row.stated ?? 0}`;
const orderOf = (origin: string): number => {
  const [rank, stated] = origin.split("/").map(Number);
  return rank! * 1000 + stated!;
};

export type Expected = {
  published: string[];
  waiting: string[];
  sessions: { origin: string; seen: number | null; state: string; mixed: boolean }[];
};

/** RUNS.md "Merging", by brute force over the set of rows that arrived. Names are `origin event`. */
export const oracle = (arrived: readonly Arrival[]): Expected => {
  const name = (row: Arrival) => `${originOf(row)} ${row.event}`;
  const rows = [...new Map(arrived.map((row) => [name(row), row])).values()];
  const stated = [...new Set(rows.filter((r) => !isNull(r)).map(originOf))].sort((a, b) => orderOf(a) - orderOf(b));
  const seen = (origin: string) => rows.filter((r) => !isNull(r) && originOf(r) === origin).length;
  const complete = stated.filter((origin) => seen(origin) >= Number(origin.split("/")[1])).at(-1);
  const counts = (r: Arrival) => isNull(r) || complete === undefined || orderOf(originOf(r)) >= orderOf(complete);
  const valid = rows.filter(counts);
  const best = (among: readonly Arrival[]) =>
    among.filter((r) => !among.some((other) => other.key === r.key && above(other, r)));
  const published = new Set(best(valid));
  const bestNull = new Set(best(valid.filter(isNull)));
  const waiting = valid.filter(
    (r) =>
      !published.has(r) &&
      (isNull(r) ? bestNull.has(r) : complete === undefined || orderOf(originOf(r)) > orderOf(complete)),
  );
  const mixed = complete !== undefined && stated.some((origin) => orderOf(origin) > orderOf(complete));
  return {
    published: [...published].map(name).sort(),
    waiting: waiting.map(name).sort(),
    sessions: stated.map((origin) => {
      const below = complete !== undefined && orderOf(origin) < orderOf(complete);
      const state = below ? "superada" : origin === complete ? "completa" : "parcial";
      return {
        origin,
        seen: below ? null : origin === complete ? Number(origin.split("/")[1]) : seen(origin),
        state,
        mixed,
      };
    }),
  };
};

/** Origin `rank` in the three parts that order it, so that each part decides somewhere. */
const origins = [
  { source_version: "2024-11-08", scraped_at: "2024-11-09 01:00:00.000", origin_sha256: "b".repeat(64) },
  { source_version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.000", origin_sha256: "a".repeat(64) },
  { source_version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.001", origin_sha256: "0".repeat(64) },
  { source_version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.001", origin_sha256: "c".repeat(64) },
  // Each unlike the one before it in one part alone.
  { source_version: "2024-11-10", scraped_at: "2024-11-09 00:00:00.001", origin_sha256: "c".repeat(64) },
  { source_version: "2024-11-10", scraped_at: "2024-11-09 00:00:00.002", origin_sha256: "c".repeat(64) },
];
/** Cash, an option, and one ticker with two terms; then one unlike the first in its ticker alone, the third in its market alone. */
const keys = [
  { codneg: "PETR4", tpmerc: "010", prazot: null },
  { codneg: "PETRK36", tpmerc: "070", prazot: null },
  { codneg: "PETR4T", tpmerc: "030", prazot: "030" },
  { codneg: "PETR4T", tpmerc: "030", prazot: "060" },
  { codneg: "PETR3", tpmerc: "010", prazot: null },
  { codneg: "PETR4T", tpmerc: "010", prazot: "030" },
];
export const RANKS = origins.length;
export const KEYS = keys.length;

/** The session that holds world `n`: sessions never look at each other, so that one run holds hundreds of worlds. */
export const sessionOf = (n: number): string => dayOf(dayNumber("2021-01-04") + n);
export const yearsOf = (worlds: number): string[] => [
  ...new Set(Array.from({ length: worlds }, (_, n) => sessionOf(n).slice(0, 4))),
];

/** The raw row of an arrival in the session of world `n`. What it says depends on its event alone. */
export const rawRow = (n: number, row: Arrival): WireRecord => {
  const cents = 1000 + Number.parseInt(row.event.replace(/\D/g, "") || "0", 10);
  const price = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
  return {
    datpre: sessionOf(n),
    codbdi: "02",
    ...keys[row.key]!,
    nomres: "PETROBRAS",
    especi: "PN",
    modref: "R$",
    ...Object.fromEntries(
      ["preabe", "premax", "premin", "premed", "preult", "preofc", "preofv"].map((name) => [name, price]),
    ),
    totneg: 10,
    quatot: "100",
    voltot: `${cents}.00`,
    preexe: keys[row.key]!.tpmerc === "010" ? "0.00" : price,
    indopc: "0",
    datven: keys[row.key]!.tpmerc === "010" ? null : "2030-01-18",
    fatcot: 1,
    ptoexe: "0.000000",
    codisi: "BRPETRACNPR6",
    dismes: "100",
    event_id: row.event,
    message_id: "m",
    ...origins[row.rank]!,
    origin_rows: row.stated,
    scraped_on: "2024-11-08",
  };
};

/** How an origin of the tables is named here. */
export const nameOfOrigin = (row: Record<string, unknown>): string => {
  const rank = origins.findIndex(
    (o) =>
      o.source_version === row.source_version &&
      o.origin_sha256 === row.origin_sha256 &&
      Date.parse(`${o.scraped_at}Z`) === Date.parse(`${row.scraped_at}Z`),
  );
  return `${rank}/${row.origin_rows ?? row.linhas_esperadas ?? 0}`;
};

const origin = (rank: number) =>
  fc
    .record({
      keys: fc.array(fc.nat({ max: KEYS - 1 }), { minLength: 1, maxLength: 4 }),
      /** Honest: as many as it has; or none; or one that it is not. */
      says: fc.constantFrom("all", "all", "all", "nothing", "nothing", "less", "more"),
      /** A stated origin may also come with rows that do not say so. */
      silent: fc.boolean(),
    })
    .map(({ keys: of, says, silent }): Arrival[] => {
      const count = of.length;
      const stated =
        says === "all" ? count : says === "nothing" ? null : says === "less" ? Math.max(1, count - 1) : count + 1;
      // Within an origin a key can come twice, with different events.
      const rows = of.map((key, i) => ({ rank, stated, key, event: `e${rank}${i}${key}` }));
      return silent && stated !== null ? [...rows, { ...rows[0]!, stated: null }] : rows;
    });

/** Worlds of two or three origins over four keys, in up to `runs` runs; rows may never come, or come again and again. */
export const world = (runs: number): fc.Arbitrary<World> =>
  fc
    .uniqueArray(fc.nat({ max: RANKS - 1 }), { minLength: 2, maxLength: 3 })
    .chain((ranks) => fc.tuple(...ranks.map(origin)))
    .map((groups) => groups.flat())
    .chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        runs: fc.array(fc.array(fc.nat({ max: rows.length - 1 }), { maxLength: rows.length }), {
          minLength: runs,
          maxLength: runs,
        }),
      }),
    );
