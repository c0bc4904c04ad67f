import type { Bad } from "./bad.ts";
import { altered, type Behaviour, csv, json, repacked, status, text } from "./behaviours.ts";

const enUs = (answer: string): string =>
  answer.replaceAll(/\d[\d.]*(,\d+)?/g, (n) => n.replaceAll(/[.,]/g, (mark) => (mark === "." ? "," : ".")));
const monthFirst = (date: string): string => date.replace(/^(\d\d)\/(\d\d)/, "$2/$1");

const all = <K extends string>(bad: Record<K, Bad>): Record<K, Bad> => bad;

/** Answers that come whole, and are not what they should be. */
export const files = all({
  cutZip: {
    means: "a zip without its directory",
    of: "zip",
    ends: "retried",
    code: "not_zip",
    behaviour: altered(({ bytes }) => ({ bytes: bytes.subarray(0, bytes.length - 30) })),
  },
  damaged: {
    means: "a zip with a byte of its data changed",
    of: "zip",
    ends: "rejected",
    code: "origin_zip",
    behaviour: altered(({ bytes }) => ({ bytes: bytes.map((byte, at) => (at === 200 ? byte ^ 0x10 : byte)) })),
  },
  fewerLines: {
    means: "a whole zip whose text lost its last record: the trailer counts one more",
    of: "zip",
    ends: "rejected",
    code: "origin_total",
    behaviour: repacked((all) => all.slice(0, -494) + all.slice(-247)),
  },
  columnMoved: {
    means: "changed columns: each record has one character more",
    of: "zip",
    ends: "rejected",
    code: "origin_line",
    behaviour: repacked((all) => all.replaceAll(/^(01.{22})/gm, "$1 ")),
  },
  headerOnly: {
    means: "a file with header and trailer alone",
    of: "zip",
    ends: "rejected",
    code: "origin_empty",
    behaviour: repacked((all) => all.slice(0, 247) + all.slice(-247).replace(/\d{11}(?= *\r\n$)/, "00000000002")),
  },
  csvInZip: {
    means: "changed columns: a zip with another table in it",
    of: "zip",
    ends: "rejected",
    code: "origin_header",
    behaviour: repacked(() => "RptDt;TckrSymb;MinPric\r\n2023-01-17;PETR4;23,10\r\n"),
  },

  sessionAhead: {
    means: "a whole file of a session that is yet to come",
    of: "zip",
    ends: "rejected",
    code: "future_session",
    behaviour: repacked((all) =>
      all.replaceAll(/^(00|99)(COTAHIST\.)\d{4}(BOVESPA )\d{4}/gm, "$1$22068$32068").replaceAll(/^01\d{4}/gm, "012068"),
    ),
  },

  stringTwice: {
    means: "JSON in a JSON string in a JSON string",
    of: "json",
    ends: "retried",
    code: "not_portfolio",
    behaviour: text((body) => JSON.stringify(JSON.stringify(body))),
  },
  negativePages: {
    means: "a negative totalPages",
    of: "json",
    ends: "rejected",
    code: "origin_page",
    behaviour: json((answer) => ({ ...answer, page: { ...answer.page, totalPages: -1 } })),
  },
  twentyRows: {
    means: "20 rows, as if they were all: the header's total tells",
    of: "json",
    ends: "rejected",
    code: "origin_total",
    behaviour: json((answer) => ({
      ...answer,
      page: { ...answer.page, totalPages: 1, totalRecords: 20 },
      results: answer.results.slice(0, 20),
    })),
  },
  fewerRows: {
    means: "fewer rows than totalRecords",
    of: "json",
    ends: "rejected",
    code: "origin_page",
    behaviour: json((answer) => ({ ...answer, results: answer.results.slice(1) })),
  },
  enUs: {
    means: "the en-us locale, though pt-br was asked for",
    of: "json",
    ends: "rejected",
    code: "origin_locale",
    behaviour: json(({ page, header, results }) => ({
      page,
      header: {
        ...header,
        date: monthFirst(header.date ?? ""),
        text: "Total Theorethical Quantity",
        textReductor: "Reductor",
        part: "100.000",
        reductor: enUs(header.reductor!),
        theoricalQty: enUs(header.theoricalQty!),
      },
      results: results.map((row) => ({ ...row, part: enUs(row.part!), theoricalQty: enUs(row.theoricalQty!) })),
    })),
  },
  oneEnUs: {
    means: "one number in the en-us locale",
    of: "json",
    ends: "rejected",
    code: "origin_locale",
    behaviour: json((answer) => ({
      ...answer,
      results: answer.results.map((row, i) => (i === 5 ? { ...row, theoricalQty: enUs(row.theoricalQty!) } : row)),
    })),
  },
  renamed: {
    means: "changed columns: a field under another name",
    of: "json",
    ends: "rejected",
    code: "origin_columns",
    behaviour: text((body) => body.replaceAll('"theoricalQty"', '"theoreticalQty"')),
  },
  nothing: {
    means: "null where a row's number failed",
    of: "json",
    ends: "rejected",
    code: "origin_columns",
    behaviour: json((answer) => ({
      ...answer,
      results: answer.results.map((row, i) => (i === 3 ? { ...row, part: null } : row)),
    })),
  },
  offByOne: {
    means: "a quantity that is one more: the header's total tells",
    of: "json",
    ends: "rejected",
    code: "origin_total",
    behaviour: json((answer) => ({
      ...answer,
      results: answer.results.map((row, i) =>
        i === 0 ? { ...row, theoricalQty: row.theoricalQty!.replace(/\d$/, (d) => String((Number(d) + 1) % 10)) } : row,
      ),
    })),
  },
  twice: {
    means: "a member twice, in another's place",
    of: "json",
    ends: "rejected",
    code: "origin_repeated",
    behaviour: json((answer) => ({
      ...answer,
      results: answer.results.map((row, i, rows) => (i === 1 ? rows[0] : row)),
    })),
  },
  emptyText: {
    means: "an empty JSON string: B3's own way to say that something failed",
    of: "json",
    ends: "retried",
    code: "not_portfolio",
    behaviour: text(() => '""'),
  },
  errorText: {
    means: "JSON that is an error's, with 200",
    of: "json",
    ends: "retried",
    code: "not_portfolio",
    behaviour: text(() => '{"status":500,"title":"Internal Server Error","traceId":"00-0"}'),
  },
  wrongWeight: {
    means: "weights that do not add up to 100",
    of: "json",
    ends: "rejected",
    code: "origin_total",
    behaviour: json((answer) => ({
      ...answer,
      results: answer.results.map((row, i) => (i === 2 ? { ...row, part: "9,999" } : row)),
    })),
  },
  notADay: {
    means: "a date that is no day",
    of: "json",
    ends: "rejected",
    code: "origin_date",
    behaviour: json((answer) => ({ ...answer, header: { ...answer.header, date: "31/02/26" } })),
  },
  yetToCome: {
    means: "a date that is yet to come",
    of: "json",
    ends: "rejected",
    code: "future_session",
    behaviour: json((answer) => ({ ...answer, header: { ...answer.header, date: "21/07/68" } })),
  },
  noDate: {
    means: "no date: the quarter's portfolio in place of the day's",
    of: "json",
    ends: "rejected",
    code: "origin_date",
    behaviour: json(({ header: { date: _, ...header }, ...answer }) => ({ ...answer, header })),
  },
  csvRow: {
    means: "a row less: the totals tell",
    of: "csv",
    ends: "rejected",
    code: "origin_total",
    behaviour: csv((all) => all.replace(/^ABEV3.*\n/m, "")),
  },
  csvEnd: {
    means: "an end without totals",
    of: "csv",
    ends: "rejected",
    code: "origin_csv",
    behaviour: csv((all) => all.replace(/^Quantidade[\s\S]*$/m, "")),
  },
  csvColumns: {
    means: "changed columns: two in each other's place",
    of: "csv",
    ends: "rejected",
    code: "origin_columns",
    behaviour: csv((all) => all.replace("Qtde. Teórica;Part. (%)", "Part. (%);Qtde. Teórica")),
  },
  csvColumn: {
    means: "changed columns: one more",
    of: "csv",
    ends: "rejected",
    code: "origin_columns",
    behaviour: csv((all) => all.replaceAll(/^([A-Z0-9]{5,6};)/gm, "$1X;")),
  },
  csvEnUs: {
    means: "the en-us locale",
    of: "csv",
    ends: "rejected",
    code: "origin_locale",
    behaviour: csv((all) => enUs(all)),
  },
  csvOther: {
    means: "another index's portfolio",
    of: "csv",
    ends: "rejected",
    code: "origin_index",
    behaviour: csv((all) => all.replace("IBOV - ", "IDIV - ")),
  },
  noRows: {
    means: "a header without rows",
    of: "json",
    ends: "rejected",
    code: "origin_page",
    behaviour: json((answer) => ({ ...answer, page: { ...answer.page, totalRecords: 0, totalPages: 0 }, results: [] })),
  },
});

/** What can be wrong with the second page of a portfolio, though it is a right one by itself. */
export const badPages: Record<string, { means: string; behaviour: Behaviour }> = {
  otherDay: {
    means: "of another day",
    behaviour: json((answer) => ({ ...answer, header: { ...answer.header, date: "20/07/26" } })),
  },
  otherTotal: {
    means: "of another total",
    behaviour: json((answer) => ({ ...answer, header: { ...answer.header, theoricalQty: "93.321.430.231" } })),
  },
  otherCount: {
    means: "of another number of rows",
    behaviour: json((answer) => ({ ...answer, page: { ...answer.page, totalRecords: 77 } })),
  },
  otherNumber: {
    means: "that says it is the first",
    behaviour: json((answer) => ({ ...answer, page: { ...answer.page, pageNumber: 1 } })),
  },
  noRows: { means: "without rows", behaviour: json((answer) => ({ ...answer, results: [] })) },
  fewer: { means: "with a row less", behaviour: json((answer) => ({ ...answer, results: answer.results.slice(1) })) },
  empty: { means: "that is nothing", behaviour: altered(() => ({ bytes: Buffer.alloc(0) })) },
  notFound: { means: "that is not there", behaviour: status(404) },
};
