import type { Check, Dataset } from "../core/dataset.ts";
import type { Span } from "../core/gaps.ts";
import { quote } from "./lake.ts";

// What `pregao gaps` asks the tables, in Trino's dialect.

/** The days, both included, and the paper that a person asks about. */
export type Asked = { from?: string | undefined; to?: string | undefined; ticker: string | null };

/** A dataset with sessions. */
export type WithSessions = Dataset & Required<Pick<Dataset, "sessions">>;

const day = (date: string): string => `DATE ${quote(date)}`;
const seriesOf = ({ sessions }: WithSessions): string => sessions.series ?? "CAST(NULL AS varchar)";

/** Every session of each series of the refined table, ascending: `serie`, `sessao`. With a ticker, those it is in. */
export const sessionsSql = (dataset: WithSessions, ticker: string | null): string => {
  const { table, column, ticker: paper } = dataset.sessions;
  return `SELECT ${seriesOf(dataset)} AS serie, CAST(${column} AS varchar) AS sessao
FROM ${table}
${ticker === null ? "" : `WHERE ${paper} = ${quote(ticker)}\n`}GROUP BY 1, 2
ORDER BY 1, 2`;
};

/** A series' days, and those of them that do not count. */
export type SeriesSpan = Span & { series: string | null; but: readonly string[] };

/** Each paper in these spans: `serie`, `papel`, `primeira`, `ultima`, `sessoes`. */
export const papersSql = (dataset: WithSessions, spans: readonly SeriesSpan[]): string => {
  const { table, column, ticker, series: by } = dataset.sessions;
  const within = spans.map(({ series, from, to, but }) =>
    [
      ...(series === null ? [] : [`${by} = ${quote(series)}`]),
      `${column} BETWEEN ${day(from)} AND ${day(to)}`,
      ...(but.length === 0 ? [] : [`${column} NOT IN (${but.map(day).join(", ")})`]),
    ].join(" AND "),
  );
  return `SELECT ${seriesOf(dataset)} AS serie, ${ticker} AS papel, CAST(min(${column}) AS varchar) AS primeira,
  CAST(max(${column}) AS varchar) AS ultima, count(DISTINCT ${column}) AS sessoes
FROM ${table}
WHERE (${within.join(")\n  OR (")})
GROUP BY 1, 2
ORDER BY 1, 2`;
};

/** Findings that are read of one check: who has more of them has one cause. */
const MOST = 1000;

/** What a check finds, the newest first: `sessao`, `ticker`, `detalhe`, and with each row `achados`, how many there are in all. */
export const checkSql = (
  { sql }: Check,
  asked: Asked,
): string => `SELECT CAST(sessao AS varchar) AS sessao, ticker, detalhe, count(*) OVER () AS achados
FROM (
${sql}
) perguntas
${within(asked)}ORDER BY 1 DESC, 2, 3
LIMIT ${MOST}`;

/** How many a check compares: `comparados`. */
export const comparedSql = (sql: string, asked: Asked): string => `SELECT count(*) AS comparados
FROM (
${sql}
) perguntas
${within(asked)}`;

/** What of a check's rows was asked for, as a line of its own. */
const within = ({ from, to, ticker }: Asked): string => {
  const only = [
    ...(from === undefined ? [] : [`sessao >= ${day(from)}`]),
    ...(to === undefined ? [] : [`sessao <= ${day(to)}`]),
    ...(ticker === null ? [] : [`ticker = ${quote(ticker)}`]),
  ];
  return only.length ? `WHERE ${only.join(" AND ")}\n` : "";
};
