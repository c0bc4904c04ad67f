import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GapsOptions } from "../../packages/cli/gaps.ts";
import { check } from "../../packages/cli/gaps.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { type Looked, looked, sendFile } from "./gaps.fixture.ts";
import { openRiver, record, type TestRiver } from "./stack.ts";

/** A Friday's morning: Thursday's session is due. */
const NOW = Date.parse("2024-11-29T12:00:00-03:00");
/** 15 November, a Friday, and 20 November were holidays. Of the 14th and of the 25th nothing came. */
const there = "06 07 08 11 12 13 18 19 21 22 26 27 28".split(" ").map((day) => `2024-11-${day}`);
const HALF = "2024-11-12";
const RARE = ["2024-11-07", "2024-11-19"];
const QUIET = "2024-11-21";

/** Two papers of the same weight, as an index's whole portfolio, which has a reductor of its own. */
const portfolio = (session: string, indice: string, tickers: readonly string[]) =>
  tickers.map((ticker) => ({
    ...carteira.raw!.sample(ticker, session, 0),
    ...{ indice, qtde_teorica: "100", part: "50.000", qtde_total: "200" },
    redutor: `${["IBOV", "IDIV", "SMLL"].indexOf(indice) + 1}.00000000`,
  }));

let river: TestRiver;
let all: Looked;
const askFor = (options: GapsOptions, datasets = [bovespa]) => looked(river, datasets, options, NOW);

beforeAll(async () => {
  river = await openRiver();
  for (const session of there) {
    const tickers = ["TODO3", "QUIE3", "RARO3"].filter(
      (ticker) => (ticker !== "RARO3" || RARE.includes(session)) && (ticker !== "QUIE3" || session !== QUIET),
    );
    const records = tickers.map((ticker) => record(ticker, session, 0));
    await sendFile(river, bovespa, session, records, session === HALF ? tickers.length + 1 : tickers.length);
  }
  // No file's: what a person tries.
  await sendFile(river, bovespa, "test", [record("TODO3", "2024-11-14", 0)], null);
  // IBOV loses a paper for a day, and a session; SMLL is a person's own, of two days.
  for (const session of there.slice(-6).filter((day) => day !== "2024-11-22")) {
    const tickers = session === "2024-11-27" ? ["QUIE3", "OUTR3"] : ["TODO3", "QUIE3"];
    await sendFile(river, carteira, `IBOV ${session}`, portfolio(session, "IBOV", tickers), 2);
  }
  for (const session of ["2024-11-18", "2024-11-19", "2024-11-23"])
    await sendFile(river, carteira, `SMLL ${session}`, portfolio(session, "SMLL", ["TODO3", "RARO3"]), 2);
  // Of IDIV half a portfolio, and on another day what a person tries.
  await sendFile(river, carteira, "IDIV", portfolio("2024-11-27", "IDIV", ["TODO3"]), 2);
  await sendFile(river, carteira, "test", portfolio("2024-11-26", "IDIV", ["TODO3"]), null);
  await river.make(calendario.name);
  await river.idle();
  all = await looked(river, river.place.datasets, {}, NOW);
}, 60_000);
afterAll(() => river?.close());

test("a missing session passes for a holiday, half a file for a session, or a test message for either", () => {
  const [found] = all.datasets.filter((d) => d.dataset === bovespa.name);
  expect(found).toMatchObject({ whole: false, completeness: 80, ticker: null });
  expect(found!.series).toEqual([
    {
      ...{ series: null, from: "2024-11-06", to: "2024-11-28", there: 13, unknown: 0, expected: 15 },
      ...{ first: "2024-11-06", newest: "2024-11-28" },
      ...{ missing: ["2024-11-14", "2024-11-25"], incomplete: [HALF], unexpected: [], completeness: 80 },
      ...{ absent: null, after: null },
    },
  ]);
  expect([all.whole, all.exit]).toEqual([false, 1]);
});

test("a paper that is not there is not told of, or one that trades rarely hides it", () => {
  const [found] = all.datasets.filter((d) => d.dataset === bovespa.name);
  expect(found!.papers.map(({ first: _, last: __, ...p }) => p)).toEqual([
    { series: null, ticker: "TODO3", sessions: 13, expected: 15, absent: 0, missing: 2, completeness: 86.67 },
    { series: null, ticker: "QUIE3", sessions: 12, expected: 15, absent: 1, missing: 2, completeness: 80 },
    { series: null, ticker: "RARO3", sessions: 2, expected: 8, absent: 5, missing: 1, completeness: 25 },
  ]);
  expect(all.screen).toMatch(/2 tickers not in every session .*:\n.*\n.*\n {4}QUIE3 .*\n {4}RARO3 /);
});

