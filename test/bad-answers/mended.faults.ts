import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bad, bad, honest, inString, status } from "../origin/bad.ts";
import { badPages } from "../origin/bad-files.ts";
import { linesOfSession } from "../origin/sessions.ts";
import { ask } from "../place.ts";
import { fileOf, openBad, sessions } from "./river.ts";
import { isReported } from "./suite.ts";

let river: Awaited<ReturnType<typeof openBad>>;
beforeAll(async () => {
  river = await openBad(40, { pageRows: 40 });
});
afterAll(() => river?.close());

const next = sessions[Symbol.iterator]();
const aSession = (): string => next.next().value!;
const rowsOf = async (table: string, where: string): Promise<number> => {
  await river.place.stack!.idle();
  return Number((await ask(river.place, `SELECT count(*) AS n FROM ${table} WHERE ${where}`))[0]!.n);
};

describe("what another attempt mends", () => {
  const passing = Object.entries<Bad>(bad).filter(([, { of, ends }]) => ends === "retried" && of === "any");
  test.each(passing)("%s once, then the file: no more is said of it", async (_, { behaviour }) => {
    const session = aSession();
    river.origin.answer(fileOf(session), behaviour, honest);
    const { exit, ingested } = await river.command(["bovespa"], { session });
    expect([exit, ingested[0]!.downloads]).toMatchObject([0, [{ is: "sent", scraped: { rows: 30 } }]]);
    river.origin.answer("GetPortfolioDay IBOV", behaviour, honest);
    expect((await river.command(["carteira"], { only: "IBOV" })).exit).toBe(0);
  });
});

describe("what has another form", () => {
  test("JSON in a JSON string is B3's habit, and read as JSON", async () => {
    river.origin.answer("GetPortfolioDay IBXX", inString);
    expect((await river.command(["carteira"], { only: "IBXX" })).exit).toBe(0);
    expect(await rowsOf("carteira_raw", "indice = 'IBXX'")).toBe(40);
  });

  test("a portfolio that is not there as JSON comes as CSV, with the same papers", async () => {
    river.origin.answer("GetPortfolioDay SMLL", status(404));
    expect((await river.command(["carteira"], { only: "SMLL" })).exit).toBe(0);
    expect(await rowsOf("carteira_raw", "indice = 'SMLL'")).toBe(12);
    river.origin.answer("GetPortfolioDay SMLL", honest);
    expect((await river.command(["carteira"], { only: "SMLL", wait: true })).exit).toBe(0);
    expect(await rowsOf("carteira_refined", "indice = 'SMLL'")).toBe(12);
  });
});

describe("a portfolio whose second page is", () => {
  test.each(Object.entries(badPages))("%s: rejected whole", async (_, { behaviour }) => {
    river.origin.answer("IBOV pt-br 2/", behaviour);
    river.origin.answer("GetDownloadPortfolioDay IBOV", status(404));
    isReported(await river.command(["carteira"], { only: "IBOV", again: true }));
    river.origin.answer("IBOV pt-br 2/", honest);
  });
});

describe("files that hold each other's sessions", () => {
  test("a daily file of another session is sent as what it is, and the session it should have is said to be missing", async () => {
    const [session, other] = [aSession(), "2023-11-01"];
    river.origin.publish(session, linesOfSession(other, 30));
    for (const larger of ["COTAHIST_M", "COTAHIST_A"]) river.origin.answer(larger, status(404));
    const said = await river.command(["bovespa"], { session });
    for (const larger of ["COTAHIST_M", "COTAHIST_A"]) river.origin.answer(larger, honest);
    isReported(said);
    expect(said.screen).toContain(session);
    expect(await rowsOf("bovespa_raw", `datpre = DATE '${session}'`)).toBe(0);
    expect(await rowsOf("bovespa_raw", `datpre = DATE '${other}'`)).toBe(30);
  });

  test("a month's file that is not there is had by its days; one that is no file is reported, and its days are left alone", async () => {
    const { origin } = river;
    const days = ["2022-05-02", "2022-05-03"];
    const other = ["2022-06-01", "2022-06-02"];
    for (const day of [...days, ...other]) origin.publish(day);
    origin.answer("M052022", status(404));
    const [from, to] = days as [string, string];
    const had = await river.command(["bovespa"], { from, to });
    expect([had.exit, had.ingested[0]!.downloads.map(({ name, is }) => [name, is])]).toEqual([
      0,
      days.map((day) => [fileOf(day), "sent"]),
    ]);
    origin.answer("M062022", bad.fewerLines.behaviour);
    const said = await river.command(["bovespa"], { from: other[0]!, to: other[1]! });
    isReported(said);
    expect(said.ingested[0]!.downloads).toMatchObject([
      { name: "M062022", is: "failed", error: { code: "origin_total" } },
    ]);
    expect(await rowsOf("bovespa_raw", "datpre >= DATE '2022-06-01' AND datpre < DATE '2022-07-01'")).toBe(0);
    origin.answer("M062022", honest);
    expect((await river.command(["bovespa"], { from: other[0]!, to: other[1]! })).exit).toBe(0);
  });
});

describe("an origin that is not there at all", () => {
  test("is asked for a few files, then left alone; exit status 1", async () => {
    const { origin } = river;
    const before = origin.asked.length;
    const days = ["2021-05-03", "2021-06-01", "2020-07-01", "2019-08-01", "2018-09-03"];
    origin.answer("20", bad.hungUp.behaviour);
    const said = await river.command(["bovespa"], { from: days.at(-1)!, to: days[0]! });
    isReported(said);
    const ends = said.ingested[0]!.downloads.map(({ error }) => error!.code);
    expect(ends.slice(0, 4)).toEqual(["origin_unreachable", "origin_unreachable", "origin_unreachable", "not_asked"]);
    expect(origin.asked.length - before).toBe(6);
    origin.answer("20", honest);
  });

  test.each(["page", "empty", "notFound"] as const)(
    "says %s of everything: left alone before it was asked for thousands",
    async (name) => {
      const { origin } = river;
      const before = origin.asked.length;
      origin.answer("19", bad[name].behaviour);
      const said = await river.command(["bovespa"], { from: "1995-01-02", to: "1999-12-31" });
      isReported(said);
      expect(said.screen).toContain("it may have moved them");
      expect(origin.asked.length - before).toBe(20);
      origin.answer("19", honest);
    },
  );
});
