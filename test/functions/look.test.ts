import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { logTo } from "../../functions/log.ts";
import { look } from "../../functions/look.ts";
import { sessionsUpTo } from "../../packages/core/backfill.ts";
import type { Dataset, Publication } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { bad } from "../origin/bad.ts";
import { honest, status } from "../origin/behaviours.ts";
import { type Origins, openOrigins } from "./origins.fixture.ts";

const publication = bovespa.raw!.publication!;
/** The last twenty of Tuesday 2023-05-30: the origin has all but the day's own. */
const TODAY = "2023-05-30";
const [yesterday, ...older] = sessionsUpTo(TODAY, 20).slice(0, -1).reverse() as [string, ...string[]];
const fileOf = (session: string) => publication.downloads([session], [])[0]!.name;

let river: Origins;
const lines: Record<string, unknown>[] = [];
beforeAll(async () => {
  logTo((line) => void lines.push(JSON.parse(line)));
  river = await openOrigins([...older, yesterday]);
});
afterAll(async () => {
  logTo((line) => process.stdout.write(`${line}\n`));
  await river?.close();
});
beforeEach(() => {
  river.asked();
  lines.length = 0;
});

/** The next look at such a time of São Paulo, and what it asked for. */
const lookAt = async (time: string, { last = false, day = TODAY, of = bovespa as Dataset } = {}) => {
  const now = Date.parse(`${day}T${time}:00-03:00`);
  const sent = river.sent();
  const looked = await look(river.aws, of, { last, now, until: Date.now() + 60_000, web: river.web });
  const outcomes = looked.outcomes.filter(({ is }) => is !== "unchanged").map(({ name, is }) => `${name} ${is}`);
  return { session: looked.session, outcomes, asked: river.asked(), sent: river.sent() - sent };
};

describe("a clock's look", () => {
  test("on a day without a session asks nobody", async () => {
    const { asked, session } = await lookAt("20:45", { day: "2023-05-28", last: true });
    expect([asked, session]).toEqual([[], null]);
  });

  test("catches up with the sessions of the last twenty that no look has seen, each in a file of its own", async () => {
    const { outcomes, asked } = await lookAt("20:45");
    const files = [yesterday, ...older].map(fileOf);
    expect(outcomes).toEqual([`${fileOf(TODAY)} absent`, ...files.map((name) => `${name} sent`)]);
    expect(asked).toEqual([`${fileOf(TODAY)} 404`, ...files.map((name) => `${name} 200`)]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: "INFO", message: "the session's file is not there yet" }),
    );
  });

  test("asks again for what is not there yet, and on condition for the session before, which may be rewritten", async () => {
    expect(await lookAt("20:46")).toMatchObject({
      asked: [`${fileOf(TODAY)} 404`, `${fileOf(yesterday)} 304`],
      sent: 0,
    });
  });

  test.each(["notFound", "empty", "page"] as const)(
    "takes an answer of the kind %s for a file that is not there yet, and for a failure at the last look of a day",
    async (kind) => {
      river.origin.answer(fileOf(TODAY), bad[kind].behaviour);
      expect(await lookAt("21:45")).toMatchObject({ outcomes: [`${fileOf(TODAY)} absent`], sent: 0 });
      await expect(lookAt("23:45", { last: true })).rejects.toMatchObject({
        code: "not_published",
        message: expect.stringContaining(`pregao ingest bovespa --session ${TODAY}`),
      });
    },
  );

  test("fails when the origin does, once everything else was looked for", async () => {
    river.origin.answer(fileOf(TODAY), status(520));
    river.origin.publish(yesterday);
    await expect(lookAt("21:45")).rejects.toMatchObject({ code: "origin_status" });
    expect(lines).toMatchObject([
      { message: "a download failed", metadata: { download: fileOf(TODAY), code: "origin_status" } },
      { message: "origin sent", metadata: { download: fileOf(yesterday), sessions: 1 } },
    ]);
    river.origin.answer(fileOf(TODAY), honest);
  });

  test("sends a late file once, and again when it was rewritten", async () => {
    river.origin.publish(TODAY);
    expect(await lookAt("22:45")).toMatchObject({ outcomes: [`${fileOf(TODAY)} sent`] });
    expect(await lookAt("22:46")).toMatchObject({
      asked: [`${fileOf(TODAY)} 304`, `${fileOf(yesterday)} 304`],
      sent: 0,
    });
    river.origin.publish(TODAY);
    expect(await lookAt("22:47")).toMatchObject({ outcomes: [`${fileOf(TODAY)} sent`] });
  });

  test("asks at the day's last for each of the twenty, on condition, and finds what was rewritten days ago", async () => {
    river.origin.publish(older[5]!);
    const { outcomes, asked } = await lookAt("23:45", { last: true });
    expect(outcomes).toEqual([`${fileOf(older[5]!)} sent`]);
    expect(asked).toHaveLength(20);
    expect(asked.filter((one) => one.endsWith(" 304"))).toHaveLength(19);
  });

  test("does not miss at a day's last what was seen once, and is gone", async () => {
    river.origin.answer(fileOf(TODAY), status(404));
    expect(await lookAt("23:46", { last: true })).toMatchObject({ outcomes: [`${fileOf(TODAY)} absent`], sent: 0 });
    river.origin.answer(fileOf(TODAY), honest);
  });

  test("of the evening after brings what came after the last look, and looks no further back than twenty", async () => {
    const { asked, outcomes } = await lookAt("20:45", { day: "2023-05-31" });
    expect(outcomes).toEqual(["D31052023 absent"]);
    expect(asked).toEqual(["D31052023 404", `${fileOf(TODAY)} 304`]);
  });

  test("leaves alone what a month's file brought: it has no note to ask on condition of", async () => {
    const { downloads } = publication;
    const june = sessionsUpTo("2023-06-30", 20);
    for (const session of june.slice(0, -1)) river.origin.publish(session);
    const { backfill } = await import("../../functions/backfill.ts");
    await backfill(river.aws, bovespa, downloads(june.slice(0, -1), []), { web: river.web });
    river.asked();
    const { asked } = await lookAt("23:45", { day: "2023-06-30", last: true }).catch((error: Error) => {
      expect(error).toMatchObject({ code: "not_published" });
      return { asked: river.asked() };
    });
    expect(asked).toEqual(["D30062023 404"]);
  });
});

