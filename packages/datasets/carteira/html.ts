import { load } from "cheerio/slim";
import { show } from "../../core/issue.ts";
import { COLUMNS, checkColumns } from "./csv.ts";
import { day, label, number, otherLocale, REDUCTOR, TOTAL, word } from "./numbers.ts";
import { type Document, fault } from "./portfolio.ts";

const SAVE =
  "Nothing of it was sent: choose 120 rows a page before saving it, or save the CSV that the page offers for download";

/**
 * The page of a portfolio as a browser shows it and saves it, or what a renderer gives of it. It holds one page of rows,
 * and totals of all of them: of a portfolio that is shown in several pages it is a part, and none is taken for the whole.
 */
export const htmlDocument = (html: string): Document => {
  const $ = load(html);
  const textsOf = (row: Parameters<typeof $>[0], cells: string): string[] =>
    $(row)
      .find(cells)
      .toArray()
      .map((cell) => $(cell).text());
  const tables = $("table").filter((_, table) => $(table).find("tfoot").length > 0);
  if (tables.length !== 1)
    throw fault(
      "origin_html",
      "",
      "a page with the table of one portfolio",
      `one with ${tables.length} such tables: without a browser B3's page has none`,
      SAVE,
    );
  const title = $("h2")
    .toArray()
    .map((heading) => $(heading).text().trim());
  const found = title.map((one) => /^Carteira do Dia - (\S+)$/.exec(one)?.[1]).filter((one) => one !== undefined);
  if (found.length !== 1) {
    const came = show(title.join(" / "));
    if (/portfolio/i.test(came)) throw otherLocale("h2", '"Carteira do Dia - DD/MM/YY"', came);
    throw fault("origin_html", "h2", 'one heading "Carteira do Dia - DD/MM/YY"', came, SAVE);
  }
  const data = day(found[0]!, "h2");
  checkColumns(
    textsOf(tables, "thead th").map((name) => name.trim()),
    "thead",
  );
  const rows = tables.find("tbody tr").toArray();
  const footers = tables
    .find("tfoot tr")
    .toArray()
    .map((row) => textsOf(row, "td").map((cell) => cell.trim()));
  const [totals, reductor] = footers;
  if (footers.length !== 2 || totals?.length !== 3 || !reductor || reductor.length < 2)
    throw fault("origin_html", "tfoot", "two rows of totals", `${footers.length}: ${show(footers)}`, SAVE);
  word(totals[0]!, TOTAL, "tfoot");
  word(reductor[0]!, REDUCTOR, "tfoot");
  const papers = rows.map((row, i) => {
    const cells = textsOf(row, "td");
    const where = `row ${i + 1}`;
    if (cells.length !== COLUMNS.length)
      throw fault("origin_columns", where, `${COLUMNS.length} cells`, `${cells.length}`, SAVE);
    const [codigo, acao, tipo, qtde, part] = cells.map((cell) => label(cell, where));
    return {
      codigo: codigo!,
      acao: acao!,
      tipo: tipo!,
      setor: null,
      qtde_teorica: number("quantity", qtde!, where),
      part: number("weight", part!, where),
    };
  });
  // "1 / 5", what the page shows of itself on a small screen.
  const [, page = "1", pages = "1"] = /^\s*(\d+)\s*\/\s*(\d+)\s*$/.exec($("li.small-screen").first().text()) ?? [];
  if (pages !== "1")
    throw fault(
      "origin_page",
      "",
      `all papers on one page, ${totals[1]} in quantity`,
      `page ${page} of ${pages}, ${papers.length} papers`,
      SAVE,
    );
  return {
    indice: indexOf($),
    data,
    qtde_total: number("quantity", totals[1]!, "tfoot"),
    part_total: number("weight", totals[2]!, "tfoot"),
    redutor: number("reductor", reductor[1]!, "tfoot"),
    papers,
    page: null,
  };
};

/** The index of the page's own address, which its link for the download repeats; null if it has none. */
const indexOf = ($: ReturnType<typeof load>): string | null => {
  const found = new Set<string>();
  for (const link of $('a[href*="/indexPage/day/" i]').toArray()) {
    const href = $(link).attr("href") ?? "";
    const [, indice, rest = ""] = /\/indexPage\/day\/([A-Z0-9]{4,8})(?:[?#](.*))?$/i.exec(href) ?? [];
    if (!indice) throw fault("origin_index", "a link", "one to an index as /indexPage/day/IBOV", show(href), SAVE);
    const language = /\blanguage=([a-z-]+)/i.exec(rest)?.[1];
    if (language && language.toLowerCase() !== "pt-br") throw otherLocale("a link", "language=pt-br", show(language));
    found.add(indice.toUpperCase());
  }
  if (found.size > 1) throw fault("origin_index", "", "the page of one index", show([...found]), SAVE);
  return [...found][0] ?? null;
};
