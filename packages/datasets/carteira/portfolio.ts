import { PregaoError } from "../../core/errors.ts";

/** One paper as its document has it: texts without the blanks around them, numbers canonical. */
export type Paper = {
  codigo: string;
  acao: string;
  tipo: string;
  setor: string | null;
  qtde_teorica: string;
  part: string;
};

/** What a document says of which part of a portfolio it is. */
export type Page = { number: number; size: number; records: number; pages: number };

/** What one document states: an answer, a file or a page. Null is what it does not say. */
export type Document = {
  indice: string | null;
  /** `YYYY-MM-DD`. */
  data: string | null;
  redutor: string | null;
  qtde_total: string;
  part_total: string;
  papers: Paper[];
  page: Page | null;
};

/** An index's portfolio of one day, whole. */
export type Portfolio = Omit<Document, "page"> & { indice: string; data: string };

/** What is known of a portfolio beside its documents: what was asked for, or what a person says. */
export type Said = {
  indice: string | null;
  data: string | null;
  /** Whether a person says it of a file, who may be mistaken; else it is what the origin was asked for. */
  byPerson?: boolean;
};

const COME = "Nothing of it was sent: get it again, whole and in Portuguese (pt-br)";

/** A fault of a portfolio as a whole: the reason no paper of it may be sent. `where` in it, if that is known. */
export const fault = (code: string, where: string, expected: string, came: string, todo = COME): PregaoError =>
  new PregaoError(code, `portfolio${where && `, ${where}`}: expected ${expected}, came ${came}. ${todo}`, {
    ...(where ? { where } : {}),
    expected,
    came,
  });

/** The digits of a canonical decimal of a fixed scale, as units of its last place. */
const units = (decimal: string): bigint => BigInt(decimal.replace(".", ""));
const total = (values: readonly string[]): bigint => values.reduce((sum, value) => sum + units(value), 0n);
const thousandths = (value: bigint): string => {
  const digits = String(value).padStart(4, "0");
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
};

/** 100 % in thousandths, and what the rounding of some hundred weights can add up to (measured: 0.001 over 92). */
const WHOLE = 100_000n;
const ROUNDING = 10n;
const nearWhole = (weight: bigint): boolean => weight >= WHOLE - ROUNDING && weight <= WHOLE + ROUNDING;

/** The pages of an answer are all there, once each, in order, and say the same of what they are pages of. */
const checkPages = (documents: readonly Document[]): void => {
  const [first] = documents;
  const { page } = first!;
  if (!page) {
    if (documents.length > 1)
      throw fault("origin_page", "", "one document", `${documents.length} that do not say which page each is`);
    return;
  }
  const { size, records, pages } = page;
  if (records < 1 || size < 1 || pages !== Math.ceil(records / size))
    throw fault(
      "origin_page",
      "page",
      "as many pages as its records need, one at least",
      `totalRecords ${records}, pageSize ${size}, totalPages ${pages}`,
    );
  documents.forEach((document, i) => {
    const where = `page ${i + 1} of ${pages}`;
    const own = document.page;
    if (own?.number !== i + 1 || own.size !== size || own.records !== records || own.pages !== pages)
      throw fault("origin_page", where, `that page of the same ${records} records`, JSON.stringify(own));
    for (const name of ["indice", "data", "redutor", "qtde_total", "part_total"] as const)
      if (document[name] !== first![name])
        throw fault(
          "origin_page",
          where,
          `${name} ${first![name]} as on page 1`,
          `${document[name]}: the pages are of two portfolios`,
        );
    const due = Math.min(size, records - i * size);
    if (document.papers.length !== due)
      throw fault("origin_page", where, `${due} papers of ${records}`, `${document.papers.length}`);
  });
  if (documents.length !== pages)
    throw fault("origin_page", "", `all ${pages} pages of it`, `${documents.length}: a partial portfolio is none`);
};

const checkPapers = ({ papers, qtde_total, part_total }: Document): void => {
  if (papers.length === 0) throw fault("origin_empty", "", "at least one paper", "none");
  const seen = new Set<string>();
  for (const { codigo } of papers) {
    if (!/^[A-Z0-9]{4,12}$/.test(codigo)) throw fault("origin_value", "", "tickers like PETR4", JSON.stringify(codigo));
    if (seen.has(codigo)) throw fault("origin_repeated", codigo, "each paper once", "it twice");
    seen.add(codigo);
  }
  const quantity = total(papers.map((paper) => paper.qtde_teorica));
  if (quantity !== units(qtde_total))
    throw fault(
      "origin_total",
      "theoretical quantity",
      `${papers.length} papers that add up to the stated total, ${qtde_total}`,
      `${quantity}: some are missing, or it was edited`,
    );
  const weight = total(papers.map((paper) => paper.part));
  for (const [of, came] of [
    ["weights that add up to 100 ± 0.01", weight],
    ["a stated total of 100 ± 0.01", units(part_total)],
  ] as const)
    if (!nearWhole(came)) throw fault("origin_total", "weight in %", of, thousandths(came));
};

/** What a person is told who says of a file another index or day than it is of. */
export const mistaken = (option: string, stated: string): string =>
  `Nothing of it was sent: leave ${option} out, or say ${option} ${stated}, which is what it is of`;

const agreed = (
  code: string,
  what: string,
  said: string | null,
  stated: string | null,
  todo: string,
  option: string | null,
): string => {
  const known = stated ?? said;
  if (known === null) throw fault(code, "", `to know of which ${what} it is`, "a document that does not say", todo);
  if (said !== null && said !== known)
    throw option === null
      ? fault(code, "", `the ${what} that was asked for, ${said}`, `a document of ${known}`)
      : fault(code, "", `the ${what} that ${option} says, ${said}`, `a document of ${known}`, mistaken(option, known));
  return known;
};

/**
 * The portfolio that these documents are, its pages in order.
 * @throws PregaoError unless they are one portfolio of one day, whole: Σ quantity is exactly the stated total, Σ weight
 * is 100 ± 0.01, there are as many papers as it says, each once, and what it says of itself is what `said` says
 */
export const portfolioOf = (documents: readonly Document[], said: Said): Portfolio => {
  const [first] = documents;
  if (!first) throw fault("origin_empty", "", "a portfolio", "nothing");
  checkPages(documents);
  const { page: _, ...all } = { ...first, papers: documents.flatMap(({ papers }) => papers) };
  checkPapers({ ...all, page: null });
  const indice = agreed(
    "origin_index",
    "index",
    said.indice,
    all.indice,
    "Nothing of it was sent: for a file that you have, --only IBOV says it",
    said.byPerson ? "--only" : null,
  );
  const data = agreed(
    "origin_date",
    "day",
    said.data,
    all.data,
    "Nothing of it was sent: for a file that you have, --session YYYY-MM-DD says it",
    said.byPerson ? "--session" : null,
  );
  return { ...all, indice, data };
};
