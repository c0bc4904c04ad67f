import { z } from "zod";
import { expected, fieldOf, show } from "../../core/issue.ts";
import { nestsDeeper, repeatedKey } from "../../core/message.ts";
import { day, label, number, REDUCTOR, TOTAL, word } from "./numbers.ts";
import { type Document, fault } from "./portfolio.ts";

const text = z.string();
/** What only some answers have: the portfolio of the day has a date, the quarter's has none; `partAcum` goes with sectors. */
const perhaps = text.nullish();

/** Fields of other names may be added beside these: each is read by its name. */
const answer = z.object({
  page: z.object({ pageNumber: z.int(), pageSize: z.int(), totalRecords: z.int(), totalPages: z.int() }),
  header: z.object({
    date: perhaps,
    text: perhaps,
    part: text,
    partAcum: perhaps,
    textReductor: perhaps,
    reductor: perhaps,
    theoricalQty: text,
  }),
  results: z.array(
    z.object({
      segment: perhaps,
      cod: text,
      asset: text,
      type: text,
      part: text,
      partAcum: perhaps,
      theoricalQty: text,
    }),
  ),
});

/**
 * The object in an answer's text, which may be JSON in a JSON string.
 * @throws PregaoError `origin_json` unless it is one with a page, a header and results
 */
export const objectOf = (body: string): Record<string, unknown> => {
  const parsed = (json: string): unknown => {
    try {
      return JSON.parse(json);
    } catch (error) {
      throw fault("origin_json", "", "JSON", `${show(json.slice(0, 60))}: ${(error as Error).message}`);
    }
  };
  const once = parsed(body);
  const json = typeof once === "string" ? once : body;
  const value = typeof once === "string" ? parsed(once) : once;
  const isAnswer =
    typeof value === "object" && value !== null && ["page", "header", "results"].every((k) => k in value);
  if (!isAnswer || nestsDeeper(value))
    throw fault("origin_json", "", "an object with page, header and results", show(value).slice(0, 80));
  const key = repeatedKey(json);
  if (key !== null) throw fault("origin_json", "", "each key once", `${show(key)} twice`);
  return value as Record<string, unknown>;
};

/** The answer of `GetPortfolioDay`, or of `GetTheoricalPortfolio`, which says neither day nor sectors. */
export const jsonDocument = (body: string): Document => {
  const value = objectOf(body);
  const checked = answer.safeParse(value);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const came = issue?.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
    throw fault("origin_columns", fieldOf(issue, "answer"), expected(issue).replace(/^expected /, ""), show(came));
  }
  const { page, header, results } = checked.data;
  if (header.text != null) word(header.text.trim(), TOTAL, "header.text");
  if (header.textReductor != null) word(header.textReductor.trim(), REDUCTOR, "header.textReductor");
  if (header.partAcum != null) number("weight", header.partAcum, "header.partAcum");
  return {
    indice: null,
    part_total: number("weight", header.part, "header.part"),
    qtde_total: number("quantity", header.theoricalQty, "header.theoricalQty"),
    redutor: header.reductor == null ? null : number("reductor", header.reductor, "header.reductor"),
    data: header.date == null ? null : day(header.date, "header.date"),
    papers: results.map((row, i) => {
      const where = `results.${i} (${show(row.cod)})`;
      if (row.partAcum != null) number("weight", row.partAcum, `${where}.partAcum`);
      return {
        codigo: label(row.cod, `${where}.cod`),
        acao: label(row.asset, `${where}.asset`),
        tipo: label(row.type, `${where}.type`),
        setor: row.segment == null || row.segment.trim() === "" ? null : label(row.segment, `${where}.segment`),
        qtde_teorica: number("quantity", row.theoricalQty, `${where}.theoricalQty`),
        part: number("weight", row.part, `${where}.part`),
      };
    }),
    page: { number: page.pageNumber, size: page.pageSize, records: page.totalRecords, pages: page.totalPages },
  };
};
