import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Backfilling, backfill, knownOf, type Outcome } from "../../functions/backfill.ts";
import { scrape } from "../../functions/messages.ts";
import { inMemory, openArchived, originKey } from "../../functions/origin.ts";
import { getJson, head, put } from "../../packages/aws/store.ts";
import { parseNote, sessionsBetween, wanted } from "../../packages/core/backfill.ts";
import type { Dataset, Download, Publication } from "../../packages/core/dataset.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { scrapedKey } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import type { Got, Web } from "../../packages/web/index.ts";
import { bad } from "../origin/bad.ts";
import { altered, honest, status } from "../origin/behaviours.ts";
import type { Truth } from "../origin/server.ts";
import { cotahistText, linesOfSession, zipped } from "../origin/sessions.ts";
import { type Origins, openOrigins } from "./origins.fixture.ts";

const publication = bovespa.raw!.publication!;
const january = ["02", "03", "04", "05", "06", "09", "10", "11", "12", "13", "16", "17"].map((day) => `2023-01-${day}`);
const march = ["2023-03-01", "2023-03-02", "2023-03-03"];

let river: Origins;
beforeAll(async () => {
  river = await openOrigins([...january, ...march]);
});
afterAll(() => river?.close());
beforeEach(() => void river.asked());

const carryOut = (downloads: readonly Download[], more: Partial<Backfilling> = {}, dataset: Dataset = bovespa) =>
  backfill(river.aws, dataset, downloads, { web: river.web, ...more });
const of = (sessions: readonly string[]) => publication.downloads(sessions, []);
const brief = (outcomes: readonly Outcome[]) =>
  outcomes.map(({ name, is, sessions, error }) =>
    [name, is, sessions.length, error?.code].filter((x) => x !== undefined).join(" "),
  );
const noteOf = async (name: string) => parseNote(await getJson(river.aws, "state", scrapedKey("bovespa", name)));

describe("a month", () => {
  test("is one file, archived, sent, and noted once all of it was accepted", async () => {
    const outcomes = await carryOut(of(january));
    expect(brief(outcomes)).toEqual(["M012023 sent 12"]);
    expect(river.asked()).toEqual(["M012023 200"]);
    const { scraped } = outcomes[0]!;
    expect(scraped).toMatchObject({ rows: 60, accepted: { rows: 60 }, fresh: true });
    expect(await river.keys("origin", "bovespa/")).toEqual([`bovespa/${scraped!.origin.sha256}`]);
    expect(await noteOf("M012023")).toMatchObject({
      url: expect.stringMatching(/^https:.*COTAHIST_M012023\.ZIP$/),
      etag: expect.any(String),
      sha256: scraped!.origin.sha256,
      rows: 60,
      sessions: Object.fromEntries(january.map((session) => [session, 5])),
    });
    expect(scraped!.source).toMatch(/^https:.*COTAHIST_M012023\.ZIP$/);
    expect(scraped!.origin.version).toMatch(/2023-01-17T23:31:00\.000Z$/);
  });

  test("that came is not missing any more, nor is it asked for", async () => {
    const known = await knownOf(river.aws, bovespa, january);
    expect(wanted(publication, january, { ...known, parts: [], now: Date.now() })).toEqual([]);
  });

  test("that is asked for all the same is not sent again while the origin has the same bytes", async () => {
    const before = river.sent();
    expect(brief(await carryOut(of(january)))).toEqual(["M012023 unchanged 12"]);
    expect(river.asked()).toEqual(["M012023 304"]);
    river.origin.answer("M012023", ({ truth, res }) => void res.writeHead(200, { etag: '"other"' }).end(truth.bytes));
    expect(brief(await carryOut(of(january)))).toEqual(["M012023 unchanged 12"]);
    expect(await noteOf("M012023")).toMatchObject({ etag: '"other"' });
    expect((await noteOf("M012023"))!.modified).toBeUndefined();
    river.origin.answer("M012023", honest);
    expect(river.sent()).toBe(before);
  });

  test("is asked for anew if its note is damaged, which makes it again", async () => {
    await put(river.aws, "state", scrapedKey("bovespa", "M012023"), '{"url": "https:');
    expect(brief(await carryOut(of(january)))).toEqual(["M012023 sent 12"]);
    expect(await noteOf("M012023")).toMatchObject({ rows: 60 });
    river.asked();
  });

  test("is sent again if a person says so, without a condition", async () => {
    const [outcome] = await carryOut(of(january), { again: true });
    expect(outcome).toMatchObject({ is: "sent", scraped: { fresh: false, accepted: { rows: 60 } } });
    expect(river.asked()).toEqual(["M012023 200"]);
  });

  test("that was rewritten is sent again", async () => {
    river.origin.publish(january.at(-1)!);
    const [outcome] = await carryOut(of(january));
    expect(outcome).toMatchObject({ is: "sent", scraped: { fresh: true } });
    expect((await noteOf("M012023"))!.sha256).toBe(outcome!.scraped!.origin.sha256);
  });
});

