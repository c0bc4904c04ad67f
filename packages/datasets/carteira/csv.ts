import { show } from "../../core/issue.ts";
import { day, label, number, otherLocale, REDUCTOR, TOTAL, word } from "./numbers.ts";
import { type Document, fault } from "./portfolio.ts";

/** B3's own column names, of the download and of the rendered table. */
export const COLUMNS = ["Código", "Ação", "Tipo", "Qtde. Teórica", "Part. (%)"];

/** @throws PregaoError unless these are the columns, in their order. */
export const checkColumns = (names: readonly string[], where: string): void => {
  if (names.length === COLUMNS.length && COLUMNS.every((name, i) => names[i] === name)) return;
  const came = show(names.join(";"));
  if (/^(?:code|segment|sector)\b/i.test(names[0] ?? "")) throw otherLocale(where, `the columns ${COLUMNS}`, came);
  throw fault("origin_columns", where, `the columns ${show(COLUMNS.join(";"))}`, came);
};

/**
 * B3's CSV download: the index and the day, the column names, a line for each paper, and two lines of totals. There is
 * no quoting; the lines of papers end with one more semicolon. Blank lines at the end say nothing.
 */
export const csvDocument = (text: string): Document => {
  const lines = text.split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const [title = "", names = "", ...rest] = lines;
  const [, indice, date] = /^([A-Z0-9]{4,8}) - Carteira do Dia (\S+)$/.exec(title) ?? [];
  if (!indice || !date) {
    if (/^[A-Z0-9]{4,8} - .*(?:portfolio|day)/i.test(title))
      throw otherLocale("line 1", '"IBOV - Carteira do Dia DD/MM/YY"', show(title));
    throw fault("origin_csv", "line 1", '"IBOV - Carteira do Dia DD/MM/YY"', show(title));
  }
  const data = day(date, "line 1");
  checkColumns(names.replace(/;$/, "").split(";"), "line 2");
  const at = lines.length;
  if (rest.length < 2)
    throw fault("origin_csv", `line ${at}`, "papers and two lines of totals", "the end: it was cut short");
  /** The cells of a line of totals: what it is, two empty ones, and the values. */
  const footer = (text: string, line: number, portuguese: RegExp, like: string, cells: number): string[] => {
    const [name = "", second, third, ...values] = text.replace(/;$/, "").split(";");
    const where = `line ${line}`;
    if (second !== "" || third !== "" || values.length !== cells)
      throw fault("origin_csv", where, `a line of totals, "${like}"`, `${show(text)}: it was cut short`);
    word(name.trim(), portuguese, where);
    return values;
  };
  const [quantity, weight] = footer(rest.at(-2)!, at - 1, TOTAL, "Quantidade Teórica Total", 2);
  const [reductor] = footer(rest.at(-1)!, at, REDUCTOR, "Redutor", 1);
  return {
    indice,
    data,
    qtde_total: number("quantity", quantity!, `line ${at - 1}`),
    part_total: number("weight", weight!, `line ${at - 1}`),
    redutor: number("reductor", reductor!, `line ${at}`),
    papers: rest.slice(0, -2).map((line, i) => {
      const where = `line ${i + 3}`;
      const [codigo, acao, tipo, qtde, part, end, more] = line.split(";");
      if (part === undefined || (end !== undefined && end !== "") || more !== undefined)
        throw fault("origin_columns", where, `${COLUMNS.length} cells`, show(line));
      return {
        codigo: label(codigo!, where),
        acao: label(acao!, where),
        tipo: label(tipo!, where),
        setor: null,
        qtde_teorica: number("quantity", qtde!, where),
        part: number("weight", part, where),
      };
    }),
    page: null,
  };
};
