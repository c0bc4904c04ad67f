import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { originKey } from "../../functions/origin.ts";
import { newestCommit } from "../../packages/aws/documents.ts";
import { head } from "../../packages/aws/store.ts";
import { ingest } from "../../packages/cli/ingest.ts";
import { chosen, type IngestOptions } from "../../packages/cli/ingest-choice.ts";
import type { Ingested } from "../../packages/cli/ingest-screen.ts";
import { sessionsBetween } from "../../packages/core/backfill.ts";
import { openWeb } from "../../packages/web/index.ts";
import { altered, honest, status } from "../origin/behaviours.ts";
import { type Recorded, recorded, type Truth } from "../origin/server.ts";
import { cotahistText, linesOfSession } from "../origin/sessions.ts";
import { ask, silent, testPlace } from "../place.ts";

const ROWS = 20;
const MONTH = sessionsBetween("2023-01-01", "2023-01-31");
/** The turn of a year: two months of two years. */
const TURN = ["2021-12-29", "2021-12-30", "2022-01-03", "2022-01-04"];
/** Of three days of trading, the origin has no file of the second. */
const HOLED = ["2024-02-01", "2024-02-05"];

let place: Awaited<ReturnType<typeof testPlace>>;
let origin: Recorded;
const dir = mkdtempSync(join(tmpdir(), "pregao-ingest-"));
beforeAll(async () => {
  [place, origin] = await Promise.all([testPlace(), recorded({ sessions: [...MONTH, ...TURN, ...HOLED], rows: ROWS })]);
}, 60_000);
afterAll(async () => {
  await place?.remove();
  await origin?.close();
  rmSync(dir, { recursive: true, force: true });
});

let exit: typeof process.exitCode;
beforeEach(() => {
  exit = process.exitCode;
});
afterEach(() => {
  process.exitCode = exit;
});

/** When a portfolio of the recorded day is the current one. */
const NOW = Date.parse("2026-07-21T22:00:00-03:00");

/** The command as a person gives it, without a process of its own. `asked`: what the origin was asked for by it. */
const run = async (names: string[], options: IngestOptions = {}, now = NOW) => {
  const output = silent();
  const bars: { name: string; done: number; total: number; now: string[] }[] = [];
  output.bar = (name, total) => {
    const bar = { name, done: 0, total, now: [] as string[] };
    bars.push(bar);
    return {
      at: (done, at) => {
        bar.done = done;
        if (at) bar.now.push(at);
      },
      of: (all) => {
        bar.total = all;
      },
      done: () => {},
    };
  };
  const before = origin.asked.length;
  process.exitCode = undefined;
  const web = () => openWeb({ mirror: origin.mirror, perSecond: 1000, backoffMs: 1, attempts: 2 });
  await ingest({ ...place, output }, chosen(place.datasets, names, options, now), options, web);
  return {
    exit: process.exitCode ?? 0,
    ...(output.documents[0] as { whole: boolean; ingested: Ingested[] }),
    screen: output.screens[0]!,
    asked: origin.asked.slice(before).map((one) => one.what),
    bars,
  };
};

const rowsBySession = async () =>
  Object.fromEntries(
    (
      await ask(
        place,
        "SELECT data_pregao, count(*) AS n FROM (SELECT data_pregao FROM bovespa_refined UNION ALL SELECT data_pregao FROM bovespa_derivativos) GROUP BY 1 ORDER BY 1",
      )
    ).map(({ data_pregao, n }) => [data_pregao, Number(n)]),
  );

const lines = (...all: string[]): string => `${all.join("\n")}\n`;

describe("a month of sessions and a portfolio", () => {
  test("come with one command and no more requests than it takes; a second one downloads nothing and changes nothing", async () => {
    const options = { from: "2023-01-01", to: "2023-01-31", wait: true };
    const commits = () => Promise.all(["bovespa", "carteira"].map((name) => newestCommit(place.aws, name)));
    const first = await run(["bovespa", "carteira"], options);
    expect([first.exit, first.whole, first.asked]).toEqual([
      0,
      true,
      ["M012023", "GetPortfolioDay IBOV pt-br 1/120 segment 2"],
    ]);
    expect(await rowsBySession()).toEqual(Object.fromEntries(MONTH.map((session) => [session, ROWS])));
    expect(await ask(place, "SELECT count(*) AS n FROM carteira_refined")).toEqual([{ n: "78" }]);
    expect(first.screen).toBe(
      lines(
        "bovespa, 22 sessions from 2023-01-02 to 2023-01-31",
        "  M012023: 440 rows of 22 sessions (2023-01-02 to 2023-01-31) in 21 messages",
        "  440 sent = 440 in raw + 0 rejected",
        "  440 in raw = 440 in bovespa_refined + 0 superseded",
        "carteira IBOV, the current one",
        "  IBOV: 78 rows of 2026-07-21 in 78 messages",
        "  78 sent = 78 in raw + 0 rejected",
        "  78 in raw = 78 in carteira_refined + 0 superseded",
        "",
        'Next: pregao query "SELECT count(*) FROM bovespa_refined"',
      ),
    );
    const was = await commits();
    const second = await run(["bovespa", "carteira"], options);
    expect([second.exit, second.whole, second.asked]).toEqual([0, true, []]);
    expect(second.screen).toBe(
      lines(
        "bovespa, 22 sessions from 2023-01-02 to 2023-01-31",
        "  22 sessions were there before",
        "carteira IBOV, the current one",
        "  was there before",
        "",
        'Next: pregao query "SELECT count(*) FROM bovespa_refined"',
      ),
    );
    expect(await commits()).toEqual(was);
  }, 60_000);
});