describe("a session's file that is rewritten", () => {
  const [name, session] = ["D01062023", "2023-06-01"];
  let first: Truth;
  const sentAs = async () => (await carryOut(of([session])))[0]!;
  beforeAll(async () => {
    river.origin.publish(session);
    river.origin.answer(name, (told) => {
      first = told.truth;
      honest(told);
    });
    await sentAs();
    river.origin.answer(name, honest);
  });

  test("and taken back is no green run: what was archived first ranks below what replaced it", async () => {
    river.origin.publish(session);
    const second = (await sentAs()).scraped!.origin;
    const sent = river.sent();
    river.origin.answer(
      name,
      altered(() => first),
    );
    const note = await noteOf(name);
    for (const again of [false, true]) {
      const [outcome] = await carryOut(of([session]), { again });
      expect(outcome).toMatchObject({ is: "failed", sessions: [session], error: { code: "superseded" } });
      const { message } = outcome!.error!;
      expect(message).toContain(`pregao ingest bovespa --file FILE --version ${second.version}.1`);
    }
    expect([river.sent(), await noteOf(name)]).toEqual([sent, note]);
    // What it says to do: the same text, as other bytes, with a version that is the highest.
    const text = inMemory(Buffer.from(cotahistText(linesOfSession(session, 5), session), "latin1"));
    const version = `${second.version}.1`;
    const file = await scrape(river.aws, bovespa, { source: "COTAHIST_D01062023.TXT", bytes: text, version });
    expect([file.origin.version > second.version, file.accepted.rows]).toEqual([true, 5]);
    river.origin.answer(name, honest);
  });

  test("and is the same again puts right what is damaged in the archive", async () => {
    river.origin.publish(session);
    const { sha256 } = (await sentAs()).scraped!.origin;
    const key = originKey("bovespa", sha256);
    const { metadata } = (await head(river.aws, "origin", key))!;
    await put(river.aws, "origin", key, Buffer.from("damaged"), metadata);
    await expect(openArchived(river.aws, bovespa, sha256)).rejects.toThrow(/--again/);
    river.origin.answer(name, ({ truth, res }) => void res.writeHead(200, { etag: '"z"' }).end(truth.bytes));
    expect((await sentAs()).is).toBe("unchanged");
    await openArchived(river.aws, bovespa, sha256);
    river.origin.answer(name, honest);
  });
});

describe("what a file has not", () => {
  test("is asked for otherwise, down to sessions of their own; what is nowhere is absent, once", async () => {
    river.origin.answer("A2023", status(404));
    river.origin.answer("M032023", status(404));
    const progress: string[] = [];
    const outcomes = await carryOut(of([january[0]!, ...march, "2023-03-06"]), {
      progress: {
        asks: ({ name }, left) => progress.push(`${name} ${left}`),
        ended: ({ name, is }) => progress.push(`${name} ${is}`),
      },
    });
    expect(brief(outcomes)).toEqual([
      "D02012023 sent 1",
      "D01032023 sent 1",
      "D02032023 sent 1",
      "D03032023 sent 1",
      "D06032023 absent 1 absent",
    ]);
    expect(progress).toEqual([
      ...["A2023 0", "D02012023 1", "D02012023 sent", "M032023 0", "D01032023 3", "D01032023 sent"],
      ...["D02032023 2", "D02032023 sent", "D03032023 1", "D03032023 sent", "D06032023 0", "D06032023 absent"],
    ]);
  });

  test("is asked for before what else was planned", async () => {
    river.origin.answer("M032023", status(404));
    const [month] = of(march);
    const outcomes = await carryOut([month!, ...of([january[1]!])]);
    expect(outcomes.map(({ name }) => name)).toEqual(["D01032023", "D02032023", "D03032023", "D03012023"]);
  });

  test("because it is of the evening before, is asked for as a file of its own: a year is no answer for today", async () => {
    river.origin.answer("M032023", honest);
    river.origin.answer("A2023", honest);
    const sessions = [january[0]!, ...march, "2023-03-06"];
    expect(brief(await carryOut(of(sessions)))).toEqual(["A2023 sent 4", "D06032023 absent 1 absent"]);
    river.origin.answer("D06032023", ({ res, truth, req }) =>
      honest({ req, res, truth: { ...truth, status: 200, bytes: zipOf("D06032023", "2023-03-06") } }),
    );
    expect(brief(await carryOut(of(sessions)))).toEqual(["A2023 unchanged 4", "D06032023 sent 1"]);
  });

  test("because it is of another session, is a failure each time, however often the same bytes come", async () => {
    river.origin.answer("D07032023", ({ res, truth, req }) =>
      honest({ req, res, truth: { ...truth, status: 200, etag: '"x"', bytes: zipOf("D07032023", "2023-03-08") } }),
    );
    for (const answer of ["200", "304"]) {
      expect(brief(await carryOut(of(["2023-03-07"])))).toEqual(["D07032023 failed 1 other_session"]);
      expect(river.asked()).toEqual([`D07032023 ${answer}`]);
    }
  });
});

