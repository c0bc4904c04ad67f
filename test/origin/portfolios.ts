import { readFileSync } from "node:fs";

/** Index portfolios from the real samples, and the forms in which B3 gives them. Nothing here is read with the code under test. */

export const sample = {
  enUs: new URL("../fixtures/ibov/GetPortfolioDay_en-us_2025-04-07.json", import.meta.url),
  theoretical: new URL("../fixtures/ibov/GetTheoreticalPortfolio_pt-br_2022.json", import.meta.url),
  csv: new URL("../fixtures/ibov/IBOVDia_21-07-26.csv", import.meta.url),
  page: new URL("../fixtures/ibov/IBOV_carteira_do_dia_rendered_2024-12-26_page1of5.html", import.meta.url),
};

/** `part` in thousandths of a per cent, `reductor` in units of 10⁻⁸. */
export type Member = {
  ticker: string;
  name: string;
  type: string;
  segment: string | null;
  part: number;
  quantity: bigint;
};
export type Portfolio = { index: string; date: string; total: bigint; reductor: bigint; rows: Member[] };

const bare = (text: string): string => text.replaceAll(/[.,]/g, "");

type Answer = {
  header: { date?: string; reductor: string; theoricalQty: string };
  results: { cod: string; asset: string; type: string; part: string; theoricalQty: string; segment?: string }[];
};
const fromJson = (file: URL, date: string): Portfolio => {
  const { header, results } = JSON.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, "")) as Answer;
  return {
    index: "IBOV",
    date,
    total: BigInt(bare(header.theoricalQty)),
    reductor: BigInt(bare(header.reductor)),
    rows: results.map((row) => ({
      ticker: row.cod,
      name: row.asset,
      type: row.type,
      segment: row.segment ?? null,
      part: Number(bare(row.part)),
      quantity: BigInt(bare(row.theoricalQty)),
    })),
  };
};

const fromCsv = (file: URL, date: string): Portfolio => {
  const lines = readFileSync(file, "latin1").trimEnd().split(/\r?\n/);
  const rows = lines.slice(2, -2).map((line) => line.split(";"));
  return {
    index: "IBOV",
    date,
    total: BigInt(bare(lines.at(-2)!.split(";")[3]!)),
    reductor: BigInt(bare(lines.at(-1)!.split(";")[3]!)),
    rows: rows.map(([ticker, name, type, quantity, part]) => ({
      ticker: ticker!,
      name: name!,
      type: type!,
      segment: null,
      part: Number(bare(part!)),
      quantity: BigInt(bare(quantity!)),
    })),
  };
};

/** Ibovespa on the day of each sample that is whole, ascending. The quarter's of 2022 bears no date: it is given one. */
export const portfolios: readonly Portfolio[] = [
  fromJson(sample.theoretical, "2022-05-02"),
  fromJson(sample.enUs, "2025-04-07"),
  fromCsv(sample.csv, "2026-07-21"),
];
export const newest: Portfolio = portfolios.at(-1)!;

/** The first `members` of a portfolio as another index, whose total is theirs, and whose weights add up to 100. */
export const smaller = (of: Portfolio, index: string, members: number): Portfolio => {
  const rows = of.rows.slice(0, members);
  const weight = rows.reduce((sum, { part }) => sum + part, 0);
  const parts = rows.map(({ part }) => Math.floor((part * 100_000) / weight));
  parts[0]! += 100_000 - parts.reduce((sum, part) => sum + part, 0);
  return {
    ...of,
    index,
    total: rows.reduce((sum, { quantity }) => sum + quantity, 0n),
    rows: rows.map((row, i) => ({ ...row, part: parts[i]! })),
  };
};

export type Language = "pt-br" | "en-us";

const grouped = (digits: string, mark: string): string => digits.replaceAll(/\B(?=(\d{3})+$)/g, mark);
/** A number with so many decimals, as the language writes it. */
const written = (units: bigint | number, decimals: number, language: Language): string => {
  const [thousands, point] = language === "pt-br" ? [".", ","] : [",", "."];
  const digits = String(units).padStart(decimals + 1, "0");
  const whole = grouped(digits.slice(0, digits.length - decimals), thousands);
  return decimals ? `${whole}${point}${digits.slice(-decimals)}` : whole;
};
const dateIn = (date: string, language: Language): string => {
  const [year, month, day] = date.slice(2).split("-");
  return (language === "pt-br" ? [day, month, year] : [month, day, year]).join("/");
};

export type Asked = { index: string; language: Language; pageNumber: number; pageSize: number; segment?: string };

