import { describe, expect, test } from "vitest";
import { publication } from "../../packages/datasets/carteira/publication.ts";
import { csv, csvBase64, html, json, newest, shell, smaller } from "../origin/portfolios.ts";
import { expected, faultOf, given, read, utf8 } from "./carteira.ts";
import { latin1 } from "./cotahist.ts";

const few = smaller(newest, "IBOV", 5);
type Json = ReturnType<typeof json>;
const answer = (of = few, change: (one: Json) => unknown = (one) => one, pageNumber = 1, pageSize = 120): Uint8Array =>
  utf8(JSON.stringify(change(json(of, { index: "IBOV", language: "pt-br", pageNumber, pageSize, segment: "1" }))));
const download = { name: "IBOV", sessions: [], otherwise: [] };
const pages = (...answers: Uint8Array[]) => publication.bytes(download, answers);
const asJson = (change: (one: Json) => unknown) => () => given(answer(few, change), "IBOV");
const inRow = (change: object) =>
  asJson((one) => ({ ...one, results: one.results.map((row, i) => (i === 2 ? { ...row, ...change } : row)) }));
const inHeader = (change: object) => asJson((one) => ({ ...one, header: { ...one.header, ...change } }));
const inPage = (change: object) => asJson((one) => ({ ...one, page: { ...one.page, ...change } }));
const asCsv = (change: (text: string) => string) => () => latin1(change(csv(few)));
const asPage = (change: (text: string) => string) => () => utf8(change(html(few)));

test("untouched, what these tests change is a portfolio", async () => {
  for (const make of [asJson((one) => one), asCsv((text) => text), asPage((text) => text)])
    expect((await read(make())).records).toEqual(expected(few));
});

