import type { Bytes, FoundRecord, OriginFormat, Survey, WireRecord } from "../../core/dataset.ts";
import { show } from "../../core/issue.ts";
import { holdsAll } from "../../core/table.ts";
import { MOST, portfolioIn } from "./answers.ts";
import { fault, type Portfolio } from "./portfolio.ts";
import { laws, subject } from "./record.ts";
import { record as columns } from "./tables/raw.ts";

const holds = holdsAll({ ...columns });
/** No day of arrival is known here: that a portfolio is not of the future is asked where it is. */
const EVER = { day: "9999-12-31" };

/** A paper that the judge would refuse alone would leave a part of a portfolio: such a one is refused whole, here. */
const check = (record: WireRecord, i: number): void => {
  const where = `paper ${i + 1} (${show(record.codigo)})`;
  if (!holds(record)) throw fault("origin_value", where, "values that their columns can hold", show(record));
  for (const law of laws) {
    const broken = law.broken(record as Record<string, string>, EVER);
    if (broken) throw fault(law.code, where, `what the law ${law.code} says of a paper`, broken);
  }
};

const read = async (bytes: Bytes): Promise<{ version: string; data: string; records: WireRecord[] }> => {
  if (bytes.size > MOST) throw fault("too_large", "", `at most ${MOST} bytes`, `${bytes.size}`);
  const portfolio = portfolioIn(await bytes.read(0, bytes.size));
  const records = recordsOf(portfolio);
  records.forEach(check);
  return { version: versionOf(portfolio), data: portfolio.data, records };
};

/** Its papers as records, in the portfolio's own order. */
const recordsOf = ({ data, indice, redutor, qtde_total, part_total, papers }: Portfolio): WireRecord[] =>
  papers.map(({ codigo, acao, tipo, setor, qtde_teorica, part }) => ({
    data,
    indice,
    codigo,
    acao,
    tipo,
    setor,
    qtde_teorica,
    part,
    redutor,
    qtde_total,
    part_total,
  }));

/**
 * The day, and whether its papers have sectors: of one day's portfolio in two formats, the one that says more is the
 * better, whichever came last. The weights are of the day's opening and are not revised.
 */
const versionOf = ({ data, papers }: Portfolio): string => `${data}.${papers.some(({ setor }) => setor) ? 2 : 1}`;

const survey = async (bytes: Bytes, progress?: (done: number) => void): Promise<Survey> => {
  const { version, data, records } = await read(bytes);
  progress?.(bytes.size);
  return { version, rows: records.length, sessions: new Map([[data, records.length]]) };
};

async function* groups(bytes: Bytes): AsyncGenerator<{ subject: string; records: WireRecord[] }[]> {
  const { records } = await read(bytes);
  yield records.map((record) => ({
    subject: subject(record),
    records: [{ ...record, origin_rows: records.length }],
  }));
}

/** `line` is the paper's place in the portfolio, counted through all its pages. */
async function* find(bytes: Bytes, of: { subject: string; session: string }): AsyncGenerator<FoundRecord> {
  const { records } = await read(bytes);
  for (const [i, record] of records.entries())
    if (subject(record) === of.subject && record.data === of.session)
      yield { line: i + 1, record: { ...record, origin_rows: null } };
}

/** An index's portfolio of one day: archived answers, or a file in any of B3's three formats. */
export const portfolio: OriginFormat = { survey, groups, find };