/** One page, in B3's spelling. `dated`: the portfolio of the day; the quarter's theoretical one has no date and no sectors. */
export const json = (of: Portfolio, { language, pageNumber, pageSize, segment }: Asked, dated = true) => {
  const sector = segment === "2";
  const acum = new Map<string | null, number>();
  for (const row of of.rows) acum.set(row.segment, (acum.get(row.segment) ?? 0) + row.part);
  const page = of.rows.slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
  return {
    page: { pageNumber, pageSize, totalRecords: of.rows.length, totalPages: Math.ceil(of.rows.length / pageSize) },
    header: {
      ...(dated ? { date: dateIn(of.date, language) } : {}),
      ...(dated ? { text: language === "pt-br" ? "Quantidade Teórica Total" : "Total Theorethical Quantity" } : {}),
      part: written(100_000, 3, language),
      ...(dated ? { partAcum: sector ? written(100_000, 3, language) : null } : {}),
      ...(dated ? { textReductor: language === "pt-br" ? "Redutor" : "Reductor" } : {}),
      reductor: written(of.reductor, 8, language),
      theoricalQty: written(of.total, 0, language),
    },
    results: page.map((row, i) => ({
      ...(dated ? { segment: sector ? row.segment : null } : {}),
      cod: row.ticker,
      asset: row.name,
      type: row.type,
      part: written(row.part, 3, language),
      ...(dated ? { partAcum: sector ? written(acum.get(row.segment)!, 3, language) : null } : {}),
      theoricalQty: written(row.quantity, 0, language),
      ...(dated ? {} : { cont: (pageNumber - 1) * pageSize + i + 1 }),
    })),
  };
};

/** The CSV's text; B3 sends its latin-1 bytes in base64. */
export const csv = (of: Portfolio, language: Language = "pt-br"): string => {
  const n = (units: bigint | number, decimals: number) => written(units, decimals, language);
  return [
    `${of.index} - Carteira do Dia ${dateIn(of.date, language)}`,
    "Código;Ação;Tipo;Qtde. Teórica;Part. (%)",
    ...of.rows.map((row) => `${row.ticker};${row.name};${row.type};${n(row.quantity, 0)};${n(row.part, 3)};`),
    `Quantidade Teórica Total;;;${n(of.total, 0)};${n(100_000, 3)}`,
    `Redutor;;;${n(of.reductor, 8)}`,
    "",
  ].join("\n");
};
export const csvBase64 = (of: Portfolio): string => Buffer.from(csv(of), "latin1").toString("base64");

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** The rendered page, in the sample's markup, with `size` rows of it from page `page` on. */
export const html = (of: Portfolio, { page = 1, size = 120 } = {}): string => {
  const table = /<tbody>[\s\S]*<\/tfoot>/;
  const n = (units: bigint | number, decimals: number) => written(units, decimals, "pt-br");
  const cells = (row: Member) =>
    `<tr><td>${row.ticker}</td><td>${escaped(row.name)}</td><td>${escaped(row.type)}</td><td class="text-right">${n(row.quantity, 0)}</td><td class="text-right">${n(row.part, 3)}</td></tr>`;
  const pages = Math.ceil(of.rows.length / size);
  return readFileSync(sample.page, "utf8")
    .replaceAll("26/12/24", dateIn(of.date, "pt-br"))
    .replace(/ 1 \/ 5 /, ` ${page} / ${pages} `)
    .replace(
      table,
      () =>
        `<tbody>${of.rows
          .slice((page - 1) * size, page * size)
          .map(cells)
          .join(
            "\n",
          )}</tbody><tfoot><tr><td colspan="3"> Quantidade Teórica Total </td><td class="text-right">${n(of.total, 0)}</td><td class="text-right">100,000</td></tr><tr><td colspan="3"> Redutor </td><td class="text-right">${n(of.reductor, 8)}</td><td></td></tr></tfoot>`,
    )
    .replaceAll(
      /<li>\s*<a tabindex="0"><span class="show-for-sr">page <\/span><span>(\d)<\/span><\/a>[\s\S]*?<\/li>/g,
      (item, number) => (Number(number) <= pages ? item : ""),
    )
    .replace(/<li class="pagination-next">/, page < pages ? "$&" : '<li class="pagination-next disabled">');
};

/** What a plain GET of the page has: an application that draws the table later. */
export const shell =
  '<!doctype html><html lang="pt-br"><head><meta charset="utf-8"><title>Carteira do Dia</title></head><body><app-root></app-root><script src="main.js"></script></body></html>';