test.each<[string, () => Uint8Array, string]>([
  [
    "nothing at all",
    () => utf8(""),
    "origin_empty: portfolio: expected a portfolio, came nothing at all: B3 answers so when it has none.",
  ],
  ["blanks", () => utf8(" \n "), "origin_empty: "],
  [
    "B3's page as it comes without a browser",
    () => utf8(shell),
    "origin_html: portfolio: expected a page with the table of one portfolio, came one with 0 such tables: without a browser B3's page has none.",
  ],
  ["a page of errors", () => utf8("<html><h1>520</h1></html>"), "origin_html: "],
  [
    "a zip",
    () => Buffer.from("PK\x03\x04\x14\x00\x00\x08COTAHIST", "latin1"),
    "origin_zip: portfolio: expected a portfolio as JSON, CSV or HTML, came a zip, which is the form of B3's quotes. Nothing of it was sent: name the portfolio's own file, or the dataset that this file is of",
  ],
  [
    "a zip that a person says is a portfolio",
    () => given(Buffer.from("PK\x03\x04\x14\x00\x00\x08COTAHIST", "latin1"), "IBOV", "2026-07-21"),
    "origin_zip: ",
  ],
  [
    "bytes that are no text",
    () => utf8("\x01\x02 something else"),
    "origin_binary: portfolio: expected a portfolio as JSON, CSV or HTML, came bytes that are no text. Nothing",
  ],
  ["something else", () => utf8("something else"), "origin_csv: portfolio, line 1: expected "],
  [
    "a JSON cut in the middle",
    () => given(answer().subarray(0, 300), "IBOV"),
    "origin_json: portfolio: expected JSON, came ",
  ],
  [
    "JSON in a JSON string in a JSON string",
    () => given(utf8(JSON.stringify(JSON.stringify(new TextDecoder().decode(answer())))), "IBOV"),
    "origin_",
  ],
  [
    "another object",
    () => given(utf8('{"error":"not found"}'), "IBOV"),
    "origin_json: portfolio: expected an object with page, header and results, came ",
  ],
  [
    "a key twice",
    () => given(utf8(new TextDecoder().decode(answer()).replace('"cod"', '"part":"0,001","cod"')), "IBOV"),
    'origin_json: portfolio: expected each key once, came "part" twice.',
  ],

  [
    "en-us words",
    inHeader({ text: "Total Theorethical Quantity" }),
    'origin_locale: portfolio, header.text: expected Portuguese, as pt-br spells it, came "Total Theorethical Quantity": this is en-us.',
  ],
  ["an en-us word", inHeader({ textReductor: "Reductor" }), "origin_locale: portfolio, header.textReductor: "],
  [
    "words of another language",
    inHeader({ text: "Cantidad Teórica" }),
    "origin_columns: portfolio, header.text: expected the words that B3 has there in Portuguese",
  ],
  [
    "an en-us total",
    inHeader({ theoricalQty: "93,321,430,230" }),
    "origin_locale: portfolio, header.theoricalQty: expected a quantity like 1.234.567, as pt-br spells it, came",
  ],
  [
    "an en-us day",
    inHeader({ date: "07/21/26" }),
    'origin_locale: portfolio, header.date: expected a day as DD/MM/YY, as pt-br spells it, came "07/21/26": this is en-us.',
  ],
  [
    "a day that does not exist",
    inHeader({ date: "31/31/26" }),
    'origin_date: portfolio, header.date: expected a day that exists, as DD/MM/YY, came "31/31/26".',
  ],
  ["a day of ISO", inHeader({ date: "2026-07-21" }), "origin_date: "],
  [
    "one en-us weight",
    inRow({ part: "3.157" }),
    'origin_locale: portfolio, results.2 ("ASAI3").part: expected a weight like 3,157, as pt-br spells it, came "3.157": this is en-us.',
  ],
  [
    "one en-us quantity",
    inRow({ theoricalQty: "1,338,623,499" }),
    'origin_locale: portfolio, results.2 ("ASAI3").theoricalQty: ',
  ],
  ["a weight of a sector in en-us", inRow({ partAcum: "3.157" }), "origin_locale: "],
  ["an en-us reductor", inHeader({ reductor: "13,886,248.76732755" }), "origin_locale: portfolio, header.reductor: "],

  [
    "a number that is none",
    inRow({ theoricalQty: "1.33.8623" }),
    'origin_value: portfolio, results.2 ("ASAI3").theoricalQty: expected a quantity like 1.234.567, came "1.33.8623".',
  ],
  ["a number below zero", inRow({ theoricalQty: "-1" }), "origin_value: "],
  ["a weight with too few decimals", inRow({ part: "3,15" }), "origin_value: "],
  ["a reductor cut short", inHeader({ reductor: "13.886.248,7673275" }), "origin_value: "],
  [
    "null where a value failed",
    inRow({ part: null }),
    "origin_columns: portfolio, results.2.part: expected text, came null.",
  ],
  [
    "a number where a text was",
    inRow({ theoricalQty: 1338623499 }),
    "origin_columns: portfolio, results.2.theoricalQty: expected text, came 1338623499.",
  ],
  [
    "a field under another name",
    asJson((one) => JSON.parse(JSON.stringify(one).replaceAll("theoricalQty", "theoreticalQty"))),
    "origin_columns: portfolio, header.theoricalQty: expected text, came nothing.",
  ],
  ["a row without its ticker", inRow({ cod: " " }), "origin_value: "],
  [
    "a ticker that is none",
    inRow({ cod: "Total" }),
    'origin_value: portfolio: expected tickers like PETR4, came "Total".',
  ],
  ["a name with a control character", inRow({ asset: "AS\u0000SAI" }), "origin_value: "],
  [
    "a name that its column cannot hold",
    inRow({ asset: "A".repeat(61) }),
    'origin_value: portfolio, paper 3 ("ASAI3"): expected values that their columns can hold, came ',
  ],

  [
    "a negative totalPages",
    inPage({ totalPages: -1 }),
    "origin_page: portfolio, page: expected as many pages as its records need, one at least, came totalRecords 5, pageSize 120, totalPages -1.",
  ],
  [
    "more pages than came",
    inPage({ totalRecords: 6, pageSize: 5, totalPages: 2 }),
    "origin_page: portfolio: expected all 2 pages of it, came 1: a partial portfolio is none.",
  ],
  [
    "fewer rows than totalRecords",
    asJson((one) => ({ ...one, results: one.results.slice(1) })),
    "origin_page: portfolio, page 1 of 1: expected 5 papers of 5, came 4.",
  ],
  ["another page than the first", inPage({ pageNumber: 2 }), "origin_page: "],
  [
    "no rows",
    asJson((one) => ({ ...one, page: { ...one.page, totalRecords: 0, totalPages: 0 }, results: [] })),
    "origin_page: ",
  ],
  [
    "part of the rows as if they were all",
    asJson((one) => ({ ...one, page: { ...one.page, totalRecords: 2 }, results: one.results.slice(0, 2) })),
    "origin_total: portfolio, theoretical quantity: expected 2 papers that add up to the stated total, ",
  ],
  [
    "a paper twice, in another's place",
    asJson((one) => ({ ...one, results: one.results.map((row, i) => (i === 1 ? one.results[0] : row)) })),
    "origin_repeated: portfolio, ALOS3: expected each paper once, came it twice.",
  ],
  [
    "weights of 99.989",
    asJson((one) => ({
      ...one,
      results: [{ ...one.results[0]!, part: lighter(one.results[0]!.part, 11) }, ...one.results.slice(1)],
    })),
    "origin_total: portfolio, weight in %: expected weights that add up to 100 ± 0.01, came 99.989.",
  ],
  [
    "a stated weight of 99.989",
    inHeader({ part: "99,989" }),
    "origin_total: portfolio, weight in %: expected a stated total of 100 ± 0.01, came 99.989.",
  ],

  [
    "an index that nobody names",
    () => answer(),
    "origin_index: portfolio: expected to know of which index it is, came a document that does not say. Nothing of it was sent: for a file that you have, --only IBOV says it",
  ],
  [
    "no day that anybody names",
    () =>
      given(
        utf8(JSON.stringify(json(few, { index: "IBOV", language: "pt-br", pageNumber: 1, pageSize: 120 }, false))),
        "IBOV",
      ),
    "origin_date: portfolio: expected to know of which day it is, came a document that does not say. Nothing of it was sent: for a file that you have, --session YYYY-MM-DD says it",
  ],
  [
    "another day than a person says",
    () => given(answer(), "IBOV", "2026-07-22"),
    "origin_date: portfolio: expected the day that --session says, 2026-07-22, came a document of 2026-07-21. Nothing of it was sent: leave --session out, or say --session 2026-07-21, which is what it is of",
  ],
  [
    "another index than a person says",
    () => given(latin1(csv(few)), "SMLL"),
    "origin_index: portfolio: expected the index that --only says, SMLL, came a document of IBOV. Nothing of it was sent: leave --only out, or say --only IBOV, which is what it is of",
  ],
  [
    "another index than was asked for",
    () => publication.bytes({ ...download, name: "SMLL-csv" }, [latin1(csvBase64(few))]),
    "origin_index: portfolio: expected the index that was asked for, SMLL, came a document of IBOV. Nothing of it was sent: get it again",
  ],

  [
    "a CSV without its totals",
    asCsv((text) => text.split("\n").slice(0, -3).join("\n")),
    "origin_csv: portfolio, line ",
  ],
  [
    "a CSV without its reductor",
    asCsv((text) => text.split("\n").slice(0, -2).join("\n")),
    'origin_csv: portfolio, line 7: expected a line of totals, "Quantidade Teórica Total", came ',
  ],
  [
    "a CSV that lost a paper",
    asCsv((text) => text.replace(/^ASAI3.*\n/m, "")),
    "origin_total: portfolio, theoretical quantity: expected 4 papers ",
  ],
  ["a CSV with a line after its totals", asCsv((text) => `${text}Fim\n`), "origin_"],
  [
    "a CSV with another column",
    asCsv((text) => text.replace("Tipo;", "Tipo;ISIN;")),
    'origin_columns: portfolio, line 2: expected the columns "Código;Ação;Tipo;Qtde. Teórica;Part. (%)", came ',
  ],
  ["a CSV with columns moved", asCsv((text) => text.replace("Código;Ação", "Ação;Código")), "origin_columns: "],
  [
    "a CSV with a cell more",
    asCsv((text) => text.replace(/^(ASAI3.*)$/m, "$19;")),
    "origin_columns: portfolio, line 5: expected 5 cells, came ",
  ],
  [
    "a CSV with English columns",
    asCsv((text) =>
      text.replace("Código;Ação;Tipo;Qtde. Teórica;Part. (%)", "Code;Stock;Type;Theoretical Quantity;Part. (%)"),
    ),
    "origin_locale: portfolio, line 2: ",
  ],
  [
    "a CSV with English numbers",
    asCsv((text) => text.replaceAll(/[.,](?=\d)/g, (mark) => (mark === "." ? "," : "."))),
    "origin_locale: ",
  ],
  [
    "a CSV of the quarter",
    asCsv((text) => text.replace("Carteira do Dia", "Carteira Teórica")),
    "origin_csv: portfolio, line 1: ",
  ],
  ["a CSV read in the wrong encoding", asCsv((text) => text.replaceAll("ó", "Ã³")), "origin_columns: "],

  [
    "a page without its day",
    asPage((text) => text.replace("<h2>Carteira do Dia - 21/07/26</h2>", "")),
    "origin_html: portfolio, h2: ",
  ],
  [
    "a page in English",
    asPage((text) => text.replace("Carteira do Dia", "Portfolio of the Day")),
    "origin_locale: portfolio, h2: ",
  ],
  [
    "a page that says it is in English",
    asPage((text) => text.replace("language=pt-br", "language=en-us")),
    "origin_locale: portfolio, a link: ",
  ],
  [
    "a page that says in capitals that it is in English",
    asPage((text) => text.replace("language=pt-br", "LANGUAGE=EN-US")),
    "origin_locale: portfolio, a link: ",
  ],
  [
    "a page of an index with too long a code",
    asPage((text) => text.replace("/day/IBOV?", "/day/IBOVESPA11?")),
    'origin_index: portfolio, a link: expected one to an index as /indexPage/day/IBOV, came "/indexPage/day/IBOVESPA11?language=pt-br".',
  ],
  ["a page of no index", asPage((text) => text.replace("/day/IBOV?", "/day/?")), "origin_index: portfolio, a link: "],
  ["a page without its totals", asPage((text) => text.replace(/<tfoot>[\s\S]*<\/tfoot>/, "")), "origin_html: "],
  [
    "a page without its reductor",
    asPage((text) => text.replace(/<tr><td colspan="3"> Redutor[\s\S]*?<\/tr>/, "")),
    "origin_html: portfolio, tfoot: expected two rows of totals, came 1: ",
  ],
  [
    "a page with another column",
    asPage((text) => text.replace("<th>Tipo</th>", "<th>Tipo</th><th>ISIN</th>")),
    "origin_columns: portfolio, thead: ",
  ],
  [
    "a page whose row lost a cell",
    asPage((text) => text.replace("<td>ASSAI</td>", "")),
    "origin_columns: portfolio, row 3: expected 5 cells, came 4.",
  ],
  ["two tables", asPage((text) => text + text), "origin_html: "],
])("%s is rejected whole, with what was expected and what came", async (_, make, fault) => {
  const came = await faultOf(make);
  expect(came.slice(0, fault.length)).toBe(fault);
  expect(came).toContain("Nothing of it was sent");
});

