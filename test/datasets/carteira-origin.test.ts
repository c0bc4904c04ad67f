import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { portfolio as format } from "../../packages/datasets/carteira/origin.ts";
import { publication } from "../../packages/datasets/carteira/publication.ts";
import { csv, csvBase64, html, json, portfolios, sample } from "../origin/portfolios.ts";
import { expected, faultOf, fileOf, given, read, utf8 } from "./carteira.ts";
import { bytesOf, latin1 } from "./cotahist.ts";

const [quarter, day2025, day2026] = portfolios as [
  (typeof portfolios)[0],
  (typeof portfolios)[0],
  (typeof portfolios)[0],
];

/** Σ quantity as a whole number, Σ weight in thousandths of a per cent. */
const totals = (records: Record<string, unknown>[]) => ({
  papers: records.length,
  quantity: records.reduce((sum, { qtde_teorica }) => sum + BigInt(qtde_teorica as string), 0n),
  weight: records.reduce((sum, { part }) => sum + Number((part as string).replace(".", "")), 0),
});

describe("the real samples", () => {
  test("the quarter's portfolio of 2022 gives exactly its totals, and its day is what a person says", async () => {
    const { survey, records } = await read(given(fileOf(sample.theoretical), "IBOV", "2022-05-02"));
    expect(survey).toEqual({ version: "2022-05-02.1", rows: 92, sessions: new Map([["2022-05-02", 92]]) });
    expect(totals(records)).toEqual({ papers: 92, quantity: 96_626_612_142n, weight: 100_001 });
    expect(records[0]).toEqual({
      data: "2022-05-02",
      indice: "IBOV",
      codigo: "ABEV3",
      acao: "AMBEV S/A",
      tipo: "ON",
      setor: null,
      qtde_teorica: "4380195841",
      part: "3.157",
      redutor: "18673489.42022432",
      qtde_total: "96626612142",
      part_total: "100.000",
      origin_rows: 92,
    });
    expect(records).toEqual(expected(quarter));
  });

  test("the CSV download of 2026-07-21 gives exactly its totals, and says of itself what it is", async () => {
    const file = fileOf(sample.csv);
    const { survey, records } = await read(file);
    expect(survey).toEqual({ version: "2026-07-21.1", rows: 78, sessions: new Map([["2026-07-21", 78]]) });
    expect(totals(records)).toEqual({ papers: 78, quantity: 93_321_430_230n, weight: 100_000 });
    expect(records.find(({ codigo }) => codigo === "USIM5")).toMatchObject({
      tipo: "PNA ATZ N1",
      qtde_teorica: "518256757",
      part: "0.176",
      redutor: "13886248.76732755",
    });
    expect(records).toEqual(expected(day2026));
    expect(given(file)).toBe(file);
    expect(given(file, "IBOV", "2026-07-21")).toBe(file);
  });

  test("the day of 2025-04-07, as pt-br spells it, gives exactly the totals of the en-us sample, sectors and all", async () => {
    const asked = { index: "IBOV", language: "pt-br", pageNumber: 1, pageSize: 120, segment: "2" } as const;
    const { survey, records } = await read(given(utf8(JSON.stringify(json(day2025, asked))), "IBOV"));
    expect(survey).toEqual({ version: "2025-04-07.2", rows: 87, sessions: new Map([["2025-04-07", 87]]) });
    expect(totals(records)).toEqual({ papers: 87, quantity: 99_015_750_716n, weight: 100_000 });
    expect(records[0]).toMatchObject({ codigo: "WEGE3", setor: "Bens Indls / Máqs e Equips" });
    expect(records).toEqual(expected(day2025));
  });

  test("the en-us sample is refused by name, though 04/07/25 is a day in both locales", async () => {
    expect(await faultOf(() => given(fileOf(sample.enUs), "IBOV"))).toBe(
      'origin_locale: portfolio, header.text: expected Portuguese, as pt-br spells it, came "Total Theorethical Quantity": this is en-us. Nothing of it was sent: get it again, whole and in Portuguese (pt-br)',
    );
    const silent = fileOf(sample.enUs);
    const { text: _, textReductor: __, ...header } = JSON.parse(new TextDecoder().decode(silent)).header;
    const wordless = JSON.stringify({ ...JSON.parse(new TextDecoder().decode(silent)), header });
    expect(await faultOf(() => given(utf8(wordless), "IBOV"))).toMatch(
      /^origin_locale: portfolio, header\.partAcum: .*came "100\.000": this is en-us/,
    );
  });

  test("20 rows of the rendered page are not taken for the whole: its pages tell, and so do its totals", async () => {
    const page = new TextDecoder().decode(fileOf(sample.page));
    expect(await faultOf(() => utf8(page))).toBe(
      "origin_page: portfolio: expected all papers on one page, 97.041.528.920 in quantity, came page 1 of 5, 20 papers. Nothing of it was sent: choose 120 rows a page before saving it, or save the CSV that the page offers for download",
    );
    const alone = page.replace(" 1 / 5 ", " 1 / 1 ");
    expect(await faultOf(() => utf8(alone))).toMatch(
      /^origin_total: portfolio, theoretical quantity: expected 20 papers that add up to the stated total, 97041528920, came 2/,
    );
  });
});

