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
  rebuild: scenario("a rebuild asked for twice beside one who stalls, and an arrival", [object("a"), object("b")], {
    prelude: ["land", "rest"],
    orders: [{ rebuild: "x" }],
    stalls: 1,
    swift: true,
    stops: ["raw"],
  }),
  rebuildKill: scenario(
    "a rebuild whose job is killed, and an arrival",
    [object("a", "good", ["x", "y"]), object("b"), object("c")],
    { prelude: ["land", "rest", "land", "rest"], orders: [{ rebuild: "x" }, { rebuild: "y" }], kills: 1 },
  ),
  rebuildAlone: scenario("a rebuild of one object whose job is killed", [object("a")], {
    prelude: ["land", "rest"],
    orders: [{ rebuild: "x" }],
    kills: 2,
  }),
  rebuildClosed: scenario("a rebuild of what lies under a closed date", [object("a"), object("b"), object("c")], {
    prelude: ["land", "rest", 4 * DAY, "land", "rest"],
    orders: [{ rebuild: "x" }],
    ticks: [4 * DAY],
    kills: 1,
  }),
  rebuildRest: scenario(
    "a rebuild among junk, poison and a bad session",
    [
      object("p", "poison"),
      object("a"),
      object("j", "junk"),
      object("b", "bad"),
      object("c"),
      object("d"),
      object("e"),
      object("f"),
    ],
    {
      prelude: [...Array.from({ length: 7 }, () => ["land", "rest"] as const).flat()],
      orders: [{ rebuild: "x" }],
      swift: true,
    },
  ),
  rebuildBlocked: scenario(
    "a rebuild of an object whose newer version is held",
    [object("a"), object("b"), { ...rewritten, kind: "bad" }],
    { prelude: ["land", "rest"], orders: [{ rebuild: "x" }], blocked: true },
  ),
  withdrawn: scenario(
    "a row that is withdrawn, and comes again in what had failed, beside one who stalls",
    [object("a"), object("b", "good", ["x"], { rows: { x: ["a.x", "b.x"] } })],
    {
      prelude: ["land", "rest", "land", "round", "round", "kill", "round"],
      orders: [{ withdraw: "a.x" }, { rebuild: "x" }],
      stalls: 1,
      swift: true,
      stops: ["raw", "orders"],
    },
  ),
  retried: scenario(
    "what is held, tried again once the cause of all but one is mended, beside an arrival and a job that is killed",
    [object("a", "bad"), object("b", "bad", ["y"]), object("c", "bad", ["z"]), object("d", "good", ["w"])],
    {
      prelude: [...Array.from({ length: 3 }, () => ["land", "rest"] as const).flat()],
      orders: [{ mend: rawKey("b") }, { mend: rawKey("c") }, "retry"],
      kills: 1,
      swift: true,
    },
  ),
  deleted: scenario(
    "a bad session that somebody deletes, beside an arrival of its unit and one who stalls",
    [object("a", "bad"), object("b")],
    {
      prelude: ["land", "rest"],
      orders: [{ delete: rawKey("a") }],
      stalls: 1,
      swift: true,
      stops: ["raw"],
    },
  ),
  deletedClosing: scenario(
    "a bad session that somebody deletes, late or in time, while its ingest date closes",
    [object("a", "bad"), object("b"), object("c", "bad", ["y"])],
    {
      prelude: ["land", "rest"],
      orders: [{ delete: rawKey("a") }, { delete: rawKey("c") }],
      ticks: [4 * DAY],
      swift: true,
    },
  ),
  deletedRuns: scenario(
    "a bad session, poison and a good one, two of which somebody deletes at any moment of their runs",
    [object("a", "bad"), object("b", "poison"), object("c"), object("d")],
    {
      prelude: ["land", "land", "land"],
      orders: [{ delete: rawKey("a") }, { delete: rawKey("b") }, "retry"],
      swift: true,
    },
  ),
  damaged: scenario(
    "a published file that cannot be read, an object of its unit, and others of another",
    [object("a"), object("b"), ...["c", "d", "e"].map((name) => object(name, "good", ["y"]))],
    { prelude: ["land", "rest"], orders: [{ damage: "x" }, { rebuild: "x" }], swift: true },
  ),
  pausedRebuild: scenario(
    "a rebuild of what is paused, beside one who stalls, and an arrival",
    [object("a"), object("b")],
    {
      prelude: ["land", "rest"],
      orders: ["pause", { rebuild: "x" }],
      insists: true,
      stalls: 1,
      swift: true,
      stops: ["raw"],
    },
  ),
  paused: scenario("a pause beside one who stalls", [object("a"), object("b")], {
    prelude: ["land", "rest"],
    orders: ["pause", "resume"],
    stalls: 1,
    swift: true,
    stops: ["raw"],
  }),
} satisfies Record<string, Scenario>;