const zipOf = (name: string, session: string): Uint8Array =>
  zipped(name, cotahistText(linesOfSession(session, 5), session));

describe("a session without a file of its own", () => {
  const days = ["2020-05-04", "2020-05-05", "2020-05-06"];
  const planOf = async (sessions: readonly string[], more = {}) =>
    wanted(publication, sessions, {
      ...(await knownOf(river.aws, bovespa, sessions)),
      ...{ parts: [], now: Date.now(), ...more },
    });
  beforeAll(() => {
    for (const session of days) river.origin.publish(session);
    river.origin.answer("D0", status(404));
  });
  afterAll(() => river.origin.answer("D0", honest));

  test("is had from the month's or else the year's, which are asked for once, however many want them", async () => {
    expect(brief(await carryOut(await planOf([days[0]!])))).toEqual(["M052020 sent 1"]);
    river.origin.answer("M052020", status(404));
    river.asked();
    for (const again of [false, true]) {
      const plan = await planOf(days, { again: true });
      expect(brief(await carryOut(plan, { again }))).toEqual([
        "A2020 sent 1",
        "A2020 unchanged 1",
        "A2020 unchanged 1",
      ]);
      expect(river.asked().filter((one) => one === "A2020 200")).toHaveLength(1);
      await put(river.aws, "state", scrapedKey("bovespa", "A2020"), "");
    }
  });

  test("of which the year has nothing is absent, though the year came", async () => {
    expect(brief(await carryOut(await planOf(["2020-05-07"])))).toEqual(["A2020 sent 0", "A2020 absent 1 absent"]);
    expect(brief(await carryOut(await planOf(["2020-05-07"])))).toEqual(["A2020 absent 1 absent"]);
  });
});

test("twenty files in a row that are not there leave the rest alone: the origin has moved them", async () => {
  const sessions = sessionsBetween("2019-01-01", "2019-02-28").slice(0, 25);
  river.asked();
  const outcomes = await carryOut(sessions.flatMap((session) => of([session])));
  expect(outcomes.map(({ is }) => is)).toEqual([...Array(20).fill("absent"), ...Array(5).fill("failed")]);
  expect(outcomes.at(-1)).toMatchObject({
    error: { code: "not_asked", message: expect.stringContaining("moved them") },
  });
  expect(river.asked()).toHaveLength(20);
});

