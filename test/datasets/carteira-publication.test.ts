import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { scheduleExpression } from "../../packages/core/cron.ts";
import type { Download, OriginRequest } from "../../packages/core/dataset.ts";
import { publication } from "../../packages/datasets/carteira/publication.ts";
import { schedule } from "../../packages/datasets/carteira/schedule.ts";
import { csv, csvBase64, json, newest, sample, shell, smaller } from "../origin/portfolios.ts";
import { expected, fileOf, given, read, utf8 } from "./carteira.ts";
import { latin1 } from "./cotahist.ts";

const [ibov] = publication.downloads([], []) as [Download];
const asCsv = ibov.otherwise[0]!;
const page = (pageNumber: number, pageSize = 120, of = newest) =>
  utf8(JSON.stringify(json(of, { index: of.index, language: "pt-br", pageNumber, pageSize, segment: "2" })));
/** What a request asks, as B3's server reads it. */
const asked = ({ url }: OriginRequest) => {
  const [, call, parameters] =
    /^https:\/\/sistemaswebb3-listados\.b3\.com\.br\/indexProxy\/indexCall\/(\w+)\/([\w=]+)$/.exec(url)!;
  return [call, Buffer.from(parameters!, "base64").toString()];
};

test("Ibovespa is fetched if none is named, any other by its name, each by CSV where it is not to be had as JSON", () => {
  expect(publication.downloads([], [])).toEqual([
    { name: "IBOV", sessions: [], otherwise: [{ name: "IBOV-csv", sessions: [], otherwise: [] }] },
  ]);
  const names = publication.downloads(["2026-07-21"], ["SMLL", "IFIX"]);
  expect(names.map(({ name, sessions }) => [name, sessions])).toEqual([
    ["SMLL", []],
    ["IFIX", []],
  ]);
  const every = publication.downloads([], publication.parts!.all).flatMap((one) => [one, ...one.otherwise]);
  expect(new Set(every.map(({ name }) => name)).size).toBe(2 * publication.parts!.all.length);
  for (const { name } of every) expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(publication.parts!.all).toEqual(expect.arrayContaining(["IBOV", "IBXX", "IBRA", "IDIV", "SMLL", "IFIX"]));
});

test("a portfolio is asked for in pt-br, with sectors, and page after page until all are there", () => {
  const first = publication.next(ibov, [])!;
  expect(asked(first)).toEqual([
    "GetPortfolioDay",
    '{"language":"pt-br","pageNumber":1,"pageSize":120,"index":"IBOV","segment":"2"}',
  ]);
  expect(Number.isInteger(first.most)).toBe(true);
  expect(publication.next(ibov, [page(1)])).toBeNull();
  const answers: Uint8Array[] = [];
  for (let next = publication.next(ibov, answers); next; next = publication.next(ibov, answers)) {
    expect(asked(next)[1]).toContain(`"pageNumber":${answers.length + 1},`);
    answers.push(page(answers.length + 1, 20));
  }
  expect(answers.length).toBe(4);
  expect(asked(publication.next(asCsv, [])!)).toEqual([
    "GetDownloadPortfolioDay",
    '{"index":"IBOV","language":"pt-br"}',
  ]);
  expect(publication.next(asCsv, [latin1(csvBase64(newest))])).toBeNull();
});

test("how many pages there are, if it is nonsense, is asked for of nobody: the format refuses it, archived", () => {
  for (const totalPages of [-1, 0, 1.5, 1e9, null, "all"]) {
    const answer = JSON.parse(Buffer.from(page(1)).toString());
    expect(
      publication.next(ibov, [utf8(JSON.stringify({ ...answer, page: { ...answer.page, totalPages } }))]),
    ).toBeNull();
  }
});