/** Those of them that take seconds each. */
export const slower: readonly Scenario[] = [
  scenarios.closingKill,
  scenarios.clockStall,
  scenarios.rebuild,
  scenarios.deletedRuns,
];

/** Worlds that take a minute in all. What is wrong in them is found sooner. */
export const larger = {
  units: scenario("objects of two units beside a caller that stalls", [object("a"), object("b", "good", ["y"])], {
    stalls: 1,
    first: 1,
  }),
  closingStall: scenario("an ingest date that closes beside a caller that stalls", [object("a"), object("b")], {
    stalls: 1,
    ticks: [4 * DAY],
    first: 1,
    swift: true,
    stops: ["clock", "raw", "commit"],
  }),
  rebuildRewritten: scenario("a rebuild of an object that is written again", [object("a"), rewritten], {
    prelude: ["land", "rest"],
    orders: [{ rebuild: "x" }],
    stalls: 1,
    swift: true,
    stops: ["raw"],
  }),
  rebuild: scenario(
    "a rebuild asked for twice beside one who stalls anywhere, and an arrival of two units",
    [object("a", "good", ["x", "y"]), object("b", "good", ["x", "y"])],
    {
      prelude: ["land", "rest"],
      orders: [{ rebuild: "x" }],
      stalls: 1,
      swift: true,
      stops: ["raw", "commit"],
    },
  ),
  rewritten: scenario("a rebuild of an object that is written again, a stall and a kill", [object("a"), rewritten], {
    prelude: ["land", "rest"],
    orders: [{ rebuild: "x" }],
    kills: 1,
    stalls: 1,
    swift: true,
    stops: ["raw"],
  }),
  withdrawn: scenario(
    "a row that is withdrawn while its run is open, beside one who stalls, and a job that is killed",
    [object("a"), object("b", "good", ["x"], { rows: { x: ["a.x", "b.x"] } })],
    {
      prelude: ["land", "rest"],
      orders: [{ withdraw: "a.x" }, { rebuild: "x" }],
      stalls: 1,
      kills: 1,
      swift: true,
      stops: ["raw", "orders"],
    },
  ),
  paused: scenario(
    "a pause in the middle of all, beside one who stalls, and a job that is killed",
    [object("a"), object("b")],
    {
      prelude: ["land", "rest"],
      orders: ["pause", { withdraw: "a.x" }, { rebuild: "x" }, "resume"],
      stalls: 1,
      kills: 1,
      swift: true,
      stops: ["raw"],
    },
  ),
  closing: scenario("a rebuild while an ingest date closes, beside one who stalls", [object("a"), object("b")], {
    prelude: ["land", "rest"],
    orders: [{ rebuild: "x" }],
    ticks: [4 * DAY],
    stalls: 1,
    swift: true,
    stops: ["clock"],
  }),
  stalls: scenario("two objects beside two calls that stall, one after the other", [object("a"), object("b")], {
    stalls: 2,
    swift: true,
    stops: ["raw", "commit"],
  }),
} satisfies Record<string, Scenario>;
