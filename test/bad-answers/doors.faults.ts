import type { Context } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handler } from "../../functions/scrape.ts";
import { environment } from "../../packages/core/stage.ts";
import { document, pregao, stackTrace } from "../cli/command.ts";
import { type Bad, bad } from "../origin/bad.ts";
import { COTAHIST, type Recorded, recorded } from "../origin/server.ts";
import { ask, testPlace } from "../place.ts";
import { fileOf, GOOD, sessions } from "./river.ts";

/** The function and the command as they are, with B3's manners: what is refused or absent at once. */
let place: Awaited<ReturnType<typeof testPlace>>;
let origin: Recorded;
beforeAll(async () => {
  place = await testPlace();
  origin = await recorded({ sessions: [GOOD, ...sessions.slice(0, 20)], rows: 30 });
  Object.assign(process.env, environment(place.stage), {
    AWS_ENDPOINT_URL: place.aws.endpoint,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    PREGAO_MIRROR: origin.mirror,
  });
});
afterAll(async () => {
  delete process.env.PREGAO_MIRROR;
  await origin?.close();
  await place?.remove();
});

const atOnce = Object.entries<Bad>(bad).filter(
  ([name, { of, ends }]) => /any|zip/.test(of) && ends !== "retried" && !/huge$|bomb|redirectFar/.test(name),
);
const context = { getRemainingTimeInMillis: () => 60_000 } as Context;

describe("the function that scrapes an address", () => {
  test.each(atOnce)("%s fails, so that the call is one for the dead letters", async (name, { behaviour }) => {
    const file = fileOf(sessions[atOnce.findIndex(([one]) => one === name)]!);
    origin.answer(file, behaviour);
    const scraped = handler({ dataset: "bovespa", url: `${COTAHIST}${file}.ZIP` }, context);
    await expect(scraped).rejects.toMatchObject({ name: "PregaoError" });
  });

  test("nothing of all that arrived; the true file does", async () => {
    await place.stack!.idle();
    expect(await ask(place, "SELECT count(*) AS n FROM bovespa_raw")).toEqual([{ n: "0" }]);
    const scraped = handler({ dataset: "bovespa", url: `${COTAHIST}${fileOf(GOOD)}.ZIP` }, context);
    expect(await scraped).toMatchObject({ rows: 30, accepted: { rows: 30 } });
  });
});

describe("the command", () => {
  const session = sessions[20]!;
  test.each(["page", "forbidden", "fewerLines"] as const)(
    "%s: exit status 1, one document, and a screen that names the day and what to do",
    async (name) => {
      origin.publish(session);
      // Else the month's file, or the year's, has the day.
      for (const larger of ["COTAHIST_M", "COTAHIST_A"]) origin.answer(larger, bad.notFound.behaviour);
      origin.answer(fileOf(session), bad[name].behaviour);
      const args = ["ingest", "bovespa", "--session", session, "--mirror", origin.mirror, "--state", place.dir];
      const said = await pregao([...args, "--json"]);
      expect([said.status, document(said)]).toMatchObject([1, { whole: false }]);
      const screen = await pregao(args);
      expect([screen.status, screen.out]).toEqual([1, expect.stringContaining(session)]);
      expect(screen.out).toMatch(/\n\nNext: pregao .*ingest bovespa --(session|year) \S+ --mirror http/);
      expect(screen.out + screen.err + said.err).not.toMatch(stackTrace);
    },
  );
});