describe("what goes wrong with one file", () => {
  test("a day of trading of which the origin has nothing is a failure that names it, and the other days are sent", async () => {
    origin.answer("A2024", status(404));
    const holed = await run(["bovespa"], { from: "2024-02-01", to: "2024-02-05", wait: true });
    expect([holed.exit, holed.asked, holed.whole]).toEqual([1, ["M022024", "D02022024", "A2024"], false]);
    expect(holed.ingested).toMatchObject([{ missing: ["2024-02-02"] }]);
    expect(holed.screen).toBe(
      lines(
        "bovespa, 3 sessions from 2024-02-01 to 2024-02-05",
        "  M022024: 40 rows of 2 sessions (2024-02-01 to 2024-02-05) in 21 messages",
        "  40 sent = 40 in raw + 0 rejected",
        "  40 in raw = 40 in bovespa_refined + 0 superseded",
        "  missing: 2024-02-02, a day of trading of which the origin says that it has nothing (404)",
        "",
        "Next: pregao ingest bovespa --session 2024-02-02 --wait",
      ),
    );
    expect(await rowsBySession()).toMatchObject({ "2024-02-01": ROWS, "2024-02-05": ROWS });
    const again = await run(["bovespa"], { session: "2024-02-02" });
    expect([again.exit, again.asked]).toEqual([1, ["D02022024", "M022024", "A2024"]]);
  }, 30_000);

  test("a file that the origin does not give is reported, the others are sent, and the next run asks for that one alone", async () => {
    const options = { from: "2021-12-29", to: "2022-01-04" };
    origin.answer("M122021", status(520));
    const failed = await run(["bovespa"], options);
    expect([failed.exit, failed.asked]).toEqual([1, ["M122021", "M122021", "M012022"]]);
    expect(failed.screen).toBe(
      lines(
        "bovespa, 4 sessions from 2021-12-29 to 2022-01-04",
        "  M012022: 40 rows of 2 sessions (2022-01-03 to 2022-01-04) in 20 messages",
        "  all accepted by the queue",
        `  M122021: expected 200 from https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_M122021.ZIP (asked at ${new URL(origin.mirror).host}), came 520 (asked 2 times)`,
        "",
        "Next: pregao ingest bovespa --from 2021-12-29 --to 2021-12-30",
      ),
    );
    origin.answer("M122021", honest);
    expect(await run(["bovespa"], options)).toMatchObject({ exit: 0, asked: ["M122021"], ingested: [{ there: 2 }] });
    expect(await run(["bovespa"], options)).toMatchObject({ exit: 0, asked: [], ingested: [{ there: 4 }] });
  });

  test("a portfolio that is older than it must be by now is no success, though it came", async () => {
    const morning = await run(["carteira"], {}, Date.parse("2026-07-22T09:00:00-03:00"));
    expect(morning).toMatchObject({ exit: 0, ingested: [{ downloads: [{ name: "IBOV", is: "unchanged" }] }] });
    const { exit, screen } = await run(["carteira"], {}, Date.parse("2026-07-22T19:00:00-03:00"));
    expect(exit).toBe(1);
    expect(screen).toBe(
      lines(
        "carteira IBOV, the current one",
        "  as before, and not sent again: IBOV",
        "  IBOV: expected that of 2026-07-22 by now, the newest is of 2026-07-21. B3 publishes each index's portfolio for the day's opening, and has the current day's alone",
        "",
        "Next: pregao ingest carteira",
      ),
    );
  });

  test("a portfolio that is not given is no success, whatever else is there", async () => {
    origin.answer("GetPortfolioDay IBXX", status(404));
    origin.answer("GetDownloadPortfolioDay IBXX", status(404));
    const { exit, ingested, screen } = await run(["carteira"], { only: "ibov,ibxx,smll" });
    expect(ingested[0]!.downloads.map(({ name, is }) => [name, is])).toEqual([
      ["IBXX-csv", "absent"],
      ["SMLL", "sent"],
    ]);
    expect(exit).toBe(1);
    expect(screen).toBe(
      lines(
        "carteira IBOV, IBXX, SMLL, the current one",
        "  1 was there before",
        "  SMLL: 12 rows of 2026-07-21 in 12 messages",
        "  all accepted by the queue",
        "  IBXX-csv: the origin says that it has nothing (404)",
        "",
        "Next: pregao ingest carteira --only IBOV,IBXX,SMLL",
      ),
    );
  });
});