/** A weight, so many thousandths less. */
function lighter(part: string, by: number): string {
  const digits = String(Number(part.replace(",", "")) - by).padStart(4, "0");
  return `${digits.slice(0, -3)},${digits.slice(-3)}`;
}

describe("pages", () => {
  const page = (n: number, of = newest) => answer(of, (one) => one, n, 20);
  const all = [1, 2, 3, 4].map((n) => page(n));
  const other = smaller(newest, "IBOV", 77);
  const changed = (n: number, change: (one: Json) => unknown) => answer(newest, change, n, 20);

  test("all of them are the portfolio", async () => {
    expect((await read(pages(...all))).records).toEqual(expected(newest));
  });
  test.each<[string, Uint8Array[], string]>([
    ["the last one missing", all.slice(0, 3), "expected all 4 pages of it, came 3"],
    [
      "one in the middle missing",
      [all[0]!, all[2]!, all[3]!],
      "page 2 of 4: expected that page of the same 78 records",
    ],
    ["one twice", [all[0]!, all[0]!, all[2]!, all[3]!], "page 2 of 4: expected that page"],
    ["two exchanged", [all[1]!, all[0]!, all[2]!, all[3]!], "page 1 of 4: expected that page"],
    ["one more", [...all, all[3]!], "page 5 of 4: expected that page"],
    ["one of another portfolio", [all[0]!, page(2, other), all[2]!, all[3]!], "page 2 of 4: expected that page"],
    [
      "one of another day",
      [all[0]!, changed(2, (one) => ({ ...one, header: { ...one.header, date: "22/07/26" } })), all[2]!, all[3]!],
      "page 2 of 4: expected data 2026-07-21 as on page 1, came 2026-07-22: the pages are of two portfolios",
    ],
    [
      "one with another total",
      [all[0]!, changed(2, (one) => ({ ...one, header: { ...one.header, theoricalQty: "1" } })), all[2]!, all[3]!],
      "page 2 of 4: expected qtde_total 93321430230 as on page 1, came 1",
    ],
    [
      "one that is shorter",
      [all[0]!, changed(2, (one) => ({ ...one, results: one.results.slice(1) })), all[2]!, all[3]!],
      "page 2 of 4: expected 20 papers of 78, came 19",
    ],
  ])("with %s are rejected whole", async (_, answers, fault) => {
    const came = await faultOf(() => pages(...answers));
    expect(came).toContain("origin_page: portfolio");
    expect(came).toContain(fault);
  });
});