describe.each(portfolios.map((of) => [of.date, of] as const))("the portfolio of %s", (date, of) => {
  const asked = { index: "IBOV", language: "pt-br", pageNumber: 1, pageSize: 120, segment: "1" } as const;
  /** Without sectors, which the other formats do not have. */
  const answer = JSON.stringify(json(of, asked));
  const pages = (size: number): Uint8Array[] =>
    Array.from({ length: Math.ceil(of.rows.length / size) }, (_, i) =>
      utf8(JSON.stringify(json(of, { ...asked, pageNumber: i + 1, pageSize: size }))),
    );
  const fetched = (name: string, answers: Uint8Array[]) =>
    publication.bytes({ name, sessions: [], otherwise: [] }, answers);

  test.each<[string, () => Uint8Array]>([
    ["JSON", () => given(utf8(answer), "IBOV")],
    ["JSON in a JSON string", () => given(utf8(JSON.stringify(answer)), "IBOV")],
    [
      "JSON over several lines, with a mark in front",
      () => given(utf8(`\uFEFF${JSON.stringify(JSON.parse(answer), null, 2)}`), "IBOV"),
    ],
    ["the quarter's JSON, without a day", () => given(utf8(JSON.stringify(json(of, asked, false))), "IBOV", date)],
    ["the answer as it is fetched", () => fetched("IBOV", [utf8(answer)])],
    ["pages of 20", () => fetched("IBOV", pages(20))],
    ["pages of 1", () => fetched("IBOV", pages(1))],
    ["the CSV as it is saved", () => given(latin1(csv(of)))],
    ["the CSV with CRLF, in UTF-8", () => given(utf8(csv(of).replaceAll("\n", "\r\n")))],
    ["the CSV with blank lines at its end", () => given(latin1(`${csv(of)}\n \r\n`))],
    ["the CSV without its last line's end", () => given(latin1(csv(of).trimEnd()))],
    ["the CSV as it is fetched, in base64", () => fetched("IBOV-csv", [latin1(csvBase64(of))])],
    ["the CSV in base64 in a JSON string", () => fetched("IBOV-csv", [latin1(JSON.stringify(csvBase64(of)))])],
    ["the rendered page", () => given(utf8(html(of)), "IBOV")],
    ["the rendered page, which says of itself what it is", () => utf8(html(of))],
    [
      "the rendered page, its link in other letters",
      () => utf8(html(of).replace("/indexPage/day/IBOV?language=pt-br", "/indexpage/Day/ibov?language=PT-BR")),
    ],
  ])("is the same rows from %s", async (_, make) => {
    const { survey, records, groups } = await read(make());
    expect(records).toEqual(expected(of, false));
    expect(survey).toMatchObject({ rows: of.rows.length, sessions: new Map([[date, of.rows.length]]) });
    expect(groups.map(({ subject }) => subject)).toEqual(of.rows.map(({ ticker }) => ticker));
  });

  test("no law of ours refuses a paper of it: every row through message and judge", async () => {
    const digest = (text: string) => hash("sha256", text, "hex");
    const judge = judgeOf(carteira, digest);
    const origin = { sha256: "0".repeat(64), version: date, scraped_at: "2026-07-21 14:00:00.000" };
    const { groups } = await read(fetched("IBOV", [utf8(answer)]));
    const came = groups
      .flatMap((group) => messages(carteira, { source: "test", origin }, group, digest))
      .map(({ body }) => judge({ receipt: "r", body, sentAt: 0 }));
    expect(came.flatMap(({ rejects }) => rejects)).toEqual([]);
    expect(came.flatMap(({ rows }) => rows).length).toBe(of.rows.length);
  });

  test("a paper is found at its place, all pages counted through, and on its own day alone", async () => {
    const [ticker, at] = [of.rows[42]!.ticker, 43];
    const found = async (subject: string, session: string) => {
      const all = [];
      for await (const one of format.find(bytesOf(fetched("IBOV", pages(20))), { subject, session })) all.push(one);
      return all;
    };
    const { origin_rows: _, ...record } = expected(of, false)[at - 1]!;
    expect(await found(ticker, date)).toEqual([{ line: at, record: { ...record, origin_rows: null } }]);
    expect(await found(ticker, "2020-01-02")).toEqual([]);
    expect(await found("NADA3", date)).toEqual([]);
  });
});

test("of one day's portfolio, the one with sectors is the better version, whatever else a version has after it", async () => {
  const asked = { index: "IBOV", language: "pt-br", pageNumber: 1, pageSize: 120 } as const;
  const version = async (segment: string) =>
    (await read(given(utf8(JSON.stringify(json(day2025, { ...asked, segment }))), "IBOV"))).survey.version;
  const [without, withThem] = [await version("1"), await version("2")];
  expect(without < withThem).toBe(true);
  expect(`${without}/2025-04-07T23:00:00.000Z` < `${withThem}/2025-04-07T10:00:00.000Z`).toBe(true);
});

test("a person's test record is of no index that B3 has, and the river takes it", () => {
  const { indice } = carteira.raw!.sample("TESTE3", "2026-07-21", 0);
  expect(publication.parts!.all).not.toContain(indice);
  expect(
    carteira.raw!.laws.map((law) =>
      law.broken(carteira.raw!.sample("TESTE3", "2026-07-21", 0) as never, { day: "2026-07-21" }),
    ),
  ).toEqual(carteira.raw!.laws.map(() => null));
});

test.each(carteira.raw!.mistakes("TESTE3", "2026-07-21").map((one) => [one.code, one.record] as const))(
  "a record that breaks %s is refused with that reason, and its neighbour is not",
  (code, record) => {
    const digest = (text: string) => hash("sha256", text, "hex");
    const origin = { sha256: "0".repeat(64), version: "v", scraped_at: "2026-07-21 14:00:00.000" };
    const group = { subject: "TESTE3", records: [record, carteira.raw!.sample("TESTE3", "2026-07-21", 1)] };
    const [message] = messages(carteira, { source: "test", origin }, group, digest);
    const { rows, rejects } = judgeOf(carteira, digest)({ receipt: "r", body: message!.body, sentAt: 0 });
    expect(rejects.map(({ reason, records }) => [reason, records])).toEqual([[code, 1]]);
    expect(rows.length).toBe(1);
  },
);