test("a portfolio whose JSON fails is had by CSV, which is named; if that fails too, both reasons are", async () => {
  const options = { only: "IBXX" };
  origin.answer("GetPortfolioDay IBXX", status(500));
  origin.answer("GetDownloadPortfolioDay IBXX", status(404));
  const neither = await run(["carteira"], options);
  expect(neither).toMatchObject({
    exit: 1,
    ingested: [{ downloads: [{ name: "IBXX", is: "failed", error: { code: "origin_status" } }] }],
  });
  expect(neither.screen).toMatch(/came 500 \(asked 2 times\)\. Tried instead, IBXX-csv: 404\n/);
  origin.answer("GetDownloadPortfolioDay IBXX", honest);
  const csv = await run(["carteira"], options);
  expect(csv).toMatchObject({ exit: 0, ingested: [{ downloads: [{ name: "IBXX-csv", is: "sent" }] }] });
  expect(csv.screen).toContain("  IBXX-csv: 40 rows of 2026-07-21 in 40 messages\n");
  expect(await run(["carteira"], options)).toMatchObject({ exit: 0, asked: [] });
});

test("a session's file is not asked for before it can be there, is late in the evening, missing after the last look; rewritten, it is sent once more", async () => {
  const at = (time: string, days: IngestOptions = { from: "2022-01-04", to: "2022-01-05" }) =>
    run(["bovespa"], days, Date.parse(`2022-01-${time}:00-03:00`));
  const today = { session: "2022-01-05" };
  const noon = await at("05T12:00", today);
  expect([noon.exit, noon.asked]).toEqual([1, []]);
  expect(noon.screen).toBe(
    lines(
      "bovespa, 2022-01-05",
      "  not there yet: 2022-01-05. B3 publishes a session's file at about 20:30 in São Paulo, and sometimes again, rewritten, the same night",
      "",
      "Next: pregao ingest bovespa --session 2022-01-05",
    ),
  );
  const evening = await at("05T21:00");
  expect([evening.exit, evening.asked, evening.ingested[0]]).toMatchObject([
    0,
    ["D05012022"],
    { early: ["2022-01-05"] },
  ]);
  expect(await at("05T21:00", today)).toMatchObject({ exit: 1 });
  expect(await at("05T23:50")).toMatchObject({ exit: 1, ingested: [{ missing: ["2022-01-05"] }] });
  origin.publish("2022-01-05");
  expect(await at("05T23:55")).toMatchObject({ exit: 0, ingested: [{ downloads: [{ is: "sent" }] }] });
  const same = await at("05T23:56");
  expect([same.exit, same.ingested[0]!.downloads.map(({ is }) => is)]).toEqual([0, ["unchanged"]]);
  expect([origin.asked.at(-1)!.what, origin.asked.at(-1)!.status]).toEqual(["D05012022", 304]);
  origin.publish("2022-01-05");
  expect(await at("05T23:57")).toMatchObject({ exit: 0, ingested: [{ downloads: [{ is: "sent" }] }] });
  // What is there is not missing, nor early, for a page of the origin's.
  for (const answer of [status(404), status(200)])
    for (const days of [today, undefined]) {
      origin.answer("D05012022", answer);
      const down = await at("05T23:58", days);
      expect(down).toMatchObject({ exit: 0, ingested: [{ missing: [], early: [], there: days ? 1 : 2, next: null }] });
    }
  origin.answer("D05012022", honest);
});

