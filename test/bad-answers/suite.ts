import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { list } from "../../packages/aws/store.ts";
import { verified } from "../cli/verify.fixture.ts";
import { type Bad, bad } from "../origin/bad.ts";
import { honest, status } from "../origin/behaviours.ts";
import { ask } from "../place.ts";
import { ATTEMPTS, type Ended, fileOf, GOOD, openBad, PORTFOLIO_DAY, sessions } from "./river.ts";

/** How often it is asked for: again only if that can help. */
const timesOf = ({ ends }: Bad, name: string): number =>
  ends === "retried" ? ATTEMPTS : name === "redirectFar" ? 6 : 1;

const LARGER = ["COTAHIST_M", "COTAHIST_A"];

/** It failed, says so with what to do next, and says it as a sentence. */
export const isReported = ({ exit, whole, screen }: Ended): void => {
  expect([exit, whole]).toEqual([1, false]);
  expect(screen).toMatch(/\n\nNext: pregao ingest /);
  expect(screen).not.toMatch(/undefined|\[object|\n +at /);
};
/** A failure of this one call, for which the other is tried. */
const isOwn = (code: string): boolean => code === "origin_status" || code === "not_portfolio";
const came = expect.stringMatching(/^(sent|unchanged)$/);
const reasonOf = ({ ends, code = "" }: Bad) => ({
  code: ends === "absent" ? "absent" : code || expect.stringMatching(/^[a-z_]+$/),
  message: expect.stringMatching(/\S/),
});

/**
 * Each of these bad answers is all that ever comes for one file, to the command and to the clock; beside it something
 * good, which is all that may arrive. Then the true answers come.
 */
export const badAnswers = (which: (name: string) => boolean): void => {
  const cases = Object.entries<Bad>(bad).filter(([name]) => which(name));
  const files = cases.filter(([, { of }]) => of === "any" || of === "zip");
  const portfolios = cases.filter(([, { of }]) => of !== "zip");
  /** Each bad answer of a file has a session of its own. */
  const sessionOf = (name: string): string => sessions[files.findIndex(([other]) => other === name)]!;

  let river: Awaited<ReturnType<typeof openBad>>;
  beforeAll(async () => {
    river = await openBad(1 + files.length);
    // Where a session has no file of its own, nothing else has it.
    for (const larger of LARGER) river.origin.answer(larger, status(404));
  });
  afterAll(() => river?.close());

  const keysOf = async (bucket: "state" | "origin", prefix: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of list(river.place.aws, bucket, prefix)) keys.push(key.slice(prefix.length));
    return keys;
  };
  const askedFor = (what: string): number => river.origin.asked.filter((one) => one.what.includes(what)).length;

  describe("a session's file", () => {
    test.each(files)("%s is no green run, nor harms what was asked for beside it", async (name, one) => {
      const session = sessionOf(name);
      const file = fileOf(session);
      river.origin.answer(file, one.behaviour);
      const said = await river.command(["bovespa", "carteira"], { session, only: "SMLL" });
      expect(askedFor(file)).toBe(timesOf(one, name));
      isReported(said);
      const [quotes, portfolio] = said.ingested;
      const absent = one.ends === "absent";
      expect(quotes!.downloads).toMatchObject([
        {
          name: absent ? `A${session.slice(0, 4)}` : file,
          sessions: [session],
          is: absent ? "absent" : "failed",
          error: reasonOf(one),
        },
      ]);
      const { code, message } = quotes!.downloads[0]!.error!;
      expect(quotes!.missing).toEqual(absent ? [session] : []);
      expect(said.screen).toContain(absent ? session : `${file}: ${message}`);
      expect(portfolio!.downloads).toMatchObject([{ name: "SMLL", is: came }]);
      const looked = river.lastLook("bovespa", session);
      await expect(looked).rejects.toMatchObject({ code: absent ? "not_published" : code });
    });
  });

  describe("a portfolio", () => {
    test.each(portfolios)("%s is no green run, nor harms what was asked for beside it", async (name, one) => {
      const { origin } = river;
      const before = askedFor(" IBOV ");
      origin.answer("GetPortfolioDay IBOV", one.of === "csv" ? status(404) : one.behaviour);
      origin.answer("GetDownloadPortfolioDay IBOV", one.behaviour);
      const said = await river.command(["carteira"], { only: "SMLL,IBOV" });
      isReported(said);
      const absent = one.ends === "absent";
      const csv = absent || one.of === "csv";
      expect(said.ingested[0]!.downloads).toMatchObject([
        { name: "SMLL", is: came },
        { name: csv ? "IBOV-csv" : "IBOV", is: absent ? "absent" : "failed", error: reasonOf(one) },
      ]);
      const { code, message } = said.ingested[0]!.downloads[1]!.error!;
      expect(said.screen).toContain(message);
      const times = timesOf(one, name);
      const asked = askedFor(" IBOV ") - before;
      if (csv) expect(asked).toBe(times + 1);
      else if (isOwn(code) && name !== "forLong" && name !== "tooMany") {
        // The other call is the fallback of this one, and no better here; half of its text is rejected once it came.
        expect(message).toContain("Tried instead, IBOV-csv: ");
        expect(asked).toBe(name === "truncated" ? times + 1 : 2 * times);
      } else expect(asked).toBe(times);
      const looked = river.lastLook("carteira", PORTFOLIO_DAY);
      await expect(looked).rejects.toMatchObject({ code: absent ? "not_published" : code });
    });
  });

  describe("after all of them", () => {
    test("only what was good is in the tables and the notes; what was rejected is archived, and no loss", async () => {
      const { place } = river;
      await place.stack!.idle();
      expect(await ask(place, "SELECT count(*) AS n FROM bovespa_raw")).toEqual([{ n: "0" }]);
      expect(await ask(place, "SELECT count(*) AS n, min(indice) AS indice FROM carteira_raw")).toEqual([
        { n: "12", indice: "SMLL" },
      ]);
      expect(await keysOf("state", "scraped/bovespa/")).toEqual([]);
      expect(await keysOf("state", "scraped/carteira/")).toEqual(["SMLL.json"]);
      const rejected = files.filter(([, { ends }]) => ends === "rejected");
      expect(await keysOf("origin", "bovespa/")).toHaveLength(rejected.length);
      for (const dataset of place.datasets.filter(({ raw }) => raw))
        expect(await verified(place, dataset)).toMatchObject({ whole: true, status: 0 });
    });

    test("the true answers come, by the same commands", async () => {
      const { place, origin } = river;
      for (const all of ["D", ...LARGER, "GetPortfolioDay IBOV"]) origin.answer(all, honest);
      const to = sessions[files.length - 1]!;
      const said = await river.command(["bovespa", "carteira"], { from: GOOD, to, only: "IBOV", wait: true });
      expect([said.exit, said.whole]).toEqual([0, true]);
      const days = "SELECT CAST(data_pregao AS varchar) AS d FROM bovespa_sessoes GROUP BY 1 ORDER BY 1";
      expect(await ask(place, days)).toEqual([GOOD, ...sessions.slice(0, files.length)].map((d) => ({ d })));
      expect(await ask(place, "SELECT indice, count(*) AS n FROM carteira_refined GROUP BY 1 ORDER BY 1")).toEqual([
        { indice: "IBOV", n: "78" },
        { indice: "SMLL", n: "12" },
      ]);
    });
  });
};
