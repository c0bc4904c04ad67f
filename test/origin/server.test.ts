import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { bytesOf, fixture, read } from "../datasets/cotahist.ts";
import { bad } from "./bad.ts";
import { honest, status } from "./behaviours.ts";
import { type Asked, csv, html, json, portfolios, sample } from "./portfolios.ts";
import { COTAHIST, PORTFOLIO, type Recorded, recorded } from "./server.ts";
import { cotahistText, linesOfSession, realSessions } from "./sessions.ts";

let origin: Recorded | undefined;
afterEach(() => origin?.close());

const get = (url: string, headers: Record<string, string> = {}) =>
  fetch(`${origin!.mirror}/${url.replace("https://", "")}`, { headers });
const portfolio = (of: Partial<Asked> = {}, method = "GetPortfolioDay") =>
  `${PORTFOLIO}${method}/${Buffer.from(JSON.stringify({ language: "pt-br", pageNumber: 1, pageSize: 120, index: "IBOV", segment: "1", ...of })).toString("base64")}`;

test("the recorded portfolios are the real samples, to the letter", () => {
  const [theoretical, day, csvs] = portfolios;
  const real = JSON.parse(readFileSync(sample.enUs, "utf8"));
  const asked: Asked = { index: "IBOV", language: "en-us", pageNumber: 1, pageSize: 9999, segment: "2" };
  expect(json(day!, asked).header).toEqual(real.header);
  expect(json(day!, asked).page).toEqual(real.page);
  const own = ({ cod, asset, type, part, theoricalQty, segment }: Record<string, unknown>) => [
    cod,
    asset,
    type,
    part,
    theoricalQty,
    segment,
  ];
  expect(json(day!, asked).results.map(own)).toEqual(real.results.map(own));
  const quarter = JSON.parse(readFileSync(sample.theoretical, "utf8"));
  const again = json(theoretical!, { ...asked, language: "pt-br" }, false);
  expect([again.page, again.header, again.results.map(own)]).toEqual([
    quarter.page,
    quarter.header,
    quarter.results.map(own),
  ]);
  expect(Buffer.from(csv(csvs!), "latin1").equals(readFileSync(sample.csv))).toBe(true);
  expect(html(csvs!).match(/<tr>/g)).toHaveLength(1 + 78 + 2);
});

test("a session of all its lines is the real file, which the code reads as it reads that", async () => {
  const text = cotahistText(linesOfSession("2024-11-08", Number.POSITIVE_INFINITY), "2024-11-08");
  expect((await read(bytesOf(Buffer.from(text, "latin1")))).survey).toEqual((await read(fixture.day)).survey);
  expect(realSessions.slice(0, 12).flatMap((session) => linesOfSession(session, 1e6))).toHaveLength(104_390);
});

test("a daily, a monthly and a yearly file hold the same rows; what has not changed is 304, what was rewritten is not", async () => {
  origin = await recorded({ sessions: ["2023-01-02", "2023-01-03", "2023-02-01"], rows: 20 });
  const rowsOf = async (name: string) => {
    const answer = await get(`${COTAHIST}${name}.ZIP`);
    return [...(await read(bytesOf(new Uint8Array(await answer.arrayBuffer())))).survey.sessions];
  };
  expect(await rowsOf("D03012023")).toEqual([["2023-01-03", 20]]);
  expect(await rowsOf("M012023")).toEqual([
    ["2023-01-02", 20],
    ["2023-01-03", 20],
  ]);
  expect(await rowsOf("A2023")).toHaveLength(3);
  const { headers } = await get(`${COTAHIST}D03012023.ZIP`);
  const validators = { "if-none-match": headers.get("etag")! };
  const dated = { "if-modified-since": headers.get("last-modified")! };
  expect((await get(`${COTAHIST}D03012023.ZIP`, validators)).status).toBe(304);
  expect((await get(`${COTAHIST}D03012023.ZIP`, dated)).status).toBe(304);
  origin.publish("2023-01-03");
  expect((await get(`${COTAHIST}D03012023.ZIP`, validators)).status).toBe(200);
  expect((await get(`${COTAHIST}M012023.ZIP`, { ...validators, ...dated })).status).toBe(200);
  expect((await get(`${COTAHIST}D04012023.ZIP`)).status).toBe(404);
});

test("portfolios come in the pages, the language and the segments that are asked for", async () => {
  origin = await recorded({ pageRows: 40 });
  const page = async (of: Partial<Asked>) => (await get(portfolio(of))).json();
  const first = await page({});
  const second = await page({ pageNumber: 2 });
  expect([first.results.length, second.results.length, second.page]).toEqual([
    40,
    38,
    { pageNumber: 2, pageSize: 40, totalRecords: 78, totalPages: 2 },
  ]);
  expect(first.header).toMatchObject({ date: "21/07/26", theoricalQty: "93.321.430.230" });
  expect((await page({ language: "en-us" })).header).toMatchObject({
    date: "07/21/26",
    theoricalQty: "93,321,430,230",
  });
  expect(await (await get(portfolio({ index: "XXXX" }))).text()).toBe("");
  const download = await (await get(portfolio({}, "GetDownloadPortfolioDay"))).text();
  expect(createHash("sha256").update(Buffer.from(download, "base64")).digest("hex")).toBe(
    createHash("sha256").update(readFileSync(sample.csv)).digest("hex"),
  );
});

test("bad answers come in the order they were said, then the truth; each request is noted", async () => {
  origin = await recorded({ sessions: ["2023-01-02"], rows: 5 });
  origin.answer("D02012023", status(520), bad.stringTwice.behaviour, bad.fewerLines.behaviour, honest);
  const ask = async () => new Uint8Array(await (await get(`${COTAHIST}D02012023.ZIP`)).arrayBuffer());
  await ask();
  await ask();
  await expect(read(bytesOf(await ask()))).rejects.toMatchObject({ code: "origin_total" });
  expect((await read(bytesOf(await ask()))).survey.rows).toBe(5);
  expect(origin.asked.map(({ what, status }) => [what, status])).toEqual(
    [520, 200, 200, 200].map((code) => ["D02012023", code]),
  );
  await origin.seen("D02012023", 4);
});