test("a clock's look sends nothing again that a year's file brought", async () => {
  const { backfill } = await import("../../functions/backfill.ts");
  const sessions = sessionsUpTo("2022-03-30", 20);
  for (const session of sessions) river.origin.publish(session);
  const [year] = publication.downloads([sessions[0]!.replace("-03-", "-01-"), ...sessions], []);
  expect(year!.name).toBe("A2022");
  await backfill(river.aws, bovespa, [{ ...year!, sessions }], { web: river.web });
  river.origin.publish("2022-03-31");
  river.asked();
  for (const last of [false, true])
    expect((await lookAt("23:45", { day: "2022-03-31", last })).asked).toEqual([`D31032022 ${last ? 304 : 200}`]);
});

describe("a look for the one that is current", () => {
  const portfolio: Publication = {
    ...publication,
    history: 0,
    parts: { all: ["D15062023"], usual: ["D15062023"] },
    downloads: (_, parts) => parts.map((name) => ({ name, sessions: [], otherwise: [] })),
  };
  const of = { ...bovespa, raw: { ...bovespa.raw!, publication: portfolio } };

  test("sends it if it is another than before, and is content with the day's", async () => {
    const day = "2023-06-15";
    expect(await lookAt("20:45", { day, last: true, of })).toMatchObject({ outcomes: ["D15062023 sent"] });
    expect(await lookAt("20:46", { day, last: true, of })).toMatchObject({ asked: ["D15062023 304"], sent: 0 });
  });

  test("is for today's while today's session lasts: by the evening the origin may have the next one, and none before it", async () => {
    expect(await lookAt("10:15", { day: "2023-06-18", of })).toMatchObject({ session: null, asked: [] });
    expect(await lookAt("10:15", { day: "2023-06-19", of })).toMatchObject({ session: "2023-06-19" });
    await expect(lookAt("18:15", { day: "2023-06-19", last: true, of })).rejects.toMatchObject({
      code: "not_published",
    });
  });

  test("takes that of an earlier day for one that is not there yet, and for a failure at the last look of a day", async () => {
    expect(await lookAt("20:45", { day: "2023-06-16", of })).toMatchObject({ session: "2023-06-16", sent: 0 });
    await expect(lookAt("23:45", { day: "2023-06-16", last: true, of })).rejects.toMatchObject({
      code: "not_published",
    });
  });
});

test("a dataset that nobody publishes is looked for by no clock", async () => {
  const { publication: _, ...raw } = bovespa.raw!;
  await expect(lookAt("20:45", { of: { ...bovespa, raw } })).rejects.toMatchObject({ code: "no_schedule" });
});