describe("what fails", () => {
  const april = ["2023-04-03", "2023-04-04", "2023-04-05", "2023-04-06", "2023-04-10", "2023-04-11"];
  const each = april.flatMap((session) => of([session]));
  beforeAll(() => {
    for (const session of april) river.origin.publish(session);
  });

  test("harms no other; bytes that are no whole file are archived, and neither sent nor noted", async () => {
    const archived = (await river.keys("origin", "bovespa/")).length;
    const sent = river.sent();
    river.origin.answer("D03042023", bad.fewerLines.behaviour);
    const outcomes = await carryOut(each.slice(0, 2));
    expect(brief(outcomes)).toEqual(["D03042023 failed 1 origin_total", "D04042023 sent 1"]);
    expect((await river.keys("origin", "bovespa/")).length).toBe(archived + 2);
    expect(river.sent()).toBe(sent + outcomes[1]!.scraped!.messages);
    expect(await noteOf("D03042023")).toBeNull();
  });

  test("three times in a row leaves the origin alone; what was rejected for its own bytes does not count", async () => {
    river.origin.answer("042023", status(520));
    river.origin.answer("D04042023", bad.fewerLines.behaviour);
    expect(brief(await carryOut(each, { again: true }))).toEqual([
      "D03042023 failed 1 origin_status",
      "D04042023 failed 1 origin_total",
      "D05042023 failed 1 origin_status",
      "D06042023 failed 1 origin_status",
      "D10042023 failed 1 origin_status",
      "D11042023 failed 1 not_asked",
    ]);
    river.origin.answer("042023", honest);
  });

  test("at the queue is not noted, and is sent whole the next time", async () => {
    const refusing = Object.assign(new Error("no"), { $metadata: { httpStatusCode: 403 }, name: "AccessDenied" });
    const aws = { ...river.aws, sqs: { send: () => Promise.reject(refusing) } as never };
    const [one] = of([april[2]!]);
    const [outcome] = await backfill(aws, bovespa, [one!], { web: river.web });
    expect(outcome).toMatchObject({
      is: "failed",
      error: { code: "not_accepted" },
      scraped: { refused: 5, accepted: { rows: 0 } },
    });
    expect(await noteOf(one!.name)).toBeNull();
    expect(brief(await carryOut([one!]))).toEqual(["D05042023 sent 1"]);
  });

  test("for want of time is not asked for", async () => {
    river.asked();
    expect(brief(await carryOut(each, { until: Date.now() - 1 }))).toEqual(
      each.map(({ name }) => `${name} failed 1 no_time`),
    );
    expect(river.asked()).toEqual([]);
  });

  test.each(["asks", "surveyed", "sent"] as const)(
    "is what was interrupted when it %s; what came before it stays, and the next time goes on from there",
    async (when) => {
      const stop = new AbortController();
      let at = 0;
      const asks: string[] = [];
      const progress = {
        asks: ({ name }: Download) => {
          asks.push(name);
          at++;
          if (when === "asks" && at === 2) stop.abort();
        },
        ...(when === "asks" ? {} : { [when]: () => void (at === 2 && stop.abort()) }),
      };
      const first = await carryOut(each.slice(3), { progress, signal: stop.signal, again: true });
      expect(brief(first)).toEqual([
        "D06042023 sent 1",
        "D10042023 failed 1 interrupted",
        "D11042023 failed 1 interrupted",
      ]);
      expect(await noteOf("D06042023")).not.toBeNull();
      expect(asks).toEqual(["D06042023", "D10042023"]);
    },
  );
});

describe("an answer in pages", () => {
  const whole = zipOf("D02052023", "2023-05-02");
  const pages = [whole.subarray(0, 300), whole.subarray(300)];
  const paged: Publication = {
    ...publication,
    next: ({ name }, answers) =>
      answers.length < 2
        ? { url: `https://pages.example/${name}/${answers.length}`, most: 1e6, check: () => {} }
        : null,
    bytes: (_, answers) => Buffer.concat(answers),
  };
  const dataset: Dataset = { ...bovespa, raw: { ...bovespa.raw!, publication: paged } };
  const conditions: unknown[] = [];
  const webOf = (answer: (page: number) => Got): Web => ({
    get: async ({ url }, options) => {
      conditions.push(options?.known);
      return answer(Number(url.at(-1)));
    },
    close: async () => {},
  });
  const bytes = (page: number): Got => ({
    is: "bytes",
    bytes: pages[page]!,
    etag: `"${page}"`,
    url: "https://pages.example",
  });

  test("is one file, whose pages have no conditions: what is the same is told by all of its bytes", async () => {
    for (const is of ["sent", "unchanged"])
      expect(await carryOut(of(["2023-05-02"]), { web: webOf(bytes) }, dataset)).toMatchObject([
        { is, sessions: ["2023-05-02"] },
      ]);
    expect(conditions).toEqual([undefined, undefined, undefined, undefined]);
    expect((await noteOf("D02052023"))!.etag).toBeUndefined();
  });

  test("of which one is not there is no file: what came of it is nothing", async () => {
    const [outcome] = await carryOut(
      of(["2023-05-03"]),
      { web: webOf((page) => (page === 0 ? bytes(0) : { is: "absent", why: "404" })) },
      dataset,
    );
    expect(outcome).toMatchObject({ is: "failed", error: { code: "origin_pages" } });
  });

  test("without end is given up", async () => {
    const endless: Publication = { ...paged, next: (download) => paged.next(download, []) };
    const [outcome] = await carryOut(
      of(["2023-05-03"]),
      { web: webOf(bytes) },
      { ...bovespa, raw: { ...bovespa.raw!, publication: endless } },
    );
    expect(outcome).toMatchObject({ is: "failed", error: { code: "origin_pages" } });
  });
});

test("a dataset that is published nowhere is no backfill", async () => {
  const { publication: _, ...raw } = bovespa.raw!;
  await expect(carryOut([], {}, { ...bovespa, raw })).rejects.toThrow(PregaoError);
});
