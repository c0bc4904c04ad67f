import { describe, expect, test } from "vitest";
import { type Choice, chosen, commandFor, type IngestOptions, sameCommand } from "../../packages/cli/ingest-choice.ts";
import type { Dataset, Publication } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";

/** Of which the origin has the current one alone, in parts. */
const current: Dataset = {
  ...bovespa,
  name: "current",
  raw: {
    ...bovespa.raw!,
    publication: {
      ...(bovespa.raw!.publication as Publication),
      history: 0,
      parts: { all: ["AAA", "BBB", "CCC"], usual: ["AAA"] },
    },
  },
};
const { publication: _, schedule: __, ...unpublished } = bovespa.raw!;
const own: Dataset = { ...bovespa, name: "own", raw: unpublished };
/** Whose files do not say what they are of. */
const mute: Dataset = {
  ...current,
  raw: {
    ...current.raw!,
    publication: { ...(current.raw!.publication as Publication), fromFile: (bytes) => bytes },
  },
};
const datasets = [bovespa, calendario, current];

/** A time in São Paulo in November 2026, of which the 18th is a Wednesday, and the 2nd and the 20th are holidays. */
const at = (clock: string): number => Date.parse(`2026-11-${clock}:00-03:00`);
const noon = at("18T12:00");

const published = (names: string[], options: IngestOptions = {}, now = noon) => {
  const choice = chosen(datasets, names, options, now);
  if (choice.is !== "published") throw new Error("given");
  return choice.wanted;
};
const said = (names: string[], options: IngestOptions, now = noon, of = datasets): string => {
  try {
    chosen(of, names, options, now);
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
  return "";
};

describe("what is asked for", () => {
  test("nothing named is the newest of all that is published somewhere, and no day that has not ended", () => {
    expect(published([])).toEqual([
      { dataset: "bovespa", sessions: ["2026-11-17"], due: ["2026-11-17"], early: [], parts: [] },
      { dataset: "current", sessions: [], due: ["2026-11-17"], early: [], parts: ["AAA"] },
    ]);
  });

  test("in the evening the session that has just ended is asked for, too, and is due only after the last look", () => {
    const evening = { sessions: ["2026-11-17", "2026-11-18"], due: ["2026-11-17"], early: [] };
    expect(published(["bovespa"], {}, at("18T18:59"))).toMatchObject([{ sessions: ["2026-11-17"] }]);
    expect(published(["bovespa"], {}, at("18T19:00"))).toMatchObject([evening]);
    expect(published(["bovespa"], {}, at("18T23:44"))).toMatchObject([evening]);
    expect(published(["bovespa"], {}, at("18T23:45"))).toMatchObject([
      { sessions: ["2026-11-18"], due: ["2026-11-18"] },
    ]);
    // A holiday and a weekend later it is still the newest.
    expect(published(["bovespa"], {}, at("22T12:00"))).toMatchObject([{ sessions: ["2026-11-19"] }]);
  });

  test("days are the calendar's sessions; of today's, nobody asks before it has ended", () => {
    expect(published(["bovespa"], { from: "2026-10-30", to: "2026-11-04" })).toMatchObject([
      { sessions: ["2026-10-30", "2026-11-03", "2026-11-04"], early: [] },
    ]);
    expect(published(["bovespa"], { from: "2026-11-16" })).toMatchObject([
      { sessions: ["2026-11-16", "2026-11-17"], due: ["2026-11-16", "2026-11-17"], early: ["2026-11-18"] },
    ]);
    expect(published(["bovespa"], { session: "2026-11-18" })).toMatchObject([{ sessions: [], early: ["2026-11-18"] }]);
    const [year] = published(["bovespa"], { year: "2024" });
    expect([year!.sessions.length, year!.sessions[0], year!.sessions.at(-1)]).toEqual([
      251,
      "2024-01-02",
      "2024-12-30",
    ]);
    expect(published(["bovespa"], { year: "2026" })[0]!.sessions.at(-1)).toBe("2026-11-17");
  });

  test("parts go to the datasets that have them, spelled as they are there", () => {
    expect(published([], { only: "bbb, CCC,bbb" })).toMatchObject([{ dataset: "current", parts: ["BBB", "CCC"] }]);
    expect(published(["bovespa", "current", "bovespa"], { only: "BBB", year: "2024" })).toMatchObject([
      { dataset: "bovespa", parts: [], sessions: { length: 251 } },
      { dataset: "current", parts: ["BBB"], sessions: [] },
    ]);
  });

  test("a file is of one dataset, and says itself what it is of unless its kind cannot", () => {
    expect(chosen(datasets, ["bovespa"], { file: "x.zip", version: "9" }, noon)).toEqual({
      is: "given",
      dataset: "bovespa",
      at: { file: "x.zip" },
    });
    const choice: Choice = chosen([mute], ["current"], { url: "http://x/y", only: "aaa", session: "2026-11-17" }, noon);
    expect(choice).toMatchObject({ at: { url: "http://x/y" }, part: "AAA", session: "2026-11-17" });
  });

  test("the command that goes on asks for no more than what is left, and in the same way", () => {
    const choice = chosen(datasets, ["bovespa", "current"], { only: "bbb", mirror: "http://x", wait: true }, noon);
    if (choice.is !== "published") throw new Error("given");
    const [one, two] = choice.wanted;
    const given = { only: "bbb", mirror: "http://x", wait: true };
    expect(sameCommand(choice, given)).toBe("pregao ingest bovespa current --only bbb --mirror http://x --wait");
    expect(commandFor(one!, ["2026-11-16"], {})).toBe("pregao ingest bovespa --session 2026-11-16");
    expect(commandFor(one!, ["2026-11-16", "2026-11-17"], given)).toBe(
      "pregao ingest bovespa --from 2026-11-16 --to 2026-11-17 --mirror http://x --wait",
    );
    expect(commandFor(two!, [], { only: "bbb" })).toBe("pregao ingest current --only BBB");
  });
});

describe("wrong usage says what was expected, and starts nothing", () => {
  const cases: [string[], IngestOptions, RegExp][] = [
    [["nope"], {}, /^unknown_dataset: expected a dataset \(bovespa, calendario, current\), came nope/],
    [["bovespa", "calendario"], {}, /^no_queue: .*came calendario: it is computed/],
    [["bovespa"], { version: "9" }, /expected --version with --file or --url/],
    [["bovespa"], { session: "2026-11-17", year: "2026" }, /came --session and --year/],
    [["bovespa"], { session: "2026-11-17", to: "2026-11-17" }, /came --session and --from/],
    [["bovespa"], { to: "2026-11-17" }, /expected --from DAY with --to/],
    [["bovespa"], { from: "2026-11-17", to: "2026-11-16" }, /--from no later than --to/],
    [["bovespa"], { session: "2026-11-19" }, /--session .* to today, 2026-11-18 in São Paulo; came 2026-11-19/],
    [["bovespa"], { session: "17/11/2026" }, /YYYY-MM-DD/],
    [["bovespa"], { from: "2024-02-30" }, /--from with YYYY-MM-DD.* came 2024-02-30/],
    [["bovespa"], { from: "1989-12-29" }, /from 1990-01-01/],
    [["bovespa"], { year: "24" }, /a year from 1990 to 2026, came 24/],
    [["bovespa"], { year: "2027" }, /came 2027/],
    [
      ["bovespa"],
      { session: "2026-11-02" },
      /2026-11-02 is no day of trading\. The next to it are 2026-10-30 and 2026-11-03/,
    ],
    [
      ["bovespa"],
      { from: "2026-11-14", to: "2026-11-15" },
      /no day of trading from 2026-11-14 to 2026-11-15\. .*2026-11-13 and 2026-11-16/,
    ],
    [["bovespa"], { only: "IBOV" }, /expected no --only: bovespa has no parts/],
    [["current"], { only: "AAA,DDD" }, /some of AAA, BBB, CCC, by commas; came DDD/],
    [["current"], { only: "" }, /came nothing/],
    [["current"], { session: "2026-11-17" }, /of current the origin has the current one alone/],
    [[], { file: "x" }, /expected one dataset with --file, came none/],
    [["bovespa", "current"], { url: "http://x" }, /one dataset with --url, came bovespa, current/],
    [["bovespa"], { file: "x", year: "2024" }, /--file without --year/],
    [["bovespa"], { file: "x", session: "2026-11-17" }, /--file without --session: a file of bovespa says itself/],
    [["bovespa"], { file: "x", again: true }, /--file without --again/],
  ];
  test.each(cases)("%j %j", (names, options, says) => expect(said(names, options)).toMatch(says));

  test("a holiday that is today has no session after it to name", () =>
    expect(said(["bovespa"], { session: "2026-11-20" }, at("20T12:00"))).toMatch(/The last before it is 2026-11-19$/));

  test("a file is said to be of a day that was none of trading, and is published as of it", () => {
    for (const [session, near] of [
      ["2022-05-01", "2022-04-29 and 2022-05-02"],
      ["2026-11-02", "2026-10-30 and 2026-11-03"],
    ])
      expect(said(["current"], { file: "x", session: session! }, noon, [mute])).toBe(
        `usage: expected --session with a session: ${session} is no day of trading. The next to it are ${near}`,
      );
  });

  test("what is published nowhere can be ingested from files alone", () => {
    expect(said(["own"], {}, noon, [own])).toMatch(
      /^usage: expected --file PATH or --url URL: where own is published is not/,
    );
    expect(said([], {}, noon, [own])).toMatch(/expected a dataset that is published somewhere, there is none/);
  });
});