test("what is computed from the calendar is looked at for gaps in it", () => {
  expect(all.datasets.map((d) => d.dataset)).toEqual([bovespa.name, carteira.name]);
  expect(() => check([calendario], {})).toThrow("expected a dataset with sessions, came calendario");
});

test("the screen does not say what to do", async () => {
  expect(all.screen).toContain("2024-11-06 to 2024-11-28: 12 sessions of 15 complete, 80.00 %");
  expect(all.screen).toContain("    2 sessions missing:\n      2024-11-14\n      2024-11-25\n");
  expect(all.screen).toMatch(/\nNext: pregao ingest bovespa --from 2024-11-14 --to 2024-11-25 --wait\n$/);
  const half = await askFor({ from: "2024-11-06", to: "2024-11-13" });
  expect([half.exit, half.screen]).toEqual([
    1,
    expect.stringMatching(/Next: pregao verify bovespa --session 2024-11-12\n$/),
  ]);
  const whole = await askFor({ from: "2024-11-15", to: "2024-11-22" });
  expect(whole).toMatchObject({ exit: 0, whole: true, datasets: [{ completeness: 100 }] });
  expect(whole.screen).toMatch(/Next: pregao status\n$/);
});

test("days that a person asks about and that are not there are no gap; those to come are one", async () => {
  const before = await askFor({ from: "2024-11-01", to: "2024-11-06" });
  expect(before.datasets[0]!.series[0]!.missing).toEqual(["2024-11-01", "2024-11-04", "2024-11-05"]);
  expect(before.screen).toContain("2024-11-01 to 2024-11-05 (3 sessions)");
  const later = await askFor({ from: "2024-11-26", to: "2025-06-30" });
  expect(later).toMatchObject({ exit: 0, datasets: [{ series: [{ to: "2024-11-28", expected: 3 }] }] });
});

test.each<[GapsOptions]>([
  [{ from: "2024-11-29" }],
  [{ to: "2024-11-05" }],
  [{ from: "2024-11-15", to: "2024-11-17" }],
  [{ from: "2025-06-02", to: "2025-06-30" }],
])("days in which nothing is due are whole: %j", async (options) => {
  await expect(askFor(options)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringMatching(/bovespa has or should have sessions from 2024-11-06 to 2024-11-28; came --/),
  });
});

test("a series of which nothing is due in these days is told as whole beside one that is", async () => {
  const found = await askFor({ from: "2024-11-06", to: "2024-11-08" }, [bovespa, carteira]);
  expect(found).toMatchObject({ exit: 1 });
  const before = await askFor({ to: "2024-11-08" }, [bovespa, carteira]);
  expect(before).toMatchObject({ exit: 0, datasets: [{ whole: true }, { completeness: null }] });
  expect(before.screen).toContain(
    "  IBOV: nothing to compare in these days: sessions are there or due from 2024-11-19 to",
  );
});

