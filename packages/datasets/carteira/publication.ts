import type { Download, OriginRequest, Publication } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { saysNothing } from "../nothing.ts";
import { type Answer, archived, csvOf, MOST_ANSWER, MOST_PAGES, portfolioIn, textOf } from "./answers.ts";
import { objectOf } from "./json.ts";

const FOLDER = "https://sistemaswebb3-listados.b3.com.br/indexProxy/indexCall/";
/** The most rows that B3's own page asks for at once. */
const PAGE_ROWS = 120;
const CSV = "-csv";

/** What B3 is asked for: a JSON text in base64, whose letters are all plain in a path. */
type Asked = { url: string; request: Answer["request"] & Record<string, string | number> };

const ask = (call: string, request: Asked["request"]): Asked => ({
  url: `${FOLDER}${call}/${Buffer.from(JSON.stringify(request)).toString("base64")}`,
  request,
});

/** The request for a page of a download, 1 being the first. `segment` 2 is the portfolio with each paper's sector. */
const asked = ({ name }: Download, page: number): Asked =>
  name.endsWith(CSV)
    ? ask("GetDownloadPortfolioDay", { index: name.slice(0, -CSV.length), language: "pt-br" })
    : ask("GetPortfolioDay", {
        language: "pt-br",
        pageNumber: page,
        pageSize: PAGE_ROWS,
        index: name,
        segment: "2",
      });

const refused = (url: string, expected: string, text: string): PregaoError =>
  new PregaoError("not_portfolio", `expected ${expected} from ${url}, came ${JSON.stringify(text.slice(0, 60))}`, {
    url,
  });

/** That an answer has the shape of one; what it says, the format judges, once it is archived. */
const check = (url: string, csv: boolean, bytes: Uint8Array): void => {
  const text = textOf(bytes).trim();
  if (csv) {
    const inner = /^"[^"]*"$/.test(text) ? text.slice(1, -1) : text;
    if (!/^\s*[A-Z0-9]{4,8} - /.test(csvOf(inner))) throw refused(url, "the CSV of a portfolio in base64", text);
    return;
  }
  try {
    objectOf(text);
  } catch {
    throw refused(url, "a portfolio as JSON", text);
  }
};

const request = (of: Download, page: number): OriginRequest => {
  const { url } = asked(of, page);
  return {
    url,
    most: MOST_ANSWER,
    absent: saysNothing,
    check: (bytes) => check(url, of.name.endsWith(CSV), bytes),
  };
};

/** How many pages the first answer says there are; what it says amiss is the format's to refuse, and nothing is asked for it. */
const pagesOf = (answer: Uint8Array): number => {
  const { page } = objectOf(textOf(answer).trim()) as { page: { totalPages?: unknown } | null };
  const pages = Number(page?.totalPages);
  return Number.isInteger(pages) && pages > 0 && pages <= MOST_PAGES ? pages : 1;
};

/** B3's indexes by their codes: the broad ones, those of governance and sustainability, of factors, of sectors, of funds. */
const INDEXES = [
  ...["IBOV", "IBXX", "IBXL", "IBRA", "MLCX", "SMLL", "IVBX", "IDIV", "IBSD", "IBHB", "IBLV"],
  ...["IBEP", "IBEE", "IBEW", "IBBR", "IBBC", "IBBE", "IGCX", "IGCT", "IGNM", "ITAG", "ISEE", "ICO2", "IDVR", "GPTW"],
  ...["AGFS", "ICON", "IEEX", "IFNC", "IMAT", "IMOB", "INDX", "UTIL", "BDRX", "IFIX", "IFIL"],
];

const USUAL = ["IBOV"];

/** Index portfolios as B3 publishes them: of the current day alone, by JSON in pages, and as a CSV. */
export const publication: Publication = {
  means: "B3 publishes each index's portfolio for the day's opening, and has the current day's alone",
  history: 0,
  parts: { all: INDEXES, usual: USUAL },
  // None can be asked for by its session: the current one comes, whichever that is.
  downloads: (_, parts) =>
    (parts.length ? parts : USUAL).map((name) => ({
      name,
      sessions: [],
      otherwise: [{ name: `${name}${CSV}`, sessions: [], otherwise: [] }],
    })),
  // What the JSON's call answers with is its own trouble; to be left alone is said for the whole host.
  fallsBack: ({ code, details }) => code === "not_portfolio" || (code === "origin_status" && details.status !== 429),
  next: (download, answers) => {
    const pages = answers.length === 0 || download.name.endsWith(CSV) ? 1 : pagesOf(answers[0]!);
    return answers.length < pages ? request(download, answers.length + 1) : null;
  },
  bytes: (download, answers) =>
    archived(answers.map((answer, i) => ({ ...asked(download, i + 1), body: textOf(answer) }))),
  fromFile: (bytes, { part = null, session = null }) => {
    const { indice, data } = portfolioIn(bytes, { indice: part, data: session });
    // What says of itself which portfolio it is, is archived as it came.
    const own = saysAll(bytes);
    return own ? bytes : archived([{ url: null, request: { index: indice, session: data }, body: textOf(bytes) }]);
  },
};

/** Whether a file's bytes alone say all of its portfolio. */
const saysAll = (bytes: Uint8Array): boolean => {
  try {
    portfolioIn(bytes);
    return true;
  } catch {
    return false;
  }
};