test("what B3 answers where it has nothing is absence; what is no portfolio by its shape is asked for again", () => {
  const json_ = publication.next(ibov, [])!;
  const csv_ = publication.next(asCsv, [])!;
  for (const { absent } of [json_, csv_]) {
    expect(absent!({ status: 404, bytes: utf8("{}") })).toBe(true);
    expect(absent!({ status: 200, bytes: utf8("") })).toBe(true);
    expect(absent!({ status: 200, bytes: utf8(shell) })).toBe(true);
    expect(absent!({ status: 520, bytes: utf8("") })).toBe(false);
  }
  expect(json_.absent!({ status: 200, bytes: page(1) })).toBe(false);
  expect(csv_.absent!({ status: 200, bytes: latin1(csvBase64(newest)) })).toBe(false);

  json_.check(page(1));
  json_.check(utf8(JSON.stringify(Buffer.from(page(1)).toString())));
  csv_.check(latin1(csvBase64(newest)));
  csv_.check(latin1(`"${csvBase64(newest)}"`));
  // What it says is the format's to judge, once it is archived.
  json_.check(fileOf(sample.enUs));
  const refuse = (request: OriginRequest, bytes: Uint8Array) =>
    expect(() => request.check(bytes)).toThrow(expect.objectContaining({ code: "not_portfolio" }));
  for (const text of ["{}", "[]", "null", "<html>", "\x01\x02", "", Buffer.from(page(1)).toString().slice(0, 500)])
    refuse(json_, utf8(text));
  for (const text of ["", "aGVsbG8=", "{}", "not base64 at all"]) refuse(csv_, utf8(text));
});

test("the archived bytes are the answers, to the character, and the same answers make the same bytes", async () => {
  const answers = [page(1, 50), page(2, 50)];
  const bytes = publication.bytes(ibov, answers);
  const lines = Buffer.from(bytes)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ body }) => body)).toEqual(answers.map((answer) => Buffer.from(answer).toString()));
  expect(lines[1]).toMatchObject({
    url: expect.stringContaining("/GetPortfolioDay/"),
    request: { index: "IBOV", language: "pt-br", pageNumber: 2, pageSize: 120, segment: "2" },
  });
  const digest = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
  expect(digest(publication.bytes(ibov, answers))).toBe(digest(bytes));
  expect((await read(bytes)).records).toEqual(expected(newest));
});

test("the CSV keeps each of its bytes in the archive, though they are no UTF-8", async () => {
  const text = csv(
    smaller({ ...newest, rows: newest.rows.map((row) => ({ ...row, name: `${row.name} Ação` })) }, "IBOV", 9),
  );
  const bytes = given(latin1(text));
  expect((await read(bytes)).records[0]!.acao).toBe("ALLOS Ação");
  const wrapped = publication.bytes(asCsv, [latin1(text)]);
  expect(Buffer.from(JSON.parse(Buffer.from(wrapped).toString()).body, "latin1")).toEqual(Buffer.from(latin1(text)));
});

test("a person's file is archived as it is if it says all; if not, once with what it is, however that was known", () => {
  const dated = page(1);
  const named = given(dated, "IBOV");
  expect(JSON.parse(Buffer.from(named).toString())).toEqual({
    url: null,
    request: { index: "IBOV", session: "2026-07-21" },
    body: Buffer.from(dated).toString(),
  });
  expect(given(dated, "IBOV", "2026-07-21")).toEqual(named);
  // What was archived can be ingested again, and stays what it is.
  expect(given(named)).toBe(named);
  expect(given(named, "IBOV", "2026-07-21")).toBe(named);
  expect(() => given(named, "SMLL")).toThrow(expect.objectContaining({ code: "origin_index" }));
  expect(() => given(named, "IBOV", "2026-07-22")).toThrow(expect.objectContaining({ code: "origin_date" }));
});

test("the clock looks while the day's session lasts: in the evening the next day's portfolio may have come", () => {
  for (const cron of [schedule.cron, schedule.last]) {
    expect(scheduleExpression(cron)).toContain("MON-FRI");
    for (const hour of cron.split(" ")[1]!.split(",").map(Number)) {
      expect(hour).toBeGreaterThanOrEqual(10);
      expect(hour).toBeLessThan(19);
    }
  }
  expect(schedule.last > schedule.cron).toBe(true);
});