test("progress is one bar over the sessions, with the name, the bytes and the rows of the current one; then one over what is published", async () => {
  const { bars } = await run(["bovespa"], { from: "2021-12-29", to: "2022-01-04", again: true, wait: true });
  expect(bars.map(({ name, done, total }) => [name, done, total])).toEqual([
    ["fetch", 4, 4],
    ["publish", 100, 100],
  ]);
  const said = bars[0]!.now.map((text) => text.replace(/[\d.]+ (KiB|bytes)/g, "N"));
  for (const [name, rows] of [
    ["M122021", 40],
    ["M012022", 60],
  ])
    expect(said.filter((text) => text.includes(`${name} `))).toEqual(
      expect.arrayContaining([
        `bovespa ${name} asked for`,
        `bovespa ${name} N of N`,
        `bovespa ${name} N of N checked`,
        `bovespa ${name} ${rows} of ${rows} rows sent`,
      ]),
    );
}, 30_000);

describe("a file that somebody has", () => {
  const ibov = (name: string) => join(import.meta.dirname, "../fixtures/ibov", name);

  test("goes in as what it says that it is, and as what the person says where it does not", async () => {
    const csv = await run(["carteira"], { file: ibov("IBOVDia_21-07-26.csv") });
    expect(csv).toMatchObject({ exit: 0, rows: 78, sessions: { "2026-07-21": 78 }, source: "IBOVDia_21-07-26.csv" });
    const json = { file: ibov("GetTheoreticalPortfolio_pt-br_2022.json") };
    await expect(run(["carteira"], json)).rejects.toThrow(/--only|--session|index/);
    const told = await run(["carteira"], { ...json, only: "IBOV", session: "2022-09-05" });
    expect(told).toMatchObject({ exit: 0, rows: 92, sessions: { "2022-09-05": 92 } });
  });

  test("and one at an address, asked for like all that is published", async () => {
    const url = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_D03012023.ZIP";
    const { exit, asked, ...document } = await run(["bovespa"], { url });
    expect([exit, asked]).toEqual([0, ["D03012023"]]);
    expect(document).toMatchObject({ source: url, rows: ROWS, sessions: { "2023-01-03": ROWS } });
    await expect(run(["bovespa"], { url: url.replace("D03", "D02") })).resolves.toMatchObject({ exit: 0 });
    await expect(run(["bovespa"], { url: url.replace("D03", "D01") })).rejects.toMatchObject({ code: "origin_status" });
  });

  test.each(["bovespa", "carteira"])(
    "and what comes from an address and is no file of %s stays to be looked at: it is archived before it is read",
    async (name) => {
      const url = "https://bvmf.bmfbovespa.com.br/no-file";
      const bytes = Buffer.from("neither a zip nor a portfolio");
      origin.put(url, bytes);
      await expect(run([name], { url })).rejects.toMatchObject({ name: "PregaoError" });
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      expect(await head(place.aws, "origin", originKey(name, sha256))).toMatchObject({ size: bytes.length });
    },
  );

  test("goes in with a version of its own where the origin took its file back, and is what is published then", async () => {
    const [session, file] = ["2022-03-02", "D02032022"];
    origin.publish(session);
    const options = { session, again: true, wait: true };
    const prices = () =>
      ask(place, `SELECT max(source_version) AS v FROM bovespa_refined WHERE data_pregao = DATE '${session}'`);
    let first: Truth;
    origin.answer(file, (told) => {
      first = told.truth;
      honest(told);
    });
    expect((await run(["bovespa"], options)).exit).toBe(0);
    origin.answer(file, honest);
    origin.publish(session);
    const { ingested } = await run(["bovespa"], options);
    const version = `${ingested[0]!.downloads[0]!.scraped!.origin.version}.1`;
    origin.answer(
      file,
      altered(() => first),
    );
    const back = await run(["bovespa"], options);
    expect([back.exit, back.ingested[0]!.downloads]).toMatchObject([1, [{ error: { code: "superseded" } }]]);
    expect(back.screen).toContain(`--file FILE --version ${version}`);
    const text = join(dir, "COTAHIST.TXT");
    const lines = linesOfSession(session, ROWS);
    writeFileSync(text, cotahistText(lines, session), "latin1");
    await run(["bovespa"], { file: text, version, wait: true });
    expect(await prices()).toEqual([{ v: version }]);
  });
});

test("what is held of a file is said, with where to see it, and is no success", async () => {
  origin.publish("2022-01-05", linesOfSession("2022-01-05", ROWS - 5));
  const { exit, screen } = await run(["bovespa"], { session: "2022-01-05", again: true, wait: true });
  expect(exit).toBe(1);
  expect(screen).toBe(
    lines(
      "bovespa, 2022-01-05",
      "  D05012022: 15 rows of 2022-01-05 in 15 messages",
      "  all accepted by the queue",
      "  D05012022: a run of bovespa is held: sessao_encolheu on 2022-01-05. Nothing of it is published until a person accepts it; see: pregao status",
      "",
      "Next: pregao status",
    ),
  );
}, 30_000);
