import { DAY, HOUR, type Scenario, type Spec } from "./advance.world.ts";

export const rawKey = (name: string, date = "2025-01-10"): string => `raw/d/ingest_date=${date}/${name}.parquet`;

/** An object `name` with a row of its own per unit; version 2 has version 1's rows and more. */
export const object = (name: string, kind: Spec["kind"] = "good", units = ["x"], more: Partial<Spec> = {}): Spec => ({
  key: rawKey(name),
  etag: "1",
  rows: Object.fromEntries(units.map((unit) => [unit, [`${name}.${unit}`]])),
  kind,
  ...more,
});

const rewritten: Spec = { key: rawKey("a"), etag: "2", rows: { x: ["a.x", "a.x2"], y: ["a.y"] }, kind: "good" };

const scenario = (name: string, specs: Spec[], more: Partial<Scenario> = {}): Scenario => ({
  name,
  specs,
  ticks: [],
  kills: 0,
  stalls: 0,
  ...more,
});

/** Small worlds, each searched whole. */
export const scenarios = {
  stall: scenario("two objects of a unit beside a caller that stalls", [object("a"), object("b")], {
    stalls: 1,
    first: 1,
  }),
  units: scenario("objects of two units beside a caller that stalls", [object("a"), object("b", "good", ["y"])], {
    stalls: 1,
    first: 1,
  }),
  tables: scenario("two tables beside a caller that stalls", [object("a")], { stalls: 1, tables: ["t", "m"] }),
  kill: scenario("a job that is killed beside a caller that stalls", [object("a")], { stalls: 1, kills: 1 }),
  kills: scenario("two objects and three kills", [object("a"), object("b")], { kills: 3 }),
  rewritten: scenario("an object that is written again", [object("a"), rewritten, object("b", "good", ["y"])]),
  rewrittenFirst: scenario("an object that is written again after its unit was made", [
    object("b", "good", ["y"]),
    object("a"),
    rewritten,
  ]),
  closing: scenario("an ingest date that closes", [object("a"), object("b"), object("c")], { ticks: [4 * DAY] }),
  closingKill: scenario(
    "an ingest date that closes, and a job that is killed",
    [object("a"), object("b"), object("c")],
    {
      ticks: [4 * DAY],
      kills: 1,
    },
  ),
  closingStall: scenario("an ingest date that closes beside a caller that stalls", [object("a"), object("b")], {
    stalls: 1,
    ticks: [4 * DAY],
    first: 1,
    swift: true,
    stops: ["clock", "raw", "commit"],
  }),
  silent: scenario(
    "an object that lands late, and its bell is lost",
    [object("a"), object("b", "good", ["x"], { silent: true })],
    {
      ticks: [4 * DAY],
    },
  ),
  clock: scenario("a clock that is fast for a while, or slow after it", [object("a"), object("b")], {
    ticks: [5 * DAY, -5 * DAY],
    clocksErr: true,
    kills: 1,
    swift: true,
  }),
  clockStall: scenario(
    "a clock that was fast when a caller read it and stalled, and a run that was opened before",
    [object("a"), object("b"), object("c")],
    {
      prelude: ["land", "round", "land", 5 * DAY, "stall", -5 * DAY],
      ticks: [],
      clocksErr: true,
      swift: true,
      stops: ["raw"],
    },
  ),
  clockSilent: scenario(
    "a clock that is fast for a while, and a bell that is lost",
    [object("a"), object("b", "good", ["x"], { silent: true })],
    { ticks: [5 * DAY, -5 * DAY], clocksErr: true, kills: 1, swift: true },
  ),
  poison: scenario(
    "poison, a bad session and good ones",
    [object("a", "bad"), object("b", "poison"), object("c"), object("d")],
    {
      swift: true,
    },
  ),
  held: scenario("a bad session beside good ones of its unit", [object("a", "bad"), object("b"), object("c")]),
  accepted: scenario("a bad session that a person accepts", [object("a", "bad"), object("b")], { accepted: true }),
  junk: scenario("junk among good ones", [object("a", "junk"), object("b"), object("c", "junk")], { ticks: [4 * DAY] }),
  outage: scenario("an outage of the job", [object("a"), object("b")], { outage: 8, ticks: [HOUR], swift: true }),
} satisfies Record<string, Scenario>;