test("a check holds where there was nothing to compare", async () => {
  const found = await askFor({ from: "2024-11-06", to: "2024-11-08" }, [carteira]);
  expect(found.datasets[0]!.checks.map(({ rows, compared }) => [rows, compared])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(found.screen).toMatch(/ {2}nothing to compare: todo papel .*\n {2}nothing to compare: nenhum papel /);
  expect(found.screen).not.toContain("holds");
  const some = await askFor({ from: "2024-11-26", to: "2024-11-26" }, [carteira]);
  expect(some.datasets[0]!.checks).toMatchObject([{ rows: 0, compared: 2 }, { compared: 0 }]);
  expect(some.screen).toMatch(/ {2}holds: todo papel /);
});

describe("one ticker", () => {
  test("what others have and it has not is told as missing, or is not told", async () => {
    const found = await askFor({ ticker: "quie3", from: "2024-11-18" });
    expect(found.datasets[0]!.series).toMatchObject([
      { from: "2024-11-18", to: "2024-11-28", absent: [QUIET], missing: ["2024-11-25"], after: 0 },
    ]);
    expect(found.screen).toContain(`1 session there without it:\n      ${QUIET}\n`);
    // It may not have traded: nothing is wrong with the tables.
    expect((await askFor({ ticker: "QUIE3", from: "2024-11-18", to: "2024-11-22" })).exit).toBe(0);
  });

  test("before its first session and after its last it is missed", async () => {
    const found = await askFor({ ticker: "RARO3" });
    const absent = there.filter((day) => RARE[0]! < day && day < RARE[1]!);
    expect(found.datasets[0]!.series).toMatchObject([{ from: RARE[0], to: RARE[1], absent, after: 5 }]);
    expect(found.screen).toContain("5 sessions after its last");
  });

  test("one that is nowhere is whole", async () => {
    const unknown = askFor({ ticker: "NADA3" }, [bovespa, carteira]);
    await expect(unknown).rejects.toMatchObject({ code: "not_found", message: expect.stringContaining("NADA3") });
    await expect(askFor({ ticker: "'; DROP TABLE x; --" })).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("portfolios", () => {
  const found = () => all.datasets.find((d) => d.dataset === carteira.name)!;
  test("an index that a person took once is expected every day, or one's trouble is taken for another's", () => {
    expect(found().series).toMatchObject([
      { series: "IBOV", from: "2024-11-19", to: "2024-11-28", missing: ["2024-11-22", "2024-11-25"], incomplete: [] },
      { series: "IDIV", from: "2024-11-27", to: "2024-11-27", there: 1, incomplete: ["2024-11-27"] },
      {
        ...{ series: "SMLL", from: "2024-11-18", to: "2024-11-23", there: 3 },
        ...{ missing: ["2024-11-21", "2024-11-22"], unexpected: ["2024-11-23"] },
      },
    ]);
    expect(all.screen).toContain("  IBOV: 2024-11-19 to 2024-11-28: 5 sessions of 7 complete");
  });

  test("what the origin has no more is asked of it", async () => {
    const alone = await askFor({}, [carteira]);
    expect(alone.screen).toMatch(/Next: pregao ingest carteira --file FILE --only IBOV --session 2024-11-25 --wait\n$/);
  });

  test("portfolios and quotes contradict each other, and nobody is told", () => {
    const of = Object.fromEntries(found().checks.map((c) => [c.check, c.findings]));
    const at = (session: string, ticker: string | null, detail: string) => ({
      ...{ session, ticker, detail: expect.stringMatching(detail) },
    });
    expect(of).toEqual({
      membro_sem_cotacao: [
        at("2024-11-27", "OUTR3", "^IBOV: .*sem cotação"),
        at(QUIET, "QUIE3", "^IBOV: .*sem cotação"),
        at("2024-11-18", "RARO3", "^SMLL: "),
      ],
      cotado_fora_da_carteira: [at("2024-11-27", "TODO3", "na carteira de 2024-11-26 e na de 2024-11-28")],
    });
    expect(found().whole).toBe(false);
  });

  test("a paper that did not trade fails a portfolio that is whole", async () => {
    const found = await askFor({ from: "2024-11-19", to: QUIET }, [carteira]);
    expect(found.datasets[0]!.checks.map((c) => [c.check, c.rows]).filter(([, rows]) => rows)).toEqual([
      ["membro_sem_cotacao", 1],
    ]);
    const one = await askFor({ from: "2024-11-19", to: QUIET, ticker: "QUIE3" }, [carteira]);
    expect(one).toMatchObject({ exit: 0, datasets: [{ checks: [{ rows: 1, severity: "warn" }, {}] }] });
    expect(one.screen).toContain("look at: ");
  });
});

test("nothing at all is there, and it is called whole", async () => {
  const empty = await openRiver({ still: true });
  try {
    const found = await looked(empty, [bovespa], {}, NOW);
    expect(found).toMatchObject({ exit: 1, whole: false, datasets: [{ series: [], completeness: null }] });
    expect(found.screen).toMatch(/nothing yet\n\nNext: pregao ingest bovespa\n$/);
  } finally {
    await empty.close();
  }
});

test.each([
  [{ from: "2024-13-01" }, "--from YYYY-MM-DD"],
  [{ to: "yesterday" }, "--to YYYY-MM-DD"],
  [{ from: "2024-11-08", to: "2024-11-07" }, "--from before --to"],
  [{ ticker: "" }, "ticker of 1 to 64"],
  [{ from: "2024-11-30" }, "--from no later than today, 2024-11-29 in São Paulo; came 2024-11-30"],
  [{ to: "1989-12-31" }, "--to from 1990 on, where the calendar begins; came 1989-12-31"],
  [
    { from: "2024-11-16", to: "2024-11-17" },
    "no day of trading from 2024-11-16 to 2024-11-17. The next to it are 2024-11-14 and 2024-11-18",
  ],
])("options that mean nothing are taken: %j", (options, message) => {
  expect(() => check([bovespa], options, NOW)).toThrow(PregaoError);
  expect(() => check([bovespa], options, NOW)).toThrow(message);
});
