import { show } from "../../core/issue.ts";
import { fault } from "./portfolio.ts";

// B3 spells the same portfolio in two locales, and a value of one can be read in the other and be wrong: 2.663 % or 2,663
// papers, 4 July or 7 April. So each value must be spelled as pt-br does, and nothing is taken that could be en-us.

const kinds = {
  quantity: { ptBr: /^\d{1,3}(?:\.\d{3})*$/, enUs: /^\d{1,3}(?:,\d{3})+$/, like: "1.234.567" },
  weight: { ptBr: /^\d{1,3},\d{3}$/, enUs: /^\d{1,3}\.\d{3}$/, like: "3,157" },
  reductor: { ptBr: /^\d{1,3}(?:\.\d{3})*,\d{8}$/, enUs: /^\d{1,3}(?:,\d{3})*\.\d{8}$/, like: "16.186.814,49198993" },
} as const;

/** The refusal of another locale, by name. */
export const otherLocale = (where: string, expected: string, came: string): Error =>
  fault("origin_locale", where, `${expected}, as pt-br spells it`, `${came}: this is en-us`);

/**
 * A number spelled as pt-br does, canonical: no thousands marks, a decimal point, no zeros in front.
 * @throws PregaoError `origin_locale` if en-us spells it so, `origin_value` if nobody does
 */
export const number = (kind: keyof typeof kinds, text: string, where: string): string => {
  const { ptBr, enUs, like } = kinds[kind];
  if (ptBr.test(text))
    return text
      .replaceAll(".", "")
      .replace(",", ".")
      .replace(/^0+(?=\d)/, "");
  if (enUs.test(text)) throw otherLocale(where, `a ${kind} like ${like}`, show(text));
  throw fault("origin_value", where, `a ${kind} like ${like}`, show(text));
};

/** Days that exist, in a year of this century. */
const exists = (year: number, month: number, day: number): boolean => {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
};

/** `DD/MM/YY` as `YYYY-MM-DD`, of this century: no portfolio of the last one is known in this spelling, the oldest seen is of 2022. */
export const day = (text: string, where: string): string => {
  const [, first, second, year] = /^(\d\d)\/(\d\d)\/(\d\d)$/.exec(text) ?? [];
  if (year !== undefined) {
    const full = 2000 + Number(year);
    if (exists(full, Number(second), Number(first))) return `${full}-${second}-${first}`;
    if (exists(full, Number(first), Number(second))) throw otherLocale(where, "a day as DD/MM/YY", show(text));
  }
  throw fault("origin_date", where, "a day that exists, as DD/MM/YY", show(text));
};

const english = /theor\w*cal|reductor|quantity/i;

/** A text of the page itself, whose language tells the locale of the values beside it. */
export const word = (text: string, portuguese: RegExp, where: string): void => {
  if (portuguese.test(text)) return;
  if (english.test(text)) throw otherLocale(where, "Portuguese", show(text));
  throw fault("origin_columns", where, "the words that B3 has there in Portuguese", show(text));
};

export const TOTAL = /^quantidade te[óo]rica total$/i;
export const REDUCTOR = /^redutor$/i;

/** A text of one line, without the blanks around it. */
export const label = (text: string, where: string): string => {
  const trimmed = text.trim();
  if (trimmed === "" || /[\u0000-\u001f\u007f]/.test(trimmed))
    throw fault("origin_value", where, "a text of one line", show(text));
  return trimmed;
};
